//! Payloads taken apart: one pass over the text, nothing copied, nothing changed before all of it is read.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use super::map::MAX_TEXT_BYTES;
use super::refs::{Kind, Meta, Run};
use super::text::{Span, canonical};
use crate::protocol::json::{self, Cursor, Str};

/// What the text of a presence may come to. For lists that are to hold a payload's presences: large ones are
/// slow to grow.
const TYPICAL_BYTES: usize = 100;

/// Why a payload was refused. The map is then as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// It is no JSON, or not an object of objects: what was expected, and where.
    Json(json::Error),
    /// A diff without this field; it has to have both `joins` and `leaves`.
    Missing(&'static str),
    /// More text than a map can hold: see [`MAX_TEXT_BYTES`].
    TooLarge,
}

impl From<json::Error> for Error {
    fn from(error: json::Error) -> Self {
        Self::Json(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "not a presence payload: {error}"),
            Self::Missing(field) => write!(f, "a presence_diff without \"{field}\""),
            Self::TooLarge => write!(f, "presences of more than {MAX_TEXT_BYTES} bytes"),
        }
    }
}

impl core::error::Error for Error {}

/// A key and its presence in a payload. Spans are parts of the payload.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    key: Str<'a>,
    pub(super) body: Span,
    /// The value of `metas`, counted from the body's beginning; empty if there is no such field.
    pub(super) array: Span,
    /// Whether there are other fields beside `metas`.
    pub(super) fields: bool,
    /// Among the metas of its `Incoming`.
    pub(super) metas: Run,
}

impl<'a> Entry<'a> {
    /// With quotes, in the canonical spelling.
    pub(super) fn key(&self, payload: &'a str) -> Cow<'a, str> {
        let quoted = json::range_of(payload, self.key.raw())
            .and_then(|range| payload.get(range.start.checked_sub(1)?..range.end + 1));
        canonical(self.key, quoted.unwrap_or_default())
    }
}

/// A payload taken apart: its presences in the order of the text, in which a key may come twice, and the
/// metas of all of them.
#[derive(Default)]
pub(super) struct Incoming<'a> {
    /// Those of a state, or those that join.
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) leaves: Vec<Entry<'a>>,
    pub(super) metas: Vec<Meta>,
}

/// Reads the payload of a `presence_state`.
pub(super) fn state(text: &str) -> Result<Incoming<'_>, Error> {
    let mut reader = Reader::new(text)?;
    reader.incoming.entries = reader.presences()?;
    reader.cursor.end()?;
    Ok(reader.incoming)
}

/// Reads the payload of a `presence_diff`.
pub(super) fn diff(text: &str) -> Result<Incoming<'_>, Error> {
    let mut reader = Reader::new(text)?;
    let (mut joins, mut leaves) = (None, None);
    reader.cursor.enter_object()?;
    while let Some(name) = reader.cursor.next_key()? {
        if name == *"joins" {
            joins = Some(reader.presences()?);
        } else if name == *"leaves" {
            leaves = Some(reader.presences()?);
        } else {
            reader.cursor.value()?;
        }
    }
    reader.cursor.end()?;
    reader.incoming.entries = joins.ok_or(Error::Missing("joins"))?;
    reader.incoming.leaves = leaves.ok_or(Error::Missing("leaves"))?;
    Ok(reader.incoming)
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    incoming: Incoming<'a>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Self, Error> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(Error::TooLarge);
        }
        let mut incoming = Incoming::default();
        incoming.metas.reserve(text.len() / TYPICAL_BYTES);
        Ok(Self {
            cursor: Cursor::new(text),
            incoming,
        })
    }

    #[inline(never)]
    fn presences(&mut self) -> Result<Vec<Entry<'a>>, json::Error> {
        let mut entries = Vec::with_capacity(self.incoming.metas.capacity());
        self.cursor.enter_object()?;
        while let Some(key) = self.cursor.next_key()? {
            entries.push(self.presence(key)?);
        }
        Ok(entries)
    }

    fn presence(&mut self, key: Str<'a>) -> Result<Entry<'a>, json::Error> {
        let start = self.here();
        let mut first = self.incoming.metas.len();
        let (mut array, mut fields) = (Span::default(), false);
        self.cursor.enter_object()?;
        while let Some(name) = self.cursor.next_key()? {
            if name != *"metas" {
                fields = true;
                self.cursor.skip()?;
                continue;
            }
            let array_start = self.here();
            first = self.incoming.metas.len();
            self.metas()?;
            array = Span::new(array_start - start, self.cursor.offset() - start);
        }
        Ok(Entry {
            key,
            body: Span::new(start, self.cursor.offset()),
            array,
            fields,
            metas: Run {
                first: first as u32,
                count: (self.incoming.metas.len() - first) as u32,
            },
        })
    }

    /// The value of `metas`. What is no array holds no metas.
    fn metas(&mut self) -> Result<(), json::Error> {
        if self.cursor.peek() != Some(b'[') {
            self.cursor.skip()?;
            return Ok(());
        }
        self.cursor.enter_array()?;
        while self.cursor.next_element()? {
            let meta = self.meta()?;
            self.incoming.metas.push(meta);
        }
        Ok(())
    }

    fn meta(&mut self) -> Result<Meta, json::Error> {
        let start = self.here();
        let (mut reference, mut kind) = (Span::default(), Kind::Missing);
        if self.cursor.peek() == Some(b'{') {
            self.cursor.enter_object()?;
            while let Some(name) = self.cursor.next_key()? {
                if name == *"phx_ref" {
                    (reference, kind) = self.reference()?;
                } else {
                    self.cursor.skip()?;
                }
            }
        } else {
            self.cursor.skip()?;
        }
        Ok(Meta {
            text: Span::new(start, self.cursor.offset()),
            reference,
            kind,
        })
    }

    fn reference(&mut self) -> Result<(Span, Kind), json::Error> {
        let start = self.here();
        let kind = match self.cursor.peek() {
            Some(b'"') if self.cursor.string()?.is_plain() => Kind::Plain,
            Some(b'"') => Kind::Escaped,
            other => {
                self.cursor.skip()?;
                match other {
                    Some(b'{' | b'[') => Kind::Unequal,
                    Some(b't' | b'f' | b'n') => Kind::Plain,
                    _ => Kind::Number,
                }
            }
        };
        Ok((Span::new(start, self.cursor.offset()), kind))
    }

    /// Where the next value begins.
    fn here(&mut self) -> usize {
        self.cursor.peek();
        self.cursor.offset()
    }
}
