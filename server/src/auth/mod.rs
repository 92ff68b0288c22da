//! Who may connect: signed tokens and origins, in the formats of Phoenix.
//!
//! * [`token`] signs and verifies `Phoenix.Token`s, so that a token made by a Phoenix application
//!   is accepted here, and one made here is accepted there.
//! * [`term`] is the part of Erlang's external term format that tokens are made of.
//! * [`origin`] decides whether a page of some origin may open a socket.
//!
//! Everything here is a pure function of its arguments: no clock is read, nothing is logged, no
//! network is touched. What it refuses to do: encrypted tokens, session cookies, user accounts.

pub mod origin;
pub mod term;
pub mod token;
