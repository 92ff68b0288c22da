//! The wasm client of herenow.
//!
//! This crate is thin: the rules are in `herenow-core`, and the surface that applications see is the
//! hand-written JavaScript in `js/`. Here is what lies between them: numbers go in, of a message no more than
//! decides where it goes, and numbers come back. What a message brings stays in JavaScript, which has to have it
//! as objects, and so does what is made of it: the members of a `Presence`.
//!
//! Frontends that are themselves written in Rust use the module `frontend` instead, which is there with the
//! feature of that name.

#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(feature = "npm")]
extern crate alloc;

#[cfg(all(not(feature = "std"), target_arch = "wasm32"))]
mod bare;
#[cfg(feature = "frontend")]
pub mod frontend;
#[cfg(feature = "npm")]
mod local;
#[cfg(feature = "npm")]
mod numbered;
#[cfg(feature = "npm")]
mod numbers;
#[cfg(feature = "npm")]
pub mod socket;
