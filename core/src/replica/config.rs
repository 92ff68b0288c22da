//! What can be set about a shard.

/// The settings of a [`Shard`](super::Shard). Start from the defaults:
///
/// ```
/// use herenow_core::replica::ShardConfig;
/// let config = ShardConfig { window_ms: 0, ..ShardConfig::default() };
/// # assert_eq!(config.max_key_bytes, ShardConfig::default().max_key_bytes);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShardConfig {
    /// How long the changes of a topic are gathered after it sent a diff, in milliseconds, at least
    /// (25). A subscriber gets at most `1000 / window_ms` diffs a second for a topic, whatever the churn.
    /// 0 gathers nothing in any topic: every poll hands out what has changed.
    pub window_ms: u64,
    /// How long the changes of a large topic are gathered at most, in milliseconds (250). With no more
    /// than `window_ms`, they are gathered equally long in all topics.
    pub max_window_ms: u64,
    /// How many deliveries of diffs a topic may cost in a second (40,000), if each of its presences
    /// stands for a subscriber. Its window grows with its presences so that it does not cost more; only
    /// beyond the size where that takes `max_window_ms` (10,000 presences) it does.
    pub topic_deliveries: u64,
    /// The longest topic that may be tracked in, in bytes (1024).
    pub max_topic_bytes: usize,
    /// The longest presence key, in bytes (1024).
    pub max_key_bytes: usize,
    /// The longest meta as the application gives it, in bytes (16 KiB). Every subscriber of a topic
    /// is sent the metas of all its members, so this wants to be small.
    pub max_meta_bytes: usize,
    /// How deep the objects and arrays of a meta may nest (64). Payloads wrap metas in some levels
    /// more, and clients have a limit of their own: ours reads
    /// [`MAX_DEPTH`](crate::protocol::json::MAX_DEPTH) levels in all.
    pub max_meta_depth: usize,
    /// How many removals are remembered for nodes that missed them (4096), and never more than there
    /// are presences. Who missed more is told what is still there instead of what is not.
    pub max_removals: usize,
}

impl Default for ShardConfig {
    fn default() -> Self {
        Self {
            window_ms: 25,
            max_window_ms: 250,
            topic_deliveries: 40_000,
            max_topic_bytes: 1024,
            max_key_bytes: 1024,
            max_meta_bytes: 16 * 1024,
            max_meta_depth: 64,
            max_removals: 4096,
        }
    }
}

impl ShardConfig {
    /// How long a window of a topic with so many presences is, in milliseconds.
    ///
    /// Presences are counted, not subscribers. That way the length is the same on all nodes, and the
    /// deliveries of all of them together are bounded; and nobody who polls a shard has to look into
    /// something else, behind whose lock all its topics would wait.
    pub(super) fn window_of(&self, presences: usize) -> u64 {
        let paced = presences as u64 * 1000 / self.topic_deliveries.max(1);
        paced.min(self.max_window_ms).max(self.window_ms)
    }
}
