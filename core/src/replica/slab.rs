//! Storage with small stable numbers for addresses, that gives memory back.
//!
//! A plain vector with a free list never shrinks: one evening with a million visitors would be paid
//! for until the next restart. Here slots live in pages, and a page that becomes empty is dropped.

use std::ops::{Index, IndexMut};

/// Slots in a page: large enough to keep neighbours together, small enough that one long-lived
/// value holds on to little.
const PAGE: u32 = 256;

/// The address of nothing; also the end of every list.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Clone, Hash)]
pub(super) struct Slab<T> {
    pages: Vec<Option<Box<Page<T>>>>,
    /// Every page that has room, each once, also those that were dropped.
    roomy: Vec<u32>,
    len: usize,
}

#[derive(Clone, Hash)]
struct Page<T> {
    /// Grows to `PAGE` slots, so that a shard with few members stays small.
    slots: Vec<Slot<T>>,
    /// The first vacant slot; each vacant slot names the next.
    vacant: u32,
    live: u32,
}

#[derive(Clone, Hash)]
enum Slot<T> {
    Live(T),
    Vacant(u32),
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self {
            pages: Vec::new(),
            roomy: Vec::new(),
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many slots memory is held for.
    pub(super) fn capacity(&self) -> usize {
        let pages = self.pages.iter().flatten();
        pages.map(|page| page.slots.capacity()).sum()
    }

    pub(super) fn insert(&mut self, value: T) -> u32 {
        #[cfg(test)]
        super::looks::note();
        let number = match self.roomy.last() {
            Some(&number) => number,
            None => {
                let number =
                    u32::try_from(self.pages.len()).expect("a page number fits in 32 bits");
                self.pages.push(None);
                self.roomy.push(number);
                number
            }
        };
        let page = self.pages[number as usize].get_or_insert_with(Page::new);
        let slot = page.insert(value);
        if page.live == PAGE {
            self.roomy.pop();
        }
        self.len += 1;
        number * PAGE + slot
    }

    /// Takes the value out. Its address may be given to another one from now on.
    pub(super) fn remove(&mut self, address: u32) -> T {
        #[cfg(test)]
        super::looks::note();
        let number = address / PAGE;
        let place = &mut self.pages[number as usize];
        let page = place.as_mut().expect("an address in use");
        if page.live == PAGE {
            self.roomy.push(number);
        }
        let value = page.remove(address % PAGE);
        if page.live == 0 {
            *place = None;
        }
        self.len -= 1;
        if self.len == 0 {
            *self = Self::new();
        }
        value
    }
}

impl<T> Page<T> {
    fn new() -> Box<Self> {
        Box::new(Self {
            slots: Vec::new(),
            vacant: NONE,
            live: 0,
        })
    }

    fn insert(&mut self, value: T) -> u32 {
        self.live += 1;
        if self.vacant == NONE {
            self.slots.push(Slot::Live(value));
            return self.slots.len() as u32 - 1;
        }
        let slot = self.vacant;
        match std::mem::replace(&mut self.slots[slot as usize], Slot::Live(value)) {
            Slot::Vacant(next) => self.vacant = next,
            Slot::Live(_) => unreachable!("the vacant list holds vacant slots"),
        }
        slot
    }

    fn remove(&mut self, slot: u32) -> T {
        let vacated = Slot::Vacant(self.vacant);
        match std::mem::replace(&mut self.slots[slot as usize], vacated) {
            Slot::Live(value) => {
                self.vacant = slot;
                self.live -= 1;
                value
            }
            Slot::Vacant(_) => unreachable!("an address in use"),
        }
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, address: u32) -> &T {
        #[cfg(test)]
        super::looks::note();
        match &self.pages[(address / PAGE) as usize] {
            Some(page) => match &page.slots[(address % PAGE) as usize] {
                Slot::Live(value) => value,
                Slot::Vacant(_) => unreachable!("an address in use"),
            },
            None => unreachable!("an address in use"),
        }
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, address: u32) -> &mut T {
        #[cfg(test)]
        super::looks::note();
        match &mut self.pages[(address / PAGE) as usize] {
            Some(page) => match &mut page.slots[(address % PAGE) as usize] {
                Slot::Live(value) => value,
                Slot::Vacant(_) => unreachable!("an address in use"),
            },
            None => unreachable!("an address in use"),
        }
    }
}

#[cfg(test)]
mod tests;
