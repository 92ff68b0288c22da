//! Presence server that speaks the Phoenix Channels protocol.
//!
//! The parts, in the order in which an application starts them: [`PubSub`] (topics and their subscribers),
//! [`Presence`] (who is present in which topic), and an [`Endpoint`] (sockets at a path of a warp
//! application) whose topics are served by [`Channel`]s.
//!
//! ```no_run
//! use herenow::{Channel, Endpoint, InfoResult, JoinResult, Payload, Presence, PubSub, Socket};
//! use serde_json::json;
//!
//! struct RoomChannel(Presence);
//!
//! struct AfterJoin {
//!     name: String,
//! }
//!
//! impl Channel for RoomChannel {
//!     type Info = AfterJoin;
//!
//!     async fn join(&mut self, _topic: &str, params: Payload, socket: &mut Socket<AfterJoin>) -> JoinResult {
//!         socket.send_info(AfterJoin { name: params.parse()? });
//!         Ok(Payload::empty())
//!     }
//!
//!     async fn handle_info(&mut self, user: AfterJoin, socket: &mut Socket<AfterJoin>) -> InfoResult {
//!         self.0.track(socket, &user.name, json!({"status": "here"}))?;
//!         socket.push("presence_state", self.0.list(socket).await);
//!         Ok(())
//!     }
//! }
//!
//! # async fn example() {
//! let pubsub = PubSub::new();
//! let presence = Presence::builder(&pubsub).start();
//! let endpoint = Endpoint::builder(&pubsub)
//!     .channel("room:*", move || RoomChannel(presence.clone()))
//!     .build();
//! warp::serve(endpoint.routes("socket")).run(([127, 0, 0, 1], 4000)).await;
//! # }
//! ```
//!
//! [`RoomChannel`] is a complete channel to start from.

#![deny(missing_docs)]

pub mod auth;
mod channel;
pub mod cluster;
mod endpoint;
mod presence;
mod room;
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
pub use presence::{
    Counts, DEFAULT_FETCH_TIMEOUT, Entry, FetchError, MetaError, PhxRef, Place, Presence,
    PresenceBuilder, PresenceStats, Presences, TrackError, UpdateError,
};
pub use room::{AfterJoin, RoomChannel, UserId};
pub use socket::Stats;
pub use topics::{Broadcast, PubSub, Subscription};

/// The example of the README, so that it compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
