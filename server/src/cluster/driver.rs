//! The task that makes a node part of its cluster: what arrives on the bus goes into the replication
//! machine, and what that wants done is done.
//!
//! It decides nothing about replication (that is [`Node`]'s task) and never waits for the bus (that is
//! [`Post`]'s). It decides which shards the node wants: those that somebody looks at, and those with
//! presences of its own; and when it forgets what others have in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use herenow_core::replica::{MemberState, Node, Output, Refused, ReplicaId, Shard, To};
use tokio::sync::watch;
use tokio::time::sleep_until;

use super::bus::{Bus, Event, Inbox, Message, SendError, Traffic};
use super::post::Post;
use super::relay::{Relay, is_broadcast};
use crate::PubSub;
use crate::presence::{Interest, Shards};
use crate::sync::lock;

/// What the driver shares with those who ask how the cluster is.
pub(super) struct Shared {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) shards: Arc<Shards>,
    pub(super) interest: Arc<Interest>,
    pub(super) relay: Arc<Relay>,
    pub(super) post: Post,
    /// The incarnation of another node of this one's name, once the cluster listens to that one instead.
    pub(super) superseded: watch::Sender<Option<u64>>,
    /// Held by the driver for one message or one step, and for a look by others. See [`Shards`] for the
    /// order of locks.
    pub(super) state: Mutex<State>,
}

/// What is known of the other nodes.
pub(super) struct State {
    pub(super) node: Node,
    /// What came of each node, by its name.
    pub(super) received: BTreeMap<Arc<str>, Traffic>,
    /// Shards whose presences of other nodes are here or being fetched.
    pub(super) wanted: BTreeSet<u16>,
    /// Messages that replication refused.
    pub(super) refused: u64,
}

/// How the driver's work comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Not yet.
    No,
    /// With a word to the others.
    Leave,
}

/// The task's own part.
pub(super) struct Driver {
    shared: Arc<Shared>,
    pubsub: PubSub,
    inbox: Inbox,
    /// Says when to stop; dropped, it says so without a word.
    stop: watch::Receiver<Stop>,
    /// Turns true when the node knows what others have.
    synced: watch::Sender<bool>,
    /// When it counts as synced anyway.
    sync_until: u64,
    idle_forget_ms: u64,
    /// Wanted shards that nobody looks at, with the moment when they are forgotten.
    idle: BTreeMap<u16, u64>,
    /// Nodes whose messages were refused. It was logged.
    warned: BTreeSet<Arc<str>>,
}

/// What a [`Driver`] is made of.
pub(super) struct Parts {
    pub(super) shared: Arc<Shared>,
    pub(super) pubsub: PubSub,
    pub(super) inbox: Inbox,
    pub(super) stop: watch::Receiver<Stop>,
    pub(super) synced: watch::Sender<bool>,
    pub(super) join_timeout: Duration,
    pub(super) idle_forget: Duration,
}

/// How many messages are taken before what comes of them is done.
const MESSAGES_PER_STEP: usize = 256;

/// Of how many nodes it is logged that they sent something wrong.
const MAX_WARNED: usize = 256;

impl Driver {
    pub(super) fn new(parts: Parts) -> Self {
        let now = parts.shared.shards.now();
        Self {
            sync_until: now.saturating_add(super::settings::milliseconds(parts.join_timeout)),
            idle_forget_ms: super::settings::milliseconds(parts.idle_forget),
            shared: parts.shared,
            pubsub: parts.pubsub,
            inbox: parts.inbox,
            stop: parts.stop,
            synced: parts.synced,
            idle: BTreeMap::new(),
            warned: BTreeSet::new(),
        }
    }

    /// Works until it is told to stop, or the bus is closed.
    pub(super) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        loop {
            self.step();
            let wake_at = shared.shards.instant(self.wake_at());
            tokio::select! {
                event = self.inbox.recv() => match event {
                    Some(event) => self.receive_all(event),
                    None => {
                        tracing::error!("cluster: the bus has ended; this node is on its own");
                        break;
                    }
                },
                () = shared.interest.stirred() => {}
                () = sleep_until(wake_at) => {}
                leaves = told_to_leave(&mut self.stop) => {
                    if leaves {
                        self.say_goodbye();
                    }
                    break;
                }
            }
        }
        shared.bus.close().await;
    }

    /// Takes an event and those that wait behind it.
    fn receive_all(&mut self, first: Event) {
        let mut next = Some(first);
        for _ in 0..MESSAGES_PER_STEP {
            let Some(event) = next else { return };
            self.receive(event);
            next = self.inbox.try_recv();
        }
        if let Some(event) = next {
            self.receive(event);
        }
    }

    fn receive(&mut self, event: Event) {
        let now = self.shared.shards.now();
        match event {
            Event::Message(message) if is_broadcast(&message.payload) => {
                let Message { from, payload, .. } = &message;
                let received = self.shared.relay.receive(from, payload, &self.pubsub);
                if let Err(wrong) = received {
                    self.refuse(&message.from, &format!("a broadcast: {wrong} is wrong"));
                }
            }
            Event::Message(message) => {
                if let Err(refused) = self.handle(now, &message) {
                    self.refuse(&message.from, &refused.to_string());
                }
            }
            Event::PeerUp(replica) => lock(&self.shared.state).node.link_up(now, &replica),
            Event::PeerDown(replica) => lock(&self.shared.state).node.link_lost(now, &replica),
            Event::Outlived { replica, later } => {
                lock(&self.shared.state).node.outlived(now, &replica, later);
            }
        }
    }

    fn handle(&self, now: u64, message: &Message) -> Result<(), Refused> {
        let Message { from, payload, .. } = message;
        let mut state = lock(&self.shared.state);
        let traffic = state.received.entry(Arc::clone(from.node())).or_default();
        traffic.messages += 1;
        traffic.bytes += payload.len() as u64;
        state
            .node
            .handle(now, from, payload, &mut Access(&self.shared.shards))
    }

    /// Counts a message that is refused; the first one of a node is logged.
    fn refuse(&mut self, from: &ReplicaId, why: &str) {
        lock(&self.shared.state).refused += 1;
        if self.warned.len() < MAX_WARNED && self.warned.insert(Arc::clone(from.node())) {
            tracing::warn!(%from, "cluster: a message is refused (more of this node are only counted): {why}");
        }
    }

    /// Sees to what was stirred and to what is due, and does what comes of it.
    fn step(&mut self) {
        let shared = Arc::clone(&self.shared);
        let now = shared.shards.now();
        let mut state = lock(&shared.state);
        let mut outputs = Vec::new();
        for shard in shared.interest.take_stirred() {
            state.node.changed(now, shard, &mut Access(&shared.shards));
            outputs.extend(self.review(&mut state, now, shard));
        }
        self.forget_idle(&mut state, now);
        shared.relay.give_up_overdue();
        state.node.handle_timeout(now, &mut Access(&shared.shards));
        outputs.extend(poll_all(&mut state.node));
        drop(state);
        let others_changed = outputs.iter().any(is_about_others);
        for output in outputs {
            self.perform(output);
        }
        if others_changed || !*self.synced.borrow() {
            self.review_members(now);
        }
    }

    /// Compares whether a shard is looked at with what the node fetches.
    fn review(&mut self, state: &mut State, now: u64, shard: u16) -> Option<Output> {
        let index = usize::from(shard);
        let is_needed = self.shared.interest.is_looked_at(index) || self.has_own(index);
        if is_needed {
            self.idle.remove(&shard);
            if state.wanted.insert(shard) {
                state.node.want(now, shard);
                // Given up a moment ago and not forgotten yet: then the node has nothing to say.
                return state.node.is_ready(shard).then_some(Output::Ready(shard));
            }
        } else if state.wanted.contains(&shard) && !self.idle.contains_key(&shard) {
            // Only lists that are read from here on put it off.
            self.shared.interest.take_used(index);
            let until = now.saturating_add(self.idle_forget_ms);
            self.idle.insert(shard, until);
        }
        None
    }

    /// Forgets what others have in shards that nobody has looked at for long.
    fn forget_idle(&mut self, state: &mut State, now: u64) {
        let due = self.idle.iter().filter(|(_, until)| **until <= now);
        let due: Vec<u16> = due.map(|(shard, _)| *shard).collect();
        for shard in due {
            let index = usize::from(shard);
            let interest = &self.shared.interest;
            if interest.take_used(index) {
                let until = now.saturating_add(self.idle_forget_ms);
                self.idle.insert(shard, until);
                continue;
            }
            self.idle.remove(&shard);
            // Under the shard's lock: see `Interest`.
            let gives_up = self.shared.shards.with(index, |shard| {
                shard.own_presences() == 0 && interest.give_up(index)
            });
            // If not, somebody came just now, and has stirred.
            if gives_up {
                state.wanted.remove(&shard);
                state.node.unwant(now, shard);
            }
        }
    }

    fn has_own(&self, index: usize) -> bool {
        let own = |shard: &mut Shard| shard.own_presences() > 0;
        self.shared.shards.with(index, own)
    }

    fn perform(&mut self, output: Output) {
        let shared = &self.shared;
        match output {
            Output::Send { to, bytes } => self.send(to, bytes.into()),
            Output::Subscribe(shard) => shared.post.subscribe(shard, true),
            Output::Unsubscribe(shard) => shared.post.subscribe(shard, false),
            Output::Diffs(shard) => shared.shards.send(shard.into()),
            Output::Ready(shard) => shared.shards.complete(shard.into()),
            Output::Up(replica) => tracing::info!("cluster: {replica} is up"),
            Output::Down(replica) => {
                tracing::warn!("cluster: {replica} is silent; its users are not listed");
                shared.post.give_up_on(&replica);
            }
            Output::Forgotten(replica) => {
                tracing::info!("cluster: {replica} is gone");
                shared.post.give_up_on(&replica);
                let State { node, received, .. } = &mut *lock(&shared.state);
                let names: BTreeSet<_> = node
                    .members()
                    .map(|member| member.replica.node().clone())
                    .collect();
                received.retain(|name, _| names.contains(name));
            }
            Output::Superseded(incarnation) => {
                let me = shared.shards.replica();
                tracing::error!(
                    "cluster: {me} is ignored by the others, because there is a later {}#{incarnation}",
                    me.node()
                );
                shared.superseded.send_replace(Some(incarnation));
            }
        }
    }

    fn send(&self, to: To, message: Bytes) {
        let bus = &self.shared.bus;
        let sent = match to {
            To::All => bus.broadcast(message),
            To::Shard(shard) => bus.publish(shard, message),
            To::Replica(replica) => return self.shared.post.send(replica, message),
        };
        match sent {
            // The bus counts what it drops.
            Ok(()) | Err(SendError::Busy | SendError::Closed) => {}
            Err(error) => tracing::warn!("cluster: a message is lost: {error}"),
        }
    }

    /// Looks at who is there: to whom broadcasts go, and whether this node has caught up with them.
    fn review_members(&self, now: u64) {
        let (mut alive, mut returning) = (0, 0);
        for member in lock(&self.shared.state).node.members() {
            match member.state {
                MemberState::Up => alive += 1,
                MemberState::Returning => (alive, returning) = (alive + 1, returning + 1),
                MemberState::Down => {}
            }
        }
        self.shared.relay.set_peers(alive);
        let has_caught_up = alive > 0 && returning == 0;
        if has_caught_up || now >= self.sync_until {
            self.synced.send_replace(true);
        }
    }

    /// When there is something to do at the latest.
    fn wake_at(&self) -> u64 {
        let node = lock(&self.shared.state).node.poll_timeout();
        let sync = (!*self.synced.borrow()).then_some(self.sync_until);
        let idle = self.idle.values().min().copied();
        [node, sync, idle]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(u64::MAX)
    }

    fn say_goodbye(&mut self) {
        let now = self.shared.shards.now();
        let outputs = {
            let mut state = lock(&self.shared.state);
            state.node.goodbye(now);
            poll_all(&mut state.node)
        };
        for output in outputs {
            self.perform(output);
        }
    }
}

impl Drop for Driver {
    /// Also after a panic: nobody shall wait for what will not come.
    fn drop(&mut self) {
        self.shared.interest.abandon();
        self.shared.relay.set_peers(0);
        for shard in 0..self.shared.shards.len() {
            self.shared.shards.send(shard.into());
        }
    }
}

/// Waits until the driver shall stop, and says whether with a word to the others.
async fn told_to_leave(stop: &mut watch::Receiver<Stop>) -> bool {
    stop.wait_for(|stop| *stop == Stop::Leave).await.is_ok()
}

/// Whether another node has come up, fallen silent or gone.
fn is_about_others(output: &Output) -> bool {
    matches!(
        output,
        Output::Up(_) | Output::Down(_) | Output::Forgotten(_)
    )
}

fn poll_all(node: &mut Node) -> Vec<Output> {
    std::iter::from_fn(|| node.poll()).collect()
}

/// The shards, as the replication machine reaches for them.
pub(super) struct Access<'a>(pub(super) &'a Shards);

impl herenow_core::replica::Shards for Access<'_> {
    fn with<T>(&mut self, shard: u16, run: impl FnOnce(&mut Shard) -> T) -> T {
        self.0.with(shard.into(), run)
    }
}
