//! Why a text frame is not a message.

use core::fmt;

use super::json;

/// Why a text frame is not a message. Phoenix closes the socket (with code 1011) on any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The frame is not valid JSON, nests too deep, or is an array where V1 has an object or the
    /// other way round.
    Json(json::Error),
    /// The frame has no such part.
    Missing(Field),
    /// This part has to be a string and is none.
    NotAString(Field),
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The ref of the join that the message belongs to.
    JoinRef,
    /// The ref by which a reply finds its message.
    Ref,
    /// The topic.
    Topic,
    /// The event.
    Event,
    /// The payload.
    Payload,
    /// The status of a reply.
    Status,
}

impl Field {
    /// Its name in V1 frames, in replies and in the documentation of Phoenix.
    pub fn name(self) -> &'static str {
        match self {
            Self::JoinRef => "join_ref",
            Self::Ref => "ref",
            Self::Topic => "topic",
            Self::Event => "event",
            Self::Payload => "payload",
            Self::Status => "status",
        }
    }
}

impl From<json::Error> for DecodeError {
    fn from(error: json::Error) -> Self {
        Self::Json(error)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "not a message: {error}"),
            Self::Missing(field) => write!(f, "not a message: it has no {field}"),
            Self::NotAString(field) => write!(f, "not a message: its {field} is not a string"),
        }
    }
}

impl core::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::Missing(_) | Self::NotAString(_) => None,
        }
    }
}
