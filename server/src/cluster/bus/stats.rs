//! What went through a bus, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Messages, and the bytes of their envelopes: what the network carries, once per message however many
/// nodes it goes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many.
    pub messages: u64,
    /// How many bytes they had.
    pub bytes: u64,
}

/// Messages that were dropped because a queue was full. Replication heals such losses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// On the way out: queued faster than the network took it, or while there was no network.
    pub outgoing: u64,
    /// On the way in: received faster than the [`Inbox`](super::Inbox) was read.
    pub incoming: u64,
}

/// Why an incoming message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// It is larger than a message may be.
    Oversized,
    /// It is not an envelope.
    Garbage,
    /// It is an envelope of a version that this build does not know.
    Version,
    /// It is of a cluster with another name.
    Cluster,
    /// It was written by somebody who does not know the secret of this cluster, or changed since.
    Secret,
    /// It came before, or is of an earlier life of a node that has started again since.
    Replayed,
    /// It was meant for another replica.
    Misdirected,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Oversized,
        Self::Garbage,
        Self::Version,
        Self::Cluster,
        Self::Secret,
        Self::Replayed,
        Self::Misdirected,
    ];

    /// One word for it, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oversized => "oversized",
            Self::Garbage => "garbage",
            Self::Version => "version",
            Self::Cluster => "cluster",
            Self::Secret => "secret",
            Self::Replayed => "replayed",
            Self::Misdirected => "misdirected",
        }
    }
}

/// How many incoming messages were refused, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refused([u64; Reason::ALL.len()]);

impl Refused {
    /// How many were refused for this reason.
    #[must_use]
    pub fn of(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    /// How many were refused in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// A moment's picture of what went through a bus since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BusStats {
    /// Replicas to which there is a way now, as far as the engine knows.
    pub peers: usize,
    /// Handed to the network.
    pub sent: Traffic,
    /// Received, found authentic and put into the inbox.
    pub received: Traffic,
    /// Lost to full queues.
    pub dropped: Dropped,
    /// Received and refused.
    pub refused: Refused,
}

/// The counters behind [`BusStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sent: Meter,
    received: Meter,
    dropped_outgoing: AtomicU64,
    dropped_incoming: AtomicU64,
    refused: [AtomicU64; Reason::ALL.len()],
}

#[derive(Debug, Default)]
struct Meter {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Meter {
    fn add(&self, bytes: usize) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn read(&self) -> Traffic {
        Traffic {
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

impl Counters {
    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.add(bytes);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.received.add(bytes);
    }

    #[cfg(any(feature = "zenoh", feature = "nats", test))]
    pub(crate) fn dropped_outgoing(&self) {
        self.dropped_outgoing.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dropped_incoming(&self) {
        self.dropped_incoming.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self, reason: Reason) {
        self.refused[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, peers: usize) -> BusStats {
        let mut refused = Refused::default();
        for (count, counter) in refused.0.iter_mut().zip(&self.refused) {
            *count = counter.load(Ordering::Relaxed);
        }
        BusStats {
            peers,
            sent: self.sent.read(),
            received: self.received.read(),
            dropped: Dropped {
                outgoing: self.dropped_outgoing.load(Ordering::Relaxed),
                incoming: self.dropped_incoming.load(Ordering::Relaxed),
            },
            refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_counter_of_its_own() {
        let counters = Counters::default();
        for (times, reason) in Reason::ALL.into_iter().enumerate() {
            (0..times).for_each(|_| counters.refused(reason));
        }
        let refused = counters.read(0).refused;
        for (times, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(refused.of(reason), times as u64, "{}", reason.as_str());
        }
        assert_eq!(refused.total(), 21);
    }

    #[test]
    fn messages_and_bytes_are_counted_apart_by_direction() {
        let counters = Counters::default();
        counters.sent(10);
        counters.sent(20);
        counters.received(5);
        counters.dropped_outgoing();
        let stats = counters.read(3);
        assert_eq!(stats.peers, 3);
        assert_eq!(
            stats.sent,
            Traffic {
                messages: 2,
                bytes: 30
            }
        );
        assert_eq!(
            stats.received,
            Traffic {
                messages: 1,
                bytes: 5
            }
        );
        assert_eq!(
            stats.dropped,
            Dropped {
                outgoing: 1,
                incoming: 0
            }
        );
    }
}
