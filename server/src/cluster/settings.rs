//! What can be set about a cluster, besides how its nodes reach each other.

use std::fmt;
use std::time::Duration;

use herenow_core::replica::{NodeConfig, NodeConfigError, ReplicaId};

/// The settings of a [`Cluster`](super::Cluster). Start from the defaults:
///
/// ```
/// use std::time::Duration;
/// use herenow::cluster::Settings;
///
/// let settings = Settings { down_after: Duration::from_secs(10), ..Settings::default() };
/// ```
///
/// The nodes of a cluster must agree on `name` and should agree on `down_after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name of the cluster, the same as its bus has ("herenow").
    pub name: String,
    /// How long a node may be silent before its users leave the lists of the others (3.5 s). Lower
    /// notices crashes sooner, and takes slow nodes for dead ones more often. A node says three times in
    /// this time that it is alive, though not more seldom than once a second.
    pub down_after: Duration,
    /// How long the presences of a silent node are kept, hidden, in case it comes back (20 minutes).
    pub permdown_after: Duration,
    /// How long the first list of a topic waits for what other nodes have (1 s).
    pub ready_timeout: Duration,
    /// How long a node that has just started waits to hear of others before it counts as
    /// [synced](super::Cluster::is_synced) anyway (5 s): it may be the first one.
    pub join_timeout: Duration,
    /// How long what others have is kept in a shard that nobody looks at any more (60 s).
    pub idle_forget: Duration,
    /// What may wait to be sent to single nodes, in bytes (64 MiB). What does not fit is dropped, and
    /// asked for again.
    pub max_outgoing_bytes: usize,
    /// The largest broadcast that is sent to other nodes, in bytes (4 MiB); larger ones reach this node
    /// only, and are counted. What is larger than a message of the bus goes in parts, which together must
    /// fit into the bus's outbox.
    pub max_broadcast_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "herenow".into(),
            down_after: Duration::from_millis(3_500),
            permdown_after: Duration::from_secs(20 * 60),
            ready_timeout: Duration::from_secs(1),
            join_timeout: Duration::from_secs(5),
            idle_forget: Duration::from_secs(60),
            max_outgoing_bytes: 64 << 20,
            max_broadcast_bytes: 4 << 20,
        }
    }
}

/// A heartbeat is said so often within `down_after`: two may be lost.
const HEARTBEATS_UNTIL_DOWN: u64 = 3;

/// The node forgets a shard as soon as it is told that nobody wants it: the driver has waited already,
/// and has taken back that the shard is complete.
const FORGET_AT_ONCE_MS: u64 = 1;

impl Settings {
    /// The settings of the node that spreads its topics over so many shards.
    pub(super) fn node(&self, shards: u16) -> NodeConfig {
        let defaults = NodeConfig::default();
        let down_after_ms = milliseconds(self.down_after);
        let heartbeat_ms = (down_after_ms / HEARTBEATS_UNTIL_DOWN).min(defaults.heartbeat_ms);
        NodeConfig {
            cluster: self.name.clone(),
            shards,
            heartbeat_ms,
            down_after_ms,
            link_lost_after_ms: defaults.link_lost_after_ms.min(down_after_ms),
            permdown_after_ms: milliseconds(self.permdown_after),
            ready_timeout_ms: milliseconds(self.ready_timeout),
            idle_forget_ms: FORGET_AT_ONCE_MS,
            max_queued_bytes: self.max_outgoing_bytes,
            ..defaults
        }
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Why a [`Cluster`](super::Cluster) could not be joined.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClusterError {
    /// The bus speaks for another replica than the presences are of.
    OtherReplica {
        /// Whom the bus speaks for.
        bus: ReplicaId,
        /// Whose presences they are.
        presence: ReplicaId,
    },
    /// The presences, or the topics, are part of a cluster already.
    AlreadyJoined,
    /// The settings cannot work.
    Settings(NodeConfigError),
    /// A presence may be larger than what the bus takes.
    PresencesTooLarge {
        /// The largest message that would be needed, in bytes.
        needed: usize,
        /// The largest that the bus takes.
        limit: usize,
    },
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherReplica { bus, presence } => write!(
                f,
                "the bus speaks for {bus}, but the presences are of {presence}: give both the same node \
                 name, and open the bus with the incarnation of Presence::replica"
            ),
            Self::AlreadyJoined => f.write_str("this node is part of a cluster already"),
            Self::Settings(error) => error.fmt(f),
            Self::PresencesTooLarge { needed, limit } => write!(
                f,
                "a presence of the largest size allowed needs a message of {needed} bytes, but the bus \
                 takes {limit}: allow smaller metas, or larger payloads"
            ),
        }
    }
}

impl std::error::Error for ClusterError {}

impl From<NodeConfigError> for ClusterError {
    fn from(error: NodeConfigError) -> Self {
        Self::Settings(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(down_after: Duration) -> NodeConfig {
        let settings = Settings {
            down_after,
            ..Settings::default()
        };
        settings.node(64)
    }

    #[test]
    fn the_defaults_are_those_of_the_node() {
        let node = node(Settings::default().down_after);
        let defaults = NodeConfig {
            idle_forget_ms: FORGET_AT_ONCE_MS,
            ..NodeConfig::default()
        };
        assert_eq!(node, defaults);
    }

    #[test]
    fn a_node_that_shall_notice_sooner_speaks_more_often() {
        let node = node(Duration::from_millis(600));
        assert_eq!((node.down_after_ms, node.heartbeat_ms), (600, 200));
        assert_eq!(node.link_lost_after_ms, 600);
        assert_eq!(node.check(), Ok(()));
    }

    #[test]
    fn a_node_that_shall_be_patient_speaks_as_often_as_others() {
        assert_eq!(node(Duration::from_secs(60)).heartbeat_ms, 1_000);
    }

    #[test]
    fn times_that_cannot_work_are_refused() {
        assert!(node(Duration::ZERO).check().is_err());
        let settings = Settings {
            permdown_after: Duration::from_secs(1),
            ..Settings::default()
        };
        assert!(settings.node(64).check().is_err());
    }
}
