use std::sync::Arc;

use crate::channel::Socket;

/// Where presences are: a topic, or a socket, which stands for the topic that it has joined.
pub trait Place {
    /// The topic.
    fn topic(&self) -> &str;
}

impl Place for str {
    fn topic(&self) -> &str {
        self
    }
}

impl Place for String {
    fn topic(&self) -> &str {
        self
    }
}

impl Place for Arc<str> {
    fn topic(&self) -> &str {
        self
    }
}

impl<Info> Place for Socket<Info> {
    fn topic(&self) -> &str {
        Self::topic(self)
    }
}
