//! Who may connect, by the rules of Phoenix.
//!
//! * [`origin`] decides whether a page of some origin may open a socket.
//! * [`term`] is the part of Erlang's external term format that tokens are made of.
//!
//! Everything here is a pure function of its arguments: no clock is read, nothing is logged, no
//! network is touched.

pub mod origin;
pub mod term;
