//! What can be set about replication.

use std::fmt;

/// The settings of a [`Node`](super::Node). Start from the defaults:
///
/// ```
/// use herenow_core::replica::NodeConfig;
/// let config = NodeConfig { down_after_ms: 10_000, ..NodeConfig::default() };
/// assert_eq!(config.check(), Ok(()));
/// ```
///
/// The nodes of a cluster must agree on `cluster` and `shards`; the rest may differ between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeConfig {
    /// The name of the cluster ("herenow"). Messages of clusters of other names are refused.
    pub cluster: String,
    /// How many shards topics are spread over ([`DEFAULT_SHARDS`](crate::replica::DEFAULT_SHARDS)).
    pub shards: u16,
    /// How often a node says that it is alive, and what it has (1,000 ms).
    pub heartbeat_ms: u64,
    /// How long nobody may have heard a replica before its presences are hidden (3,500 ms). Lower
    /// notices crashes sooner, and takes slow nodes for dead ones more often.
    pub down_after_ms: u64,
    /// As `down_after_ms`, from the moment when the bus reported that the link to the replica is gone
    /// (1,500 ms). It leaves other nodes time to say that they still hear it.
    pub link_lost_after_ms: u64,
    /// How long a replica may be down before it is forgotten (20 minutes). It costs memory for its
    /// presences until then, and a transfer of them if it returns later.
    pub permdown_after_ms: u64,
    /// How long the changes of a shard are gathered after some were published (5 ms). The first one
    /// after a pause is published at once.
    pub publish_ms: u64,
    /// How long to wait for changes that a heartbeat told of before asking for them (50 ms): mostly
    /// they are on their way.
    pub pull_delay_ms: u64,
    /// How long to wait for an answer before asking again, and somebody else (1,000 ms).
    pub pull_retry_ms: u64,
    /// How long a shard of new interest may wait to be complete before it counts as ready anyway
    /// (1,000 ms).
    pub ready_timeout_ms: u64,
    /// How long the presences of others are kept in a shard that nobody wants any more (60,000 ms).
    pub idle_forget_ms: u64,
    /// The size of messages with presences (60,000 bytes); one presence more at the most. The bus must
    /// take messages of twice that size.
    pub max_message_bytes: usize,
    /// The most parts of an answer that wait for the missing ones, in bytes per replica and shard
    /// (256 MiB). A replica with more in one shard cannot be copied: use more shards.
    pub max_answer_bytes: usize,
    /// While more bytes than this wait to be polled, pulls are not answered (64 MiB); they will be
    /// asked again.
    pub max_queued_bytes: usize,
    /// How many other replicas a heartbeat mentions (32); in larger clusters they take turns. That
    /// others mention a replica is what keeps it up here while the link to it is broken.
    pub max_peers_in_digest: usize,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            cluster: "herenow".into(),
            shards: crate::replica::DEFAULT_SHARDS,
            heartbeat_ms: 1_000,
            down_after_ms: 3_500,
            link_lost_after_ms: 1_500,
            permdown_after_ms: 20 * 60 * 1_000,
            publish_ms: 5,
            pull_delay_ms: 50,
            pull_retry_ms: 1_000,
            ready_timeout_ms: 1_000,
            idle_forget_ms: 60_000,
            max_message_bytes: 60_000,
            max_answer_bytes: 256 << 20,
            max_queued_bytes: 64 << 20,
            max_peers_in_digest: 32,
        }
    }
}

impl NodeConfig {
    /// Says what cannot work.
    pub fn check(&self) -> Result<(), NodeConfigError> {
        let two_heartbeats = self.heartbeat_ms.saturating_mul(2);
        let rules = [
            (self.heartbeat_ms > 0, "heartbeat_ms must not be 0"),
            (self.shards > 0, "shards must not be 0"),
            (self.pull_retry_ms > 0, "pull_retry_ms must not be 0"),
            (
                self.down_after_ms >= two_heartbeats,
                "down_after_ms must be at least twice as large as heartbeat_ms",
            ),
            (
                self.permdown_after_ms > self.down_after_ms,
                "permdown_after_ms must be larger than down_after_ms",
            ),
            (
                self.max_message_bytes >= usize::from(self.shards) * 12,
                "max_message_bytes must be at least 12 times shards, so that the versions of a replica fit into one message",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(NodeConfigError(rule)),
            None => Ok(()),
        }
    }
}

/// The rule that a [`NodeConfig`] breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeConfigError(&'static str);

impl fmt::Display for NodeConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NodeConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_named() {
        let base = NodeConfig::default;
        let bad = [
            (
                NodeConfig {
                    heartbeat_ms: 0,
                    ..base()
                },
                "heartbeat_ms",
            ),
            (
                NodeConfig {
                    shards: 0,
                    ..base()
                },
                "shards",
            ),
            (
                NodeConfig {
                    pull_retry_ms: 0,
                    ..base()
                },
                "pull_retry_ms",
            ),
            (
                NodeConfig {
                    down_after_ms: 1_999,
                    ..base()
                },
                "down_after_ms",
            ),
            (
                NodeConfig {
                    permdown_after_ms: 3_500,
                    ..base()
                },
                "permdown_after_ms",
            ),
            (
                NodeConfig {
                    shards: 6_000,
                    ..base()
                },
                "max_message_bytes",
            ),
        ];
        for (config, name) in bad {
            let error = config.check().unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
