//! The keys of the map: each has a slot, a small number, which is its own for as long as it is present.

use super::index::{Index, hash};
use super::order::{Order, Place, Rank, array_index, index_of_rank, own_property_order};
use super::store::Store;
use super::text::Span;
use alloc::vec::Vec;

/// A key, and what is under it.
#[derive(Clone, Debug)]
struct Slot {
    /// With quotes.
    key: Span,
    hash: u32,
    rank: Rank,
    /// `None` before the first join and after the last leave.
    view: Option<u32>,
    /// The scan in which this key was last seen, and as which of its finds.
    seen: (u32, u32),
}

/// The texts of the keys are in the store, which is therefore handed to whatever compares them.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    slots: Vec<Slot>,
    /// Slots that a new key may have.
    free: Vec<u32>,
    /// Slots whose keys left with the last payload, and which its changes still name.
    left: Vec<u32>,
    index: Index,
    order: Order,
    len: usize,
    /// Counts the objects of payloads, to find keys that come twice in one.
    scan: u32,
    seed: u64,
}

impl Keys {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            left: Vec::new(),
            index: Index::default(),
            order: Order::default(),
            len: 0,
            scan: 0,
            seed,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn slot(&self, slot: u32) -> Option<&Slot> {
        self.slots.get(slot as usize)
    }

    /// The view of what is under a key.
    #[inline]
    pub(super) fn view(&self, slot: u32) -> Option<u32> {
        self.slot(slot)?.view
    }

    /// Where the text of a key is.
    pub(super) fn key(&self, slot: u32) -> Span {
        self.slot(slot).map_or(Span::default(), |slot| slot.key)
    }

    /// Brings slots, and what goes with each, into the order of an object's own properties.
    #[inline(never)]
    pub(super) fn own_property_order(&self, items: &mut Vec<(u32, u32)>) {
        own_property_order(items, &|slot| index_of_rank(self.slot(slot)?.rank));
    }

    pub(super) fn find(&self, store: &Store, quoted: &str) -> Option<u32> {
        self.find_hashed(store, quoted, hash(self.seed, quoted.as_bytes()))
    }

    #[inline]
    fn find_hashed(&self, store: &Store, quoted: &str, hash: u32) -> Option<u32> {
        self.index.find(hash, |slot| {
            self.slot(slot)
                .is_some_and(|slot| slot.hash == hash && slot.key.of(&store.text) == quoted)
        })
    }

    /// The slot of a key, a new and empty one if need be.
    pub(super) fn find_or_add(&mut self, store: &mut Store, quoted: &str) -> u32 {
        let hash = hash(self.seed, quoted.as_bytes());
        if let Some(slot) = self.find_hashed(store, quoted, hash) {
            return slot;
        }
        let added = Slot {
            key: store.push_key(quoted),
            hash,
            rank: array_index(quoted).map_or(Rank::MAX, Rank::from),
            view: None,
            seen: (0, 0),
        };
        let number = self.free.pop().unwrap_or(self.slots.len() as u32);
        match self.slots.get_mut(number as usize) {
            Some(slot) => *slot = added,
            None => self.slots.push(added),
        }
        let slots = &self.slots;
        self.index
            .insert(hash, number, &|slot| hash_of(slots, slot));
        number
    }

    /// Room for a payload's keys, so that nothing grows step by step.
    pub(super) fn reserve(&mut self, keys: usize) {
        let additional = keys.saturating_sub(self.len);
        self.slots.reserve(additional);
        self.order.reserve(additional);
        let slots = &self.slots;
        self.index.reserve(additional, &|slot| hash_of(slots, slot));
    }

    /// Begins with another object of a payload.
    pub(super) fn next_scan(&mut self) {
        self.scan = self.scan.wrapping_add(1).max(1);
    }

    /// Says that a key was seen in this scan. If it was seen there before, returns as which find, else it
    /// is now known as `find`.
    pub(super) fn see(&mut self, slot: u32, find: u32) -> Option<u32> {
        let slot = self.slots.get_mut(slot as usize)?;
        if slot.seen.0 == self.scan {
            return Some(slot.seen.1);
        }
        slot.seen = (self.scan, find);
        None
    }

    /// Those who are present and were not seen in this scan.
    pub(super) fn unseen(&mut self) -> Vec<(u32, u32)> {
        let mut unseen = Vec::new();
        self.settle();
        for place in self.order.places() {
            if let Some(slot) = self.slot(place.slot)
                && let Some(view) = slot.view
                && slot.seen.0 != self.scan
            {
                unseen.push((place.slot, view));
            }
        }
        unseen
    }

    /// Puts a view under a key.
    pub(super) fn set(&mut self, number: u32, view: u32) {
        let Some(slot) = self.slots.get_mut(number as usize) else {
            return;
        };
        if slot.view.replace(view).is_none() {
            slot.rank = self.order.push(number, index_of_rank(slot.rank));
            self.len += 1;
        }
    }

    /// Takes a key out. Its slot stays as it is until the next payload.
    pub(super) fn remove(&mut self, number: u32) {
        let Some(slot) = self.slots.get_mut(number as usize) else {
            return;
        };
        slot.view = None;
        let hash = slot.hash;
        let slots = &self.slots;
        self.index
            .remove(hash, number, &|slot| hash_of(slots, slot));
        self.order.removed(&|place| counts(slots, place));
        self.left.push(number);
        self.len -= 1;
    }

    /// Lets new keys have the slots of those that have left.
    pub(super) fn release(&mut self) {
        self.free.append(&mut self.left);
    }

    /// Brings the keys in order.
    pub(super) fn settle(&mut self) {
        let slots = &self.slots;
        if !self.order.is_settled() {
            self.order.settle(&|place| counts(slots, place));
        }
    }

    /// The slots of all keys in order.
    pub(super) fn in_order(&self) -> Vec<u32> {
        let settled;
        let mut order = &self.order;
        if !order.is_settled() {
            let mut copy = order.clone();
            copy.settle(&|place| counts(&self.slots, place));
            settled = copy;
            order = &settled;
        }
        let mut slots = Vec::with_capacity(order.places().len());
        for place in order.places() {
            slots.push(place.slot);
        }
        slots
    }

    /// How much text the keys and what is under them need.
    pub(super) fn used_bytes(&self, store: &Store) -> usize {
        let mut used = 0;
        for slot in &self.slots {
            if let Some(view) = slot.view {
                used += slot.key.len as usize + store.used_bytes(view);
            }
        }
        used
    }

    /// Moves all that is used to another store.
    pub(super) fn move_to(&mut self, new: &mut Store, old: &Store) {
        for slot in &mut self.slots {
            if let Some(view) = &mut slot.view {
                slot.key = new.push_key(slot.key.of(&old.text));
                *view = new.take(old, *view);
            }
        }
    }
}

fn hash_of(slots: &[Slot], slot: u32) -> u32 {
    slots.get(slot as usize).map_or(0, |slot| slot.hash)
}

/// Whether a place in the order is that of a key which is in the map. A slot that was used again has a
/// newer place.
fn counts(slots: &[Slot], place: &Place) -> bool {
    slots
        .get(place.slot as usize)
        .is_some_and(|slot| slot.view.is_some() && slot.rank == place.rank)
}
