//! The task of a WebSocket: reads, writes and watches the clock, all in one poll.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::farewell;
use super::wire::{Incoming, Sent, Writer};
use crate::Limits;
use crate::socket::session::{BadMessage, Busy, Resync};
use crate::socket::{Close, Connection, Session};

pub(super) struct Driver<Io> {
    io: Io,
    websocket: WebSocketContext,
    session: Session,
    writer: Writer,
    /// A join that goes on. Nothing is read meanwhile.
    busy: Option<Busy>,
    /// A state that is being made for a client that missed diffs. It is to be sent before anything else.
    resync: Option<Resync>,
    last_received: Instant,
    /// Since when what is to be sent has not moved.
    stuck_since: Option<Instant>,
}

/// How a connection comes to its end.
pub(super) enum Finish {
    /// The server closes it.
    Close(Close),
    /// The client has closed it.
    ClosedByPeer,
    /// It broke.
    Lost(io::Error),
}

/// How many messages are read before it is the writer's turn.
const READS_PER_TURN: usize = 32;

impl<Io: AsyncRead + AsyncWrite + Unpin + Send> Driver<Io> {
    /// `received` is what came with the handshake. It is copied, because it lies in a buffer of the HTTP
    /// server that is larger than all the rest of an idle connection.
    pub(super) fn new(io: Io, received: Bytes, session: Session) -> Self {
        let limits = &session.connection().context().limits;
        let config = WebSocketConfig::default()
            .read_buffer_size(limits.read_buffer_bytes)
            .write_buffer_size(0)
            .max_message_size(Some(limits.max_message_bytes))
            .max_frame_size(Some(limits.max_message_bytes));
        let role = Role::Server;
        let websocket =
            WebSocketContext::from_partially_read(received.to_vec(), role, Some(config));
        Self {
            io,
            websocket,
            session,
            writer: Writer::default(),
            busy: None,
            resync: None,
            last_received: Instant::now(),
            stuck_since: None,
        }
    }

    /// Runs until the connection is to end.
    pub(super) async fn run(&mut self) -> Finish {
        let mut timer = pin!(sleep_until(self.deadline()));
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(finish) = self.poll(cx) {
                    return Poll::Ready(finish);
                }
                // Deadlines mostly move away. The timer learns of that when it fires.
                let deadline = self.deadline();
                if timer.is_elapsed() || deadline < timer.deadline() {
                    timer.as_mut().reset(deadline);
                }
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                if let Some(close) = self.overdue() {
                    return Poll::Ready(Finish::Close(close));
                }
            }
        })
        .await
    }

    /// Ends the channels and says farewell to the client, at the same time.
    pub(super) async fn end(&mut self, finish: Finish) {
        // A join that was going on is cut off: there is nobody left to join.
        self.busy = None;
        let connection = Arc::clone(self.session.connection());
        let ended = self.session.end();
        let farewell = farewell::say(&mut self.io, &mut self.writer, &connection, finish);
        futures_util::future::join(ended, farewell).await;
    }

    fn connection(&self) -> &Connection {
        self.session.connection()
    }

    fn limits(&self) -> &Limits {
        &self.connection().context().limits
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Finish> {
        loop {
            if let Some(close) = self.connection().outbox().closing() {
                return Poll::Ready(Finish::Close(close));
            }
            self.poll_busy(cx);
            let may_read_on = match self.read_some(cx) {
                Ok(may_read_on) => may_read_on,
                Err(finish) => return Poll::Ready(finish),
            };
            let can_send = match self.send_all(cx) {
                Ok(can_send) => can_send,
                Err(error) => return Poll::Ready(Finish::Lost(error)),
            };
            if may_read_on {
                continue;
            }
            let was_backlogged = self.busy.is_none() && self.connection().is_backlogged();
            let parked = self.connection().outbox().park(cx.waker(), can_send);
            // Now that a wake would arrive, what was in the way may be gone already.
            let is_free_again = was_backlogged && !self.connection().is_backlogged();
            if parked && !is_free_again {
                return Poll::Pending;
            }
        }
    }

    fn poll_busy(&mut self, cx: &mut Context<'_>) {
        if let Some(busy) = &mut self.busy
            && busy.as_mut().poll(cx).is_ready()
        {
            self.busy = None;
        }
    }

    /// Reads and handles messages. Returns whether there may be more right now.
    fn read_some(&mut self, cx: &mut Context<'_>) -> Result<bool, Finish> {
        for _ in 0..READS_PER_TURN {
            if self.busy.is_some() || self.connection().is_backlogged() {
                return Ok(false);
            }
            let Some(message) = self.read(cx)? else {
                return Ok(false);
            };
            let handled = match message {
                Message::Text(text) => {
                    self.count_in(text.len());
                    self.session.receive_text(&text)
                }
                Message::Binary(bytes) => {
                    self.count_in(bytes.len());
                    self.session.receive_binary(&bytes)
                }
                // Pings and closes are answered with the next read.
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {
                    Ok(None)
                }
            };
            self.busy = handled.map_err(|error| self.reject(&error))?;
            self.poll_busy(cx);
        }
        Ok(true)
    }

    /// The next message, if there is one.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<Option<Message>, Finish> {
        let (mut answers, mut has_received) = (Vec::new(), false);
        let result = self.websocket.read(&mut Incoming {
            io: &mut self.io,
            cx,
            answers: &mut answers,
            has_received: &mut has_received,
        });
        if has_received {
            self.last_received = Instant::now();
        }
        if !answers.is_empty() {
            self.writer.answer(answers);
        }
        match result {
            Ok(message) => Ok(Some(message)),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(finish_after(error)),
        }
    }

    fn reject(&self, error: &BadMessage) -> Finish {
        let connection = self.connection().id();
        tracing::warn!(%connection, %error, "received no valid message");
        Finish::Close(Close::BAD_FRAME)
    }

    fn count_in(&self, bytes: usize) {
        let counters = &self.connection().context().counters;
        counters.frames_in.add(1);
        counters.bytes_in.add(bytes as u64);
    }

    /// Sends what there is. Returns whether everything went out.
    fn send_all(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut sent = Sent::default();
        let result = self.poll_send_all(cx, &mut sent);
        if sent.bytes > 0 {
            let counters = &self.connection().context().counters;
            counters.frames_out.add(sent.frames);
            counters.bytes_out.add(sent.bytes);
            self.stuck_since = None;
        }
        match result {
            Poll::Ready(result) => {
                result?;
                self.stuck_since = None;
                Ok(true)
            }
            Poll::Pending => {
                self.stuck_since.get_or_insert_with(Instant::now);
                Ok(false)
            }
        }
    }

    fn poll_send_all(&mut self, cx: &mut Context<'_>, sent: &mut Sent) -> Poll<io::Result<()>> {
        loop {
            if self.writer.is_idle() && self.resync.is_none() {
                self.next_batch();
            }
            if let Some(resync) = &mut self.resync
                && let Poll::Ready(state) = resync.as_mut().poll(cx)
            {
                self.resync = None;
                self.writer.queue().extend(state);
            }
            if self.writer.is_idle() {
                return match self.resync {
                    Some(_) => Poll::Pending,
                    None => Poll::Ready(Ok(())),
                };
            }
            match self.writer.poll_send(&mut self.io, cx, sent) {
                Poll::Ready(Ok(())) => {}
                result => return result,
            }
        }
    }

    /// Takes what is queued, or else turns to a topic whose diffs were withheld.
    fn next_batch(&mut self) {
        let connection = self.session.connection();
        let mut outbox = connection.outbox();
        outbox.take(self.writer.queue(), Writer::MAX_FRAMES, Writer::MAX_BYTES);
        while self.writer.is_idle() && self.resync.is_none() {
            let Some(topic) = outbox.next_stale() else {
                return;
            };
            // Making the state begins without the lock, since the provider is not ours.
            drop(outbox);
            self.resync = self.session.resync(&topic);
            outbox = connection.outbox();
        }
    }

    fn deadline(&self) -> Instant {
        let idle = self.last_received + self.limits().idle_timeout;
        let stuck = self
            .stuck_since
            .map(|since| since + self.limits().write_timeout);
        stuck.map_or(idle, |stuck| stuck.min(idle))
    }

    fn overdue(&self) -> Option<Close> {
        let now = Instant::now();
        let is_stuck = |since| now >= since + self.limits().write_timeout;
        if self.stuck_since.is_some_and(is_stuck) {
            return Some(Close::STUCK);
        }
        (now >= self.last_received + self.limits().idle_timeout).then_some(Close::IDLE)
    }
}

fn finish_after(error: Error) -> Finish {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Finish::ClosedByPeer,
        Error::Io(error) => Finish::Lost(error),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            Finish::Lost(io::ErrorKind::ConnectionReset.into())
        }
        Error::Capacity(_) => Finish::Close(Close::TOO_BIG),
        Error::Utf8(_) => Finish::Close(Close::NOT_UTF8),
        _ => Finish::Close(Close::PROTOCOL),
    }
}
