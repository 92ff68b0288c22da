use std::sync::atomic::{AtomicU64, Ordering};

/// What an endpoint has to do and has done, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections open now.
    pub connections: u64,
    /// How many of these are long poll sessions, with those that are just connecting.
    pub longpoll_sessions: u64,
    /// Channels joined now.
    pub channels: u64,
    /// Connections opened since the start.
    pub connections_total: u64,
    /// Messages received since the start.
    pub frames_in: u64,
    /// Messages sent since the start.
    pub frames_out: u64,
    /// Bytes of messages received since the start.
    pub bytes_in: u64,
    /// Bytes of messages sent since the start.
    pub bytes_out: u64,
    /// Connections that had presence diffs withheld and replaced by a state, since the start: how often a
    /// client read too slowly.
    pub resyncs: u64,
    /// Presence diffs that were dropped for clients that read too slowly, since the start: a diff counts once
    /// for each of them. A resync takes the place of all that one client missed.
    pub dropped_diffs: u64,
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: Counter,
    pub(crate) channels: Counter,
    pub(crate) connections_total: Counter,
    pub(crate) frames_in: Counter,
    pub(crate) frames_out: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_out: Counter,
    pub(crate) resyncs: Counter,
    pub(crate) dropped_diffs: Counter,
}

/// A number that many threads change and that orders nothing else.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn sub(&self, number: u64) {
        self.0.fetch_sub(number, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn stats(&self) -> Stats {
        Stats {
            // Counted by the list of sessions.
            longpoll_sessions: 0,
            connections: self.connections.get(),
            channels: self.channels.get(),
            connections_total: self.connections_total.get(),
            frames_in: self.frames_in.get(),
            frames_out: self.frames_out.get(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            resyncs: self.resyncs.get(),
            dropped_diffs: self.dropped_diffs.get(),
        }
    }
}
