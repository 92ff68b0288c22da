//! What goes out: frames before they are encoded, and their encoding.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::content::{Content, Payload, Text};
use super::output::{ChannelId, PushId};
use crate::protocol::{Outgoing, PHOENIX_TOPIC, Vsn, binary, encode, events};

/// A message to be written to the transport.
///
/// It names its channel and push besides what the wire needs, so that a driver that keeps topics and payloads
/// itself can write the frame without the client ever having seen them. Everybody else calls
/// [`encode`](Frame::encode).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<C: Content = Text> {
    /// The channel that it belongs to, if any.
    pub channel: Option<ChannelId>,
    /// The push that it carries out, if it is one.
    pub push: Option<PushId>,
    /// The ref of the channel's join.
    pub join_ref: Option<u64>,
    /// The message's own ref.
    pub reference: Option<u64>,
    /// The topic; of heartbeats, which have always the same, it is the default.
    pub topic: C::Topic,
    /// The event.
    pub event: FrameEvent<C::Event>,
    /// The payload; of leaves and heartbeats it is the default.
    pub payload: C::Payload,
}

/// The event of a [`Frame`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameEvent<E = <Text as Content>::Event> {
    /// `phx_join`
    Join,
    /// `phx_leave`
    Leave,
    /// `heartbeat`
    Heartbeat,
    /// An event of the application.
    Named(E),
}

impl<E: AsRef<str>> FrameEvent<E> {
    /// The event as the wire has it.
    pub fn name(&self) -> &str {
        match self {
            Self::Join => events::PHX_JOIN,
            Self::Leave => events::PHX_LEAVE,
            Self::Heartbeat => events::HEARTBEAT,
            Self::Named(name) => name.as_ref(),
        }
    }
}

/// A frame as the transport takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Vec<u8>),
}

impl Frame {
    /// The topic as the wire has it.
    pub fn topic(&self) -> &str {
        match self.event {
            FrameEvent::Heartbeat => PHOENIX_TOPIC,
            _ => &self.topic,
        }
    }

    /// Writes the frame. It fails only for a binary payload whose topic or event is longer than the
    /// [`binary::MAX_STRING`] bytes that such a frame can hold.
    pub fn encode(&self) -> Result<Encoded, binary::Error> {
        match &self.payload {
            Payload::Json(json) => Ok(Encoded::Text(self.text(json))),
            Payload::Binary(data) => self.binary(data).map(Encoded::Binary),
        }
    }

    fn text(&self, payload: &str) -> String {
        let quoted = |reference: u64| ["\"", &reference.to_string(), "\""].concat();
        let (join_ref, reference) = (self.join_ref.map(quoted), self.reference.map(quoted));
        let mut text = String::new();
        let message = Outgoing {
            join_ref: join_ref.as_deref(),
            reference: reference.as_deref(),
            topic: self.topic(),
            event: self.event.name(),
            payload,
        };
        encode(Vsn::V2, &mut text, &message);
        text
    }

    fn binary(&self, data: &[u8]) -> Result<Vec<u8>, binary::Error> {
        let bare = |reference: Option<u64>| reference.map_or(String::new(), |r| r.to_string());
        let mut frame = Vec::new();
        let push = binary::Push {
            join_ref: &bare(self.join_ref),
            reference: &bare(self.reference),
            topic: self.topic(),
            event: self.event.name(),
            data,
        };
        binary::encode_push(&mut frame, &push)?;
        Ok(frame)
    }
}
