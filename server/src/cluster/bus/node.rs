//! What every engine needs of the node it works for: its name, its seal, its gate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use herenow_core::replica::ReplicaId;

use super::config::ClusterConfig;
use super::envelope::{ClusterKey, Sealer};
use super::gate::Gate;
use super::inbox::inbox;
use super::{Inbox, SendError};

/// One life of one node, without the network.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) me: ReplicaId,
    pub(crate) sealer: Sealer,
    pub(crate) gate: Gate,
    closed: AtomicBool,
}

impl Node {
    pub(crate) fn new(config: &ClusterConfig, incarnation: u64) -> (Arc<Self>, Inbox) {
        let me = ReplicaId::new(config.node.as_str(), incarnation);
        let key = ClusterKey::new(&config.name, config.secret.as_ref());
        let (sender, inbox) = inbox(config.limits.inbox_bytes);
        let gate = Gate::new(
            key.clone(),
            &config.name,
            me.clone(),
            config.limits.clone(),
            sender,
        );
        let node = Self {
            sealer: Sealer::new(key, &me),
            me,
            gate,
            closed: AtomicBool::new(false),
        };
        (Arc::new(node), inbox)
    }

    pub(crate) fn check_open(&self) -> Result<(), SendError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(SendError::Closed);
        }
        Ok(())
    }

    /// Whether a payload may be sent at all.
    pub(crate) fn check(&self, payload: &[u8], limit: usize) -> Result<(), SendError> {
        let size = payload.len();
        if size > limit {
            return Err(SendError::TooLarge { size, limit });
        }
        self.check_open()
    }

    /// Nothing more is to be sent; says whether this was not known yet.
    pub(crate) fn close(&self) -> bool {
        !self.closed.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn max_payload(&self) -> usize {
        self.gate.limits().max_payload
    }
}
