use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells one join from every other join on this node, also from later joins of the same topic over the
/// same connection.
///
/// It is what a process id is in Phoenix: with the topic and a key it identifies a presence, and
/// [`broadcast_from`](crate::PubSub::broadcast_from) excludes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(u64);

impl ChannelId {
    /// An id that nobody has had on this node. Channels get theirs when they are joined; applications
    /// need this only for presences that belong to no channel.
    #[must_use]
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number, for logs and for encodings that travel.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
