//! A machine of the cluster: what a server does around the state machines, with clients that keep
//! lists.

use crate::client::{Client, Members, members, sorted};
use crate::schedule::TOPICS;
use crate::witness::Witness;
use herenow_core::replica::{
    ChannelId, Node, NodeConfig, Output, Presences, ReplicaId, Shard, ShardConfig, To, TopicDiff,
    shard_of,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Metas of a topic.
pub(crate) type Metas = BTreeSet<Arc<str>>;

/// A running process.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) node: Node,
    pub(crate) shards: Vec<Shard>,
    pub(crate) subscriptions: BTreeSet<u16>,
    pub(crate) clients: Vec<Subscriber>,
    /// The metas that the diffs of each topic add up to.
    told: BTreeMap<Arc<str>, Metas>,
    /// What its presences in a topic were after each change that nobody has noted yet.
    pub(crate) had: Vec<(&'static str, Metas)>,
    /// What it has shown of others.
    pub(crate) witness: Witness,
    /// Events that a server would log.
    pub(crate) events: Vec<Output>,
    /// Every diff, if a test wants to see them.
    pub(crate) diffs: Vec<TopicDiff>,
}

#[derive(Clone)]
pub(crate) struct Subscriber {
    pub(crate) topic: &'static str,
    pub(crate) client: Client,
}

/// Something to hand to the network.
pub(crate) struct Outgoing {
    pub(crate) to: To,
    pub(crate) bytes: Vec<u8>,
}

impl Machine {
    pub(crate) fn start(now: u64, id: ReplicaId, config: &NodeConfig) -> Self {
        let shard_config = ShardConfig {
            max_removals: 4,
            ..ShardConfig::default()
        };
        let shards = 0..config.shards;
        let shards = shards.map(|index| Shard::new(id.clone(), index, shard_config.clone()));
        Self {
            shards: shards.collect(),
            node: Node::new(now, id, config.clone()).expect("settings that work"),
            subscriptions: BTreeSet::new(),
            clients: Vec::new(),
            told: BTreeMap::new(),
            had: Vec::new(),
            witness: Witness::default(),
            events: Vec::new(),
            diffs: Vec::new(),
        }
    }

    pub(crate) fn shard_of(&self, topic: &str) -> u16 {
        shard_of(topic, self.shards.len() as u16)
    }

    /// Does something to the shard of a topic, as a channel does, and tells the node.
    pub(crate) fn change(&mut self, now: u64, topic: &str, change: impl FnOnce(&mut Shard)) {
        let index = self.shard_of(topic);
        let shard = &mut self.shards[usize::from(index)];
        let version = shard.version();
        change(shard);
        if shard.version() > version {
            let own = self.own(index);
            for topic in TOPICS {
                if self.shard_of(topic) == index {
                    let of_topic = own.iter().filter(|(of, _)| **of == *topic);
                    let metas = of_topic.map(|(_, meta)| Arc::clone(meta));
                    self.had.push((topic, metas.collect()));
                }
            }
            self.node.changed(now, index, &mut self.shards);
            self.node.want(now, index);
        }
        self.poll_diffs(now, index);
    }

    pub(crate) fn subscribe(&mut self, now: u64, topic: &'static str) {
        let index = self.shard_of(topic);
        self.node.want(now, index);
        let client = Client::default();
        self.clients.push(Subscriber { topic, client });
        if self.node.is_ready(index) {
            self.give_states(index);
        }
    }

    /// Says which shards nobody looks at any more.
    pub(crate) fn unwant(&mut self, now: u64) {
        for index in 0..self.shards.len() as u16 {
            let is_watched = self
                .clients
                .iter()
                .any(|client| self.shard_of(client.topic) == index);
            if !is_watched && self.own(index).is_empty() {
                self.node.unwant(now, index);
            }
        }
    }

    /// The own presences in a shard: topic and meta.
    pub(crate) fn own(&self, shard: u16) -> Vec<(Arc<str>, Arc<str>)> {
        let shard = &self.shards[usize::from(shard)];
        let channels = (0..16).map(ChannelId);
        let own = channels.flat_map(|channel| shard.get_by_channel(channel));
        own.map(|(topic, _, meta)| (Arc::clone(topic), Arc::clone(meta)))
            .collect()
    }

    /// The next moment at which there is something to do.
    pub(crate) fn next(&self) -> u64 {
        let shards = self.shards.iter().filter_map(Shard::poll_timeout);
        shards
            .chain(self.node.poll_timeout())
            .min()
            .unwrap_or(u64::MAX)
    }

    pub(crate) fn tick(&mut self, now: u64) {
        self.node.handle_timeout(now, &mut self.shards);
        for index in 0..self.shards.len() as u16 {
            if self.shards[usize::from(index)]
                .poll_timeout()
                .is_some_and(|at| at <= now)
            {
                self.poll_diffs(now, index);
            }
        }
    }

    pub(crate) fn receive(&mut self, now: u64, from: &ReplicaId, bytes: &[u8]) {
        let handled = self.node.handle(now, from, bytes, &mut self.shards);
        assert_eq!(handled, Ok(()), "from {from}");
    }

    /// Does what the node asks for, and returns what is to be sent.
    pub(crate) fn pump(&mut self, now: u64) -> Vec<Outgoing> {
        let mut outgoing = Vec::new();
        while let Some(output) = self.node.poll() {
            match output {
                Output::Send { to, bytes } => outgoing.push(Outgoing { to, bytes }),
                Output::Subscribe(shard) => _ = self.subscriptions.insert(shard),
                Output::Unsubscribe(shard) => {
                    self.subscriptions.remove(&shard);
                    let shards = self.shards.len() as u16;
                    self.told
                        .retain(|topic, _| shard_of(topic, shards) != shard);
                }
                Output::Diffs(shard) => self.poll_diffs(now, shard),
                Output::Ready(shard) => self.give_states(shard),
                event => self.events.push(event),
            }
        }
        outgoing
    }

    /// Gives those their first state who wait for it.
    fn give_states(&mut self, shard: u16) {
        let shards = self.shards.len() as u16;
        for Subscriber { topic, client } in &mut self.clients {
            if shard_of(topic, shards) == shard && client.members().is_none() {
                let mut state = String::new();
                self.shards[usize::from(shard)].write_state(topic, &mut state);
                client.on_state(&json(&state));
            }
        }
    }

    /// Gives all clients of a topic its state once more, as is done for slow readers.
    pub(crate) fn refresh(&mut self, topic: &str) {
        let index = self.shard_of(topic);
        if !self.node.is_ready(index) {
            return;
        }
        let mut state = String::new();
        self.shards[usize::from(index)].write_state(topic, &mut state);
        for subscriber in &mut self.clients {
            if *subscriber.topic == *topic {
                subscriber.client.on_state(&json(&state));
            }
        }
    }

    fn poll_diffs(&mut self, now: u64, shard: u16) {
        while let Some(diff) = self.shards[usize::from(shard)].poll_diff(now) {
            self.announce(&diff);
            self.diffs.push(diff);
        }
    }

    /// Nothing is announced that is not listed, nobody joins twice, and nobody leaves who has not
    /// joined.
    fn announce(&mut self, diff: &TopicDiff) {
        let listed = self.listed(&diff.topic);
        let told = self.told.entry(Arc::clone(&diff.topic)).or_default();
        let (joins, leaves) = (metas(&diff.joins), metas(&diff.leaves));
        for joined in &joins {
            let is_true = listed.contains(joined) || leaves.contains(joined);
            assert!(is_true, "{joined} is announced but not listed");
            assert!(told.insert(Arc::clone(joined)), "{joined} joins twice");
        }
        for left in leaves {
            assert!(told.remove(&left), "{left} leaves without having joined");
        }
        assert_eq!(
            told.symmetric_difference(&listed).next(),
            None,
            "{}",
            diff.topic
        );
        let mut payload = String::new();
        diff.write_payload(&mut payload);
        let payload = json(&payload);
        for subscriber in &mut self.clients {
            if *subscriber.topic == *diff.topic {
                subscriber.client.on_diff(&payload);
            }
        }
    }

    /// The metas that are listed in a topic, without the mark that a list leaves.
    pub(crate) fn listed(&self, topic: &str) -> Metas {
        let shard = &self.shards[usize::from(self.shard_of(topic))];
        let keys = crate::schedule::KEYS.iter();
        keys.flat_map(|key| shard.get_by_key(topic, key)).collect()
    }

    /// The list of a topic as a client sees it.
    pub(crate) fn list(&mut self, topic: &str) -> Members {
        let index = self.shard_of(topic);
        let mut state = String::new();
        self.shards[usize::from(index)].write_state(topic, &mut state);
        sorted(members(&json(&state)))
    }

    /// What the diffs of a topic add up to.
    pub(crate) fn told(&self, topic: &str) -> Metas {
        self.told.get(topic).cloned().unwrap_or_default()
    }
}

/// All metas of one half of a diff.
pub(crate) fn metas(presences: &Presences) -> Metas {
    presences
        .iter()
        .flat_map(|(_, metas)| metas.to_vec())
        .collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("valid JSON")
}
