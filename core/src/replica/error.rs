//! Why a presence could not be tracked or updated. After any of these nothing has changed.

use super::PhxRef;
use crate::protocol::json;
use std::fmt;

/// Why [`Shard::track`](super::Shard::track) refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackError {
    /// The channel tracks this key in this topic already; use `update` to change its meta.
    AlreadyTracked {
        /// The presence that is there.
        phx_ref: PhxRef,
    },
    /// The topic is longer than [`ShardConfig::max_topic_bytes`](super::ShardConfig::max_topic_bytes).
    TopicTooLong {
        /// Its length in bytes.
        len: usize,
        /// The most that is allowed.
        max: usize,
    },
    /// The key is longer than [`ShardConfig::max_key_bytes`](super::ShardConfig::max_key_bytes).
    KeyTooLong {
        /// Its length in bytes.
        len: usize,
        /// The most that is allowed.
        max: usize,
    },
    /// The meta cannot be stored.
    Meta(MetaError),
}

/// Why [`Shard::update`](super::Shard::update) refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateError {
    /// The channel tracks no such key in this topic; use `track` first.
    NotTracked,
    /// The new meta cannot be stored.
    Meta(MetaError),
}

/// Why a text cannot be a meta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetaError {
    /// It is longer than [`ShardConfig::max_meta_bytes`](super::ShardConfig::max_meta_bytes).
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// The most that is allowed.
        max: usize,
    },
    /// It nests deeper than [`ShardConfig::max_meta_depth`](super::ShardConfig::max_meta_depth).
    TooDeep {
        /// The most levels that are allowed.
        max: usize,
    },
    /// It is not JSON.
    Invalid(json::Error),
    /// It is JSON, but not an object.
    NotAnObject,
}

impl From<MetaError> for TrackError {
    fn from(error: MetaError) -> Self {
        Self::Meta(error)
    }
}

impl From<MetaError> for UpdateError {
    fn from(error: MetaError) -> Self {
        Self::Meta(error)
    }
}

impl fmt::Display for TrackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyTracked { phx_ref } => write!(
                f,
                "this channel tracks this key in this topic already (phx_ref {phx_ref}): update it instead"
            ),
            Self::TopicTooLong { len, max } => {
                write!(f, "the topic has {len} bytes, {max} are allowed")
            }
            Self::KeyTooLong { len, max } => {
                write!(f, "the presence key has {len} bytes, {max} are allowed")
            }
            Self::Meta(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTracked => {
                f.write_str("this channel does not track this key in this topic: track it first")
            }
            Self::Meta(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for MetaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len, max } => {
                write!(f, "the presence meta has {len} bytes, {max} are allowed")
            }
            Self::TooDeep { max } => {
                write!(f, "the presence meta nests deeper than {max} levels")
            }
            Self::Invalid(error) => write!(f, "the presence meta is not valid JSON: {error}"),
            Self::NotAnObject => f.write_str("the presence meta must be a JSON object"),
        }
    }
}

impl std::error::Error for TrackError {}
impl std::error::Error for UpdateError {}
impl std::error::Error for MetaError {}
