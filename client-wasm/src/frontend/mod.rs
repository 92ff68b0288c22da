//! Sockets, channels and presences for frontends that are written in Rust: Leptos, Yew, Dioxus, or plain
//! wasm-bindgen. Needs the feature `frontend`.
//!
//! It runs the same state machines as the npm package, [`herenow_core::client`] and
//! [`herenow_core::presence`], but on Rust types: payloads and metas are whatever implements serde's
//! traits, answers are futures, events are callbacks or streams, and dropping a handle gives back what it
//! stands for. Nothing goes through JavaScript objects on the way, except where you ask for it: see [`js`].
//!
//! ```no_run
//! use herenow_client::frontend::{Presence, Socket};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize)]
//! struct Join { meta: Meta }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Meta { device: String }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Shout { body: String }
//!
//! # async fn enter() -> Result<(), Box<dyn std::error::Error>> {
//! let socket = Socket::builder("/socket").param("user_id", "alice").connect()?;
//! let channel = socket.channel("room:lobby", &Join { meta: Meta { device: "phone".into() } })?;
//!
//! let presence = Presence::<Meta>::new(&channel);
//! let _people = presence.on_sync(|people| {
//!     for member in people.list().iter() {
//!         web_sys::console::log_1(&format!("{} (count: {})", member.key, member.count).into());
//!     }
//! });
//! let _shouts = channel.on("shout", |Shout { body }| web_sys::console::log_1(&body.into()));
//!
//! channel.join().await?;
//! channel.push("shout", &Shout { body: "hello".into() });
//! # Ok(())
//! # }
//! ```
//!
//! * **It acts at once.** `join` and `push` do what they say when they are called, not when their future is
//!   polled; the future is only the answer, and may be dropped.
//! * **It comes back by itself.** A lost connection is made again and channels join again, by the schedules of
//!   phoenix.js, each delay shortened at random so that a crowd does not come back all at once
//!   ([`SocketBuilder::jitter`]). A page that is hidden does not reconnect; one that is shown, or whose
//!   network is back, does so at once.
//! * **Handles own things.** A [`Channel`] is left when its last clone (and the last [`Presence`] of it) is
//!   gone, a [`Subscription`] ends a callback, a dropped stream is not fed any more, and the connection closes with the
//!   last [`Socket`] and channel.
//! * **What does not fit is said.** A payload that is not of the type that was asked for is left out and told
//!   to [`SocketBuilder::on_problem`], by default on the console: other people's metas are not under your
//!   control.
//!
//! It speaks over WebSockets only. There is no long poll here, and no support for threads: everything lives
//! on the thread that it was made on. In Leptos keep handles and members in local signals
//! (`RwSignal::new_local`), in Yew and Dioxus in whatever state a component has.

#![deny(missing_docs)]

mod address;
mod answer;
mod backoff;
mod browser;
mod builder;
mod channel;
mod driver;
mod host;
pub mod js;
mod listeners;
mod members;
mod payload;
mod presence;
mod problem;
mod socket;
#[cfg(test)]
mod tests;

pub use address::AddressError;
pub use answer::{Join, JoinError, Push, PushError};
pub use backoff::JITTER;
pub use builder::SocketBuilder;
pub use channel::Channel;
pub use herenow_core::client::{ChannelState, ConnectionState};
pub use listeners::{Stream, Subscription};
pub use members::{Changes, List, Member, NoFields, Update};
pub use payload::{Misfit, Payload};
pub use presence::{MAX_PENDING_DIFFS, People, Presence};
pub use problem::Problem;
pub use socket::Socket;
