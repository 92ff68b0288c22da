use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use herenow_core::replica::{DEFAULT_SHARDS, ReplicaId, ShardConfig};
use serde::Serialize;

use super::Presence;
use super::clock::Clock;
use super::fetch::{Fetch, FetchError};
use crate::PubSub;

/// How a [`Presence`] is to be. Made by [`Presence::builder`].
#[must_use = "nothing is tracked before `start`"]
pub struct PresenceBuilder {
    pubsub: PubSub,
    node: Arc<str>,
    /// An earlier life of the node; 0 stands for none.
    later_than: u64,
    shards: u16,
    config: ShardConfig,
    fetch: Option<Fetch>,
    fetch_timeout: Option<Duration>,
}

/// The name of a node that has not been given one.
const DEFAULT_NODE: &str = "herenow";

impl PresenceBuilder {
    pub(super) fn new(pubsub: &PubSub) -> Self {
        Self {
            pubsub: pubsub.clone(),
            node: DEFAULT_NODE.into(),
            later_than: 0,
            shards: DEFAULT_SHARDS,
            config: ShardConfig::default(),
            fetch: None,
            fetch_timeout: None,
        }
    }

    /// How long the changes of a topic are gathered after it has sent a diff (25 ms, in whole
    /// milliseconds); longer if the topic is large, see [`max_window`](Self::max_window). The first change
    /// after a quiet spell is sent at once in any case. Nobody gets more than `1 s / window` diffs a
    /// second for a topic. With zero nothing is gathered.
    pub fn window(mut self, window: Duration) -> Self {
        self.config.window_ms = milliseconds(window);
        self
    }

    /// How long the changes of a large topic are gathered at most (250 ms, in whole milliseconds).
    ///
    /// Each diff of a topic goes to all its subscribers, so under steady changes a topic costs in
    /// proportion to its members. Its window is 1 ms for every 40 presences, between
    /// [`window`](Self::window) and this limit, which keeps it at 40,000 deliveries a second as long as
    /// the limit allows and each presence is one subscriber. With no more than `window`, all topics are
    /// treated alike; with a `window` of zero nothing is gathered in any.
    pub fn max_window(mut self, max: Duration) -> Self {
        self.config.max_window_ms = milliseconds(max);
        self
    }

    /// The largest meta, in bytes of JSON (16 KiB). Every subscriber of a topic is sent the metas of all
    /// its members, so this wants to be small.
    pub fn max_meta_bytes(mut self, max: usize) -> Self {
        self.config.max_meta_bytes = max;
        self
    }

    /// The longest key, in bytes (1024).
    pub fn max_key_bytes(mut self, max: usize) -> Self {
        self.config.max_key_bytes = max;
        self
    }

    /// The longest topic, in bytes (1024).
    pub fn max_topic_bytes(mut self, max: usize) -> Self {
        self.config.max_topic_bytes = max;
        self
    }

    /// How many shards the topics are spread over (64). Topics of different shards never wait for one
    /// another. At least one.
    pub fn shards(mut self, shards: u16) -> Self {
        self.shards = shards.max(1);
        self
    }

    /// The name of this node, unique in its cluster.
    pub fn node(mut self, node: impl Into<Arc<str>>) -> Self {
        self.node = node.into();
        self
    }

    /// Has this life of the node count as later than the one of this incarnation, whatever the clock says.
    pub fn later_than(mut self, incarnation: u64) -> Self {
        self.later_than = incarnation;
        self
    }

    /// Adds fields to presences whenever they are shown: in lists, in joins and in leaves. It is what
    /// `fetch/2` is in Phoenix.
    ///
    /// The hook is given a topic and the keys in question, each once, and returns for each key an object
    /// (or none, if there is nothing to add) whose fields are put beside `metas`. It is called for each
    /// list and for each batch of changes, so it can ask a database once for all of them. The changes of
    /// a topic wait for it; those of other topics do not. It must not block its thread.
    ///
    /// If it fails, panics or takes [too long](Self::fetch_timeout), presences are shown without its
    /// fields, and a warning is logged.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::collections::HashMap;
    /// use herenow::{Presence, PubSub};
    /// use serde_json::{Value, json};
    ///
    /// # async fn names_of(users: &[String]) -> Result<Vec<(String, String)>, std::fmt::Error> { Ok(vec![]) }
    /// let presence = Presence::builder(&PubSub::new())
    ///     .fetch(|_topic, users| async move {
    ///         let names = names_of(&users).await?;
    ///         let added = names.into_iter().map(|(user, name)| (user, json!({"user": {"name": name}})));
    ///         Ok(added.collect::<HashMap<String, Value>>())
    ///     })
    ///     .start();
    /// # }
    /// ```
    pub fn fetch<F, Fut, Added>(mut self, hook: F) -> Self
    where
        F: Fn(String, Vec<String>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HashMap<String, Added>, FetchError>> + Send + 'static,
        Added: Serialize + 'static,
    {
        self.fetch = Some(Fetch::new(hook));
        self
    }

    /// How long the fetch hook may take ([`DEFAULT_FETCH_TIMEOUT`](super::DEFAULT_FETCH_TIMEOUT)).
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = Some(timeout);
        self
    }

    /// Starts to track.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer enabled.
    #[must_use]
    pub fn start(self) -> Presence {
        let timeout = self.fetch_timeout;
        let fetch = self.fetch.map(|fetch| fetch.limited_to(timeout));
        let clock = Clock::start();
        let incarnation = clock.incarnation().max(self.later_than.saturating_add(1));
        let replica = ReplicaId::new(self.node, incarnation);
        Presence::start(
            self.pubsub,
            (replica, clock),
            self.shards,
            self.config,
            fetch,
        )
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
