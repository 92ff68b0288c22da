//! Where things are in a text, and the two ways to write a JSON string that is compared as text.

use alloc::borrow::Cow;
use alloc::string::String;

use crate::protocol::json::{Str, write_str};

/// A part of a text. `u32`, because there is one for every meta; see [`super::MAX_TEXT_BYTES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            len: end.saturating_sub(start) as u32,
        }
    }

    #[inline]
    pub(super) fn end(self) -> u32 {
        self.start + self.len
    }

    /// The same part of a text that has been copied, when what was at `from` is now at `to`.
    #[inline]
    pub(super) fn moved(self, from: u32, to: u32) -> Self {
        Self {
            start: self.start - from + to,
            len: self.len,
        }
    }

    /// Spans are made by a scan, on character boundaries; `get` leaves the panic out.
    #[inline]
    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end() as usize)
            .unwrap_or_default()
    }
}

/// A string, quotes included, in the one spelling that all equal strings share, so that keys can be hashed
/// and compared as bytes. `quoted` is the string as it stood in the text.
///
/// Only strings with halves of surrogate pairs (or the U+FFFD that stands for those when decoded) keep
/// the escapes that they came with: there is no text that could hold them decoded.
pub(super) fn canonical<'a>(string: Str<'a>, quoted: &'a str) -> Cow<'a, str> {
    if string.is_plain() {
        return Cow::Borrowed(quoted);
    }
    let decoded = string.decode();
    if decoded.chars().any(|c| c == char::REPLACEMENT_CHARACTER) {
        return Cow::Borrowed(quoted);
    }
    Cow::Owned(quote(&decoded))
}

/// `text` as a JSON string; for every text the same that [`canonical`] makes of any spelling of it.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::new();
    write_str(&mut quoted, text);
    quoted
}
