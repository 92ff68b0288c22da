//! The presence CRDT and the Phoenix Channels protocol as pure state machines.
//!
//! Nothing in here does I/O, reads a clock, draws random numbers, starts a thread or knows of
//! JavaScript: inputs are method calls (that carry `now` where time matters), outputs are returned
//! values or a `poll_*` queue. So one crate runs unchanged in the server, in wasm and in a
//! simulator with a virtual clock.

//!
//! Without the feature `std` there is what a client needs and no more, for the wasm that every visitor has
//! to load: what std brings for the sake of a panic's message alone is as large as the whole client.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod client;
pub mod presence;
pub mod protocol;
#[cfg(feature = "std")]
pub mod replica;
