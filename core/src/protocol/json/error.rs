//! What can be wrong with a JSON text, and where.

use core::fmt;

/// The first thing wrong with a JSON text. Small and `Copy`: the words are only made by `Display`, so
/// that a caller who never prints it (a page in Rust) does not carry them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// Byte offset in the text that was scanned.
    pub offset: usize,
    /// What is wrong at that offset.
    pub kind: ErrorKind,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text ends in the middle of a value.
    UnexpectedEnd,
    /// Something that does not begin any JSON value.
    ExpectedValue,
    /// A string was needed here.
    ExpectedString,
    /// An object was needed here.
    ExpectedObject,
    /// An array was needed here.
    ExpectedArray,
    /// An object's key (a string) was needed here.
    ExpectedKey,
    /// The colon between a key and its value is missing.
    ExpectedColon,
    /// Neither a comma nor the end of the object or array.
    ExpectedCommaOrEnd,
    /// A misspelt `true`, `false` or `null`.
    InvalidLiteral,
    /// A number that JSON does not allow, such as `-`, `1.` or `1e`.
    InvalidNumber,
    /// A backslash in a string that begins no escape.
    InvalidEscape,
    /// A raw control character (below U+0020) in a string; it must be escaped.
    ControlCharacter,
    /// More levels of objects and arrays than the limit, which is given here.
    TooDeep(u8),
    /// The value has ended and something else follows.
    TrailingCharacters,
}

impl Error {
    /// `kind` at `offset`, or [`ErrorKind::UnexpectedEnd`] if the text has no byte there.
    #[inline]
    pub(super) fn at(bytes: &[u8], offset: usize, kind: ErrorKind) -> Self {
        let kind = if offset < bytes.len() {
            kind
        } else {
            ErrorKind::UnexpectedEnd
        };
        Self { offset, kind }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedEnd => "the text ends in the middle of a value",
            Self::ExpectedValue => "expected a JSON value",
            Self::ExpectedString => "expected a string",
            Self::ExpectedObject => "expected an object",
            Self::ExpectedArray => "expected an array",
            Self::ExpectedKey => "expected an object key in double quotes",
            Self::ExpectedColon => "expected ':' after an object key",
            Self::ExpectedCommaOrEnd => "expected ',' or the end of the object or array",
            Self::InvalidLiteral => "expected true, false or null",
            Self::InvalidNumber => "invalid number",
            Self::InvalidEscape => "invalid escape in a string",
            Self::ControlCharacter => "unescaped control character in a string",
            Self::TooDeep(limit) => {
                return write!(f, "objects and arrays nest deeper than {limit} levels");
            }
            Self::TrailingCharacters => "something follows the JSON value",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl core::error::Error for Error {}
