//! What a shard gives to other replicas, and what it takes from them.
//!
//! What a replica has in a shard at some version is a fact, and here it is only ever replaced by the
//! fact of a higher version: completely, in one step, and at the cost of the difference. Whether
//! messages got lost, came twice or in another order therefore makes no difference to the outcome.
//! Who is asked for what, and whether a replica is up, is not known here (see [`Node`](super::Node)).

use super::slab::NONE;
use super::store::{NewEntry, OWN, Store};
use super::windows::Turn;
use super::wire::{Added, Basis, Changes, ChangesHeader, ClusterTag, encode_changes};
use super::{ChannelId, PhxRef, ReplicaId, Shard, meta};
use std::sync::Arc;

impl Shard {
    /// The version up to which the changes of a replica are known here; 0 if nothing is.
    pub(super) fn have(&self, replica: &ReplicaId) -> u64 {
        let number = self.replicas.find(replica);
        number.map_or(0, |number| self.replicas[number].version)
    }

    /// Takes changes of another replica, given as all the parts of one message in their order, and says
    /// whether they led on from what was known. `shown` tells whether the replica's presences are to be
    /// listed, if it has none here yet.
    ///
    /// Additions come first, so that a key whose only meta is replaced keeps its place.
    pub(super) fn merge(&mut self, now: u64, shown: bool, parts: &[Changes]) -> bool {
        self.advance_clock(now);
        let Some(Changes { header, .. }) = parts.first() else {
            return false;
        };
        let have = self.have(&header.replica);
        let leads_on = header.from <= have && have < header.to;
        if !leads_on || header.replica == *self.replica() {
            return false;
        }
        let number = self.replicas.find_or_add(&header.replica, shown);
        let gone = match header.basis {
            Basis::Removed => Vec::new(),
            Basis::Kept => self.not_among(number, have, parts),
        };
        self.add_all(number, have, parts);
        for version in gone {
            self.remove_of(number, version);
        }
        if header.basis == Basis::Removed {
            for version in parts.iter().flat_map(|part| &part.ids) {
                self.remove_of(number, *version);
            }
        }
        self.replicas[number].version = header.to;
        true
    }

    /// The presences of a replica that are here at version `have`, and are not among those that are
    /// kept or were added.
    fn not_among(&self, number: u32, have: u64, parts: &[Changes]) -> Vec<u64> {
        let kept = parts.iter().flat_map(|part| part.ids.iter().copied());
        let added = parts
            .iter()
            .flat_map(|part| part.added().map(|added| added.version));
        let mut still = kept.chain(added).peekable();
        let here = self.replicas[number].live.up_to(have);
        let gone = here.filter(|(version, _)| {
            while still.next_if(|still| still < version).is_some() {}
            still.peek() != Some(version)
        });
        gone.map(|(version, _)| version).collect()
    }

    fn add_all(&mut self, number: u32, have: u64, parts: &[Changes]) {
        let mut last = have;
        let mut topic: Option<(&str, u32)> = None;
        for added in parts.iter().flat_map(Changes::added) {
            if added.version <= last {
                continue;
            }
            last = added.version;
            let address = match topic {
                Some((name, address)) if name == added.topic => address,
                _ => self.store.topic_or_new(added.topic),
            };
            topic = Some((added.topic, address));
            self.add(number, address, &added);
        }
    }

    fn add(&mut self, number: u32, topic: u32, added: &Added<'_>) {
        let replica = &self.replicas[number];
        let hidden = !replica.shown;
        let phx_ref = |version| PhxRef::new(replica.hash, self.index(), version);
        let previous = added.previous.map(phx_ref);
        let phx_ref = phx_ref(added.version);
        self.scratch.clear();
        meta::write_received(&mut self.scratch, &phx_ref, previous.as_ref(), added.fields);
        let meta: Arc<str> = self.scratch.as_str().into();
        let new = NewEntry {
            replica: number,
            // Only their own replica knows channels.
            channel: ChannelId(0),
            version: added.version,
            first_at: added.first_at,
            first_version: added.first_version,
            meta: Arc::clone(&meta),
            hidden,
        };
        let address = self.store.insert(topic, added.key, new);
        self.replicas[number].live.push(added.version, address);
        if !hidden {
            self.relisted(address, None, Some(meta), address);
        }
    }

    fn remove_of(&mut self, number: u32, version: u64) {
        if let Some(address) = self.replicas[number].live.remove(version) {
            self.drop_entry(address);
        }
    }

    /// Removes an entry of another replica, which has been taken out of its `live`.
    fn drop_entry(&mut self, address: u32) {
        let entry = &self.store.entries[address];
        let topic = self.store.keys[entry.key].topic;
        if !entry.hidden {
            let meta = Arc::clone(&entry.meta);
            self.relisted(address, Some(&meta), None, NONE);
        } else if entry.record != NONE {
            // It was hidden a moment ago; that it has left is yet to be announced.
            self.relisted(address, None, None, NONE);
        }
        self.store.remove(address);
        let of_topic = &self.store.topics[topic];
        if of_topic.is_empty() && of_topic.turn == Turn::None {
            self.store.remove_topic(topic);
        }
    }

    /// Lists the presences of another replica or, if it is down, keeps them without listing them.
    pub(super) fn set_shown(&mut self, now: u64, replica: &ReplicaId, shown: bool) {
        self.advance_clock(now);
        let Some(number) = self.replicas.find(replica).filter(|number| *number != OWN) else {
            return;
        };
        if std::mem::replace(&mut self.replicas[number].shown, shown) == shown {
            return;
        }
        let live: Vec<_> = self.replicas[number].live.after(0).collect();
        for (_, address) in live {
            let meta = Arc::clone(&self.store.entries[address].meta);
            if shown {
                self.store.show(address);
                self.relisted(address, None, Some(meta), address);
            } else {
                self.relisted(address, Some(&meta), None, address);
                self.store.hide(address);
            }
        }
    }

    /// Forgets another replica and all that it had here. One that may come back must have been hidden,
    /// and that have been announced: a diff could not tell that the same meta both left and joined.
    pub(super) fn forget(&mut self, now: u64, replica: &ReplicaId) {
        self.advance_clock(now);
        let Some(number) = self.replicas.find(replica).filter(|number| *number != OWN) else {
            return;
        };
        let live = std::mem::take(&mut self.replicas[number].live);
        for (_, address) in live.after(0) {
            self.drop_entry(address);
        }
        self.replicas.remove(number);
    }

    /// Announces no joins of what other replicas have here by now. For a shard in which everybody who
    /// looks is still to be given a list, which names them: without this, whoever is the first on a node
    /// to look at a large topic would be sent all of it twice.
    pub fn skip_joins_of_others(&mut self) {
        let others = self.replicas.live_of_others();
        let entries = others.flat_map(|live| live.after(0));
        let entries: Vec<u32> = entries.map(|(_, address)| address).collect();
        let Store {
            topics,
            keys,
            entries: presences,
            records,
            ..
        } = &mut self.store;
        for address in entries {
            let entry = &mut presences[address];
            if entry.record != NONE {
                let pending = &mut topics[keys[entry.key].topic].pending;
                entry.record = pending.skip_join(records, entry.record);
            }
        }
    }

    /// Forgets all other replicas without telling anybody, for nobody is looking; but not if there are
    /// presences of the own replica, whose clients surely are. Says whether it did.
    pub(super) fn forget_others(&mut self) -> bool {
        if self.replicas[OWN].live.len() > 0 {
            return false;
        }
        self.replicas.forget_others();
        self.store = Store::new();
        self.windows = super::windows::Windows::new();
        true
    }

    /// What became of a replica's presences since version `have`, as the messages that say so; `None`
    /// if nothing newer is known here.
    pub(super) fn changes_since(
        &self,
        cluster: ClusterTag,
        replica: &ReplicaId,
        have: u64,
        max_bytes: usize,
    ) -> Option<Vec<Vec<u8>>> {
        let number = self.replicas.find(replica)?;
        let of_replica = &self.replicas[number];
        if of_replica.version <= have {
            return None;
        }
        let is_logged = number == OWN && have > 0;
        let removed = is_logged.then(|| self.removals.after(have)).flatten();
        let header = ChangesHeader {
            replica: replica.clone(),
            shard: self.index(),
            from: have,
            to: of_replica.version,
            basis: if removed.is_some() {
                Basis::Removed
            } else {
                Basis::Kept
            },
        };
        let live = &of_replica.live;
        let kept = || live.up_to(have).map(|(version, _)| version).collect();
        let ids = removed.unwrap_or_else(kept);
        let added = live.after(have).map(|(_, address)| self.added(address));
        Some(encode_changes(cluster, &header, ids, added, max_bytes))
    }

    fn added(&self, address: u32) -> Added<'_> {
        let entry = &self.store.entries[address];
        let key = &self.store.keys[entry.key];
        Added {
            version: entry.version,
            previous: meta::previous_version(&entry.meta),
            first_version: entry.first_version,
            first_at: entry.first_at,
            topic: &self.store.topics[key.topic].name,
            key: &key.name,
            fields: meta::fields(&entry.meta),
        }
    }
}

#[cfg(test)]
mod tests;
