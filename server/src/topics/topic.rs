use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::mpsc;

use super::Remote;
use super::encoded::Encoded;
use super::subscription::Broadcast;
use crate::channel::{AnyChannel, ChannelId, Payload};
use crate::socket::{Close, Connection};
use crate::sync::lock;

/// The event that closes all sockets of an id. Phoenix's name for it.
pub(crate) const DISCONNECT: &str = "disconnect";

/// The other nodes, once there are some.
pub(super) type RemoteCell = OnceLock<Arc<dyn Remote>>;

/// Who gets the broadcasts of a topic.
pub(crate) enum Subscriber {
    /// A channel; its client gets the frame as it is.
    Channel(Arc<Connection>),
    /// A channel that wants to see these events before its client does.
    Intercepting(Arc<dyn AnyChannel>, &'static [&'static str]),
    /// A socket, by its id. It minds only the order to disconnect.
    Socket(Arc<Connection>),
    /// The application; `None` once it was too slow.
    Application(Option<mpsc::Sender<Broadcast>>),
}

/// One topic that has subscribers.
pub(super) struct Topic {
    name: Arc<str>,
    subscribers: Mutex<Subscribers>,
}

#[derive(Default)]
struct Subscribers {
    /// By id, and so in the order of their joins.
    by_id: BTreeMap<ChannelId, Subscriber>,
    /// How many of them are more than sockets.
    readers: usize,
    /// What the other nodes' side was told last: whether there are readers.
    told: bool,
    /// The last one has left and the topic is on its way out of the map.
    gone: bool,
}

impl Topic {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            subscribers: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Runs `first` and adds the subscriber, with no broadcast between the two. Gives both back if the
    /// topic is gone.
    pub(super) fn subscribe<F: FnOnce()>(
        &self,
        id: ChannelId,
        subscriber: Subscriber,
        first: F,
        remote: &RemoteCell,
    ) -> Result<(), (Subscriber, F)> {
        let mut subscribers = lock(&self.subscribers);
        if subscribers.gone {
            return Err((subscriber, first));
        }
        first();
        subscribers.readers += usize::from(subscriber.is_reader());
        subscribers.by_id.insert(id, subscriber);
        subscribers.tell(&self.name, remote);
        Ok(())
    }

    /// Returns whether the topic is gone with its last subscriber.
    pub(super) fn unsubscribe(&self, id: ChannelId, remote: &RemoteCell) -> bool {
        let mut subscribers = lock(&self.subscribers);
        let removed = subscribers.by_id.remove(&id);
        let was_reader = removed.as_ref().is_some_and(Subscriber::is_reader);
        subscribers.readers -= usize::from(was_reader);
        subscribers.tell(&self.name, remote);
        subscribers.gone = subscribers.by_id.is_empty();
        let gone = subscribers.gone;
        drop(subscribers);
        // May be the last handle to a channel, whose end must not happen under the lock.
        drop(removed);
        gone
    }

    /// Tells of readers that were there before anybody wanted to know.
    pub(super) fn tell(&self, remote: &RemoteCell) {
        lock(&self.subscribers).tell(&self.name, remote);
    }

    pub(super) fn subscriber_count(&self) -> usize {
        lock(&self.subscribers).by_id.len()
    }

    /// The lock is held throughout: it is what keeps the topic's broadcasts in one order for all.
    pub(super) fn broadcast(
        &self,
        except: Option<ChannelId>,
        event: &str,
        payload: &Payload,
        is_diff: bool,
    ) {
        let encoded = Encoded::new(&self.name, event, payload, is_diff);
        let mut subscribers = lock(&self.subscribers);
        for (id, subscriber) in &mut subscribers.by_id {
            if except != Some(*id) {
                subscriber.deliver(&encoded);
            }
        }
    }
}

impl Subscribers {
    /// Tells the other nodes' side, if there is one, whether there are readers.
    fn tell(&mut self, topic: &str, remote: &RemoteCell) {
        let Some(remote) = remote.get() else { return };
        let is_read = self.readers > 0;
        if std::mem::replace(&mut self.told, is_read) != is_read {
            remote.set_read(topic, is_read);
        }
    }
}

impl Subscriber {
    /// Whether it reads what is broadcast.
    fn is_reader(&self) -> bool {
        !matches!(self, Self::Socket(_))
    }

    fn deliver(&mut self, broadcast: &Encoded<'_>) {
        match self {
            Self::Channel(connection) => connection.send(broadcast.frame(connection.vsn())),
            Self::Intercepting(channel, events) => {
                if events.contains(&broadcast.event) {
                    Arc::clone(channel).intercept(broadcast.shared_event(), broadcast.payload);
                } else {
                    let connection = &channel.link().connection;
                    connection.send(broadcast.frame(connection.vsn()));
                }
            }
            Self::Socket(connection) => {
                if broadcast.event == DISCONNECT {
                    connection.close(Close::DISCONNECTED);
                }
            }
            Self::Application(sender) => {
                let Some(broadcasts) = sender else { return };
                if broadcasts.try_send(broadcast.to_broadcast()).is_err() {
                    tracing::warn!(topic = %broadcast.topic, "a subscription ends: it was too slow");
                    *sender = None;
                }
            }
        }
    }
}
