//! What goes wrong where nobody waits for an answer.

use std::fmt;

use super::{AddressError, Misfit};

/// Something went wrong that has no caller to be told. See
/// [`SocketBuilder::on_problem`](super::SocketBuilder::on_problem).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Problem {
    /// An event's payload is not of the type that a listener asked for. That listener did not get it.
    Payload {
        /// The channel's topic.
        topic: String,
        /// The event.
        event: String,
        /// What is wrong with it.
        misfit: Misfit,
    },
    /// A meta, or the fields beside the metas of a key, are not of the types of a
    /// [`Presence`](super::Presence). They are left out of its list.
    Presence {
        /// The channel's topic.
        topic: String,
        /// The key in the presence list.
        key: String,
        /// What is wrong with it.
        misfit: Misfit,
    },
    /// A presence state or diff that is none. It changed nothing.
    Diff {
        /// The channel's topic.
        topic: String,
        /// What is wrong with it.
        error: herenow_core::presence::Error,
    },
    /// No state came after a join, and more diffs wait for it than a [`Presence`](super::Presence) holds. The
    /// older half of them was dropped. That is so when it was made after its channel had joined.
    NoState {
        /// The channel's topic.
        topic: String,
        /// How many diffs it holds.
        max: usize,
    },
    /// A frame that is no message of the protocol. It was dropped.
    Frame {
        /// What is wrong with it.
        error: String,
    },
    /// A message could not be written.
    Send {
        /// The channel's topic.
        topic: String,
        /// The event.
        event: String,
        /// What is wrong with it.
        error: String,
    },
    /// The socket gave up connecting, because its address is of no use any more.
    Address(AddressError),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payload {
                topic,
                event,
                misfit,
            } => write!(
                f,
                "\"{event}\" of {topic} is not what a listener expects: {misfit}"
            ),
            Self::Presence { topic, key, misfit } => {
                write!(
                    f,
                    "the presence of \"{key}\" in {topic} is not of the type asked for: {misfit}"
                )
            }
            Self::Diff { topic, error } => {
                write!(f, "a presence payload of {topic} was dropped: {error}")
            }
            Self::NoState { topic, max } => write!(
                f,
                "no presence state of {topic} has come, and of more than {max} diffs the oldest were dropped: \
                 make the Presence before the channel joins"
            ),
            Self::Frame { error } => write!(f, "a frame that is no message was dropped: {error}"),
            Self::Send {
                topic,
                event,
                error,
            } => write!(f, "\"{event}\" could not be sent to {topic}: {error}"),
            Self::Address(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Problem {}
