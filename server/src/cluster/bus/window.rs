//! Which numbers of a sender have come already: what keeps a message from being taken twice.

/// How far a message may come behind a later one of the same lane and still be taken.
///
/// A lane is nearly in order, so this is generous; it costs a bit per number.
pub(crate) const SPAN: u64 = 1024;

const BITS: u64 = u64::BITS as u64;
const WORDS: usize = (SPAN / BITS) as usize;

/// The highest number that came, and which of the [`SPAN`] numbers up to it did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Window {
    highest: u64,
    /// A ring: the bit of number `n` is bit `n % SPAN`.
    seen: [u64; WORDS],
}

impl Window {
    /// Takes note of `number` and says whether it is new. Numbers start at 1; those that are too old to
    /// tell are not new.
    pub(crate) fn accept(&mut self, number: u64) -> bool {
        if number > self.highest {
            self.advance(number);
        } else if number == 0 || self.highest - number >= SPAN {
            return false;
        }
        let (word, bit) = place(number);
        let new = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        new
    }

    /// Forgets the numbers that fall out when `number` becomes the highest.
    fn advance(&mut self, number: u64) {
        if number - self.highest >= SPAN {
            self.seen = [0; WORDS];
        } else {
            for skipped in self.highest + 1..=number {
                let (word, bit) = place(skipped);
                self.seen[word] &= !bit;
            }
        }
        self.highest = number;
    }
}

fn place(number: u64) -> (usize, u64) {
    let at = number % SPAN;
    ((at / BITS) as usize, 1 << (at % BITS))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_taken_once_and_in_any_order_within_the_span() {
        let mut window = Window::default();
        assert!(window.accept(SPAN));
        for number in (1..SPAN).rev() {
            assert!(window.accept(number), "{number}");
            assert!(!window.accept(number), "{number}");
        }
        assert!(window.accept(SPAN + 1));
        assert!(!window.accept(1), "1 is older than the span");
    }

    #[test]
    fn extremes_neither_overflow_nor_repeat() {
        let mut window = Window::default();
        assert!(!window.accept(0));
        assert!(window.accept(u64::MAX));
        assert!(!window.accept(u64::MAX));
        assert!(!window.accept(1));
        assert!(window.accept(u64::MAX - SPAN + 1));
        assert!(!window.accept(u64::MAX - SPAN));
    }

    proptest! {
        #[test]
        fn the_window_agrees_with_a_set_of_all_numbers(
            steps in prop::collection::vec((0_u64..3000, 0_u64..1500), 1..400),
        ) {
            let (mut window, mut seen, mut highest) = (Window::default(), BTreeSet::new(), 0);
            for (ahead, behind) in steps {
                let number = (highest + ahead % 40 * (ahead % 7)).saturating_sub(behind % 1100);
                let expected = number > 0 && number + SPAN > highest && seen.insert(number);
                prop_assert_eq!(window.accept(number), expected, "{} after {}", number, highest);
                highest = highest.max(number);
            }
        }
    }
}
