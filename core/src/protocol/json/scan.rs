//! The scanner proper: functions from a position in a text to the position after what stood there.
//!
//! No recursion (so no input can overflow the stack), no allocation and no indexing that can panic.
//! Everything they stop at is an ASCII byte, so every position they return is a character boundary.

use super::error::{Error, ErrorKind};
use super::strings::plain_len;

/// The most levels of objects and arrays that any scan goes into. One bit of a `u128` is kept for each.
pub const MAX_DEPTH: u8 = 128;

/// The byte at `at`, or NUL after the end. NUL stands for "nothing that JSON allows" at every place
/// where this is used; [`Error::at`] tells the end of the text from a real NUL.
#[inline]
pub(super) fn peek(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The position of the first byte from `at` on that is no JSON whitespace.
#[inline]
pub(super) fn whitespace(bytes: &[u8], mut at: usize) -> usize {
    while matches!(peek(bytes, at), b' ' | b'\n' | b'\r' | b'\t') {
        at += 1;
    }
    at
}

/// A string whose opening quote is at `open`: the position of its closing quote, and whether it is free
/// of escapes.
#[inline]
pub(super) fn string(bytes: &[u8], open: usize) -> Result<(usize, bool), Error> {
    let mut at = open + 1;
    let mut plain = true;
    loop {
        at += plain_len(bytes.get(at..).unwrap_or_default());
        match peek(bytes, at) {
            b'"' => return Ok((at, plain)),
            b'\\' => {
                plain = false;
                at = escape(bytes, at)?;
            }
            _ => return Err(Error::at(bytes, at, ErrorKind::ControlCharacter)),
        }
    }
}

/// An escape whose backslash is at `at`. The code unit of a `\u` may be half of a surrogate pair: that is
/// valid JSON, though not valid Unicode.
fn escape(bytes: &[u8], at: usize) -> Result<usize, Error> {
    match peek(bytes, at + 1) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
        b'u' => {
            for digit in at + 2..at + 6 {
                if !peek(bytes, digit).is_ascii_hexdigit() {
                    return Err(Error::at(bytes, digit, ErrorKind::InvalidEscape));
                }
            }
            Ok(at + 6)
        }
        _ => Err(Error::at(bytes, at + 1, ErrorKind::InvalidEscape)),
    }
}

fn digits(bytes: &[u8], mut at: usize) -> usize {
    while peek(bytes, at).is_ascii_digit() {
        at += 1;
    }
    at
}

fn some_digits(bytes: &[u8], at: usize) -> Result<usize, Error> {
    let end = digits(bytes, at);
    if end == at {
        return Err(Error::at(bytes, at, ErrorKind::InvalidNumber));
    }
    Ok(end)
}

/// A number that begins at `at`. After a leading zero it ends: the caller then meets the surplus digit.
fn number(bytes: &[u8], mut at: usize) -> Result<usize, Error> {
    if peek(bytes, at) == b'-' {
        at += 1;
    }
    at = match peek(bytes, at) {
        b'0' => at + 1,
        _ => some_digits(bytes, at)?,
    };
    if peek(bytes, at) == b'.' {
        at = some_digits(bytes, at + 1)?;
    }
    if matches!(peek(bytes, at), b'e' | b'E') {
        at += 1;
        if matches!(peek(bytes, at), b'+' | b'-') {
            at += 1;
        }
        at = some_digits(bytes, at)?;
    }
    Ok(at)
}

fn literal(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, Error> {
    for (offset, &expected) in (at..).zip(word) {
        if peek(bytes, offset) != expected {
            return Err(Error::at(bytes, offset, ErrorKind::InvalidLiteral));
        }
    }
    Ok(at + word.len())
}

/// A key with the colon after it: the position after the colon, the position of the key's closing quote
/// and whether the key is free of escapes. `at` is where the key has to begin.
#[inline]
pub(super) fn key(bytes: &[u8], at: usize) -> Result<(usize, usize, bool), Error> {
    if peek(bytes, at) != b'"' {
        return Err(Error::at(bytes, at, ErrorKind::ExpectedKey));
    }
    let (close, plain) = string(bytes, at)?;
    let colon = whitespace(bytes, close + 1);
    if peek(bytes, colon) != b':' {
        return Err(Error::at(bytes, colon, ErrorKind::ExpectedColon));
    }
    Ok((colon + 1, close, plain))
}

/// The objects and arrays that a scan is inside of: one bit each, the innermost lowest, 1 for an object.
struct Nesting {
    kinds: u128,
    depth: u8,
    limit: u8,
}

impl Nesting {
    fn enter(&mut self, bytes: &[u8], at: usize, object: bool) -> Result<(), Error> {
        if self.depth >= self.limit {
            // `limit` may be what is left of a larger one: the caller puts the whole one in.
            return Err(Error::at(bytes, at, ErrorKind::TooDeep(self.limit)));
        }
        self.depth += 1;
        self.kinds = self.kinds << 1 | u128::from(object);
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.kinds >>= 1;
    }

    fn in_object(&self) -> bool {
        self.kinds & 1 == 1
    }
}

/// A value that begins at `at` (no whitespace before it), validated completely: the position after it.
/// It may nest `limit` levels deep, of at most [`MAX_DEPTH`].
pub(super) fn value(bytes: &[u8], mut at: usize, limit: u8) -> Result<usize, Error> {
    let mut nesting = Nesting {
        kinds: 0,
        depth: 0,
        limit: limit.min(MAX_DEPTH),
    };
    loop {
        let first = peek(bytes, at);
        let opened = match first {
            b'"' => {
                at = string(bytes, at)?.0 + 1;
                false
            }
            b'{' | b'[' => {
                nesting.enter(bytes, at, first == b'{')?;
                at = whitespace(bytes, at + 1);
                true
            }
            b'-' | b'0'..=b'9' => {
                at = number(bytes, at)?;
                false
            }
            b't' => {
                at = literal(bytes, at, b"true")?;
                false
            }
            b'f' => {
                at = literal(bytes, at, b"false")?;
                false
            }
            b'n' => {
                at = literal(bytes, at, b"null")?;
                false
            }
            _ => return Err(Error::at(bytes, at, ErrorKind::ExpectedValue)),
        };
        match next_value(bytes, at, opened, &mut nesting)? {
            (end, true) => return Ok(end),
            (next, false) => at = next,
        }
    }
}

/// Goes on from the end of a value (or from the inside of an object or array just `opened`) through
/// closing brackets, commas and keys: to where the next value begins, or (with `true`) to the end of the
/// outermost value.
#[inline]
fn next_value(
    bytes: &[u8],
    mut at: usize,
    mut opened: bool,
    nesting: &mut Nesting,
) -> Result<(usize, bool), Error> {
    while nesting.depth > 0 {
        at = whitespace(bytes, at);
        let close = if nesting.in_object() { b'}' } else { b']' };
        let byte = peek(bytes, at);
        if byte == close {
            nesting.leave();
            opened = false;
            at += 1;
            continue;
        }
        if !opened {
            if byte != b',' {
                return Err(Error::at(bytes, at, ErrorKind::ExpectedCommaOrEnd));
            }
            at = whitespace(bytes, at + 1);
        }
        if nesting.in_object() {
            at = whitespace(bytes, key(bytes, at)?.0);
        }
        return Ok((at, false));
    }
    Ok((at, true))
}
