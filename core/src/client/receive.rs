//! What comes in: to whom it goes and what it changes.

use super::Client;
use super::channel::{Channel, ChannelState, NONE};
use super::content::Content;
use super::output::{ChannelId, CloseCause, ConnectionId, ErrorCause, Event, Outcome, Status};

/// A message from the server, as far as the client has to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming<T> {
    /// Which join it belongs to.
    pub join_ref: JoinRef,
    /// Its own ref, or that of what it answers. `None` if there is none, or none that can be ours.
    pub reference: Option<u64>,
    /// Its topic.
    pub topic: T,
    /// What it says.
    pub kind: Kind,
}

/// Which join of a channel a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinRef {
    /// To whoever has the topic: it is a broadcast.
    Any,
    /// The one that had this ref.
    Ours(u64),
    /// One that we cannot have sent.
    Foreign,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `phx_reply`
    Reply(Status),
    /// `phx_error`
    Error,
    /// `phx_close`
    Close,
    /// An event of the application.
    Other,
}

impl<C: Content> Client<C> {
    /// A message came, which the driver has taken apart itself; for drivers whose content is [`Text`], that is
    /// done by [`received`](Client::received). Returns whether it was not dropped because the connection is not in
    /// use or not open. Poll for outputs and the timeout afterwards.
    ///
    /// A [`Kind::Other`] without a reference, such as a broadcast, ends and begins no wait: `now` is not looked at
    /// then, and the timeout stays the same. Such messages are most of all, and a clock can take longer to read
    /// than this takes.
    ///
    /// [`Text`]: super::Text
    pub fn deliver<T: PartialEq<C::Topic>>(
        &mut self,
        now: u64,
        connection: ConnectionId,
        incoming: &Incoming<T>,
    ) -> bool {
        if !self.listens_to(connection) {
            return false;
        }
        if let Some(reference) = incoming.reference {
            self.heartbeat_answered(now, reference);
        }
        let mut last = NONE;
        while let Some(id) = self.channels.next_after(last, |c| incoming.is_for(c)) {
            self.deliver_to(now, id, incoming.kind, incoming.reference);
            last = id;
        }
        if let Some(reference) = incoming.reference {
            self.ping_answered(now, reference);
        }
        true
    }

    pub(super) fn listens_to(&self, connection: ConnectionId) -> bool {
        self.open_connection() == Some(connection)
    }

    fn deliver_to(&mut self, now: u64, channel: ChannelId, kind: Kind, reference: Option<u64>) {
        let joined_once = self.channels.get(channel).is_some_and(|c| c.joined_once);
        match kind {
            Kind::Reply(status) => self.reply_to(now, channel, status, reference),
            // A channel that was never joined is not there to be ended.
            Kind::Error if joined_once => self.error_channel(now, channel, ErrorCause::Server),
            Kind::Close if joined_once => self.end_channel(channel, CloseCause::Server),
            Kind::Error | Kind::Close | Kind::Other => self.event(Event::Message { channel }),
        }
    }

    fn reply_to(&mut self, now: u64, id: ChannelId, status: Status, reference: Option<u64>) {
        let outcome = Outcome::Reply(status);
        let joining = |c: &&Channel<C>| c.state == ChannelState::Joining && c.join_ref == reference;
        if reference.is_some() && self.channels.get(id).filter(joining).is_some() {
            return self.join_answered(now, id, outcome);
        }
        let push = reference.and_then(|reference| self.pushes.take_sent(id, reference));
        self.event(match push {
            Some(push) => Event::PushSettled {
                channel: id,
                push,
                outcome,
            },
            None => Event::UnclaimedReply { channel: id },
        });
    }
}

impl<T> Incoming<T> {
    fn is_for<C: Content>(&self, channel: &Channel<C>) -> bool
    where
        T: PartialEq<C::Topic>,
    {
        let join = match self.join_ref {
            JoinRef::Any => true,
            JoinRef::Ours(join_ref) => channel.join_ref == Some(join_ref),
            JoinRef::Foreign => false,
        };
        join && self.topic == channel.topic
    }
}
