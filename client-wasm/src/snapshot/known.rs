//! Fingerprints: what is remembered of the members of the last state.

use alloc::vec;
use alloc::vec::Vec;

/// The fingerprint of a member.
#[derive(Clone, Copy, Default)]
struct Fingerprint {
    /// 0 for no member.
    key: u64,
    /// 0 if it was forgotten. The lowest bit tells by which state it was noted: the last or the one before.
    presence: u64,
}

/// A hash table of fingerprints: open addressing with linear probing, at most seven eighths full.
#[derive(Default)]
pub(super) struct Known {
    /// A power of two in length, or empty.
    table: Vec<Fingerprint>,
    count: usize,
    /// The lowest bit of what is noted now.
    scan: u64,
}

impl Known {
    /// Before a state of about so many members.
    pub(super) fn begin(&mut self, members: usize) {
        self.scan ^= 1;
        if self.count == 0 {
            self.table = Vec::new();
            self.grow(members);
        }
    }

    /// Notes a member. Returns whether it is not as it was noted last; `None` if it comes twice.
    pub(super) fn note(&mut self, key: u64, presence: u64) -> Option<bool> {
        let presence = (presence | 2) & !1 | self.scan;
        if self.count >= self.table.len() / 8 * 7 {
            let known = self.table.iter().filter(|member| member.presence != 0);
            self.grow(known.count() + 1);
        }
        let place = self.place(key);
        let member = self.table.get_mut(place)?;
        let before = member.presence;
        if before != 0 && (before ^ presence) & 1 == 0 {
            return None;
        }
        self.count += usize::from(member.key == 0);
        *member = Fingerprint { key, presence };
        Some(before != presence ^ 1)
    }

    pub(super) fn forget(&mut self, key: u64) {
        let place = self.place(key);
        if let Some(member) = self.table.get_mut(place) {
            member.presence = 0;
        }
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.table.len()
    }

    /// The place of a key: where it is, or the free one where it would be.
    fn place(&self, key: u64) -> usize {
        let mut place = key as usize & self.table.len().wrapping_sub(1);
        while let Some(member) = self.table.get(place)
            && member.key != key
            && member.key != 0
        {
            place = (place + 1) & (self.table.len() - 1);
        }
        place
    }

    /// Makes room for so many members. Those that were forgotten go.
    fn grow(&mut self, members: usize) {
        let room = vec![Fingerprint::default(); (members + members / 6 + 8).next_power_of_two()];
        self.count = 0;
        for member in core::mem::replace(&mut self.table, room) {
            if member.presence != 0 {
                let place = self.place(member.key);
                if let Some(free) = self.table.get_mut(place) {
                    *free = member;
                    self.count += 1;
                }
            }
        }
    }
}

/// Never 0. With a `seed` that nobody knows who could choose the bytes, nobody can choose bytes of equal hashes.
pub(super) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    mix(absorb(seed, bytes) ^ seed).max(1)
}

/// What a hash has become when these bytes, and their number, have gone into it.
#[inline]
pub(super) fn absorb(state: u64, bytes: &[u8]) -> u64 {
    let mut state = mix(state ^ bytes.len() as u64);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state = mix(state ^ u64::from_le_bytes(*word));
    }
    let last = match bytes.last_chunk::<8>() {
        // Some of them once more: it takes one step.
        Some(last) => u64::from_le_bytes(*last),
        None => rest
            .iter()
            .fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    mix(state ^ last)
}

/// Every bit of the result depends on every bit of the state. Once would not do: of the highest bits too few would
/// depend, always the same ones, and another word could undo that.
#[inline]
pub(super) fn mix(state: u64) -> u64 {
    let half = |state: u64| {
        let product = state.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        product ^ product >> 32
    };
    half(half(state))
}
