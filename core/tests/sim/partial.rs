//! What is not whole yet counts for nothing: an answer of which a part is missing, and a copy that has not caught up.

use crate::network::{CHANGES, FORWARD, PULL, Packet, VERSIONS};
use crate::scenario::{Told, owned};
use crate::schedule::{CHANNELS, TOPICS};
use crate::world::World;
use herenow_core::replica::MemberState;

/// A host of several, and another that has begun to look; with the parts of the answer that it waits for.
fn answered() -> (World, Vec<Packet>) {
    let mut world = World::new(2, 1);
    for channel in 0..CHANNELS {
        world.come(0, channel, &format!("who comes by channel {channel}"));
    }
    world.run(1_200);
    world.network.hold = vec![(0, 1, CHANGES)];
    world.watch(1);
    world.run(10);
    let parts = world.network.take_held();
    assert!(parts.len() > 2, "{} parts", parts.len());
    (world, parts)
}

fn deliver(world: &mut World, part: &Packet) {
    world.with(1, |machine, now| {
        machine.receive(now, &part.from, &part.bytes)
    });
}

#[test]
fn an_answer_of_which_a_part_is_lost_shows_nobody_until_that_has_come() {
    let count = answered().1.len();
    for lost in 0..count {
        let (mut world, parts) = answered();
        let some = parts.iter().enumerate().filter(|(part, _)| *part != lost);
        for (_, part) in some {
            deliver(&mut world, part);
            assert_eq!(world.seen(1), owned(&[]), "without part {lost}");
        }
        // Too short to ask again.
        world.run(world.config.pull_retry_ms / 2);
        assert_eq!(world.told(1), Told::nothing(), "without part {lost}");
        assert!(!world.machine(1).node.is_ready(1), "without part {lost}");
        deliver(&mut world, &parts[lost]);
        assert_eq!(world.seen(1).len() as u64, CHANNELS);
        assert!(world.machine(1).node.is_ready(1));
    }
}

#[test]
fn an_answer_whose_last_part_is_lost_is_asked_for_again_and_then_all_list_the_same() {
    let (mut world, mut parts) = answered();
    parts.pop();
    for part in &parts {
        deliver(&mut world, part);
    }
    world.network.sent_by.clear();
    let mut seen = Vec::new();
    world.watch_for(1_000, |world| seen.push(world.seen(1).len() as u64));
    seen.dedup();
    assert_eq!(seen, [0, CHANNELS], "all at once");
    assert_eq!(world.network.count(1, PULL), 1);
    assert_eq!(world.seen(1), world.seen(0));
}

#[test]
fn a_returning_replica_is_not_listed_by_a_copy_that_is_older_than_its_return() {
    let mut world = World::watching(3);
    world.come(0, 1, "first");
    world.run(100);
    world.isolate(2);
    world.come(0, 1, "second");
    world.run(world.config.down_after_ms + 100);
    assert_eq!(world.seen(1), ["second"]);
    assert_eq!(world.state(2, 0), Some(MemberState::Down));
    // What changes now the owner alone knows. The second host's copy is what the third is given.
    let kinds = [CHANGES, FORWARD].into_iter();
    world.network.hold = kinds
        .flat_map(|kind| [(0, 1, kind), (0, 2, kind)])
        .collect();
    world.come(0, 1, "third");
    world.run(1_200);
    world.told(2);
    world.network.mend();
    world.network.sent_by.clear();
    world.watch_for(3_000, |world| assert_eq!(world.seen(2), owned(&[])));
    assert!(world.network.count(1, CHANGES) > 0, "the copy was sent");
    assert_eq!(world.state(2, 0), Some(MemberState::Returning));
    assert!(world.network.release(world.now) > 0);
    world.run(100);
    assert_eq!(world.seen(2), ["third"]);
    assert_eq!(world.told(2), Told::joins(&["third"]));
    assert_eq!(world.state(2, 0), Some(MemberState::Up));
}

#[test]
fn a_returning_replica_is_not_listed_by_what_it_said_of_its_versions_before_it_was_down() {
    let mut world = World::watching(2);
    world.come(0, 1, "stays");
    world.come(0, 2, "leaves");
    world.run(100);
    // Of whom one begins to look at another shard, one asks what they have there.
    world.network.hold = vec![(0, 1, VERSIONS)];
    world.with(1, |machine, now| machine.subscribe(now, TOPICS[2]));
    world.run(50);
    world.isolate(0);
    world.run(5_000);
    world.go(0, 2);
    world.run(2_000);
    world.told(1);
    world.network.mend();
    world.run(1_200);
    assert_eq!(world.state(1, 0), Some(MemberState::Returning));
    let answers = world.network.take_held();
    assert!(answers.len() > 1, "asked before and after");
    deliver(&mut world, &answers[0]);
    world.watch_for(3_000, |world| {
        assert!(!world.seen(1).contains(&"leaves".to_owned()));
    });
    assert_eq!(world.told(1), Told::joins(&["stays"]));
}

#[test]
fn a_shard_that_is_looked_at_anew_is_not_ready_with_an_older_copy_than_was_seen_before() {
    let mut world = World::watching(3);
    world.come(0, 1, "first");
    world.run(100);
    // What is new now the third host is not told.
    let kinds = [CHANGES, FORWARD].into_iter();
    world.network.hold = kinds
        .flat_map(|kind| [(0, 2, kind), (1, 2, kind)])
        .collect();
    world.come(0, 1, "second");
    world.run(100);
    assert_eq!(
        (world.seen(1), world.seen(2)),
        (owned(&["second"]), owned(&["first"]))
    );
    world.with(1, |machine, now| {
        machine.clients.clear();
        machine.unwant(now);
    });
    world.run(world.config.idle_forget_ms);
    assert_eq!(world.seen(1), owned(&[]));
    // The owner's answer is late, so that the third host is asked, which has an older copy.
    let kinds = [CHANGES, FORWARD].into_iter();
    world.network.hold.extend(kinds.map(|kind| (0, 1, kind)));
    world.watch(1);
    let wait = world.config.pull_retry_ms + 100;
    world.watch_for(wait, |world| assert!(!world.machine(1).node.is_ready(1)));
    assert_eq!(world.seen(1), ["first"]);
    assert!(world.network.release(world.now) > 0);
    world.run(10);
    assert!(world.machine(1).node.is_ready(1));
    assert_eq!(world.seen(1), ["second"]);
}
