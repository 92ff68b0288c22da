//! Several nodes that act as one: a user who joins on one of them is in the lists of all.
//!
//! [`Cluster::join`] makes a node part of a cluster. From then on
//!
//! * its presences are replicated, and [`Presence::list`] names those of all nodes;
//! * what is broadcast to a topic, and the order to disconnect a socket, reach all nodes
//!   ([`PubSub::broadcast`]), at most once.
//!
//! No node is special, and no operation waits for another node, with one exception: the first list of a
//! topic that nobody here has looked at lately. `core/src/replica/ALGORITHM.md` says how presences are
//! replicated and what that promises.
//!
//! * [`bus`] moves bytes between nodes. It knows neither presences nor who is alive.
//! * `driver` connects the replication machine of `herenow_core` to the bus, the clock and the shards of
//!   the node; `post` does for it what may take time.
//! * `relay` carries broadcasts.
//! * `status` is what can be seen of all that.
//!
//! ```
//! use herenow::cluster::bus::{ClusterConfig, LocalNetwork};
//! use herenow::cluster::{Cluster, Settings};
//! use herenow::{Presence, PubSub};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), herenow::cluster::ClusterError> {
//! let network = LocalNetwork::new(); // bus::open joins a real one
//! let node = |name: &str| {
//!     let pubsub = PubSub::new();
//!     let presence = Presence::builder(&pubsub).node(name).start();
//!     let config = ClusterConfig { node: name.into(), ..ClusterConfig::default() };
//!     let (bus, inbox) = network.join(&config, presence.replica().incarnation());
//!     let cluster = Cluster::join(bus, inbox, &pubsub, &presence, Settings::default())?;
//!     Ok::<_, herenow::cluster::ClusterError>((presence, cluster))
//! };
//! let (one, _cluster_of_one) = node("one")?;
//! let (other, _cluster_of_other) = node("other")?;
//!
//! one.track_as("room:lobby", herenow::ChannelId::next(), "alice", serde_json::json!({})).unwrap();
//! while other.list("room:lobby").await.get("alice").is_none() {
//!     tokio::time::sleep(std::time::Duration::from_millis(5)).await;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Presence::list`]: crate::Presence::list
//! [`PubSub::broadcast`]: crate::PubSub::broadcast

pub mod bus;
mod driver;
mod post;
mod relay;
mod settings;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use herenow_core::replica::Node;
use tokio::sync::watch;

pub use herenow_core::replica::{MemberState, ReplicaId};
pub use relay::Broadcasts;
pub use settings::{ClusterError, Settings};
pub use status::{Member, Status};

use self::bus::{Bus, Inbox};
use self::driver::{Driver, Parts, Shared, State, Stop};
use self::post::Post;
use self::relay::Relay;
use crate::presence::Interest;
use crate::{Presence, PubSub};

/// A node's part in its cluster. Cheap to clone; clones are the same.
///
/// When the last one is dropped the node falls silent, as if it had crashed; it should
/// [leave](Self::leave) instead.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    stop: watch::Sender<Stop>,
    /// Its sender is the driver's, and so ends with it.
    synced: watch::Receiver<bool>,
}

/// How much longer a list waits than the node says, which is the one to say it.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);

impl Cluster {
    /// Makes the node of these topics and presences part of the cluster that `bus` leads to. To be
    /// called before the node serves clients, within a tokio runtime.
    ///
    /// The bus must speak for [`Presence::replica`]: open it for a node of the same name, with the
    /// incarnation from there.
    pub fn join(
        bus: Arc<dyn Bus>,
        inbox: Inbox,
        pubsub: &PubSub,
        presence: &Presence,
        settings: Settings,
    ) -> Result<Self, ClusterError> {
        let shards = Arc::clone(presence.shards());
        check(&*bus, presence, &settings)?;
        let node_config = settings.node(shards.len());
        let node = Node::new(shards.now(), shards.replica().clone(), node_config)?;

        let patience = settings.ready_timeout + PATIENCE;
        let interest = Arc::new(Interest::new(shards.len(), patience));
        let max_broadcast = settings.max_broadcast_bytes;
        let relay = Arc::new(Relay::new(&bus, shards.len(), &interest, max_broadcast));
        if !shards.connect(Arc::clone(&interest)) {
            return Err(ClusterError::AlreadyJoined);
        }
        if !pubsub.connect(relay.clone()) {
            interest.abandon();
            return Err(ClusterError::AlreadyJoined);
        }
        // What was tracked before nobody has told of.
        (0..shards.len()).for_each(|shard| interest.stir(shard.into()));

        let (stop, stopped) = watch::channel(Stop::No);
        let (syncing, synced) = watch::channel(false);
        let shared = Arc::new(Shared {
            post: Post::start(&bus, settings.max_outgoing_bytes),
            superseded: watch::Sender::new(None),
            bus,
            shards,
            interest,
            relay,
            state: Mutex::new(State {
                node,
                received: BTreeMap::new(),
                wanted: BTreeSet::new(),
                refused: 0,
            }),
        });
        let driver = Driver::new(Parts {
            shared: Arc::clone(&shared),
            pubsub: pubsub.clone(),
            inbox,
            stop: stopped,
            synced: syncing,
            join_timeout: settings.join_timeout,
            idle_forget: settings.idle_forget,
        });
        tokio::spawn(driver.run());
        Ok(Self(Arc::new(Inner {
            shared,
            stop,
            synced,
        })))
    }

    /// Whether the node has heard of the others and knows what they have, or had no more
    /// [time](Settings::join_timeout) to wait for that.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        *self.0.synced.borrow()
    }

    /// Waits until the node [is synced](Self::is_synced).
    pub async fn synced(&self) {
        // An error means that the driver has ended; then there is nothing to wait for.
        let _ = self.0.synced.clone().wait_for(|synced| *synced).await;
    }

    /// Waits until the others listen to another node of this one's name, and returns the incarnation of
    /// that one: nobody else sees the users of this node any more, so it had better close their
    /// connections, for them to find another.
    ///
    /// It has two causes. Two nodes were given one name: the one that was started last counts. Or this
    /// one was started with a clock that had been set back: it learns so as soon as it has found the
    /// others, and may start again as a [later life](crate::PresenceBuilder::later_than).
    pub async fn superseded(&self) -> u64 {
        let mut superseded = self.0.shared.superseded.subscribe();
        match superseded.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(incarnation)) => *incarnation,
            // Its sender is this handle's own.
            _ => std::future::pending().await,
        }
    }

    /// How the cluster looks from here.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(&self.0.shared)
    }

    /// Leaves the cluster with a word to the others, in whose lists the users of this node are no more.
    /// Returns when it is on its way, within bounded time. A node that has left does not come back.
    pub async fn leave(&self) {
        self.0.stop.send_replace(Stop::Leave);
        let mut driver = self.0.synced.clone();
        while driver.changed().await.is_ok() {}
    }
}

fn check(bus: &dyn Bus, presence: &Presence, settings: &Settings) -> Result<(), ClusterError> {
    if bus.me() != presence.replica() {
        return Err(ClusterError::OtherReplica {
            bus: bus.me().clone(),
            presence: presence.replica().clone(),
        });
    }
    // A message may be exceeded by one presence, and be wrapped once.
    let message = settings.node(presence.shards().len()).max_message_bytes;
    let needed = message + presence.max_presence_bytes() + MAX_WRAPPING;
    // An engine that is not connected yet does not know its limit.
    let limit = bus.max_payload();
    if limit > 0 && needed > limit {
        return Err(ClusterError::PresencesTooLarge { needed, limit });
    }
    Ok(())
}

/// What it takes to hand a message on, at most.
const MAX_WRAPPING: usize = 1_000;

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("replica", self.0.shared.shards.replica())
            .finish_non_exhaustive()
    }
}
