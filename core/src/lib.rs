//! The presence CRDT and the Phoenix Channels protocol as pure state machines.
//!
//! Nothing in here does I/O, reads a clock, draws random numbers, starts a thread or calls
//! JavaScript (though it keeps to the order of its objects): inputs are method calls (that carry
//! `now` where time matters), outputs are returned values or a `poll_*` queue. So one crate runs
//! unchanged in the server, in wasm and in a simulator with a virtual clock.
//!
//! Without the feature `std` there is what a client needs and no more. The npm package is built like that:
//! of this crate it has the module [`client`], and no panic has a message.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod client;
pub mod presence;
pub mod protocol;
#[cfg(feature = "std")]
pub mod replica;
