//! The wasm client of herenow.
//!
//! This crate is thin: the rules are in `herenow-core`, and the surface that applications see is the
//! hand-written JavaScript in `js/`. Here is what lies between them. Text crosses the border once, by way of
//! [`rx`]; back come numbers, in typed arrays that JavaScript reads where they lie, and one text for
//! however many objects are wanted. No object of JavaScript is walked, and none is made, on the way.
//!
//! Frontends that are themselves written in Rust use the module `frontend` instead, which is there with the
//! feature of that name.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(all(not(feature = "std"), target_arch = "wasm32"))]
mod bare;
#[cfg(feature = "frontend")]
pub mod frontend;
#[cfg(feature = "npm")]
mod local;
#[cfg(feature = "npm")]
mod objects;
#[cfg(feature = "npm")]
mod presence;
#[cfg(feature = "npm")]
pub mod rx;
#[cfg(feature = "npm")]
mod socket;

#[cfg(feature = "npm")]
pub use presence::PresenceCore;
#[cfg(feature = "npm")]
pub use socket::SocketCore;
