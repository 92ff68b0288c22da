//! How long the changes of a topic are gathered: the longer, the more are in it.

#[allow(dead_code, reason = "each test crate uses a part")]
#[path = "replica_support/shards.rs"]
mod shards;

use herenow_core::replica::{ChannelId, ReplicaId, Shard, ShardConfig};
use proptest::prelude::*;
use shards::{keys, poll, poll_one, with_windows};

/// Has channels `from..to` join a topic.
fn join(shard: &mut Shard, now: u64, topic: &str, channels: std::ops::Range<u64>) {
    for channel in channels {
        let tracked = shard.track(now, topic, ChannelId(channel), &channel.to_string(), "{}");
        tracked.unwrap();
    }
}

/// How long the window is that follows upon a diff of a topic with so many presences.
fn window(shard: &mut Shard, presences: u64) -> u64 {
    join(shard, 0, "t", 0..presences);
    poll_one(shard, 0);
    shard.poll_timeout().unwrap()
}

#[test]
fn a_window_grows_with_the_presences_between_its_limits() {
    let cases = [
        (1, 25),
        (2, 25),
        (3, 30),
        (5, 50),
        (6, 60),
        (7, 60),
        (50, 60),
    ];
    for (presences, length) in cases {
        assert_eq!(
            window(&mut with_windows(25, 60), presences),
            length,
            "{presences}"
        );
    }
}

#[test]
fn by_default_windows_are_longer_in_topics_of_more_than_1000_and_never_than_a_quarter_second() {
    for (presences, length) in [
        (1_000, 25),
        (1_040, 26),
        (4_000, 100),
        (10_000, 250),
        (12_000, 250),
    ] {
        let mut shard = Shard::new(ReplicaId::new("node-1", 1), 0, ShardConfig::default());
        assert_eq!(window(&mut shard, presences), length, "{presences}");
    }
}

#[test]
fn with_no_more_room_than_the_least_all_windows_are_equally_long() {
    for max in [0, 10, 25] {
        assert_eq!(window(&mut with_windows(25, max), 50), 25);
    }
}

#[test]
fn without_a_window_large_topics_gather_nothing_either() {
    let mut shard = with_windows(0, 60);
    join(&mut shard, 0, "t", 0..50);
    poll_one(&mut shard, 0);
    assert_eq!(shard.poll_timeout(), None);
    join(&mut shard, 0, "t", 50..51);
    assert_eq!(keys(&poll_one(&mut shard, 0).joins), ["50"]);
}

#[test]
fn without_deliveries_windows_are_as_long_as_they_may_be() {
    let config = ShardConfig {
        topic_deliveries: 0,
        ..ShardConfig::default()
    };
    let mut shard = Shard::new(ReplicaId::new("node-1", 1), 0, config);
    assert_eq!(window(&mut shard, 1), 250);
}

#[test]
fn the_first_change_of_a_large_topic_goes_out_at_once_after_quiet() {
    let mut shard = with_windows(25, 60);
    join(&mut shard, 0, "t", 0..50);
    poll_one(&mut shard, 0);
    assert!(poll(&mut shard, 60).is_empty());
    join(&mut shard, 61, "t", 50..51);
    assert_eq!(keys(&poll_one(&mut shard, 61).joins), ["50"]);
}

#[test]
fn a_small_topic_does_not_wait_for_a_large_one() {
    let mut shard = with_windows(25, 60);
    join(&mut shard, 0, "large", 0..50);
    poll_one(&mut shard, 0);
    join(&mut shard, 10, "small", 0..1);
    poll_one(&mut shard, 10);
    join(&mut shard, 11, "large", 50..51);
    join(&mut shard, 11, "small", 1..2);
    assert_eq!(shard.poll_timeout(), Some(35));
    assert_eq!(&*poll_one(&mut shard, 35).topic, "small");
    // The next window of the small one closes when that of the large one does.
    assert_eq!(shard.poll_timeout(), Some(60));
    assert_eq!(&*poll_one(&mut shard, 60).topic, "large");
    assert_eq!(shard.poll_timeout(), Some(120));
}

#[test]
fn a_topic_that_everybody_leaves_has_the_least_window_next() {
    let mut shard = with_windows(25, 60);
    join(&mut shard, 0, "t", 0..50);
    poll_one(&mut shard, 0);
    for channel in 0..50 {
        shard.untrack_all(1, ChannelId(channel));
    }
    assert_eq!(poll_one(&mut shard, 60).leaves.len(), 50);
    assert_eq!(shard.poll_timeout(), Some(85));
}

proptest! {
    #[test]
    fn diffs_are_never_nearer_than_the_window_and_no_change_waits_longer_than_the_greatest(
        steps in prop::collection::vec((0..20_u64, any::<bool>(), 1..40_u64), 1..200),
    ) {
        let mut shard = with_windows(25, 60);
        let (mut now, mut next_diff, mut waits_since) = (0, 0, None);
        for (channel, joins, wait) in steps {
            if joins {
                _ = shard.track(now, "t", ChannelId(channel), "k", "{}");
            } else {
                shard.untrack_all(now, ChannelId(channel));
            }
            let until = now + wait;
            loop {
                if let Some(_diff) = shard.poll_diff(now) {
                    prop_assert!(now >= next_diff, "at {now}, not before {next_diff}");
                    let presences = shard.counts("t").metas as u64;
                    next_diff = now + (presences * 10).clamp(25, 60);
                }
                let waits = shard.footprint().pending > 0;
                waits_since = waits.then(|| waits_since.unwrap_or(now));
                prop_assert!(waits_since.is_none_or(|since| now - since < 60), "{waits_since:?} at {now}");
                match shard.poll_timeout() {
                    Some(at) if at <= until => now = at,
                    _ => break,
                }
            }
            now = until;
        }
    }
}
