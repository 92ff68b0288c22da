//! The open defects of Phoenix's tracker, as regression tests: here they must not be.
//!
//! One of them is not a matter of the core: D5, that a failing `fetch` takes the presences of a shard
//! with it. The core has no `fetch`; the server's tests cover it.

use crate::network::{CHANGES, DIGEST, PULL};
use crate::scenario::{TOPIC, Told, owned};
use crate::world::World;
use herenow_core::replica::{
    ChannelId, MemberState, Node, NodeConfig, NodeFootprint, Output, ReplicaId, Shard, ShardConfig,
};
use std::ops::Range;
use std::time::{Duration, Instant};

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

/// A node with its one shard.
struct Alone {
    id: ReplicaId,
    node: Node,
    shards: Vec<Shard>,
}

impl Alone {
    fn new(name: &str) -> Self {
        let id = ReplicaId::new(name, 1);
        let config = NodeConfig {
            shards: 1,
            ..NodeConfig::default()
        };
        Self {
            node: Node::new(0, id.clone(), config).expect("settings that work"),
            shards: vec![Shard::new(id.clone(), 0, ShardConfig::default())],
            id,
        }
    }

    fn track(&mut self, now: u64, channels: Range<u64>) {
        for channel in channels {
            let key = format!("key {channel}");
            let tracked = self.shards[0].track(now, TOPIC, ChannelId(channel), &key, "{}");
            tracked.expect("it is new");
        }
        self.node.changed(now, 0, &mut self.shards);
    }

    /// Says to the other what it has to say.
    fn tell(&mut self, now: u64, other: &mut Self) {
        self.node.handle_timeout(now, &mut self.shards);
        while let Some(output) = self.node.poll() {
            if let Output::Send { bytes, .. } = output {
                let told = other.node.handle(now, &self.id, &bytes, &mut other.shards);
                assert_eq!(told, Ok(()));
            }
        }
        while self.shards[0].poll_diff(now).is_some() {}
    }
}

/// How long it takes to merge some changes into a shard with so many presences of others.
fn merging(presences: u64) -> Duration {
    const CHANGED: u64 = 50;
    let (mut owner, mut copy) = (Alone::new("owner"), Alone::new("copy"));
    copy.node.want(0, 0);
    owner.track(0, 0..presences);
    for now in 0..4 {
        owner.tell(now, &mut copy);
        copy.tell(now, &mut owner);
    }
    assert_eq!(copy.shards[0].counts(TOPIC).metas as u64, presences);
    let rounds = (1..15).map(|round| {
        let (now, start) = (round * 100, presences + round * CHANGED);
        owner.track(now, start..start + CHANGED);
        let started = Instant::now();
        owner.tell(now, &mut copy);
        started.elapsed()
    });
    let quickest = rounds.min().expect("some rounds");
    assert_eq!(
        copy.shards[0].counts(TOPIC).metas as u64,
        presences + 14 * CHANGED
    );
    quickest
}

#[test]
fn d7_a_merge_costs_what_it_changes_and_not_what_is_there() {
    let (few, many) = (merging(500), merging(32_000));
    assert!(
        many < few * 8,
        "64 times the presences: {few:?} became {many:?}"
    );
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
