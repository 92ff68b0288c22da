use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};

use herenow_core::protocol::events;
use tokio::sync::mpsc;

use super::Remote;
use super::subscription::Subscription;
use super::topic::{DISCONNECT, RemoteCell, Subscriber, Topic};
use crate::channel::{ChannelId, IntoPayload, Payload};
use crate::sync::lock;

/// Topics: subscribe, broadcast. Cheap to clone; clones are the same.
///
/// Subscribers are those of this node. What is broadcast reaches the subscribers of all nodes of the
/// [cluster](crate::cluster::Cluster), those of other nodes at most once: it may be lost on the way.
#[derive(Clone)]
pub struct PubSub(Arc<Inner>);

struct Inner {
    shards: Box<[Shard]>,
    hasher: std::hash::RandomState,
    state: OnceLock<StateProvider>,
    remote: RemoteCell,
}

type Shard = Mutex<HashMap<Arc<str>, Arc<Topic>>>;

type StateProvider = Box<dyn Fn(Arc<str>) -> StateFuture + Send + Sync>;

/// Resolves to the payload of a `presence_state`.
pub(crate) type StateFuture = Pin<Box<dyn Future<Output = Option<Payload>> + Send>>;

/// Enough that threads seldom meet: a shard is locked for a look-up only.
const SHARDS: usize = 64;

impl PubSub {
    /// A node's topics, with no subscribers yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            hasher: std::hash::RandomState::new(),
            state: OnceLock::new(),
            remote: OnceLock::new(),
        }))
    }

    /// Sends an event to all subscribers of a topic.
    ///
    /// # Panics
    /// If the payload [cannot be written as JSON](IntoPayload::into_payload).
    pub fn broadcast(&self, topic: &str, event: &str, payload: impl IntoPayload) {
        self.broadcast_except(None, topic, event, payload);
    }

    /// Sends an event to all subscribers but one.
    ///
    /// # Panics
    /// As [`broadcast`](Self::broadcast).
    pub fn broadcast_from(
        &self,
        sender: ChannelId,
        topic: &str,
        event: &str,
        payload: impl IntoPayload,
    ) {
        self.broadcast_except(Some(sender), topic, event, payload);
    }

    /// Sends an event to all subscribers of a topic on this node, and to nobody on others.
    ///
    /// # Panics
    /// As [`broadcast`](Self::broadcast).
    pub fn local_broadcast(&self, topic: &str, event: &str, payload: impl IntoPayload) {
        self.fan_out(None, topic, event, &payload.into_payload());
    }

    /// Closes all connections whose socket has this [id](crate::Connected::id), on all nodes, with code
    /// 1001.
    pub fn disconnect(&self, socket_id: &str) {
        self.broadcast(socket_id, DISCONNECT, Payload::empty());
    }

    /// Subscribes the application itself to a topic.
    #[must_use]
    pub fn subscribe(&self, topic: &str) -> Subscription {
        let (sender, receiver) = mpsc::channel(Subscription::CAPACITY);
        let id = ChannelId::next();
        self.subscribe_channel(topic, id, Subscriber::Application(Some(sender)), || {});
        Subscription::new(self.clone(), topic, id, receiver)
    }

    /// How many subscribers a topic has on this node.
    #[must_use]
    pub fn subscriber_count(&self, topic: &str) -> usize {
        self.find(topic).map_or(0, |topic| topic.subscriber_count())
    }

    /// Says where the whole state of a topic's presences is to be had: from then on a broadcast of
    /// `presence_diff` may be withheld from a reader that is too slow, who gets one `presence_state` with
    /// what `provide` answers when it has caught up. Without a state the reader is disconnected, so that
    /// it joins again.
    ///
    /// What `provide` answers has to include every diff broadcast before it was called. The first provider
    /// stays; the result tells whether it was this one.
    pub fn provide_state<F, Fut>(&self, provide: F) -> bool
    where
        F: Fn(Arc<str>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Option<Payload>> + Send + 'static,
    {
        let provider: StateProvider = Box::new(move |topic| Box::pin(provide(topic)));
        self.0.state.set(provider).is_ok()
    }

    /// Asks for the state of a topic. `None` without a provider.
    pub(crate) fn state(&self, topic: &Arc<str>) -> Option<StateFuture> {
        let provide = self.0.state.get()?;
        Some(provide(Arc::clone(topic)))
    }

    /// Subscribes, after `first`: no broadcast comes between the two, and none after `first` is missed.
    pub(crate) fn subscribe_channel(
        &self,
        topic: &str,
        id: ChannelId,
        mut subscriber: Subscriber,
        mut first: impl FnOnce(),
    ) {
        loop {
            let found = self.find_or_add(topic);
            match found.subscribe(id, subscriber, first, &self.0.remote) {
                Ok(()) => return,
                // It lost its last subscriber just now: take part in a new one.
                Err(back) => (subscriber, first) = back,
            }
            self.forget(topic, &found);
        }
    }

    pub(crate) fn unsubscribe(&self, topic: &str, id: ChannelId) {
        let Some(found) = self.find(topic) else {
            return;
        };
        if found.unsubscribe(id, &self.0.remote) {
            self.forget(topic, &found);
        }
    }

    /// Lets other nodes take part. The first `remote` stays; the result tells whether it was this one.
    pub(crate) fn connect(&self, remote: Arc<dyn Remote>) -> bool {
        if self.0.remote.set(remote).is_err() {
            return false;
        }
        // Topics that come from now on tell by themselves.
        for shard in &self.0.shards {
            let topics: Vec<_> = lock(shard).values().cloned().collect();
            topics.iter().for_each(|topic| topic.tell(&self.0.remote));
        }
        true
    }

    fn broadcast_except(
        &self,
        except: Option<ChannelId>,
        topic: &str,
        event: &str,
        payload: impl IntoPayload,
    ) {
        let payload = payload.into_payload();
        self.fan_out(except, topic, event, &payload);
        if let Some(remote) = self.0.remote.get() {
            remote.broadcast(topic, event, &payload);
        }
    }

    fn fan_out(&self, except: Option<ChannelId>, topic: &str, event: &str, payload: &Payload) {
        let Some(topic) = self.find(topic) else {
            return;
        };
        let is_diff = event == events::PRESENCE_DIFF && self.0.state.get().is_some();
        topic.broadcast(except, event, payload, is_diff);
    }

    fn shard(&self, topic: &str) -> &Shard {
        let hash = self.0.hasher.hash_one(topic);
        &self.0.shards[(hash % SHARDS as u64) as usize]
    }

    fn find(&self, topic: &str) -> Option<Arc<Topic>> {
        lock(self.shard(topic)).get(topic).cloned()
    }

    fn find_or_add(&self, topic: &str) -> Arc<Topic> {
        let mut shard = lock(self.shard(topic));
        if let Some(found) = shard.get(topic) {
            return Arc::clone(found);
        }
        let added = Arc::new(Topic::new(topic));
        shard.insert(Arc::clone(added.name()), Arc::clone(&added));
        added
    }

    /// Takes a topic that is gone out of the map, unless another one has its place already.
    fn forget(&self, topic: &str, gone: &Arc<Topic>) {
        let mut shard = lock(self.shard(topic));
        if shard
            .get(topic)
            .is_some_and(|found| Arc::ptr_eq(found, gone))
        {
            shard.remove(topic);
        }
    }
}

impl Default for PubSub {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PubSub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSub").finish_non_exhaustive()
    }
}
