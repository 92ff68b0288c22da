//! Tracking, updating, untracking and looking up, on one node: the properties that Phoenix tests of
//! its tracker (the names in brackets are those of the specification), and the limits.

#[allow(dead_code, reason = "each test crate uses a part")]
#[path = "replica_support/shards.rs"]
mod shards;

use herenow_core::replica::{
    ChannelId, Counts, MetaError, Presences, ReplicaId, Shard, ShardConfig, TrackError,
    UpdateError, shard_of,
};
use shards::{json, keys, poll, poll_one, ref_of, refs, shard};

const A: ChannelId = ChannelId(1);
const B: ChannelId = ChannelId(2);
const C: ChannelId = ChannelId(3);

#[test]
fn a_fresh_shard_lists_nobody() {
    // [S1]
    let mut shard = shard();
    assert_eq!(shard.list("t"), Presences::default());
    assert_eq!(shard.counts("t"), Counts::default());
    assert_eq!(shard.get_by_channel(A).count(), 0);
    assert_eq!(shard.poll_timeout(), None);
    assert!(poll(&mut shard, 1_000_000).is_empty());
}

#[test]
fn tracking_lists_a_key_and_untracking_removes_it() {
    // [S2]
    let mut shard = shard();
    let phx_ref = shard.track(0, "t", A, "alice", "{}").unwrap();
    assert_eq!(refs(&shard.list("t"))["alice"], [phx_ref.as_str()]);
    assert!(shard.untrack(0, "t", A, "alice"));
    assert!(shard.list("t").is_empty());
}

#[test]
fn a_presence_is_found_by_channel_and_by_topic_channel_and_key() {
    // [S10]
    let mut shard = shard();
    shard.track(0, "t1", A, "k1", r#"{"n":1}"#).unwrap();
    shard.track(0, "t2", A, "k2", r#"{"n":2}"#).unwrap();
    shard.track(0, "t1", B, "k1", r#"{"n":3}"#).unwrap();

    let of_a: Vec<_> = shard
        .get_by_channel(A)
        .map(|(topic, key, meta)| (&**topic, &**key, json(meta)["n"].clone()))
        .collect();
    assert_eq!(of_a, [("t1", "k1", 1.into()), ("t2", "k2", 2.into())]);
    assert_eq!(shard.get_by_channel(C).count(), 0);

    assert_eq!(json(&shard.get("t1", B, "k1").unwrap())["n"], 3);
    for (topic, channel, key) in [
        ("t1", C, "k1"),
        ("t2", B, "k2"),
        ("t1", A, "k2"),
        ("t3", A, "k1"),
    ] {
        assert_eq!(
            shard.get(topic, channel, key),
            None,
            "{topic} {channel:?} {key}"
        );
    }
}

#[test]
fn a_key_has_the_metas_of_all_its_channels_and_of_no_other_topic_or_key() {
    // [S11]
    let mut shard = shard();
    let first = shard.track(0, "t", A, "k", "{}").unwrap();
    let second = shard.track(0, "t", B, "k", "{}").unwrap();
    shard.track(0, "t", C, "other", "{}").unwrap();
    shard.track(0, "other", C, "k", "{}").unwrap();

    let metas = shard.get_by_key("t", "k");
    assert_eq!(
        metas.iter().map(ref_of).collect::<Vec<_>>(),
        [first.as_str(), second.as_str()]
    );
    assert!(shard.get_by_key("t", "nobody").is_empty());
    assert!(shard.get_by_key("nowhere", "k").is_empty());
}

#[test]
fn untracking_what_is_not_tracked_changes_nothing() {
    // [R8]
    let mut shard = shard();
    shard.track(0, "t", A, "k", "{}").unwrap();
    poll_one(&mut shard, 0);
    let version = shard.version();
    assert!(!shard.untrack(100, "t", B, "k"));
    assert!(!shard.untrack(100, "t", A, "other"));
    assert!(!shard.untrack(100, "other", A, "k"));
    assert_eq!(shard.untrack_all(100, B), 0);
    assert_eq!(shard.version(), version);
    assert!(poll(&mut shard, 100).is_empty());
}

#[test]
fn untracking_one_topic_keeps_the_channel_in_the_other() {
    // [R9]
    let mut shard = shard();
    shard.track(0, "t1", A, "k", "{}").unwrap();
    shard.track(0, "t2", A, "k", "{}").unwrap();
    assert!(shard.untrack(0, "t1", A, "k"));
    assert_eq!(shard.get_by_channel(A).count(), 1);
    assert_eq!(shard.footprint().channels, 1);
    assert!(shard.untrack(0, "t2", A, "k"));
    assert_eq!(shard.footprint().channels, 0);
}

#[test]
fn untracking_a_channel_ends_all_its_presences_and_no_others() {
    // [R10]
    let mut shard = shard();
    for topic in ["t1", "t2"] {
        for key in ["k1", "k2"] {
            shard.track(0, topic, A, key, "{}").unwrap();
        }
        shard.track(0, topic, B, "k1", "{}").unwrap();
    }
    assert_eq!(poll(&mut shard, 0).len(), 2);

    assert_eq!(shard.untrack_all(100, A), 4);
    assert_eq!(keys(&shard.list("t1")), ["k1"]);
    assert_eq!(shard.counts("t2"), Counts { keys: 1, metas: 1 });
    let diffs = poll(&mut shard, 100);
    assert_eq!(diffs.len(), 2, "all leaves of a topic are one diff");
    for diff in diffs {
        assert!(diff.joins.is_empty());
        assert_eq!(keys(&diff.leaves), ["k1", "k2"]);
    }
}

#[test]
fn an_update_is_a_leave_of_the_old_ref_and_a_join_that_names_it() {
    // [R11]
    let mut shard = shard();
    let first = shard.track(0, "t", A, "k", r#"{"n":1}"#).unwrap();
    poll_one(&mut shard, 0);
    let second = shard.update(100, "t", A, "k", r#"{"n":2}"#).unwrap();
    assert_ne!(first, second);

    let diff = poll_one(&mut shard, 100);
    assert_eq!(refs(&diff.leaves)["k"], [first.as_str()]);
    assert_eq!(refs(&diff.joins)["k"], [second.as_str()]);
    let (_, metas) = diff.joins.iter().next().unwrap();
    assert_eq!(
        *metas[0],
        *format!(r#"{{"phx_ref":"{second}","phx_ref_prev":"{first}","n":2}}"#)
    );
}

#[test]
fn an_update_by_a_function_is_given_the_meta_as_clients_see_it() {
    // [R12]
    let mut shard = shard();
    let first = shard.track(0, "t", A, "k", r#"{"n":1}"#).unwrap();
    let mut given = String::new();
    let second = shard.update_with(0, "t", A, "k", |meta| {
        given.push_str(meta);
        meta.replace('1', "2")
    });
    assert_eq!(given, format!(r#"{{"phx_ref":"{first}","n":1}}"#));
    let meta = json(&shard.get("t", A, "k").unwrap());
    assert_eq!(meta["n"], 2);
    assert_eq!(meta["phx_ref"], second.unwrap().as_str());
    assert_eq!(meta["phx_ref_prev"], first.as_str());
}

#[test]
fn only_the_last_ref_is_named_as_the_previous_one() {
    let mut shard = shard();
    shard.track(0, "t", A, "k", r#"{"n":1}"#).unwrap();
    let second = shard.update(0, "t", A, "k", r#"{"n":2}"#).unwrap();
    let third = shard
        .update_with(0, "t", A, "k", |meta| meta.replace(":2", ":3"))
        .unwrap();
    let meta = shard.get("t", A, "k").unwrap();
    assert_eq!(
        *meta,
        *format!(r#"{{"phx_ref":"{third}","phx_ref_prev":"{second}","n":3}}"#)
    );
}

#[test]
fn updating_what_is_not_tracked_is_refused() {
    // [R13]
    let mut shard = shard();
    shard.track(0, "t", A, "k", "{}").unwrap();
    let not_tracked = Err(UpdateError::NotTracked);
    assert_eq!(shard.update(0, "t", B, "k", "{}"), not_tracked);
    assert_eq!(shard.update(0, "t", A, "other", "{}"), not_tracked);
    assert_eq!(
        shard.update_with(0, "other", A, "k", |_| unreachable!("nothing to show")),
        not_tracked
    );
}

#[test]
fn tracking_twice_is_refused_and_changes_nothing() {
    // [R14]
    let mut shard = shard();
    let phx_ref = shard.track(0, "t", A, "k", r#"{"n":1}"#).unwrap();
    poll_one(&mut shard, 0);
    let again = shard.track(100, "t", A, "k", r#"{"n":2}"#);
    assert_eq!(again, Err(TrackError::AlreadyTracked { phx_ref }));
    assert!(poll(&mut shard, 100).is_empty());
    assert_eq!(json(&shard.get("t", A, "k").unwrap())["n"], 1);

    shard.track(100, "t", A, "other", "{}").unwrap();
    shard.track(100, "other", A, "k", "{}").unwrap();
    shard.track(100, "t", B, "k", "{}").unwrap();
}

#[test]
fn every_change_takes_the_next_version() {
    let mut shard = shard();
    assert_eq!(shard.version(), 0);
    shard.track(0, "t", A, "k", "{}").unwrap();
    assert_eq!(shard.version(), 1);
    shard.update(0, "t", A, "k", r#"{"n":2}"#).unwrap();
    assert_eq!(shard.version(), 2, "an update is one step");
    shard.track(0, "u", A, "k", "{}").unwrap();
    assert_eq!(shard.untrack_all(0, A), 2);
    assert_eq!(shard.version(), 5, "each remove is a step");
}

#[test]
fn metas_stand_in_the_order_of_tracking_and_an_update_keeps_the_place() {
    let mut shard = shard();
    for channel in [C, A, B] {
        shard
            .track(0, "t", channel, "k", &format!(r#"{{"c":{}}}"#, channel.0))
            .unwrap();
    }
    shard.update(50, "t", C, "k", r#"{"c":30}"#).unwrap();
    let list = shard.list("t");
    let (_, metas) = list.iter().next().unwrap();
    let channels: Vec<_> = metas.iter().map(|meta| json(meta)["c"].clone()).collect();
    assert_eq!(channels, [30, 1, 2]);
}

#[test]
fn a_clock_that_goes_back_counts_as_standing_still() {
    let mut shard = shard();
    shard.track(100, "t", A, "k", "{}").unwrap();
    shard.track(50, "t", B, "k", "{}").unwrap();
    let refs: Vec<String> = shard.get_by_key("t", "k").iter().map(ref_of).collect();
    assert!(refs.is_sorted(), "the later one is listed later: {refs:?}");
    assert_eq!(shard.poll_timeout(), Some(100));
}

#[test]
fn what_is_too_long_or_too_deep_is_refused_and_the_limit_is_allowed() {
    let config = ShardConfig {
        max_topic_bytes: 3,
        max_key_bytes: 4,
        max_meta_bytes: 15,
        max_meta_depth: 3,
        ..ShardConfig::default()
    };
    let mut shard = Shard::new(ReplicaId::new("n", 1), 0, config);
    let deepest = r#"{"a":[{"":""}]}"#;
    shard.track(0, "top", A, "keys", deepest).unwrap();

    let too_long = shard.track(0, "topi", A, "keys", "{}");
    assert_eq!(too_long, Err(TrackError::TopicTooLong { len: 4, max: 3 }));
    let too_long = shard.track(0, "top", A, "key:s", "{}");
    assert_eq!(too_long, Err(TrackError::KeyTooLong { len: 5, max: 4 }));
    let too_long = Err(UpdateError::Meta(MetaError::TooLong { len: 16, max: 15 }));
    assert_eq!(
        shard.update(0, "top", A, "keys", &format!("{deepest} ")),
        too_long
    );
    let too_deep = Err(UpdateError::Meta(MetaError::TooDeep { max: 3 }));
    assert_eq!(
        shard.update(0, "top", A, "keys", r#"{"a":[[[]]]}"#),
        too_deep
    );
    assert_eq!(shard.version(), 1);
}

/// A node with `count` shards.
fn node(count: u16) -> Vec<Shard> {
    let shard = |index| Shard::new(ReplicaId::new("n", 1), index, ShardConfig::default());
    (0..count).map(shard).collect()
}

#[test]
fn any_number_of_shards_serves_any_number_of_topics() {
    // [Pool]
    for count in [1, 2, 8, 512] {
        let mut node = node(count);
        let mut seen = std::collections::HashSet::new();
        let topics: Vec<String> = (0..100).map(|number| format!("topic:{number}")).collect();
        for topic in &topics {
            let shard = &mut node[usize::from(shard_of(topic, count))];
            let first = shard.track(0, topic, A, "me", r#"{"n":1}"#).unwrap();
            assert_eq!(refs(&shard.list(topic))["me"], [first.as_str()]);
            let second = shard.update(0, topic, A, "me", r#"{"n":2}"#).unwrap();
            let meta = json(&shard.get_by_key(topic, "me")[0]);
            assert_eq!(
                (&meta["phx_ref"], &meta["phx_ref_prev"]),
                (&second.as_str().into(), &first.as_str().into())
            );
            assert!(
                seen.insert(first) && seen.insert(second),
                "refs are unique on a node"
            );
        }
        let (some, others) = topics.split_at(50);
        for topic in some {
            assert!(node[usize::from(shard_of(topic, count))].untrack(0, topic, A, "me"));
        }
        let ended: usize = node.iter_mut().map(|shard| shard.untrack_all(0, A)).sum();
        assert_eq!(ended, others.len());
        assert!(node.iter().all(|shard| shard.footprint().presences == 0));
    }
}
