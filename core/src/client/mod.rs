//! The client's side of Phoenix sockets and channels, as a state machine.
//!
//! [`Client`] decides everything that phoenix.js 1.8 decides (when to connect, join, rejoin, send a
//! heartbeat; which push waits, is answered or times out; which message is stale) and does nothing: it
//! opens no connection, reads no clock, starts no timer and calls nobody. It does not look into payloads
//! either. It speaks V2 only, which every Phoenix since 1.3 understands.
//!
//! A *driver* owns the transport and the timer. It tells the client what happens by method calls, which
//! take `now`: milliseconds on any clock that does not run backwards. After each call it carries out what
//! [`Client::poll_output`] returns until there is nothing left, and then sees to it that
//! [`Client::handle_timeout`] is called at the time that [`Client::poll_timeout`] returns.
//!
//! ```
//! use herenow_core::client::{Client, Config, Encoded, Event, Output};
//!
//! let mut client = Client::new(Config::default());
//! let room = client.channel("room:1", r#"{"name":"ada"}"#);
//! client.connect();
//! client.join(0, room, None)?;
//!
//! let Some(Output::Connect(connection)) = client.poll_output() else { panic!() };
//! client.transport_opened(5, connection);
//!
//! let Some(Output::Send(frame)) = client.poll_output() else { panic!() };
//! let text = r#"["1","1","room:1","phx_join",{"name":"ada"}]"#;
//! assert_eq!(frame.encode(), Ok(Encoded::Text(text.into())));
//! assert_eq!(client.poll_output(), Some(Output::Event(Event::Opened)));
//!
//! let reply = r#"["1","1","room:1","phx_reply",{"status":"ok","response":{"here":1}}]"#;
//! client.received(9, connection, reply)?;
//! let Some(Output::Event(Event::JoinSettled { channel, outcome })) = client.poll_output() else {
//!     panic!()
//! };
//! assert!(channel == room && outcome.is_ok());
//!
//! client.push(12, room, "shout", r#"{"body":"hi"}"#, None)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where it differs from phoenix.js on purpose:
//!
//! * a transport is told to close at once: WebSockets send what was written before that anyway;
//! * a channel that was closed while a join was under way is not joined again when that join would have
//!   timed out, and one that was never joined is not joined by a stray `phx_error`;
//! * a join that is answered by anything but `ok` is tried again, not only one answered by `error`;
//! * a leave names the join that it undoes, so that leaving one channel never takes the topic away from
//!   another; what was not joined, or has ended, needs no leave.

use alloc::vec::Vec;

mod channel;
mod config;
mod connection;
mod content;
mod decode;
mod frame;
mod heartbeat;
mod output;
mod page;
mod push;
mod receive;
mod timeout;

use alloc::collections::VecDeque;

pub use channel::{CannotJoin, ChannelState};
pub use config::{CLOSE_WAIT, Config, HEARTBEAT_INTERVAL, Schedule, TIMEOUT};
pub use connection::ConnectionState;
pub use content::{Close, Content, Payload, Text};
pub use frame::{Encoded, Frame, FrameEvent};
pub use output::{
    ChannelId, CloseCause, ConnectionId, ErrorCause, Event, MessageSpans, Outcome, Output, PushId,
    Span, Status, Timer,
};
pub use push::NotJoined;
pub use receive::{Incoming, JoinRef, Kind};

use channel::Channels;
use config::Retry;
use connection::{Connection, Lingering};
use heartbeat::{Heartbeat, Ping};
use page::Page;
use push::Pushes;

/// A socket with its channels and pushes. See the [module](self) for how to drive one.
///
/// `C` says what messages are made of. A driver that keeps topics and payloads in a form of its own can have
/// something smaller than [`Text`] here; it then takes frames apart and writes them itself.
#[derive(Debug)]
pub struct Client<C: Content = Text> {
    config: Config,
    last_ref: u64,
    /// The application has called `connect` and not `disconnect` since.
    wanted: bool,
    last_connection: u32,
    /// The connection in use. It stays here after it was lost, until the next one.
    connection: Option<Connection>,
    /// Connections that were replaced before they had closed.
    lingering: Vec<Lingering>,
    heartbeat: Heartbeat,
    pings: Vec<Ping>,
    reconnect: Retry,
    page: Page,
    channels: Channels<C>,
    pushes: Pushes<C>,
    /// What waits for a connection: joins, and messages of no channel.
    waiting: Vec<Frame<C>>,
    outputs: VecDeque<Output<C>>,
}

impl<C: Content> Client<C> {
    /// A client that is not connected.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            last_ref: 0,
            wanted: false,
            last_connection: 0,
            connection: None,
            lingering: Vec::new(),
            heartbeat: Heartbeat::Off,
            pings: Vec::new(),
            reconnect: Retry::new(),
            page: Page::default(),
            channels: Channels::new(),
            pushes: Pushes::new(),
            waiting: Vec::new(),
            outputs: VecDeque::new(),
        }
    }

    /// The next thing to do or to tell; `None` when there is nothing more until the next method call.
    #[must_use = "an output that is not carried out is lost"]
    pub fn poll_output(&mut self) -> Option<Output<C>> {
        self.outputs.pop_front()
    }

    /// The channel of the next output, if that is an [`Event::Message`] and the only output. So it is for most messages.
    pub fn only_message(&self) -> Option<ChannelId> {
        match (self.outputs.front(), self.outputs.len()) {
            (Some(&Output::Event(Event::Message { channel })), 1) => Some(channel),
            _ => None,
        }
    }

    /// A ref that no message of this socket has had or will get: what phoenix.js calls `makeRef`.
    pub fn next_ref(&mut self) -> u64 {
        self.last_ref += 1;
        self.last_ref
    }

    /// Sends a message that belongs to no channel, as soon as there is a connection. Nobody waits for a
    /// reply to it, nor is told what became of it; so none is dropped, and any number wait for a
    /// connection: who sends many asks [`is_connected`](Self::is_connected) first. Poll for outputs afterwards.
    pub fn send(
        &mut self,
        topic: impl Into<C::Topic>,
        event: impl Into<C::Event>,
        reference: Option<u64>,
        payload: impl Into<C::Payload>,
    ) {
        let frame = Frame {
            channel: None,
            push: None,
            join_ref: None,
            reference,
            topic: topic.into(),
            event: FrameEvent::Named(event.into()),
            payload: payload.into(),
        };
        self.send_or_wait(frame);
    }

    /// The driver's answer to [`Output::AskDelay`]: `timer` fires `delay` ms from now. An answer that
    /// comes too late, because the client has gone on meanwhile, is ignored.
    pub fn set_delay(&mut self, now: u64, timer: Timer, delay: u64) {
        match timer {
            Timer::Reconnect => self.reconnect.answer(now, delay),
            Timer::Rejoin(id) => {
                if let Some(channel) = self.channels.get_mut(id) {
                    channel.rejoin.answer(now, delay);
                }
            }
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Asks the driver for a delay, if `tries` says that the schedule does not know it.
    fn ask_delay(&mut self, timer: Timer, tries: Option<u32>) {
        if let Some(tries) = tries {
            self.outputs.push_back(Output::AskDelay(timer, tries));
        }
    }

    fn send_or_wait(&mut self, frame: Frame<C>) {
        if self.is_connected() {
            self.outputs.push_back(Output::Send(frame));
        } else {
            self.waiting.push(frame);
        }
    }
}
