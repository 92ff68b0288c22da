//! Presence over real sockets, in this process and in the real binary.

mod bench;
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod client;
mod command_line;
mod convergence;
mod fetch;
mod golden;
mod host;
mod longpoll;
mod operation;
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod people;
mod process;
mod readme;
mod room;
mod serve;
mod tracking;
