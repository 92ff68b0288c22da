//! Sockets: transports, and the session behind them.
//!
//! A *transport* moves bytes (WebSocket, long poll), a *session* makes sense of a client's messages (joins, leaves,
//! heartbeats) and hands them to channels, and a *connection* is what everybody else on the node sees of a
//! client: its queue, its channels, its limits. The session knows nothing of the transport, and a transport
//! knows nothing of channels.

mod close;
mod connection;
mod context;
mod frame;
pub(crate) mod longpoll;
mod outbox;
mod session;
mod stats;
mod websocket;

pub(crate) use close::Close;
pub(crate) use connection::Connection;
pub(crate) use context::{Connections, Context};
pub(crate) use frame::{Frame, Kind};
pub(crate) use session::Session;
pub(crate) use stats::Counters;
pub(crate) use websocket::{Handshake, HandshakeError, upgrade};

pub use stats::Stats;
