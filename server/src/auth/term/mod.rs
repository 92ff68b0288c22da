//! Erlang's external term format: the part of it that tokens are made of.
//!
//! An Elixir application signs whatever term it likes: `1`, `"user-1"`, `{:user, 5}`,
//! `%{user_id: 5, role: "admin"}`. [`Term`] holds such a value, [`Term::decode`] and
//! [`Term::encode`] are Erlang's `binary_to_term` and `term_to_binary`, and [`Term::to_json`] and
//! `From<serde_json::Value>` lead to and from JSON.
//!
//! Decoding is bounded by [`Limits`] in depth, number of terms and size, also where the bytes are
//! compressed and where they lie about their counts; no bytes make it panic.
//!
//! What it refuses to read, because a token has no use for it and executing code begins there:
//! functions, pids, ports, references, node-local terms, bit strings, improper lists, and integers
//! beyond 128 bits.
//!
//! ```
//! use herenow::auth::term::{Limits, Term};
//!
//! // {:user, 5} as OTP 26 writes it.
//! let term = Term::decode(b"\x83h\x02w\x04usera\x05", &Limits::default()).unwrap();
//! assert_eq!(term, Term::Tuple(vec![Term::atom("user"), Term::Int(5)]));
//! assert_eq!(term.to_json().unwrap(), serde_json::json!(["user", 5]));
//! ```

#[cfg(test)]
pub(in crate::auth) mod arbitrary;
mod decode;
mod encode;
mod json;
mod limits;
mod tag;
#[cfg(test)]
mod tests;

pub use decode::{DecodeError, DecodeErrorKind};
pub use encode::EncodeError;
pub use json::JsonError;
pub use limits::{Limit, Limits};

/// A value of Erlang.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// An integer. Erlang's have no bounds, these have 128 bits.
    Int(i128),
    /// A floating-point number. Erlang knows only finite ones.
    Float(f64),
    /// An atom, such as `:admin`, but also `nil`, `true` and `false`.
    Atom(String),
    /// Bytes. A string of Elixir is a binary that holds UTF-8.
    Binary(Vec<u8>),
    /// `{a, b}`
    Tuple(Vec<Term>),
    /// `[a, b]`. A charlist (`~c"abc"`) is a list of integers.
    List(Vec<Term>),
    /// `%{key => value}`, in the order of the wire. A struct has its name at the atom `__struct__`.
    Map(Vec<(Term, Term)>),
}

impl Term {
    /// The atom of that name.
    pub fn atom(name: &str) -> Self {
        Self::Atom(name.to_owned())
    }

    /// Whether this is the atom of that name.
    pub fn is_atom(&self, name: &str) -> bool {
        matches!(self, Self::Atom(atom) if atom == name)
    }

    /// The text of a binary that holds UTF-8, that is, of an Elixir string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Binary(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The value of an integer.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The value in a map at the key of that name, be it an atom or a string.
    ///
    /// ```
    /// use herenow::auth::term::Term;
    ///
    /// let claims = Term::Map(vec![(Term::atom("user_id"), Term::Int(5))]);
    /// assert_eq!(claims.get("user_id"), Some(&Term::Int(5)));
    /// assert_eq!(claims.get("role"), None);
    /// ```
    pub fn get(&self, key: &str) -> Option<&Term> {
        let Self::Map(entries) = self else {
            return None;
        };
        let found = entries
            .iter()
            .find(|(name, _)| name.is_atom(key) || name.as_str() == Some(key));
        found.map(|(_, value)| value)
    }
}

impl From<&str> for Term {
    fn from(text: &str) -> Self {
        Self::Binary(text.as_bytes().to_vec())
    }
}

impl From<String> for Term {
    fn from(text: String) -> Self {
        Self::Binary(text.into_bytes())
    }
}

impl From<i64> for Term {
    fn from(int: i64) -> Self {
        Self::Int(int.into())
    }
}

impl From<bool> for Term {
    fn from(bool: bool) -> Self {
        Self::atom(if bool { "true" } else { "false" })
    }
}
