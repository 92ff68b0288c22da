//! The replicated presence store: who is in which topic, and what each topic's subscribers have to be
//! told.
//!
//! A node spreads its topics over a fixed number of shards ([`shard_of`]); a [`Shard`] is the state
//! machine of one of them, and shards share nothing, so that each may have a lock of its own. A shard
//! neither reads a clock nor sends anything: calls that depend on time take `now`, and what is to be
//! sent is fetched with [`Shard::poll_diff`]. It does not know connections, processes or subscribers
//! either: a presence belongs to a [`ChannelId`], and whoever ends that channel untracks it.
//!
//! Terms are Phoenix's. A presence is identified by topic, channel and key: one channel may be present
//! under several keys, and one key (say, a user) through several channels (say, browser tabs). Each
//! presence has one meta, an object of the application, to which the store adds `phx_ref`, and after
//! an update `phx_ref_prev`.
//!
//! # Versions
//!
//! Only one replica, the incarnation of a node that serves the channel, ever writes a presence. Each
//! add and each remove takes the next version of its replica and shard, and an update is a remove and
//! an add under one version. So a version stands for one state of what a replica holds in a shard, for
//! ever, and the version that added a meta identifies it in the cluster; its `phx_ref` is made of
//! nothing else.
//!
//! # Other nodes
//!
//! A shard holds the presences of other replicas beside its own; a [`Node`] keeps them as their owners
//! have them. `ALGORITHM.md` in this folder explains how.
//!
//! # What clients can rely on
//!
//! Whoever subscribes to a topic's diffs, and then is given its list at whatever moment, ends up with
//! exactly the list, if it applies the diffs by the rules of Phoenix's `presence.js` (joins are
//! deduplicated by `phx_ref`, then leaves remove by `phx_ref`). It does not matter whether a diff that
//! was sent before the list is applied after it, as `presence.js` does.

mod config;
mod error;
mod id;
mod list;
mod live;
#[cfg(test)]
mod looks;
mod merge;
mod meta;
mod node;
mod pending;
mod presences;
mod read;
mod removals;
mod replicas;
mod shard;
mod slab;
mod store;
mod windows;
mod wire;

pub use config::ShardConfig;
pub use error::{MetaError, TrackError, UpdateError};
pub use id::{ChannelId, DEFAULT_SHARDS, PhxRef, ReplicaId, shard_of};
pub use node::{
    MemberInfo, MemberState, Node, NodeConfig, NodeConfigError, NodeFootprint, Output, Refused,
    Shards, To,
};
pub use presences::{Presences, TopicDiff};
pub use read::{Counts, Footprint};
pub use shard::Shard;
pub use wire::{Problem, WireError};
