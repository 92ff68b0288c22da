//! How large a term may be.

use std::fmt;

/// How large a term may be, when it is read and when it is written.
///
/// The defaults leave room for every token that travels in a URL or a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The encoded bytes, after inflating where they are compressed. Default: 65,536.
    pub bytes: usize,
    /// The terms in it, itself included; each element, key and value is one. Default: 10,000.
    pub terms: usize,
    /// The levels of terms within terms: a number has one, a list of numbers two. Default: 64.
    ///
    /// It is a byte because each level takes some stack.
    pub depth: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 65_536,
            terms: 10_000,
            depth: 64,
        }
    }
}

/// The limit that a term exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::bytes`]
    Bytes(usize),
    /// [`Limits::terms`]
    Terms(usize),
    /// [`Limits::depth`]
    Depth(u8),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "it has more than {bytes} bytes (Limits::bytes)"),
            Self::Terms(terms) => write!(f, "it has more than {terms} terms (Limits::terms)"),
            Self::Depth(depth) => write!(f, "it has more than {depth} levels (Limits::depth)"),
        }
    }
}

/// Counts what a term uses up of its limits.
pub(super) struct Budget {
    limits: Limits,
    terms_left: usize,
    depth: u8,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            terms_left: limits.terms,
            depth: 0,
        }
    }

    /// Whether an encoding may have so many bytes.
    pub(super) fn bytes(&self, bytes: usize) -> Result<(), Limit> {
        if bytes > self.limits.bytes {
            return Err(Limit::Bytes(self.limits.bytes));
        }
        Ok(())
    }

    /// Takes `count` terms.
    pub(super) fn take(&mut self, count: usize) -> Result<(), Limit> {
        let left = self.terms_left.checked_sub(count);
        self.terms_left = left.ok_or(Limit::Terms(self.limits.terms))?;
        Ok(())
    }

    /// Goes down a level; [`leave`](Self::leave) goes up again.
    pub(super) fn enter(&mut self) -> Result<(), Limit> {
        if self.depth >= self.limits.depth {
            return Err(Limit::Depth(self.limits.depth));
        }
        self.depth += 1;
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }
}
