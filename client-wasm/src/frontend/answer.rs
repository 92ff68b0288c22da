//! The answers to joins and pushes: futures, and what can be wrong.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_channel::oneshot;
use herenow_core::client::Status;

use super::Payload;

/// What became of a join or a push.
pub(super) enum Answer {
    Reply {
        status: Status,
        word: String,
        response: Payload,
    },
    Timeout,
}

/// An answer that is waited for, or why there is none to wait for.
enum Waiting<E> {
    For(oneshot::Receiver<Answer>),
    Failed(Option<E>),
}

impl<E> Waiting<E> {
    /// The answer; `None`: whoever should have given it is gone.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Answer>, E>> {
        match self {
            Self::For(receiver) => Pin::new(receiver).poll(context).map(|got| Ok(got.ok())),
            Self::Failed(error) => Poll::Ready(error.take().map_or(Ok(None), Err)),
        }
    }
}

/// The answer to the first join of a channel: the server's response, or why there is none.
///
/// After anything but [`JoinError::Ended`] and [`JoinError::AlreadyJoined`] the channel goes on trying by
/// itself; [`Channel::on_state`](super::Channel::on_state) tells how that goes.
pub struct Join(Waiting<JoinError>);

impl Join {
    pub(super) fn waiting(receiver: oneshot::Receiver<Answer>) -> Self {
        Self(Waiting::For(receiver))
    }

    pub(super) fn failed(error: JoinError) -> Self {
        Self(Waiting::Failed(Some(error)))
    }
}

impl Future for Join {
    type Output = Result<Payload, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(self.0.poll(context)?) {
            Some(Answer::Reply {
                status: Status::Ok,
                response,
                ..
            }) => Ok(response),
            Some(Answer::Reply { response, .. }) => Err(JoinError::Refused(response)),
            Some(Answer::Timeout) => Err(JoinError::TimedOut),
            None => Err(JoinError::Ended),
        })
    }
}

impl fmt::Debug for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Join")
    }
}

/// The reply to a push, or why there is none. It need not be waited for.
pub struct Push(Waiting<PushError>);

impl Push {
    pub(super) fn waiting(receiver: oneshot::Receiver<Answer>) -> Self {
        Self(Waiting::For(receiver))
    }

    pub(super) fn failed(error: PushError) -> Self {
        Self(Waiting::Failed(Some(error)))
    }
}

impl Future for Push {
    type Output = Result<Payload, PushError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(self.0.poll(context)?) {
            Some(Answer::Reply {
                status,
                word,
                response,
            }) => match status {
                Status::Ok => Ok(response),
                Status::Error => Err(PushError::Refused(response)),
                Status::Other => Err(PushError::Other {
                    status: word,
                    response,
                }),
            },
            Some(Answer::Timeout) => Err(PushError::TimedOut),
            None => Err(PushError::Ended),
        })
    }
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Push")
    }
}

/// Why a join was not answered with "ok".
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum JoinError {
    /// The server does not let us in. Its response often has a [`reason`](Payload::reason).
    Refused(Payload),
    /// There was no answer in time.
    TimedOut,
    /// The channel was left, or closed by the server, before there was an answer. There is no joining it
    /// again: make another.
    Ended,
    /// `join` was called before. It is called once; the channel joins again by itself.
    AlreadyJoined,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(response) => {
                write!(f, "the server refused the join: {}", words(response))
            }
            Self::TimedOut => f.write_str("the join was not answered in time"),
            Self::Ended => f.write_str("the channel ended before its join was answered"),
            Self::AlreadyJoined => f.write_str(
                "the channel was joined before: it joins again by itself, or make another channel",
            ),
        }
    }
}

impl std::error::Error for JoinError {}

/// Why a push was not answered with "ok".
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PushError {
    /// The server replied "error". Its response often has a [`reason`](Payload::reason).
    Refused(Payload),
    /// The server replied with a status of its own.
    Other {
        /// The status.
        status: String,
        /// What came with it.
        response: Payload,
    },
    /// There was no reply in time. Many events are not replied to at all.
    TimedOut,
    /// The socket is gone.
    Ended,
    /// The channel was not joined before: there was nothing that the push could have waited for.
    NotJoined,
    /// The payload cannot be written as JSON, and was not sent.
    Payload(String),
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(response) => {
                write!(f, "the server refused the push: {}", words(response))
            }
            Self::Other { status, response } => {
                write!(f, "the server replied \"{status}\": {}", words(response))
            }
            Self::TimedOut => f.write_str("the push was not replied to in time"),
            Self::Ended => f.write_str("the socket is gone"),
            Self::NotJoined => {
                f.write_str("the channel has not been joined: call join before pushing")
            }
            Self::Payload(error) => write!(f, "the payload cannot be written as JSON: {error}"),
        }
    }
}

impl std::error::Error for PushError {}

/// What a response says: its reason, or all of it.
fn words(response: &Payload) -> String {
    response.reason().unwrap_or_else(|| format!("{response:?}"))
}
