//! The properties that Phoenix's own tests state of its tracker, where they make sense here. The
//! letters and numbers are those of the specification (section 2.6).
//!
//! Elsewhere: S2, S10, S11, R8, R9, R10, R13 and R14 are about one shard's own presences
//! (`replica_track`, `replica_diff`); G4, G5 and S16 about what a shard answers (`merge/tests.rs`, where
//! it is a log or a list of what is kept); the two start errors about settings (`node/config.rs`).
//!
//! Not here, because there is nothing that they could be about:
//! * S14, S15, S17, S18, the six of the clock, G1, G2, G3, G6 and G7: clouds of dots, their deltas and
//!   generations. A presence has one writer, and changes that leave a gap are not merged.
//! * R9's and R10's links between processes, R17 and R18: callbacks and processes are the server's.

use crate::network::{CHANGES, DIGEST, PULL, Weather};
use crate::scenario::{TOPIC, Told, owned};
use crate::world::World;
use herenow_core::replica::{MemberState, NodeConfig, Output};

#[test]
fn s1_a_fresh_replica_has_nothing_to_tell() {
    let mut world = World::watching(2);
    world.run(3_000);
    for at in 0..2 {
        assert_eq!(world.network.count(at, CHANGES), 0);
        assert_eq!(world.network.count(at, PULL), 0);
    }
}

#[test]
fn s3_s4_a_merge_announces_exactly_what_it_changed_and_the_same_again_nothing() {
    let mut world = World::watching(2);
    world.network.weather = Weather {
        doubled: 100,
        ..Weather::FAIR
    };
    world.come(0, 1, "one");
    world.come(0, 2, "two");
    world.run(100);
    assert_eq!(world.told(1), Told::joins(&["one", "two"]));
    world.go(0, 1);
    world.run(3_000);
    assert_eq!(world.told(1), Told::leaves(&["one"]));
}

#[test]
fn s5_two_that_heard_each_other_list_the_same() {
    let mut world = World::watching(2);
    world.come(0, 1, "one");
    world.come(1, 1, "other");
    world.run(100);
    assert_eq!(world.seen(0), ["one", "other"]);
    let lists: Vec<_> = (0..2)
        .map(|at| world.machine(at).shards[1].list(TOPIC))
        .collect();
    assert_eq!(lists[0].metas_len(), lists[1].metas_len());
    assert_eq!(lists[0], lists[1]);
}

#[test]
fn s6_r11_r12_an_update_is_one_join_that_names_the_ref_before_and_one_leave_in_one_diff() {
    let mut world = World::watching(2);
    world.come(0, 1, "old");
    world.run(100);
    let old = world.machine(1).shards[1].get_by_key(TOPIC, "a")[0].clone();
    world.told(1);
    world.come(0, 1, "new");
    world.run(100);
    let diffs = &world.machine(1).diffs;
    assert_eq!(diffs.len(), 1);
    let (joins, leaves) = (diffs[0].joins.iter().next(), diffs[0].leaves.iter().next());
    let (joined, left) = (&joins.expect("a join").1[0], &leaves.expect("a leave").1[0]);
    assert_eq!(*left, old);
    let old_ref = &old[12..28];
    assert!(
        joined.contains(&format!(r#""phx_ref_prev":"{old_ref}""#)),
        "{joined}"
    );
    assert_eq!(
        world.told(1),
        Told {
            joins: owned(&["new"]),
            leaves: owned(&["old"])
        }
    );
    world.run(3_000);
    assert_eq!(world.told(1), Told::nothing());
}

#[test]
fn s7_r5_r7_who_is_cut_off_is_hidden_and_kept_and_comes_back_with_the_same_refs() {
    let mut world = World::watching(3);
    world.come(0, 1, "somebody");
    world.come(1, 1, "else");
    world.run(100);
    let before = world.machine(2).listed(TOPIC);
    world.told(2);
    world.isolate(0);
    world.run(world.config.down_after_ms + 100);
    assert_eq!(world.told(2), Told::leaves(&["somebody"]));
    assert_eq!(world.seen(2), ["else"]);
    assert_eq!(world.seen(0), ["somebody"], "each side sees its own");
    assert_eq!(world.state(2, 0), Some(MemberState::Down));
    assert_eq!(world.machine(2).shards[1].footprint().presences, 2);

    world.network.mend();
    world.run(1_500);
    assert_eq!(world.told(2), Told::joins(&["somebody"]));
    assert_eq!(world.machine(2).listed(TOPIC), before);
    assert_eq!(world.state(2, 0), Some(MemberState::Up));
    assert_eq!(world.seen(0), ["else", "somebody"]);
}

#[test]
fn s8_s9_between_two_that_are_split_joins_and_leaves_pass_through_a_third() {
    let mut world = World::watching(3);
    world.network.cut(0, 2);
    world.network.cut(2, 0);
    world.come(0, 1, "somebody");
    world.run(3_000);
    assert_eq!(world.seen(2), ["somebody"]);
    assert_eq!(world.state(2, 0), Some(MemberState::Up));
    world.go(0, 1);
    world.run(3_000);
    assert_eq!(world.seen(2), owned(&[]));
}

#[test]
fn s8_the_third_may_look_at_something_else_and_then_hands_the_question_on() {
    let mut world = World::new(3, 1);
    world.watch(2);
    world.network.cut(0, 2);
    world.network.cut(2, 0);
    world.come(0, 1, "somebody");
    world.run(4_000);
    assert_eq!(world.seen(2), ["somebody"]);
    assert_eq!(world.machine(1).shards[1].footprint().presences, 0);
}

#[test]
fn s8_a_link_that_carries_one_way_only_heals_through_a_third_in_both_directions() {
    for (from, to) in [(0, 2), (2, 0)] {
        let mut world = World::watching(3);
        world.network.cut(from, to);
        world.come(0, 1, "somebody");
        world.come(2, 1, "else");
        world.run(4_000);
        for at in 0..3 {
            assert_eq!(
                world.seen(at),
                ["else", "somebody"],
                "host {at}, no way from {from} to {to}"
            );
        }
    }
}

#[test]
fn s12_of_several_replicas_exactly_those_are_hidden_that_are_down() {
    let mut world = World::watching(4);
    for (at, name) in [(0, "a"), (1, "b"), (2, "c"), (3, "d")] {
        world.come(at, 1, name);
    }
    world.run(100);
    assert_eq!(world.seen(3), ["a", "b", "c", "d"]);
    world.isolate(0);
    world.run(4_000);
    assert_eq!(world.seen(3), ["b", "c", "d"]);
    world.isolate(1);
    world.run(4_000);
    assert_eq!(world.seen(3), ["c", "d"]);
}

#[test]
fn s13_r5_who_was_forgotten_is_gone_with_all_it_had_and_fetched_anew_if_it_returns() {
    let mut world = World::watching(2);
    world.come(0, 1, "somebody");
    world.run(100);
    world.isolate(0);
    world.run(world.config.permdown_after_ms + 5_000);
    assert_eq!(world.state(1, 0), None);
    let footprint = world.machine(1).shards[1].footprint();
    assert_eq!((footprint.presences, footprint.replicas), (0, 0));
    world.network.mend();
    world.run(1_500);
    assert_eq!(world.seen(1), ["somebody"]);
}

#[test]
fn r1_heartbeats_keep_coming_whatever_else_is_said() {
    let mut world = World::watching(2);
    world.network.sent_by.clear();
    for second in 0..10 {
        world.come(0, second, "somebody");
        world.run(1_000);
    }
    assert_eq!(world.network.count(0, DIGEST), 10);
}

#[test]
fn r2_a_new_node_learns_of_all_and_lists_them_before_its_first_reader_is_served() {
    let mut world = World::new(3, 1);
    world.come(0, 1, "one");
    world.come(1, 1, "other");
    world.run(100);
    world.crash(2);
    world.start(2);
    world.watch(2);
    let begin = world.now;
    world.watch_for(100, |world| {
        let (now, machine) = (world.now, world.machine(2));
        if machine.node.is_ready(1) {
            assert_eq!(machine.listed(TOPIC).len(), 2, "after {} ms", now - begin);
        }
    });
    assert!(world.machine(2).node.is_ready(1), "within 100 ms");
}

#[test]
fn r2_without_anybody_else_the_first_reader_waits_no_longer_than_allowed() {
    let mut world = World::new(1, 1);
    world.watch(0);
    assert!(!world.machine(0).node.is_ready(1));
    world.run(world.config.ready_timeout_ms);
    assert!(world.machine(0).node.is_ready(1));
    world.with(0, |machine, now| machine.subscribe(now, "u"));
    assert!(
        world.machine(0).node.is_ready(0),
        "by now it is known that there is nobody"
    );
}

#[test]
fn r3_only_the_owner_is_asked_and_once() {
    let mut world = World::new(4, 1);
    (1..3).for_each(|at| world.watch(at));
    world.run(1_200);
    world.come(0, 1, "somebody");
    world.run(100);
    world.network.sent_by.clear();
    world.watch(3);
    world.run(3_000);
    assert_eq!(world.seen(3), ["somebody"]);
    assert_eq!(world.network.count(3, PULL), 1);
    assert_eq!(
        [0, 1, 2].map(|at| world.network.count(at, CHANGES)),
        [1, 0, 0]
    );
}

#[test]
fn r4_after_a_crash_and_a_restart_nothing_of_the_old_life_is_on_any_node() {
    let mut world = World::watching(3);
    world.come(0, 1, "old");
    world.run(100);
    world.crash(0);
    world.start(0);
    world.watch(0);
    world.run(100);
    for at in 0..3 {
        assert_eq!(world.seen(at), owned(&[]));
    }
    world.come(0, 1, "new");
    world.run(100);
    for at in 0..3 {
        assert_eq!(world.seen(at), ["new"]);
    }
}

#[test]
fn r5_a_node_that_hangs_goes_down_and_comes_back_without_ghosts_or_flicker() {
    let mut world = World::watching(3);
    world.come(0, 1, "stays");
    world.come(0, 2, "leaves");
    world.come(1, 1, "else");
    world.run(100);
    for timers_first in [true, false] {
        world.stick(0);
        world.run(world.config.down_after_ms + 100);
        assert_eq!(world.seen(2), ["else"]);
        world.told(0);
        world.told(2);
        world.go(0, 2);
        world.resume(0, timers_first);
        world.run(2_000);
        assert_eq!(world.seen(2), world.seen(0));
        assert_eq!(
            world.told(0),
            Told::nothing(),
            "it blames nobody else for its own sleep"
        );
        assert_eq!(world.told(2).leaves, owned(&[]), "nobody flickers");
    }
}

#[test]
fn r5_a_node_that_hung_until_the_others_forgot_brings_nobody_back_to_them() {
    let mut world = World::watching(3);
    world.come(2, 1, "somebody");
    world.run(100);
    world.stick(0);
    world.stop(2);
    world.run(world.config.permdown_after_ms + 1_000);
    for timers_first in [true, false] {
        world.resume(0, timers_first);
        world.watch_for(5_000, |world| assert_eq!(world.seen(1), owned(&[])));
    }
    assert_eq!(world.seen(0), owned(&[]));
}

#[test]
fn r5_what_a_node_that_hung_brings_back_of_one_that_died_is_gone_again_in_time() {
    let mut world = World::watching(3);
    world.come(2, 1, "somebody");
    world.run(100);
    world.stick(0);
    // Heartbeats wait for it, and it cannot tell how old they are.
    world.run(1_500);
    world.crash(2);
    world.run(world.config.permdown_after_ms + 5_000);
    assert_eq!(world.state(1, 2), None, "it is forgotten");
    world.resume(0, false);
    world.run(world.config.down_after_ms + world.config.heartbeat_ms);
    for at in 0..2 {
        assert_eq!(world.seen(at), owned(&[]), "host {at}");
    }
}

#[test]
fn r5_who_left_while_its_node_was_cut_off_does_not_flicker_up_when_it_returns() {
    let mut world = World::watching(2);
    world.come(0, 1, "stays");
    world.come(0, 2, "leaves");
    world.run(100);
    world.isolate(0);
    world.run(5_000);
    world.go(0, 2);
    world.told(1);
    world.network.mend();
    world.watch_for(3_000, |world| {
        assert!(!world.seen(1).contains(&"leaves".to_owned()));
    });
    assert_eq!(world.told(1), Told::joins(&["stays"]));
}

#[test]
fn r6_local_and_remote_changes_are_announced_alike() {
    let mut world = World::watching(2);
    for at in 0..2 {
        world.come(at, 1, "somebody");
        world.run(100);
        assert_eq!(world.told(0), Told::joins(&["somebody"]));
        assert_eq!(world.told(1), Told::joins(&["somebody"]));
        world.go(at, 1);
        world.run(100);
        assert_eq!(world.told(0), Told::leaves(&["somebody"]));
        assert_eq!(world.told(1), Told::leaves(&["somebody"]));
    }
}

#[test]
fn r7_a_crash_is_noticed_in_time_even_by_those_who_know_of_it_from_others_only() {
    let mut world = World::watching(3);
    world.network.cut(0, 2);
    world.network.cut(2, 0);
    world.come(0, 1, "somebody");
    world.run(4_000);
    world.crash(0);
    world.run(world.config.down_after_ms);
    for at in 1..3 {
        assert_eq!(world.seen(at), owned(&[]), "host {at}");
    }
}

#[test]
fn r7_a_lost_link_is_noticed_sooner_unless_somebody_else_hears_the_replica() {
    let mut world = World::watching(3);
    world.come(0, 1, "somebody");
    world.run(100);
    let hint = |world: &mut World, at: usize| {
        let lost = world.machine(0).node.replica().clone();
        world.with(at, |machine, now| machine.node.link_lost(now, &lost));
    };
    world.network.cut(0, 2);
    hint(&mut world, 2);
    world.run(3_000);
    assert_eq!(world.seen(2), ["somebody"], "the second host hears it");
    world.isolate(0);
    hint(&mut world, 1);
    hint(&mut world, 2);
    world.run(world.config.link_lost_after_ms + 1);
    assert_eq!(world.seen(1), owned(&[]));
    assert_eq!(world.seen(2), owned(&[]));
}

#[test]
fn r15_who_says_goodbye_is_gone_at_once_and_for_good_on_all_nodes() {
    let mut world = World::watching(3);
    world.network.cut(0, 2);
    world.come(0, 1, "somebody");
    world.run(3_000);
    world.stop(0);
    world.run(10);
    assert_eq!(world.seen(1), owned(&[]));
    assert_eq!(world.state(1, 0), None);
    world.run(1_000);
    assert_eq!(world.seen(2), owned(&[]), "the second host passes it on");
    assert_eq!(world.state(2, 0), None);
}

#[test]
fn r15_late_messages_do_not_bring_back_who_said_goodbye() {
    let mut world = World::watching(2);
    world.come(0, 1, "somebody");
    world.network.hold = vec![(0, 1, DIGEST)];
    world.run(2_000);
    world.stop(0);
    world.run(100);
    assert!(
        world.network.release(world.now) > 0,
        "digests were held back"
    );
    world.run(100);
    assert_eq!(world.state(1, 0), None);
}

#[test]
fn r16_a_rolling_restart_asks_the_nodes_that_stay_once_each_time() {
    let mut world = World::watching(3);
    world.come(0, 1, "stays");
    world.run(100);
    for at in 1..3 {
        world.crash(at);
        world.run(500);
        world.network.sent_by.clear();
        world.start(at);
        world.watch(at);
        world.run(5_000);
        assert_eq!(world.seen(at), ["stays"]);
        assert_eq!(world.network.count(at, PULL), 1);
        assert_eq!(world.network.count(0, CHANGES), 1);
    }
}

#[test]
fn up_down_and_forgotten_are_told_in_order() {
    let mut world = World::watching(2);
    world.isolate(0);
    world.run(5_000);
    world.network.mend();
    world.run(1_500);
    world.isolate(0);
    world.run(30_000);
    let replica = world.machine(0).node.replica().clone();
    let events = &world.machine(1).events;
    let down = || Output::Down(replica.clone());
    let up = || Output::Up(replica.clone());
    assert_eq!(
        *events,
        [
            up(),
            down(),
            up(),
            down(),
            Output::Forgotten(replica.clone())
        ]
    );
}

#[test]
fn it_works_alike_with_one_shard_and_with_many() {
    for shards in [1, 8, 512] {
        let config = NodeConfig {
            shards,
            max_message_bytes: 60_000,
            ..crate::world::config()
        };
        let mut world = World::with_config(2, 1, config);
        (0..2).for_each(|at| world.watch(at));
        world.come(0, 1, "somebody");
        world.run(1_500);
        assert_eq!(world.seen(1), ["somebody"], "{shards} shards");
    }
}
