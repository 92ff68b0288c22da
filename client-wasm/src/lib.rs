//! The wasm client of herenow.
//!
//! This crate is thin: the rules are in `herenow-core`, and the surface that applications see is the
//! hand-written JavaScript in `js/`. Here is what lies between them. Text crosses the border once, by way of
//! [`rx`]; back come numbers, in typed arrays that JavaScript reads where they lie, and one text for
//! however many objects are wanted. No object of JavaScript is walked, and none is made, on the way.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(all(not(feature = "std"), target_arch = "wasm32"))]
mod bare;
mod local;
mod objects;
mod presence;
pub mod rx;
mod socket;

pub use presence::PresenceCore;
pub use socket::SocketCore;
