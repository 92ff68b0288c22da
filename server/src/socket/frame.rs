//! A message as it goes to clients: encoded once, shared by all who get it.

use std::sync::Arc;

use herenow_core::protocol::binary::{self, ServerMessage, ref_from_json};
use herenow_core::protocol::{self, Outgoing, Vsn};

use crate::channel::Payload;

/// An encoded message, with the head of its WebSocket frame in front: what a server sends is not masked,
/// so the bytes on the wire are the same for everybody. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Frame(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    /// Room for the largest head, and then the payload.
    bytes: Vec<u8>,
    /// Where in that room the head begins.
    start: usize,
    kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A change of who is present in this topic. A reader that is too slow gets the whole state instead.
    Diff(Arc<str>),
    /// A message that nothing can replace.
    Message,
    /// A WebSocket control frame.
    Control,
}

/// The largest head of an unmasked WebSocket frame.
const MAX_HEAD: usize = 10;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const FINAL: u8 = 0x80;

impl Frame {
    /// A text message with a JSON payload.
    pub(crate) fn text(
        vsn: Vsn,
        join_ref: Option<&str>,
        reference: Option<&str>,
        topic: &str,
        event: &str,
        payload: &str,
    ) -> Self {
        let message = Outgoing {
            join_ref,
            reference,
            topic,
            event,
            payload,
        };
        Self::from_text(Kind::Message, |out| protocol::encode(vsn, out, &message))
    }

    /// A message to one channel. `None` if there is no such frame (which is logged): see [`Payload`].
    pub(crate) fn push(
        vsn: Vsn,
        join_ref: Option<&str>,
        topic: &str,
        event: &str,
        payload: &Payload,
    ) -> Option<Self> {
        if let Some(json) = payload.as_json() {
            return Some(Self::text(vsn, join_ref, None, topic, event, json));
        }
        let message = ServerMessage::Push {
            join_ref: &ref_from_json(join_ref),
            topic,
            event,
            data: payload.as_binary()?,
        };
        Self::from_binary(vsn, &message)
    }

    /// The answer to a message. `None` as for [`push`](Self::push).
    pub(crate) fn reply(
        vsn: Vsn,
        join_ref: Option<&str>,
        reference: Option<&str>,
        topic: &str,
        status: &str,
        response: &Payload,
    ) -> Option<Self> {
        if let Some(json) = response.as_json() {
            return Some(Self::from_text(Kind::Message, |out| {
                protocol::encode_reply(vsn, out, join_ref, reference, topic, status, json);
            }));
        }
        let message = ServerMessage::Reply {
            join_ref: &ref_from_json(join_ref),
            reference: &ref_from_json(reference),
            topic,
            status,
            data: response.as_binary()?,
        };
        Self::from_binary(vsn, &message)
    }

    /// A message to everybody in a topic. `None` as for [`push`](Self::push).
    pub(crate) fn broadcast(
        vsn: Vsn,
        kind: Kind,
        topic: &str,
        event: &str,
        payload: &Payload,
    ) -> Option<Self> {
        if let Some(payload) = payload.as_json() {
            let message = Outgoing {
                join_ref: None,
                reference: None,
                topic,
                event,
                payload,
            };
            return Some(Self::from_text(kind, |out| {
                protocol::encode(vsn, out, &message);
            }));
        }
        let data = payload.as_binary()?;
        Self::from_binary(vsn, &ServerMessage::Broadcast { topic, event, data })
    }

    /// Control frames that are complete as they are.
    pub(crate) fn control(bytes: Vec<u8>) -> Self {
        let (start, kind) = (0, Kind::Control);
        Self(Arc::new(Encoded { bytes, start, kind }))
    }

    /// The WebSocket frame.
    pub(crate) fn wire(&self) -> &[u8] {
        &self.0.bytes[self.0.start..]
    }

    pub(crate) fn is_text(&self) -> bool {
        self.wire().first() == Some(&(FINAL | TEXT))
    }

    /// The message by itself, for transports that are no WebSocket; `None` if it is binary.
    pub(crate) fn text_message(&self) -> Option<&str> {
        let message = self.0.bytes.get(MAX_HEAD..).filter(|_| self.is_text())?;
        std::str::from_utf8(message).ok()
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0.kind
    }

    fn from_text(kind: Kind, write: impl FnOnce(&mut String)) -> Self {
        let mut text = "\0".repeat(MAX_HEAD);
        write(&mut text);
        Self::sealed(kind, TEXT, text.into_bytes())
    }

    fn from_binary(vsn: Vsn, message: &ServerMessage<'_>) -> Option<Self> {
        if vsn == Vsn::V1 {
            tracing::error!(?message, "dropped a message: V1 has no binary frames");
            return None;
        }
        let mut bytes = vec![0; MAX_HEAD];
        if let Err(error) = binary::encode_server(&mut bytes, message) {
            tracing::error!(%error, "dropped a message that fits no binary frame");
            return None;
        }
        Some(Self::sealed(Kind::Message, BINARY, bytes))
    }

    /// Writes the head into the room in front of the payload.
    fn sealed(kind: Kind, opcode: u8, mut bytes: Vec<u8>) -> Self {
        let length = bytes.len() - MAX_HEAD;
        let mut head = [0; MAX_HEAD];
        let size = match u8::try_from(length) {
            Ok(short @ 0..=125) => {
                head[1] = short;
                2
            }
            _ => match u16::try_from(length) {
                Ok(medium) => {
                    head[1] = 126;
                    head[2..4].copy_from_slice(&medium.to_be_bytes());
                    4
                }
                Err(_) => {
                    head[1] = 127;
                    head[2..10].copy_from_slice(&(length as u64).to_be_bytes());
                    10
                }
            },
        };
        head[0] = FINAL | opcode;
        let start = MAX_HEAD - size;
        bytes[start..MAX_HEAD].copy_from_slice(&head[..size]);
        Self(Arc::new(Encoded { bytes, start, kind }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;

    #[test]
    fn the_head_tells_the_length_of_the_payload_at_every_size() {
        for padding in [0, 90, 91, 92, 93, 200, 65_500, 65_510, 65_600, 100_000] {
            let payload = format!("\"{}\"", "x".repeat(padding));
            let frame = Frame::text(Vsn::V2, None, None, "room:1", "event", &payload);
            let mut cursor = Cursor::new(frame.wire());
            let (head, length) = FrameHeader::parse(&mut cursor).unwrap().unwrap();
            let rest = &frame.wire()[usize::try_from(cursor.position()).unwrap()..];
            assert!(head.is_final && head.mask.is_none());
            assert_eq!(length, rest.len() as u64);
            let text = std::str::from_utf8(rest).unwrap();
            assert_eq!(text, format!(r#"[null,null,"room:1","event",{payload}]"#));
            assert_eq!(frame.text_message(), Some(text));
        }
    }

    #[test]
    fn only_text_is_a_text_message() {
        let payload = Payload::binary(b"binary".to_vec());
        let binary = Frame::push(Vsn::V2, None, "room:1", "event", &payload).unwrap();
        assert_eq!(binary.text_message(), None);
        assert_eq!(Frame::control(vec![0x89, 0]).text_message(), None);
    }

    #[test]
    fn a_binary_payload_has_no_frame_in_v1_or_when_the_topic_is_too_long_for_one() {
        let payload = Payload::binary(vec![1]);
        assert!(Frame::push(Vsn::V2, None, "room:1", "event", &payload).is_some());
        assert!(Frame::push(Vsn::V1, None, "room:1", "event", &payload).is_none());
        let long = "x".repeat(256);
        assert!(Frame::push(Vsn::V2, None, &long, "event", &payload).is_none());
        assert!(Frame::reply(Vsn::V2, None, None, &long, "ok", &payload).is_none());
        assert!(Frame::broadcast(Vsn::V2, Kind::Message, &long, "event", &payload).is_none());
    }
}
