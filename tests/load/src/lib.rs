//! Load on a server that speaks the Phoenix Channels protocol: many clients at once, counted and timed.
//!
//! It is what `herenow bench` runs, and of use against any Phoenix server: it knows nothing of the server
//! but the protocol, the topic to join, and that whoever joins is tracked and sent `presence_state`. Each
//! [`Scenario`] is bounded in count and time, and ends with one [`Report`].
//!
//! Clients are [`herenow_core::client::Client`]s, each over its own WebSocket. A generator shares the
//! machine with the server that it measures, so what it does for a frame is little: frames are read where
//! they lie, and events that a scenario does not look at are counted by their envelope alone.
//!
//! It does not speak TLS (measure the server, not the proxy in front of it), does not reconnect (a
//! connection that is lost fails the run), and refuses targets that are not on this machine unless it is
//! told otherwise: a load generator that is pointed at the wrong host is an attack.

#![deny(missing_docs)]

mod command;
mod crowd;
mod error;
mod latency;
mod measure;
mod options;
mod process;
mod progress;
mod report;
mod run;
pub mod scenario;
mod session;
mod system;
mod target;
mod watch;

pub use command::{Command, EXAMPLES};
pub use error::Error;
pub use latency::Summary;
pub use measure::{Measured, ServerUse};
pub use options::{Options, Param};
pub use report::Report;
pub use run::{Run, run};
pub use scenario::Scenario;
