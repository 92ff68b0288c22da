//! What a client wants done and what it has to tell.

use core::ops::Range;

use super::content::{Content, Text};
use super::frame::Frame;

/// One connection of the socket: a new one each time it connects. What a transport reports carries it,
/// so that late news of a transport that has been replaced are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub(super) u32);

/// One channel object, unique for the life of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub(super) u32);

/// One push, unique for the life of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PushId(pub(super) u64);

macro_rules! numbered {
    ($($id:ident: $number:ty),+) => {$(
        impl $id {
            /// The id as a number greater than 0, for drivers that keep tables or cross a language border.
            pub fn get(self) -> $number {
                self.0
            }

            /// The id that [`get`](Self::get) gave. An invented one is treated as one that has ended.
            pub fn from_raw(number: $number) -> Self {
                Self(number)
            }
        }
    )+};
}
numbered!(ConnectionId: u32, ChannelId: u32, PushId: u64);

/// What [`Client::poll_output`](super::Client::poll_output) returns: commands to carry out, and events to
/// pass on, in the order in which they must be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<C: Content = Text> {
    /// Open a transport, and report what becomes of it with this id.
    Connect(ConnectionId),
    /// Write this frame to the transport that was opened last.
    Send(Frame<C>),
    /// Close this transport. It should report [`closed`](super::Client::transport_closed) afterwards.
    Close(ConnectionId, C::Close),
    /// Say with [`Client::set_delay`](super::Client::set_delay) how long to wait before this try (the
    /// first is number 1). Comes only with [`Schedule::Ask`](super::Schedule::Ask).
    AskDelay(Timer, u32),
    /// Something to tell the application.
    Event(Event),
}

/// A timer whose delay the driver can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Until the socket connects again.
    Reconnect,
    /// Until the channel joins again.
    Rejoin(ChannelId),
}

/// What has happened. What is said of a message is about the frame that was given to the latest
/// [`received`](super::Client::received), so poll before the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The connection is open. What was waiting for it has been sent; channels in error join next.
    Opened,
    /// The connection broke. [`Closed`](Self::Closed) follows when its transport reports that.
    Failed,
    /// The connection has ended. Unless [`disconnect`](super::Client::disconnect) was called, the socket
    /// connects again.
    Closed,
    /// A connection that `disconnect` ended has closed or was given up.
    Disconnected(ConnectionId),
    /// The answer to a [`ping`](super::Client::ping).
    Pong {
        /// What `ping` returned.
        reference: u64,
        /// How long it took, in ms.
        round_trip: u64,
    },
    /// A join was answered or given up. Each rejoin brings one of these.
    JoinSettled {
        /// The channel.
        channel: ChannelId,
        /// With `ok` the channel is joined; after anything else it will try again by itself.
        outcome: Outcome,
    },
    /// A push was answered or given up: once for each push.
    PushSettled {
        /// The channel.
        channel: ChannelId,
        /// What [`push`](super::Client::push) returned.
        push: PushId,
        /// How it ended.
        outcome: Outcome,
    },
    /// The server sent an event to the channel.
    Message {
        /// The channel.
        channel: ChannelId,
    },
    /// A reply came for the channel, and no push waits for it (any more).
    UnclaimedReply {
        /// The channel.
        channel: ChannelId,
    },
    /// The channel has crashed or lost its connection; it joins again by itself.
    ChannelErrored {
        /// The channel.
        channel: ChannelId,
        /// Why.
        cause: ErrorCause,
    },
    /// The channel has ended for good; its id is of no more use.
    ChannelClosed {
        /// The channel.
        channel: ChannelId,
        /// Who ended it.
        cause: CloseCause,
        /// The ref of the join that was in force.
        join_ref: Option<u64>,
    },
}

/// How a join or push ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server replied.
    Reply(Status),
    /// There was no reply in time.
    Timeout,
}

impl Outcome {
    /// Whether the server replied `ok`.
    pub fn is_ok(self) -> bool {
        self == Self::Reply(Status::Ok)
    }
}

/// The status of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `ok`
    Ok,
    /// `error`
    Error,
    /// A word of the application's own.
    Other,
}

/// Why a channel is in error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCause {
    /// The server sent `phx_error`: the channel crashed.
    Server,
    /// The connection was closed because a heartbeat stayed unanswered.
    HeartbeatTimeout,
    /// The connection was closed.
    ConnectionClosed,
    /// The transport reported an error.
    ConnectionError,
}

/// Who ended a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCause {
    /// [`leave`](super::Client::leave) was called, or another channel took the topic over.
    Left,
    /// The server sent `phx_close`.
    Server,
}

/// Where a message's parts stand in its frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageSpans {
    /// The join_ref: a JSON value in a text frame, bare in a binary one. Empty where there is none.
    pub join_ref: Span,
    /// The ref, likewise.
    pub reference: Span,
    /// The topic: the text between the quotes of a JSON string in a text frame, bare in a binary one.
    pub topic: Span,
    /// The event, likewise. A binary reply has its status here.
    pub event: Span,
    /// The payload: JSON in a text frame, bytes in a binary one.
    pub payload: Span,
    /// The status of a reply, in the application's words, written as the topic is.
    pub status: Span,
    /// The response of a reply: JSON in a text frame, bytes in a binary one. Empty if there is none.
    pub response: Span,
}

/// A part of a frame, as byte offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub start: u32,
    /// Where it ends: the first byte that no longer belongs to it.
    pub end: u32,
}

impl Span {
    /// Where `part`, a slice of `frame`, stands in it; empty if it does not, or only past 4 GiB, where no
    /// transport would go.
    pub(super) fn within(frame: &[u8], part: &[u8]) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(frame.as_ptr().addr());
        let end = start.wrapping_add(part.len());
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(to)) if end <= frame.len() => Self { start, end: to },
            _ => Self::default(),
        }
    }

    /// Whether there is nothing in it: such a part is not in the frame.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// As a range to slice with.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// This part of a text frame. `frame` must be the one that the span was made for; of another it may
    /// be anything, or nothing.
    pub fn text(self, frame: &str) -> &str {
        frame.get(self.range()).unwrap_or_default()
    }

    /// This part of a binary frame, under the same condition.
    pub fn bytes(self, frame: &[u8]) -> &[u8] {
        frame.get(self.range()).unwrap_or_default()
    }
}
