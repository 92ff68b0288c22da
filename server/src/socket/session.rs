//! What a client's messages mean: joins, leaves, heartbeats, and what goes to which channel.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use herenow_core::protocol::binary::{self, ref_to_json};
use herenow_core::protocol::{self, DecodeError, MAX_CLIENT_DEPTH, PHOENIX_TOPIC, Vsn, events};
use tokio::time::timeout;

use super::{Close, Connection, Context, Frame};
use crate::channel::{AnyChannel, Ended, Incoming, Link, Payload, Reason, Reference};
use crate::endpoint::Connected;
use crate::topics::Subscriber;

/// A message that takes time: a join. Until it is done, the session takes no other message.
pub(crate) type Busy = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One client's conversation, whatever carries it.
pub(crate) struct Session {
    connection: Arc<Connection>,
    socket_id: Option<Box<str>>,
    /// Dropped when the connection and its channels have ended.
    entry: Option<Entry>,
}

/// A connection's place in the list and the count of open ones.
struct Entry(Arc<Connection>);

impl Entry {
    fn new(connection: &Arc<Connection>) -> Option<Self> {
        let Context {
            connections,
            counters,
            limits,
            ..
        } = connection.context();
        if !connections.insert(connection, limits.max_connections) {
            return None;
        }
        counters.connections.add(1);
        counters.connections_total.add(1);
        Some(Self(Arc::clone(connection)))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Context {
            connections,
            counters,
            ..
        } = self.0.context();
        counters.connections.sub(1);
        connections.remove(self.0.id());
    }
}

impl Session {
    /// `None` if the endpoint takes no more connections.
    pub(crate) fn open(context: &Arc<Context>, vsn: Vsn, connected: Connected) -> Option<Self> {
        let Connected { id, assigns } = connected;
        let connection = Arc::new(Connection::new(context, vsn, assigns));
        let entry = Entry::new(&connection)?;
        if let Some(id) = &id {
            let subscriber = Subscriber::Socket(Arc::clone(&connection));
            let pubsub = connection.pubsub();
            pubsub.subscribe_channel(id, connection.id(), subscriber, || {});
        }
        Some(Self {
            connection,
            socket_id: id,
            entry: Some(entry),
        })
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Handles a text message.
    pub(crate) fn receive_text(&self, text: &str) -> Result<Option<Busy>, BadMessage> {
        let message = protocol::decode_within(self.connection.vsn(), text, MAX_CLIENT_DEPTH)?;
        Ok(self.handle(Message {
            join_ref: message.join_ref.map(Cow::Borrowed),
            reference: message.reference.map(Cow::Borrowed),
            topic: message.topic.decode(),
            event: message.event.decode(),
            payload: Payload::from_valid_json(message.payload),
            size: text.len(),
        }))
    }

    /// Handles a binary message.
    pub(crate) fn receive_binary(&self, frame: &[u8]) -> Result<Option<Busy>, BadMessage> {
        if self.connection.vsn() == Vsn::V1 {
            return Err(BadMessage::BinaryInV1);
        }
        let push = binary::decode_push(frame)?;
        Ok(self.handle(Message {
            join_ref: ref_to_json(push.join_ref).map(Cow::Owned),
            reference: ref_to_json(push.reference).map(Cow::Owned),
            topic: Cow::Borrowed(push.topic),
            event: Cow::Borrowed(push.event),
            payload: Payload::binary(Bytes::copy_from_slice(push.data)),
            size: frame.len(),
        }))
    }

    fn handle(&self, message: Message<'_>) -> Option<Busy> {
        if message.topic == PHOENIX_TOPIC && message.event == events::HEARTBEAT {
            self.reply(message.join_ref(), &message, "ok", &Payload::empty());
            return None;
        }
        let channel = self.connection.channel(&message.topic);
        if message.event == events::PHX_JOIN {
            return self.join(message, channel);
        }
        match channel {
            Some(channel) if channel.link().is_addressed_by(message.join_ref()) => {
                if message.event == events::PHX_LEAVE {
                    self.leave(&message, channel);
                } else {
                    self.deliver(message, channel);
                }
            }
            // For a channel that the client had before: silently ignored.
            Some(_) => {}
            None if message.event == events::PHX_LEAVE => self.reply_left(&message),
            None => self.reply_unmatched(&message),
        }
        None
    }

    fn join(&self, message: Message<'_>, old: Option<Arc<dyn AnyChannel>>) -> Option<Busy> {
        let Context { limits, routes, .. } = self.connection.context();
        let Some(route) = routes.find(&message.topic) else {
            tracing::warn!(topic = %message.topic, "join of a topic that no channel matches");
            self.reply_unmatched(&message);
            return None;
        };
        if old.is_none() && self.connection.channel_count() >= limits.max_channels_per_transport {
            self.reply_error(message.join_ref(), &message, "too many channels joined");
            return None;
        }
        let link = Link::new(
            Arc::from(&*message.topic),
            message.join_ref(),
            message.reference(),
            Arc::clone(&self.connection),
        );
        let join = route.join(link, message.kept_reference(), message.payload);
        let Some(old) = old else { return Some(join) };
        let limit = limits.channel_shutdown;
        Some(Box::pin(async move {
            let close_is_due = make_room(&old, limit).await;
            join.await;
            if close_is_due {
                old.link().push_close();
            }
        }))
    }

    fn leave(&self, message: &Message<'_>, channel: Arc<dyn AnyChannel>) {
        if !channel.leave(message.kept_reference()) {
            self.reply_left(message);
        }
    }

    fn deliver(&self, message: Message<'_>, channel: Arc<dyn AnyChannel>) {
        let incoming = Incoming {
            event: Box::from(&*message.event),
            reference: message.kept_reference(),
            payload: message.payload.clone(),
            cost: message.size,
        };
        self.connection.admit(incoming.cost);
        if let Err(incoming) = channel.deliver(incoming) {
            self.connection.release(incoming.cost);
            self.reply_unmatched(&message);
        }
    }

    fn reply_left(&self, message: &Message<'_>) {
        self.reply(message.join_ref(), message, "ok", &Payload::empty());
    }

    fn reply_unmatched(&self, message: &Message<'_>) {
        self.reply_error(None, message, "unmatched topic");
    }

    fn reply_error(&self, join_ref: Option<&str>, message: &Message<'_>, reason: &str) {
        let response = Payload::from(serde_json::json!({ "reason": reason }));
        self.reply(join_ref, message, "error", &response);
    }

    fn reply(
        &self,
        join_ref: Option<&str>,
        message: &Message<'_>,
        status: &str,
        response: &Payload,
    ) {
        let (vsn, reference) = (self.connection.vsn(), message.reference());
        let frame = Frame::reply(vsn, join_ref, reference, &message.topic, status, response);
        self.connection.send(frame);
    }

    /// The state that replaces the diffs withheld from this client, as a push of the channel that it has
    /// on the topic now. `None` if it has left the topic.
    pub(crate) fn resync(&self, topic: &Arc<str>) -> Option<Resync> {
        let link = Arc::clone(self.connection.channel(topic)?.link());
        self.connection.context().counters.resyncs.add(1);
        let connection = Arc::clone(&self.connection);
        let state = connection.pubsub().state(topic);
        Some(Box::pin(async move {
            let state = match state {
                Some(state) => state.await,
                None => None,
            };
            let Some(state) = state else {
                connection.close(Close::NO_STATE);
                return None;
            };
            // A later join of the topic has had its state already.
            let now = connection.channel(&link.topic)?;
            if now.link().id != link.id {
                return None;
            }
            link.push_frame(events::PRESENCE_STATE, &state)
        }))
    }

    /// Ends all channels, at once but for those with a callback that waits. What it returns resolves when
    /// these have ended too; after the time that the limits give them they are cut off.
    pub(crate) fn end(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let limit = self.connection.context().limits.channel_shutdown;
        let ending = self.start_ending();
        let entry = self.entry.take();
        async move {
            join_all(ending.into_iter().map(|(channel, ended)| async move {
                if timeout(limit, ended).await.is_err() {
                    cut_off(&*channel, limit);
                }
            }))
            .await;
            drop(entry);
        }
    }

    fn start_ending(&self) -> Vec<(Arc<dyn AnyChannel>, Ended)> {
        let connection = &self.connection;
        connection.discard();
        if let Some(id) = &self.socket_id {
            connection.pubsub().unsubscribe(id, connection.id());
        }
        let channels = connection.end_channels();
        let ending = channels.into_iter().filter_map(|channel| {
            let ended = Arc::clone(&channel).shut_down(Reason::Closed)?;
            Some((channel, ended))
        });
        ending.collect()
    }
}

impl Drop for Session {
    /// A transport that was cut off itself does not leave its channels behind.
    fn drop(&mut self) {
        self.start_ending();
    }
}

/// Resolves to the frame that brings a client up to date, if it still needs it.
pub(crate) type Resync = Pin<Box<dyn Future<Output = Option<Frame>> + Send>>;

/// Ends the channel that a new join of its topic replaces. Returns whether its client is to be told.
async fn make_room(old: &Arc<dyn AnyChannel>, limit: Duration) -> bool {
    let Some(mut ended) = Arc::clone(old).shut_down(Reason::DuplicateJoin) else {
        return false;
    };
    match timeout(limit, &mut ended).await {
        Ok(result) => result.is_ok(),
        Err(_) => {
            cut_off(&**old, limit);
            // Only a callback that blocks its thread is still there then, and nothing helps against that.
            let _ = timeout(limit, ended).await;
            true
        }
    }
}

fn cut_off(channel: &dyn AnyChannel, limit: Duration) {
    let topic = &channel.link().topic;
    tracing::warn!(%topic, ?limit, "a channel did not end in time; its callback is cut off");
    channel.kill();
}

/// A client's message, from a text or a binary frame.
struct Message<'a> {
    join_ref: Option<Cow<'a, str>>,
    reference: Option<Cow<'a, str>>,
    topic: Cow<'a, str>,
    event: Cow<'a, str>,
    payload: Payload,
    size: usize,
}

impl Message<'_> {
    fn join_ref(&self) -> Option<&str> {
        self.join_ref.as_deref()
    }

    fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    fn kept_reference(&self) -> Reference {
        self.reference().map(Box::from)
    }
}

/// Why a frame is no message. The connection is then closed, as Phoenix does.
#[derive(Debug)]
pub(crate) enum BadMessage {
    Text(DecodeError),
    Binary(binary::Error),
    BinaryInV1,
}

impl From<DecodeError> for BadMessage {
    fn from(error: DecodeError) -> Self {
        Self::Text(error)
    }
}

impl From<binary::Error> for BadMessage {
    fn from(error: binary::Error) -> Self {
        Self::Binary(error)
    }
}

impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(error) => error.fmt(f),
            Self::Binary(error) => error.fmt(f),
            Self::BinaryInV1 => f.write_str("a binary frame, which V1 does not have"),
        }
    }
}
