//! Taking frames apart. Nothing is copied on the way.

use alloc::sync::Arc;

use super::Client;
use super::output::{ConnectionId, MessageSpans, Span, Status};
use super::receive::{Incoming, JoinRef, Kind};
use crate::protocol::binary::{self, ServerMessage};
use crate::protocol::{self, DecodeError, Reply, Str, Vsn, events};

/// A string of a text or a binary frame.
#[derive(Clone, Copy)]
enum Name<'a> {
    Json(Str<'a>),
    Bare(&'a str),
}

impl Name<'_> {
    fn is(self, other: &str) -> bool {
        match self {
            Self::Json(string) => string == *other,
            Self::Bare(string) => string == other,
        }
    }
}

impl PartialEq<Arc<str>> for Name<'_> {
    fn eq(&self, topic: &Arc<str>) -> bool {
        self.is(topic)
    }
}

impl Client {
    /// A text frame came. Returns where its parts stand; `None` means that it was dropped, because the
    /// connection is not in use or not open. After an error nothing has changed. Poll for outputs (with
    /// the parts at hand, which some events are about) and the timeout afterwards.
    pub fn received(
        &mut self,
        now: u64,
        connection: ConnectionId,
        text: &str,
    ) -> Result<Option<MessageSpans>, DecodeError> {
        if !self.listens_to(connection) {
            return Ok(None);
        }
        let (incoming, spans) = text_frame(text)?;
        self.deliver(now, connection, &incoming);
        Ok(Some(spans))
    }

    /// A binary frame came. Otherwise as [`received`](Self::received).
    pub fn received_binary(
        &mut self,
        now: u64,
        connection: ConnectionId,
        frame: &[u8],
    ) -> Result<Option<MessageSpans>, binary::Error> {
        if !self.listens_to(connection) {
            return Ok(None);
        }
        let (incoming, spans) = binary_frame(frame)?;
        self.deliver(now, connection, &incoming);
        Ok(Some(spans))
    }
}

fn text_frame(text: &str) -> Result<(Incoming<Name<'_>>, MessageSpans), DecodeError> {
    let message = protocol::decode(Vsn::V2, text)?;
    let span = |part: &str| Span::within(text.as_bytes(), part.as_bytes());
    let mut spans = MessageSpans {
        join_ref: message.join_ref.map(span).unwrap_or_default(),
        reference: message.reference.map(span).unwrap_or_default(),
        topic: span(message.topic.raw()),
        event: span(message.event.raw()),
        payload: span(message.payload),
        ..MessageSpans::default()
    };
    let kind = if message.event != *events::PHX_REPLY {
        kind_of(Name::Json(message.event))
    } else if let Ok(Reply { status, response }) = Reply::parse(message.payload) {
        (spans.status, spans.response) = (span(status.raw()), span(response));
        Kind::Reply(status_of(Name::Json(status)))
    } else {
        // An answer all the same: it just says neither ok nor error.
        spans.response = spans.payload;
        Kind::Reply(Status::Other)
    };
    let incoming = Incoming {
        join_ref: join_ref(message.join_ref.map(unquoted)),
        reference: message.reference.map(unquoted).and_then(number),
        topic: Name::Json(message.topic),
        kind,
    };
    Ok((incoming, spans))
}

fn binary_frame(frame: &[u8]) -> Result<(Incoming<Name<'_>>, MessageSpans), binary::Error> {
    let span = |part: &str| Span::within(frame, part.as_bytes());
    let (join, reference, topic, event, data, is_reply) = match binary::decode_server(frame)? {
        ServerMessage::Push {
            join_ref,
            topic,
            event,
            data,
        } => (join_ref, "", topic, event, data, false),
        ServerMessage::Reply {
            join_ref,
            reference,
            topic,
            status,
            data,
        } => (join_ref, reference, topic, status, data, true),
        ServerMessage::Broadcast { topic, event, data } => ("", "", topic, event, data, false),
    };
    let mut spans = MessageSpans {
        join_ref: span(join),
        reference: span(reference),
        topic: span(topic),
        event: span(event),
        payload: Span::within(frame, data),
        ..MessageSpans::default()
    };
    let kind = if is_reply {
        (spans.status, spans.response) = (spans.event, spans.payload);
        Kind::Reply(status_of(Name::Bare(event)))
    } else {
        kind_of(Name::Bare(event))
    };
    let incoming = Incoming {
        join_ref: join_ref(Some(join)),
        reference: number(reference),
        topic: Name::Bare(topic),
        kind,
    };
    Ok((incoming, spans))
}

fn kind_of(event: Name<'_>) -> Kind {
    if event.is(events::PHX_ERROR) {
        Kind::Error
    } else if event.is(events::PHX_CLOSE) {
        Kind::Close
    } else {
        Kind::Other
    }
}

fn status_of(word: Name<'_>) -> Status {
    if word.is("ok") {
        Status::Ok
    } else if word.is("error") {
        Status::Error
    } else {
        Status::Other
    }
}

fn join_ref(bare: Option<&str>) -> JoinRef {
    match bare {
        None | Some("") => JoinRef::Any,
        Some(text) => number(text).map_or(JoinRef::Foreign, JoinRef::Ours),
    }
}

/// The refs that we send are strings of digits and come back as such; anything else is none of ours and
/// stays what it is.
fn unquoted(json: &str) -> &str {
    let inner = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or("?")
}

fn number(text: &str) -> Option<u64> {
    // Not `parse`, which takes "+1" and "01" for 1.
    if text.is_empty() || text.starts_with('0') {
        return None;
    }
    text.bytes().try_fold(0u64, |number, byte| {
        let digit = char::from(byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}
