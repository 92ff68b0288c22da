//! The map itself: where its texts, metas and keys are kept.

use std::borrow::Cow;
use std::fmt;

use super::changes::{Member, Presence, Record, Run, View};
use super::index::{Index, hash};
use super::order::{Order, Place, Rank};
use super::refs::{Meta, Metas};
use super::text::{Span, quote};

/// The most text that a map holds, in bytes, and the largest payload that it reads, unless
/// [`with_max_bytes`](Presences::with_max_bytes) says less.
pub const MAX_TEXT_BYTES: usize = 1 << 30;

/// Below this much text a map is not tidied.
const TIDY_BYTES: usize = 1 << 16;

/// Who is present: a map from key to presence, in the order of a JavaScript object's own properties.
///
/// Texts are only ever appended: a presence is a view of them, and so is what it was a moment ago.
/// When more than half of the text is no longer used, the next payload begins with moving the rest
/// together. Every key has a slot, a small number, by which callers can keep things of their own.
#[derive(Clone)]
pub struct Presences {
    pub(super) text: String,
    pub(super) metas: Vec<Meta>,
    pub(super) slots: Vec<Slot>,
    /// Slots that a new key may have.
    free: Vec<u32>,
    /// Slots whose keys left with the last payload, and which its changes still name.
    left: Vec<u32>,
    index: Index,
    order: Order,
    len: usize,
    pub(super) changes: Vec<Record>,
    /// Counts the payloads' objects, to find keys that come twice in one.
    pub(super) epoch: u32,
    last_id: u32,
    /// The length of the text at which to look for what is unused.
    tidy_at: usize,
    max_bytes: usize,
    seed: u64,
}

/// A key, and what is under it.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// With quotes.
    pub(super) key: Span,
    hash: u32,
    pub(super) array_index: Option<u32>,
    rank: Rank,
    /// `None` before the first join and after the last leave.
    pub(super) view: Option<View>,
    /// The epoch in which this key was last read, and as which entry.
    pub(super) seen: (u32, u32),
}

impl Default for Presences {
    fn default() -> Self {
        Self::new()
    }
}

impl Presences {
    /// An empty map.
    pub fn new() -> Self {
        Self::with_seed(0)
    }

    /// An empty map that hashes keys with a seed. Where strangers choose the keys it should be a random
    /// one: without knowing it, nobody can find many keys that are slow to tell apart.
    pub fn with_seed(seed: u64) -> Self {
        Self {
            text: String::new(),
            metas: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            left: Vec::new(),
            index: Index::default(),
            order: Order::default(),
            len: 0,
            changes: Vec::new(),
            epoch: 0,
            last_id: 0,
            tidy_at: TIDY_BYTES,
            max_bytes: MAX_TEXT_BYTES,
            seed,
        }
    }

    /// The same map with a limit on its text, and so on the payloads: a payload is refused if it might not
    /// fit beside what is there. At most [`MAX_TEXT_BYTES`].
    pub fn with_max_bytes(self, max_bytes: usize) -> Self {
        Self {
            max_bytes: max_bytes.min(MAX_TEXT_BYTES),
            ..self
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody is present.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The presence under a key.
    pub fn get(&self, key: &str) -> Option<Presence<'_>> {
        let view = self.slot(self.find(&quote(key))?)?.view?;
        Some(Presence { map: self, view })
    }

    /// All members and their presences, in order.
    pub fn iter(&self) -> Iter<'_> {
        let mut order = Cow::Borrowed(&self.order);
        if !order.is_settled() {
            order.to_mut().settle(|place| counts(&self.slots, place));
        }
        Iter {
            map: self,
            order,
            next: 0,
        }
    }

    /// Brings the keys in order, so that [`iter`](Self::iter) need not do it until some have come or gone.
    pub fn settle(&mut self) {
        let slots = &self.slots;
        if !self.order.is_settled() {
            self.order.settle(|place| counts(slots, place));
        }
    }

    pub(super) fn member(&self, slot: u32) -> Member<'_> {
        let key = self.slot(slot).map_or(Span::default(), |slot| slot.key);
        Member {
            quoted: key.of(&self.text),
            slot,
        }
    }

    pub(super) fn slot(&self, slot: u32) -> Option<&Slot> {
        self.slots.get(slot as usize)
    }

    pub(super) fn view(&self, slot: u32) -> Option<View> {
        self.slot(slot)?.view
    }

    pub(super) fn metas(&self, run: Run) -> Metas<'_> {
        Metas {
            text: &self.text,
            items: run.of(&self.metas),
        }
    }

    pub(super) fn next_id(&mut self) -> u32 {
        // It would take four thousand million changes for an id to come again.
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.last_id
    }

    pub(super) fn find(&self, quoted: &str) -> Option<u32> {
        self.find_hashed(quoted, hash(self.seed, quoted.as_bytes()))
    }

    fn find_hashed(&self, quoted: &str, hash: u32) -> Option<u32> {
        self.index.find(hash, |slot| {
            self.slot(slot)
                .is_some_and(|slot| slot.hash == hash && slot.key.of(&self.text) == quoted)
        })
    }

    /// Room in the index for a snapshot's keys.
    pub(super) fn reserve(&mut self, keys: usize) {
        let slots = &self.slots;
        let additional = keys.saturating_sub(self.len);
        self.index.reserve(additional, |slot| hash_of(slots, slot));
    }

    /// The slot of a key, a new and empty one if need be.
    pub(super) fn find_or_add(&mut self, quoted: &str) -> u32 {
        let hash = hash(self.seed, quoted.as_bytes());
        if let Some(slot) = self.find_hashed(quoted, hash) {
            return slot;
        }
        let start = self.text.len();
        self.text.push_str(quoted);
        let added = Slot {
            key: Span::new(start, self.text.len()),
            hash,
            array_index: super::order::array_index(quoted),
            rank: 0,
            view: None,
            seen: (0, 0),
        };
        let slot = self.free.pop().unwrap_or(self.slots.len() as u32);
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = added,
            None => self.slots.push(added),
        }
        let slots = &self.slots;
        self.index.insert(hash, slot, |slot| hash_of(slots, slot));
        slot
    }

    /// Puts a presence under a key.
    pub(super) fn set(&mut self, number: u32, view: View) {
        let Some(slot) = self.slots.get_mut(number as usize) else {
            return;
        };
        if slot.view.replace(view).is_none() {
            slot.rank = self.order.push(number, slot.array_index);
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
        self.index.remove(hash, number, |slot| hash_of(slots, slot));
        self.order.removed(|place| counts(slots, place));
        self.left.push(number);
        self.len -= 1;
    }

    /// Before a payload of `bytes`: forgets the changes of the last one, tidies up if that is worth it, and
    /// says whether the payload will fit.
    pub(super) fn begin(&mut self, bytes: usize) -> bool {
        self.changes.clear();
        self.free.append(&mut self.left);
        let full = self.text.len() + bytes > self.max_bytes;
        if full || self.text.len() > self.tidy_at {
            let used = self.used_bytes();
            if full || self.text.len() > used * 2 {
                self.tidy(used);
            }
            self.tidy_at = (used * 2).max(TIDY_BYTES);
        }
        self.text.len() + bytes <= self.max_bytes
    }

    fn used_bytes(&self) -> usize {
        let used = self.slots.iter().filter_map(|slot| {
            let view = slot.view?;
            let metas = view.metas.of(&self.metas).iter();
            let metas: u32 = metas.map(|meta| meta.text.len + 1).sum();
            Some((slot.key.len + view.body.len - view.array.len + metas) as usize)
        });
        used.sum()
    }

    /// Moves all that is used into a new text. Every presence is then the body that it would be written as.
    fn tidy(&mut self, used: usize) {
        let (old, old_metas) = (
            std::mem::take(&mut self.text),
            std::mem::take(&mut self.metas),
        );
        let mut text = String::with_capacity(used + self.len * 16);
        let mut metas = Vec::with_capacity(old_metas.len().min(used));
        for slot in &mut self.slots {
            let Some(view) = &mut slot.view else { continue };
            let key = text.len();
            text.push_str(slot.key.of(&old));
            slot.key = Span::new(key, text.len());

            let (start, first) = (text.len(), metas.len() as u32);
            view.array = view.write(&old, &old_metas, &mut text, |meta, at| {
                metas.push(meta.moved(meta.text.start, at));
            });
            view.body = Span::new(start, text.len());
            view.metas.first = first;
            view.own = view.metas;
            view.body_id = view.id;
        }
        self.text = text;
        self.metas = metas;
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

impl fmt::Debug for Presences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self
            .iter()
            .map(|(member, presence)| (member.key(), presence));
        f.debug_map().entries(entries).finish()
    }
}

/// Iterator over a map's members, in order.
#[derive(Clone)]
pub struct Iter<'a> {
    map: &'a Presences,
    order: Cow<'a, Order>,
    next: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Member<'a>, Presence<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let map = self.map;
        let slot = self.order.places().get(self.next)?.slot;
        self.next += 1;
        let view = map.view(slot)?;
        Some((map.member(slot), Presence { map, view }))
    }
}
