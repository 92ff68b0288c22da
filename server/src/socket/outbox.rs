//! What waits to be sent to one client, bounded in bytes.
//!
//! A reader that falls behind loses its queued presence diffs, not its connection: the diffs of a topic
//! are dropped, later ones too while the queue is not empty, and then one `presence_state` takes the place
//! of all of them. If that does not bring the queue below its limit, the connection is closed. A frame that
//! is larger than the limit by itself, as the state of a big topic may be, does not count, but there can be
//! only one of them: otherwise big topics could not be joined.
//!
//! This is the queue and its rules only: pure data, without a lock, a clock or a socket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use super::close::Close;
use super::frame::{Frame, Kind};

pub(crate) struct Outbox {
    queue: VecDeque<Frame>,
    /// The sum of the queue, without an oversized frame.
    bytes: usize,
    /// Whether there is a frame in the queue that is larger than `max_bytes`.
    oversized: bool,
    max_bytes: usize,
    /// Topics of which diffs have been dropped, waiting for a state.
    stale: Vec<Arc<str>>,
    /// How many diffs have been dropped and not been counted yet.
    dropped: u32,
    /// Why the server wants the connection closed. Nothing is queued from then on.
    close: Option<Close>,
    /// The transport while it has nothing to do. Taken when it is woken, so that a burst wakes it once.
    waker: Option<Waker>,
}

/// A transport that has to be woken, once the lock is released.
#[must_use]
pub(crate) struct Wake(Option<Waker>);

impl Wake {
    pub(crate) fn wake(self) {
        if let Some(waker) = self.0 {
            waker.wake();
        }
    }
}

impl Outbox {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            oversized: false,
            max_bytes,
            stale: Vec::new(),
            dropped: 0,
            close: None,
            waker: None,
        }
    }

    pub(crate) fn push(&mut self, frame: Frame) -> Wake {
        if self.close.is_some() {
            return Wake(None);
        }
        if self.withholds(&frame) {
            self.dropped += 1;
            return Wake(None);
        }
        let size = frame.wire().len();
        if self.is_full_for(size) {
            self.drop_diffs();
            if let Kind::Diff(topic) = frame.kind() {
                self.dropped += 1;
                self.mark_stale(topic);
                return self.wake();
            }
            if self.is_full_for(size) {
                return self.close(Close::OVERFLOW);
            }
        }
        match size > self.max_bytes {
            true => self.oversized = true,
            false => self.bytes += size,
        }
        self.queue.push_back(frame);
        self.wake()
    }

    /// Closes the connection. The first reason stands; what is queued goes nowhere.
    pub(crate) fn close(&mut self, close: Close) -> Wake {
        if self.close.is_some() {
            return Wake(None);
        }
        self.close = Some(close);
        self.queue = VecDeque::new();
        self.bytes = 0;
        self.oversized = false;
        self.stale = Vec::new();
        self.wake()
    }

    pub(crate) fn closing(&self) -> Option<Close> {
        self.close
    }

    /// How many diffs have been dropped since this was last asked.
    pub(crate) fn take_dropped(&mut self) -> u32 {
        std::mem::take(&mut self.dropped)
    }

    /// Moves frames to `batch`, up to the given number and at least one of any size.
    pub(crate) fn take(
        &mut self,
        batch: &mut VecDeque<Frame>,
        max_frames: usize,
        max_bytes: usize,
    ) {
        let mut bytes = 0;
        while batch.len() < max_frames && bytes < max_bytes {
            let Some(frame) = self.queue.pop_front() else {
                break;
            };
            bytes += frame.wire().len();
            self.discount(&frame);
            batch.push_back(frame);
        }
        if self.queue.is_empty() && self.queue.capacity() > Self::KEPT_CAPACITY {
            self.queue = VecDeque::new();
        }
    }

    /// Once everything has been sent: a topic whose state is to be sent next, before what is queued from
    /// now on. Its diffs are queued again.
    pub(crate) fn next_stale(&mut self) -> Option<Arc<str>> {
        if !self.queue.is_empty() {
            return None;
        }
        self.stale.pop()
    }

    /// The client gets this topic's state in another way: it joins it again.
    pub(crate) fn forget_stale(&mut self, topic: &str) {
        self.stale.retain(|stale| **stale != *topic);
    }

    /// Remembers whom to wake. Returns `false` if there is something to do already; while the transport
    /// cannot send, that is only to close.
    pub(crate) fn park(&mut self, waker: &Waker, can_send: bool) -> bool {
        let has_work = !self.queue.is_empty() || !self.stale.is_empty();
        if self.close.is_some() || (can_send && has_work) {
            return false;
        }
        match &self.waker {
            Some(known) if known.will_wake(waker) => {}
            _ => self.waker = Some(waker.clone()),
        }
        true
    }

    pub(crate) fn wake(&mut self) -> Wake {
        Wake(self.waker.take())
    }

    /// How many frames an empty queue keeps room for. Bursts give theirs back.
    const KEPT_CAPACITY: usize = 4;

    fn withholds(&self, frame: &Frame) -> bool {
        match frame.kind() {
            Kind::Diff(topic) => self.stale.iter().any(|stale| stale == topic),
            Kind::Message | Kind::Control => false,
        }
    }

    fn is_full_for(&self, size: usize) -> bool {
        match size > self.max_bytes {
            true => self.oversized,
            false => self.bytes + size > self.max_bytes,
        }
    }

    /// A frame leaves the queue.
    fn discount(&mut self, frame: &Frame) {
        let size = frame.wire().len();
        match size > self.max_bytes {
            true => self.oversized = false,
            false => self.bytes -= size,
        }
    }

    fn drop_diffs(&mut self) {
        let mut kept = VecDeque::new();
        for frame in std::mem::take(&mut self.queue) {
            if let Kind::Diff(topic) = frame.kind() {
                self.discount(&frame);
                self.dropped += 1;
                self.mark_stale(topic);
            } else {
                kept.push_back(frame);
            }
        }
        self.queue = kept;
    }

    fn mark_stale(&mut self, topic: &Arc<str>) {
        if !self.stale.contains(topic) {
            self.stale.push(Arc::clone(topic));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use herenow_core::protocol::Vsn;

    use super::*;
    use crate::channel::Payload;

    const MAX: usize = 1000;

    fn frame(kind: Kind, topic: &str, event: &str, size: usize) -> Frame {
        let payload = Payload::from("x".repeat(size));
        Frame::broadcast(Vsn::V2, kind, topic, event, &payload).unwrap()
    }

    fn diff(topic: &str, size: usize) -> Frame {
        frame(Kind::Diff(Arc::from(topic)), topic, "presence_diff", size)
    }

    fn message(size: usize) -> Frame {
        frame(Kind::Message, "room:1", "shout", size)
    }

    fn events(outbox: &mut Outbox) -> Vec<String> {
        let mut batch = VecDeque::new();
        outbox.take(&mut batch, usize::MAX, usize::MAX);
        let text = |frame: &Frame| String::from_utf8_lossy(frame.wire()).into_owned();
        batch
            .iter()
            .map(|frame| text(frame).split('"').nth(3).unwrap().to_owned())
            .collect()
    }

    fn push(outbox: &mut Outbox, frame: Frame) {
        outbox.push(frame).wake();
    }

    #[test]
    fn frames_come_out_in_the_order_they_went_in() {
        let mut outbox = Outbox::new(MAX);
        push(&mut outbox, diff("room:1", 10));
        push(&mut outbox, message(10));
        push(&mut outbox, diff("room:1", 10));
        let expected = ["presence_diff", "shout", "presence_diff"];
        assert_eq!(events(&mut outbox), expected);
    }

    #[test]
    fn over_the_limit_diffs_give_way_and_their_topics_become_stale() {
        let mut outbox = Outbox::new(MAX);
        push(&mut outbox, diff("room:1", 400));
        push(&mut outbox, diff("room:2", 400));
        push(&mut outbox, message(400));
        assert_eq!(outbox.next_stale(), None, "not before the queue is empty");
        assert_eq!(outbox.take_dropped(), 2);
        assert_eq!(events(&mut outbox), ["shout"]);
        let stale = [
            outbox.next_stale(),
            outbox.next_stale(),
            outbox.next_stale(),
        ];
        assert_eq!(
            stale.map(|topic| topic.as_deref().map(str::to_owned)),
            [Some("room:2".to_owned()), Some("room:1".to_owned()), None]
        );
    }

    #[test]
    fn diffs_of_a_stale_topic_are_withheld_until_its_state_is_asked_for() {
        let mut outbox = Outbox::new(MAX);
        push(&mut outbox, message(600));
        push(&mut outbox, diff("room:1", 600));
        push(&mut outbox, diff("room:1", 10));
        push(&mut outbox, diff("room:2", 10));
        assert_eq!(outbox.take_dropped(), 2, "those of one topic");
        assert_eq!(events(&mut outbox), ["shout", "presence_diff"]);
        assert_eq!(outbox.next_stale().as_deref(), Some("room:1"));
        push(&mut outbox, diff("room:1", 10));
        assert_eq!(events(&mut outbox), ["presence_diff"]);
    }

    #[test]
    fn a_topic_that_is_joined_again_is_not_stale() {
        let mut outbox = Outbox::new(MAX);
        push(&mut outbox, message(600));
        push(&mut outbox, diff("room:1", 600));
        outbox.forget_stale("room:1");
        assert_eq!(events(&mut outbox), ["shout"]);
        assert_eq!(outbox.next_stale(), None);
    }

    #[test]
    fn one_frame_fits_whatever_its_size() {
        let mut outbox = Outbox::new(MAX);
        push(&mut outbox, message(10 * MAX));
        assert_eq!(outbox.closing(), None);
        assert_eq!(events(&mut outbox), ["shout"]);
    }

    #[test]
    fn a_state_larger_than_the_limit_fits_among_other_messages() {
        let mut outbox = Outbox::new(MAX);
        push(&mut outbox, message(600));
        push(&mut outbox, message(10 * MAX));
        push(&mut outbox, message(200));
        assert_eq!(outbox.closing(), None);
        assert_eq!(events(&mut outbox), ["shout"; 3]);
        push(&mut outbox, message(10 * MAX));
        push(&mut outbox, message(10 * MAX));
        assert_eq!(outbox.closing(), Some(Close::OVERFLOW), "one at a time");
    }

    #[test]
    fn messages_over_the_limit_close_the_connection() {
        let mut outbox = Outbox::new(MAX);
        push(&mut outbox, message(600));
        push(&mut outbox, message(600));
        assert_eq!(outbox.closing(), Some(Close::OVERFLOW));
        push(&mut outbox, message(1));
        assert!(events(&mut outbox).is_empty());
    }

    #[test]
    fn what_has_been_taken_no_longer_counts() {
        let mut outbox = Outbox::new(MAX);
        for _ in 0..20 {
            push(&mut outbox, message(600));
            assert_eq!(events(&mut outbox), ["shout"]);
        }
        assert_eq!(outbox.closing(), None);
    }

    #[test]
    fn a_batch_is_bounded_and_has_at_least_one_frame() {
        let mut outbox = Outbox::new(MAX);
        for _ in 0..3 {
            push(&mut outbox, message(200));
        }
        let mut batch = VecDeque::new();
        outbox.take(&mut batch, 64, 1);
        assert_eq!(batch.len(), 1);
        outbox.take(&mut batch, 2, usize::MAX);
        assert_eq!(batch.len(), 2);
    }

    #[test]
    fn the_first_reason_to_close_stands() {
        let mut outbox = Outbox::new(MAX);
        outbox.close(Close::DISCONNECTED).wake();
        outbox.close(Close::DRAINED).wake();
        assert_eq!(outbox.closing(), Some(Close::DISCONNECTED));
    }

    #[test]
    fn a_transport_parks_only_if_there_is_nothing_it_can_do() {
        let waker = Waker::noop();
        let mut outbox = Outbox::new(MAX);
        assert!(outbox.park(waker, true));
        push(&mut outbox, message(1));
        assert!(!outbox.park(waker, true));
        assert!(outbox.park(waker, false));
        assert_eq!(events(&mut outbox), ["shout"]);
        assert!(outbox.park(waker, true));
        outbox.close(Close::DRAINED).wake();
        assert!(!outbox.park(waker, false));
    }
}
