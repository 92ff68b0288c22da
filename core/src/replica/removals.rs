//! The last removals of the own replica, for those who know what was there before.

use std::collections::VecDeque;

/// A bounded log. What it no longer reaches is answered with the list of what is still there.
#[derive(Clone, Default, Hash)]
pub(super) struct Removals {
    /// The version of each removal with the version of the presence that was removed.
    log: VecDeque<(u64, u64)>,
    /// All removals after this version are in the log.
    since: u64,
}

impl Removals {
    /// Notes a removal and forgets the oldest but the last `keep`.
    pub(super) fn note(&mut self, at: u64, removed: u64, keep: usize) {
        self.log.push_back((at, removed));
        while self.log.len() > keep {
            if let Some((at, _)) = self.log.pop_front() {
                self.since = at;
            }
        }
        if self.log.capacity() > 64 && self.log.len() * 4 < self.log.capacity() || keep == 0 {
            self.log.shrink_to(self.log.len() * 2);
        }
    }

    /// The presences that were removed after `version`, in ascending order; `None` if the log does not
    /// reach back that far.
    pub(super) fn after(&self, version: u64) -> Option<Vec<u64>> {
        if version < self.since {
            return None;
        }
        let start = self.log.partition_point(|(at, _)| *at <= version);
        let mut removed: Vec<u64> = self.log.range(start..).map(|(_, id)| *id).collect();
        removed.sort_unstable();
        Some(removed)
    }

    pub(super) fn capacity(&self) -> usize {
        self.log.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_what_was_removed_since_a_version_or_says_that_it_does_not() {
        let mut removals = Removals::default();
        for (at, removed) in [(3, 1), (5, 4), (6, 2)] {
            removals.note(at, removed, 2);
        }
        assert_eq!(removals.after(2), None, "the removal at 3 is forgotten");
        assert_eq!(removals.after(3), Some(vec![2, 4]));
        assert_eq!(removals.after(5), Some(vec![2]));
        assert_eq!(removals.after(9), Some(vec![]));
    }

    #[test]
    fn a_log_that_is_to_keep_nothing_holds_no_memory() {
        let mut removals = Removals::default();
        removals.note(1, 1, 9);
        removals.note(2, 2, 0);
        assert_eq!(removals.capacity(), 0);
        assert_eq!(removals.after(2), Some(vec![]));
        assert_eq!(removals.after(1), None);
    }
}
