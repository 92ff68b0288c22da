//! Presence over real sockets, in this process and in the real binary.

mod bench;
mod client;
mod command_line;
mod convergence;
mod fetch;
mod golden;
mod host;
mod people;
mod process;
mod room;
mod serve;
mod tracking;
