//! The decisions of a browser's `Socket`: [`herenow_core::client`] behind calls that carry numbers only.
//!
//! JavaScript owns the WebSocket, the timer and everything that is an object or a string: topics apart,
//! the client here knows payloads, events and callbacks by number. Its outputs are polled one by one: a
//! kind, and up to six numbers of detail.

use crate::rx;
use herenow_core::client::{
    ChannelId, ChannelState, Client, Close, CloseCause, Config, ConnectionId, ErrorCause, Event,
    Frame, FrameEvent, Outcome, Output, PushId, Schedule, Timer,
};
use wasm_bindgen::prelude::wasm_bindgen;

/// What JavaScript keeps a payload under. Of joins and pushes it knows the payload by the channel or the
/// push, so only messages of no channel use it.
type Handle = u32;

/// What `poll` returns. Repeated in `js/socket.js`.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Nothing,
    /// connection
    Connect,
    /// what ([`Sent`]), channel, push, join_ref, ref, handle
    Send,
    /// connection, whether for want of a heartbeat
    Close,
    /// channel (0: the socket's reconnect), number of the try
    AskDelay,
    Opened,
    Failed,
    Closed,
    /// connection
    Disconnected,
    /// ref, round trip
    Pong,
    /// channel, whether it is a reply
    JoinSettled,
    /// push, whether it is a reply
    PushSettled,
    /// channel
    Message,
    /// channel
    UnclaimedReply,
    /// channel, why (0: the server says so; 1 heartbeat, 2 closed, 3 error)
    ChannelErrored,
    /// channel, whether the server closed it, join_ref
    ChannelClosed,
}

/// Which frame to write.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Sent {
    Join,
    Leave,
    Heartbeat,
    Push,
    Direct,
}

/// What a transport reports. Repeated in `js/socket.js`.
struct Transport;

impl Transport {
    const OPENED: u8 = 0;
    const OPENED_WITHOUT_HEARTBEATS: u8 = 1;
    const ERRORED: u8 = 2;
    const CLOSING: u8 = 3;
    const CLOSED: u8 = 4;
    /// It could not be made.
    const REFUSED: u8 = 5;
}

/// What the page does. Repeated in `js/page.js`.
struct Page;

impl Page {
    const HIDDEN: u8 = 0;
    /// It is visible, as it may have been before.
    const VISIBLE: u8 = 1;
    /// It has just become visible.
    const SHOWN: u8 = 2;
    const LEFT: u8 = 3;
    const RETURNED: u8 = 4;
}

/// The state machine of one `Socket`.
#[wasm_bindgen]
pub struct SocketCore {
    client: Client<Handle>,
    details: [f64; 6],
}

#[wasm_bindgen]
impl SocketCore {
    /// A socket whose joins and pushes wait `timeout` ms, unless they say otherwise.
    #[wasm_bindgen(constructor)]
    pub fn new(timeout: f64, heartbeat_interval: f64) -> Self {
        Self {
            client: Client::new(Config {
                timeout: timeout as u64,
                heartbeat_interval: heartbeat_interval as u64,
                reconnect_after: Schedule::Ask,
                rejoin_after: Schedule::Ask,
                ..Config::default()
            }),
            details: [0.0; 6],
        }
    }

    /// See [`Client::next_ref`].
    pub fn next_ref(&mut self) -> f64 {
        self.client.next_ref() as f64
    }

    /// The next output, as a `Kind`; `detail` has the rest of it.
    pub fn poll(&mut self) -> u8 {
        let Some(output) = self.client.poll_output() else {
            return Kind::Nothing as u8;
        };
        let (kind, details) = flatten(&output);
        self.details = details;
        kind as u8
    }

    /// A detail of the output that `poll` returned last.
    pub fn detail(&self, index: usize) -> f64 {
        self.details.get(index).copied().unwrap_or_default()
    }

    /// The time of the next `handle_timeout`; negative: none.
    pub fn poll_timeout(&mut self) -> f64 {
        self.client.poll_timeout().map_or(-1.0, |at| at as f64)
    }

    /// See [`Client::handle_timeout`].
    pub fn handle_timeout(&mut self, now: f64) {
        self.client.handle_timeout(now as u64);
    }

    /// The answer to `Kind::AskDelay`.
    pub fn set_delay(&mut self, now: f64, channel: u32, delay: f64) {
        let timer = match channel {
            0 => Timer::Reconnect,
            id => Timer::Rejoin(ChannelId::from_raw(id)),
        };
        self.client.set_delay(now as u64, timer, delay as u64);
    }

    // The connection.

    /// See [`Client::connect`].
    pub fn connect(&mut self) {
        self.client.connect();
    }

    /// See [`Client::disconnect`]. The close code stays in JavaScript. Returns the connection that is
    /// closing, or 0.
    pub fn disconnect(&mut self, now: f64) -> u32 {
        let closing = self.client.disconnect(now as u64, Close::default());
        closing.map_or(0, ConnectionId::get)
    }

    /// What a transport reports, as a `Transport`.
    pub fn transport(&mut self, now: f64, connection: u32, event: u8) {
        let (client, now) = (&mut self.client, now as u64);
        let connection = ConnectionId::from_raw(connection);
        match event {
            Transport::OPENED => client.transport_opened(now, connection),
            Transport::OPENED_WITHOUT_HEARTBEATS => {
                client.transport_opened(now, connection);
                if client.is_current(connection) {
                    client.skip_heartbeats();
                }
            }
            Transport::ERRORED => client.transport_errored(now, connection),
            Transport::CLOSING => client.transport_closing(connection),
            Transport::CLOSED => client.transport_closed(now, connection),
            Transport::REFUSED => client.transport_refused(connection),
            _ => {}
        }
    }

    /// What the page does, as a `Page`.
    pub fn page(&mut self, now: f64, event: u8) {
        let (client, now) = (&mut self.client, now as u64);
        match event {
            Page::HIDDEN => client.page_hidden(true),
            Page::VISIBLE => client.page_hidden(false),
            Page::SHOWN => client.page_shown(now),
            Page::LEFT => client.page_left(now),
            Page::RETURNED => client.page_returned(),
            _ => {}
        }
    }

    /// See [`Client::ping`]. Returns its ref, or 0.
    pub fn ping(&mut self, now: f64) -> f64 {
        self.client.ping(now as u64).unwrap_or_default() as f64
    }

    /// Sends a message of no channel, which JavaScript keeps under `handle`.
    pub fn send(&mut self, handle: Handle) {
        self.client.send("", "", None, handle);
    }

    // Frames.

    /// A message was written: as text, but of its payload no more than a reply's status, since what it brings
    /// stays in JavaScript. Returns 1 if it was a message, 0 if it was dropped, -1 if it was none.
    pub fn received(&mut self, now: f64, connection: u32) -> i32 {
        let connection = ConnectionId::from_raw(connection);
        match rx::with_text(|text| self.client.received(now as u64, connection, text)) {
            Ok(received) => received.is_some().into(),
            Err(_) => -1,
        }
    }

    // Channels and pushes.

    /// Makes a channel with the topic that was written.
    pub fn channel(&mut self) -> u32 {
        rx::with_text(|topic| self.client.channel(topic, 0u32)).get()
    }

    /// See [`Client::join`]. False: it was joined before.
    pub fn join(&mut self, now: f64, channel: u32, timeout: f64) -> bool {
        let channel = ChannelId::from_raw(channel);
        let joined = self.client.join(now as u64, channel, Some(timeout as u64));
        joined.is_ok()
    }

    /// See [`Client::leave`].
    pub fn leave(&mut self, channel: u32) {
        self.client.leave(ChannelId::from_raw(channel));
    }

    /// See [`Client::remove`].
    pub fn remove(&mut self, channel: u32) {
        self.client.remove(ChannelId::from_raw(channel));
    }

    /// 0 closed, 1 errored, 2 joining, 3 joined.
    pub fn channel_state(&self, channel: u32) -> u8 {
        match self.client.channel_state(ChannelId::from_raw(channel)) {
            ChannelState::Closed => 0,
            ChannelState::Errored => 1,
            ChannelState::Joining => 2,
            ChannelState::Joined => 3,
        }
    }

    /// See [`Client::join_ref`]; 0 if there is none.
    pub fn join_ref(&self, channel: u32) -> f64 {
        let join_ref = self.client.join_ref(ChannelId::from_raw(channel));
        join_ref.unwrap_or_default() as f64
    }

    /// See [`Client::push`]. Returns the push, or 0 if the channel was not joined before.
    pub fn push(&mut self, now: f64, channel: u32, timeout: f64) -> f64 {
        let channel = ChannelId::from_raw(channel);
        let timeout = Some(timeout as u64);
        let push = self.client.push(now as u64, channel, "", 0u32, timeout);
        push.map_or(0.0, |push| push.get() as f64)
    }
}

fn flatten(output: &Output<Handle>) -> (Kind, [f64; 6]) {
    match output {
        Output::Connect(connection) => (Kind::Connect, details([connection.get().into()])),
        Output::Send(frame) => (Kind::Send, frame_details(frame)),
        Output::Close(connection, close) => {
            let heartbeat = *close == Close::HEARTBEAT_TIMEOUT;
            let list = [connection.get().into(), heartbeat.into()];
            (Kind::Close, details(list))
        }
        Output::AskDelay(timer, tries) => {
            let channel = match timer {
                Timer::Reconnect => 0,
                Timer::Rejoin(channel) => channel.get(),
            };
            (Kind::AskDelay, details([channel.into(), (*tries).into()]))
        }
        Output::Event(event) => event_details(event),
    }
}

fn frame_details(frame: &Frame<Handle>) -> [f64; 6] {
    let what = match (&frame.event, frame.push) {
        (FrameEvent::Join, _) => Sent::Join,
        (FrameEvent::Leave, _) => Sent::Leave,
        (FrameEvent::Heartbeat, _) => Sent::Heartbeat,
        (FrameEvent::Named(_), Some(_)) => Sent::Push,
        (FrameEvent::Named(_), None) => Sent::Direct,
    };
    [
        f64::from(what as u8),
        frame.channel.map_or(0, ChannelId::get).into(),
        frame.push.map_or(0, PushId::get) as f64,
        frame.join_ref.unwrap_or_default() as f64,
        frame.reference.unwrap_or_default() as f64,
        frame.payload.into(),
    ]
}

fn event_details(event: &Event) -> (Kind, [f64; 6]) {
    match *event {
        Event::Opened => (Kind::Opened, details([])),
        Event::Failed => (Kind::Failed, details([])),
        Event::Closed => (Kind::Closed, details([])),
        Event::Disconnected(connection) => (Kind::Disconnected, details([connection.get().into()])),
        Event::Pong {
            reference,
            round_trip,
        } => (Kind::Pong, details([reference as f64, round_trip as f64])),
        Event::JoinSettled { channel, outcome } => {
            let list = [channel.get().into(), is_reply(outcome)];
            (Kind::JoinSettled, details(list))
        }
        Event::PushSettled { push, outcome, .. } => {
            let list = [push.get() as f64, is_reply(outcome)];
            (Kind::PushSettled, details(list))
        }
        Event::Message { channel, .. } => (Kind::Message, details([channel.get().into()])),
        Event::UnclaimedReply { channel, .. } => {
            (Kind::UnclaimedReply, details([channel.get().into()]))
        }
        Event::ChannelErrored { channel, cause } => {
            let cause = match cause {
                ErrorCause::Server(_) => 0,
                ErrorCause::HeartbeatTimeout => 1,
                ErrorCause::ConnectionClosed => 2,
                ErrorCause::ConnectionError => 3,
            };
            let list = [channel.get().into(), cause.into()];
            (Kind::ChannelErrored, details(list))
        }
        Event::ChannelClosed {
            channel,
            cause,
            join_ref,
        } => {
            let by_server = matches!(cause, CloseCause::Server(_));
            let join_ref = join_ref.unwrap_or_default() as f64;
            let list = [channel.get().into(), by_server.into(), join_ref];
            (Kind::ChannelClosed, details(list))
        }
    }
}

fn is_reply(outcome: Outcome) -> f64 {
    matches!(outcome, Outcome::Reply { .. }).into()
}

fn details<const N: usize>(list: [f64; N]) -> [f64; 6] {
    let mut details = [0.0; 6];
    for (detail, value) in details.iter_mut().zip(list) {
        *detail = value;
    }
    details
}
