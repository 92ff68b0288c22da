//! Where everything that an engine receives must pass: only what is authentic, new and for this
//! replica reaches the inbox; the rest is counted, and logged once per sender and reason.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use herenow_core::replica::ReplicaId;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::config::Limits;
use super::envelope::{self, Address, ClusterKey, Envelope, KINDS, Refusal};
use super::inbox::InboxSender;
use super::stats::{BusStats, Counters, Reason};
use super::window::Window;
use super::{Channel, Event, Message};

/// How many different refusals are logged; more are counted only, so that whoever invents names cannot
/// fill the log or the memory.
const MAX_LOGGED: usize = 1024;

/// How often it is told of a node that an earlier life of it speaks.
const OUTLIVED_EVERY: Duration = Duration::from_secs(1);

/// Another engine's introduction of itself: not for the inbox.
#[cfg_attr(
    not(feature = "zenoh"),
    allow(dead_code, reason = "only zenoh says more than hello")
)]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) from: ReplicaId,
    pub(crate) payload: Bytes,
}

/// The gate of one bus.
#[derive(Debug)]
pub(crate) struct Gate {
    key: ClusterKey,
    cluster: String,
    me: ReplicaId,
    limits: Limits,
    counters: Counters,
    inbox: InboxSender,
    /// Locked for the time of a look-up, never across an await.
    peers: Mutex<Peers>,
    logged: Mutex<HashSet<(String, Reason)>>,
}

#[derive(Debug, Default)]
struct Peers {
    by_node: HashMap<Arc<str>, Peer>,
    /// How many messages were admitted: the clock that says who was heard longest ago.
    heard: u64,
}

/// The latest life of a node that was heard.
#[derive(Debug)]
struct Peer {
    id: ReplicaId,
    windows: [Window; KINDS],
    up: bool,
    /// It said that it leaves: what still comes of it says nothing about a link.
    left: bool,
    /// What [`Peers::heard`] was at its last message.
    heard: u64,
    /// When it was last told that an earlier life speaks.
    outlived_at: Option<Instant>,
}

impl Peers {
    /// Makes room for a new node, or a new life of a known one.
    fn meet(&mut self, node: &str, incarnation: u64, max_peers: usize) {
        if self.by_node.len() >= max_peers && !self.by_node.contains_key(node) {
            let oldest = self.by_node.values().min_by_key(|peer| peer.heard);
            if let Some(oldest) = oldest.map(|peer| peer.id.node().clone()) {
                self.by_node.remove(&oldest);
            }
        }
        let id = ReplicaId::new(node, incarnation);
        let peer = Peer {
            id: id.clone(),
            windows: Default::default(),
            up: false,
            left: false,
            heard: 0,
            outlived_at: None,
        };
        self.by_node.insert(id.node().clone(), peer);
    }
}

impl Gate {
    pub(crate) fn new(
        key: ClusterKey,
        cluster: &str,
        me: ReplicaId,
        limits: Limits,
        inbox: InboxSender,
    ) -> Self {
        Self {
            key,
            cluster: cluster.to_owned(),
            me,
            limits,
            counters: Counters::default(),
            inbox,
            peers: Mutex::default(),
            logged: Mutex::default(),
        }
    }

    /// Takes what the engine received. What is not for the inbox but for the engine is returned.
    pub(crate) fn accept(&self, bytes: &Bytes) -> Option<Hello> {
        let envelope = match envelope::open(&self.key, bytes, self.limits.max_payload) {
            Ok(envelope) => envelope,
            Err(refusal) => {
                self.refuse(&refusal);
                return None;
            }
        };
        if self.is_me(envelope.node, envelope.incarnation) {
            return None;
        }
        let from = match self.admit(&envelope) {
            Ok(from) => from,
            Err(refusal) => {
                self.refuse(&refusal);
                return None;
            }
        };
        let payload = bytes.slice_ref(envelope.payload);
        let channel = match envelope.to {
            Address::All => Channel::All,
            Address::Shard(shard) => Channel::Shard(shard),
            Address::Direct { .. } => Channel::Direct,
            Address::Hello => return Some(Hello { from, payload }),
        };
        let message = Message {
            from,
            channel,
            payload,
        };
        let count = || self.counters.received(bytes.len());
        if !self.inbox.message(message, count) {
            self.counters.dropped_incoming();
        }
        None
    }

    /// The engine knows that the link to this replica is gone.
    pub(crate) fn lost(&self, node: &str, incarnation: u64) {
        let mut peers = self.peers();
        let lost = peers
            .by_node
            .get_mut(node)
            .filter(|peer| peer.up && peer.id.incarnation() == incarnation);
        if let Some(peer) = lost {
            peer.up = false;
            debug!(peer = %peer.id, "cluster: link lost");
            self.inbox.event(Event::PeerDown(peer.id.clone()));
        }
    }

    /// This replica said that it leaves, for good.
    #[cfg(any(feature = "nats", test))]
    pub(crate) fn left(&self, id: &ReplicaId) {
        self.lost(id.node(), id.incarnation());
        let mut peers = self.peers();
        let peer = peers.by_node.get_mut(id.node());
        if let Some(peer) = peer.filter(|peer| peer.id == *id) {
            peer.left = true;
        }
    }

    /// Notes that a node of another cluster is on the same network: all that is ever heard of it, where
    /// the clusters' channels are apart.
    #[cfg(feature = "zenoh")]
    pub(crate) fn foreign(&self, node: &str) {
        self.refuse(&Refusal {
            reason: Reason::Cluster,
            what: "another cluster's name",
            claimed: Some(node),
        });
    }

    /// What went through the bus so far.
    pub(crate) fn stats(&self) -> BusStats {
        let peers = self.peers();
        let up = peers.by_node.values().filter(|peer| peer.up);
        self.counters.read(up.count())
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Says that nothing follows.
    pub(crate) fn end(&self) {
        self.inbox.end();
    }

    fn is_me(&self, node: &str, incarnation: u64) -> bool {
        **self.me.node() == *node && self.me.incarnation() == incarnation
    }

    /// Decides over an authentic message, and says who it is from.
    fn admit<'a>(&self, envelope: &Envelope<'a>) -> Result<ReplicaId, Refusal<'a>> {
        let refuse = |reason, what| {
            Err(Refusal {
                reason,
                what,
                claimed: Some(envelope.node),
            })
        };
        if let Address::Direct { node, incarnation } = envelope.to
            && !self.is_me(node, incarnation)
        {
            return refuse(Reason::Misdirected, "meant for another replica");
        }
        let mut peers = self.peers();
        let known = peers.by_node.get(envelope.node);
        if known.is_none_or(|known| known.id.incarnation() < envelope.incarnation) {
            peers.meet(envelope.node, envelope.incarnation, self.limits.max_peers);
        }
        peers.heard += 1;
        let heard = peers.heard;
        let Some(peer) = peers.by_node.get_mut(envelope.node) else {
            return refuse(Reason::Replayed, "of a forgotten node");
        };
        if peer.id.incarnation() > envelope.incarnation {
            self.tell_of_earlier_life(peer, envelope.incarnation);
            return refuse(Reason::Replayed, "of an earlier life of its node");
        }
        if !peer.windows[envelope.to.kind()].accept(envelope.sequence) {
            return refuse(Reason::Replayed, "seen before, or too late to tell");
        }
        peer.heard = heard;
        if !peer.left && !std::mem::replace(&mut peer.up, true) {
            debug!(peer = %peer.id, "cluster: link up");
            self.inbox.event(Event::PeerUp(peer.id.clone()));
        }
        Ok(peer.id.clone())
    }

    fn tell_of_earlier_life(&self, peer: &mut Peer, incarnation: u64) {
        let now = Instant::now();
        let is_due = |at: Instant| now.duration_since(at) >= OUTLIVED_EVERY;
        if peer.outlived_at.is_none_or(is_due) {
            peer.outlived_at = Some(now);
            self.inbox.event(Event::Outlived {
                replica: ReplicaId::new(peer.id.node().clone(), incarnation),
                later: peer.id.incarnation(),
            });
        }
    }

    fn peers(&self) -> MutexGuard<'_, Peers> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, refusal: &Refusal<'_>) {
        self.counters.refused(refusal.reason);
        let claimed = refusal.claimed.unwrap_or("unknown");
        if !self.log_now(claimed, refusal.reason) {
            return;
        }
        let cluster = &self.cluster;
        match refusal.reason {
            Reason::Cluster => info!(
                "cluster: node {claimed} is of another cluster, not of {cluster:?}; its messages are \
                 ignored. If it belongs here, give it the same --cluster-name"
            ),
            Reason::Secret => warn!(
                "cluster: messages of node {claimed} are refused: they are not sealed with the secret \
                 of {cluster:?}. If it belongs here, give it the same --cluster-secret-file"
            ),
            Reason::Version => warn!(
                "cluster: messages of another version of herenow are refused; run versions that \
                 understand each other"
            ),
            // Late and repeated messages are daily life, and an attack changes nothing.
            Reason::Replayed | Reason::Misdirected => {
                debug!(
                    "cluster: a message of node {claimed} is ignored: {}",
                    refusal.what
                );
            }
            Reason::Garbage | Reason::Oversized => {
                warn!(
                    "cluster: a message of {claimed} is refused: {}",
                    refusal.what
                );
            }
        }
    }

    /// Whether this is the first refusal of its kind.
    fn log_now(&self, claimed: &str, reason: Reason) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.len() < MAX_LOGGED && logged.insert((claimed.to_owned(), reason))
    }
}

#[cfg(test)]
mod tests;
