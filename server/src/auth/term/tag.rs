//! The bytes that say what follows, by their names in Erlang's documentation.

/// Begins every term.
pub(super) const VERSION: u8 = 131;
/// Followed by the size of the inflated rest and zlib data.
pub(super) const COMPRESSED: u8 = 80;

pub(super) const NEW_FLOAT: u8 = 70;
pub(super) const SMALL_INTEGER: u8 = 97;
pub(super) const INTEGER: u8 = 98;
/// Latin-1, as OTP before 26 writes every atom that fits.
pub(super) const ATOM: u8 = 100;
pub(super) const SMALL_TUPLE: u8 = 104;
pub(super) const LARGE_TUPLE: u8 = 105;
pub(super) const NIL: u8 = 106;
/// Not a string: a list of integers from 0 to 255.
pub(super) const STRING: u8 = 107;
pub(super) const LIST: u8 = 108;
pub(super) const BINARY: u8 = 109;
pub(super) const SMALL_BIG: u8 = 110;
pub(super) const LARGE_BIG: u8 = 111;
/// Latin-1.
pub(super) const SMALL_ATOM: u8 = 115;
pub(super) const MAP: u8 = 116;
pub(super) const ATOM_UTF8: u8 = 118;
pub(super) const SMALL_ATOM_UTF8: u8 = 119;

/// What Erlang allows an atom to have.
pub(super) const MAX_ATOM_CHARS: usize = 255;
