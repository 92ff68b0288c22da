//! Presence server that speaks the Phoenix Channels protocol.
//!
//! The parts, in the order in which an application starts them: [`PubSub`] (topics and their subscribers),
//! and an [`Endpoint`] (sockets at a path of a warp application) whose topics are served by
//! [`Channel`]s.
//!
//! ```no_run
//! # use herenow::{Channel, Endpoint, HandleResult, JoinResult, Payload, PubSub, Reply, Socket, Stop};
//! struct RoomChannel;
//!
//! impl Channel for RoomChannel {
//!     type Info = ();
//!
//!     async fn join(&mut self, _topic: &str, _params: Payload, _socket: &mut Socket<()>) -> JoinResult {
//!         Ok(Payload::empty())
//!     }
//!
//!     async fn handle_in(&mut self, event: &str, payload: Payload, socket: &mut Socket<()>) -> HandleResult {
//!         match event {
//!             "shout" => {
//!                 socket.broadcast("shout", payload);
//!                 Ok(Reply::none())
//!             }
//!             _ => Err(Stop::unhandled(event)),
//!         }
//!     }
//! }
//!
//! # async fn example() {
//! let pubsub = PubSub::new();
//! let endpoint = Endpoint::builder(&pubsub)
//!     .channel("room:*", || RoomChannel)
//!     .build();
//! warp::serve(endpoint.routes("socket")).run(([127, 0, 0, 1], 4000)).await;
//! # }
//! ```

#![deny(missing_docs)]

pub mod auth;
mod channel;
mod endpoint;
mod socket;
mod sync;
mod topics;

pub use channel::{
    Assigns, Channel, ChannelId, HandleResult, InfoResult, IntoPayload, JoinError, JoinResult,
    Payload, PayloadError, Reason, Reply, ReplyRef, Sender, Socket, Stop,
};
pub use endpoint::{
    ConnectRequest, ConnectResult, Connected, Endpoint, EndpointBuilder, Limits, Refused,
};
pub use socket::Stats;
pub use topics::{Broadcast, PubSub, Subscription};
