//! The order of a JavaScript object's own properties.

/// Where a key comes in the order: an array index at its own value, everything else after all of those,
/// in the order in which it was added.
pub(super) type Rank = u64;

/// The rank of the first key that is no array index.
const FIRST_NAME: Rank = 1 << 32;

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

/// Made once for all, because a sort is a good part of the wasm.
fn sort(places: &mut [Place]) {
    places.sort_by_key(|place| place.rank);
}

/// Brings items into the order that their keys have as an object's own properties: array indices first
/// and ascending, then the others as they were.
pub(super) fn own_property_order<T: Copy>(
    items: Vec<T>,
    array_index: impl Fn(&T) -> Option<u32>,
) -> Vec<T> {
    if items.len() < 2 || !items.iter().any(|item| array_index(item).is_some()) {
        return items;
    }
    let rank = |item| array_index(item).map_or(FIRST_NAME, Rank::from);
    let mut places: Vec<Place> = (0..)
        .zip(&items)
        .map(|(slot, item)| Place {
            rank: rank(item),
            slot,
        })
        .collect();
    sort(&mut places);
    places
        .iter()
        .filter_map(|place| items.get(place.slot as usize).copied())
        .collect()
}

/// All places, in order once [`settle`](Self::settle)d. A removed one stays until then: a diff should
/// not cost what a list costs.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    places: Vec<Place>,
    /// How many names were ever added.
    names: u64,
    unsorted: bool,
    removed: usize,
}

impl Order {
    /// Adds a slot whose key has this array index, or is a name.
    pub(super) fn push(&mut self, slot: u32, index: Option<u32>) -> Rank {
        let rank = match index {
            Some(index) => Rank::from(index),
            None => {
                self.names += 1;
                FIRST_NAME + self.names
            }
        };
        self.unsorted |= self.places.last().is_some_and(|last| rank <= last.rank);
        self.places.push(Place { rank, slot });
        rank
    }

    /// Says that one place no longer counts. When most of them do not, they are cleared away.
    pub(super) fn removed(&mut self, counts: impl Fn(&Place) -> bool) {
        self.removed += 1;
        if self.removed > 64 && self.removed > self.places.len() / 2 {
            self.settle(counts);
        }
    }

    /// Whether [`places`](Self::places) are in order, and all of them count.
    pub(super) fn is_settled(&self) -> bool {
        !self.unsorted && self.removed == 0
    }

    /// Brings the places in order and keeps those that count.
    pub(super) fn settle(&mut self, counts: impl Fn(&Place) -> bool) {
        if self.removed > 0 {
            self.places.retain(counts);
        }
        if self.unsorted {
            sort(&mut self.places);
            // An array index that went and came again in the same slot is there twice.
            self.places.dedup();
        }
        self.unsorted = false;
        self.removed = 0;
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }
}

#[cfg(test)]
mod tests {
    use super::array_index;

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
