//! What merging and reading cost, in looks at what is kept: the same number on any machine, however busy. Only the
//! tests count.

use super::slab::Slab;
use super::{ChannelId, Node, NodeConfig, Output, ReplicaId, Shard, ShardConfig};
use std::cell::Cell;
use std::ops::Range;

thread_local! {
    static LOOKS: Cell<u64> = const { Cell::new(0) };
}

/// Somebody looks at a value of a slab, or at a place among the versions of a replica.
pub(super) fn note() {
    LOOKS.set(LOOKS.get() + 1);
}

/// How many looks something takes.
fn taken(run: impl FnOnce()) -> u64 {
    let before = LOOKS.get();
    run();
    LOOKS.get() - before
}

const TOPIC: &str = "room:lobby";

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
            let tracked = self.shards[0].track(now, TOPIC, ChannelId(channel), &key(channel), "{}");
            tracked.expect("it is new");
        }
    }

    fn update(&mut self, now: u64, channels: Range<u64>) {
        for channel in channels {
            let updated =
                self.shards[0].update(now, TOPIC, ChannelId(channel), &key(channel), "{}");
            updated.expect("it is there");
        }
    }

    fn untrack(&mut self, now: u64, channels: Range<u64>) {
        for channel in channels {
            assert!(self.shards[0].untrack(now, TOPIC, ChannelId(channel), &key(channel)));
        }
    }

    /// Says to the other what it has to say, and to its own clients.
    fn tell(&mut self, now: u64, other: &mut Self) {
        self.node.changed(now, 0, &mut self.shards);
        self.node.handle_timeout(now, &mut self.shards);
        while let Some(output) = self.node.poll() {
            if let Output::Send { bytes, .. } = output {
                let told = other.node.handle(now, &self.id, &bytes, &mut other.shards);
                assert_eq!(told, Ok(()));
            }
        }
        while self.shards[0].poll_diff(now).is_some() {}
    }

    fn metas(&self) -> u64 {
        self.shards[0].counts(TOPIC).metas as u64
    }
}

fn key(channel: u64) -> String {
    format!("key {channel}")
}

/// Two nodes of which one owns so many presences, and the other has a copy.
fn copied(presences: u64) -> (Alone, Alone) {
    let (mut owner, mut copy) = (Alone::new("owner"), Alone::new("copy"));
    copy.node.want(0, 0);
    owner.track(0, 0..presences);
    for now in 0..4 {
        owner.tell(now, &mut copy);
        copy.tell(now, &mut owner);
    }
    assert_eq!(copy.metas(), presences);
    (owner, copy)
}

/// What it takes both nodes when some come, some change and some go, a few times.
fn changing(presences: u64) -> u64 {
    const CHANGED: u64 = 50;
    let (mut owner, mut copy) = copied(presences);
    let looks = taken(|| {
        for round in 1..=8 {
            // The windows of the last round have closed by then.
            let (now, new) = (round * 1_000, presences + round * CHANGED);
            owner.track(now, new..new + CHANGED);
            // From the middle, which is far from either end if there are many.
            let old = presences / 2 + round * CHANGED;
            owner.update(now, old + CHANGED..old + 2 * CHANGED);
            owner.untrack(now, old..old + CHANGED);
            owner.tell(now, &mut copy);
            copy.tell(now, &mut owner);
        }
    });
    assert_eq!((owner.metas(), copy.metas()), (presences, presences));
    looks
}

/// Phoenix's tracker goes through all that it has to find what a merge removes: D7 of its defects.
#[test]
fn a_merge_looks_at_what_it_changes_and_not_at_what_is_there() {
    assert_eq!(changing(1_000), changing(32_000));
}

/// Phoenix's tracker looks for a key in all of its topic: D7, too.
#[test]
fn a_key_is_read_without_a_look_at_the_others_of_its_topic() {
    let reading = |presences| {
        let (_, copy) = copied(presences);
        let middle = key(presences / 2);
        taken(|| assert_eq!(copy.shards[0].get_by_key(TOPIC, &middle).len(), 1))
    };
    assert_eq!(reading(10), reading(10_000));
}

#[test]
fn looks_are_counted() {
    let (_, mut copy) = copied(100);
    assert!(taken(|| drop(copy.shards[0].list(TOPIC))) >= 100);
    let mut slab = Slab::new();
    let four = || {
        let address = slab.insert(1);
        slab[address] += slab[address];
        slab.remove(address);
    };
    assert_eq!(taken(four), 4);
}
