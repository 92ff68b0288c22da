//! The cluster's bus: moves bytes from one node to others, and says whose bytes they were.
//!
//! A [`Bus`] publishes to a shard's channel or to all nodes, sends to one replica, and hands what
//! arrives to its [`Inbox`]. Three engines carry it, and which one is a setting ([`ClusterConfig`]):
//!
//! * *local*: nothing leaves the process; the engine of a single node, and of tests
//!   ([`LocalNetwork`]).
//! * *zenoh* (cargo feature `zenoh`): nodes connect to each other, with nothing to operate between
//!   them. A node needs the address of any one other; it learns the rest from it.
//! * *nats* (cargo feature `nats`): for those who run NATS already.
//!
//! # What it promises
//!
//! Everything that comes out of an inbox was written by a node that knows the cluster's secret, for
//! this cluster, at most once and unchanged; the `envelope` module says how, and what that does not
//! protect. No message is larger than [`Bus::max_payload`].
//!
//! # What it refuses to do
//!
//! It does not promise that a message arrives, nor in which order messages to different channels do.
//! Whatever does not fit into a queue is dropped and counted: a slow node must not slow the others.
//! It does not tell who is alive: [`Event::PeerUp`] and [`Event::PeerDown`] are hints about links, and
//! a peer whose link is gone may be well and reachable through a third node. It repeats and heals
//! nothing: that is replication's task, which has the versions to do it with.

mod config;
mod envelope;
mod gate;
mod inbox;
pub mod local;
#[cfg(feature = "nats")]
mod nats;
mod node;
#[cfg(any(feature = "nats", feature = "zenoh", test))]
#[cfg_attr(
    not(all(feature = "nats", feature = "zenoh")),
    allow(dead_code, reason = "zenoh wants a thread, NATS a task")
)]
mod outbox;
mod stats;
mod window;
#[cfg(feature = "zenoh")]
mod zenoh;

pub use config::{
    ClusterConfig, ClusterOptions, ConfigError, DEFAULT_ZENOH_PORT, Engine, Limits, MAX_NAME_BYTES,
    MAX_SECRET_BYTES, MIN_SECRET_BYTES, NatsConfig, Secret, Tls, ZenohConfig,
};
pub(crate) use inbox::Budget;
pub use inbox::Inbox;
pub use local::LocalNetwork;
pub use stats::{BusStats, Dropped, Reason, Refused, Traffic};

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use herenow_core::replica::ReplicaId;

/// What [`Bus`] returns where it has to wait.
pub type BusFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A node's way to the other nodes of its cluster. Made by [`open`].
///
/// Dropping the last handle leaves the cluster without a word; [`close`](Bus::close) leaves it after
/// what was given to it is on its way.
pub trait Bus: fmt::Debug + Send + Sync {
    /// The replica that this bus speaks for.
    fn me(&self) -> &ReplicaId;

    /// The largest payload that it takes: what was configured, or less if the engine takes less.
    fn max_payload(&self) -> usize;

    /// Queues a message for all nodes that are subscribed to the channel of `shard`, this one excepted.
    fn publish(&self, shard: u16, payload: Bytes) -> Result<(), SendError>;

    /// Queues a message for all other nodes.
    fn broadcast(&self, payload: Bytes) -> Result<(), SendError>;

    /// Sends to one replica; waits while its queue is full. Whether it exists is not checked: a message
    /// to nobody is lost without an error.
    fn send<'a>(
        &'a self,
        to: &'a ReplicaId,
        payload: Bytes,
    ) -> BusFuture<'a, Result<(), SendError>>;

    /// Subscribes to the channel of `shard`: the engine has been told when this returns, yet what other
    /// nodes publish before they heard of it is not received. Once is enough, twice does no harm.
    fn subscribe(&self, shard: u16) -> BusFuture<'_, Result<(), SendError>>;

    /// Ends the subscription. What had arrived before may still come out of the inbox.
    fn unsubscribe(&self, shard: u16) -> BusFuture<'_, Result<(), SendError>>;

    /// What went through it so far.
    fn stats(&self) -> BusStats;

    /// Hands what is queued to the network, within bounded time, and leaves. The inbox ends after what
    /// it still holds; everything else fails with [`SendError::Closed`] from then on.
    fn close(&self) -> BusFuture<'_, ()>;
}

/// Which channel a message came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// It was [broadcast](Bus::broadcast) to all nodes.
    All,
    /// It was [published](Bus::publish) to this shard.
    Shard(u16),
    /// It was [sent](Bus::send) to this replica alone.
    Direct,
}

/// A message from another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who wrote it.
    pub from: ReplicaId,
    /// Which channel it came by.
    pub channel: Channel,
    /// What it says.
    pub payload: Bytes,
}

/// What comes out of an [`Inbox`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message from another node.
    Message(Message),
    /// A hint: there is a way to this replica, for the first time or again.
    PeerUp(ReplicaId),
    /// A hint: the link to this replica is gone. The replica itself may be well. Not every engine can
    /// tell: NATS knows only of those who say goodbye.
    PeerDown(ReplicaId),
    /// A hint: messages of this replica are refused, because a later life of its node was heard. They are
    /// copies; or it was started with a clock that had been set back, and should be told. Once a second
    /// for each node, at most.
    Outlived {
        /// Whose messages they are, or seem to be.
        replica: ReplicaId,
        /// The incarnation of the later life.
        later: u64,
    },
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The payload is larger than the bus takes. Nothing was sent; send less.
    TooLarge {
        /// Bytes of the payload.
        size: usize,
        /// The most that the bus takes.
        limit: usize,
    },
    /// The queue is full or nobody can be reached; the message was dropped and counted.
    Busy,
    /// The bus has been closed.
    Closed,
    /// The engine refused, and this is what it said.
    Engine(String),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { size, limit } => {
                write!(
                    f,
                    "a payload of {size} bytes is over the bus's limit of {limit}"
                )
            }
            Self::Busy => f.write_str("the bus's queue is full; the message was dropped"),
            Self::Closed => f.write_str("the bus is closed"),
            Self::Engine(said) => write!(f, "the bus's engine refused: {said}"),
        }
    }
}

impl std::error::Error for SendError {}

/// Why a bus could not be opened: one line that names the setting and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenError(String);

impl OpenError {
    /// An error that reads `what`.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}

/// Joins the cluster that `config` describes, as its node's life `incarnation`, which must be higher
/// than that of any life before (the start time in milliseconds will do), also if only the bus is
/// opened anew: others would take its messages for copies.
///
/// It does not wait for other nodes: a cluster starts with its first node, and a broker that is down
/// is tried again for ever. What cannot become right by itself fails at once: an address that cannot
/// be listened on, a certificate that cannot be read, an engine that was not compiled in.
///
/// Must be called within a multi-threaded Tokio runtime, which zenoh needs.
pub async fn open(
    config: &ClusterConfig,
    incarnation: u64,
) -> Result<(Arc<dyn Bus>, Inbox), OpenError> {
    check_engine(&config.engine)?;
    match &config.engine {
        #[cfg(feature = "zenoh")]
        Engine::Zenoh(settings) => zenoh::open(config, settings, incarnation).await,
        #[cfg(feature = "nats")]
        Engine::Nats(settings) => nats::open(config, settings, incarnation).await,
        _ => {
            let (bus, inbox) = LocalNetwork::new().join(config, incarnation);
            Ok((bus, inbox))
        }
    }
}

/// Whether this build has the engine in it. The error says how to get one that has.
pub fn check_engine(engine: &Engine) -> Result<(), OpenError> {
    let (feature, is_compiled_in) = match engine {
        Engine::Local => return Ok(()),
        Engine::Zenoh(_) => ("zenoh", cfg!(feature = "zenoh")),
        Engine::Nats(_) => ("nats", cfg!(feature = "nats")),
    };
    match is_compiled_in {
        true => Ok(()),
        false => Err(OpenError::new(format!(
            "--cluster: this build has no {feature} in it; build it with `--features {feature}`"
        ))),
    }
}

/// Log directives that keep the engines' libraries quiet, to be put before what a user asks for:
/// what they report is mostly how they retry, which this bus reports itself.
pub const QUIET_LOGS: &str = "zenoh=off,async_nats=off,rustls=off";
