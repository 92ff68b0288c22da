//! V2 binary frames: a kind, one length byte for each string, the strings, and then the payload, which
//! is any bytes.
//!
//! Refs stand here as bare text where text frames have JSON: `1` for `"1"`, and nothing for `null`.
//! [`ref_to_json`] and [`ref_from_json`] go from one to the other.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::error::Field;
use super::frame::Ref;
use super::json::{self, Str};

/// The most bytes that a ref, topic, event or status can have in a binary frame: its length is one byte.
pub const MAX_STRING: usize = 255;

const PUSH: u8 = 0;
const REPLY: u8 = 1;
const BROADCAST: u8 = 2;

/// What a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push<'a> {
    /// The ref of the channel's join.
    pub join_ref: &'a str,
    /// The ref by which the reply finds its push.
    pub reference: &'a str,
    /// The topic.
    pub topic: &'a str,
    /// The event.
    pub event: &'a str,
    /// The payload.
    pub data: &'a [u8],
}

/// What a server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// To one channel.
    Push {
        /// The ref of the channel's join.
        join_ref: &'a str,
        /// The topic.
        topic: &'a str,
        /// The event.
        event: &'a str,
        /// The payload.
        data: &'a [u8],
    },
    /// The answer to a push.
    Reply {
        /// The ref of the channel's join.
        join_ref: &'a str,
        /// The ref of the push.
        reference: &'a str,
        /// The topic.
        topic: &'a str,
        /// `ok`, `error`, or any other word of the application.
        status: &'a str,
        /// The response.
        data: &'a [u8],
    },
    /// To everybody in the topic.
    Broadcast {
        /// The topic.
        topic: &'a str,
        /// The event.
        event: &'a str,
        /// The payload.
        data: &'a [u8],
    },
}

/// Why bytes are no binary frame, or a message cannot become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The frame has no bytes at all.
    Empty,
    /// The first byte is no kind that this direction knows.
    UnknownKind(u8),
    /// The frame ends before or within this part.
    Truncated(Field),
    /// This part is not valid UTF-8.
    NotUtf8(Field),
    /// This part has more than [`MAX_STRING`] bytes.
    TooLong(Field),
}

/// Reads what a client sends.
pub fn decode_push(frame: &[u8]) -> Result<Push<'_>, Error> {
    let (kind, mut parts) = kind(frame)?;
    if kind != PUSH {
        return Err(Error::UnknownKind(kind));
    }
    let fields = [Field::JoinRef, Field::Ref, Field::Topic, Field::Event];
    let [join_ref, reference, topic, event] = parts.strings(fields)?;
    Ok(Push {
        join_ref,
        reference,
        topic,
        event,
        data: parts.rest,
    })
}

/// Appends what a client sends. After an error `out` is as it was.
pub fn encode_push(out: &mut Vec<u8>, push: &Push<'_>) -> Result<(), Error> {
    let strings = [
        (Field::JoinRef, push.join_ref),
        (Field::Ref, push.reference),
        (Field::Topic, push.topic),
        (Field::Event, push.event),
    ];
    write(out, PUSH, strings, push.data)
}

/// Reads what a server sends.
pub fn decode_server(frame: &[u8]) -> Result<ServerMessage<'_>, Error> {
    let (kind, mut parts) = kind(frame)?;
    match kind {
        PUSH => {
            let fields = [Field::JoinRef, Field::Topic, Field::Event];
            let [join_ref, topic, event] = parts.strings(fields)?;
            Ok(ServerMessage::Push {
                join_ref,
                topic,
                event,
                data: parts.rest,
            })
        }
        REPLY => {
            let fields = [Field::JoinRef, Field::Ref, Field::Topic, Field::Status];
            let [join_ref, reference, topic, status] = parts.strings(fields)?;
            Ok(ServerMessage::Reply {
                join_ref,
                reference,
                topic,
                status,
                data: parts.rest,
            })
        }
        BROADCAST => {
            let [topic, event] = parts.strings([Field::Topic, Field::Event])?;
            Ok(ServerMessage::Broadcast {
                topic,
                event,
                data: parts.rest,
            })
        }
        unknown => Err(Error::UnknownKind(unknown)),
    }
}

/// Appends what a server sends. After an error `out` is as it was.
pub fn encode_server(out: &mut Vec<u8>, message: &ServerMessage<'_>) -> Result<(), Error> {
    match *message {
        ServerMessage::Push {
            join_ref,
            topic,
            event,
            data,
        } => {
            let strings = [
                (Field::JoinRef, join_ref),
                (Field::Topic, topic),
                (Field::Event, event),
            ];
            write(out, PUSH, strings, data)
        }
        ServerMessage::Reply {
            join_ref,
            reference,
            topic,
            status,
            data,
        } => {
            let strings = [
                (Field::JoinRef, join_ref),
                (Field::Ref, reference),
                (Field::Topic, topic),
                (Field::Status, status),
            ];
            write(out, REPLY, strings, data)
        }
        ServerMessage::Broadcast { topic, event, data } => {
            let strings = [(Field::Topic, topic), (Field::Event, event)];
            write(out, BROADCAST, strings, data)
        }
    }
}

/// A ref of a text frame as it stands in a binary one: a string without its quotes, `null` as nothing,
/// any other value as its JSON text.
pub fn ref_from_json(reference: Ref<'_>) -> Cow<'_, str> {
    let Some(text) = reference else {
        return Cow::Borrowed("");
    };
    match Str::parse(text) {
        Ok(string) => string.decode(),
        Err(_) => Cow::Borrowed(text),
    }
}

/// A ref of a binary frame as the JSON text of a text frame: a string, or `None` (`null`) for nothing.
pub fn ref_to_json(reference: &str) -> Option<String> {
    if reference.is_empty() {
        return None;
    }
    let mut json = String::new();
    json::write_str(&mut json, reference);
    Some(json)
}

fn kind(frame: &[u8]) -> Result<(u8, Parts<'_>), Error> {
    let (&kind, rest) = frame.split_first().ok_or(Error::Empty)?;
    Ok((kind, Parts { rest }))
}

/// What is left of a frame.
struct Parts<'a> {
    rest: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Takes the length bytes of `fields` and then the strings themselves.
    fn strings<const N: usize>(&mut self, fields: [Field; N]) -> Result<[&'a str; N], Error> {
        let missing = fields.get(self.rest.len()).or(fields.last());
        let Some((lengths, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(missing.map_or(Error::Empty, |field| Error::Truncated(*field)));
        };
        self.rest = rest;
        let mut strings = [""; N];
        for ((string, &length), field) in strings.iter_mut().zip(lengths).zip(fields) {
            let (bytes, rest) = self
                .rest
                .split_at_checked(usize::from(length))
                .ok_or(Error::Truncated(field))?;
            *string = core::str::from_utf8(bytes).map_err(|_| Error::NotUtf8(field))?;
            self.rest = rest;
        }
        Ok(strings)
    }
}

fn write<const N: usize>(
    out: &mut Vec<u8>,
    kind: u8,
    strings: [(Field, &str); N],
    data: &[u8],
) -> Result<(), Error> {
    let mut lengths = [0; N];
    for (length, (field, string)) in lengths.iter_mut().zip(strings) {
        *length = u8::try_from(string.len()).map_err(|_| Error::TooLong(field))?;
    }
    let strings_len: usize = strings.iter().map(|(_, string)| string.len()).sum();
    out.reserve(1 + N + strings_len + data.len());
    out.push(kind);
    out.extend_from_slice(&lengths);
    for (_, string) in strings {
        out.extend_from_slice(string.as_bytes());
    }
    out.extend_from_slice(data);
    Ok(())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the binary frame is empty"),
            Self::UnknownKind(kind) => write!(f, "unknown kind {kind} of binary frame"),
            Self::Truncated(field) => write!(f, "the binary frame ends before or in its {field}"),
            Self::NotUtf8(field) => write!(f, "the {field} of the binary frame is not UTF-8"),
            Self::TooLong(field) => write!(
                f,
                "the {field} is longer than the {MAX_STRING} bytes that a binary frame can hold"
            ),
        }
    }
}

impl core::error::Error for Error {}
