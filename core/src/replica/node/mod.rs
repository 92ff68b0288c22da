//! One node's part in replication: who else there is, what they have, and what to ask whom for.
//!
//! A [`Node`] stands beside the node's [`Shard`]s. It tells other nodes of their changes and merges into
//! them what other nodes tell. Like them it neither reads a clock nor sends anything: `now` and messages
//! go in, and what is to be done is fetched with [`Node::poll`]. `core/src/replica/ALGORITHM.md` explains
//! how it works and why so.
//!
//! What a server does around it: call [`Node::changed`] after each change of a shard,
//! [`Node::want`] for a shard when it gets its first member or reader and [`Node::unwant`] when it has
//! lost the last; hold back the first list of a shard until [`Node::is_ready`] or [`Output::Ready`]; hand
//! in what the bus receives ([`Node::handle`]) and reports ([`Node::link_up`], [`Node::link_lost`]); and
//! call [`Node::goodbye`] before it stops. Shards may be used meanwhile: the node asks for one at a time
//! ([`Shards`]), and no shard ever asks for the node.
//!
//! It does not promise that a change has reached anybody when a call returns, and it does not need the
//! network to be honest about loss, order or duplicates; but it does rely on the bus to say truly who
//! sent a message.

mod config;
mod digest;
mod interest;
mod liveness;
mod member;
mod output;
mod publish;
mod pull;
mod vector;

pub use config::{NodeConfig, NodeConfigError};
pub use member::{MemberInfo, MemberState, NodeFootprint};
pub use output::{Output, Refused, To};

use super::wire::{self, Claim, ClusterTag, Forward, Message};
use super::{ReplicaId, Shard};
use interest::Interests;
use member::Member;
use output::Outbox;
use publish::Publishing;
use std::collections::BTreeMap;
use std::sync::Arc;
use vector::Vector;

/// Access to the shards of a node, one at a time. Shards that are shared lock here.
pub trait Shards {
    /// Runs something with the shard number `shard`, which is less than [`NodeConfig::shards`].
    fn with<T>(&mut self, shard: u16, run: impl FnOnce(&mut Shard) -> T) -> T;
}

impl Shards for Vec<Shard> {
    fn with<T>(&mut self, shard: u16, run: impl FnOnce(&mut Shard) -> T) -> T {
        run(&mut self[usize::from(shard)])
    }
}

/// The replication of one node, as a state machine.
///
/// `now` is in milliseconds, on a monotonic clock of the caller's choosing; a value lower than one given
/// before counts as that one. If much time passes between two calls the node takes it that it was
/// stopped itself, and does not blame others for their silence.
///
/// After each call that takes `now`: poll until there is nothing, do what was said, and call
/// [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout).
///
/// ```
/// use herenow_core::replica::{ChannelId, Node, NodeConfig, Output, ReplicaId, Shard, ShardConfig, To};
///
/// let config = || NodeConfig { shards: 1, ..NodeConfig::default() };
/// let shards = |id: &ReplicaId| vec![Shard::new(id.clone(), 0, ShardConfig::default())];
/// let (a, b) = (ReplicaId::new("a", 1), ReplicaId::new("b", 1));
/// let (mut shards_a, mut shards_b) = (shards(&a), shards(&b));
/// let mut node_a = Node::new(0, a.clone(), config())?;
/// let mut node_b = Node::new(0, b.clone(), config())?;
///
/// shards_a[0].track(0, "room:lobby", ChannelId(1), "alice", "{}")?;
/// node_a.changed(0, 0, &mut shards_a);
/// node_b.want(0, 0);
/// for _ in 0..5 {
///     node_a.handle_timeout(0, &mut shards_a);
///     node_b.handle_timeout(0, &mut shards_b);
///     // There are but two nodes, so that everything sent by one is for the other.
///     while let Some(output) = node_a.poll() {
///         if let Output::Send { bytes, .. } = output {
///             node_b.handle(0, &a, &bytes, &mut shards_b)?;
///         }
///     }
///     while let Some(output) = node_b.poll() {
///         if let Output::Send { bytes, .. } = output {
///             node_a.handle(0, &b, &bytes, &mut shards_a)?;
///         }
///     }
/// }
/// assert_eq!(shards_b[0].list("room:lobby"), shards_a[0].list("room:lobby"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Hash)]
pub struct Node {
    replica: ReplicaId,
    config: NodeConfig,
    cluster: ClusterTag,
    /// The latest `now`.
    clock: u64,
    /// The replicas of other nodes, by the name of the node: of each name there is one.
    members: BTreeMap<Arc<str>, Member>,
    /// Replicas that said goodbye.
    gone: BTreeMap<Arc<str>, Gone>,
    /// What the own replica has published.
    published: Vector,
    publishing: Publishing,
    /// What the last heartbeat said.
    claim: Claim,
    next_heartbeat: u64,
    /// How many heartbeats' worth of members were mentioned: with many members they take turns.
    turn: usize,
    interests: Interests,
    /// Until then silence does not mean that there is nobody.
    joining_until: Option<u64>,
    /// A replica of this node's name with a higher incarnation, once it has been reported.
    superseded: Option<u64>,
    has_left: bool,
    out: Outbox,
    /// Nothing has to be done earlier.
    wake: u64,
}

/// A replica that will not come back.
#[derive(Clone, Hash)]
struct Gone {
    incarnation: u64,
    /// Heartbeats mention it until then.
    mention_until: u64,
    /// Late messages about it are ignored until then.
    forget_at: u64,
}

impl Node {
    /// The node of `replica`, whose shards are still empty (for those that are not, call
    /// [`changed`](Self::changed)). Its first heartbeat is due at once.
    pub fn new(now: u64, replica: ReplicaId, config: NodeConfig) -> Result<Self, NodeConfigError> {
        config.check()?;
        Ok(Self {
            replica,
            cluster: ClusterTag::new(&config.cluster),
            clock: now,
            members: BTreeMap::new(),
            gone: BTreeMap::new(),
            published: Vector::default(),
            publishing: Publishing::new(config.shards),
            claim: Claim::default(),
            next_heartbeat: now,
            turn: 0,
            interests: Interests::new(config.shards),
            joining_until: Some(now.saturating_add(config.ready_timeout_ms)),
            superseded: None,
            has_left: false,
            out: Outbox::default(),
            wake: now,
            config,
        })
    }

    /// The replica that this node is.
    #[must_use]
    pub fn replica(&self) -> &ReplicaId {
        &self.replica
    }

    /// Takes a message that `from` sent. Messages that are refused change nothing.
    pub fn handle(
        &mut self,
        now: u64,
        from: &ReplicaId,
        bytes: &[u8],
        shards: &mut impl Shards,
    ) -> Result<(), Refused> {
        self.advance(now);
        if self.has_left {
            return Ok(());
        }
        match wire::decode(self.cluster, bytes)? {
            Message::Forward(forward) => self.take_forward(from, &forward, bytes, shards)?,
            message => self.take(from, None, message, shards)?,
        }
        self.note_heard(from);
        self.review_ready();
        Ok(())
    }

    /// Does what has become due. Calling it early does no harm.
    pub fn handle_timeout(&mut self, now: u64, shards: &mut impl Shards) {
        self.advance(now);
        if self.has_left || self.clock < self.wake {
            return;
        }
        self.publish_due(shards);
        if self.clock >= self.next_heartbeat {
            self.heartbeat();
        }
        self.check_members(shards);
        self.send_pulls();
        self.forget_idle(shards);
        self.gone.retain(|_, gone| self.clock < gone.forget_at);
        self.review_ready();
        self.wake = self.next_deadline();
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called next; never again after
    /// [`goodbye`](Self::goodbye). Ask again after each call that takes `now`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        (!self.has_left).then_some(self.wake)
    }

    /// The next thing to be done. Poll until there is none.
    #[must_use]
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop()
    }

    /// Tells the others that this replica leaves for good, so that they need not wait for it. The node
    /// does nothing more afterwards; poll what is to be sent.
    pub fn goodbye(&mut self, now: u64) {
        self.advance(now);
        if !self.has_left {
            self.has_left = true;
            self.out.send(To::All, wire::encode_goodbye(self.cluster));
        }
    }

    /// How many changes of its own the node has told of, in all shards.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.published.sum()
    }

    /// What is known of the other replicas, by the names of their nodes.
    pub fn members(&self) -> impl Iterator<Item = MemberInfo> {
        self.members.values().map(Member::info)
    }

    /// What the node holds, for metrics and for tests that nothing leaks.
    #[must_use]
    pub fn footprint(&self) -> NodeFootprint {
        NodeFootprint {
            members: self.members.len(),
            gone: self.gone.len(),
            pulls: self.members.values().map(|member| member.pulls.len()).sum(),
            unready: self.interests.unready(),
            queued: self.out.len(),
        }
    }

    fn advance(&mut self, now: u64) {
        let stopped = now.saturating_sub(self.clock) > self.config.heartbeat_ms.saturating_mul(2);
        self.clock = self.clock.max(now);
        if stopped {
            self.excuse_members();
        }
    }

    /// Makes sure that `handle_timeout` is called by then.
    fn wake_at(&mut self, at: u64) {
        self.wake = self.wake.min(at);
    }

    fn next_deadline(&self) -> u64 {
        let members = self
            .members
            .values()
            .map(|member| member.deadline(&self.config));
        let gone = self.gone.values().map(|gone| gone.forget_at);
        let others = [self.publishing.next(), self.interests.next()]
            .into_iter()
            .flatten();
        let all = members.chain(gone).chain(others).chain(self.joining_until);
        all.min()
            .map_or(self.next_heartbeat, |at| at.min(self.next_heartbeat))
    }

    /// Takes a message of `from`, which came directly or through `via`.
    fn take(
        &mut self,
        from: &ReplicaId,
        via: Option<&ReplicaId>,
        message: Message<'_>,
        shards: &mut impl Shards,
    ) -> Result<(), Refused> {
        match message {
            Message::Digest(digest) => self.take_digest(from, digest, shards)?,
            Message::Goodbye => self.take_goodbye(from, shards),
            Message::Ask(replica) => self.answer_ask(from, via, &replica),
            Message::Versions(versions) => self.take_versions(from, versions, shards)?,
            Message::Pull(pull) => self.answer_pull(from, via, &pull, shards)?,
            Message::Changes(changes) => self.take_changes(from, changes, shards)?,
            // One that was wrapped twice: nobody does that.
            Message::Forward(_) => {}
        }
        Ok(())
    }

    /// Takes a message that somebody wrote who may not reach its receiver, or hands it on.
    fn take_forward(
        &mut self,
        from: &ReplicaId,
        forward: &Forward<'_>,
        bytes: &[u8],
        shards: &mut impl Shards,
    ) -> Result<(), Refused> {
        if forward.to == self.replica {
            let message = wire::decode(self.cluster, forward.message)?;
            return self.take(&forward.origin, Some(from), message, shards);
        }
        let is_known = self.member(&forward.to).is_some();
        if is_known && self.out.has_room(&self.config) {
            self.out
                .send(To::Replica(forward.to.clone()), bytes.to_vec());
        }
        Ok(())
    }

    /// Sends to a replica, the same way as its question came.
    fn reply(&mut self, to: &ReplicaId, via: Option<&ReplicaId>, message: Vec<u8>) {
        match via {
            None => self.out.send(To::Replica(to.clone()), message),
            Some(via) => {
                let forward = Forward {
                    origin: self.replica.clone(),
                    to: to.clone(),
                    message: &message,
                };
                let bytes = wire::encode_forward(self.cluster, &forward);
                self.out.send(To::Replica(via.clone()), bytes);
            }
        }
    }

    /// This very replica, if it is known.
    fn member(&self, id: &ReplicaId) -> Option<&Member> {
        let member = self.members.get(id.node());
        member.filter(|member| member.id == *id)
    }

    fn member_mut(&mut self, id: &ReplicaId) -> Option<&mut Member> {
        let member = self.members.get_mut(id.node());
        member.filter(|member| member.id == *id)
    }

    fn check_shard(&self, shard: u16) -> Result<(), Refused> {
        match shard < self.config.shards {
            true => Ok(()),
            false => Err(Refused::NoSuchShard {
                shard,
                shards: self.config.shards,
            }),
        }
    }
}
