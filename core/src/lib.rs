//! The presence CRDT and the Phoenix Channels protocol as pure state machines.
//!
//! Nothing in here does I/O, reads a clock, draws random numbers, starts a thread or knows of
//! JavaScript: inputs are method calls (that carry `now` where time matters), outputs are returned
//! values or a `poll_*` queue. So one crate runs unchanged in the server, in wasm and in a
//! simulator with a virtual clock.

#![deny(missing_docs)]

pub mod client;
pub mod presence;
pub mod protocol;
pub mod replica;
