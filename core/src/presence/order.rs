//! The order of a JavaScript object's own properties.

use alloc::vec::Vec;

/// Where a key comes in the order: an array index at its own value, everything else after all of those,
/// in the order in which it was added.
pub(super) type Rank = u64;

/// The rank of the first key that is no array index.
const FIRST_NAME: Rank = 1 << 32;

/// The array index that a rank stands for, if it does.
pub(super) fn index_of_rank(rank: Rank) -> Option<u32> {
    u32::try_from(rank).ok()
}

/// The value of a key that is an array index, and so comes before the others: "0", "7", "4294967294",
/// but not "07", "-1" or "4294967295". `quoted` has its quotes.
pub(super) fn array_index(quoted: &str) -> Option<u32> {
    let digits = quoted.as_bytes().get(1..quoted.len().checked_sub(1)?)?;
    if !(1..=10).contains(&digits.len()) || (digits.starts_with(b"0") && digits.len() > 1) {
        return None;
    }
    let mut value = 0u64;
    for digit in digits {
        value = value * 10 + u64::from(digit.checked_sub(b'0').filter(|&digit| digit < 10)?);
    }
    u32::try_from(value).ok().filter(|&value| value < u32::MAX)
}

/// One place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) rank: Rank,
    pub(super) slot: u32,
}

/// Sorts places whose ranks are array indices: by byte after byte, from the lowest. It takes a fraction of
/// the time that a sort by comparison would.
fn sort(places: &mut Vec<Place>) {
    let mut sorted = places.clone();
    for shift in [0, 8, 16, 24] {
        let byte = |place: &Place| (place.rank >> shift) as usize & 0xFF;
        let mut ends = [0; 256];
        for place in places.iter() {
            ends[byte(place)] += 1;
        }
        let mut end = 0;
        for count in &mut ends {
            end += *count;
            *count = end;
        }
        for place in places.iter().rev() {
            let end = &mut ends[byte(place)];
            *end -= 1;
            if let Some(free) = sorted.get_mut(*end) {
                *free = *place;
            }
        }
        core::mem::swap(places, &mut sorted);
    }
}

/// Brings slots, and what goes with each, into the order that their keys have as an object's own properties:
/// array indices first and ascending, then the others as they were.
pub(super) fn own_property_order(
    items: &mut Vec<(u32, u32)>,
    array_index: &dyn Fn(u32) -> Option<u32>,
) {
    if items.len() < 2 {
        return;
    }
    let (mut indices, mut names) = (Vec::new(), Vec::new());
    for (slot, item) in (0..).zip(items.iter()) {
        match array_index(item.0) {
            Some(index) => indices.push(Place {
                rank: Rank::from(index),
                slot,
            }),
            None => names.push(*item),
        }
    }
    if indices.is_empty() {
        return;
    }
    sort(&mut indices);
    let mut ordered = Vec::with_capacity(items.len());
    for place in &indices {
        if let Some(item) = items.get(place.slot as usize) {
            ordered.push(*item);
        }
    }
    ordered.append(&mut names);
    *items = ordered;
}

/// All places, in order once [`settle`](Self::settle)d. A removed one stays until then, and an array index
/// is not put where it belongs before: a diff should not cost what a list costs.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    places: Vec<Place>,
    /// Array indices that are not yet among the places.
    indices: Vec<Place>,
    /// How many names were ever added.
    names: u64,
    removed: usize,
}

impl Order {
    /// Room for so many names.
    pub(super) fn reserve(&mut self, names: usize) {
        self.places.reserve(names);
    }

    /// Adds a slot whose key has this array index, or is a name.
    pub(super) fn push(&mut self, slot: u32, index: Option<u32>) -> Rank {
        let rank = match index {
            Some(index) => Rank::from(index),
            None => {
                self.names += 1;
                FIRST_NAME + self.names
            }
        };
        let places = match index {
            Some(_) => &mut self.indices,
            None => &mut self.places,
        };
        places.push(Place { rank, slot });
        rank
    }

    /// Says that one place no longer counts. When most of them do not, they are cleared away.
    pub(super) fn removed(&mut self, counts: &dyn Fn(&Place) -> bool) {
        self.removed += 1;
        if self.removed > 64 && self.removed > (self.places.len() + self.indices.len()) / 2 {
            self.settle(counts);
        }
    }

    /// Whether [`places`](Self::places) are in order, and all of them count.
    pub(super) fn is_settled(&self) -> bool {
        self.indices.is_empty() && self.removed == 0
    }

    /// Brings the places in order and keeps those that count.
    pub(super) fn settle(&mut self, counts: &dyn Fn(&Place) -> bool) {
        sort(&mut self.indices);
        let mut indices = self.indices.iter().copied().peekable();
        let mut settled: Vec<Place> = Vec::with_capacity(self.places.len() + indices.len());
        // An array index that went and came again in the same slot is there twice.
        let mut settle = |place: Place| {
            if settled.last() != Some(&place) && counts(&place) {
                settled.push(place);
            }
        };
        for &place in &self.places {
            while let Some(index) = indices.next_if(|index| index.rank <= place.rank) {
                settle(index);
            }
            settle(place);
        }
        indices.for_each(settle);
        self.places = settled;
        self.indices.clear();
        self.removed = 0;
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn array_indices_are_sorted_and_names_stay_as_they_are(
            keys in prop::collection::vec(prop::option::of(any::<u32>()), 0..100),
        ) {
            let mut items: Vec<(u32, u32)> = (0..).zip(0..).take(keys.len()).collect();
            own_property_order(&mut items, &|slot| keys[slot as usize]);
            let mut expected: Vec<(u32, u32)> = (0..).zip(0..).take(keys.len()).collect();
            expected.sort_by_key(|(slot, _)| keys[*slot as usize].map_or(u64::MAX, u64::from));
            prop_assert_eq!(items, expected);
        }
    }

    #[test]
    fn array_indices_are_what_javascript_takes_for_them() {
        for (key, index) in [
            ("\"0\"", Some(0)),
            ("\"42\"", Some(42)),
            ("\"4294967294\"", Some(4_294_967_294)),
            ("\"4294967295\"", None),
            ("\"9999999999\"", None),
            ("\"10000000000\"", None),
            ("\"007\"", None),
            ("\"-1\"", None),
            ("\"1.0\"", None),
            ("\"1e3\"", None),
            ("\"\"", None),
            ("\"x\"", None),
        ] {
            assert_eq!(array_index(key), index, "{key}");
        }
    }
}
