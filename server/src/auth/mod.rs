//! Who may connect, by the rules of Phoenix.
//!
//! * [`origin`] decides whether a page of some origin may open a socket.
//!
//! Everything here is a pure function of its arguments: no clock is read, nothing is logged, no
//! network is touched.

pub mod origin;
