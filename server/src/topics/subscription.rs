use std::sync::Arc;

use tokio::sync::mpsc;

use super::PubSub;
use crate::channel::{ChannelId, Payload};

/// A broadcast as an application sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broadcast {
    /// The topic.
    pub topic: Arc<str>,
    /// The event.
    pub event: Arc<str>,
    /// The payload.
    pub payload: Payload,
}

/// An application's own subscription to a topic. Made by [`PubSub::subscribe`], ended by dropping it.
#[derive(Debug)]
pub struct Subscription {
    pubsub: PubSub,
    topic: Box<str>,
    id: ChannelId,
    broadcasts: mpsc::Receiver<Broadcast>,
}

impl Subscription {
    /// How many broadcasts may wait to be received.
    pub const CAPACITY: usize = 1024;

    pub(super) fn new(
        pubsub: PubSub,
        topic: &str,
        id: ChannelId,
        broadcasts: mpsc::Receiver<Broadcast>,
    ) -> Self {
        let topic = topic.into();
        Self {
            pubsub,
            topic,
            id,
            broadcasts,
        }
    }

    /// The next broadcast. `None` once more than [`CAPACITY`](Self::CAPACITY) broadcasts were waiting: the
    /// subscription has then ended, since it has missed some.
    pub async fn recv(&mut self) -> Option<Broadcast> {
        self.broadcasts.recv().await
    }

    /// The next broadcast, if there is one already.
    pub fn try_recv(&mut self) -> Option<Broadcast> {
        self.broadcasts.try_recv().ok()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.pubsub.unsubscribe(&self.topic, self.id);
    }
}
