//! From a [`Term`] to bytes.

use std::fmt;

use super::limits::Budget;
use super::{Limit, Limits, Term, tag};

impl Term {
    /// Writes what Erlang's `binary_to_term` reads, as `term_to_binary` of OTP 26 and later would
    /// write it (OTP 25 reads it, too).
    ///
    /// Whatever it writes, [`Term::decode`] reads under the same limits.
    pub fn encode(&self, limits: &Limits) -> Result<Vec<u8>, EncodeError> {
        let mut encoder = Encoder {
            out: vec![tag::VERSION],
            budget: Budget::new(*limits),
        };
        encoder.term(self)?;
        Ok(encoder.out)
    }
}

/// Why a term cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The term is larger than allowed.
    Limit(Limit),
    /// An atom has more than 255 characters; Erlang has no such atoms.
    Atom,
    /// A floating-point number is infinite or not a number; Erlang has no such numbers.
    Float,
}

impl From<Limit> for EncodeError {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a term that Erlang can read: ")?;
        match self {
            Self::Limit(limit) => limit.fmt(f),
            Self::Atom => f.write_str("an atom has more than 255 characters"),
            Self::Float => f.write_str("a float is infinite or not a number"),
        }
    }
}

impl std::error::Error for EncodeError {}

struct Encoder {
    out: Vec<u8>,
    budget: Budget,
}

impl Encoder {
    fn term(&mut self, term: &Term) -> Result<(), EncodeError> {
        self.budget.take(1)?;
        self.budget.enter()?;
        match term {
            Term::Int(int) => self.int(*int),
            Term::Float(float) => self.float(*float),
            Term::Atom(name) => self.atom(name),
            Term::Binary(bytes) => {
                self.head(tag::BINARY, bytes.len())?;
                self.bytes(bytes)
            }
            Term::Tuple(elements) => self.tuple(elements),
            Term::List(elements) => self.list(elements),
            Term::Map(entries) => {
                self.head(tag::MAP, entries.len())?;
                entries.iter().try_for_each(|(key, value)| {
                    self.term(key)?;
                    self.term(value)
                })
            }
        }?;
        self.budget.leave();
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.budget
            .bytes(self.out.len().saturating_add(bytes.len()))?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// A tag and a length of four bytes.
    fn head(&mut self, tag: u8, length: usize) -> Result<(), EncodeError> {
        // What does not fit has passed any limit that memory allows for.
        let length = u32::try_from(length).map_err(|_| Limit::Bytes(u32::MAX as usize))?;
        self.bytes(&[tag])?;
        self.bytes(&length.to_be_bytes())
    }

    fn int(&mut self, int: i128) -> Result<(), EncodeError> {
        if let Ok(small) = u8::try_from(int) {
            return self.bytes(&[tag::SMALL_INTEGER, small]);
        }
        if let Ok(small) = i32::try_from(int) {
            self.bytes(&[tag::INTEGER])?;
            return self.bytes(&small.to_be_bytes());
        }
        let magnitude = int.unsigned_abs().to_le_bytes();
        let length = magnitude
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        self.bytes(&[tag::SMALL_BIG, length as u8, u8::from(int < 0)])?;
        self.bytes(&magnitude[..length])
    }

    fn float(&mut self, float: f64) -> Result<(), EncodeError> {
        if !float.is_finite() {
            return Err(EncodeError::Float);
        }
        self.bytes(&[tag::NEW_FLOAT])?;
        self.bytes(&float.to_be_bytes())
    }

    fn atom(&mut self, name: &str) -> Result<(), EncodeError> {
        if name.chars().count() > tag::MAX_ATOM_CHARS {
            return Err(EncodeError::Atom);
        }
        match u8::try_from(name.len()) {
            Ok(length) => self.bytes(&[tag::SMALL_ATOM_UTF8, length])?,
            Err(_) => {
                let [high, low] = (name.len() as u16).to_be_bytes();
                self.bytes(&[tag::ATOM_UTF8, high, low])?;
            }
        }
        self.bytes(name.as_bytes())
    }

    fn tuple(&mut self, elements: &[Term]) -> Result<(), EncodeError> {
        match u8::try_from(elements.len()) {
            Ok(arity) => self.bytes(&[tag::SMALL_TUPLE, arity])?,
            Err(_) => self.head(tag::LARGE_TUPLE, elements.len())?,
        }
        elements.iter().try_for_each(|element| self.term(element))
    }

    fn list(&mut self, elements: &[Term]) -> Result<(), EncodeError> {
        if elements.is_empty() {
            return self.bytes(&[tag::NIL]);
        }
        if let Some(bytes) = as_bytes(elements) {
            self.budget.take(bytes.len())?;
            let [high, low] = (bytes.len() as u16).to_be_bytes();
            self.bytes(&[tag::STRING, high, low])?;
            return self.bytes(&bytes);
        }
        self.head(tag::LIST, elements.len())?;
        elements.iter().try_for_each(|element| self.term(element))?;
        self.bytes(&[tag::NIL])
    }
}

/// The elements of a list that Erlang writes in its short form.
fn as_bytes(elements: &[Term]) -> Option<Vec<u8>> {
    if elements.len() > usize::from(u16::MAX) {
        return None;
    }
    elements
        .iter()
        .map(|element| u8::try_from(element.as_int()?).ok())
        .collect()
}
