use super::super::store::NewEntry;
use super::super::{ReplicaId, ShardConfig};
use super::*;

/// A shard of node `b` that also holds entries of the nodes `a` and `c`, which arrive as
/// (replica, tracked at, version) in some order. The own replica is number 0.
fn merged(arrivals: &[(u32, u64, u64)]) -> Shard {
    let mut shard = Shard::new(ReplicaId::new("b", 1), 0, ShardConfig::default());
    for node in ["a", "c"] {
        shard.replicas.find_or_add(&ReplicaId::new(node, 1), true);
    }
    let topic = shard.store.topic_or_new("t");
    for &(replica, first_at, version) in arrivals {
        let new = NewEntry {
            replica,
            channel: ChannelId(version),
            version,
            first_at,
            first_version: version,
            hidden: false,
            meta: format!("{replica}@{first_at}.{version}").into(),
        };
        shard.store.insert(topic, "k", new);
    }
    shard
}

#[test]
fn metas_are_listed_by_time_then_replica_then_version_in_whatever_order_they_arrived() {
    let mut arrivals = vec![
        (1, 10, 1),
        (0, 10, 1),
        (2, 10, 1),
        (2, 10, 2),
        (0, 20, 2),
        (1, 30, 2),
    ];
    let sorted = ["1@10.1", "0@10.1", "2@10.1", "2@10.2", "0@20.2", "1@30.2"];
    for _ in 0..arrivals.len() {
        arrivals.rotate_left(1);
        let metas = merged(&arrivals).get_by_key("t", "k");
        assert_eq!(metas.iter().map(|meta| &**meta).collect::<Vec<_>>(), sorted);
    }
}

#[test]
fn a_channel_of_another_replica_is_another_channel_whatever_its_number() {
    let mut shard = merged(&[(1, 10, 7)]);
    assert_eq!(shard.get("t", ChannelId(7), "k"), None);
    assert_eq!(shard.get_by_channel(ChannelId(7)).count(), 0);
    assert_eq!(shard.untrack_all(20, ChannelId(7)), 0);
    shard.track(20, "t", ChannelId(7), "k", "{}").unwrap();
    assert_eq!(shard.untrack_all(20, ChannelId(7)), 1);
    assert_eq!(shard.counts("t").metas, 1);
}
