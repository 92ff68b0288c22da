//! Where presences are kept, and the orders they stand in: topic by name, key by name within its
//! topic, presences of a key, presences of a channel.
//!
//! It knows nothing of versions or of who may write; it keeps every order whole through each change
//! and forgets a topic, a key or a channel with its last presence.

use super::ChannelId;
use super::list::{Links, List};
use super::pending::{Pending, Record};
use super::slab::{NONE, Slab};
use super::windows::Turn;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The number of the replica that the shard writes for.
pub(super) const OWN: u32 = 0;

/// Everything one shard keeps, in slabs; the maps lead from names to addresses.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) topics: Slab<Topic>,
    pub(super) keys: Slab<Key>,
    pub(super) entries: Slab<Entry>,
    pub(super) records: Slab<Record>,
    topic_names: HashMap<Arc<str>, u32>,
    /// The presences of each channel of the own replica.
    channels: HashMap<ChannelId, List>,
}

/// A topic that has members, or had some until its last diff.
#[derive(Clone)]
pub(super) struct Topic {
    pub(super) name: Arc<str>,
    key_names: HashMap<Arc<str>, u32>,
    /// The keys that have members, in the order in which they appeared.
    pub(super) keys: List,
    /// How many entries its keys have together.
    pub(super) metas: usize,
    /// How many more entries are kept but not listed.
    hidden: usize,
    pub(super) pending: Pending,
    pub(super) turn: Turn,
}

/// A key of a topic. It has at least one entry, or one that is hidden.
#[derive(Clone, Hash)]
pub(super) struct Key {
    pub(super) name: Arc<str>,
    pub(super) topic: u32,
    pub(super) entries: List,
    /// How many more entries are kept but not listed.
    hidden: u32,
    in_topic: Links,
}

/// One presence.
#[derive(Clone, Hash)]
pub(super) struct Entry {
    pub(super) key: u32,
    /// Which replica wrote it.
    pub(super) replica: u32,
    pub(super) channel: ChannelId,
    /// The version that gave it this meta: with the replica its identity in the cluster.
    pub(super) version: u64,
    /// When it was first tracked, by its owner's clock and version: its place among the metas of its
    /// key, whatever updates come.
    pub(super) first_at: u64,
    pub(super) first_version: u64,
    pub(super) meta: Arc<str>,
    /// Its unannounced change, or NONE.
    pub(super) record: u32,
    /// Kept, but in no list of its key.
    pub(super) hidden: bool,
    in_key: Links,
    in_channel: Links,
}

/// What a new entry is made of.
pub(super) struct NewEntry {
    pub(super) replica: u32,
    pub(super) channel: ChannelId,
    pub(super) version: u64,
    pub(super) first_at: u64,
    pub(super) first_version: u64,
    pub(super) meta: Arc<str>,
    pub(super) hidden: bool,
}

/// Without the names, which are those of its keys.
impl Hash for Topic {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            name,
            key_names: _,
            keys,
            metas,
            hidden,
            pending,
            turn,
        } = self;
        (name, keys, metas, hidden, pending, turn).hash(state);
    }
}

/// Without the maps, which lead to what is hashed.
impl Hash for Store {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            topics,
            keys,
            entries,
            records,
            topic_names: _,
            channels: _,
        } = self;
        (topics, keys, entries, records).hash(state);
    }
}

impl Topic {
    /// Whether it has no members, not even hidden ones.
    pub(super) fn is_empty(&self) -> bool {
        self.metas == 0 && self.hidden == 0
    }
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            topics: Slab::new(),
            keys: Slab::new(),
            entries: Slab::new(),
            records: Slab::new(),
            topic_names: HashMap::new(),
            channels: HashMap::new(),
        }
    }

    pub(super) fn topic(&self, name: &str) -> Option<u32> {
        self.topic_names.get(name).copied()
    }

    pub(super) fn key(&self, topic: u32, name: &str) -> Option<u32> {
        self.topics[topic].key_names.get(name).copied()
    }

    pub(super) fn channel_count(&self) -> usize {
        self.channels.len()
    }

    /// How many names the maps have room for, of topics, keys and channels together.
    pub(super) fn names_capacity(&self) -> usize {
        let mut keys = 0;
        for topic in self.topic_names.values() {
            keys += self.topics[*topic].key_names.capacity();
        }
        self.topic_names.capacity() + keys + self.channels.capacity()
    }

    /// The topic of this name, made if need be.
    pub(super) fn topic_or_new(&mut self, name: &str) -> u32 {
        if let Some(topic) = self.topic(name) {
            return topic;
        }
        let name: Arc<str> = name.into();
        let topic = self.topics.insert(Topic {
            name: Arc::clone(&name),
            key_names: HashMap::new(),
            keys: List::EMPTY,
            metas: 0,
            hidden: 0,
            pending: Pending::new(),
            turn: Turn::None,
        });
        self.topic_names.insert(name, topic);
        topic
    }

    fn key_or_new(&mut self, topic: u32, name: &str) -> u32 {
        if let Some(key) = self.key(topic, name) {
            return key;
        }
        let name: Arc<str> = name.into();
        let key = self.keys.insert(Key {
            name: Arc::clone(&name),
            topic,
            entries: List::EMPTY,
            hidden: 0,
            in_topic: Links::LOOSE,
        });
        self.topics[topic].key_names.insert(name, key);
        key
    }

    /// The presence of the own replica's `channel` under `key` in `topic`.
    ///
    /// Walks the presences of the key and those of the channel side by side, until the shorter of the
    /// two ends: that spares a map of all triples.
    pub(super) fn find(&self, topic: &str, channel: ChannelId, key: &str) -> Option<u32> {
        let key = self.key(self.topic(topic)?, key)?;
        let of_channel = self.channel(channel);
        let of_key = self.of_key(&self.keys[key]);
        for (one, other) in of_key.zip(of_channel) {
            let entry = &self.entries[one];
            if entry.channel == channel && entry.replica == OWN {
                return Some(one);
            }
            if self.entries[other].key == key {
                return Some(other);
            }
        }
        None
    }

    /// The keys of a topic in the order in which they appeared.
    pub(super) fn keys_of(&self, topic: u32) -> impl Iterator<Item = &Key> {
        let keys = self.topics[topic]
            .keys
            .iter(&self.keys, |key| &key.in_topic);
        keys.map(|key| &self.keys[key])
    }

    /// The entries of a key in no special order.
    pub(super) fn of_key<'a>(&'a self, key: &Key) -> impl Iterator<Item = u32> + use<'a> {
        key.entries.iter(&self.entries, |entry| &entry.in_key)
    }

    /// The entries of a channel in the order in which they were tracked.
    pub(super) fn channel(&self, channel: ChannelId) -> impl Iterator<Item = u32> {
        let entries = self.channels.get(&channel).copied();
        entries
            .unwrap_or(List::EMPTY)
            .iter(&self.entries, |entry| &entry.in_channel)
    }

    /// Adds an entry. The caller has made sure that the own replica has no such presence yet.
    pub(super) fn insert(&mut self, topic: u32, key: &str, new: NewEntry) -> u32 {
        let key = self.key_or_new(topic, key);
        let address = self.entries.insert(Entry {
            key,
            replica: new.replica,
            channel: new.channel,
            version: new.version,
            first_at: new.first_at,
            first_version: new.first_version,
            meta: new.meta,
            record: NONE,
            hidden: new.hidden,
            in_key: Links::LOOSE,
            in_channel: Links::LOOSE,
        });
        if new.replica == OWN {
            self.channels
                .entry(new.channel)
                .or_insert(List::EMPTY)
                .push_back(&mut self.entries, address, |entry| &mut entry.in_channel);
        }
        if new.hidden {
            self.count_hidden(key, 1);
        } else {
            self.link(address);
        }
        address
    }

    /// Removes an entry, its key and its channel with their last entry. The topic stays: it may have
    /// something to announce.
    pub(super) fn remove(&mut self, address: u32) -> Entry {
        let Entry {
            key,
            channel,
            replica,
            hidden,
            ..
        } = self.entries[address];
        if replica == OWN
            && let Some(list) = self.channels.get_mut(&channel)
        {
            list.remove(&mut self.entries, address, |entry| &mut entry.in_channel);
            if list.len == 0 {
                forget(&mut self.channels, &channel);
            }
        }
        if hidden {
            self.count_hidden(key, -1);
        } else {
            self.unlink(address);
        }
        if self.keys[key].entries.len == 0 && self.keys[key].hidden == 0 {
            let key = self.keys.remove(key);
            forget(&mut self.topics[key.topic].key_names, &*key.name);
        }
        self.entries.remove(address)
    }

    /// Takes an entry out of the list of its key, but keeps it.
    pub(super) fn hide(&mut self, address: u32) {
        self.unlink(address);
        self.entries[address].hidden = true;
        self.count_hidden(self.entries[address].key, 1);
    }

    /// Lists a hidden entry again.
    pub(super) fn show(&mut self, address: u32) {
        self.count_hidden(self.entries[address].key, -1);
        self.entries[address].hidden = false;
        self.link(address);
    }

    /// Puts an entry into the list of its key, and the key among those of its topic.
    fn link(&mut self, address: u32) {
        let key = self.entries[address].key;
        let list = &mut self.keys[key].entries;
        list.push_back(&mut self.entries, address, |entry| &mut entry.in_key);
        let is_first = list.len == 1;
        let topic = &mut self.topics[self.keys[key].topic];
        topic.metas += 1;
        if is_first {
            topic
                .keys
                .push_back(&mut self.keys, key, |key| &mut key.in_topic);
        }
    }

    /// Undoes `link`.
    fn unlink(&mut self, address: u32) {
        let key = self.entries[address].key;
        let list = &mut self.keys[key].entries;
        list.remove(&mut self.entries, address, |entry| &mut entry.in_key);
        let was_last = list.len == 0;
        let topic = &mut self.topics[self.keys[key].topic];
        topic.metas -= 1;
        if was_last {
            topic
                .keys
                .remove(&mut self.keys, key, |key| &mut key.in_topic);
        }
    }

    fn count_hidden(&mut self, key: u32, by: i32) {
        let key = &mut self.keys[key];
        key.hidden = key.hidden.wrapping_add_signed(by);
        let topic = &mut self.topics[key.topic];
        topic.hidden = topic.hidden.wrapping_add_signed(by as isize);
    }

    /// Forgets a topic that has no members, not even hidden ones.
    pub(super) fn remove_topic(&mut self, topic: u32) {
        let topic = self.topics.remove(topic);
        forget(&mut self.topic_names, &*topic.name);
    }
}

/// Removes from a map, and gives memory back once most of it is unused. As the map halves at least
/// each time, this costs constant time on average.
fn forget<K, Q, V>(map: &mut HashMap<K, V>, key: &Q)
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ?Sized,
{
    const WORTH_SHRINKING: usize = 64;
    map.remove(key);
    let is_sparse = map.capacity() > WORTH_SHRINKING && map.len() * 8 < map.capacity();
    if map.is_empty() || is_sparse {
        map.shrink_to(map.len() * 2);
    }
}
