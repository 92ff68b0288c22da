//! Presence: who is in which topic, from which connections, with which metadata.
//!
//! [`Presence`] has the functions of `Phoenix.Presence`. A channel tracks its user when it has joined,
//! and sends the list to its client; from then on everybody who has joined the topic is sent what
//! changes, as `presence_diff`.
//!
//! ```
//! use herenow::{InfoResult, Presence, Socket};
//! use serde_json::json;
//!
//! async fn after_join(presence: &Presence, user_id: &str, socket: &mut Socket<()>) -> InfoResult {
//!     presence.track(socket, user_id, json!({"online_at": "1700000000"}))?;
//!     socket.push("presence_state", presence.list(socket).await);
//!     Ok(())
//! }
//! ```
//!
//! A presence is identified by topic, channel and key. One channel may track several keys, also in
//! other topics; a user with two tabs has one key with two metas. Whatever ends the channel, a crash or
//! a lost connection too, ends its presences.
//!
//! Diffs are gathered in windows of 25 ms, longer in topics of more than 1,000 (see
//! [`PresenceBuilder::window`] and [`PresenceBuilder::max_window`]), and the first change after a quiet
//! spell is sent at once. Whoever applies them by the rules of `presence.js` has the list.
//!
//! Nothing here decides who may be present where: the channel's `join` does.

mod builder;
mod clock;
mod errors;
mod fetch;
mod interest;
mod owners;
mod place;
mod presences;
mod shards;

use std::fmt;
use std::future::{Future, ready};
use std::sync::Arc;

use futures_util::future::Either;
use herenow_core::replica::{self, ReplicaId, Shard, ShardConfig};
use serde_json::Value;

pub use builder::PresenceBuilder;
pub use fetch::{DEFAULT_FETCH_TIMEOUT, FetchError};
pub use herenow_core::replica::{Counts, MetaError, PhxRef, TrackError, UpdateError};
pub use place::Place;
pub use presences::{Entry, Presences};

use clock::Clock;
use fetch::{Fetch, Fields};
use owners::Owners;

pub(crate) use interest::Interest;
pub(crate) use shards::Shards;

use crate::PubSub;
use crate::channel::{ChannelId, IntoPayload, Socket};

/// The presences of this node, or of the cluster as this node sees it. Cheap to clone; clones are the
/// same.
#[derive(Clone)]
pub struct Presence(Arc<Inner>);

struct Inner {
    shards: Arc<Shards>,
    owners: Owners,
    config: ShardConfig,
}

/// How much there is, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresenceStats {
    /// Topics with somebody in them, or with a diff window still open.
    pub topics: usize,
    /// Different keys, summed over the topics.
    pub keys: usize,
    /// Presences, those included that this node holds of others.
    pub presences: usize,
    /// Presences of this node's own channels.
    pub own_presences: usize,
    /// Diffs sent since the start.
    pub diffs: u64,
}

impl Presence {
    /// Sets out to make one whose diffs go to the subscribers of `pubsub`.
    pub fn builder(pubsub: &PubSub) -> PresenceBuilder {
        PresenceBuilder::new(pubsub)
    }

    fn start(
        pubsub: PubSub,
        life: (ReplicaId, Clock),
        shards: u16,
        config: ShardConfig,
        fetch: Option<Fetch>,
    ) -> Self {
        let shards = Shards::start(pubsub.clone(), life, shards, &config, fetch);
        let inner = Arc::new(Inner {
            shards,
            owners: Owners::new(),
            config,
        });
        let weak = Arc::downgrade(&inner);
        let is_first = pubsub.provide_state(move |topic| {
            let presence = weak.upgrade().map(Self);
            async move {
                let presences = presence?.list(&*topic).await;
                Some(presences.into_payload())
            }
        });
        if !is_first {
            tracing::warn!(
                "a second Presence on one PubSub: slow readers are sent the state of the first"
            );
        }
        Self(inner)
    }

    /// Whether these could be tracked by a channel that has not tracked them yet. With it a `join` can
    /// refuse what would fail only later, when its client believes that it is in.
    pub fn check(&self, topic: &str, key: &str, meta: impl IntoPayload) -> Result<(), TrackError> {
        let payload = meta.into_payload();
        let meta = payload.as_json().ok_or(MetaError::NotAnObject)?;
        let mut shard = Shard::new(ReplicaId::new("", 0), 0, self.0.config.clone());
        shard.track(0, topic, replica::ChannelId(0), key, meta)?;
        Ok(())
    }

    /// Makes the channel present in its topic under `key`, until it ends. `meta` has to be a JSON
    /// object; fields called `phx_ref` and `phx_ref_prev` are dropped from it.
    ///
    /// The error [`AlreadyTracked`](TrackError::AlreadyTracked) asks for [`update`](Self::update).
    pub fn track<Info>(
        &self,
        socket: &mut Socket<Info>,
        key: &str,
        meta: impl IntoPayload,
    ) -> Result<PhxRef, TrackError> {
        self.untrack_at_end(socket);
        self.track_as(socket.topic(), socket.channel_id(), key, meta)
    }

    /// Makes the channel present in any topic, until it ends.
    pub fn track_in<Info>(
        &self,
        topic: &str,
        socket: &mut Socket<Info>,
        key: &str,
        meta: impl IntoPayload,
    ) -> Result<PhxRef, TrackError> {
        self.untrack_at_end(socket);
        self.track_as(topic, socket.channel_id(), key, meta)
    }

    /// Tracks a presence by its full identity.
    ///
    /// It ends with the channel if that has tracked something through its [`Socket`]. All others are for
    /// the caller to end, with [`untrack_as`](Self::untrack_as) or [`untrack_all`](Self::untrack_all).
    pub fn track_as(
        &self,
        topic: &str,
        channel: ChannelId,
        key: &str,
        meta: impl IntoPayload,
    ) -> Result<PhxRef, TrackError> {
        let payload = meta.into_payload();
        let meta = payload.as_json().ok_or(MetaError::NotAnObject)?;
        let index = self.shards().index_of(topic);
        self.shards().change(index, |shard, now| {
            let phx_ref = shard.track(now, topic, core_id(channel), key, meta)?;
            self.0.owners.note(channel, index);
            Ok(phx_ref)
        })
    }

    /// Ends a presence of the channel in its topic. Says whether there was one.
    pub fn untrack<Info>(&self, socket: &Socket<Info>, key: &str) -> bool {
        self.untrack_as(socket.topic(), socket.channel_id(), key)
    }

    /// Ends a presence by its full identity. Says whether there was one.
    pub fn untrack_as(&self, topic: &str, channel: ChannelId, key: &str) -> bool {
        let index = self.shards().index_of(topic);
        self.shards().change(index, |shard, now| {
            let was_tracked = shard.untrack(now, topic, core_id(channel), key);
            if shard.get_by_channel(core_id(channel)).next().is_none() {
                self.0.owners.release(channel, index);
            }
            was_tracked
        })
    }

    /// Ends all presences of a channel, in all topics. Says how many there were.
    pub fn untrack_all(&self, channel: ChannelId) -> usize {
        let indexes = self.0.owners.forget(channel);
        let untrack = |index| {
            self.shards()
                .change(index, |shard, now| shard.untrack_all(now, core_id(channel)))
        };
        indexes.into_iter().map(untrack).sum()
    }

    /// Replaces the meta of a presence of the channel in its topic. The new one carries the old one's
    /// ref as `phx_ref_prev`. A meta that says the same as the old one changes nothing.
    pub fn update<Info>(
        &self,
        socket: &Socket<Info>,
        key: &str,
        meta: impl IntoPayload,
    ) -> Result<PhxRef, UpdateError> {
        self.update_as(socket.topic(), socket.channel_id(), key, meta)
    }

    /// Replaces the meta of a presence by its full identity.
    pub fn update_as(
        &self,
        topic: &str,
        channel: ChannelId,
        key: &str,
        meta: impl IntoPayload,
    ) -> Result<PhxRef, UpdateError> {
        let payload = meta.into_payload();
        let meta = payload.as_json().ok_or(MetaError::NotAnObject)?;
        let index = self.shards().index_of(topic);
        self.shards().change(index, |shard, now| {
            shard.update(now, topic, core_id(channel), key, meta)
        })
    }

    /// Makes the new meta of a presence out of the current one, which `change` is given as clients see
    /// it, with `phx_ref`.
    ///
    /// `change` runs again if somebody else updates the same presence meanwhile.
    pub fn update_with<Info>(
        &self,
        socket: &Socket<Info>,
        key: &str,
        change: impl Fn(Value) -> Value,
    ) -> Result<PhxRef, UpdateError> {
        self.update_with_as(socket.topic(), socket.channel_id(), key, change)
    }

    /// As [`update_with`](Self::update_with), for a presence by its full identity.
    pub fn update_with_as(
        &self,
        topic: &str,
        channel: ChannelId,
        key: &str,
        change: impl Fn(Value) -> Value,
    ) -> Result<PhxRef, UpdateError> {
        let (index, channel) = (self.shards().index_of(topic), core_id(channel));
        loop {
            let before = self
                .shards()
                .read(index, |shard| shard.get(topic, channel, key))
                .ok_or(UpdateError::NotTracked)?;
            // The application's code runs while no lock is held.
            let meta = change(value_of(&before)).to_string();
            let updated = self.shards().change(index, |shard, now| {
                let is_current = shard.get(topic, channel, key).as_ref() == Some(&before);
                is_current.then(|| shard.update(now, topic, channel, key, &meta))
            });
            if let Some(updated) = updated {
                return updated;
            }
        }
    }

    /// Who is present in a topic, or in the topic of a socket.
    ///
    /// The list is taken at the call, if this node knows who is there; then only the
    /// [fetch hook](PresenceBuilder::fetch) is waited for. In a cluster, a node that nobody has asked
    /// about the topic lately asks the other nodes first, and waits for them, though not
    /// [for long](crate::cluster::Settings::ready_timeout).
    pub fn list<P: Place + ?Sized>(
        &self,
        place: &P,
    ) -> impl Future<Output = Presences> + Send + use<P> {
        let topic = place.topic();
        let index = self.shards().index_of(topic);
        let metas = self
            .shards()
            .read_if_complete(index, |shard| shard.list(topic));
        let metas = match metas {
            Some(metas) if !self.shards().has_fetch() => {
                return Either::Left(ready(Presences::new(metas, Fields::new())));
            }
            metas => metas,
        };
        let (shards, topic) = (Arc::clone(self.shards()), topic.to_owned());
        Either::Right(async move {
            let metas = match metas {
                Some(metas) => metas,
                None => {
                    let list = |shard: &mut Shard| shard.list(&topic);
                    shards.read_when_complete(index, list).await
                }
            };
            let keys = metas.iter().map(|(key, _)| key.to_string()).collect();
            let fields = shards.fetch(&topic, keys).await;
            Presences::new(metas, fields)
        })
    }

    /// The entry of one key in a topic, or in the topic of a socket; `None` if nobody is present under
    /// it. The cost does not depend on how many others there are. It waits as [`list`](Self::list) does.
    pub fn get_by_key<P: Place + ?Sized>(
        &self,
        place: &P,
        key: &str,
    ) -> impl Future<Output = Option<Entry<'static>>> + Send + use<P> {
        let shards = Arc::clone(self.shards());
        let (topic, key) = (place.topic().to_owned(), key.to_owned());
        let index = shards.index_of(&topic);
        let metas = shards.read_if_complete(index, |shard| shard.get_by_key(&topic, &key));
        async move {
            let metas = match metas {
                Some(metas) => metas,
                None => {
                    let get = |shard: &mut Shard| shard.get_by_key(&topic, &key);
                    shards.read_when_complete(index, get).await
                }
            };
            if metas.is_empty() {
                return None;
            }
            let fields = shards.fetch(&topic, vec![key.clone()]).await;
            Some(Entry::new(metas, &key, &fields))
        }
    }

    /// How many keys and presences there are in a topic, or in the topic of a socket, as far as this
    /// node knows: in a cluster it knows all of topics that somebody here has joined, and only its own
    /// presences of others.
    #[must_use]
    pub fn counts<P: Place + ?Sized>(&self, place: &P) -> Counts {
        let topic = place.topic();
        let index = self.shards().index_of(topic);
        self.shards().read(index, |shard| shard.counts(topic))
    }

    /// Which life of which node this is. A cluster knows it by this.
    #[must_use]
    pub fn replica(&self) -> &ReplicaId {
        self.shards().replica()
    }

    /// Whether this node is part of a [cluster](crate::cluster::Cluster).
    #[must_use]
    pub fn is_clustered(&self) -> bool {
        self.shards().is_connected()
    }

    /// How much there is in all topics, for metrics. The cost grows with the number of topics.
    #[must_use]
    pub fn stats(&self) -> PresenceStats {
        let mut stats = PresenceStats {
            diffs: self.shards().diffs_sent(),
            ..PresenceStats::default()
        };
        self.shards().for_each(|shard| {
            let footprint = shard.footprint();
            stats.topics += footprint.topics;
            stats.keys += footprint.keys;
            stats.presences += footprint.presences;
            stats.own_presences += shard.own_presences();
        });
        stats
    }

    pub(crate) fn shards(&self) -> &Arc<Shards> {
        &self.0.shards
    }

    /// The largest presence that can be tracked, in bytes.
    pub(crate) fn max_presence_bytes(&self) -> usize {
        let config = &self.0.config;
        config.max_topic_bytes + config.max_key_bytes + config.max_meta_bytes
    }

    fn untrack_at_end<Info>(&self, socket: &mut Socket<Info>) {
        let channel = socket.channel_id();
        if self.0.owners.bind(channel) {
            let presence = self.clone();
            socket.on_end(move || _ = presence.untrack_all(channel));
        }
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").finish_non_exhaustive()
    }
}

fn core_id(channel: ChannelId) -> replica::ChannelId {
    replica::ChannelId(channel.get())
}

fn value_of(meta: &str) -> Value {
    serde_json::from_str(meta).expect("the store holds JSON only")
}
