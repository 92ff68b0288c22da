//! The life of a connection: opening, closing, and when there will be another one.

use super::Client;
use super::content::Content;
use super::output::{ConnectionId, ErrorCause, Event, Output, Timer};
use super::timeout::NEVER;

/// What phoenix.js calls `connectionState()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// A transport is being opened.
    Connecting,
    /// Frames can be sent.
    Open,
    /// The transport is closing, by our will or the server's.
    Closing,
    /// There is no transport.
    Closed,
}

/// The connection in use.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) phase: Phase,
    /// Its end has been told to the channels. From then on only those are concerned whose join went over
    /// it: the others have joined anew, to be sent over the next one.
    channels_errored: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting,
    Open,
    /// The other side is closing it.
    Failing,
    /// We are closing it, wait until then, and go on like this.
    Closing {
        until: u64,
        then: Then,
    },
    /// Closed by the other side.
    Lost,
}

/// What follows a close of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing: the application called `disconnect`.
    End,
    /// Another connection after the delay.
    Reconnect,
    /// Another connection at once.
    Connect,
}

/// A connection that was replaced while it was closing. Only its end is of interest.
#[derive(Debug)]
pub(super) struct Lingering {
    id: ConnectionId,
    until: u64,
}

impl<C: Content> Client<C> {
    /// Connects, unless there is a connection or it is only interrupted. Poll for outputs afterwards.
    pub fn connect(&mut self) {
        match &self.connection {
            None => self.open(),
            Some(connection) if connection.ended() => self.open(),
            Some(_) => {}
        }
    }

    /// Ends the connection and stops reconnecting. Channels stay and join again with the next
    /// [`connect`](Self::connect).
    ///
    /// Returns the connection that is now closing: [`Event::Disconnected`] tells when that is done. With
    /// `None` it is done already. Poll for outputs and the timeout afterwards.
    pub fn disconnect(&mut self, now: u64, close: C::Close) -> Option<ConnectionId> {
        self.wanted = false;
        self.page.resume = false;
        self.reconnect.reset();
        let connection = self.connection.as_mut()?;
        if connection.phase == Phase::Lost {
            self.connection = None;
            return None;
        }
        let id = connection.id;
        self.close(now, close, Then::End, ErrorCause::ConnectionClosed);
        Some(id)
    }

    /// The state of the connection.
    pub fn connection_state(&self) -> ConnectionState {
        match self.connection.as_ref().map(|connection| connection.phase) {
            Some(Phase::Connecting) => ConnectionState::Connecting,
            Some(Phase::Open) => ConnectionState::Open,
            Some(Phase::Failing | Phase::Closing { .. }) => ConnectionState::Closing,
            Some(Phase::Lost) | None => ConnectionState::Closed,
        }
    }

    /// Whether frames can be sent now.
    pub fn is_connected(&self) -> bool {
        self.open_connection().is_some()
    }

    /// Whether this is the connection in use. Of others only the end is of interest, and no message.
    pub fn is_current(&self, id: ConnectionId) -> bool {
        self.connection.as_ref().is_some_and(|c| c.id == id)
    }

    /// The transport is open. Poll for outputs and the timeout afterwards.
    pub fn transport_opened(&mut self, now: u64, id: ConnectionId) {
        match self.current(id) {
            Some(connection) if connection.phase == Phase::Connecting => {
                connection.phase = Phase::Open;
            }
            _ => return,
        }
        self.reconnect.reset();
        self.start_heartbeats(now);
        for frame in core::mem::take(&mut self.waiting) {
            if let Some(channel) = frame.channel.and_then(|id| self.channels.get_mut(id)) {
                channel.sent = frame.join_ref.map(|join_ref| (id, join_ref));
            }
            self.outputs.push_back(Output::Send(frame));
        }
        self.event(Event::Opened);
        self.rejoin_errored(now);
    }

    /// The transport reports an error. That says nothing about its end: report that as well. Poll for
    /// outputs and the timeout afterwards.
    pub fn transport_errored(&mut self, now: u64, id: ConnectionId) {
        match self.current(id).map(|connection| connection.phase) {
            Some(Phase::Connecting | Phase::Open | Phase::Failing) => {}
            _ => return,
        }
        self.event(Event::Failed);
        // While the connection stays open, nothing else would join those again that wait for it.
        if !self.is_connected() {
            self.channels.reset_rejoins();
        }
        self.error_channels(now, ErrorCause::ConnectionError);
    }

    /// The transport can no longer send, though it has not closed yet. Nothing needs to be polled.
    pub fn transport_closing(&mut self, id: ConnectionId) {
        if let Some(connection) = self.current(id)
            && matches!(connection.phase, Phase::Connecting | Phase::Open)
        {
            connection.phase = Phase::Failing;
        }
    }

    /// The transport has closed, for whatever reason and with whatever code: only a close of ours is not
    /// followed by a new connection. Poll for outputs and the timeout afterwards.
    pub fn transport_closed(&mut self, now: u64, id: ConnectionId) {
        let Some(connection) = self.current(id) else {
            return self.lingering_closed(id);
        };
        let phase = core::mem::replace(&mut connection.phase, Phase::Lost);
        if phase == Phase::Lost {
            return;
        }
        self.stop_heartbeats();
        self.error_channels(now, ErrorCause::ConnectionClosed);
        self.event(Event::Closed);
        match phase {
            Phase::Closing { then, .. } => self.closed_by_us(now, id, then),
            _ => self.schedule_reconnect(now),
        }
    }

    /// The transport could not even be made, by no fault of the network: its address is wrong, say. That
    /// would be so the next time too, so the client waits for another [`connect`](Self::connect).
    pub fn transport_refused(&mut self, id: ConnectionId) {
        if self.is_current(id) {
            self.connection = None;
        }
    }

    pub(super) fn open_connection(&self) -> Option<ConnectionId> {
        let connection = self.connection.as_ref();
        connection.filter(|c| c.phase == Phase::Open).map(|c| c.id)
    }

    pub(super) fn current(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connection.as_mut().filter(|current| current.id == id)
    }

    pub(super) fn open(&mut self) {
        if let Some(old) = self.connection.take()
            && let Phase::Closing { until, .. } = old.phase
        {
            self.lingering.push(Lingering { id: old.id, until });
        }
        self.wanted = true;
        self.page.resume = false;
        self.reconnect.cancel();
        self.last_connection += 1;
        let id = ConnectionId(self.last_connection);
        self.connection = Some(Connection {
            id,
            phase: Phase::Connecting,
            channels_errored: false,
        });
        self.outputs.push_back(Output::Connect(id));
    }

    /// Closes the connection, or lets `then` follow the close that is under way.
    pub(super) fn close(&mut self, now: u64, close: C::Close, then: Then, cause: ErrorCause) {
        let until = now.saturating_add(self.config.close_wait);
        let Some(connection) = &mut self.connection else {
            return;
        };
        if let Phase::Closing { then: planned, .. } = &mut connection.phase {
            *planned = then;
            return;
        }
        let id = connection.id;
        let before = core::mem::replace(&mut connection.phase, Phase::Closing { until, then });
        self.stop_heartbeats();
        self.outputs.push_back(Output::Close(id, close));
        // Before it was open nothing can have been lost: what was to be sent over it still waits.
        if before != Phase::Connecting {
            self.error_channels(now, cause);
        }
    }

    fn closed_by_us(&mut self, now: u64, id: ConnectionId, then: Then) {
        self.connection = None;
        match then {
            Then::End => self.event(Event::Disconnected(id)),
            Then::Reconnect => self.schedule_reconnect(now),
            Then::Connect => self.open_for_page(),
        }
    }

    fn lingering_closed(&mut self, id: ConnectionId) {
        let mut lingering = self.lingering.iter();
        if let Some(index) = lingering.position(|lingering| lingering.id == id) {
            self.lingering.swap_remove(index);
            self.event(Event::Disconnected(id));
        }
    }

    fn schedule_reconnect(&mut self, now: u64) {
        let ask = self.reconnect.schedule(now, &self.config.reconnect_after);
        self.ask_delay(Timer::Reconnect, ask);
    }

    /// Tells the channels that the connection is no longer open (or, while it is, that it is in trouble).
    fn error_channels(&mut self, now: u64, cause: ErrorCause) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let carrier = connection.channels_errored.then_some(connection.id);
        connection.channels_errored = connection.phase != Phase::Open;
        self.error_joined_channels(now, carrier, cause);
    }

    pub(super) fn connection_deadline(&self) -> u64 {
        let closing = match self.connection.as_ref().map(|connection| connection.phase) {
            Some(Phase::Closing { until, .. }) => until,
            _ => NEVER,
        };
        let lingering = self.lingering.iter().map(|lingering| lingering.until);
        let others = [
            closing,
            self.heartbeat.deadline(),
            self.reconnect.deadline(),
        ];
        lingering.chain(others).min().unwrap_or(NEVER)
    }

    pub(super) fn handle_connection_timeouts(&mut self, now: u64) {
        while let Some(index) = self.lingering.iter().position(|l| l.until <= now) {
            let Lingering { id, .. } = self.lingering.remove(index);
            self.event(Event::Disconnected(id));
        }
        if let Some(connection) = &self.connection
            && let Phase::Closing { until, then } = connection.phase
            && until <= now
        {
            self.closed_by_us(now, connection.id, then);
        }
        if self.reconnect.fire(now) {
            if self.page.hidden {
                self.connection = None;
            } else {
                self.open();
            }
        }
    }
}

impl Connection {
    /// The application has called `disconnect`.
    pub(super) fn ended(&self) -> bool {
        matches!(
            self.phase,
            Phase::Closing {
                then: Then::End,
                ..
            }
        )
    }
}
