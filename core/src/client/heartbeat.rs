//! Is the connection alive? Heartbeats in turn, and pings when somebody asks.

use super::connection::Then;
use super::content::Content;
use super::output::{ErrorCause, Event, Output};
use super::timeout::NEVER;
use super::{Client, Frame, FrameEvent};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heartbeat {
    Off,
    /// The next one is sent then.
    Due(u64),
    /// The one with this ref must be answered by then.
    Awaiting {
        reference: u64,
        until: u64,
    },
}

#[derive(Debug)]
pub(super) struct Ping {
    reference: u64,
    sent: u64,
}

impl Heartbeat {
    pub(super) fn deadline(&self) -> u64 {
        match *self {
            Self::Off => NEVER,
            Self::Due(at) | Self::Awaiting { until: at, .. } => at,
        }
    }
}

impl<C: Content> Client<C> {
    /// Sends a heartbeat out of turn, to measure the time to the server and back, which
    /// [`Event::Pong`] tells together with the ref returned here. `None`: there is no connection. Poll for
    /// outputs afterwards.
    pub fn ping(&mut self, now: u64) -> Option<u64> {
        if !self.is_connected() {
            return None;
        }
        let reference = self.next_ref();
        self.pings.push(Ping {
            reference,
            sent: now,
        });
        self.send_heartbeat(reference);
        Some(reference)
    }

    /// The transport in use finds out by itself when the other side is gone, as a long poll does: it needs
    /// no heartbeats.
    pub fn skip_heartbeats(&mut self) {
        self.heartbeat = Heartbeat::Off;
    }

    pub(super) fn start_heartbeats(&mut self, now: u64) {
        self.heartbeat = Heartbeat::Due(now.saturating_add(self.config.heartbeat_interval));
    }

    pub(super) fn stop_heartbeats(&mut self) {
        self.heartbeat = Heartbeat::Off;
        self.pings.clear();
    }

    fn send_heartbeat(&mut self, reference: u64) {
        self.outputs.push_back(Output::Send(Frame {
            channel: None,
            push: None,
            join_ref: None,
            reference: Some(reference),
            topic: C::Topic::default(),
            event: FrameEvent::Heartbeat,
            payload: C::Payload::default(),
        }));
    }

    /// Something with this ref came from the server: if that answers the heartbeat, it is alive.
    pub(super) fn heartbeat_answered(&mut self, now: u64, reference: u64) {
        if matches!(self.heartbeat, Heartbeat::Awaiting { reference: awaited, .. } if awaited == reference)
        {
            self.start_heartbeats(now);
        }
    }

    pub(super) fn ping_answered(&mut self, now: u64, reference: u64) {
        let mut pings = self.pings.iter();
        if let Some(index) = pings.position(|ping| ping.reference == reference) {
            let ping = self.pings.swap_remove(index);
            let round_trip = now.saturating_sub(ping.sent);
            self.event(Event::Pong {
                reference,
                round_trip,
            });
        }
    }

    pub(super) fn handle_heartbeat(&mut self, now: u64) {
        match self.heartbeat {
            Heartbeat::Due(at) if at <= now => {
                let reference = self.next_ref();
                let until = now.saturating_add(self.config.heartbeat_interval);
                self.heartbeat = Heartbeat::Awaiting { reference, until };
                if self.is_connected() {
                    self.send_heartbeat(reference);
                }
            }
            Heartbeat::Awaiting { until, .. } if until <= now => {
                let cause = ErrorCause::HeartbeatTimeout;
                self.close(now, C::HEARTBEAT_TIMEOUT, Then::Reconnect, cause);
            }
            _ => {}
        }
    }
}
