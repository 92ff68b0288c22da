//! The map as its users have it.

use alloc::vec::Vec;
use core::fmt;

use super::changes::{Member, Presence, Record};
use super::keys::Keys;
use super::store::Store;
use super::text::quote;

/// The most text that a map holds, in bytes, and the largest payload that it reads, unless
/// [`with_max_bytes`](Presences::with_max_bytes) says less.
pub const MAX_TEXT_BYTES: usize = 1 << 30;

/// Below this much text a map is not tidied.
const TIDY_BYTES: usize = 1 << 16;

/// Who is present: a map from key to presence, in the order of a JavaScript object's own properties.
///
/// Every key has a slot, a small number, by which callers can keep things of their own. Text that is no
/// longer used is cleared away when it is more than half of all.
#[derive(Clone)]
pub struct Presences {
    pub(super) store: Store,
    pub(super) keys: Keys,
    pub(super) changes: Vec<Record>,
    /// The length of the text at which to look for what is unused.
    tidy_at: usize,
    max_bytes: usize,
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
            store: Store::default(),
            keys: Keys::new(seed),
            changes: Vec::new(),
            tidy_at: TIDY_BYTES,
            max_bytes: MAX_TEXT_BYTES,
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
        self.keys.len()
    }

    /// Whether nobody is present.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The presence under a key.
    pub fn get(&self, key: &str) -> Option<Presence<'_>> {
        let slot = self.keys.find(&self.store, &quote(key))?;
        self.presence(self.keys.view(slot)?)
    }

    /// The member who has a slot.
    pub fn at(&self, slot: u32) -> Option<(Member<'_>, Presence<'_>)> {
        let member = Member { map: self, slot };
        Some((member, member.presence()?))
    }

    /// The slots of all members, in order.
    pub fn slots(&self) -> Vec<u32> {
        self.keys.in_order()
    }

    /// All members and their presences, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Member<'_>, Presence<'_>)> {
        self.slots().into_iter().filter_map(|slot| self.at(slot))
    }

    /// Brings the keys in order now, so that [`iter`](Self::iter) and [`slots`](Self::slots) need not do it
    /// until some come or go.
    pub fn settle(&mut self) {
        self.keys.settle();
    }

    pub(super) fn presence(&self, view: u32) -> Option<Presence<'_>> {
        let store = &self.store;
        store.view(view).map(|view| Presence { store, view })
    }

    /// Before a payload of `bytes`: forgets the changes of the last one, tidies up if that is worth it, and
    /// says whether the payload will fit.
    pub(super) fn begin(&mut self, bytes: usize) -> bool {
        self.changes.clear();
        self.keys.release();
        let full = self.store.text.len() + bytes > self.max_bytes;
        if full || self.store.text.len() > self.tidy_at {
            let used = self.keys.used_bytes(&self.store);
            if full || self.store.text.len() > used * 2 {
                let old = core::mem::take(&mut self.store);
                self.store.reserve(used, self.keys.len());
                self.keys.move_to(&mut self.store, &old);
            }
            self.tidy_at = (used * 2).max(TIDY_BYTES);
        }
        self.store.text.len() + bytes <= self.max_bytes
    }
}

impl fmt::Debug for Presences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self
            .iter()
            .map(|(member, presence)| (member.key(), presence));
        f.debug_map().entries(entries).finish()
    }
}
