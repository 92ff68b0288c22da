//! Nodes for the tests, and ways to wait that are bounded in time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use herenow::cluster::bus::{
    Bus, BusStats, Channel, ClusterConfig, Event, Inbox, Message, Reason, Secret,
};
use herenow_core::replica::ReplicaId;
use tokio::time::{Instant, sleep, timeout};

/// After this long, what a test waits for is not going to happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// How often something is tried or looked at that cannot be waited for.
const POLL: Duration = Duration::from_millis(20);

/// A message that has not arrived after this long without any is taken for lost.
const QUIET: Duration = Duration::from_secs(1);

/// Where nodes of one network come from.
pub(crate) trait Network: Sync {
    /// Starts the node that `config` describes; the engine is the network's own.
    fn start<'a>(
        &'a self,
        config: ClusterConfig,
        incarnation: u64,
    ) -> Pin<Box<dyn Future<Output = Node> + Send + 'a>>;
}

/// A node called `name` of the cluster `test`, with a secret.
pub(crate) fn config(name: &str) -> ClusterConfig {
    ClusterConfig {
        node: name.into(),
        name: "test".into(),
        secret: Some(secret("the secret of the tests")),
        ..ClusterConfig::default()
    }
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

/// Nodes with these names that have all met.
pub(crate) async fn start<const N: usize>(network: &dyn Network, names: [&str; N]) -> [Node; N] {
    let mut nodes = Vec::new();
    for name in names {
        nodes.push(network.start(config(name), 1).await);
    }
    let mut nodes = nodes.try_into().expect("as many nodes as names");
    meet(&mut nodes).await;
    nodes
}

/// Waits until each node hears each other one.
pub(crate) async fn meet<const N: usize>(nodes: &mut [Node; N]) {
    let buses = nodes.each_ref().map(|node| Arc::clone(&node.bus));
    for node in &mut *nodes {
        let me = node.id().clone();
        for other in buses.iter().filter(|bus| *bus.me() != me) {
            let speak = || drop(other.broadcast("is anybody there".into()));
            let from_other = |message: &Message| message.from == *other.me();
            node.hear(speak, from_other).await;
        }
    }
    // What was said too often is read before the last word of each. A broadcast may get lost, so there
    // are as many last words as it takes until one has reached all.
    let end = Instant::now() + DEADLINE;
    for round in 0.. {
        assert!(Instant::now() < end, "a word of each reaches all in time");
        let word = format!("met {round}");
        for bus in &buses {
            bus.broadcast(word.clone().into()).expect("it is open");
        }
        let mut all_heard = true;
        for node in &mut *nodes {
            all_heard &= node.hears_from(N - 1, &word).await;
        }
        if all_heard {
            return;
        }
    }
}

/// A node and what it received.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) inbox: Inbox,
}

impl Node {
    pub(crate) fn id(&self) -> &ReplicaId {
        self.bus.me()
    }

    pub(crate) fn stats(&self) -> BusStats {
        self.bus.stats()
    }

    pub(crate) fn refused(&self, reason: Reason) -> u64 {
        self.stats().refused.of(reason)
    }

    /// Forgets what was received so far.
    pub(crate) fn settle(&mut self) {
        while self.inbox.try_recv().is_some() {}
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        timeout(DEADLINE, self.inbox.recv())
            .await
            .expect("an event arrives in time")
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Message {
        loop {
            let event = self.event().await.expect("the bus is open");
            if let Event::Message(message) = event {
                return message;
            }
        }
    }

    /// Does `speak` again and again until a message arrives that satisfies `wanted`: the way to wait
    /// until others know of a subscription or a node, which no engine tells.
    pub(crate) async fn hear(
        &mut self,
        mut speak: impl FnMut(),
        wanted: impl Fn(&Message) -> bool,
    ) -> Message {
        let end = Instant::now() + DEADLINE;
        loop {
            assert!(Instant::now() < end, "{} hears in time", self.id());
            speak();
            while let Ok(event) = timeout(POLL, self.inbox.recv()).await {
                match event.expect("the bus is open") {
                    Event::Message(message) if wanted(&message) => return message,
                    _ => {}
                }
            }
        }
    }

    /// Whether `word` arrives `times` times before the node hears nothing for a while.
    async fn hears_from(&mut self, times: usize, word: &str) -> bool {
        let mut heard = 0;
        while heard < times {
            match timeout(QUIET, self.inbox.recv()).await {
                Ok(Some(Event::Message(message))) => heard += usize::from(message.payload == word),
                Ok(event) => assert!(event.is_some(), "the bus is open"),
                Err(_) => return false,
            }
        }
        true
    }

    /// The payloads of all messages until the one that says `last`.
    pub(crate) async fn payloads_until(&mut self, last: &str) -> Vec<Bytes> {
        let mut payloads = Vec::new();
        loop {
            let payload = self.message().await.payload;
            if payload == last {
                return payloads;
            }
            payloads.push(payload);
        }
    }

    /// Publishes until `listener` hears it, then makes it forget the copies.
    pub(crate) async fn publish_until_heard(&self, shard: u16, listener: &mut Self) {
        let probe = "are you there";
        let bus = Arc::clone(&self.bus);
        let wanted = |message: &Message| {
            message.channel == Channel::Shard(shard) && message.payload == probe
        };
        listener
            .hear(|| drop(bus.publish(shard, probe.into())), wanted)
            .await;
        let done = "now you are";
        bus.publish(shard, done.into()).expect("it is open");
        listener.payloads_until(done).await;
    }
}

/// Looks again and again until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < end, "in time: {what}");
        sleep(POLL).await;
    }
}
