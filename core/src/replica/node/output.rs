//! What a node wants done, and what it refuses.

use super::NodeConfig;
use crate::replica::{ReplicaId, WireError};
use std::collections::{BTreeSet, VecDeque};
use std::fmt;

/// What [`Node::poll`](super::Node::poll) asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Send this. It may be lost.
    Send {
        /// To whom.
        to: To,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Receive from now on what is sent to this shard.
    Subscribe(u16),
    /// No longer do.
    Unsubscribe(u16),
    /// The lists of this shard have changed: poll its diffs.
    Diffs(u16),
    /// What others have in this shard is here now, or there was no more time to wait for it.
    Ready(u16),
    /// This replica is up: its presences are listed (again).
    Up(ReplicaId),
    /// This replica is silent: its presences are hidden.
    Down(ReplicaId),
    /// This replica is gone for good, or was down for too long: its presences are forgotten.
    Forgotten(ReplicaId),
    /// Another node has the same name and a higher incarnation, this one, and the cluster ignores this
    /// node. Either two nodes were given one name, which must be put right; or this one was started
    /// with a clock that had been set back, and must start again as a higher incarnation. If that does
    /// not help it is the former, and starting again and again would only make both fight.
    Superseded(u64),
}

/// Who is to get a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum To {
    /// All other nodes.
    All,
    /// All other nodes that are subscribed to this shard.
    Shard(u16),
    /// This one. If it no longer exists, nobody.
    Replica(ReplicaId),
}

/// Why [`Node::handle`](super::Node::handle) refused a message. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be read.
    Wire(WireError),
    /// The sender spreads its topics over another number of shards.
    OtherShards {
        /// Its number.
        theirs: u16,
        /// The number of this node.
        ours: u16,
    },
    /// There is no such shard.
    NoSuchShard {
        /// The shard that is named.
        shard: u16,
        /// How many there are.
        shards: u16,
    },
}

impl From<WireError> for Refused {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => error.fmt(f),
            Self::OtherShards { theirs, ours } => write!(
                f,
                "the sender has {theirs} shards, this node {ours}: give all nodes of the cluster the same number"
            ),
            Self::NoSuchShard { shard, shards } => {
                write!(f, "shard {shard} of {shards} does not exist")
            }
        }
    }
}

impl std::error::Error for Refused {}

/// What waits to be polled.
#[derive(Clone, Default, Hash)]
pub(super) struct Outbox {
    queue: VecDeque<Output>,
    /// Shards with new diffs, each once.
    diffs: BTreeSet<u16>,
    /// Bytes of the messages in the queue.
    bytes: usize,
}

impl Outbox {
    pub(super) fn send(&mut self, to: To, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.queue.push_back(Output::Send { to, bytes });
    }

    pub(super) fn say(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub(super) fn diffs(&mut self, shard: u16) {
        self.diffs.insert(shard);
    }

    /// Whether there is room for answers. What is not answered is asked again.
    pub(super) fn has_room(&self, config: &NodeConfig) -> bool {
        self.bytes <= config.max_queued_bytes
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len() + self.diffs.len()
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        if let Some(shard) = self.diffs.pop_first() {
            return Some(Output::Diffs(shard));
        }
        let output = self.queue.pop_front();
        if let Some(Output::Send { bytes, .. }) = &output {
            self.bytes -= bytes.len();
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        output
    }
}
