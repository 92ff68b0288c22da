use crate::channel::Payload;

/// The other nodes, as the topics of this one see them.
pub(crate) trait Remote: Send + Sync {
    /// Whether a topic has readers here has changed. Sockets that only wait for the order to disconnect
    /// are none. Called under the topic's lock, so it must not come back to the topics.
    fn set_read(&self, topic: &str, is_read: bool);

    /// Hands a broadcast to whoever reads the topic on other nodes; at most once, and without waiting.
    fn broadcast(&self, topic: &str, event: &str, payload: &Payload);
}
