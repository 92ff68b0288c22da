//! Shards to test with, and what they say in a form that can be compared.

use herenow_core::replica::{PhxRef, Presences, ReplicaId, Shard, ShardConfig, TopicDiff};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) fn shard() -> Shard {
    with_window(25)
}

pub(crate) fn with_window(window_ms: u64) -> Shard {
    with_windows(window_ms, window_ms)
}

/// A shard whose windows last 10 ms for each presence of the topic, between these limits.
pub(crate) fn with_windows(window_ms: u64, max_window_ms: u64) -> Shard {
    let config = ShardConfig {
        window_ms,
        max_window_ms,
        topic_deliveries: 100,
        ..ShardConfig::default()
    };
    Shard::new(ReplicaId::new("node-1", 1), 0, config)
}

/// Everything that is due.
pub(crate) fn poll(shard: &mut Shard, now: u64) -> Vec<TopicDiff> {
    std::iter::from_fn(|| shard.poll_diff(now)).collect()
}

/// The one diff that is due.
pub(crate) fn poll_one(shard: &mut Shard, now: u64) -> TopicDiff {
    let mut diffs = poll(shard, now);
    assert_eq!(diffs.len(), 1, "{diffs:?}");
    diffs.remove(0)
}

/// The refs of each key, in order.
pub(crate) fn refs(presences: &Presences) -> BTreeMap<String, Vec<String>> {
    let refs_of = |metas: &[_]| metas.iter().map(ref_of).collect();
    let mut by_key = BTreeMap::new();
    for (key, metas) in presences.iter() {
        let double = by_key.insert(key.to_string(), refs_of(metas));
        assert_eq!(double, None, "{key} is there twice");
    }
    by_key
}

/// The ref of a meta, read where it stands.
pub(crate) fn ref_of(meta: &Arc<str>) -> String {
    let rest = meta.strip_prefix(r#"{"phx_ref":""#);
    rest.expect("the ref comes first")[..PhxRef::LEN].to_owned()
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("valid JSON")
}

pub(crate) fn keys(presences: &Presences) -> Vec<&str> {
    presences.iter().map(|(key, _)| key).collect()
}
