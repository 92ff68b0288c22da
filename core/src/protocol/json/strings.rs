//! JSON strings: reading a scanned one without copying it, and writing one.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use super::cursor::Cursor;
use super::error::Error;

/// A string as it stands in a JSON text: validated, not yet decoded. Most strings hold no escape, and
/// then comparing and decoding cost nothing.
///
/// Equality is that of the decoded text, so `"\u0061"` equals `"a"`.
#[derive(Clone, Copy)]
pub struct Str<'a> {
    raw: &'a str,
    plain: bool,
}

impl<'a> Str<'a> {
    /// `raw` is what a scan found between two quotes; `plain` says that it holds no backslash.
    #[inline]
    pub(super) fn scanned(raw: &'a str, plain: bool) -> Self {
        Self { raw, plain }
    }

    /// Scans a text that is exactly one JSON string, quotes included.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let mut cursor = Cursor::new(text);
        let string = cursor.string()?;
        cursor.end()?;
        Ok(string)
    }

    /// The text between the quotes, escapes as they were written.
    #[inline]
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// Whether there is no escape in it, so that [`raw`](Self::raw) is the string itself.
    #[inline]
    pub fn is_plain(self) -> bool {
        self.plain
    }

    /// The string itself. Half of a surrogate pair (valid JSON, no valid Unicode) becomes U+FFFD.
    pub fn decode(self) -> Cow<'a, str> {
        if self.plain {
            Cow::Borrowed(self.raw)
        } else {
            Cow::Owned(self.chars().collect())
        }
    }

    /// Its characters, decoded on the way as [`decode`](Self::decode) does.
    pub fn chars(self) -> Chars<'a> {
        Chars { rest: self.raw }
    }
}

impl PartialEq<str> for Str<'_> {
    fn eq(&self, other: &str) -> bool {
        if self.plain {
            self.raw == other
        } else {
            self.chars().eq(other.chars())
        }
    }
}

impl PartialEq<&str> for Str<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl PartialEq for Str<'_> {
    fn eq(&self, other: &Self) -> bool {
        if self.plain && other.plain {
            self.raw == other.raw
        } else {
            self.chars().eq(other.chars())
        }
    }
}

impl Eq for Str<'_> {}

impl fmt::Debug for Str<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.raw)
    }
}

/// The characters of a [`Str`], decoded.
#[derive(Clone, Debug)]
pub struct Chars<'a> {
    rest: &'a str,
}

impl Chars<'_> {
    /// What follows the `\u` of an escape: one character, of one escape or of a surrogate pair.
    fn unicode(&mut self) -> char {
        let unit = self.code_unit();
        let high = match unit {
            0xD800..=0xDBFF => unit,
            _ => return char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER),
        };
        // A high half makes a character only with a low half right after it; else that is read by itself.
        let before = self.rest;
        if let Some(rest) = before.strip_prefix("\\u") {
            self.rest = rest;
            if let low @ 0xDC00..=0xDFFF = self.code_unit() {
                let scalar = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
            self.rest = before;
        }
        char::REPLACEMENT_CHARACTER
    }

    /// Four hexadecimal digits. That they are there is known from the scan.
    fn code_unit(&mut self) -> u32 {
        let (digits, rest) = self.rest.split_at_checked(4).unwrap_or_default();
        self.rest = rest;
        digits
            .chars()
            .fold(0, |unit, digit| unit << 4 | digit.to_digit(16).unwrap_or(0))
    }
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let first = chars.next()?;
        if first != '\\' {
            self.rest = chars.as_str();
            return Some(first);
        }
        let escape = chars.next()?;
        self.rest = chars.as_str();
        Some(match escape {
            'b' => '\u{8}',
            'f' => '\u{C}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.unicode(),
            itself => itself,
        })
    }
}

/// Appends `text` as a JSON string, quoted and escaped the way `JSON.stringify` does it: short escapes
/// where there are any, `\u00xx` for other control characters, everything else as it is.
pub fn write_str(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut rest = text;
    loop {
        let (plain, special) = rest
            .split_at_checked(plain_len(rest.as_bytes()))
            .unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some(c) => write_escape(out, c),
            None => break,
        }
        rest = chars.as_str();
    }
    out.push('"');
}

fn write_escape(out: &mut String, special: char) {
    let short = match special {
        '"' => '"',
        '\\' => '\\',
        '\u{8}' => 'b',
        '\u{C}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        control => {
            let code = u32::from(control);
            out.push_str(if code < 0x10 { "\\u000" } else { "\\u001" });
            out.push(char::from_digit(code & 0xF, 16).unwrap_or('0'));
            return;
        }
    };
    out.push('\\');
    out.push(short);
}

/// How many bytes at the beginning of `bytes` are neither a quote nor a backslash nor a control
/// character: those that a string may hold as they are. Looks at eight bytes at a time.
#[inline]
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut len = 0;
    for word in words {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return len + (special.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    len + rest
        .iter()
        .take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
        .count()
}

/// Marks the special bytes of a word by their highest bit. Only the lowest mark can be relied on: a
/// subtraction borrows from the bytes above a true match, never from those below it.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    let zero_where_quote = word ^ QUOTES;
    let zero_where_backslash = word ^ BACKSLASHES;
    let quote = zero_where_quote.wrapping_sub(ONES) & !zero_where_quote;
    let backslash = zero_where_backslash.wrapping_sub(ONES) & !zero_where_backslash;
    let control = word.wrapping_sub(SPACES) & !word;
    (quote | backslash | control) & HIGH
}
