//! What ties a channel to its client, shared by everybody who speaks to that client for it.

use std::sync::Arc;

use herenow_core::protocol::events;

use super::{ChannelId, Payload};
use crate::socket::{Connection, Frame};

/// A ref of a client's message, kept: the text of any JSON value, `None` for `null`.
pub(crate) type Reference = Option<Box<str>>;

/// The identity of a joined channel and the way to its client.
pub(crate) struct Link {
    pub(crate) id: ChannelId,
    pub(crate) topic: Arc<str>,
    pub(crate) connection: Arc<Connection>,
    /// Under which the client knows the channel: the join's join_ref, or else its ref.
    join_ref: Reference,
    /// Whether the join came with a join_ref. One that did not is told of its end with refs of `null`.
    join_ref_given: bool,
}

impl Link {
    pub(crate) fn new(
        topic: Arc<str>,
        join_ref: Option<&str>,
        reference: Option<&str>,
        connection: Arc<Connection>,
    ) -> Self {
        Self {
            id: ChannelId::next(),
            topic,
            connection,
            join_ref: join_ref.or(reference).map(Box::from),
            join_ref_given: join_ref.is_some(),
        }
    }

    pub(crate) fn join_ref(&self) -> Option<&str> {
        self.join_ref.as_deref()
    }

    /// Whether a message with this join_ref is meant for this channel, and not for one that the client
    /// had on the topic before.
    pub(crate) fn is_addressed_by(&self, join_ref: Option<&str>) -> bool {
        join_ref.is_none() || join_ref == self.join_ref()
    }

    pub(crate) fn push_frame(&self, event: &str, payload: &Payload) -> Option<Frame> {
        let vsn = self.connection.vsn();
        Frame::push(vsn, self.join_ref(), &self.topic, event, payload)
    }

    pub(crate) fn reply(&self, reference: Option<&str>, status: &str, response: &Payload) {
        let (vsn, join_ref) = (self.connection.vsn(), self.join_ref());
        let frame = Frame::reply(vsn, join_ref, reference, &self.topic, status, response);
        self.connection.send(frame);
    }

    /// Answers the join itself, with the refs that it came with.
    pub(crate) fn reply_to_join(&self, reference: Option<&str>, status: &str, response: &Payload) {
        let (vsn, join_ref) = (self.connection.vsn(), self.given_join_ref());
        let frame = Frame::reply(vsn, join_ref, reference, &self.topic, status, response);
        self.connection.send(frame);
    }

    /// Tells the client that the channel has ended on purpose.
    pub(crate) fn push_close(&self) {
        self.push_end(events::PHX_CLOSE, "{}");
    }

    /// Tells the client that the channel has failed.
    pub(crate) fn push_error(&self) {
        self.push_end(events::PHX_ERROR, r#"{"reason":"channel_crash"}"#);
    }

    fn push_end(&self, event: &str, payload: &str) {
        let (vsn, join_ref) = (self.connection.vsn(), self.given_join_ref());
        let frame = Frame::text(vsn, join_ref, join_ref, &self.topic, event, payload);
        self.connection.send(Some(frame));
    }

    fn given_join_ref(&self) -> Option<&str> {
        self.join_ref().filter(|_| self.join_ref_given)
    }
}
