//! What the callbacks of a channel answer.

use std::fmt;

use super::payload::{IntoPayload, Payload, PayloadError};

/// What [`Channel::join`](super::Channel::join) answers: the response to the client ([`Payload::empty`] if
/// there is nothing to say), or why it may not join.
pub type JoinResult = Result<Payload, JoinError>;

/// What [`Channel::handle_in`](super::Channel::handle_in) answers: a [`Reply`] (perhaps
/// [none](Reply::none)), or the end of the channel.
pub type HandleResult = Result<Reply, Stop>;

/// What callbacks answer that have nobody to reply to.
pub type InfoResult = Result<(), Stop>;

/// Why a client may not join. The client gets it as the response of an `error` reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinError {
    pub(super) response: Payload,
}

impl JoinError {
    /// The response `{"reason": reason}`, as is the custom: `"unauthorized"`, for one.
    #[must_use]
    pub fn reason(reason: &str) -> Self {
        Self::new(serde_json::json!({ "reason": reason }))
    }

    /// Any response.
    #[must_use]
    pub fn new(response: impl IntoPayload) -> Self {
        Self {
            response: response.into_payload(),
        }
    }
}

impl From<PayloadError> for JoinError {
    /// Params of another shape than the channel expects refuse the join, with the reason
    /// `"invalid params"`.
    fn from(error: PayloadError) -> Self {
        tracing::debug!(%error, "join refused: invalid params");
        Self::reason("invalid params")
    }
}

/// The answer to a message from the client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Reply(pub(crate) Option<Answer>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: &'static str,
    pub(crate) response: Payload,
}

impl Reply {
    /// No answer. The client that waits for one runs into its timeout, unless
    /// [`Socket::reply_ref`](super::Socket::reply_ref) is used to answer later.
    pub fn none() -> Self {
        Self(None)
    }

    /// `ok` with a response.
    pub fn ok(response: impl IntoPayload) -> Self {
        Self::status("ok").with(response)
    }

    /// `error` with a response.
    pub fn error(response: impl IntoPayload) -> Self {
        Self::status("error").with(response)
    }

    /// Any status, with the response `{}`. phoenix.js delivers it to `push.receive(status, callback)`.
    pub fn status(status: &'static str) -> Self {
        Self(Some(Answer {
            status,
            response: Payload::empty(),
        }))
    }

    /// Replaces the response.
    pub fn with(mut self, response: impl IntoPayload) -> Self {
        if let Some(answer) = &mut self.0 {
            answer.response = response.into_payload();
        }
        self
    }
}

/// Ends the channel: the `Err` of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Stop {
    pub(super) reason: Reason,
    pub(super) reply: Reply,
}

impl Stop {
    /// The channel is done. The client gets `phx_close` and does not come back by itself.
    pub fn normal() -> Self {
        Self::because(Reason::Normal)
    }

    /// The channel has failed. The client gets `phx_error` and joins again; `why` goes to the log only.
    pub fn error(why: impl fmt::Display) -> Self {
        Self::because(Reason::Error(why.to_string()))
    }

    /// Nobody handles this event. It ends the channel with `phx_error`, as in Phoenix, where no clause of
    /// `handle_in` matches.
    pub fn unhandled(event: &str) -> Self {
        Self::error(format_args!("no handler for the event {event:?}"))
    }

    /// Answers the message at hand before the channel ends.
    pub fn with_reply(mut self, reply: Reply) -> Self {
        self.reply = reply;
        self
    }

    fn because(reason: Reason) -> Self {
        Self {
            reason,
            reply: Reply::none(),
        }
    }
}

impl From<PayloadError> for Stop {
    /// A payload of another shape than the channel expects crashes it, as in Phoenix.
    fn from(error: PayloadError) -> Self {
        Self::error(error)
    }
}

/// Why a channel ends, for [`Channel::terminate`](super::Channel::terminate).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The client has left the topic.
    Left,
    /// The connection is gone: closed by either side, lost, or timed out.
    Closed,
    /// The client has joined the same topic again; that join takes the place of this one.
    DuplicateJoin,
    /// A callback answered [`Stop::normal`].
    Normal,
    /// A callback answered [`Stop::error`] or [`Stop::unhandled`].
    Error(String),
}
