//! Walking through a JSON text by hand, in one pass.

use super::error::{Error, ErrorKind};
use super::scan::{self, MAX_DEPTH};
use super::strings::Str;

/// A position in a JSON text, moved forward value by value. It is how everything here reads: one pass,
/// each byte looked at once, and all that it moves over is validated.
///
/// ```
/// use herenow_core::protocol::json::Cursor;
///
/// let mut cursor = Cursor::new(r#"{"ada": [1, 2], "bob": []}"#);
/// let mut seen = Vec::new();
/// cursor.enter_object()?;
/// while let Some(key) = cursor.next_key()? {
///     cursor.enter_array()?;
///     while cursor.next_element()? {
///         seen.push((key.raw(), cursor.value()?));
///     }
/// }
/// cursor.end()?;
/// assert_eq!(seen, [("ada", "1"), ("ada", "2")]);
/// # Ok::<(), herenow_core::protocol::json::Error>(())
/// ```
///
/// After an error the position is of no use: stop there.
///
/// The steps that are taken for every member of a large payload are compiled into their callers, which
/// makes reading it nearly twice as fast in wasm.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Objects and arrays entered and not yet left.
    depth: u8,
    /// How deep entered and skipped levels may go together.
    limit: u8,
    /// The last step entered an object or array: no comma comes before what is next.
    entered: bool,
}

impl<'a> Cursor<'a> {
    /// At the beginning of `text`, with the depth limit [`MAX_DEPTH`].
    pub fn new(text: &'a str) -> Self {
        Self::with_max_depth(text, MAX_DEPTH)
    }

    /// As [`new`](Self::new), with a depth limit of `max_depth` levels; above [`MAX_DEPTH`] it counts as
    /// that.
    pub fn with_max_depth(text: &'a str, max_depth: u8) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            limit: max_depth.min(MAX_DEPTH),
            entered: false,
        }
    }

    /// The first byte of what comes next, whitespace left out; `None` at the end of the text. It tells
    /// the kind of a value before it is read.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        self.at = scan::whitespace(self.text.as_bytes(), self.at);
        self.text.as_bytes().get(self.at).copied()
    }

    /// The byte position in the text. After [`peek`](Self::peek) it is where the next value begins.
    #[inline]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Moves over a value, whatever it is, and returns its exact text without whitespace around it.
    pub fn value(&mut self) -> Result<&'a str, Error> {
        let bytes = self.text.as_bytes();
        let start = scan::whitespace(bytes, self.at);
        let left = self.limit.saturating_sub(self.depth);
        match scan::value(bytes, start, left) {
            Ok(end) => {
                self.at = end;
                Ok(self.between(start, end))
            }
            Err(error) => Err(self.with_whole_limit(error)),
        }
    }

    /// Moves over a value, whatever it is. Faster than [`value`](Self::value) where nobody wants its text:
    /// most values are strings, and those are passed without a call.
    #[inline(always)]
    pub fn skip(&mut self) -> Result<(), Error> {
        let bytes = self.text.as_bytes();
        let start = scan::whitespace(bytes, self.at);
        if scan::peek(bytes, start) == b'"' {
            self.at = scan::string(bytes, start)?.0 + 1;
            return Ok(());
        }
        self.value().map(drop)
    }

    /// Moves over a value that has to be a string.
    #[inline(always)]
    pub fn string(&mut self) -> Result<Str<'a>, Error> {
        let bytes = self.text.as_bytes();
        let open = scan::whitespace(bytes, self.at);
        if scan::peek(bytes, open) != b'"' {
            return Err(Error::at(bytes, open, ErrorKind::ExpectedString));
        }
        let (close, plain) = scan::string(bytes, open)?;
        self.at = close + 1;
        Ok(Str::scanned(self.between(open + 1, close), plain))
    }

    /// Steps into an object; its entries come from [`next_key`](Self::next_key).
    #[inline(always)]
    pub fn enter_object(&mut self) -> Result<(), Error> {
        self.enter(b'{', ErrorKind::ExpectedObject)
    }

    /// Steps into an array; its elements are announced by [`next_element`](Self::next_element).
    #[inline(always)]
    pub fn enter_array(&mut self) -> Result<(), Error> {
        self.enter(b'[', ErrorKind::ExpectedArray)
    }

    /// The next key of the object that the cursor is in, its value coming next; that must be read (or
    /// entered and left) before the following key. `None` is the object's end, which is then left.
    #[inline(always)]
    pub fn next_key(&mut self) -> Result<Option<Str<'a>>, Error> {
        if !self.advance(b'}')? {
            return Ok(None);
        }
        let open = self.at;
        let (after_colon, close, plain) = scan::key(self.text.as_bytes(), open)?;
        self.at = after_colon;
        Ok(Some(Str::scanned(self.between(open + 1, close), plain)))
    }

    /// Whether the array that the cursor is in has another element, which then comes next and must be
    /// read (or entered and left). `false` is the array's end, which is then left.
    #[inline(always)]
    pub fn next_element(&mut self) -> Result<bool, Error> {
        self.advance(b']')
    }

    /// Checks that nothing but whitespace follows.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Error {
                offset: self.at,
                kind: ErrorKind::TrailingCharacters,
            }),
        }
    }

    #[inline]
    fn enter(&mut self, open: u8, otherwise: ErrorKind) -> Result<(), Error> {
        let bytes = self.text.as_bytes();
        self.at = scan::whitespace(bytes, self.at);
        if scan::peek(bytes, self.at) != open {
            return Err(Error::at(bytes, self.at, otherwise));
        }
        if self.depth >= self.limit {
            let kind = ErrorKind::TooDeep(self.limit);
            return Err(Error::at(bytes, self.at, kind));
        }
        self.depth += 1;
        self.at += 1;
        self.entered = true;
        Ok(())
    }

    /// Moves over a comma (if one is due) to the next item, or over `close` out of the container.
    #[inline]
    fn advance(&mut self, close: u8) -> Result<bool, Error> {
        let bytes = self.text.as_bytes();
        self.at = scan::whitespace(bytes, self.at);
        let byte = scan::peek(bytes, self.at);
        let entered = core::mem::replace(&mut self.entered, false);
        if byte == close {
            self.at += 1;
            self.depth = self.depth.saturating_sub(1);
            return Ok(false);
        }
        if !entered {
            if byte != b',' {
                return Err(Error::at(bytes, self.at, ErrorKind::ExpectedCommaOrEnd));
            }
            self.at = scan::whitespace(bytes, self.at + 1);
        }
        Ok(true)
    }

    /// A skipped value knows only what was left of the depth limit; an error names the whole of it.
    fn with_whole_limit(&self, mut error: Error) -> Error {
        if let ErrorKind::TooDeep(limit) = &mut error.kind {
            *limit = self.limit;
        }
        error
    }

    /// The scanner stops at ASCII bytes only, so this never falls outside a character or the text; `get`
    /// is here to leave the panic out of the compiled code.
    #[inline]
    fn between(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }
}
