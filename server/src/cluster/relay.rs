//! Broadcasts of topics on their way to the other nodes.
//!
//! ```text
//! mark      1 byte     'B', which no message of replication begins with
//! version   1 byte     1
//! kind      1 byte     0 JSON, 1 binary (2: a part of a larger one)
//! topic     4 bytes of length, UTF-8
//! event     4 bytes of length, UTF-8
//! payload
//! ```
//!
//! They travel by the channel of their topic's shard, and so reach the nodes that have readers in it, at
//! most once; one that is larger than a message of the bus does so in `parts`. What is lost is lost: whoever
//! needs more than that must not use broadcasts, here as in Phoenix. The order to disconnect goes to all
//! nodes, since sockets are no readers.

mod parts;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use herenow_core::replica::{ReplicaId, shard_of};

use self::parts::Parts;
use super::bus::{Bus, SendError};
use crate::PubSub;
use crate::channel::Payload;
use crate::presence::Interest;
use crate::sync::lock;
use crate::topics::{DISCONNECT, Remote};

const MARK: u8 = b'B';
const VERSION: u8 = 1;
const JSON: u8 = 0;
const BINARY: u8 = 1;
const PART: u8 = 2;

/// The other nodes, as the topics of this one see them.
pub(super) struct Relay {
    bus: Arc<dyn Bus>,
    shards: u16,
    interest: Arc<Interest>,
    /// Other nodes that are there.
    peers: AtomicUsize,
    /// The largest broadcast that is sent to them, in bytes.
    max_bytes: usize,
    /// Broadcasts that were cut into parts.
    cut: AtomicU64,
    /// What was received of such broadcasts. Locked by the driver for a part, and for a look by others.
    parts: Mutex<Parts>,
    sent: AtomicU64,
    received: AtomicU64,
    /// Broadcasts that could not be sent, other than for want of room in the bus.
    failed: AtomicU64,
    has_warned: AtomicBool,
}

/// How many broadcasts there were, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Broadcasts {
    /// Handed to the bus.
    pub sent: u64,
    /// Received of other nodes.
    pub received: u64,
    /// Not sent to other nodes, because they are larger than
    /// [`Settings::max_broadcast_bytes`](super::Settings::max_broadcast_bytes).
    pub failed: u64,
    /// Of other nodes, and large: received in part.
    pub lost: u64,
}

impl Relay {
    pub(super) fn new(
        bus: &Arc<dyn Bus>,
        shards: u16,
        interest: &Arc<Interest>,
        max_bytes: usize,
    ) -> Self {
        Self {
            bus: Arc::clone(bus),
            shards,
            interest: Arc::clone(interest),
            peers: AtomicUsize::new(0),
            max_bytes,
            cut: AtomicU64::new(0),
            parts: Mutex::new(Parts::new(max_bytes)),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            has_warned: AtomicBool::new(false),
        }
    }

    /// So many other nodes are there. To none of them nothing is sent.
    pub(super) fn set_peers(&self, peers: usize) {
        self.peers.store(peers, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> Broadcasts {
        Broadcasts {
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            lost: lock(&self.parts).lost(),
        }
    }

    /// Hands a broadcast of another node to the subscribers of this one. The error names what is wrong.
    pub(super) fn receive(
        &self,
        from: &ReplicaId,
        message: &Bytes,
        pubsub: &PubSub,
    ) -> Result<(), &'static str> {
        let whole = match message.get(2) {
            Some(&PART) => lock(&self.parts).take(from, message)?,
            _ => Some(message.clone()),
        };
        let Some(message) = whole else {
            return Ok(());
        };
        let broadcast = decode(&message)?;
        self.received.fetch_add(1, Ordering::Relaxed);
        pubsub.local_broadcast(broadcast.topic, broadcast.event, broadcast.payload);
        Ok(())
    }

    /// Gives up broadcasts of which parts have not come in time.
    pub(super) fn give_up_overdue(&self) {
        lock(&self.parts).give_up_overdue();
    }

    fn send(&self, topic: &str, event: &str, broadcast: Bytes) -> Result<(), SendError> {
        let (size, limit) = (broadcast.len(), self.max_bytes);
        if size > limit {
            return Err(SendError::TooLarge { size, limit });
        }
        let max = self.bus.max_payload();
        if size <= max {
            return self.put(topic, event, broadcast);
        }
        let number = self.cut.fetch_add(1, Ordering::Relaxed);
        let mut parts = parts::cut(&broadcast, number, max);
        parts.try_for_each(|part| self.put(topic, event, part))
    }

    fn put(&self, topic: &str, event: &str, message: Bytes) -> Result<(), SendError> {
        match event {
            DISCONNECT => self.bus.broadcast(message),
            _ => self.bus.publish(shard_of(topic, self.shards), message),
        }
    }
}

impl Remote for Relay {
    fn set_read(&self, topic: &str, is_read: bool) {
        let shard = usize::from(shard_of(topic, self.shards));
        match is_read {
            true => self.interest.add_looker(shard),
            false => self.interest.remove_looker(shard),
        }
    }

    fn broadcast(&self, topic: &str, event: &str, payload: &Payload) {
        if self.peers.load(Ordering::Relaxed) == 0 {
            return;
        }
        let message = encode(topic, event, payload);
        match self.send(topic, event, message) {
            Ok(()) => _ = self.sent.fetch_add(1, Ordering::Relaxed),
            // The bus counts what it drops, be it a part.
            Err(SendError::Busy | SendError::Closed) => {}
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                if !self.has_warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        topic,
                        event,
                        "cluster: a broadcast reaches this node only (more of them are only counted): {error}"
                    );
                }
            }
        }
    }
}

/// Whether a message of the bus is a broadcast.
pub(super) fn is_broadcast(message: &Bytes) -> bool {
    message.first() == Some(&MARK)
}

#[derive(Debug, PartialEq)]
struct Broadcast<'a> {
    topic: &'a str,
    event: &'a str,
    payload: Payload,
}

fn encode(topic: &str, event: &str, payload: &Payload) -> Bytes {
    let (kind, data) = match (payload.as_json(), payload.as_binary()) {
        (Some(text), _) => (JSON, text.as_bytes()),
        (None, data) => (BINARY, data.map_or(&[][..], |data| data)),
    };
    let mut out = Vec::with_capacity(11 + topic.len() + event.len() + data.len());
    out.extend([MARK, VERSION, kind]);
    for text in [topic, event] {
        // Longer ones are larger than what may be broadcast anyway.
        let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
        out.extend(len.to_be_bytes());
        out.extend(text.as_bytes());
    }
    out.extend(data);
    out.into()
}

fn decode(message: &Bytes) -> Result<Broadcast<'_>, &'static str> {
    let Some((&[MARK, VERSION, kind], rest)) = message.split_first_chunk() else {
        return Err("the version");
    };
    let (topic, rest) = text(rest).ok_or("the topic")?;
    let (event, data) = text(rest).ok_or("the event")?;
    let payload = match kind {
        JSON => {
            let text = std::str::from_utf8(data).map_err(|_| "the payload")?;
            Payload::from_json_text(text).map_err(|_| "the payload")?
        }
        BINARY => Payload::binary(message.slice_ref(data)),
        _ => return Err("the kind"),
    };
    Ok(Broadcast {
        topic,
        event,
        payload,
    })
}

fn text(from: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = from.split_first_chunk()?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
    let (text, rest) = rest.split_at_checked(len)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Payload {
        Payload::from_json_text(text).unwrap()
    }

    #[test]
    fn what_is_sent_is_what_is_received() {
        for payload in [
            json("{}"),
            json(r#"{"text":"ä"}"#),
            Payload::binary(vec![0, 255]),
            Payload::binary(Vec::new()),
        ] {
            for (topic, event) in [("room:lobby", "shout"), ("", ""), ("ö", "é")] {
                let message = encode(topic, event, &payload);
                assert!(is_broadcast(&message));
                let decoded = decode(&message).unwrap();
                assert_eq!((decoded.topic, decoded.event), (topic, event));
                assert_eq!(decoded.payload, payload);
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_garbled_is_refused_by_the_name_of_the_field() {
        let message = encode("room:1", "shout", &json(r#"{"a":1}"#));
        for end in 0..message.len() {
            assert!(decode(&message.slice(..end)).is_err(), "{end}");
        }
        let with = |at: usize, byte: u8| {
            let mut bytes = message.to_vec();
            bytes[at] = byte;
            decode(&bytes.into()).unwrap_err()
        };
        assert_eq!(with(1, 2), "the version");
        assert_eq!(with(2, 7), "the kind");
        assert_eq!(with(3, 255), "the topic");
        assert_eq!(with(7, 255), "the topic");
        assert_eq!(with(16, 255), "the event");
        assert_eq!(with(message.len() - 1, b'x'), "the payload");
    }
}
