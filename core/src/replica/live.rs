//! The presences of one replica in the order of their versions.
//!
//! Versions only ever grow, so this is an array that is appended to and searched by halving: less
//! memory than a map, and "all since version v" is its tail. A removed presence leaves a gap; when
//! most of the array is gaps it is closed up, so that each removal costs constant time on average.

use super::slab::NONE;

#[derive(Clone, Default, Hash)]
pub(super) struct Live {
    /// Versions with the addresses of their entries, NONE for those removed.
    places: Vec<(u64, u32)>,
    gaps: usize,
}

impl Live {
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.gaps
    }

    pub(super) fn capacity(&self) -> usize {
        self.places.capacity()
    }

    /// Adds a presence whose version is higher than all before.
    pub(super) fn push(&mut self, version: u64, address: u32) {
        debug_assert!(self.places.last().is_none_or(|(last, _)| *last < version));
        self.places.push((version, address));
    }

    pub(super) fn remove(&mut self, version: u64) -> Option<u32> {
        let at = self.find(version)?;
        let address = std::mem::replace(&mut self.places[at].1, NONE);
        self.gaps += 1;
        self.close_up();
        Some(address)
    }

    /// The presences with higher versions than `version`, in their order.
    pub(super) fn after(&self, version: u64) -> impl Iterator<Item = (u64, u32)> {
        let start = self.places.partition_point(|(other, _)| *other <= version);
        living(&self.places[start..])
    }

    /// The presences with versions up to and with `version`, in their order.
    pub(super) fn up_to(&self, version: u64) -> impl Iterator<Item = (u64, u32)> {
        let end = self.places.partition_point(|(other, _)| *other <= version);
        living(&self.places[..end])
    }

    fn find(&self, version: u64) -> Option<usize> {
        let found = self.places.binary_search_by_key(&version, |place| place.0);
        found.ok().filter(|at| self.places[*at].1 != NONE)
    }

    fn close_up(&mut self) {
        const WORTH_IT: usize = 32;
        if self.len() == 0 {
            *self = Self::default();
        } else if self.gaps > WORTH_IT && self.gaps * 2 > self.places.len() {
            self.places.retain(|(_, address)| *address != NONE);
            self.gaps = 0;
            self.places.shrink_to(self.places.len() * 2);
        }
    }
}

fn living(places: &[(u64, u32)]) -> impl Iterator<Item = (u64, u32)> {
    let places = places.iter().copied();
    #[cfg(test)]
    let places = places.inspect(|_| super::looks::note());
    places.filter(|(_, address)| *address != NONE)
}

#[cfg(test)]
mod tests;
