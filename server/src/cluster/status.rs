//! How the cluster looks from this node, for people and for monitoring.

use std::time::Duration;

use herenow_core::replica::{MemberInfo, MemberState, ReplicaId};

use super::bus::{BusStats, Traffic};
use super::driver::{Shared, State};
use super::relay::Broadcasts;
use crate::sync::lock;

/// What this node knows of its cluster at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// This node, in this life.
    pub replica: ReplicaId,
    /// How many changes of its own presences it has told of.
    pub version: u64,
    /// The incarnation of another node that has the same name, if there is one that the cluster listens
    /// to instead: this node is on its own then.
    pub superseded: Option<u64>,
    /// How many shards topics are spread over.
    pub shards: u16,
    /// In how many of them this node keeps what others have.
    pub shards_wanted: usize,
    /// How many of those are still waiting for it.
    pub shards_unready: usize,
    /// The other nodes, by name.
    pub members: Vec<Member>,
    /// Messages of other nodes that replication refused: the first of each node was logged.
    pub refused: u64,
    /// Messages to single nodes that were dropped on the way to the bus.
    pub dropped: u64,
    /// Broadcasts of topics.
    pub broadcasts: Broadcasts,
    /// What went through the bus.
    pub bus: BusStats,
}

/// Another node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Which life of which node.
    pub replica: ReplicaId,
    /// Whether its users are listed here.
    pub state: MemberState,
    /// How many changes of its presences it is known to have made.
    pub version: u64,
    /// How many of them this node wants and does not have yet.
    pub changes_behind: u64,
    /// In how many shards that is so.
    pub shards_behind: usize,
    /// For how long nobody has heard of it.
    pub silent_for: Duration,
    /// For how long nothing came from it to this node itself; `None` if nothing ever did, or nothing since
    /// the bus reported that the link to it is lost. If that is long while it is up, others pass on what
    /// it says.
    pub unheard_for: Option<Duration>,
    /// What came from it to this node itself.
    pub received: Traffic,
}

impl Status {
    pub(super) fn of(shared: &Shared) -> Self {
        let now = shared.shards.now();
        let state = lock(&shared.state);
        Self {
            replica: state.node.replica().clone(),
            version: state.node.version(),
            superseded: *shared.superseded.borrow(),
            shards: shared.shards.len(),
            shards_wanted: state.wanted.len(),
            shards_unready: state.node.footprint().unready,
            members: state
                .node
                .members()
                .map(|member| Member::of(member, &state, now))
                .collect(),
            refused: state.refused,
            dropped: shared.post.dropped(),
            broadcasts: shared.relay.stats(),
            bus: shared.bus.stats(),
        }
    }
}

impl Member {
    fn of(member: MemberInfo, state: &State, now: u64) -> Self {
        let since = |at: u64| Duration::from_millis(now.saturating_sub(at));
        Self {
            state: member.state,
            version: member.version,
            changes_behind: member.changes_behind,
            shards_behind: member.shards_behind,
            silent_for: since(member.alive_at),
            unheard_for: member.heard_at.map(since),
            received: state
                .received
                .get(member.replica.node())
                .copied()
                .unwrap_or_default(),
            replica: member.replica,
        }
    }
}
