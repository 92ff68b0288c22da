//! The engine without a broker: nodes are zenoh peers that connect to each other.
//!
//! * `settings` says how zenoh is to be set up, `keys` where messages go.
//! * `session` is one zenoh session with the subscriptions of the node.
//! * `mesh` keeps the node connected to all others that it ever heard of, in ways that zenoh does not.
//! * `lanes` carries direct messages, `intro` what nodes say to introduce themselves.
//!
//! Deltas and heartbeats are dropped under congestion; direct messages wait, each recipient's for
//! themselves. They use different priorities, and so different queues of zenoh: a snapshot on its way
//! to one node delays no heartbeat.

mod intro;
mod keys;
mod lanes;
mod mesh;
mod resolve;
mod session;
mod settings;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::zenoh::Wait;
use ::zenoh::qos::{CongestionControl, Priority};
use bytes::Bytes;
use herenow_core::replica::ReplicaId;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

use self::keys::Keys;
use self::lanes::Lanes;
use self::mesh::Mesh;
use self::resolve::Resolver;
use self::session::Slot;
use super::config::{ClusterConfig, ZenohConfig};
use super::envelope::Address;
use super::node::Node;
use super::outbox::{Outbox, Outgoing, outbox};
use super::{Bus, BusFuture, BusStats, Inbox, OpenError, SendError};

/// How long leaving may take after everything was sent.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Joins the mesh.
pub(super) async fn open(
    config: &ClusterConfig,
    settings: &ZenohConfig,
    incarnation: u64,
) -> Result<(Arc<dyn Bus>, Inbox), OpenError> {
    let (bus, inbox) = ZenohBus::open(config, settings, incarnation, Tuning::default()).await?;
    Ok((Arc::new(bus), inbox))
}

/// What tests have otherwise than users.
struct Tuning {
    resolver: Resolver,
    /// Whether zenoh tells nodes of each other.
    gossip: bool,
    /// How often the mesh is looked after.
    round: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            resolver: resolve::system(),
            gossip: true,
            round: mesh::ROUND,
        }
    }
}

/// Where a frame to be published goes.
type Parcel = (String, Priority);

struct ZenohBus {
    node: Arc<Node>,
    keys: Arc<Keys>,
    slot: Arc<Slot>,
    outbox: Outbox<Parcel>,
    lanes: Lanes,
    /// Set to true when the mesh shall be left; dropped, it means the same.
    leave: watch::Sender<bool>,
    /// Turns true when the mesh has been left.
    left: watch::Receiver<bool>,
}

impl ZenohBus {
    async fn open(
        config: &ClusterConfig,
        settings: &ZenohConfig,
        incarnation: u64,
        tuning: Tuning,
    ) -> Result<(Self, Inbox), OpenError> {
        if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
            let problem = "--cluster: zenoh needs a Tokio runtime with several threads";
            return Err(OpenError::new(problem));
        }
        let (node, inbox) = Node::new(config, incarnation);
        let keys = Arc::new(Keys::new(&config.name));
        let (slot, notices) = Slot::new(&node, &keys, settings, tuning.gossip);
        let slot = Arc::new(slot);
        let mesh = Mesh::start(&node, &keys, &slot, settings, tuning, notices).await?;
        if settings.tls.is_none() && config.secret.is_none() {
            warn!(
                "cluster: whoever reaches {} can join: give all nodes a --cluster-secret-file or TLS files",
                settings.listen
            );
        }
        info!(
            "cluster: {} of {:?} listens on {}",
            node.me,
            config.name,
            slot.listens_on().join(", ")
        );

        let (leave, leaving) = watch::channel(false);
        let (leaver, left) = watch::channel(false);
        tokio::spawn(mesh.run(leaving, leaver));
        let (outbox, outgoing) = outbox(config.limits.outbox_bytes);
        publish_in_background(outgoing, Arc::clone(&slot), Arc::clone(&node))?;
        let lanes = Lanes::new(&slot, &node);
        let bus = Self {
            node,
            keys,
            slot,
            outbox,
            lanes,
            leave,
            left,
        };
        Ok((bus, inbox))
    }

    fn queue(&self, to: Address<'_>, parcel: Parcel, payload: &Bytes) -> Result<(), SendError> {
        self.node.check(payload, self.max_payload())?;
        if self.outbox.push(parcel, self.node.sealer.seal(to, payload)) {
            return Ok(());
        }
        self.node.gate.counters().dropped_outgoing();
        Err(SendError::Busy)
    }

    async fn leave(&self) {
        if self.node.close() {
            let limit = Duration::from_millis(self.node.gate.limits().close_ms);
            let flush = async {
                self.outbox.flush(limit).await;
                self.lanes.flush(limit).await;
                self.slot.flush(limit).await;
            };
            let _ = timeout(limit, flush).await;
            let _ = self.leave.send(true);
        }
        // An error means that the mesh's task has ended, and with it the session.
        let mut left = self.left.clone();
        let _ = timeout(LEAVE_TIMEOUT, left.wait_for(|left| *left)).await;
    }
}

impl Bus for ZenohBus {
    fn me(&self) -> &ReplicaId {
        &self.node.me
    }

    fn max_payload(&self) -> usize {
        self.node.max_payload()
    }

    fn publish(&self, shard: u16, payload: Bytes) -> Result<(), SendError> {
        let parcel = (self.keys.shard(shard), Priority::Data);
        self.queue(Address::Shard(shard), parcel, &payload)
    }

    fn broadcast(&self, payload: Bytes) -> Result<(), SendError> {
        // Heartbeats say who is alive, so they overtake what they are about.
        let parcel = (self.keys.all(), Priority::DataHigh);
        self.queue(Address::All, parcel, &payload)
    }

    fn send<'a>(
        &'a self,
        to: &'a ReplicaId,
        payload: Bytes,
    ) -> BusFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            self.node.check(&payload, self.max_payload())?;
            let frame = self.node.sealer.seal(Address::direct(to), &payload);
            self.lanes.send(to, self.keys.direct(to), frame).await
        })
    }

    fn subscribe(&self, shard: u16) -> BusFuture<'_, Result<(), SendError>> {
        Box::pin(async move {
            self.node.check_open()?;
            self.slot.subscribe(shard).await
        })
    }

    fn unsubscribe(&self, shard: u16) -> BusFuture<'_, Result<(), SendError>> {
        Box::pin(async move {
            self.node.check_open()?;
            self.slot.unsubscribe(shard).await
        })
    }

    fn stats(&self) -> BusStats {
        self.node.gate.stats()
    }

    fn close(&self) -> BusFuture<'_, ()> {
        Box::pin(self.leave())
    }
}

impl fmt::Debug for ZenohBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZenohBus")
            .field("me", &self.node.me)
            .finish_non_exhaustive()
    }
}

/// Publishing costs zenoh some time per recipient, and under congestion a little waiting: work for a
/// thread of its own, which ends when the bus is dropped.
fn publish_in_background(
    mut outgoing: Outgoing<Parcel>,
    slot: Arc<Slot>,
    node: Arc<Node>,
) -> Result<(), OpenError> {
    let publish = move || {
        while let Some(((key, priority), frame)) = outgoing.next_blocking() {
            put(&slot, &node, &key, frame, priority, CongestionControl::Drop);
        }
    };
    std::thread::Builder::new()
        .name("herenow-publish".into())
        .spawn(publish)
        .map(drop)
        .map_err(|error| OpenError::new(format!("cluster: no thread for publishing: {error}")))
}

/// Hands a frame to zenoh. Blocks for as long as zenoh does.
fn put(
    slot: &Slot,
    node: &Node,
    key: &str,
    frame: Bytes,
    priority: Priority,
    congestion: CongestionControl,
) {
    let bytes = frame.len();
    let sent = slot.session().is_some_and(|session| {
        let put = session.put(key, frame);
        let put = put.priority(priority).congestion_control(congestion);
        put.wait().is_ok()
    });
    if sent {
        node.gate.counters().sent(bytes);
    } else {
        node.gate.counters().dropped_outgoing();
    }
}
