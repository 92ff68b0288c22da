//! What can be read of a shard.

use super::store::{Entry, Key, OWN};
use super::{ChannelId, Presences, Shard, presences};
use std::cmp::Ordering;
use std::sync::Arc;

/// How many there are in a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Different keys.
    pub keys: usize,
    /// Presences.
    pub metas: usize,
}

/// What a shard holds, and what it holds memory for. All of it is zero when everybody has left and
/// the last windows have closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Topics that are kept, also those that wait for their window to close.
    pub topics: usize,
    /// Keys of all topics.
    pub keys: usize,
    /// Presences.
    pub presences: usize,
    /// Channels that have presences.
    pub channels: usize,
    /// Other replicas that presences are held of.
    pub replicas: usize,
    /// Changes that have not been announced.
    pub pending: usize,
    /// Slots that memory is held for: for topics, keys, presences and changes.
    pub slots: usize,
    /// Places that memory is held for in maps, queues and logs.
    pub places: usize,
}

impl Shard {
    /// Everybody in a topic: keys in the order in which they appeared here, the metas of each key in
    /// the order in which they were first tracked (by `now`, then replica, then version), which is the
    /// same on all nodes.
    ///
    /// It takes `&mut self` because it leaves a mark: what it has shown will be announced when it
    /// changes, even within one window.
    pub fn list(&mut self, topic: &str) -> Presences {
        let Some(topic) = self.read(topic) else {
            return Presences::default();
        };
        let of_topic = &self.store.topics[topic];
        let mut presences = Presences::with_capacity(of_topic.keys.len as usize, of_topic.metas);
        for key in self.store.keys_of(topic) {
            presences.push_key(&key.name);
            self.for_each_meta(key, |meta| presences.push_meta(Arc::clone(meta)));
        }
        presences
    }

    /// Appends the payload of the event `presence_state`: what [`list`](Self::list) returns, as JSON.
    pub fn write_state(&mut self, topic: &str, out: &mut String) {
        out.push('{');
        if let Some(topic) = self.read(topic) {
            for (at, key) in self.store.keys_of(topic).enumerate() {
                if at > 0 {
                    out.push(',');
                }
                presences::begin_key(out, &key.name);
                let mut separator = "";
                self.for_each_meta(key, |meta| {
                    out.push_str(separator);
                    out.push_str(meta);
                    separator = ",";
                });
                presences::end_key(out);
            }
        }
        out.push('}');
    }

    /// The metas of one key, in the order of [`list`](Self::list); none if nobody is present under it.
    /// The cost depends on their number only. Unlike a list this is not meant to be kept up to date by
    /// diffs, so it leaves no mark.
    #[must_use]
    pub fn get_by_key(&self, topic: &str, key: &str) -> Vec<Arc<str>> {
        let mut metas = Vec::new();
        if let Some(topic) = self.store.topic(topic)
            && let Some(key) = self.store.key(topic, key)
        {
            self.for_each_meta(&self.store.keys[key], |meta| metas.push(Arc::clone(meta)));
        }
        metas
    }

    /// The meta of one presence.
    #[must_use]
    pub fn get(&self, topic: &str, channel: ChannelId, key: &str) -> Option<Arc<str>> {
        let entry = self.store.find(topic, channel, key)?;
        Some(Arc::clone(&self.store.entries[entry].meta))
    }

    /// The presences of a channel as (topic, key, meta), in the order in which they were tracked.
    pub fn get_by_channel(
        &self,
        channel: ChannelId,
    ) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, &Arc<str>)> {
        self.store.channel(channel).map(|entry| {
            let entry = &self.store.entries[entry];
            let key = &self.store.keys[entry.key];
            (&self.store.topics[key.topic].name, &key.name, &entry.meta)
        })
    }

    /// How many presences the shard's own replica has, in all topics.
    #[must_use]
    pub fn own_presences(&self) -> usize {
        self.replicas[OWN].live.len()
    }

    /// How many are in a topic.
    #[must_use]
    pub fn counts(&self, topic: &str) -> Counts {
        let Some(topic) = self.store.topic(topic) else {
            return Counts::default();
        };
        let topic = &self.store.topics[topic];
        Counts {
            keys: topic.keys.len as usize,
            metas: topic.metas,
        }
    }

    /// What the shard holds, for metrics and for tests that nothing leaks. Its cost grows with the
    /// number of topics.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let store = &self.store;
        Footprint {
            topics: store.topics.len(),
            keys: store.keys.len(),
            presences: store.entries.len(),
            channels: store.channel_count(),
            replicas: self.replicas.others(),
            pending: store.records.len(),
            slots: store.topics.capacity()
                + store.keys.capacity()
                + store.entries.capacity()
                + store.records.capacity(),
            places: store.names_capacity()
                + self.windows.capacity()
                + self.replicas.capacity()
                + self.removals.capacity(),
        }
    }

    /// The address of a topic whose list somebody is about to see.
    fn read(&mut self, topic: &str) -> Option<u32> {
        let topic = self.store.topic(topic)?;
        self.store.topics[topic].pending.mark_read();
        Some(topic)
    }

    /// Visits the metas of a key in the order of `list`. They are sorted here and not when they are
    /// added, so that an entry from another replica costs the same wherever it belongs; mostly they
    /// are in order already, and then sorting is one pass.
    fn for_each_meta<'a>(&'a self, key: &'a Key, mut visit: impl FnMut(&'a Arc<str>)) {
        let entries = &self.store.entries;
        if key.entries.len == 1 {
            return visit(&entries[key.entries.head].meta);
        }
        let mut sorted: Vec<&Entry> = self.store.of_key(key).map(|at| &entries[at]).collect();
        sorted.sort_by(|one, other| self.compare(one, other));
        sorted.iter().for_each(|entry| visit(&entry.meta));
    }

    fn compare(&self, one: &Entry, other: &Entry) -> Ordering {
        let id = |entry: &Entry| &self.replicas[entry.replica].id;
        one.first_at
            .cmp(&other.first_at)
            .then_with(|| match one.replica == other.replica {
                true => Ordering::Equal,
                false => id(one).cmp(id(other)),
            })
            .then_with(|| one.first_version.cmp(&other.first_version))
    }
}

#[cfg(test)]
mod tests;
