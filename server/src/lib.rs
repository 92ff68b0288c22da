//! Presence server that speaks the Phoenix Channels protocol.

#![deny(missing_docs)]

pub mod auth;
