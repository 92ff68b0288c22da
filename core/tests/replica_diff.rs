//! When a topic's diffs go out, and what they say.

#[allow(dead_code, reason = "each test crate uses a part")]
#[path = "replica_support/shards.rs"]
mod shards;

use herenow_core::replica::{ChannelId, Footprint, Shard};
use shards::{json, keys, poll, poll_one, refs, shard, with_window};

const A: ChannelId = ChannelId(1);
const B: ChannelId = ChannelId(2);

fn track(shard: &mut Shard, now: u64, key: &str) -> String {
    shard.track(now, "t", A, key, "{}").unwrap().to_string()
}

#[test]
fn the_first_change_goes_out_at_once() {
    let mut shard = shard();
    track(&mut shard, 1_000, "a");
    assert_eq!(shard.poll_timeout(), Some(1_000));
    let diff = poll_one(&mut shard, 1_000);
    assert_eq!((&*diff.topic, keys(&diff.joins)), ("t", vec!["a"]));
    assert!(diff.leaves.is_empty());
}

#[test]
fn what_follows_within_the_window_goes_out_as_one_diff_when_it_closes() {
    let mut shard = shard();
    track(&mut shard, 1_000, "a");
    poll_one(&mut shard, 1_000);
    for (now, key) in [(1_001, "b"), (1_010, "c"), (1_024, "d")] {
        track(&mut shard, now, key);
        assert!(poll(&mut shard, now).is_empty());
        assert_eq!(shard.poll_timeout(), Some(1_025));
    }
    assert_eq!(keys(&poll_one(&mut shard, 1_025).joins), ["b", "c", "d"]);
}

#[test]
fn the_window_opens_again_when_it_closes_with_something_to_send() {
    let mut shard = shard();
    track(&mut shard, 1_000, "a");
    poll_one(&mut shard, 1_000);
    track(&mut shard, 1_001, "b");
    poll_one(&mut shard, 1_030);
    track(&mut shard, 1_031, "c");
    assert!(poll(&mut shard, 1_054).is_empty());
    assert_eq!(keys(&poll_one(&mut shard, 1_055).joins), ["c"]);
}

#[test]
fn a_window_that_closes_with_nothing_to_send_leaves_the_topic_quiet() {
    let mut shard = shard();
    track(&mut shard, 1_000, "a");
    poll_one(&mut shard, 1_000);
    assert!(poll(&mut shard, 1_025).is_empty());
    assert_eq!(shard.poll_timeout(), None);
    track(&mut shard, 1_026, "b");
    assert_eq!(keys(&poll_one(&mut shard, 1_026).joins), ["b"]);
}

#[test]
fn topics_wait_for_their_own_windows_only() {
    let mut shard = shard();
    shard.track(0, "t", A, "a", "{}").unwrap();
    poll_one(&mut shard, 0);
    shard.track(10, "t", A, "b", "{}").unwrap();
    shard.track(10, "u", A, "a", "{}").unwrap();
    assert_eq!(&*poll_one(&mut shard, 10).topic, "u");
    shard.track(20, "u", A, "b", "{}").unwrap();
    assert_eq!(shard.poll_timeout(), Some(25));
    assert_eq!(&*poll_one(&mut shard, 25).topic, "t");
    assert_eq!(shard.poll_timeout(), Some(35));
    assert_eq!(&*poll_one(&mut shard, 35).topic, "u");
}

#[test]
fn a_late_poll_sends_everything_once_and_the_window_opens_from_then() {
    let mut shard = shard();
    for (now, topic) in [(0, "t"), (5, "u")] {
        shard.track(now, topic, A, "a", "{}").unwrap();
        poll_one(&mut shard, now);
        shard.track(now + 1, topic, A, "b", "{}").unwrap();
    }
    let diffs = poll(&mut shard, 900);
    assert_eq!(
        diffs.iter().map(|diff| &*diff.topic).collect::<Vec<_>>(),
        ["t", "u"]
    );
    assert_eq!(shard.poll_timeout(), Some(925));
}

#[test]
fn without_a_window_every_change_goes_out_at_once() {
    let mut shard = with_window(0);
    for key in ["a", "b", "c"] {
        track(&mut shard, 1_000, key);
        assert_eq!(keys(&poll_one(&mut shard, 1_000).joins), [key]);
        assert_eq!(shard.poll_timeout(), None);
    }
    shard.untrack_all(1_000, A);
    assert_eq!(keys(&poll_one(&mut shard, 1_000).leaves), ["a", "b", "c"]);
}

#[test]
fn a_subscriber_gets_no_more_diffs_than_windows_fit_into_the_time() {
    let mut shard = shard();
    let mut diffs = 0;
    for now in 0..1_000 {
        for channel in 0..3 {
            let channel = ChannelId(now * 10 + channel);
            shard.track(now, "t", channel, "k", "{}").unwrap();
        }
        shard.untrack_all(now, ChannelId(now.saturating_sub(30) * 10));
        diffs += poll(&mut shard, now).len();
    }
    assert_eq!(diffs, 1_000 / 25);
}

#[test]
fn who_came_and_went_within_a_window_is_not_mentioned() {
    let mut shard = shard();
    track(&mut shard, 0, "a");
    poll_one(&mut shard, 0);
    for now in 1..20 {
        track(&mut shard, now, "b");
        assert!(shard.untrack(now, "t", A, "b"));
    }
    assert_eq!(shard.footprint().pending, 0);
    assert!(poll(&mut shard, 25).is_empty());
}

#[test]
fn of_updates_within_a_window_the_first_old_and_the_last_new_meta_are_told() {
    let mut shard = shard();
    let first = track(&mut shard, 0, "a");
    poll_one(&mut shard, 0);
    for n in 1..5 {
        shard
            .update(n, "t", A, "a", &format!(r#"{{"n":{n}}}"#))
            .unwrap();
    }
    let diff = poll_one(&mut shard, 25);
    let last = refs(&shard.list("t"));
    assert_eq!(refs(&diff.joins), last);
    assert_eq!(refs(&diff.leaves)["a"], [first]);

    shard.update(30, "t", A, "a", r#"{"n":9}"#).unwrap();
    assert!(shard.untrack(31, "t", A, "a"));
    let diff = poll_one(&mut shard, 50);
    assert!(diff.joins.is_empty());
    assert_eq!(refs(&diff.leaves), last);
}

#[test]
fn who_left_and_came_again_is_another_presence() {
    let mut shard = shard();
    let first = track(&mut shard, 0, "a");
    poll_one(&mut shard, 0);
    assert!(shard.untrack(1, "t", A, "a"));
    let second = track(&mut shard, 2, "a");
    let diff = poll_one(&mut shard, 25);
    assert_eq!(refs(&diff.joins)["a"], [second]);
    assert_eq!(refs(&diff.leaves)["a"], [first]);
}

#[test]
fn what_a_state_has_shown_is_announced_in_full_when_it_ends_within_the_window() {
    let mut shard = shard();
    track(&mut shard, 0, "a");
    poll_one(&mut shard, 0);
    let mut state = String::new();
    let shown = track(&mut shard, 1, "b");
    shard.write_state("t", &mut state);
    assert_eq!(json(&state)["b"]["metas"][0]["phx_ref"], *shown);
    assert!(shard.untrack(2, "t", A, "b"));
    track(&mut shard, 3, "c");
    assert!(shard.untrack(4, "t", A, "c"));

    let diff = poll_one(&mut shard, 25);
    assert_eq!(refs(&diff.joins)["b"], std::slice::from_ref(&shown));
    assert_eq!(refs(&diff.leaves)["b"], [shown]);
    assert_eq!(
        (diff.joins.len(), diff.leaves.len()),
        (1, 1),
        "c was never shown"
    );
}

#[test]
fn what_a_list_has_shown_is_announced_in_full_when_it_is_updated_within_the_window() {
    let mut shard = shard();
    let first = track(&mut shard, 0, "a");
    poll_one(&mut shard, 0);
    let shown = shard
        .update(1, "t", A, "a", r#"{"n":1}"#)
        .unwrap()
        .to_string();
    assert_eq!(refs(&shard.list("t"))["a"], std::slice::from_ref(&shown));
    shard.update(2, "t", A, "a", r#"{"n":2}"#).unwrap();
    let last = shard
        .update(3, "t", A, "a", r#"{"n":3}"#)
        .unwrap()
        .to_string();

    let diff = poll_one(&mut shard, 25);
    assert_eq!(refs(&diff.joins)["a"], [shown.clone(), last]);
    assert_eq!(refs(&diff.leaves)["a"], [first, shown]);
}

#[test]
fn a_read_of_another_topic_or_of_one_key_leaves_no_mark() {
    let mut shard = shard();
    track(&mut shard, 0, "a");
    poll_one(&mut shard, 0);
    track(&mut shard, 1, "b");
    assert!(shard.list("u").is_empty());
    assert_eq!(shard.get_by_key("t", "b").len(), 1);
    assert_eq!(shard.counts("t").keys, 2);
    assert!(shard.untrack(2, "t", A, "b"));
    assert!(poll(&mut shard, 25).is_empty());
}

#[test]
fn a_diff_groups_metas_by_key() {
    let mut shard = shard();
    let mut expected = Vec::new();
    for (channel, key) in [(A, "a"), (A, "b"), (B, "a")] {
        let phx_ref = shard.track(0, "t", channel, key, "{}").unwrap();
        expected.push(phx_ref.to_string());
    }
    let diff = poll_one(&mut shard, 0);
    assert_eq!(keys(&diff.joins), ["a", "b"]);
    assert_eq!(diff.joins.metas_len(), 3);
    assert_eq!(refs(&diff.joins)["a"], [expected[0].as_str(), &expected[2]]);
}

#[test]
fn payloads_are_to_the_byte_what_phoenix_sends() {
    let mut shard = shard();
    let a = shard.track(0, "t", A, "alice", r#"{"dev":"a"}"#).unwrap();
    let b = shard.track(0, "t", B, "alice", r#"{"dev":"b"}"#).unwrap();
    let c = shard.track(0, "t", B, "bob", "{}").unwrap();
    let mut state = "before ".to_owned();
    shard.write_state("t", &mut state);
    assert_eq!(
        state,
        format!(
            r#"before {{"alice":{{"metas":[{{"phx_ref":"{a}","dev":"a"}},{{"phx_ref":"{b}","dev":"b"}}]}},"bob":{{"metas":[{{"phx_ref":"{c}"}}]}}}}"#
        )
    );
    let mut list = "before ".to_owned();
    shard.list("t").write_json(&mut list);
    assert_eq!(list, state);

    poll_one(&mut shard, 0);
    let d = shard.update(1, "t", B, "bob", r#"{"x":1}"#).unwrap();
    let mut diff = String::new();
    poll_one(&mut shard, 25).write_payload(&mut diff);
    assert_eq!(
        diff,
        format!(
            r#"{{"joins":{{"bob":{{"metas":[{{"phx_ref":"{d}","phx_ref_prev":"{c}","x":1}}]}}}},"leaves":{{"bob":{{"metas":[{{"phx_ref":"{c}"}}]}}}}}}"#
        )
    );
}

#[test]
fn an_empty_topic_has_an_empty_state() {
    let mut state = String::new();
    shard().write_state("t", &mut state);
    assert_eq!(state, "{}");
}

#[test]
fn a_topic_is_forgotten_when_all_have_left_and_its_window_has_closed() {
    let mut shard = shard();
    track(&mut shard, 0, "a");
    poll_one(&mut shard, 0);
    assert!(shard.untrack(30, "t", A, "a"));
    assert!(shard.list("t").is_empty());
    poll_one(&mut shard, 30);
    assert_eq!(shard.footprint().topics, 1, "its window is open");
    assert!(poll(&mut shard, 55).is_empty());
    assert_eq!(shard.footprint(), Footprint::default());
}

#[test]
fn a_topic_that_nobody_saw_is_forgotten_by_the_next_poll() {
    let mut shard = with_window(0);
    track(&mut shard, 0, "a");
    assert!(shard.untrack(0, "t", A, "a"));
    assert!(poll(&mut shard, 0).is_empty());
    assert_eq!(shard.footprint(), Footprint::default());
}

#[test]
fn a_crowd_that_has_left_leaves_no_memory_behind() {
    let mut shard = shard();
    for number in 0..20_000 {
        let (topic, key) = (format!("t{}", number % 300), format!("k{}", number / 2));
        shard
            .track(0, &topic, ChannelId(number), &key, "{}")
            .unwrap();
    }
    assert_eq!(poll(&mut shard, 0).len(), 300);
    for number in 0..20_000 {
        if number != 7 {
            assert_eq!(shard.untrack_all(100, ChannelId(number)), 1);
        }
    }
    assert_eq!(poll(&mut shard, 100).len(), 300);
    assert!(poll(&mut shard, 200).is_empty());
    let held = shard.footprint();
    assert_eq!(
        (
            held.topics,
            held.keys,
            held.presences,
            held.channels,
            held.pending
        ),
        (1, 1, 1, 1, 0)
    );
    assert!(held.slots <= 3 * 256 && held.places < 200, "{held:?}");

    assert_eq!(shard.untrack_all(300, ChannelId(7)), 1);
    poll_one(&mut shard, 300);
    assert!(poll(&mut shard, 400).is_empty());
    assert_eq!(shard.footprint(), Footprint::default());
}
