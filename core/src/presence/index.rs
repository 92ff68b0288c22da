//! A hash table of numbers: it finds the number of a thing by the thing's hash, the things themselves
//! being kept elsewhere. Keys and refs are spans of a text, which a `HashMap` could not compare.

use alloc::vec;
use alloc::vec::Vec;

/// Marks an empty place in the table.
const EMPTY: u32 = u32::MAX;

/// Open addressing with linear probing, never more than half full.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// A power of two in length, or empty.
    table: Vec<u32>,
    count: usize,
}

impl Index {
    /// A table for `count` numbers without growing.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            table: vec![EMPTY; (count * 2).next_power_of_two().max(8)],
            count: 0,
        }
    }

    /// Makes room for `additional` numbers at once, so that a large snapshot does not grow it step by step.
    pub(super) fn reserve(&mut self, additional: usize, hash_of: &dyn Fn(u32) -> u32) {
        let needed = self.count + additional;
        if needed * 2 <= self.table.len() {
            return;
        }
        let old = core::mem::replace(self, Self::with_capacity(needed));
        for number in old.table.into_iter().filter(|&number| number != EMPTY) {
            self.put(hash_of(number), number);
        }
    }

    /// The number with this hash that `is` it.
    #[inline]
    pub(super) fn find(&self, hash: u32, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mut place = self.home(hash);
        loop {
            match self.table.get(place) {
                Some(&number) if number != EMPTY => {
                    if is(number) {
                        return Some(number);
                    }
                }
                _ => return None,
            }
            place = self.after(place);
        }
    }

    /// Adds a number that is not in the table.
    pub(super) fn insert(&mut self, hash: u32, number: u32, hash_of: &dyn Fn(u32) -> u32) {
        self.reserve(1, hash_of);
        self.put(hash, number);
    }

    /// Takes a number out. Those after it move up, so that no search ends at the gap.
    pub(super) fn remove(&mut self, hash: u32, number: u32, hash_of: &dyn Fn(u32) -> u32) {
        let mut gap = self.home(hash);
        loop {
            match self.table.get(gap) {
                Some(&found) if found == number => break,
                Some(&found) if found != EMPTY => gap = self.after(gap),
                _ => return,
            }
        }
        self.count -= 1;
        let mut place = self.after(gap);
        while let Some(&next) = self.table.get(place).filter(|&&next| next != EMPTY) {
            let home = self.home(hash_of(next));
            // It may move to the gap unless its home lies after the gap.
            let from_home = place.wrapping_sub(home) & (self.table.len() - 1);
            let from_gap = place.wrapping_sub(gap) & (self.table.len() - 1);
            if from_home >= from_gap {
                self.set(gap, next);
                gap = place;
            }
            place = self.after(place);
        }
        self.set(gap, EMPTY);
    }

    fn put(&mut self, hash: u32, number: u32) {
        let mut place = self.home(hash);
        while self.table.get(place).is_some_and(|&taken| taken != EMPTY) {
            place = self.after(place);
        }
        self.set(place, number);
        self.count += 1;
    }

    #[inline]
    fn set(&mut self, place: usize, number: u32) {
        if let Some(entry) = self.table.get_mut(place) {
            *entry = number;
        }
    }

    #[inline]
    fn home(&self, hash: u32) -> usize {
        hash as usize & self.table.len().wrapping_sub(1)
    }

    #[inline]
    fn after(&self, place: usize) -> usize {
        (place + 1) & self.table.len().wrapping_sub(1)
    }
}

/// Hashes bytes, eight at a time, after the manner of wyhash32, which needs no wider product than
/// the wasm of pages in Rust has. Keys are often chosen by users: `seed` should be one that they do
/// not know, so that nobody can choose many with the same hash.
#[inline]
pub(super) fn hash(seed: u64, bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = seed ^ bytes.len() as u64;
    for word in words {
        state = mix(state ^ u64::from_le_bytes(*word));
    }
    let last = rest
        .iter()
        .fold(0, |word, &byte| word << 8 | u64::from(byte));
    state = mix(mix(state ^ last) ^ seed);
    (state ^ state >> 32) as u32
}

/// The product of both halves, each first made odd-looking: every bit of either reaches all above it.
#[inline]
fn mix(state: u64) -> u64 {
    let (low, high) = (
        state as u32 ^ 0x53C5_CA59,
        (state >> 32) as u32 ^ 0x7474_3C1B,
    );
    u64::from(low) * u64::from(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        /// Few different hashes, so that runs of colliding numbers get long and wrap around.
        #[test]
        fn it_holds_what_was_inserted_and_not_removed(
            steps in prop::collection::vec((0u32..40, any::<bool>()), 0..200),
            hashes in prop::array::uniform32(0u32..12),
        ) {
            let hash_of = |number: u32| hashes[number as usize % 32];
            let (mut index, mut model) = (Index::default(), HashSet::new());
            for (number, insert) in steps {
                if insert && model.insert(number) {
                    index.insert(hash_of(number), number, &hash_of);
                } else if !insert && model.remove(&number) {
                    index.remove(hash_of(number), number, &hash_of);
                }
                for number in 0..40 {
                    let found = index.find(hash_of(number), |other| other == number);
                    prop_assert_eq!(found.is_some(), model.contains(&number));
                }
            }
        }
    }

    #[test]
    fn short_and_long_texts_hash_apart() {
        let text = "abcdefghijklmnopqrstuvwxyz";
        let hashes: HashSet<_> = (0..text.len())
            .map(|len| hash(7, &text.as_bytes()[..len]))
            .collect();
        assert_eq!(hashes.len(), text.len());
        assert_ne!(hash(1, b"ada"), hash(2, b"ada"));
    }
}
