//! Which topic may send its next diff, and when.
//!
//! A topic that was quiet sends at once. Then a window opens, in which its changes are gathered; when
//! it closes they are sent, and the next window opens, until one closes with nothing to send.
//!
//! Most topics are small, and their windows last equally long: they close in the order in which they
//! opened, and a queue will do. Those of large topics last longer, each its own time. There are few of
//! them, since each holds many presences, so a sorted set costs little.

use std::collections::{BTreeSet, VecDeque};

/// Where a topic stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Turn {
    /// Quiet: nothing to send, no window.
    None,
    /// Has something to send and need not wait.
    Ready,
    /// Waits until its window closes, whether or not there is something to send by now.
    Window,
}

/// The queues of one shard.
#[derive(Clone, Hash)]
pub(super) struct Windows {
    ready: VecDeque<u32>,
    /// Topics with the moment when their window, of the least length, closes.
    least: VecDeque<(u64, u32)>,
    /// The same of windows that are longer.
    longer: BTreeSet<(u64, u32)>,
}

impl Windows {
    pub(super) fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            least: VecDeque::new(),
            longer: BTreeSet::new(),
        }
    }

    /// Puts a topic, whose turn is `None`, among those that need not wait.
    #[must_use]
    pub(super) fn make_ready(&mut self, topic: u32) -> Turn {
        self.ready.push_back(topic);
        Turn::Ready
    }

    /// Opens a window of the least length for a topic whose turn is `None`. It closes no earlier than
    /// those opened so before.
    #[must_use]
    pub(super) fn open(&mut self, closes: u64, topic: u32) -> Turn {
        self.least.push_back((closes, topic));
        Turn::Window
    }

    /// Opens a longer window for a topic whose turn is `None`.
    #[must_use]
    pub(super) fn open_longer(&mut self, closes: u64, topic: u32) -> Turn {
        self.longer.insert((closes, topic));
        Turn::Window
    }

    /// The next topic whose turn has come. It is in no queue from then on.
    pub(super) fn next(&mut self, now: u64) -> Option<u32> {
        if let Some(topic) = self.ready.pop_front() {
            give_back(&mut self.ready);
            return Some(topic);
        }
        let window = self.closes_first()?;
        if window.0 > now {
            return None;
        }
        if !self.longer.remove(&window) {
            self.least.pop_front();
            give_back(&mut self.least);
        }
        Some(window.1)
    }

    /// When `next` will have something, `now` if it has already.
    pub(super) fn timeout(&self, now: u64) -> Option<u64> {
        if !self.ready.is_empty() {
            return Some(now);
        }
        self.closes_first().map(|(closes, _)| closes)
    }

    fn closes_first(&self) -> Option<(u64, u32)> {
        let firsts = self.least.front().into_iter().chain(self.longer.first());
        firsts.min().copied()
    }

    pub(super) fn capacity(&self) -> usize {
        self.ready.capacity() + self.least.capacity() + self.longer.len()
    }
}

/// Frees the memory of a queue that has become empty: it may have been long.
fn give_back<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() {
        *queue = VecDeque::new();
    }
}
