//! The decisions of a browser's `Socket`: [`herenow_core::client`] behind calls that carry numbers only.
//!
//! JavaScript owns the WebSocket, the timer and everything that is an object or a string: the client here knows
//! topics, channels and pushes by number, and of payloads and events nothing at all. There are four functions
//! rather than a class with a method for each `Call`, because each of those costs as much as what it does.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr;

use herenow_core::client::{
    CLOSE_WAIT, ChannelId, ChannelState, Client, CloseCause, Config, ConnectionId, Content,
    ErrorCause, Event, Frame, FrameEvent, Incoming, JoinRef, Kind, Outcome, Output, PushId,
    Schedule, Status, Timer,
};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::local::local;
use crate::numbered::{self, Numbered};
use crate::numbers::numbers;

numbers! {
    /// What can be asked of a socket, or told to it, with up to two numbers. Repeated in `js/core.js`.
    Call {
        /// Where in memory the next output is: an [`Out`] and its details, as numbers of 64 bits. 0: there is none.
        POLL = 0,
        /// The time of the next `TIMEOUT`; negative: none.
        POLL_TIMEOUT = 1,
        TIMEOUT = 2,
        /// The answer to [`Out::ASK_DELAY`]: channel, delay.
        SET_DELAY = 3,
        NEXT_REF = 4,

        CONNECT = 5,
        /// Returns the connection that is closing, or 0.
        DISCONNECT = 6,
        /// Returns a ref, or 0.
        PING = 7,
        /// A message of no channel is to be sent.
        SEND = 8,

        // Of a transport: connection.
        /// Also: whether it finds out by itself when the other side is gone.
        TRANSPORT_OPENED = 9,
        TRANSPORT_ERRORED = 10,
        TRANSPORT_CLOSING = 11,
        TRANSPORT_CLOSED = 12,
        /// It could not be made.
        TRANSPORT_REFUSED = 13,

        // Of the page.
        PAGE_HIDDEN = 14,
        /// It is visible, as it may have been before.
        PAGE_VISIBLE = 15,
        /// It has just become visible.
        PAGE_SHOWN = 16,
        PAGE_LEFT = 17,
        PAGE_RETURNED = 18,

        /// Makes a channel: topic. Returns its id.
        CHANNEL = 19,
        // The others have a channel.
        /// Also: timeout. Returns 1, or 0 if it was joined before.
        JOIN = 20,
        LEAVE = 21,
        REMOVE = 22,
        /// Returns a [`State`].
        STATE = 23,
        /// The ref of the join in force, or 0.
        JOIN_REF = 24,
        /// Also: timeout. Returns the push, or 0 if the channel was not joined before.
        PUSH = 25,
    }
}

numbers! {
    /// What a socket puts out, with up to three numbers. Repeated in `js/core.js`.
    Out {
        /// connection
        CONNECT = 0,
        /// connection, whether for want of a heartbeat
        CLOSE = 1,
        /// channel (0: the socket's reconnect), number of the try
        ASK_DELAY = 2,

        // Frames to send: ref, join_ref, and the channel or push.
        SEND_JOIN = 3,
        SEND_LEAVE = 4,
        SEND_HEARTBEAT = 5,
        SEND_PUSH = 6,
        /// One of no channel: the first for which [`Call::SEND`] was called and that has not been sent.
        SEND_OTHER = 7,

        OPENED = 8,
        FAILED = 9,
        CLOSED = 10,
        /// connection
        DISCONNECTED = 11,
        /// ref, round trip
        PONG = 12,
        /// push, whether it is a reply
        PUSH_SETTLED = 13,

        // The others have a channel.
        /// Also: whether it is a reply.
        JOIN_SETTLED = 14,
        MESSAGE = 15,
        UNCLAIMED_REPLY = 16,
        /// Also: the [`Cause`].
        ERRORED = 17,
        /// Also: whether the server ended it, and the join_ref.
        ENDED = 18,
    }
}

numbers! {
    /// What a message is. Repeated in `js/core.js`.
    Heard {
        OTHER = 0,
        PHX_ERROR = 1,
        PHX_CLOSE = 2,
        REPLY_OTHER = 3,
        REPLY_OK = 4,
        REPLY_ERROR = 5,
    }
}

numbers! {
    /// What became of a message. Repeated in `js/socket.js`.
    Received {
        DROPPED = 0,
        /// The outputs are to be polled.
        HEARD = 1,
    }
}

numbers! {
    /// What a channel is. Repeated in `js/channel.js`.
    State {
        CLOSED = 0,
        ERRORED = 1,
        JOINING = 2,
        JOINED = 3,
    }
}

numbers! {
    /// Why a channel is in error. Repeated in `js/socket.js`.
    Cause {
        /// The server says so.
        SERVER = 0,
        HEARTBEAT_TIMEOUT = 1,
        CONNECTION_CLOSED = 2,
        CONNECTION_ERROR = 3,
    }
}

/// What an output is: its [`Out`], and up to three more. Repeated in `js/core.js`.
pub(crate) const OUT_NUMBERS: usize = 4;

/// Topics are numbers, and all else that messages are made of stays in JavaScript.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Numbers;

impl Content for Numbers {
    type Topic = u32;
    type Event = ();
    type Payload = ();
    /// Whether it is for want of a heartbeat.
    type Close = bool;

    const HEARTBEAT_TIMEOUT: bool = true;
}

struct Socket {
    client: Client<Numbers>,
    /// What was polled last.
    output: [f64; OUT_NUMBERS],
}

local! {
    static SOCKETS: Numbered<Socket> = Vec::new();
}

/// Makes a socket whose joins and pushes wait `timeout` ms, unless they say otherwise. Returns its number.
#[wasm_bindgen]
pub fn socket_new(timeout: f64, heartbeat_interval: f64) -> usize {
    let config = Config {
        timeout: timeout as u64,
        heartbeat_interval: heartbeat_interval as u64,
        close_wait: CLOSE_WAIT,
        reconnect_after: Schedule::Ask,
        rejoin_after: Schedule::Ask,
    };
    let socket = Box::new(Socket {
        client: Client::new(config),
        output: [0.0; OUT_NUMBERS],
    });
    SOCKETS.with(|sockets| numbered::add(sockets, socket))
}

/// Forgets a socket. Its number may be another's then.
#[wasm_bindgen]
pub fn socket_free(socket: usize) {
    SOCKETS.with(|sockets| numbered::free(sockets, socket));
}

/// Does what `call`, a `Call`, says.
#[wasm_bindgen]
pub fn socket_call(socket: usize, call: u8, a: f64, b: f64, now: f64) -> f64 {
    with_socket(socket, |socket| socket.call(call, a, b, now as u64))
}

/// A message came. `join_ref`, `reference`: 0 if there is none, -1 if it is none that can be ours. `heard`: a `Heard`.
/// Returns a `Received`; or, if one channel is to be told of it and that is all, `Received::HEARD` more than that channel.
#[wasm_bindgen]
pub fn socket_received(
    socket: usize,
    connection: u32,
    topic: u32,
    join_ref: f64,
    reference: f64,
    heard: u8,
    now: f64,
) -> u32 {
    let incoming = Incoming {
        join_ref: match join_ref {
            0.0 => JoinRef::Any,
            ..0.0 => JoinRef::Foreign,
            _ => JoinRef::Ours(join_ref as u64),
        },
        reference: Some(reference as u64).filter(|reference| *reference != 0),
        topic,
        kind: match heard {
            Heard::PHX_ERROR => Kind::Error,
            Heard::PHX_CLOSE => Kind::Close,
            Heard::REPLY_OTHER => Kind::Reply(Status::Other),
            Heard::REPLY_OK => Kind::Reply(Status::Ok),
            Heard::REPLY_ERROR => Kind::Reply(Status::Error),
            Heard::OTHER.. => Kind::Other,
        },
    };
    let connection = ConnectionId::from_raw(connection);
    with_socket(socket, |socket| {
        let client = &mut socket.client;
        if !client.deliver(now as u64, connection, &incoming) {
            return Received::DROPPED.into();
        }
        client.only_message().map_or(0, ChannelId::get) + u32::from(Received::HEARD)
    })
}

fn with_socket<R: Default>(socket: usize, run: impl FnOnce(&mut Socket) -> R) -> R {
    SOCKETS.with(|sockets| numbered::with(sockets, socket, R::default(), run))
}

impl Socket {
    fn call(&mut self, call: u8, a: f64, b: f64, now: u64) -> f64 {
        let client = &mut self.client;
        let connection = ConnectionId::from_raw(a as u32);
        let channel = ChannelId::from_raw(a as u32);
        match call {
            Call::POLL => return self.poll(),
            Call::POLL_TIMEOUT => return client.poll_timeout().map_or(-1.0, |at| at as f64),
            Call::TIMEOUT => client.handle_timeout(now),
            Call::SET_DELAY => client.set_delay(now, timer(a as u32), b as u64),
            Call::NEXT_REF => return client.next_ref() as f64,
            Call::CONNECT => client.connect(),
            Call::DISCONNECT => {
                let closing = client.disconnect(now, false);
                return closing.map_or(0, ConnectionId::get).into();
            }
            Call::PING => return client.ping(now).unwrap_or_default() as f64,
            Call::SEND => client.send(0u32, (), None, ()),
            Call::TRANSPORT_OPENED => {
                client.transport_opened(now, connection);
                if b == 1.0 && client.is_current(connection) {
                    client.skip_heartbeats();
                }
            }
            Call::TRANSPORT_ERRORED => client.transport_errored(now, connection),
            Call::TRANSPORT_CLOSING => client.transport_closing(connection),
            Call::TRANSPORT_CLOSED => client.transport_closed(now, connection),
            Call::TRANSPORT_REFUSED => client.transport_refused(connection),
            Call::PAGE_HIDDEN => client.page_hidden(true),
            Call::PAGE_VISIBLE => client.page_hidden(false),
            Call::PAGE_SHOWN => client.page_shown(now),
            Call::PAGE_LEFT => client.page_left(now),
            Call::PAGE_RETURNED => client.page_returned(),
            Call::CHANNEL => return client.channel(a as u32, ()).get().into(),
            Call::JOIN => return client.join(now, channel, Some(b as u64)).is_ok().into(),
            Call::LEAVE => client.leave(channel),
            Call::REMOVE => client.remove(channel),
            Call::STATE => {
                let state = match client.channel_state(channel) {
                    ChannelState::Closed => State::CLOSED,
                    ChannelState::Errored => State::ERRORED,
                    ChannelState::Joining => State::JOINING,
                    ChannelState::Joined => State::JOINED,
                };
                return state.into();
            }
            Call::JOIN_REF => return number(client.join_ref(channel)),
            Call::PUSH => {
                let push = client.push(now, channel, (), (), Some(b as u64));
                return number(push.ok().map(PushId::get));
            }
            _ => {}
        }
        0.0
    }

    fn poll(&mut self) -> f64 {
        let Some(output) = self.client.poll_output() else {
            return 0.0;
        };
        let (out, [a, b, c]) = match output {
            Output::Connect(connection) => (Out::CONNECT, [connection.get().into(), 0.0, 0.0]),
            Output::Close(connection, heartbeat) => {
                (Out::CLOSE, [connection.get().into(), heartbeat.into(), 0.0])
            }
            Output::AskDelay(timer, tries) => {
                let channel = match timer {
                    Timer::Reconnect => 0,
                    Timer::Rejoin(channel) => channel.get(),
                };
                (Out::ASK_DELAY, [channel.into(), tries.into(), 0.0])
            }
            Output::Send(frame) => frame_details(&frame),
            Output::Event(event) => event_details(event),
        };
        self.output = [out.into(), a, b, c];
        ptr::from_ref(&self.output).addr() as f64
    }
}

fn timer(channel: u32) -> Timer {
    match channel {
        0 => Timer::Reconnect,
        id => Timer::Rejoin(ChannelId::from_raw(id)),
    }
}

fn frame_details(frame: &Frame<Numbers>) -> (u8, [f64; 3]) {
    let channel = frame.channel.map_or(0, ChannelId::get).into();
    let (out, subject) = match (&frame.event, frame.push) {
        (FrameEvent::Join, _) => (Out::SEND_JOIN, channel),
        (FrameEvent::Leave, _) => (Out::SEND_LEAVE, channel),
        (FrameEvent::Heartbeat, _) => (Out::SEND_HEARTBEAT, 0.0),
        (FrameEvent::Named(()), Some(push)) => (Out::SEND_PUSH, push.get() as f64),
        (FrameEvent::Named(()), None) => (Out::SEND_OTHER, 0.0),
    };
    let refs = [frame.reference, frame.join_ref].map(number);
    (out, [refs[0], refs[1], subject])
}

fn event_details(event: Event) -> (u8, [f64; 3]) {
    let is_reply = |outcome| f64::from(outcome != Outcome::Timeout);
    match event {
        Event::Opened => (Out::OPENED, [0.0; 3]),
        Event::Failed => (Out::FAILED, [0.0; 3]),
        Event::Closed => (Out::CLOSED, [0.0; 3]),
        Event::Disconnected(connection) => (Out::DISCONNECTED, [connection.get().into(), 0.0, 0.0]),
        Event::Pong {
            reference,
            round_trip,
        } => (Out::PONG, [reference as f64, round_trip as f64, 0.0]),
        Event::PushSettled { push, outcome, .. } => (
            Out::PUSH_SETTLED,
            [push.get() as f64, is_reply(outcome), 0.0],
        ),
        Event::JoinSettled { channel, outcome } => (
            Out::JOIN_SETTLED,
            [channel.get().into(), is_reply(outcome), 0.0],
        ),
        Event::Message { channel } => (Out::MESSAGE, [channel.get().into(), 0.0, 0.0]),
        Event::UnclaimedReply { channel } => {
            (Out::UNCLAIMED_REPLY, [channel.get().into(), 0.0, 0.0])
        }
        Event::ChannelErrored { channel, cause } => {
            let cause = match cause {
                ErrorCause::Server => Cause::SERVER,
                ErrorCause::HeartbeatTimeout => Cause::HEARTBEAT_TIMEOUT,
                ErrorCause::ConnectionClosed => Cause::CONNECTION_CLOSED,
                ErrorCause::ConnectionError => Cause::CONNECTION_ERROR,
            };
            (Out::ERRORED, [channel.get().into(), cause.into(), 0.0])
        }
        Event::ChannelClosed {
            channel,
            cause,
            join_ref,
        } => {
            let by_server = cause == CloseCause::Server;
            (
                Out::ENDED,
                [channel.get().into(), by_server.into(), number(join_ref)],
            )
        }
    }
}

/// Refs begin at 1.
fn number(reference: Option<u64>) -> f64 {
    reference.unwrap_or_default() as f64
}

#[cfg(test)]
mod tests {
    use super::{Call, Out, socket_call, socket_free, socket_new, with_socket};

    fn outputs(socket: usize) -> Vec<f64> {
        let mut outputs = Vec::new();
        while socket_call(socket, Call::POLL, 0.0, 0.0, 0.0) != 0.0 {
            outputs.push(with_socket(socket, |socket| socket.output[0]));
        }
        outputs
    }

    #[test]
    fn sockets_do_not_know_of_each_other_and_leave_their_numbers_to_later_ones() {
        let (first, second) = (socket_new(1.0, 1.0), socket_new(1.0, 1.0));
        socket_call(first, Call::CONNECT, 0.0, 0.0, 0.0);
        assert!(outputs(second).is_empty());
        assert_eq!(outputs(first), [f64::from(Out::CONNECT)]);
        socket_free(first);
        assert_eq!(socket_new(1.0, 1.0), first);
        assert_ne!(socket_new(1.0, 1.0), second);
    }

    #[test]
    fn a_call_to_a_socket_that_is_gone_does_nothing() {
        let socket = socket_new(1.0, 1.0);
        socket_free(socket);
        assert_eq!(socket_call(socket, Call::NEXT_REF, 0.0, 0.0, 0.0), 0.0);
    }

    #[test]
    fn a_frame_says_its_refs_and_whose_it_is() {
        let socket = socket_new(1000.0, 1000.0);
        let call = |call, a, b| socket_call(socket, call, a, b, 0.0);
        call(Call::CONNECT, 0.0, 0.0);
        outputs(socket);
        call(Call::TRANSPORT_OPENED, 1.0, 0.0);
        outputs(socket);
        let channel = call(Call::CHANNEL, 1.0, 0.0);
        assert_eq!(call(Call::JOIN, channel, 1000.0), 1.0);
        assert_ne!(call(Call::POLL, 0.0, 0.0), 0.0);
        let output = with_socket(socket, |socket| socket.output);
        assert_eq!(output, [f64::from(Out::SEND_JOIN), 1.0, 1.0, channel]);
    }
}
