//! What a node knows of one other replica.

use super::NodeConfig;
use super::pull::Asked;
use super::vector::Vector;
use crate::replica::ReplicaId;
use crate::replica::wire::Claim;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Hash)]
pub(super) struct Member {
    pub(super) id: ReplicaId,
    pub(super) status: Status,
    /// The latest of its heartbeats that is known, from whomever.
    pub(super) claim: Claim,
    /// When it sent that, as nearly as is known.
    pub(super) alive_at: u64,
    /// When this node woke after it had been stopped: silence before that does not count.
    pub(super) excused_at: u64,
    /// When the bus reported that the link to it is gone, unless a heartbeat was heard of since.
    pub(super) link_lost_at: Option<u64>,
    /// When a message came from itself.
    pub(super) heard_at: Option<u64>,
    /// Who told of its latest heartbeat, if it was not itself.
    pub(super) via: Option<Arc<str>>,
    /// The versions that it is known to have.
    pub(super) known: Vector,
    /// The latest heartbeat whose versions `known` has reached.
    pub(super) covered: u64,
    /// How often its versions were asked for in vain.
    pub(super) asks: u32,
    /// When it was asked itself what it has by now, because of a shard of new interest, unless it has
    /// answered.
    pub(super) asked_at: Option<u64>,
    /// The versions that the shards of interest hold of it.
    pub(super) have: BTreeMap<u16, u64>,
    /// The shards of interest in which it is known to have more, unless it is down.
    pub(super) pulls: BTreeMap<u16, Asked>,
}

/// Whether the presences of a replica are listed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Status {
    /// They are.
    Up,
    /// It is alive, but what is held of it may be stale; they are not listed before its state at its
    /// heartbeat number `since` is here.
    Returning {
        since: u64,
        /// The shards that are not that far, with the versions to reach; `None` as long as the versions
        /// are not known.
        waiting: Option<BTreeMap<u16, u64>>,
    },
    /// It fell silent at this moment.
    Down { since: u64 },
}

impl Member {
    pub(super) fn new(id: ReplicaId, alive_at: u64) -> Self {
        Self {
            id,
            status: Status::Returning {
                since: 0,
                waiting: None,
            },
            claim: Claim::default(),
            alive_at,
            excused_at: 0,
            link_lost_at: None,
            heard_at: None,
            via: None,
            known: Vector::default(),
            covered: 0,
            asks: 0,
            asked_at: None,
            have: BTreeMap::new(),
            pulls: BTreeMap::new(),
        }
    }

    pub(super) fn is_down(&self) -> bool {
        matches!(self.status, Status::Down { .. })
    }

    pub(super) fn have(&self, shard: u16) -> u64 {
        self.have.get(&shard).copied().unwrap_or(0)
    }

    pub(super) fn lacks(&self, shard: u16) -> bool {
        self.known.get(shard) > self.have(shard)
    }

    /// Whether what is merged into a shard that holds nothing of it yet is to be listed.
    pub(super) fn is_shown(&self, shard: u16) -> bool {
        match &self.status {
            Status::Up => true,
            Status::Returning { waiting, .. } => waiting
                .as_ref()
                .is_some_and(|waiting| !waiting.contains_key(&shard)),
            Status::Down { .. } => false,
        }
    }

    /// Whether its messages come here themselves, at present.
    pub(super) fn is_heard(&self, now: u64, config: &NodeConfig) -> bool {
        let recent = config.heartbeat_ms.saturating_mul(2);
        self.heard_at
            .is_some_and(|at| now.saturating_sub(at) <= recent)
    }

    /// When it counts as silent unless another heartbeat is heard of; when it is forgotten if it is
    /// silent already.
    pub(super) fn silent_at(&self, config: &NodeConfig) -> u64 {
        match self.status {
            Status::Down { since } => since.saturating_add(config.permdown_after_ms),
            _ => {
                let since = self.alive_at.max(self.excused_at);
                let silent = since.saturating_add(config.down_after_ms);
                let lost = self.link_lost_at.unwrap_or(silent);
                silent.min(lost.saturating_add(config.link_lost_after_ms))
            }
        }
    }

    /// When something has to be done about it.
    pub(super) fn deadline(&self, config: &NodeConfig) -> u64 {
        let pulls = self.pulls.values().map(|asked| asked.due);
        pulls.min().unwrap_or(u64::MAX).min(self.silent_at(config))
    }

    fn changes_behind(&self) -> u64 {
        let lacking = self.pulls.keys();
        lacking
            .map(|shard| self.known.get(*shard).saturating_sub(self.have(*shard)))
            .sum()
    }

    pub(super) fn info(&self) -> MemberInfo {
        MemberInfo {
            replica: self.id.clone(),
            state: match self.status {
                Status::Up => MemberState::Up,
                Status::Returning { .. } => MemberState::Returning,
                Status::Down { .. } => MemberState::Down,
            },
            alive_at: self.alive_at,
            heard_at: self.heard_at,
            version: self.known.sum(),
            shards_behind: self.pulls.len(),
            changes_behind: self.changes_behind(),
        }
    }
}

/// What a [`Node`](super::Node) knows of another replica, for people to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberInfo {
    /// Which one.
    pub replica: ReplicaId,
    /// Whether its presences are listed.
    pub state: MemberState,
    /// The moment of its latest heartbeat that is known of, on the clock of the calls.
    pub alive_at: u64,
    /// When a message last came from itself. If that is long ago while it is up, others relay.
    pub heard_at: Option<u64>,
    /// How many changes it is known to have made, in all shards.
    pub version: u64,
    /// In how many shards of interest it is known to have changes that are not here yet.
    pub shards_behind: usize,
    /// How many changes those are together.
    pub changes_behind: u64,
}

/// Whether the presences of a replica are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// They are.
    Up,
    /// Not yet: it is there, for the first time or again, and its state is being fetched.
    Returning,
    /// No: it is silent.
    Down,
}

/// What a [`Node`](super::Node) holds, besides what the shards do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeFootprint {
    /// Other replicas, also those that are down.
    pub members: usize,
    /// Replicas that said goodbye and are remembered for a while.
    pub gone: usize,
    /// Changes that are missing: pairs of a replica and a shard.
    pub pulls: usize,
    /// Shards that are wanted and not ready.
    pub unready: usize,
    /// Outputs that wait to be polled.
    pub queued: usize,
}
