//! How payloads change the map. Both kinds come down to joins and leaves, applied one by one, all joins
//! first; only where they come from differs.

use super::changes::{Changes, Record};
use super::map::Presences;
use super::read::{self, Entry, Error};
use super::refs::Metas;
use alloc::vec::Vec;

impl Presences {
    /// Takes over the payload of a `presence_state`, and says what that changed.
    ///
    /// # Errors
    ///
    /// A payload that is not an object of presences, or too large, changes nothing.
    pub fn sync_state(&mut self, payload: &str) -> Result<Changes<'_>, Error> {
        let incoming = read::state(payload)?;
        self.begin_within_limit(payload)?;
        if self.is_empty() {
            // The first state: as good as all of it will be kept.
            let presences = incoming.entries.len();
            self.store.reserve(payload.len(), presences);
            self.changes.reserve(presences);
        }
        let found = self.resolve(payload, &incoming.entries, true);

        let mut leaves = self.keys.unseen();
        for (slot, entry) in found {
            let Some(entry) = incoming.entries.get(entry as usize) else {
                continue;
            };
            let Some(current) = self.keys.view(slot) else {
                let joined = self.store.adopt(payload, &incoming, entry);
                self.join(slot, joined);
                continue;
            };
            let old = self.store.metas(current);
            let new = Metas {
                text: payload,
                items: entry.metas.of(&incoming.metas),
            };
            if old.same_refs(new) {
                continue;
            }
            let (joined, left) = (new.missing_from(old), old.missing_from(new));
            if !joined.is_empty() {
                let whole = self.store.adopt(payload, &incoming, entry);
                let joined = self.store.select(whole, &joined);
                self.join(slot, joined);
            }
            if !left.is_empty() {
                leaves.push((slot, self.store.select(current, &left)));
            }
        }
        self.keys.own_property_order(&mut leaves);
        for (slot, left) in leaves {
            self.leave(slot, left);
        }
        Ok(self.report())
    }

    /// Applies the payload of a `presence_diff`, and says what that changed.
    ///
    /// # Errors
    ///
    /// A payload that is not `{"joins": {..}, "leaves": {..}}` with objects of presences, or too large,
    /// changes nothing.
    pub fn sync_diff(&mut self, payload: &str) -> Result<Changes<'_>, Error> {
        let incoming = read::diff(payload)?;
        self.begin_within_limit(payload)?;
        for (entries, leave) in [(&incoming.entries, false), (&incoming.leaves, true)] {
            for (slot, entry) in self.resolve(payload, entries, !leave) {
                let Some(entry) = entries.get(entry as usize) else {
                    continue;
                };
                let what = self.store.adopt(payload, &incoming, entry);
                match leave {
                    false => self.join(slot, what),
                    true => self.leave(slot, what),
                }
            }
        }
        Ok(self.report())
    }

    fn begin_within_limit(&mut self, payload: &str) -> Result<(), Error> {
        match self.begin(payload.len()) {
            true => Ok(()),
            false => Err(Error::TooLarge),
        }
    }

    /// The slots of the entries and their positions, in the order in which they count. Of a key that comes
    /// twice the last entry is taken, in place of the first. Unknown keys are added, or left out.
    #[inline(never)]
    fn resolve(&mut self, payload: &str, entries: &[Entry<'_>], add: bool) -> Vec<(u32, u32)> {
        let Self { keys, store, .. } = self;
        keys.next_scan();
        let mut found: Vec<(u32, u32)> = Vec::with_capacity(entries.len());
        if add {
            keys.reserve(entries.len());
        }
        for (position, entry) in (0..).zip(entries) {
            let key = entry.key(payload);
            let slot = match add {
                true => keys.find_or_add(store, &key),
                false => match keys.find(store, &key) {
                    Some(slot) => slot,
                    None => continue,
                },
            };
            match keys.see(slot, found.len() as u32) {
                None => found.push((slot, position)),
                Some(before) => {
                    if let Some(before) = found.get_mut(before as usize) {
                        before.1 = position;
                    }
                }
            }
        }
        keys.own_property_order(&mut found);
        found
    }

    #[inline(never)]
    fn join(&mut self, slot: u32, joined: u32) {
        let current = self.keys.view(slot);
        let mut now = joined;
        if let Some(current) = current {
            let kept = self
                .store
                .metas(current)
                .missing_from(self.store.metas(joined));
            if !kept.is_empty() {
                now = self.store.merge(joined, current, &kept);
            }
        }
        self.keys.set(slot, now);
        self.changes.push(Record {
            slot,
            current,
            what: joined,
            leave: false,
        });
    }

    #[inline(never)]
    fn leave(&mut self, slot: u32, left: u32) {
        let Some(before) = self.keys.view(slot) else {
            return;
        };
        let kept = self
            .store
            .metas(before)
            .missing_from(self.store.metas(left));
        let now = self.store.select(before, &kept);
        self.changes.push(Record {
            slot,
            current: Some(now),
            what: left,
            leave: true,
        });
        if kept.is_empty() {
            self.keys.remove(slot);
        } else {
            self.keys.set(slot, now);
        }
    }

    fn report(&self) -> Changes<'_> {
        Changes {
            map: self,
            records: self.changes.iter(),
        }
    }
}
