//! The engine that leaves nothing out of the process: for a node that is alone, and for tests that
//! want several nodes without a network.
//!
//! Messages take the same way as with the other engines (sealed, opened, counted), so that a test with
//! a [`LocalNetwork`] exercises all of the bus except the network. Delivery is immediate and in order,
//! until a test [cuts](LocalNetwork::cut) a link.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use herenow_core::replica::ReplicaId;

use super::envelope::Address;
use super::node::Node;
use super::{Bus, BusFuture, BusStats, ClusterConfig, Inbox, SendError};

/// Nodes of one process that can reach each other.
#[derive(Debug, Clone, Default)]
pub struct LocalNetwork(Arc<Mutex<Nodes>>);

#[derive(Debug, Default)]
struct Nodes {
    ports: BTreeMap<ReplicaId, Port>,
    /// From and to, by name of the node.
    cuts: BTreeSet<(String, String)>,
}

/// Where a node is plugged in.
#[derive(Debug)]
struct Port {
    node: Arc<Node>,
    shards: BTreeSet<u16>,
}

impl LocalNetwork {
    /// A network without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Plugs in the node of `config`, whatever its engine is set to, as its life `incarnation`.
    pub fn join(&self, config: &ClusterConfig, incarnation: u64) -> (Arc<dyn Bus>, Inbox) {
        let (node, inbox) = Node::new(config, incarnation);
        let port = Port {
            node: Arc::clone(&node),
            shards: BTreeSet::new(),
        };
        self.nodes().ports.insert(node.me.clone(), port);
        self.introduce(&node);
        let network = self.clone();
        (Arc::new(LocalBus { node, network }), inbox)
    }

    /// Everybody hears of the new node, and it of everybody.
    fn introduce(&self, new: &Node) {
        for other in self.receivers(&new.me, Address::Hello) {
            other.gate.accept(&new.sealer.seal(Address::Hello, &[]));
            new.gate.accept(&other.sealer.seal(Address::Hello, &[]));
        }
    }

    /// Seals a message and hands it to those it reaches; a node that is alone pays for no seal.
    fn deliver(&self, from: &Node, to: Address<'_>, payload: &[u8]) {
        let receivers = self.receivers(&from.me, to);
        if receivers.is_empty() {
            return;
        }
        let frame = from.sealer.seal(to, payload);
        from.gate.counters().sent(frame.len());
        for receiver in receivers {
            receiver.gate.accept(&frame);
        }
    }

    /// From now on nothing that `from` sends reaches `to`, which is told that the link is lost.
    pub fn cut(&self, from: &str, to: &str) {
        let mut nodes = self.nodes();
        nodes.cuts.insert((from.to_owned(), to.to_owned()));
        let lives_of = |name: &str| {
            let ports = nodes.ports.iter();
            let of_name = ports.filter(|(id, _)| **id.node() == *name);
            of_name
                .map(|(_, port)| Arc::clone(&port.node))
                .collect::<Vec<_>>()
        };
        for to in lives_of(to) {
            for from in lives_of(from) {
                to.gate.lost(from.me.node(), from.me.incarnation());
            }
        }
    }

    /// Undoes a [`cut`](Self::cut).
    pub fn heal(&self, from: &str, to: &str) {
        self.nodes().cuts.remove(&(from.to_owned(), to.to_owned()));
    }

    fn nodes(&self) -> MutexGuard<'_, Nodes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The nodes that something for `to` arrives at.
    fn receivers(&self, from: &ReplicaId, to: Address<'_>) -> Vec<Arc<Node>> {
        let nodes = self.nodes();
        let wanted = |id: &ReplicaId, port: &Port| match to {
            Address::All | Address::Hello => true,
            Address::Shard(shard) => port.shards.contains(&shard),
            Address::Direct { node, incarnation } => {
                **id.node() == *node && id.incarnation() == incarnation
            }
        };
        let open = |id: &ReplicaId| {
            let link = (from.node().to_string(), id.node().to_string());
            id != from && !nodes.cuts.contains(&link)
        };
        let reached = nodes
            .ports
            .iter()
            .filter(|(id, port)| wanted(id, port) && open(id));
        reached.map(|(_, port)| Arc::clone(&port.node)).collect()
    }
}

/// One node's end of a [`LocalNetwork`].
#[derive(Debug)]
struct LocalBus {
    node: Arc<Node>,
    network: LocalNetwork,
}

impl LocalBus {
    fn transmit(&self, to: Address<'_>, payload: &Bytes) -> Result<(), SendError> {
        self.node.check(payload, self.node.max_payload())?;
        self.network.deliver(&self.node, to, payload);
        Ok(())
    }

    fn with_shards(&self, change: impl FnOnce(&mut BTreeSet<u16>)) -> Result<(), SendError> {
        match self.network.nodes().ports.get_mut(&self.node.me) {
            Some(port) => {
                change(&mut port.shards);
                Ok(())
            }
            None => Err(SendError::Closed),
        }
    }

    /// Unplugs it; the others are told that the link is lost.
    fn leave(&self) {
        let mut nodes = self.network.nodes();
        let me = &self.node.me;
        if self.node.close() {
            nodes.ports.remove(me);
            self.node.gate.end();
            for other in nodes.ports.values() {
                other.node.gate.lost(me.node(), me.incarnation());
            }
        }
    }
}

impl Bus for LocalBus {
    fn me(&self) -> &ReplicaId {
        &self.node.me
    }

    fn max_payload(&self) -> usize {
        self.node.max_payload()
    }

    fn publish(&self, shard: u16, payload: Bytes) -> Result<(), SendError> {
        self.transmit(Address::Shard(shard), &payload)
    }

    fn broadcast(&self, payload: Bytes) -> Result<(), SendError> {
        self.transmit(Address::All, &payload)
    }

    fn send<'a>(
        &'a self,
        to: &'a ReplicaId,
        payload: Bytes,
    ) -> BusFuture<'a, Result<(), SendError>> {
        Box::pin(async move { self.transmit(Address::direct(to), &payload) })
    }

    fn subscribe(&self, shard: u16) -> BusFuture<'_, Result<(), SendError>> {
        Box::pin(ready(self.with_shards(|shards| {
            shards.insert(shard);
        })))
    }

    fn unsubscribe(&self, shard: u16) -> BusFuture<'_, Result<(), SendError>> {
        Box::pin(ready(self.with_shards(|shards| {
            shards.remove(&shard);
        })))
    }

    fn stats(&self) -> BusStats {
        self.node.gate.stats()
    }

    fn close(&self) -> BusFuture<'_, ()> {
        Box::pin(async move { self.leave() })
    }
}

impl Drop for LocalBus {
    fn drop(&mut self) {
        self.leave();
    }
}
