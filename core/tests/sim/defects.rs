//! The open defects of Phoenix's tracker, as regression tests: here they must not be.
//!
//! Two of them are elsewhere. D5, that a failing `fetch` takes the presences of a shard with it, is not a
//! matter of the core, which has no `fetch`; the server's tests cover it. D7, that a merge goes through all
//! that is there, does not show in what nodes say: the module `looks` of the replica counts it.

use crate::network::{CHANGES, DIGEST, PULL};
use crate::scenario::{TOPIC, Told, owned};
use crate::world::World;
use herenow_core::replica::{MemberState, NodeFootprint, Output};

#[test]
fn d1_an_older_state_that_comes_after_a_newer_change_is_not_admitted_and_nobody_vanishes() {
    let mut world = World::new(3, 1);
    world.watch(1);
    world.run(1_200);
    world.come(0, 1, "first");
    world.run(1_200);

    // The second host keeps the first meta. The third begins to look: what it asks the first does not
    // get there, but it hears of a change whose beginning it lacks; then the second answers.
    world.network.cut(0, 1);
    world.network.hold = vec![(2, 0, PULL), (2, 1, DIGEST)];
    world.watch(2);
    world.run(10);
    world.come(0, 1, "second");
    let mut seen = Vec::new();
    world.watch_for(700, |world| seen.push(world.seen(2)));
    assert_eq!(world.seen(2), ["first"], "the second host's answer");
    assert!(
        world.network.release(world.now) > 0,
        "a question was held back"
    );
    world.network.mend();
    world.watch_for(3_000, |world| seen.push(world.seen(2)));
    seen.dedup();
    assert_eq!(seen, [owned(&[]), owned(&["first"]), owned(&["second"])]);
}

#[test]
fn d1_a_change_across_a_gap_is_not_merged_but_asked_for() {
    let mut world = World::watching(2);
    world.come(0, 1, "first");
    world.run(50);
    world.network.cut(0, 1);
    world.come(0, 1, "second");
    world.run(50);
    world.network.mend();
    // Of this one's change the second host lacks the beginning.
    world.come(0, 1, "third");
    let mut seen = Vec::new();
    world.watch_for(50, |world| seen.push(world.seen(1)));
    seen.dedup();
    assert_eq!(seen, [["first"], ["third"]]);
}

#[test]
fn d2_the_same_topic_channel_and_key_on_two_nodes_are_two_presences_on_all_nodes() {
    let mut world = World::watching(3);
    world.come(1, 7, "here");
    world.come(0, 7, "there");
    world.run(100);
    let lists: Vec<_> = (0..3)
        .map(|at| world.machine(at).shards[1].list(TOPIC))
        .collect();
    assert_eq!(world.seen(2), ["here", "there"]);
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0], lists[2]);
    world.go(0, 7);
    world.run(100);
    for at in 0..3 {
        assert_eq!(world.seen(at), ["here"]);
    }
}

#[test]
fn d3_a_thousand_restarts_leave_nothing_behind() {
    let mut world = World::watching(2);
    let before = world.machine(0).node.footprint();
    for restart in 0..1_000 {
        world.crash(1);
        world.start(1);
        world.come(1, 1, &format!("life {restart}"));
        world.run(20);
    }
    assert_eq!(world.seen(0), ["life 999"]);
    let machine = world.machine(0);
    assert_eq!(machine.node.footprint(), before);
    let footprint = machine.shards[1].footprint();
    assert_eq!((footprint.replicas, footprint.presences), (1, 1));
    assert!(footprint.places + footprint.slots < 40, "{footprint:?}");

    world.crash(1);
    world.run(60_000);
    let machine = world.machine(0);
    assert_eq!(machine.node.footprint(), NodeFootprint::default());
    assert_eq!(machine.shards[1].footprint().replicas, 0);
}

#[test]
fn d4_a_clock_that_is_set_takes_nobody_down() {
    let mut world = World::watching(3);
    world.come(0, 1, "somebody");
    world.run(100);
    for hour in 1..5 {
        world.jump(2, hour * 3_600_000);
        world.run(10);
        assert_eq!(world.seen(2), ["somebody"]);
        world.run(2_500);
    }
    for at in 0..3 {
        let is_down = |event: &Output| matches!(event, Output::Down(_));
        assert!(!world.machine(at).events.iter().any(is_down), "host {at}");
    }
}

#[test]
fn d6_a_removal_is_told_by_its_owner_only() {
    let mut world = World::watching(4);
    world.come(0, 1, "somebody");
    world.run(1_500);
    let said = |world: &World, at| world.network.count(at, CHANGES);
    let before: Vec<u64> = (0..4).map(|at| said(&world, at)).collect();
    world.go(0, 1);
    world.run(5_000);
    let after: Vec<u64> = (0..4).map(|at| said(&world, at)).collect();
    assert_eq!(
        after[0],
        before[0] + 3,
        "one message to each of the three others"
    );
    assert_eq!(after[1..], before[1..]);
}

#[test]
fn d10_what_comes_late_of_a_replica_that_is_down_is_kept_quiet_also_if_it_is_the_first_of_it() {
    let mut world = World::new(2, 1);
    world.come(0, 1, "somebody");
    world.run(1_200);
    world.network.hold = vec![(0, 1, CHANGES)];
    world.watch(1);
    world.run(50);
    world.stick(0);
    world.run(5_000);
    assert_eq!(world.state(1, 0), Some(MemberState::Down));
    assert!(
        world.network.release(world.now) > 0,
        "the answer was held back"
    );
    world.run(500);
    assert_eq!(world.machine(1).shards[1].footprint().presences, 1);
    assert_eq!(world.seen(1), owned(&[]));
    assert_eq!(world.told(1), Told::nothing());
    world.resume(0, true);
    world.run(2_000);
    assert_eq!(world.seen(1), ["somebody"]);
}

#[test]
fn d8_an_idle_node_says_one_thing_each_heartbeat_and_not_less_often_than_promised() {
    let mut world = World::watching(3);
    world.come(0, 1, "somebody");
    world.run(5_000);
    world.network.sent_by.clear();
    world.run(10 * world.config.heartbeat_ms);
    for at in 0..3 {
        let sent = world
            .network
            .sent_by
            .iter()
            .filter(|((sender, _), _)| *sender == at);
        let sent: Vec<_> = sent.map(|((_, kind), count)| (*kind, *count)).collect();
        assert_eq!(sent, [(DIGEST, 10 * 2)], "ten heartbeats to two others");
    }
}

#[test]
fn d9_an_answer_of_an_earlier_incarnation_is_ignored() {
    let mut world = World::new(2, 1);
    world.come(0, 1, "of the old life");
    world.run(1_200);
    world.network.hold = vec![(0, 1, CHANGES)];
    world.watch(1);
    world.run(50);
    world.crash(0);
    world.start(0);
    world.come(0, 1, "of the new life");
    world.run(50);
    assert!(
        world.network.release(world.now) > 0,
        "the answer was held back"
    );
    world.watch_for(2_000, |world| {
        assert!(!world.seen(1).contains(&"of the old life".to_owned()));
    });
    assert_eq!(world.seen(1), ["of the new life"]);
}

#[test]
fn d10_what_is_relayed_of_a_replica_that_is_down_is_kept_quiet_until_it_is_up() {
    let mut world = World::watching(3);
    world.come(0, 1, "early");
    world.run(50);
    world.network.cut(0, 2);
    world.come(0, 2, "late");
    // The third host asks the second, whose answer is held back until the first is down.
    world.network.hold = vec![(1, 2, CHANGES)];
    world.run(2_500);
    world.stick(0);
    world.run(5_000);
    assert_eq!(world.state(2, 0), Some(MemberState::Down));
    assert_eq!(world.seen(2), owned(&[]));
    world.told(2);
    assert!(
        world.network.release(world.now) > 0,
        "the answer was held back"
    );
    world.run(500);
    assert_eq!(world.told(2), Told::nothing());
    assert_eq!(world.seen(2), owned(&[]));
    assert_eq!(
        world.machine(2).shards[1].footprint().presences,
        2,
        "both are kept"
    );
    world.network.mend();
    world.resume(0, true);
    world.run(2_000);
    assert_eq!(world.told(2), Told::joins(&["early", "late"]));
}
