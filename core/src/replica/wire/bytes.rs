//! Reading and writing the parts that messages are made of.
//!
//! Numbers are LEB128, seven bits a byte, low bits first. No length or count is believed before it was
//! compared with what is left of the message, so garbage cannot make a node allocate.

use super::error::{Problem, WireError};
use crate::replica::ReplicaId;

pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes the difference of two numbers such that a small one is short, whatever its sign.
pub(super) fn put_difference(out: &mut Vec<u8>, from: u64, to: u64) {
    let difference = to.wrapping_sub(from) as i64;
    put_number(out, ((difference << 1) ^ (difference >> 63)) as u64);
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_replica(out: &mut Vec<u8>, replica: &ReplicaId) {
    put_text(out, replica.node());
    put_number(out, replica.incarnation());
}

/// A message that is being read.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn error(&self, field: &'static str, problem: Problem) -> WireError {
        WireError {
            field,
            at: self.at,
            problem,
        }
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn byte(&mut self, field: &'static str) -> Result<u8, WireError> {
        let byte = self.bytes.get(self.at).copied();
        let byte = byte.ok_or_else(|| self.error(field, Problem::Truncated))?;
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn bytes(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], WireError> {
        if len > self.left() {
            return Err(self.error(field, Problem::Truncated));
        }
        let bytes = &self.bytes[self.at..self.at + len];
        self.at += len;
        Ok(bytes)
    }

    pub(super) fn number(&mut self, field: &'static str) -> Result<u64, WireError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(field)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.error(field, Problem::TooLarge))
    }

    /// A number of a smaller type.
    pub(super) fn small<T: TryFrom<u64>>(&mut self, field: &'static str) -> Result<T, WireError> {
        let number = self.number(field)?;
        T::try_from(number).map_err(|_| self.error(field, Problem::TooLarge))
    }

    /// A number given by its difference from another.
    pub(super) fn difference(&mut self, from: u64, field: &'static str) -> Result<u64, WireError> {
        let folded = self.number(field)?;
        let difference = (folded >> 1) as i64 ^ -((folded & 1) as i64);
        Ok(from.wrapping_add(difference as u64))
    }

    /// A number given by how much higher it is than `last`, at least by one.
    pub(super) fn higher(&mut self, last: u64, field: &'static str) -> Result<u64, WireError> {
        let by = self.number(field)?;
        if by == 0 {
            return Err(self.error(field, Problem::OutOfOrder));
        }
        let higher = last.checked_add(by);
        higher.ok_or_else(|| self.error(field, Problem::TooLarge))
    }

    /// How many items of at least `least` bytes each follow.
    pub(super) fn count(&mut self, least: usize, field: &'static str) -> Result<usize, WireError> {
        let count = self.number(field)?;
        if count > (self.left() / least) as u64 {
            return Err(self.error(field, Problem::TooMany(count)));
        }
        Ok(count as usize)
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<&'a str, WireError> {
        let len = self.count(1, field)?;
        let bytes = self.bytes(len, field)?;
        std::str::from_utf8(bytes).map_err(|_| self.error(field, Problem::NotUtf8))
    }

    pub(super) fn replica(&mut self, field: &'static str) -> Result<ReplicaId, WireError> {
        let node = self.text(field)?;
        Ok(ReplicaId::new(node, self.number(field)?))
    }

    /// Whatever is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        self.at = self.bytes.len();
        rest
    }

    pub(super) fn end(&self) -> Result<(), WireError> {
        match self.left() {
            0 => Ok(()),
            left => Err(self.error("end", Problem::Trailing(left))),
        }
    }
}
