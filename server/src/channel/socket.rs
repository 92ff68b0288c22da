use std::fmt;
use std::sync::Arc;

use super::sender::{Inbox, Sender};
use super::{Assigns, ChannelId, IntoPayload, Link, Reference, ReplyRef};
use crate::PubSub;
use crate::socket::Frame;

/// A channel's end of the connection: what its callbacks act through, in the manner of `Phoenix.Socket`.
pub struct Socket<Info> {
    link: Arc<Link>,
    inbox: Arc<dyn Inbox<Info>>,
    assigns: Assigns,
    on_end: Vec<Hook>,
    turn: Turn,
}

type Hook = Box<dyn FnOnce() + Send>;

/// What the channel is doing right now.
enum Turn {
    /// It is being joined: pushes are held back until the client has the reply.
    Joining(Vec<Frame>),
    /// It handles a message of the client that came with this ref.
    Handling(Reference),
    /// Anything else.
    Other,
}

impl<Info> Socket<Info> {
    pub(super) fn joining(link: Arc<Link>, inbox: Arc<dyn Inbox<Info>>) -> Self {
        Self {
            assigns: Assigns::new(link.connection.assigns()),
            link,
            inbox,
            on_end: Vec::new(),
            turn: Turn::Joining(Vec::new()),
        }
    }

    /// The topic that was joined.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.link.topic
    }

    /// The ref under which the client knows this join: JSON text, usually a string with its quotes.
    #[must_use]
    pub fn join_ref(&self) -> Option<&str> {
        self.link.join_ref()
    }

    /// The identity of this join on this node.
    #[must_use]
    pub fn channel_id(&self) -> ChannelId {
        self.link.id
    }

    /// Values stored for this socket.
    #[must_use]
    pub fn assigns(&self) -> &Assigns {
        &self.assigns
    }

    /// Values stored for this socket, to store more.
    pub fn assigns_mut(&mut self) -> &mut Assigns {
        &mut self.assigns
    }

    /// The topics of this endpoint, to broadcast to others than the channel's own.
    #[must_use]
    pub fn pubsub(&self) -> &PubSub {
        self.link.connection.pubsub()
    }

    /// Sends an event to this client only.
    ///
    /// # Panics
    /// If the payload [cannot be written as JSON](IntoPayload::into_payload); so do the broadcasts.
    pub fn push(&mut self, event: &str, payload: impl IntoPayload) {
        let frame = self.link.push_frame(event, &payload.into_payload());
        match &mut self.turn {
            Turn::Joining(held) => held.extend(frame),
            Turn::Handling(_) | Turn::Other => self.link.connection.send(frame),
        }
    }

    /// Sends an event to everybody who has joined the topic, this client included.
    pub fn broadcast(&self, event: &str, payload: impl IntoPayload) {
        self.pubsub().broadcast(self.topic(), event, payload);
    }

    /// Sends an event to everybody else who has joined the topic.
    pub fn broadcast_from(&self, event: &str, payload: impl IntoPayload) {
        self.pubsub()
            .broadcast_from(self.link.id, self.topic(), event, payload);
    }

    /// The message being handled, to be answered later; the callback then returns
    /// [`Reply::none`](super::Reply::none).
    ///
    /// # Panics
    /// Outside [`handle_in`](super::Channel::handle_in), where there is no message to answer.
    pub fn reply_ref(&self) -> ReplyRef {
        match &self.turn {
            Turn::Handling(reference) => ReplyRef::new(Arc::clone(&self.link), reference.clone()),
            Turn::Joining(_) | Turn::Other => {
                panic!("reply_ref outside handle_in: there is no message to answer")
            }
        }
    }

    /// Sends a message to this channel itself, to be handled after the current one. In `join` it is the way
    /// to do something after the client has got the reply.
    pub fn send_info(&self, info: Info) {
        // It fails only for a channel that has ended, and this one is running a callback.
        let _ = Arc::clone(&self.inbox).send_info(info);
    }

    /// A handle by which others can send messages to this channel.
    #[must_use]
    pub fn sender(&self) -> Sender<Info> {
        Sender::new(Arc::clone(&self.inbox))
    }

    /// Runs `hook` when the channel ends, for whatever reason: left, replaced, crashed, connection lost, or
    /// the join refused after all. It runs once, before the client is told of the end and after the channel
    /// has been unsubscribed from its topic. It must not block.
    pub fn on_end(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.on_end.push(Box::new(hook));
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Ends joining. Returns what was pushed meanwhile.
    pub(super) fn joined(&mut self) -> Vec<Frame> {
        match std::mem::replace(&mut self.turn, Turn::Other) {
            Turn::Joining(held) => held,
            Turn::Handling(_) | Turn::Other => Vec::new(),
        }
    }

    pub(super) fn handling(&mut self, reference: Reference) {
        self.turn = Turn::Handling(reference);
    }

    /// The message has been handled. Returns its ref.
    pub(super) fn handled(&mut self) -> Reference {
        match std::mem::replace(&mut self.turn, Turn::Other) {
            Turn::Handling(reference) => reference,
            Turn::Joining(_) | Turn::Other => None,
        }
    }

    pub(super) fn take_hooks(&mut self) -> Vec<Hook> {
        std::mem::take(&mut self.on_end)
    }
}

impl<Info> fmt::Debug for Socket<Info> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("topic", &self.link.topic)
            .field("channel_id", &self.link.id)
            .field("join_ref", &self.link.join_ref())
            .finish()
    }
}
