//! What has arrived and was not read yet, bounded in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::{Event, Message};

/// What a message costs besides its payload, so that empty ones are bounded too.
const OVERHEAD: usize = 128;

/// The receiving end of a [`Bus`](super::Bus).
///
/// It is bounded: when it is not read fast enough, further messages are dropped and counted, so that a
/// stuck reader costs bounded memory. Hints about peers are never dropped.
#[derive(Debug)]
pub struct Inbox {
    events: mpsc::UnboundedReceiver<Option<Event>>,
    budget: Arc<Budget>,
    ended: bool,
}

impl Inbox {
    /// The next event; `None` when the bus has been closed and everything was read.
    ///
    /// Cancelling it loses nothing.
    pub async fn recv(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        let event = self.events.recv().await.flatten();
        self.account(event)
    }

    /// The next event if there is one now.
    pub fn try_recv(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        match self.events.try_recv() {
            Ok(event) => self.account(event),
            Err(_) => None,
        }
    }

    fn account(&mut self, event: Option<Event>) -> Option<Event> {
        match &event {
            Some(Event::Message(message)) => self.budget.release(cost(message)),
            Some(_) => {}
            None => self.ended = true,
        }
        event
    }
}

/// The sending end, for engines.
#[derive(Debug, Clone)]
pub(crate) struct InboxSender {
    /// `None` says that nothing follows.
    events: mpsc::UnboundedSender<Option<Event>>,
    budget: Arc<Budget>,
}

impl InboxSender {
    /// Adds a message unless the inbox is full; says whether it did. What must have happened before
    /// the message is read, `first` does.
    pub(crate) fn message(&self, message: Message, first: impl FnOnce()) -> bool {
        let reserved = self.budget.reserve(cost(&message));
        if reserved {
            first();
            self.event(Event::Message(message));
        }
        reserved
    }

    /// Adds a hint.
    pub(crate) fn event(&self, event: Event) {
        // A reader that is gone wants nothing more.
        let _ = self.events.send(Some(event));
    }

    /// Says that nothing follows.
    pub(crate) fn end(&self) {
        let _ = self.events.send(None);
    }
}

/// An inbox that holds at most `bytes`.
pub(crate) fn inbox(bytes: usize) -> (InboxSender, Inbox) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let budget = Arc::new(Budget::new(bytes));
    let inbox = Inbox {
        events: receiver,
        budget: Arc::clone(&budget),
        ended: false,
    };
    let sender = InboxSender {
        events: sender,
        budget,
    };
    (sender, inbox)
}

fn cost(message: &Message) -> usize {
    message.payload.len() + OVERHEAD
}

/// Bytes that may be held at a time.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: AtomicUsize::new(0),
        }
    }

    /// Takes `bytes` if they fit. One message that is larger than the whole budget fits when nothing
    /// else is held, or it could never pass.
    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        let take = |used: usize| {
            let total = used.saturating_add(bytes);
            (used == 0 || total <= self.limit).then_some(total)
        };
        self.used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take)
            .is_ok()
    }

    /// Gives back what [`reserve`](Self::reserve) took.
    pub(crate) fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use herenow_core::replica::ReplicaId;

    use super::super::Channel;
    use super::*;

    fn message(bytes: usize) -> Message {
        Message {
            from: ReplicaId::new("a", 1),
            channel: Channel::All,
            payload: Bytes::from(vec![0; bytes]),
        }
    }

    #[tokio::test]
    async fn a_full_inbox_takes_hints_but_no_messages_until_it_is_read() {
        let (sender, mut inbox) = inbox(2 * (100 + OVERHEAD));
        assert!(sender.message(message(100), || {}));
        assert!(sender.message(message(100), || {}));
        assert!(!sender.message(message(0), || {}));
        sender.event(Event::PeerUp(ReplicaId::new("a", 1)));
        assert_eq!(inbox.recv().await, Some(Event::Message(message(100))));
        assert!(sender.message(message(100), || {}));
        assert!(!sender.message(message(100), || {}));
    }

    #[tokio::test]
    async fn what_was_there_before_the_end_is_still_read() {
        let (sender, mut inbox) = inbox(1000);
        assert!(sender.message(message(1), || {}));
        sender.end();
        assert!(sender.message(message(2), || {}));
        assert_eq!(inbox.recv().await, Some(Event::Message(message(1))));
        assert_eq!(inbox.recv().await, None);
        assert_eq!(inbox.recv().await, None);
        assert_eq!(inbox.try_recv(), None);
    }

    #[test]
    fn one_message_passes_however_large_it_is() {
        let budget = Budget::new(10);
        assert!(budget.reserve(11));
        assert!(!budget.reserve(1));
        budget.release(11);
        assert!(budget.reserve(10));
    }
}
