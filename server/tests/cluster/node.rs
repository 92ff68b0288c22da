//! Nodes for the tests, and ways to wait that are bounded in time.

use std::collections::BTreeMap;
use std::time::Duration;

use herenow::cluster::bus::{ClusterConfig, LocalNetwork};
use herenow::cluster::{Cluster, Settings};
use herenow::{ChannelId, Presence, PresenceBuilder, Presences, PubSub, Subscription};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::people::People;

/// After this long, what a test waits for is not going to happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(5);

pub(crate) const ROOM: &str = "room:lobby";

/// A node of a cluster in this process.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    pub(crate) pubsub: PubSub,
    pub(crate) presence: Presence,
    pub(crate) cluster: Cluster,
}

/// How a node is to be.
pub(crate) struct Start<'a> {
    network: &'a LocalNetwork,
    name: &'static str,
    settings: Settings,
    presence: fn(PresenceBuilder) -> PresenceBuilder,
}

impl<'a> Start<'a> {
    pub(crate) fn new(network: &'a LocalNetwork, name: &'static str) -> Self {
        Self {
            network,
            name,
            settings: Settings::default(),
            presence: |presence| presence,
        }
    }

    pub(crate) fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    pub(crate) fn presence(self, presence: fn(PresenceBuilder) -> PresenceBuilder) -> Self {
        Self { presence, ..self }
    }

    pub(crate) fn join(self) -> Node {
        let pubsub = PubSub::new();
        self.join_with(pubsub, |_| {})
    }

    /// Joins with topics that exist already; `before` is done when the presences do, too.
    pub(crate) fn join_with(self, pubsub: PubSub, before: impl FnOnce(&Presence)) -> Node {
        let builder = Presence::builder(&pubsub).node(self.name);
        let presence = (self.presence)(builder).start();
        before(&presence);
        let config = ClusterConfig {
            node: self.name.into(),
            ..ClusterConfig::default()
        };
        let incarnation = presence.replica().incarnation();
        let (bus, inbox) = self.network.join(&config, incarnation);
        let cluster = Cluster::join(bus, inbox, &pubsub, &presence, self.settings).unwrap();
        Node {
            name: self.name,
            pubsub,
            presence,
            cluster,
        }
    }
}

/// Nodes with these names that know each other.
pub(crate) async fn start<const N: usize>(
    network: &LocalNetwork,
    names: [&'static str; N],
) -> [Node; N] {
    let nodes = names.map(|name| Start::new(network, name).join());
    meet(&nodes).await;
    nodes
}

/// Waits until all know each other.
pub(crate) async fn meet(nodes: &[Node]) {
    eventually("all nodes meet", async || {
        let others = nodes.len() - 1;
        nodes.iter().all(|node| node.up().len() == others)
    })
    .await;
}

impl Node {
    /// Tracks a user in a room as a channel of its own.
    pub(crate) fn track(&self, user: &str) -> ChannelId {
        self.track_in(ROOM, user)
    }

    pub(crate) fn track_in(&self, topic: &str, user: &str) -> ChannelId {
        let channel = ChannelId::next();
        let meta = json!({"on": self.name});
        self.presence
            .track_as(topic, channel, user, meta)
            .expect("it can be tracked");
        channel
    }

    /// Who is in the room, as this node sees it.
    pub(crate) async fn users(&self) -> Vec<String> {
        self.users_in(ROOM).await
    }

    pub(crate) async fn users_in(&self, topic: &str) -> Vec<String> {
        let mut users = names(&self.presence.list(topic).await);
        users.sort();
        users
    }

    /// The nodes that are up, as this node sees it.
    pub(crate) fn up(&self) -> Vec<String> {
        let members = self.cluster.status().members.into_iter();
        members
            .filter(|member| member.state == herenow::cluster::MemberState::Up)
            .map(|member| member.replica.node().to_string())
            .collect()
    }

    /// Somebody who joins the room here.
    pub(crate) async fn watch(&self) -> Watcher {
        let subscription = self.pubsub.subscribe(ROOM);
        let list = self.presence.list(ROOM).await;
        let mut people = People::default();
        people.sync_state(&value(&list));
        Watcher {
            subscription,
            people,
            seen: BTreeMap::new(),
            joins: Vec::new(),
        }
    }

    /// The room as a client has it that has just joined.
    pub(crate) async fn people(&self) -> People {
        People::of(&value(&self.presence.list(ROOM).await))
    }
}

pub(crate) fn names(list: &Presences) -> Vec<String> {
    list.iter().map(|(key, _)| key.to_owned()).collect()
}

pub(crate) fn value(list: &Presences) -> Value {
    serde_json::from_str(&format!("{list:?}")).expect("a list is JSON")
}

/// What somebody knows who has the list and applies what is sent.
pub(crate) struct Watcher {
    subscription: Subscription,
    pub(crate) people: People,
    /// How often each event came.
    pub(crate) seen: BTreeMap<String, usize>,
    /// Who was announced as joining, in this order.
    pub(crate) joins: Vec<String>,
}

impl Watcher {
    /// Applies what has come.
    pub(crate) fn catch_up(&mut self) -> &People {
        while let Some(broadcast) = self.subscription.try_recv() {
            *self.seen.entry(broadcast.event.to_string()).or_default() += 1;
            if &*broadcast.event == "presence_diff" {
                let diff = broadcast.payload.json().unwrap();
                let joins = diff["joins"].as_object().expect("an object");
                self.joins.extend(joins.keys().cloned());
                self.people.sync_diff(&diff);
            }
        }
        &self.people
    }
}

/// Looks again and again until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !condition().await {
        assert!(Instant::now() < end, "in time: {what}");
        sleep(POLL).await;
    }
}

/// Waits until a node lists these users and nobody else.
pub(crate) async fn lists(node: &Node, users: &[&str]) {
    let what = format!("{} lists {users:?}", node.name);
    eventually(&what, async || node.users().await == users).await;
}
