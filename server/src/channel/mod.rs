//! What applications write: a channel, one value per joined topic of a connection.
//!
//! [`Channel`] has the callbacks of `Phoenix.Channel`, [`Socket`] is what they act through. A channel is
//! an actor on demand: its callbacks run one at a time and in the order of the messages, but while nothing
//! is to be done it is plain data without a task. Callbacks may await; other channels go on meanwhile, also
//! those of the same connection. A panic ends the channel in which it happened and nothing else.
//!
//! Nothing in here knows how bytes reach the client.
//!
//! ```
//! use herenow::{Channel, HandleResult, InfoResult, JoinError, JoinResult, Payload, Reply, Socket, Stop};
//! use serde_json::json;
//!
//! struct RoomChannel;
//!
//! struct AfterJoin;
//!
//! impl Channel for RoomChannel {
//!     type Info = AfterJoin;
//!
//!     async fn join(&mut self, topic: &str, _params: Payload, socket: &mut Socket<AfterJoin>) -> JoinResult {
//!         if topic == "room:secret" {
//!             return Err(JoinError::reason("unauthorized"));
//!         }
//!         socket.send_info(AfterJoin);
//!         Ok(Payload::empty())
//!     }
//!
//!     async fn handle_info(&mut self, _: AfterJoin, socket: &mut Socket<AfterJoin>) -> InfoResult {
//!         socket.push("welcome", json!({"topic": socket.topic()}));
//!         Ok(())
//!     }
//!
//!     async fn handle_in(
//!         &mut self,
//!         event: &str,
//!         payload: Payload,
//!         socket: &mut Socket<AfterJoin>,
//!     ) -> HandleResult {
//!         match event {
//!             "ping" => Ok(Reply::ok(payload)),
//!             "shout" => {
//!                 socket.broadcast("shout", payload);
//!                 Ok(Reply::none())
//!             }
//!             _ => Err(Stop::unhandled(event)),
//!         }
//!     }
//! }
//! ```

mod actor;
mod assigns;
mod id;
mod link;
mod mailbox;
mod payload;
mod reply;
mod reply_ref;
mod route;
mod sender;
mod socket;

use std::future::Future;

pub use assigns::Assigns;
pub use id::ChannelId;
pub use payload::{IntoPayload, Payload, PayloadError};
pub use reply::{HandleResult, InfoResult, JoinError, JoinResult, Reason, Reply, Stop};
pub use reply_ref::ReplyRef;
pub use sender::Sender;
pub use socket::Socket;

pub(crate) use link::{Link, Reference};
pub(crate) use mailbox::{AnyChannel, Ended, Incoming};
pub(crate) use route::Routes;

/// A topic's conversation with one client, in the manner of `Phoenix.Channel`.
///
/// Implementations write the methods as `async fn`. A value is made by the function given to
/// [`EndpointBuilder::channel`](crate::EndpointBuilder::channel) for every join, and dropped when the channel ends.
pub trait Channel: Send + 'static {
    /// Messages from the application for [`handle_info`](Self::handle_info): sent by the channel to itself
    /// ([`Socket::send_info`]) or by others that hold its [`Sender`]. `()` if there are none.
    type Info: Send + 'static;

    /// Events of which a broadcast is not sent to the client as it is, but goes to
    /// [`handle_out`](Self::handle_out). All others take the short way: encoded once for everybody.
    const INTERCEPT: &'static [&'static str] = &[];

    /// Lets the client in, or not.
    ///
    /// The connection handles nothing else until this is done, so work that takes time belongs in
    /// [`handle_info`](Self::handle_info). What is pushed here reaches the client after the reply.
    fn join(
        &mut self,
        topic: &str,
        params: Payload,
        socket: &mut Socket<Self::Info>,
    ) -> impl Future<Output = JoinResult> + Send;

    /// Handles a message from the client. Without it every message is [unhandled](Stop::unhandled).
    fn handle_in(
        &mut self,
        event: &str,
        payload: Payload,
        socket: &mut Socket<Self::Info>,
    ) -> impl Future<Output = HandleResult> + Send {
        let _ = (payload, socket);
        let unhandled = Err(Stop::unhandled(event));
        async { unhandled }
    }

    /// Handles a message from the application.
    fn handle_info(
        &mut self,
        info: Self::Info,
        socket: &mut Socket<Self::Info>,
    ) -> impl Future<Output = InfoResult> + Send {
        let _ = (info, socket);
        async { Err(Stop::error("no handler for messages from the application")) }
    }

    /// Handles a broadcast of an [intercepted](Self::INTERCEPT) event; by default it is pushed unchanged.
    fn handle_out(
        &mut self,
        event: &str,
        payload: Payload,
        socket: &mut Socket<Self::Info>,
    ) -> impl Future<Output = InfoResult> + Send {
        socket.push(event, payload);
        async { Ok(()) }
    }

    /// Cleans up. It runs whenever a channel that was joined ends, except after a panic, because the
    /// state is then not to be trusted, and when a callback had to be cut off. Hooks registered with
    /// [`Socket::on_end`] run always.
    fn terminate(
        &mut self,
        reason: &Reason,
        socket: &mut Socket<Self::Info>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (reason, socket);
        async {}
    }
}
