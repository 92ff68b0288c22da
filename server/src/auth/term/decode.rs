//! From bytes to a [`Term`].

use std::fmt;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::limits::Budget;
use super::{Limit, Limits, Term, tag};

impl Term {
    /// Reads what Erlang's `term_to_binary` wrote, compressed or not.
    ///
    /// Bytes behind the term are an error. The error tells where reading stopped.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let budget = Budget::new(*limits);
        budget
            .bytes(bytes.len())
            .map_err(|limit| DecodeError::new(0, limit.into()))?;
        match bytes {
            [tag::VERSION, tag::COMPRESSED, compressed @ ..] => {
                let inflated =
                    inflate(compressed, &budget).map_err(|kind| DecodeError::new(2, kind))?;
                let term = Decoder {
                    all: &inflated,
                    rest: &inflated,
                    budget,
                }
                .only_term();
                term.map_err(|error| DecodeError {
                    inflated: true,
                    ..error
                })
            }
            [tag::VERSION, rest @ ..] => Decoder {
                all: bytes,
                rest,
                budget,
            }
            .only_term(),
            [] => Err(DecodeError::new(0, DecodeErrorKind::Truncated)),
            _ => Err(DecodeError::new(0, DecodeErrorKind::Version)),
        }
    }
}

/// Why bytes are not a term, and at which of them that showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    offset: usize,
    inflated: bool,
    kind: DecodeErrorKind,
}

impl DecodeError {
    fn new(offset: usize, kind: DecodeErrorKind) -> Self {
        Self {
            offset,
            inflated: false,
            kind,
        }
    }

    /// The byte at which reading stopped; of the inflated bytes, where the term was compressed.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong there.
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.kind
    }
}

/// What is wrong with bytes that are not a term.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// They do not begin with 131, the version of the format.
    Version,
    /// They end too early, or a length in them is greater than what follows.
    Truncated,
    /// There are more bytes behind the term.
    Trailing,
    /// A term of a kind that is not read, by its tag: a function, a pid, or no kind at all.
    Unsupported(u8),
    /// The term is larger than allowed.
    Limit(Limit),
    /// An atom is not UTF-8, or longer than Erlang allows.
    Atom,
    /// An integer has more than 128 bits.
    Int,
    /// A floating-point number is infinite or not a number.
    Float,
    /// A list does not end in an empty list: `[1 | 2]`.
    ImproperList,
    /// The compressed bytes are damaged, or inflate to another size than they say.
    Compressed,
}

impl From<Limit> for DecodeErrorKind {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.inflated {
            " of the inflated term"
        } else {
            ""
        };
        write!(
            f,
            "not a readable Erlang term: at byte {}{of}, {}",
            self.offset, self.kind
        )
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => f.write_str("the version 131 is missing"),
            Self::Truncated => f.write_str("it ends too early"),
            Self::Trailing => f.write_str("more bytes follow behind its end"),
            Self::Unsupported(tag) => write!(f, "a term of the unsupported kind {tag} begins"),
            Self::Limit(limit) => limit.fmt(f),
            Self::Atom => f.write_str("an atom is not UTF-8 or has more than 255 characters"),
            Self::Int => f.write_str("an integer has more than 128 bits"),
            Self::Float => f.write_str("a float is not finite"),
            Self::ImproperList => f.write_str("a list does not end in an empty list"),
            Self::Compressed => f.write_str("compressed bytes are damaged or of another size"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Inflates what follows the compressed tag: the size of the result and zlib data.
fn inflate(bytes: &[u8], budget: &Budget) -> Result<Vec<u8>, DecodeErrorKind> {
    let (size, zlib) = bytes
        .split_first_chunk()
        .ok_or(DecodeErrorKind::Truncated)?;
    let size = u32::from_be_bytes(*size) as usize;
    budget.bytes(size)?;
    // The output never grows beyond the announced size, so a bomb stops there.
    let mut inflated = vec![0; size];
    let flags = TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut state = Box::<DecompressorOxide>::default();
    match decompress(&mut state, zlib, &mut inflated, 0, flags) {
        (TINFLStatus::Done, read, written) if read == zlib.len() && written == size => Ok(inflated),
        _ => Err(DecodeErrorKind::Compressed),
    }
}

struct Decoder<'a> {
    all: &'a [u8],
    rest: &'a [u8],
    budget: Budget,
}

impl<'a> Decoder<'a> {
    fn only_term(mut self) -> Result<Term, DecodeError> {
        let result = self
            .claim(1, 1)
            .and_then(|()| self.term())
            .and_then(|term| match self.rest {
                [] => Ok(term),
                _ => Err(DecodeErrorKind::Trailing),
            });
        result.map_err(|kind| DecodeError::new(self.all.len() - self.rest.len(), kind))
    }

    /// Reads a term that has been claimed.
    fn term(&mut self) -> Result<Term, DecodeErrorKind> {
        self.budget.enter()?;
        let [tag] = self.array()?;
        let term = match tag {
            tag::SMALL_INTEGER => Term::Int(self.u8()?.into()),
            tag::INTEGER => Term::Int(i32::from_be_bytes(self.array()?).into()),
            tag::SMALL_BIG => self.u8().and_then(|length| self.big(length.into()))?,
            tag::LARGE_BIG => self.u32().and_then(|length| self.big(length))?,
            tag::NEW_FLOAT => self.float()?,
            tag::SMALL_ATOM => self
                .u8()
                .and_then(|length| self.latin1_atom(length.into()))?,
            tag::ATOM => self
                .u16()
                .and_then(|length| self.latin1_atom(length.into()))?,
            tag::SMALL_ATOM_UTF8 => self.u8().and_then(|length| self.utf8_atom(length.into()))?,
            tag::ATOM_UTF8 => self
                .u16()
                .and_then(|length| self.utf8_atom(length.into()))?,
            tag::BINARY => self.u32().and_then(|length| self.binary(length))?,
            tag::SMALL_TUPLE => self.u8().and_then(|arity| self.tuple(arity.into()))?,
            tag::LARGE_TUPLE => self.u32().and_then(|arity| self.tuple(arity))?,
            tag::NIL => Term::List(Vec::new()),
            tag::STRING => self
                .u16()
                .and_then(|length| self.list_of_bytes(length.into()))?,
            tag::LIST => self.u32().and_then(|length| self.list(length))?,
            tag::MAP => self.u32().and_then(|arity| self.map(arity))?,
            other => return Err(DecodeErrorKind::Unsupported(other)),
        };
        self.budget.leave();
        Ok(term)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeErrorKind> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(DecodeErrorKind::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeErrorKind> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(DecodeErrorKind::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, DecodeErrorKind> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    fn u16(&mut self) -> Result<u16, DecodeErrorKind> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<usize, DecodeErrorKind> {
        Ok(u32::from_be_bytes(self.array()?) as usize)
    }

    /// A sign and a magnitude, its least byte first.
    fn big(&mut self, length: usize) -> Result<Term, DecodeErrorKind> {
        let negative = self.u8()? != 0;
        let bytes = self.take(length)?;
        let significant = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        if significant > size_of::<u128>() {
            return Err(DecodeErrorKind::Int);
        }
        let magnitude = bytes[..significant]
            .iter()
            .rev()
            .fold(0, |sum, b| sum << 8 | u128::from(*b));
        let int = match negative {
            true => 0_i128.checked_sub_unsigned(magnitude),
            false => 0_i128.checked_add_unsigned(magnitude),
        };
        int.map(Term::Int).ok_or(DecodeErrorKind::Int)
    }

    fn float(&mut self) -> Result<Term, DecodeErrorKind> {
        let float = f64::from_be_bytes(self.array()?);
        if !float.is_finite() {
            return Err(DecodeErrorKind::Float);
        }
        Ok(Term::Float(float))
    }

    fn latin1_atom(&mut self, length: usize) -> Result<Term, DecodeErrorKind> {
        atom(self.take(length)?.iter().copied().map(char::from).collect())
    }

    fn utf8_atom(&mut self, length: usize) -> Result<Term, DecodeErrorKind> {
        let name = std::str::from_utf8(self.take(length)?).map_err(|_| DecodeErrorKind::Atom)?;
        atom(name.to_owned())
    }

    fn binary(&mut self, length: usize) -> Result<Term, DecodeErrorKind> {
        Ok(Term::Binary(self.take(length)?.to_vec()))
    }

    fn tuple(&mut self, arity: usize) -> Result<Term, DecodeErrorKind> {
        Ok(Term::Tuple(self.terms(arity)?))
    }

    fn list(&mut self, length: usize) -> Result<Term, DecodeErrorKind> {
        let elements = self.terms(length)?;
        match self.array()? {
            [tag::NIL] => Ok(Term::List(elements)),
            _ => Err(DecodeErrorKind::ImproperList),
        }
    }

    fn list_of_bytes(&mut self, length: usize) -> Result<Term, DecodeErrorKind> {
        self.claim(length, 1)?;
        let bytes = self.take(length)?;
        Ok(Term::List(
            bytes.iter().map(|byte| Term::Int((*byte).into())).collect(),
        ))
    }

    fn map(&mut self, arity: usize) -> Result<Term, DecodeErrorKind> {
        self.claim(arity, 2)?;
        let mut entries = Vec::with_capacity(arity);
        for _ in 0..arity {
            entries.push((self.term()?, self.term()?));
        }
        Ok(Term::Map(entries))
    }

    fn terms(&mut self, count: usize) -> Result<Vec<Term>, DecodeErrorKind> {
        self.claim(count, 1)?;
        let mut terms = Vec::with_capacity(count);
        for _ in 0..count {
            terms.push(self.term()?);
        }
        Ok(terms)
    }

    /// Takes `count` groups of `size` terms out of the budget, before memory is reserved for them.
    ///
    /// So all that is ever reserved is within the limit, however many levels announce how much.
    fn claim(&mut self, count: usize, size: usize) -> Result<(), DecodeErrorKind> {
        let terms = count.saturating_mul(size);
        // A term takes at least one byte.
        if terms > self.rest.len() {
            return Err(DecodeErrorKind::Truncated);
        }
        Ok(self.budget.take(terms)?)
    }
}

fn atom(name: String) -> Result<Term, DecodeErrorKind> {
    if name.chars().count() > tag::MAX_ATOM_CHARS {
        return Err(DecodeErrorKind::Atom);
    }
    Ok(Term::Atom(name))
}
