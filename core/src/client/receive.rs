//! What comes in: to whom it goes and what it changes. Nothing is copied on the way.

use super::Client;
use super::channel::{Channel, ChannelState, NONE};
use super::output::{
    ChannelId, CloseCause, ConnectionId, ErrorCause, Event, MessageSpans, Outcome, Span, Status,
};
use crate::protocol::binary::{self, ServerMessage};
use crate::protocol::{self, DecodeError, Reply, Str, Vsn, events};

/// A message with what is needed to find out where it goes.
struct Incoming<'a> {
    join_ref: JoinRef,
    reference: Option<u64>,
    topic: Name<'a>,
    kind: Kind,
    spans: MessageSpans,
}

/// Which join of a channel a message belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum JoinRef {
    /// To whoever has the topic: it is a broadcast.
    Any,
    Ours(u64),
    /// One that we cannot have sent.
    Foreign,
}

#[derive(Clone, Copy)]
enum Kind {
    Reply(Outcome),
    Error,
    Close,
    Other,
}

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

impl<P: Clone + Default> Client<P> {
    /// A text frame came. Returns where its parts stand; `None` means that it was dropped, because the
    /// connection is not in use or not open. After an error nothing has changed. Poll for outputs (with
    /// `text` at hand, which their [`Span`]s point into) and the timeout afterwards.
    pub fn received(
        &mut self,
        now: u64,
        connection: ConnectionId,
        text: &str,
    ) -> Result<Option<MessageSpans>, DecodeError> {
        if !self.listens_to(connection) {
            return Ok(None);
        }
        let incoming = text_frame(text)?;
        self.deliver(now, &incoming);
        Ok(Some(incoming.spans))
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
        let incoming = binary_frame(frame)?;
        self.deliver(now, &incoming);
        Ok(Some(incoming.spans))
    }

    fn listens_to(&self, connection: ConnectionId) -> bool {
        self.is_current(connection) && self.is_connected()
    }

    fn deliver(&mut self, now: u64, incoming: &Incoming<'_>) {
        if let Some(reference) = incoming.reference {
            self.heartbeat_answered(now, reference);
        }
        let mut last = NONE;
        while let Some(id) = self.channels.next_after(last, |c| incoming.is_for(c)) {
            self.deliver_to(now, id, incoming);
            last = id;
        }
        if let Some(reference) = incoming.reference {
            self.ping_answered(now, reference);
        }
    }

    fn deliver_to(&mut self, now: u64, id: ChannelId, incoming: &Incoming<'_>) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        match incoming.kind {
            Kind::Reply(outcome) => {
                let joining = channel.state == ChannelState::Joining;
                let joining = joining.then_some(channel.join_ref).flatten();
                self.reply_to(now, id, joining, outcome, incoming);
            }
            // A channel that was never joined is not there to be ended.
            Kind::Error if channel.joined_once => {
                self.error_channel(now, id, ErrorCause::Server(incoming.spans));
            }
            Kind::Close if channel.joined_once => {
                self.end_channel(id, CloseCause::Server(incoming.spans));
            }
            Kind::Error | Kind::Close | Kind::Other => self.event(Event::Message {
                channel: id,
                message: incoming.spans,
            }),
        }
    }

    /// `joining` is the ref of the join that the channel waits for.
    fn reply_to(
        &mut self,
        now: u64,
        channel: ChannelId,
        joining: Option<u64>,
        outcome: Outcome,
        incoming: &Incoming<'_>,
    ) {
        let reference = incoming.reference;
        if reference.is_some() && reference == joining {
            return self.join_answered(now, channel, outcome);
        }
        let push = reference.and_then(|reference| self.pushes.take_sent(channel, reference));
        self.event(match push {
            Some(push) => Event::PushSettled {
                channel,
                push,
                outcome,
            },
            None => Event::UnclaimedReply {
                channel,
                message: incoming.spans,
            },
        });
    }
}

impl Incoming<'_> {
    fn is_for<P>(&self, channel: &Channel<P>) -> bool {
        let join = match self.join_ref {
            JoinRef::Any => true,
            JoinRef::Ours(join_ref) => channel.join_ref == Some(join_ref),
            JoinRef::Foreign => false,
        };
        join && self.topic.is(&channel.topic)
    }
}

fn text_frame(text: &str) -> Result<Incoming<'_>, DecodeError> {
    let message = protocol::decode(Vsn::V2, text)?;
    let span = |part: &str| Span::within(text.as_bytes(), part.as_bytes());
    let kind = if message.event == events::PHX_REPLY {
        Kind::Reply(match Reply::parse(message.payload) {
            Ok(Reply { status, response }) => {
                outcome(Name::Json(status), span(status.raw()), span(response))
            }
            // An answer all the same: it just says neither ok nor error.
            Err(_) => outcome(Name::Bare(""), Span::default(), span(message.payload)),
        })
    } else {
        Kind::of(Name::Json(message.event))
    };
    Ok(Incoming {
        join_ref: JoinRef::of(message.join_ref.map(unquoted)),
        reference: message.reference.map(unquoted).and_then(number),
        topic: Name::Json(message.topic),
        kind,
        spans: MessageSpans {
            join_ref: message.join_ref.map(span).unwrap_or_default(),
            reference: message.reference.map(span).unwrap_or_default(),
            topic: span(message.topic.raw()),
            event: span(message.event.raw()),
            payload: span(message.payload),
        },
    })
}

fn binary_frame(frame: &[u8]) -> Result<Incoming<'_>, binary::Error> {
    let span = |part: &str| Span::within(frame, part.as_bytes());
    let (join_ref, reference, topic, event, data, is_reply) = match binary::decode_server(frame)? {
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
    let spans = MessageSpans {
        join_ref: span(join_ref),
        reference: span(reference),
        topic: span(topic),
        event: span(event),
        payload: Span::within(frame, data),
    };
    let kind = if is_reply {
        Kind::Reply(outcome(Name::Bare(event), spans.event, spans.payload))
    } else {
        Kind::of(Name::Bare(event))
    };
    Ok(Incoming {
        join_ref: JoinRef::of(Some(join_ref)),
        reference: number(reference),
        topic: Name::Bare(topic),
        kind,
        spans,
    })
}

impl Kind {
    fn of(event: Name<'_>) -> Self {
        if event.is(events::PHX_ERROR) {
            Self::Error
        } else if event.is(events::PHX_CLOSE) {
            Self::Close
        } else {
            Self::Other
        }
    }
}

fn outcome(status: Name<'_>, word: Span, response: Span) -> Outcome {
    let status = if status.is("ok") {
        Status::Ok
    } else if status.is("error") {
        Status::Error
    } else {
        Status::Other
    };
    Outcome::Reply {
        status,
        word,
        response,
    }
}

impl JoinRef {
    fn of(bare: Option<&str>) -> Self {
        match bare {
            None | Some("") => Self::Any,
            Some(text) => number(text).map_or(Self::Foreign, Self::Ours),
        }
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
