//! What is to be published and was not handed to the network yet, bounded in bytes: publishing never
//! waits, and a slow network costs bounded memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::inbox::Budget;

/// The end that is filled. `A` is where a frame goes, in the words of the engine.
#[derive(Debug)]
pub(crate) struct Outbox<A> {
    steps: mpsc::UnboundedSender<Step<A>>,
    budget: Arc<Budget>,
}

#[derive(Debug)]
enum Step<A> {
    Send(A, Bytes),
    /// All that was queued before has been sent.
    Flushed(oneshot::Sender<()>),
}

/// The end that an engine empties.
#[derive(Debug)]
pub(crate) struct Outgoing<A> {
    steps: mpsc::UnboundedReceiver<Step<A>>,
    budget: Arc<Budget>,
}

/// An outbox that holds at most `bytes`.
pub(crate) fn outbox<A>(bytes: usize) -> (Outbox<A>, Outgoing<A>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let budget = Arc::new(Budget::new(bytes));
    let outbox = Outbox {
        steps: sender,
        budget: Arc::clone(&budget),
    };
    let outgoing = Outgoing {
        steps: receiver,
        budget,
    };
    (outbox, outgoing)
}

impl<A> Outbox<A> {
    /// Queues a frame unless there is no room; says whether it did.
    pub(crate) fn push(&self, to: A, frame: Bytes) -> bool {
        let bytes = frame.len();
        self.budget.reserve(bytes) && {
            let sent = self.steps.send(Step::Send(to, frame)).is_ok();
            if !sent {
                self.budget.release(bytes);
            }
            sent
        }
    }

    /// Waits until all that is queued has been handed to the network, but not for longer than `limit`.
    pub(crate) async fn flush(&self, limit: Duration) {
        let (sender, receiver) = oneshot::channel();
        if self.steps.send(Step::Flushed(sender)).is_ok() {
            let _ = timeout(limit, receiver).await;
        }
    }
}

impl<A> Outgoing<A> {
    /// The next frame; `None` when nothing will be queued any more.
    pub(crate) async fn next(&mut self) -> Option<(A, Bytes)> {
        loop {
            let step = self.steps.recv().await?;
            if let Some(next) = self.take(step) {
                return Some(next);
            }
        }
    }

    /// The same, for a thread of its own.
    pub(crate) fn next_blocking(&mut self) -> Option<(A, Bytes)> {
        loop {
            let step = self.steps.blocking_recv()?;
            if let Some(next) = self.take(step) {
                return Some(next);
            }
        }
    }

    fn take(&self, step: Step<A>) -> Option<(A, Bytes)> {
        match step {
            Step::Send(to, frame) => {
                self.budget.release(frame.len());
                Some((to, frame))
            }
            Step::Flushed(done) => {
                let _ = done.send(());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_full_outbox_takes_nothing_until_it_is_emptied() {
        let (outbox, mut outgoing) = outbox(10);
        assert!(outbox.push(1, Bytes::from_static(b"12345")));
        assert!(outbox.push(2, Bytes::from_static(b"12345")));
        assert!(!outbox.push(3, Bytes::from_static(b"1")));
        assert_eq!(
            outgoing.next().await,
            Some((1, Bytes::from_static(b"12345")))
        );
        assert!(outbox.push(4, Bytes::from_static(b"1")));
        drop(outbox);
        assert_eq!(outgoing.next().await.map(|(to, _)| to), Some(2));
        assert_eq!(outgoing.next().await.map(|(to, _)| to), Some(4));
        assert_eq!(outgoing.next().await, None);
    }

    #[tokio::test]
    async fn flushing_waits_for_what_was_queued_before() {
        let (outbox, mut outgoing) = outbox(10);
        outbox.push((), Bytes::from_static(b"1"));
        let sent = std::sync::atomic::AtomicBool::new(false);
        let read = async {
            assert!(outgoing.next().await.is_some());
            sent.store(true, std::sync::atomic::Ordering::SeqCst);
            outgoing.next().await
        };
        tokio::select! {
            () = outbox.flush(LONG) => assert!(sent.load(std::sync::atomic::Ordering::SeqCst)),
            next = read => panic!("nothing follows: {next:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn flushing_gives_up_on_a_network_that_takes_nothing() {
        let (outbox, outgoing) = outbox(10);
        outbox.push((), Bytes::from_static(b"1"));
        outbox.flush(LONG).await;
        drop(outgoing);
        outbox.flush(LONG).await;
        assert!(!outbox.push((), Bytes::from_static(b"1")));
    }
}
