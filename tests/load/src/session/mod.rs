//! A client of a run: one connection, driven by whoever polls it.
//!
//! Nothing happens by itself: a session reads, answers and sends its heartbeats while one of its futures is
//! polled. It stands between [`protocol`] (what frames mean) and a TCP stream. It does not reconnect: the
//! end of a connection is an error.

mod handshake;
mod inbox;
mod protocol;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use herenow_core::client::{ChannelId, PushId};
use herenow_core::protocol::events::PRESENCE_STATE;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::Error;
use crate::measure::Traffic;
use crate::run::Run;
use crate::target::Target;
use inbox::Inbox;
use protocol::Protocol;

pub(crate) use protocol::{Message, Seen};

/// The close code of who has nothing more to say.
pub(crate) const CLOSE_NORMAL: u16 = 1000;

/// How a client connects.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(crate) node: usize,
    pub(crate) user: String,
    /// Bytes of the receive buffer, if the system is not to choose.
    pub(crate) buffer: Option<u32>,
}

impl Opening {
    pub(crate) fn new(node: usize, user: String) -> Self {
        Self {
            node,
            user,
            buffer: None,
        }
    }
}

/// A connected client.
#[derive(Debug)]
pub(crate) struct Session {
    stream: TcpStream,
    inbox: Inbox,
    protocol: Protocol,
    /// How much of what is to be sent has been.
    sent: usize,
    timer: Option<(u64, Pin<Box<Sleep>>)>,
    clock: Instant,
    traffic: Arc<Traffic>,
}

impl Session {
    pub(crate) async fn connect(
        run: &Run,
        target: &Target,
        number: usize,
        opening: Opening,
    ) -> Result<Self, Error> {
        let Opening { user, buffer, .. } = opening;
        let sources = run.sources();
        let connecting = sources.connect(target.address, number, buffer).await;
        let mut stream = connecting.map_err(|error| Error::io(&user, &error))?;
        let path = target.path_and_query(&run.options().query(&user));
        let early = handshake::shake_hands(&mut stream, &target.authority, &path)
            .await
            .map_err(|problem| Error::connection(&user, problem))?;
        Ok(Self {
            stream,
            inbox: Inbox::new(&early),
            protocol: Protocol::open(run, user),
            sent: 0,
            timer: None,
            clock: run.clock(),
            traffic: Arc::clone(run.traffic()),
        })
    }

    pub(crate) fn user(&self) -> &str {
        self.protocol.user()
    }

    /// Joins. It goes out when the session is next polled, as all that follows.
    pub(crate) fn join(&mut self, topic: &str) -> Result<ChannelId, Error> {
        self.protocol.join(self.now(), topic)
    }

    pub(crate) fn leave(&mut self, channel: ChannelId) -> Result<(), Error> {
        self.protocol.leave(channel)
    }

    pub(crate) fn push(
        &mut self,
        channel: ChannelId,
        event: &str,
        payload: String,
    ) -> Result<PushId, Error> {
        self.protocol.push(self.now(), channel, event, payload)
    }

    /// Has these bytes sent, whatever they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.protocol.outgoing().extend_from_slice(bytes);
    }

    /// Closes the connection as a browser does, and returns when the server has, too.
    pub(crate) async fn close(mut self) -> Result<(), Error> {
        self.protocol.close()?;
        let ended = self.stay().await;
        match self.closed_with() {
            Some(CLOSE_NORMAL) => Ok(()),
            _ => Err(ended),
        }
    }

    /// The code with which the server has closed the connection, if it has.
    pub(crate) fn closed_with(&self) -> Option<u16> {
        self.protocol.closed_with()
    }

    /// Sends, receives and hands over what comes, until `on` returns something. Dropping the future loses
    /// nothing: what was not handed over comes next time.
    pub(crate) async fn until<T>(
        &mut self,
        mut on: impl FnMut(Seen<'_>) -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        poll_fn(|cx| self.poll_until(cx, &mut on)).await
    }

    /// Stays connected. Returns only if that fails.
    pub(crate) async fn stay(&mut self) -> Error {
        let staying = self.until(|_| Ok(None::<std::convert::Infallible>)).await;
        match staying {
            Err(error) => error,
            Ok(never) => match never {},
        }
    }

    /// Stays connected for as long as something else takes.
    pub(crate) async fn staying<T>(&mut self, other: impl Future<Output = T>) -> Result<T, Error> {
        self.staying_while(other, |_| Ok(())).await
    }

    /// Stays connected for as long as something else takes, and hands over what comes meanwhile.
    pub(crate) async fn staying_while<T>(
        &mut self,
        other: impl Future<Output = T>,
        mut on: impl FnMut(Seen<'_>) -> Result<(), Error>,
    ) -> Result<T, Error> {
        let staying = self.until(|seen| {
            on(seen)?;
            Ok(None::<std::convert::Infallible>)
        });
        tokio::select! {
            done = other => Ok(done),
            lost = staying => match lost? {},
        }
    }

    /// Joins and returns when the server has said yes.
    pub(crate) async fn join_and_wait(&mut self, topic: &str) -> Result<ChannelId, Error> {
        let joined = self.join(topic)?;
        self.until(|seen| match seen {
            Seen::Joined(channel) if channel == joined => Ok(Some(channel)),
            _ => Ok(None),
        })
        .await
    }

    /// Joins and returns when the server has said yes and sent the topic's presences.
    pub(crate) async fn enter(&mut self, topic: &str) -> Result<ChannelId, Error> {
        let joined = self.join(topic)?;
        // One may come before the other: which is the application's choice.
        let (mut answered, mut has_state) = (false, false);
        self.until(|seen| {
            match seen {
                Seen::Joined(channel) => answered |= channel == joined,
                Seen::Message(message) => {
                    has_state |= message.is(PRESENCE_STATE) && message.topic == *topic;
                }
            }
            Ok((answered && has_state).then_some(joined))
        })
        .await
    }

    fn now(&self) -> u64 {
        milliseconds(self.clock.elapsed())
    }

    fn poll_until<T>(
        &mut self,
        cx: &mut Context<'_>,
        on: &mut impl FnMut(Seen<'_>) -> Result<Option<T>, Error>,
    ) -> Poll<Result<T, Error>> {
        loop {
            // What cannot be sent now will be later; reading goes on meanwhile.
            if let Poll::Ready(Err(error)) = self.poll_flush(cx) {
                return Poll::Ready(Err(Error::io(self.user(), &error)));
            }
            match self.poll_receive(cx, on) {
                Poll::Ready(Ok(None)) => continue,
                Poll::Ready(Ok(Some(found))) => return Poll::Ready(Ok(found)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
            ready!(self.poll_timer(cx))?;
        }
    }

    /// Reads once and handles what has come.
    fn poll_receive<T>(
        &mut self,
        cx: &mut Context<'_>,
        on: &mut impl FnMut(Seen<'_>) -> Result<Option<T>, Error>,
    ) -> Poll<Result<Option<T>, Error>> {
        let now = self.now();
        let Self {
            stream,
            inbox,
            protocol,
            ..
        } = self;
        let mut received = (0, 0);
        let polled = inbox.poll(stream, cx, &mut |frame| {
            received.0 += 1;
            received.1 += frame.payload.len() as u64;
            protocol.receive(now, frame, on)
        });
        if received.0 > 0 {
            self.traffic.add(received.0, received.1);
        }
        polled.map_err(|problem| problem.of(self.user()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let outgoing = self.protocol.outgoing();
        while self.sent < outgoing.len() {
            let rest = &outgoing[self.sent..];
            self.sent += ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
        }
        // Most clients are silent most of the time: they keep no buffer.
        *outgoing = Vec::new();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    /// Ready when a timer has fired: there may be something to send.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(at) = self.protocol.poll_timeout() else {
            self.timer = None;
            return Poll::Pending;
        };
        let deadline = self.clock + Duration::from_millis(at);
        let (set, sleep) = self
            .timer
            .get_or_insert_with(|| (at, Box::pin(sleep_until(deadline))));
        if *set != at {
            *set = at;
            sleep.as_mut().reset(deadline);
        }
        ready!(sleep.as_mut().poll(cx));
        self.timer = None;
        let now = self.now().max(at);
        Poll::Ready(self.protocol.handle_timeout(now))
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
