//! Nodes that speak to each other without a network.

use herenow_core::replica::{
    ChannelId, Node, NodeConfig, Output, ReplicaId, Shard, ShardConfig, To,
};
use std::hint::black_box;
use std::ops::Range;

const TOPIC: &str = "room:lobby";

/// A node with its one shard.
pub(crate) struct Site {
    pub(crate) id: ReplicaId,
    node: Node,
    shards: Vec<Shard>,
}

impl Site {
    pub(crate) fn new(name: &str) -> Self {
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

    pub(crate) fn track(&mut self, now: u64, members: Range<u64>) {
        for member in members {
            let meta = format!(r#"{{"online_at":"{}"}}"#, 1_795_499_005 + member / 100);
            let key = format!("user:{}", member * 7_919 % 1_000_003);
            let shard = &mut self.shards[0];
            let tracked = shard.track(now + member / 10, TOPIC, ChannelId(member), &key, &meta);
            tracked.expect("is not tracked");
        }
        self.node.changed(now, 0, &mut self.shards);
    }

    pub(crate) fn untrack(&mut self, now: u64, members: Range<u64>) {
        for member in members {
            self.shards[0].untrack_all(now, ChannelId(member));
        }
        self.node.changed(now, 0, &mut self.shards);
    }

    /// What it has to say.
    pub(crate) fn say(&mut self, now: u64) -> Vec<(To, Vec<u8>)> {
        self.node.handle_timeout(now, &mut self.shards);
        while black_box(self.shards[0].poll_diff(now)).is_some() {}
        let outputs = std::iter::from_fn(|| self.node.poll());
        let sent = outputs.filter_map(|output| match output {
            Output::Send { to, bytes } => Some((to, bytes)),
            _ => None,
        });
        sent.collect()
    }

    pub(crate) fn hear(&mut self, now: u64, from: &ReplicaId, messages: &[(To, Vec<u8>)]) {
        for (_, bytes) in messages {
            let heard = self.node.handle(now, from, bytes, &mut self.shards);
            heard.expect("a message");
        }
    }

    pub(crate) fn members(&self) -> u64 {
        self.shards[0].counts(TOPIC).metas as u64
    }
}

/// Two that have introduced themselves; the first has been asked for what it has.
pub(crate) fn pair(members: u64) -> (Site, Site) {
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

pub(crate) fn bytes(messages: &[(To, Vec<u8>)]) -> usize {
    messages.iter().map(|(_, bytes)| bytes.len()).sum()
}
