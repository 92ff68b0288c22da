//! Doubly linked lists threaded through the values of a slab.
//!
//! A presence stands in several orders at once (those of its key, those of its channel), and must
//! leave all of them in constant time, without a map of its own.

use super::slab::{NONE, Slab};

/// The two ends of a list and its length.
#[derive(Clone, Copy, Hash)]
pub(super) struct List {
    pub(super) head: u32,
    pub(super) tail: u32,
    pub(super) len: u32,
}

/// The place of one value in one list.
#[derive(Clone, Copy, Hash)]
pub(super) struct Links {
    pub(super) previous: u32,
    pub(super) next: u32,
}

impl Links {
    pub(super) const LOOSE: Self = Self {
        previous: NONE,
        next: NONE,
    };
}

impl List {
    pub(super) const EMPTY: Self = Self {
        head: NONE,
        tail: NONE,
        len: 0,
    };

    /// Puts the value at `address` last; `links` says which of its links belong to this list.
    pub(super) fn push_back<T>(
        &mut self,
        slab: &mut Slab<T>,
        address: u32,
        links: impl Fn(&mut T) -> &mut Links,
    ) {
        *links(&mut slab[address]) = Links {
            previous: self.tail,
            next: NONE,
        };
        match self.tail {
            NONE => self.head = address,
            tail => links(&mut slab[tail]).next = address,
        }
        self.tail = address;
        self.len += 1;
    }

    /// Takes the value at `address`, which must be in this list, out of it.
    pub(super) fn remove<T>(
        &mut self,
        slab: &mut Slab<T>,
        address: u32,
        links: impl Fn(&mut T) -> &mut Links,
    ) {
        let Links { previous, next } = std::mem::replace(links(&mut slab[address]), Links::LOOSE);
        match previous {
            NONE => self.head = next,
            previous => links(&mut slab[previous]).next = next,
        }
        match next {
            NONE => self.tail = previous,
            next => links(&mut slab[next]).previous = previous,
        }
        self.len -= 1;
    }

    /// The addresses from first to last.
    pub(super) fn iter<'a, T>(
        self,
        slab: &'a Slab<T>,
        links: impl Fn(&T) -> &Links + 'a,
    ) -> impl Iterator<Item = u32> + 'a {
        let mut at = self.head;
        std::iter::from_fn(move || {
            if at == NONE {
                return None;
            }
            let address = at;
            at = links(&slab[address]).next;
            Some(address)
        })
    }
}

#[cfg(test)]
mod tests;
