//! What replication costs the one who receives: bytes in, lists changed.

use crate::{ROUNDS, report};
use herenow_core::replica::{
    ChannelId, Node, NodeConfig, Output, ReplicaId, Shard, ShardConfig, To,
};
use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

const TOPIC: &str = "room:lobby";
/// What Phoenix's tracker sends for a presence in its full state, in bytes.
const PHOENIX_BYTES: f64 = 209.0;
const DELTA: u64 = 100;

pub(crate) fn run() {
    for members in [20_000, 100_000, 400_000] {
        delta(members);
    }
    snapshot(100_000);
    for nodes in [3, 10, 30, 100] {
        idle(nodes);
    }
}

/// A node with its one shard.
struct Site {
    id: ReplicaId,
    node: Node,
    shards: Vec<Shard>,
}

impl Site {
    fn new(name: &str) -> Self {
        let id = ReplicaId::new(name, 1_795_499_005_123);
        let config = NodeConfig {
            shards: 1,
            ..NodeConfig::default()
        };
        let mut site = Self {
            node: Node::new(0, id.clone(), config).expect("settings that work"),
            shards: vec![Shard::new(id.clone(), 0, ShardConfig::default())],
            id,
        };
        site.node.want(0, 0);
        site
    }

    fn track(&mut self, now: u64, members: Range<u64>) {
        for member in members {
            let meta = format!(r#"{{"online_at":"{}"}}"#, 1_795_499_005 + member / 100);
            let key = format!("user:{}", member * 7_919 % 1_000_003);
            let shard = &mut self.shards[0];
            let tracked = shard.track(now + member / 10, TOPIC, ChannelId(member), &key, &meta);
            tracked.expect("is not tracked");
        }
        self.node.changed(now, 0, &mut self.shards);
    }

    /// What it has to say.
    fn say(&mut self, now: u64) -> Vec<(To, Vec<u8>)> {
        self.node.handle_timeout(now, &mut self.shards);
        while black_box(self.shards[0].poll_diff(now)).is_some() {}
        let outputs = std::iter::from_fn(|| self.node.poll());
        let sent = outputs.filter_map(|output| match output {
            Output::Send { to, bytes } => Some((to, bytes)),
            _ => None,
        });
        sent.collect()
    }

    fn hear(&mut self, now: u64, from: &ReplicaId, messages: &[(To, Vec<u8>)]) {
        for (_, bytes) in messages {
            let heard = self.node.handle(now, from, bytes, &mut self.shards);
            heard.expect("a message");
        }
    }

    fn members(&self) -> u64 {
        self.shards[0].counts(TOPIC).metas as u64
    }
}

/// Two that have introduced themselves; the first has been asked for what it has.
fn pair(members: u64) -> (Site, Site) {
    let (mut owner, mut copy) = (
        Site::new("node-1.example.org"),
        Site::new("node-2.example.org"),
    );
    owner.track(0, 0..members);
    let said = owner.say(0);
    copy.hear(0, &owner.id, &said);
    let said = copy.say(0);
    owner.hear(0, &copy.id, &said);
    (owner, copy)
}

fn bytes(messages: &[(To, Vec<u8>)]) -> usize {
    messages.iter().map(|(_, bytes)| bytes.len()).sum()
}

/// A hundred changes reach a node that holds many presences of the same replica.
fn delta(members: u64) {
    let (mut owner, mut copy) = pair(members);
    let said = owner.say(0);
    copy.hear(0, &owner.id, &said);
    assert_eq!(copy.members(), members);
    let mut best = Duration::MAX;
    let mut size = 0;
    for round in 1..=20 {
        let now = round * 100;
        let start = members + round * DELTA;
        owner.track(now, start..start + DELTA);
        let said = owner.say(now);
        size = bytes(&said);
        let started = Instant::now();
        copy.hear(now, &owner.id, &said);
        best = best.min(started.elapsed());
        copy.say(now);
        assert_eq!(copy.members(), members + round * DELTA);
    }
    report("merge a delta of 100", members, 1, best);
    report_bytes("delta of 100", members, size as f64 / DELTA as f64);
}

/// A node begins to look at a shard in which another has many presences.
fn snapshot(members: u64) {
    let mut best = Duration::MAX;
    let mut size = 0;
    for _ in 0..ROUNDS {
        let (mut owner, mut copy) = pair(members);
        let said = owner.say(0);
        size = bytes(&said);
        let started = Instant::now();
        copy.hear(0, &owner.id, &said);
        best = best.min(started.elapsed());
        assert_eq!(copy.members(), members);
    }
    report("merge a snapshot", members, 1, best);
    report_bytes("snapshot", members, size as f64 / members as f64);
}

/// What a node of an idle cluster sends to each of the others, in bytes a second.
fn idle(nodes: u64) {
    let mut sites: Vec<Site> = (0..nodes)
        .map(|at| Site::new(&format!("node-{at}.example.org")))
        .collect();
    let mut last = 0;
    for second in 0..4 {
        let now = second * 1_000;
        for from in 0..sites.len() {
            let said = sites[from].say(now);
            let id = sites[from].id.clone();
            let digests: Vec<_> = said.into_iter().filter(|(to, _)| *to == To::All).collect();
            last = bytes(&digests);
            for (to, site) in sites.iter_mut().enumerate() {
                if to != from {
                    site.hear(now, &id, &digests);
                }
            }
        }
    }
    println!(
        r#"{{"bench":"replication","what":"heartbeat","nodes":{nodes},"bytes":{last},"bytes_per_second_and_node":{}}}"#,
        last as u64 * (nodes - 1)
    );
}

fn report_bytes(what: &str, members: u64, bytes: f64) {
    println!(
        r#"{{"bench":"replication","what":"{what}","members":{members},"bytes_per_entry":{bytes:.1},"of_phoenix":{:.2}}}"#,
        bytes / PHOENIX_BYTES
    );
}
