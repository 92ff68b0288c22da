//! What is in a frame, whichever version wrote it.

use super::error::{DecodeError, Field};
use super::json::{self, Cursor, Str};

/// A ref as it stood on the wire: the text of any JSON value (clients send strings), `None` for `null`.
/// It is echoed unchanged and compared as text, so that `40` is not `"40"`.
pub type Ref<'a> = Option<&'a str>;

/// A decoded frame. Everything borrows from the text of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The ref of the join that the message belongs to; `null` in broadcasts.
    pub join_ref: Ref<'a>,
    /// The ref by which a reply finds its message; `null` in what the server sends unasked.
    pub reference: Ref<'a>,
    /// The topic.
    pub topic: Str<'a>,
    /// The event.
    pub event: Str<'a>,
    /// The payload, valid JSON of any kind, without whitespace around it.
    pub payload: &'a str,
}

/// A message to be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// See [`Message::join_ref`].
    pub join_ref: Ref<'a>,
    /// See [`Message::reference`].
    pub reference: Ref<'a>,
    /// The topic, not escaped.
    pub topic: &'a str,
    /// The event, not escaped.
    pub event: &'a str,
    /// The payload as JSON text.
    pub payload: &'a str,
}

/// The payload of a `phx_reply`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// `ok`, `error`, or any other word of the application.
    pub status: Str<'a>,
    /// The application's answer, as JSON text.
    pub response: &'a str,
}

impl<'a> Reply<'a> {
    /// Reads the payload of a `phx_reply`. A missing response is `null`: phoenix.js accepts that too.
    pub fn parse(payload: &'a str) -> Result<Self, DecodeError> {
        let mut status = Part::Missing;
        let mut response = "null";
        let mut cursor = Cursor::new(payload);
        cursor.enter_object()?;
        while let Some(key) = cursor.next_key()? {
            if key == "status" {
                status = Part::read(&mut cursor)?;
            } else if key == "response" {
                response = cursor.value()?;
            } else {
                cursor.value()?;
            }
        }
        cursor.end()?;
        let status = status.into_string(Field::Status)?;
        Ok(Self { status, response })
    }
}

/// A part that has to be a string, as far as it has been read. That is judged only when the whole frame
/// has been read, since a later duplicate of a key replaces an earlier one.
pub(super) enum Part<'a> {
    Missing,
    NotAString,
    String(Str<'a>),
}

impl<'a> Part<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, json::Error> {
        if cursor.peek() == Some(b'"') {
            return cursor.string().map(Self::String);
        }
        cursor.value()?;
        Ok(Self::NotAString)
    }

    pub(super) fn into_string(self, field: Field) -> Result<Str<'a>, DecodeError> {
        match self {
            Self::Missing => Err(DecodeError::Missing(field)),
            Self::NotAString => Err(DecodeError::NotAString(field)),
            Self::String(string) => Ok(string),
        }
    }
}

/// Reads a ref, whatever value it is.
pub(super) fn read_ref<'a>(cursor: &mut Cursor<'a>) -> Result<Ref<'a>, json::Error> {
    let value = cursor.value()?;
    Ok((value != "null").then_some(value))
}
