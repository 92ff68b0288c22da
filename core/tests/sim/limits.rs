//! The settings of a node, one by one: each bounds what it says it bounds.

use crate::network::{ASK, CHANGES, DIGEST, PULL};
use crate::scenario::owned;
use crate::world::{World, config};
use herenow_core::replica::{ChannelId, Footprint, MemberState, NodeConfig};

/// Two hosts that watch, with other settings.
fn watching_with(hosts: usize, config: NodeConfig) -> World {
    let mut world = World::with_config(hosts, 1, config);
    (0..hosts).for_each(|at| world.watch(at));
    world.run(1_200);
    world
}

/// A topic of the same shard as the one that is watched.
const CROWDED: &str = "x";

/// Many come to a host at once.
fn crowd(world: &mut World, at: usize, size: u64) {
    world.with(at, |machine, now| {
        machine.change(now, CROWDED, |shard| {
            for channel in 0..size {
                let tracked = shard.track(now, CROWDED, ChannelId(channel), "a", "{}");
                tracked.expect("it is new");
            }
        });
    });
}

fn count(world: &mut World, at: usize) -> usize {
    world.machine(at).shards[1].counts(CROWDED).metas
}

#[test]
fn who_looks_away_receives_nothing_and_keeps_nothing_and_yet_knows_who_is_there() {
    let mut world = World::new(3, 1);
    (0..2).for_each(|at| world.watch(at));
    world.run(1_200);
    world.network.sent_by.clear();
    for change in 0..50 {
        world.come(0, 1, &format!("{change}"));
        world.run(20);
    }
    assert_eq!(
        world.network.count(0, CHANGES),
        50,
        "to the one who watches"
    );
    world.run(2_000);
    for at in 0..3 {
        assert_eq!(world.network.count(at, ASK), 0, "heartbeats say enough");
    }
    assert_eq!(world.machine(2).shards[1].footprint(), Footprint::default());
    assert_eq!(world.state(2, 0), Some(MemberState::Up));
}

#[test]
fn changes_are_gathered_for_publish_ms_and_the_first_goes_at_once() {
    let config = NodeConfig {
        publish_ms: 100,
        ..config()
    };
    let mut world = watching_with(2, config);
    world.network.sent_by.clear();
    for change in 0..10 {
        world.come(0, 1, &format!("{change}"));
        world.run(5);
        assert_eq!(world.seen(1), ["0"]);
    }
    world.run(60);
    assert_eq!(world.seen(1), ["9"]);
    assert_eq!(world.network.count(0, CHANGES), 2);
}

#[test]
fn what_a_heartbeat_tells_of_is_waited_for_before_it_is_asked_for() {
    let mut world = World::watching(2);
    world.network.hold = vec![(0, 1, CHANGES)];
    world.network.sent_by.clear();
    world.come(0, 1, "somebody");
    let mut told_at = None;
    let mut asked_at = None;
    world.watch_for(2_000, |world| {
        let now = world.now;
        if world.network.count(0, DIGEST) > 0 {
            told_at.get_or_insert(now);
        }
        if world.network.count(1, PULL) > 0 {
            asked_at.get_or_insert(now);
        }
    });
    let waited = asked_at.expect("it asks") - told_at.expect("it is told");
    let delay = world.config.pull_delay_ms;
    assert!((delay..delay + 5).contains(&waited), "after {waited} ms");
}

#[test]
fn without_an_answer_it_asks_again_each_time_after_pull_retry_ms() {
    let mut world = World::watching(2);
    world.run(500);
    world.network.hold = vec![(0, 1, CHANGES)];
    world.come(0, 1, "somebody");
    world.run(1_200);
    world.network.sent_by.clear();
    world.run(10 * world.config.pull_retry_ms);
    assert_eq!(world.network.count(1, PULL), 10);
}

#[test]
fn who_is_not_wanted_for_idle_forget_ms_is_forgotten_and_fetched_again_when_wanted() {
    let mut world = World::watching(2);
    world.come(0, 1, "somebody");
    world.run(100);
    world.with(1, |machine, now| {
        machine.clients.clear();
        machine.unwant(now);
    });
    world.run(world.config.idle_forget_ms - 1);
    assert_eq!(world.seen(1), ["somebody"]);
    world.run(2);
    assert_eq!(world.seen(1), owned(&[]));
    assert_eq!(world.machine(1).shards[1].footprint(), Footprint::default());
    assert!(world.machine(1).subscriptions.is_empty());
    world.go(0, 1);
    world.come(0, 2, "else");
    world.watch(1);
    assert!(!world.machine(1).node.is_ready(1));
    world.run(20);
    assert!(world.machine(1).node.is_ready(1));
    assert_eq!(world.seen(1), ["else"]);
}

#[test]
fn an_answer_larger_than_max_message_bytes_comes_in_parts_of_that_size() {
    let config = NodeConfig {
        max_message_bytes: 1_000,
        ..config()
    };
    let mut world = World::with_config(2, 1, config);
    crowd(&mut world, 0, 2_000);
    world.run(1_200);
    world.network.sent_by.clear();
    world.watch(1);
    world.run(20);
    assert_eq!(count(&mut world, 1), 2_000);
    let parts = world.network.count(0, CHANGES);
    assert!((15..40).contains(&parts), "{parts} parts");
    assert!(
        world.network.largest <= 1_100,
        "{} bytes",
        world.network.largest
    );
}

#[test]
fn missing_parts_are_asked_for_until_all_are_there() {
    let mut world = World::new(2, 1);
    crowd(&mut world, 0, 1_000);
    world.run(1_200);
    world.network.weather.loss = 20;
    world.watch(1);
    world.run(20_000);
    assert_eq!(count(&mut world, 1), 1_000);
}

#[test]
fn an_answer_that_grows_over_max_answer_bytes_is_dropped() {
    let config = NodeConfig {
        max_answer_bytes: 4_000,
        ..config()
    };
    let mut world = World::with_config(2, 1, config);
    crowd(&mut world, 0, 1_000);
    world.run(1_200);
    world.watch(1);
    world.run(5_000);
    assert_eq!(count(&mut world, 1), 0);
    assert!(
        world.machine(1).node.is_ready(1),
        "the first reader does not wait for ever"
    );
    world.with(0, |machine, now| {
        machine.change(now, CROWDED, |shard| {
            for channel in 10..1_000 {
                shard.untrack_all(now, ChannelId(channel));
            }
        });
    });
    world.run(5_000);
    assert_eq!(count(&mut world, 1), 10, "what fits is taken");
}

#[test]
fn while_too_much_is_queued_pulls_go_unanswered_and_are_asked_again() {
    let config = NodeConfig {
        max_queued_bytes: 2_000,
        ..config()
    };
    let mut world = World::with_config(4, 1, config);
    crowd(&mut world, 0, 500);
    world.run(1_200);
    world.network.hold = (1..4).map(|at| (at, 0, PULL)).collect();
    (1..4).for_each(|at| world.watch(at));
    world.run(10);
    let pulls = world.network.take_held();
    assert_eq!(pulls.len(), 3);
    world.with(0, |machine, now| {
        for pull in &pulls {
            machine.receive(now, &pull.from, &pull.bytes);
        }
    });
    world.run(10);
    let answered = |world: &mut World| (1..4).filter(|at| count(world, *at) == 500).count();
    assert_eq!(answered(&mut world), 1);
    world.run(1_000);
    assert_eq!(answered(&mut world), 3);
}

#[test]
fn in_a_large_cluster_heartbeats_mention_members_in_turns_and_a_broken_link_still_heals() {
    let config = NodeConfig {
        max_peers_in_digest: 4,
        max_message_bytes: 60_000,
        ..config()
    };
    let mut world = watching_with(20, config);
    world.network.largest = 0;
    world.network.cut(0, 1);
    world.network.cut(1, 0);
    world.come(0, 1, "somebody");
    world.run(20_000);
    assert_eq!(world.seen(1), ["somebody"]);
    let went_down = |event: &_| matches!(event, herenow_core::replica::Output::Down(_));
    assert!(!world.machine(1).events.iter().any(went_down));
    assert!(
        world.network.largest < 300,
        "{} bytes",
        world.network.largest
    );
}
