//! One shard as a state machine: the changes that its owner makes, and the diffs that come of them.

use super::pending::Change;
use super::presences::TopicDiff;
use super::removals::Removals;
use super::replicas::{Replica, Replicas};
use super::slab::NONE;
use super::store::{Entry, NewEntry, OWN, Store};
use super::windows::{Turn, Windows};
use super::{ChannelId, MetaError, PhxRef, ReplicaId, ShardConfig, TrackError, UpdateError, meta};
use std::sync::Arc;

/// The presences of all topics of one shard.
///
/// `now` is in milliseconds, on a monotonic clock of the caller's choosing; a value lower than one
/// given before counts as that one. Metas of one key are listed in the order of `now`, so a cluster
/// should use milliseconds since the Unix epoch, taken once at the start and then advanced by a
/// monotonic clock.
///
/// After each call that takes `now`, fetch what is to be sent with [`poll_diff`](Self::poll_diff)
/// until it returns `None`, and arrange for the next poll at [`poll_timeout`](Self::poll_timeout).
///
/// ```
/// use herenow_core::replica::{ChannelId, ReplicaId, Shard, ShardConfig};
///
/// let replica = ReplicaId::new("node-1", 1);
/// let mut shard = Shard::new(replica, 0, ShardConfig::default());
/// let phx_ref = shard.track(1_000, "room:lobby", ChannelId(1), "alice", r#"{"device":"phone"}"#)?;
///
/// let diff = shard.poll_diff(1_000).unwrap();
/// let mut payload = String::new();
/// diff.write_payload(&mut payload);
/// assert_eq!(
///     payload,
///     format!(r#"{{"joins":{{"alice":{{"metas":[{{"phx_ref":"{phx_ref}","device":"phone"}}]}}}},"leaves":{{}}}}"#),
/// );
/// assert_eq!(shard.untrack_all(1_001, ChannelId(1)), 1);
/// # Ok::<(), herenow_core::replica::TrackError>(())
/// ```
#[derive(Clone, Hash)]
pub struct Shard {
    index: u16,
    config: ShardConfig,
    /// The latest `now`.
    clock: u64,
    /// All replicas that have entries here; entries name them by number.
    pub(super) replicas: Replicas,
    /// What the own replica removed last.
    pub(super) removals: Removals,
    pub(super) store: Store,
    pub(super) windows: Windows,
    /// Metas are written here and then copied, so that each costs one allocation of the right size.
    pub(super) scratch: String,
}

impl Shard {
    /// The shard number `index` of the node that `replica` is.
    #[must_use]
    pub fn new(replica: ReplicaId, index: u16, config: ShardConfig) -> Self {
        Self {
            index,
            config,
            clock: 0,
            replicas: Replicas::new(replica),
            removals: Removals::default(),
            store: Store::new(),
            windows: Windows::new(),
            scratch: String::new(),
        }
    }

    /// The replica that this shard writes for.
    #[must_use]
    pub fn replica(&self) -> &ReplicaId {
        &self.own().id
    }

    /// The number of this shard.
    #[must_use]
    pub fn index(&self) -> u16 {
        self.index
    }

    /// The version of the latest change that this shard made for its own replica; 0 before the first.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.own().version
    }

    /// Makes a channel present in a topic under a key. `meta` is the text of a JSON object; fields
    /// called `phx_ref` or `phx_ref_prev` are dropped from it.
    ///
    /// On error nothing has changed. Otherwise poll.
    pub fn track(
        &mut self,
        now: u64,
        topic: &str,
        channel: ChannelId,
        key: &str,
        meta: &str,
    ) -> Result<PhxRef, TrackError> {
        self.advance_clock(now);
        self.check_lengths(topic, key)?;
        if let Some(entry) = self.store.find(topic, channel, key) {
            let phx_ref = self.phx_ref(&self.store.entries[entry]);
            return Err(TrackError::AlreadyTracked { phx_ref });
        }
        let version = self.version() + 1;
        let phx_ref = self.own_ref(version);
        self.encode(&phx_ref, None, meta)?;
        let meta: Arc<str> = self.scratch.as_str().into();
        let new = NewEntry {
            replica: OWN,
            channel,
            version,
            first_at: self.clock,
            first_version: version,
            meta: Arc::clone(&meta),
            hidden: false,
        };
        let topic = self.store.topic_or_new(topic);
        let entry = self.store.insert(topic, key, new);
        let own = &mut self.replicas[OWN];
        own.version = version;
        own.live.push(version, entry);
        self.relisted(entry, None, Some(meta), entry);
        Ok(phx_ref)
    }

    /// Ends a presence, and says whether there was one. If so, poll.
    pub fn untrack(&mut self, now: u64, topic: &str, channel: ChannelId, key: &str) -> bool {
        self.advance_clock(now);
        let entry = self.store.find(topic, channel, key);
        if let Some(entry) = entry {
            self.remove(entry);
        }
        entry.is_some()
    }

    /// Ends all presences of a channel, as must be done when the channel ends, and says how many there
    /// were. The cost depends on that number only. Unless it is 0, poll.
    pub fn untrack_all(&mut self, now: u64, channel: ChannelId) -> usize {
        self.advance_clock(now);
        let entries: Vec<u32> = self.store.channel(channel).collect();
        for &entry in &entries {
            self.remove(entry);
        }
        entries.len()
    }

    /// Replaces the meta of a presence; the new one carries the old one's ref as `phx_ref_prev`.
    ///
    /// If the new meta says the same as the old one nothing changes, and the ref that is returned is
    /// the old one. On error nothing has changed. Otherwise poll.
    pub fn update(
        &mut self,
        now: u64,
        topic: &str,
        channel: ChannelId,
        key: &str,
        meta: &str,
    ) -> Result<PhxRef, UpdateError> {
        self.advance_clock(now);
        let entry = self.store.find(topic, channel, key);
        self.replace(entry.ok_or(UpdateError::NotTracked)?, meta)
    }

    /// As [`update`](Self::update), with a meta made of the current one, which `new_meta` is given as
    /// clients see it, with `phx_ref`.
    pub fn update_with(
        &mut self,
        now: u64,
        topic: &str,
        channel: ChannelId,
        key: &str,
        new_meta: impl FnOnce(&str) -> String,
    ) -> Result<PhxRef, UpdateError> {
        self.advance_clock(now);
        let entry = self.store.find(topic, channel, key);
        let entry = entry.ok_or(UpdateError::NotTracked)?;
        let meta = new_meta(&self.store.entries[entry].meta);
        self.replace(entry, &meta)
    }

    /// The next diff that is due, to be sent to the subscribers of its topic. Poll until there is none.
    ///
    /// A topic that was quiet is due at once; then its changes are gathered for
    /// [`ShardConfig::window_ms`], or longer in a large topic. What happened between two polls is one
    /// diff in any case.
    #[must_use]
    pub fn poll_diff(&mut self, now: u64) -> Option<TopicDiff> {
        self.advance_clock(now);
        loop {
            let topic = self.windows.next(self.clock)?;
            self.store.topics[topic].turn = Turn::None;
            let diff = self.take_diff(topic);
            if diff.is_some() && self.config.window_ms > 0 {
                self.open_window(topic);
            } else if self.store.topics[topic].is_empty() {
                self.store.remove_topic(topic);
            }
            if diff.is_some() {
                return diff;
            }
        }
    }

    /// When [`poll_diff`](Self::poll_diff) wants to be called next: the latest `now` if it should be
    /// called at once, `None` if not before the next change. Ask again after each change and poll.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        self.windows.timeout(self.clock)
    }

    fn open_window(&mut self, address: u32) {
        let topic = &mut self.store.topics[address];
        let length = self.config.window_of(topic.metas);
        let closes = self.clock.saturating_add(length);
        topic.turn = if length > self.config.window_ms {
            self.windows.open_longer(closes, address)
        } else {
            self.windows.open(closes, address)
        };
    }

    pub(super) fn advance_clock(&mut self, now: u64) {
        self.clock = self.clock.max(now);
    }

    fn own(&self) -> &Replica {
        &self.replicas[OWN]
    }

    fn own_ref(&self, version: u64) -> PhxRef {
        PhxRef::new(self.own().hash, self.index, version)
    }

    fn phx_ref(&self, entry: &Entry) -> PhxRef {
        let replica = &self.replicas[entry.replica];
        PhxRef::new(replica.hash, self.index, entry.version)
    }

    fn check_lengths(&self, topic: &str, key: &str) -> Result<(), TrackError> {
        let (len, max) = (topic.len(), self.config.max_topic_bytes);
        if len > max {
            return Err(TrackError::TopicTooLong { len, max });
        }
        let (len, max) = (key.len(), self.config.max_key_bytes);
        if len > max {
            return Err(TrackError::KeyTooLong { len, max });
        }
        Ok(())
    }

    /// Encodes a meta into `scratch`.
    fn encode(
        &mut self,
        phx_ref: &PhxRef,
        previous: Option<&PhxRef>,
        fields: &str,
    ) -> Result<(), MetaError> {
        self.scratch.clear();
        meta::write(&mut self.scratch, phx_ref, previous, fields, &self.config)
    }

    fn replace(&mut self, address: u32, fields: &str) -> Result<PhxRef, UpdateError> {
        let version = self.version() + 1;
        let phx_ref = self.own_ref(version);
        let previous = self.phx_ref(&self.store.entries[address]);
        self.encode(&phx_ref, Some(&previous), fields)?;
        let entry = &mut self.store.entries[address];
        if meta::fields(&self.scratch) == meta::fields(&entry.meta) {
            return Ok(previous);
        }
        let new = Arc::from(self.scratch.as_str());
        let old = std::mem::replace(&mut entry.meta, Arc::clone(&new));
        let replaced = std::mem::replace(&mut entry.version, version);
        self.removed(replaced, version);
        self.replicas[OWN].live.push(version, address);
        self.relisted(address, Some(&old), Some(new), address);
        Ok(phx_ref)
    }

    fn remove(&mut self, address: u32) {
        self.removed(self.store.entries[address].version, self.version() + 1);
        let meta = Arc::clone(&self.store.entries[address].meta);
        self.relisted(address, Some(&meta), None, NONE);
        self.store.remove(address);
    }

    /// Notes that the own replica's presence of version `removed` is none any more at `version`.
    fn removed(&mut self, removed: u64, version: u64) {
        let own = &mut self.replicas[OWN];
        own.version = version;
        own.live.remove(removed);
        // A log that is longer than the list of what is still there would be of no use.
        let keep = self.config.max_removals.min(own.live.len());
        self.removals.note(version, removed, keep);
    }

    /// Notes for the next diff that another meta is listed for a presence than before. `owner` is its
    /// entry as long as that stays, though it be hidden, else NONE.
    pub(super) fn relisted(
        &mut self,
        address: u32,
        before: Option<&Arc<str>>,
        after: Option<Arc<str>>,
        owner: u32,
    ) {
        let Store {
            topics,
            keys,
            entries,
            records,
            ..
        } = &mut self.store;
        let entry = &mut entries[address];
        let key = &keys[entry.key];
        let topic = &mut topics[key.topic];
        let change = Change {
            key: &key.name,
            before,
            owner,
            after,
        };
        entry.record = topic.pending.change(records, entry.record, change);
        if topic.turn == Turn::None {
            topic.turn = self.windows.make_ready(key.topic);
        }
    }

    fn take_diff(&mut self, topic: u32) -> Option<TopicDiff> {
        let Store {
            topics,
            entries,
            records,
            ..
        } = &mut self.store;
        let topic = &mut topics[topic];
        if topic.pending.is_empty() {
            return None;
        }
        let settle = |entry: u32| entries[entry].record = NONE;
        let (joins, leaves) = topic.pending.take(records, settle);
        Some(TopicDiff {
            topic: Arc::clone(&topic.name),
            joins,
            leaves,
        })
    }
}
