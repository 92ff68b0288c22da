//! What frames mean: the state machine of [`herenow_core::client`], and what passes it by.
//!
//! Replies, closes, errors and heartbeats are the client's. Events of the application go past it, straight
//! to whoever looks at them: of a frame with such an event only the envelope is read, because a generator
//! that checked all of each of a million frames would measure itself.

use herenow_core::client::{
    ChannelId, Client, CloseCause, Config, ConnectionId, Encoded, Event, Outcome, Output, PushId,
};
use herenow_core::protocol::json::{Cursor, Str};
use herenow_core::protocol::{PHOENIX_TOPIC, json};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Frame as WebSocketFrame;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

use super::inbox::Frame;
use super::{CLOSE_NORMAL, milliseconds};
use crate::error::Error;
use crate::run::Run;

/// What the names of Phoenix's own events begin with.
const PHOENIX_EVENT: &str = "phx_";

/// Something that a session has seen.
pub(crate) enum Seen<'a> {
    /// A join was answered with `ok`.
    Joined(ChannelId),
    /// An event of the application.
    Message(Message<'a>),
}

/// An event of the application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) topic: Str<'a>,
    pub(crate) event: Str<'a>,
    /// JSON that has not been looked at: whoever reads it validates it.
    pub(crate) payload: &'a str,
}

/// A client over one connection, and the bytes that it wants to send.
#[derive(Debug)]
pub(super) struct Protocol {
    user: String,
    join_params: String,
    client: Client,
    connection: ConnectionId,
    outgoing: Vec<u8>,
    /// Changes with every frame. Masks keep proxies from taking payloads for requests; that takes none
    /// that is hard to guess, as long as there is no attacker who chooses the payloads.
    mask: u32,
    /// The code with which the server has closed.
    closed_with: Option<u16>,
}

impl Protocol {
    /// On a connection that was just opened.
    pub(super) fn open(run: &Run, user: String) -> Self {
        // A server under load may take long, and a join that was given up would be sent again.
        let patience = run.options().timeout.saturating_mul(1000);
        let mut client = Client::new(Config {
            timeout: patience,
            ..Config::default()
        });
        client.connect();
        let Some(Output::Connect(connection)) = client.poll_output() else {
            unreachable!("a new client that is told to connect does so");
        };
        client.transport_opened(milliseconds(run.clock().elapsed()), connection);
        Self {
            join_params: run.options().join_params(&user),
            user,
            client,
            connection,
            outgoing: Vec::new(),
            mask: 0x9e37_79b9,
            closed_with: None,
        }
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// Frames to be sent.
    pub(super) fn outgoing(&mut self) -> &mut Vec<u8> {
        &mut self.outgoing
    }

    /// Says that nothing more comes.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        let code = CloseCode::from(CLOSE_NORMAL);
        let reason = "".into();
        self.send(WebSocketFrame::close(Some(CloseFrame { code, reason })))
    }

    pub(super) fn closed_with(&self) -> Option<u16> {
        self.closed_with
    }

    pub(super) fn poll_timeout(&mut self) -> Option<u64> {
        self.client.poll_timeout()
    }

    pub(super) fn handle_timeout(&mut self, now: u64) -> Result<(), Error> {
        self.client.handle_timeout(now);
        self.carry_out()
    }

    pub(super) fn join(&mut self, now: u64, topic: &str) -> Result<ChannelId, Error> {
        let channel = self.client.channel(topic, self.join_params.clone());
        self.client
            .join(now, channel, None)
            .map_err(|error| Error::answer(&self.user, error.to_string()))?;
        self.carry_out()?;
        Ok(channel)
    }

    pub(super) fn leave(&mut self, channel: ChannelId) -> Result<(), Error> {
        self.client.leave(channel);
        self.carry_out()
    }

    pub(super) fn push(
        &mut self,
        now: u64,
        channel: ChannelId,
        event: &str,
        payload: String,
    ) -> Result<PushId, Error> {
        let pushed = self
            .client
            .push(now, channel, event.to_owned(), payload, None);
        let push = pushed.map_err(|error| Error::answer(&self.user, error.to_string()))?;
        self.carry_out()?;
        Ok(push)
    }

    pub(super) fn receive<T>(
        &mut self,
        now: u64,
        frame: Frame<'_>,
        on: &mut impl FnMut(Seen<'_>) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        match frame.opcode {
            OpCode::Data(Data::Text) => self.receive_text(now, frame.payload, on),
            OpCode::Control(Control::Ping) => {
                self.send(WebSocketFrame::pong(frame.payload.to_vec()))?;
                Ok(None)
            }
            OpCode::Control(Control::Close) => Err(self.closed(frame.payload)),
            // Binary payloads are the application's, and no scenario looks at them.
            _ => Ok(None),
        }
    }

    fn receive_text<T>(
        &mut self,
        now: u64,
        bytes: &[u8],
        on: &mut impl FnMut(Seen<'_>) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            Error::connection(&self.user, format_args!("a text frame: {error}"))
        })?;
        if let Some(message) = application_event(text) {
            return on(Seen::Message(message));
        }
        let spans = self.client.received(now, self.connection, text);
        let spans = spans
            .map_err(|error| Error::connection(&self.user, format_args!("a frame: {error}")))?;
        let response = spans.unwrap_or_default().response.text(text);
        match self.carry_out_reply(response)? {
            Some(channel) => on(Seen::Joined(channel)),
            None => Ok(None),
        }
    }

    /// Does what the client wants.
    fn carry_out(&mut self) -> Result<(), Error> {
        self.carry_out_reply("").map(|_| ())
    }

    /// Does what the client wants after a frame, which had this response if it was a reply. Returns the channel
    /// whose join was answered, if that is what the frame said; a frame says one thing only.
    fn carry_out_reply(&mut self, response: &str) -> Result<Option<ChannelId>, Error> {
        let mut joined = None;
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Send(frame) => {
                    let encoded = frame.encode();
                    let encoded =
                        encoded.map_err(|error| Error::answer(&self.user, error.to_string()))?;
                    self.send(data_frame(encoded))?;
                }
                Output::Event(event) => joined = self.happened(event, response)?.or(joined),
                Output::Close(_, close) => return Err(Error::connection(&self.user, close.reason)),
                // Both follow only upon the end of the connection, which is an error already.
                Output::Connect(_) | Output::AskDelay(..) => {}
            }
        }
        Ok(joined)
    }

    fn happened(&self, event: Event, response: &str) -> Result<Option<ChannelId>, Error> {
        let problem = match event {
            Event::JoinSettled { channel, outcome } => match outcome {
                Outcome::Timeout => "a join was not answered in time".into(),
                outcome if outcome.is_ok() => return Ok(Some(channel)),
                Outcome::Reply(_) => format!("the join was refused: {response}"),
            },
            Event::PushSettled { outcome, .. } if !outcome.is_ok() => match outcome {
                // Not every event is replied to.
                Outcome::Timeout => return Ok(None),
                Outcome::Reply(_) => format!("a push was refused: {response}"),
            },
            Event::ChannelErrored { .. } => {
                "the server reports that the channel has crashed".into()
            }
            Event::ChannelClosed {
                cause: CloseCause::Server,
                ..
            } => "the server has closed the channel".into(),
            _ => return Ok(None),
        };
        Err(Error::answer(&self.user, problem))
    }

    fn send(&mut self, mut frame: WebSocketFrame) -> Result<(), Error> {
        // A linear congruential generator's step.
        self.mask = self
            .mask
            .wrapping_mul(747_796_405)
            .wrapping_add(2_891_336_453);
        frame.header_mut().mask = Some(self.mask.to_be_bytes());
        frame
            .format(&mut self.outgoing)
            .map_err(|error| Error::connection(&self.user, error))
    }

    fn closed(&mut self, payload: &[u8]) -> Error {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return Error::connection(&self.user, "closed by the server");
        };
        let (code, reason) = (u16::from_be_bytes(*code), String::from_utf8_lossy(reason));
        self.closed_with = Some(code);
        let problem = format_args!("closed by the server: {code} {reason}");
        Error::connection(&self.user, problem)
    }
}

fn data_frame(encoded: Encoded) -> WebSocketFrame {
    let (bytes, data) = match encoded {
        Encoded::Text(text) => (text.into_bytes(), Data::Text),
        Encoded::Binary(bytes) => (bytes, Data::Binary),
    };
    WebSocketFrame::message(bytes, OpCode::Data(data), true)
}

/// The parts of a frame that is none of Phoenix's own. Whatever is not to be understood is the client's,
/// which will say what is wrong with it.
fn application_event(text: &str) -> Option<Message<'_>> {
    let mut cursor = Cursor::new(text);
    cursor.enter_array().ok()?;
    for _ in ["join_ref", "ref"] {
        cursor.next_element().ok()?.then_some(())?;
        cursor.value().ok()?;
    }
    let mut string = || {
        cursor.next_element().ok()?.then_some(())?;
        cursor.string().ok()
    };
    let (topic, event) = (string()?, string()?);
    if event.raw().starts_with(PHOENIX_EVENT) || topic == *PHOENIX_TOPIC {
        return None;
    }
    cursor.next_element().ok()?.then_some(())?;
    cursor.peek()?;
    let payload = text.get(cursor.offset()..)?.trim_end().strip_suffix(']')?;
    Some(Message {
        topic,
        event,
        payload,
    })
}

impl Message<'_> {
    pub(crate) fn is(&self, event: &str) -> bool {
        self.event == *event
    }

    /// The number under this name in the payload.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        json::get(self.payload, name)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_the_application_is_split_by_its_envelope() {
        let text = r#"["1", null, "room:a", "shout" , {"n": 7, "list": [1]} ]"#;
        let message = application_event(text).unwrap();
        assert!(message.is("shout") && message.topic == *"room:a");
        assert_eq!(message.payload.trim_end(), r#"{"n": 7, "list": [1]}"#);
        assert_eq!(message.number("n"), Some(7));
        assert_eq!(message.number("m"), None);
    }

    #[test]
    fn phoenixs_own_events_and_what_is_no_frame_go_to_the_client() {
        for text in [
            r#"["1","1","room:a","phx_reply",{"status":"ok","response":{}}]"#,
            r#"[null,"9","phoenix","reply",{}]"#,
            r#"["1","1","room:a"]"#,
            r#"["1","1","room:a","shout"]"#,
            r#"{"topic":"room:a"}"#,
            "",
        ] {
            assert!(application_event(text).is_none(), "{text}");
        }
    }
}
