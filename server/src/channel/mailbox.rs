//! What waits for a channel, and how the rest of the server speaks to one without knowing its type.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::AbortHandle;
use tokio::sync::oneshot;

use super::{Link, Payload, Reason, Reference};

/// A message of the client, on its way to [`handle_in`](super::Channel::handle_in).
pub(crate) struct Incoming {
    pub(crate) event: Box<str>,
    pub(crate) reference: Reference,
    pub(crate) payload: Payload,
    /// What it counts against the connection's limit of unhandled messages, in bytes.
    pub(crate) cost: usize,
}

/// A channel that has been joined.
///
/// Whatever is sent to one that has ended meanwhile comes back or is refused.
pub(crate) trait AnyChannel: Send + Sync {
    fn link(&self) -> &Arc<Link>;

    /// Hands over a message of the client. To be called by the client's session only: the handler runs
    /// within the call for as long as it does not have to wait.
    fn deliver(self: Arc<Self>, message: Incoming) -> Result<(), Incoming>;

    /// Hands over the client's wish to leave. To be called by the client's session only.
    fn leave(self: Arc<Self>, reference: Reference) -> bool;

    /// Hands over a broadcast of an intercepted event.
    fn intercept(self: Arc<Self>, event: &Arc<str>, payload: &Payload);

    /// Ends the channel, after what waits for it already. `None` if it has ended before.
    fn shut_down(self: Arc<Self>, reason: Reason) -> Option<Ended>;

    /// Cuts off the callback at which the channel has been waiting for too long, and so ends the channel.
    fn kill(&self);
}

/// Resolves when a channel has ended: with `Ok` if that was by the shutdown that returned this, with an
/// error if something else ended it first.
pub(crate) type Ended = oneshot::Receiver<()>;

pub(super) enum Envelope<Info> {
    In(Incoming),
    Out {
        event: Arc<str>,
        payload: Payload,
    },
    Info(Info),
    Leave(Reference),
    ShutDown {
        reason: Reason,
        done: oneshot::Sender<()>,
    },
}

impl<Info> Envelope<Info> {
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::In(message) => message.cost,
            Self::Out { .. } | Self::Info(_) | Self::Leave(_) | Self::ShutDown { .. } => 0,
        }
    }
}

pub(super) struct Mailbox<Info, Live> {
    pub(super) queue: VecDeque<Envelope<Info>>,
    /// The channel's state while nobody works at it; whoever takes it out works until the queue is empty.
    pub(super) resting: Option<Box<Live>>,
    /// The task that works at the channel, if it had to be given one.
    pub(super) task: Option<AbortHandle>,
    pub(super) ended: bool,
}

impl<Info, Live> Mailbox<Info, Live> {
    /// The mailbox of a channel that somebody works at: it is being joined.
    pub(super) fn busy() -> Self {
        Self {
            queue: VecDeque::new(),
            resting: None,
            task: None,
            ended: false,
        }
    }

    /// Adds a message. Returns the state if nobody works at it: the caller has to.
    #[must_use]
    pub(super) fn post(&mut self, envelope: Envelope<Info>) -> Option<Box<Live>> {
        self.queue.push_back(envelope);
        self.resting.take()
    }

    /// How many messages a channel at rest keeps room for. Bursts give theirs back.
    const KEPT_CAPACITY: usize = 4;

    pub(super) fn rest(&mut self, live: Box<Live>) {
        self.resting = Some(live);
        self.task = None;
        if self.queue.capacity() > Self::KEPT_CAPACITY {
            self.queue = VecDeque::new();
        }
    }
}
