//! The shards of the presence store with their locks, and the way of their diffs to the subscribers.
//!
//! Whoever changes a shard also sends what is due, at once and in the same call, unless somebody is
//! sending for that shard already. A task per shard does the rest: it sends what that somebody may
//! have missed, and what waits for a window to close. So a first change costs no hop to another task,
//! and of each topic the diffs leave in order.

use std::collections::HashMap;
use std::collections::hash_map;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError, Weak};

use herenow_core::protocol::events::PRESENCE_DIFF;
use herenow_core::replica::{ReplicaId, Shard, ShardConfig, TopicDiff, shard_of};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::clock::Clock;
use super::fetch::{Fetch, Fields};
use super::interest::Interest;
use super::presences::diff_payload;
use crate::PubSub;
use crate::sync::lock;

/// All shards of a [`Presence`](super::Presence).
pub(crate) struct Shards {
    /// This life of this node.
    replica: ReplicaId,
    cells: Box<[Cell]>,
    clock: Clock,
    pubsub: PubSub,
    fetch: Option<Fetch>,
    /// Where tasks are spawned, also for callers outside of the runtime.
    runtime: Handle,
    /// Diffs sent since the start.
    diffs: AtomicU64,
    /// What is looked at, once this node is part of a cluster.
    interest: OnceLock<Arc<Interest>>,
}

struct Cell {
    shard: Mutex<Shard>,
    /// Held while diffs are taken from the shard and handed on, which keeps them in order. Never
    /// taken by somebody who holds `shard`.
    sending: Mutex<Sending>,
    /// Wakes the shard's task. Apart, because the task waits without keeping the shards alive.
    wake: Arc<Notify>,
    /// Diffs that wait for the fetch hook, by topic. A topic is in here as long as a task sees to it.
    waiting: Mutex<HashMap<Arc<str>, Vec<TopicDiff>>>,
}

struct Sending {
    /// When the shard's task will wake by itself.
    wakes_at: u64,
}

const NEVER: u64 = u64::MAX;

/// How many diffs a change sends at most before it leaves the rest to the shard's task: a channel must
/// not be kept busy by the changes of all others.
const SENT_AT_ONCE: usize = 32;

impl Shards {
    /// Makes the shards and starts their tasks. Within a tokio runtime.
    pub(super) fn start(
        pubsub: PubSub,
        (replica, clock): (ReplicaId, Clock),
        number: u16,
        config: &ShardConfig,
        fetch: Option<Fetch>,
    ) -> Arc<Self> {
        let shards = Arc::new(Self {
            cells: (0..number)
                .map(|index| Cell::new(Shard::new(replica.clone(), index, config.clone())))
                .collect(),
            clock,
            replica,
            pubsub,
            fetch,
            runtime: Handle::current(),
            diffs: AtomicU64::new(0),
            interest: OnceLock::new(),
        });
        for (index, cell) in shards.cells.iter().enumerate() {
            let task = work(Arc::downgrade(&shards), index, Arc::clone(&cell.wake));
            shards.runtime.spawn(task);
        }
        shards
    }

    /// The number of the shard that holds a topic.
    pub(super) fn index_of(&self, topic: &str) -> usize {
        usize::from(shard_of(topic, self.len()))
    }

    /// How many shards there are.
    pub(crate) fn len(&self) -> u16 {
        u16::try_from(self.cells.len()).unwrap_or(u16::MAX)
    }

    /// This life of this node.
    pub(crate) fn replica(&self) -> &ReplicaId {
        &self.replica
    }

    /// The time as the shards see it, in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The moment at which [`now`](Self::now) reaches `at`.
    pub(crate) fn instant(&self, at: u64) -> Instant {
        self.clock.instant(at)
    }

    /// Does something with the shard number `index`. If that makes diffs, [`send`](Self::send) is to be
    /// called next.
    pub(crate) fn with<R>(&self, index: usize, run: impl FnOnce(&mut Shard) -> R) -> R {
        run(&mut lock(&self.cells[index].shard))
    }

    /// Sends the diffs of the shard number `index` that are due.
    pub(crate) fn send(self: &Arc<Self>, index: usize) {
        self.send_due_if_nobody_does(index);
    }

    /// Makes this node part of a cluster: from now on `interest` is told of changes, and lists wait for
    /// it. `false` if it is part of one already.
    pub(crate) fn connect(&self, interest: Arc<Interest>) -> bool {
        self.interest.set(interest).is_ok()
    }

    /// Whether this node is part of a cluster.
    pub(super) fn is_connected(&self) -> bool {
        self.interest.get().is_some()
    }

    /// Reads the shard number `index` as it is.
    pub(super) fn read<R>(&self, index: usize, read: impl FnOnce(&mut Shard) -> R) -> R {
        self.with(index, read)
    }

    /// Reads the shard number `index` if it holds what there is in the cluster.
    pub(super) fn read_if_complete<R>(
        &self,
        index: usize,
        read: impl FnOnce(&mut Shard) -> R,
    ) -> Option<R> {
        self.with(index, |shard| {
            let interest = self.interest.get();
            let is_complete = interest.is_none_or(|interest| interest.is_complete(index));
            is_complete.then(|| read(shard))
        })
    }

    /// Reads the shard number `index` once it holds what there is in the cluster, or there is no more
    /// time to wait for that.
    pub(super) async fn read_when_complete<R>(
        &self,
        index: usize,
        read: impl FnOnce(&mut Shard) -> R,
    ) -> R {
        let looker = self.interest.get().map(|interest| interest.look(index));
        if let Some(looker) = &looker {
            looker.complete().await;
        }
        self.with(index, |shard| {
            if let Some(interest) = self.interest.get() {
                interest.note_read(index);
            }
            read(shard)
        })
    }

    /// The shard number `index` holds what there is in the cluster from now on: lists that wait for it
    /// are answered, and diffs are sent again.
    pub(crate) fn complete(self: &Arc<Self>, index: usize) {
        self.with(index, |shard| {
            let interest = self.interest.get();
            if interest.is_some_and(|interest| interest.complete(index)) {
                shard.skip_joins_of_others();
            }
        });
        self.send(index);
    }

    /// Changes the shard number `index`, which is given the time, and sends what comes of it.
    pub(super) fn change<R>(
        self: &Arc<Self>,
        index: usize,
        change: impl FnOnce(&mut Shard, u64) -> R,
    ) -> R {
        let result = change(&mut lock(&self.cells[index].shard), self.clock.now());
        if let Some(interest) = self.interest.get() {
            interest.stir(index);
        }
        self.send_due_if_nobody_does(index);
        result
    }

    /// What the fetch hook adds to these keys; nothing without one.
    pub(super) async fn fetch(&self, topic: &str, keys: Vec<String>) -> Fields {
        match &self.fetch {
            Some(fetch) => fetch.run(topic, keys).await,
            None => Fields::new(),
        }
    }

    pub(super) fn has_fetch(&self) -> bool {
        self.fetch.is_some()
    }

    /// Diffs sent since the start.
    pub(super) fn diffs_sent(&self) -> u64 {
        self.diffs.load(Ordering::Relaxed)
    }

    /// Each shard in turn.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&Shard)) {
        for cell in &self.cells {
            visit(&lock(&cell.shard));
        }
    }

    fn send_due_if_nobody_does(self: &Arc<Self>, index: usize) {
        let cell = &self.cells[index];
        let Some(sending) = try_lock(&cell.sending) else {
            // Whoever is sending may have looked for the last time before this change.
            return cell.wake.notify_one();
        };
        if self.send_due(index).is_some_and(|at| at < sending.wakes_at) {
            cell.wake.notify_one();
        }
    }

    /// As the shard's task does it: waits for its turn to send.
    fn send_due_in_task(self: &Arc<Self>, index: usize) -> Option<Instant> {
        let cell = &self.cells[index];
        let mut sending = lock(&cell.sending);
        let next = self.send_due(index);
        sending.wakes_at = next.unwrap_or(NEVER);
        next.map(|at| self.clock.instant(at))
    }

    /// Sends what is due and says when to look again. The caller holds `sending`.
    fn send_due(self: &Arc<Self>, index: usize) -> Option<u64> {
        let cell = &self.cells[index];
        let interest = self.interest.get();
        for _ in 0..SENT_AT_ONCE {
            let now = self.clock.now();
            let mut shard = lock(&cell.shard);
            if interest.is_some_and(|interest| interest.is_awaited(index)) {
                return None;
            }
            let Some(diff) = shard.poll_diff(now) else {
                return shard.poll_timeout();
            };
            drop(shard);
            // Whoever subscribes from now on is given a list that has the change already.
            if self.pubsub.subscriber_count(&diff.topic) == 0 {
                continue;
            }
            match &self.fetch {
                None => self.broadcast(&diff, &Fields::new()),
                Some(_) => self.fetch_first(cell, diff),
            }
        }
        Some(self.clock.now())
    }

    fn broadcast(&self, diff: &TopicDiff, fields: &Fields) {
        self.diffs.fetch_add(1, Ordering::Relaxed);
        let payload = diff_payload(diff, fields);
        // Each node makes its own diffs of what it has merged.
        self.pubsub
            .local_broadcast(&diff.topic, PRESENCE_DIFF, payload);
    }

    /// Queues a diff for the fetch hook. Topics do not wait for one another.
    fn fetch_first(self: &Arc<Self>, cell: &Cell, diff: TopicDiff) {
        match lock(&cell.waiting).entry(Arc::clone(&diff.topic)) {
            hash_map::Entry::Occupied(waiting) => waiting.into_mut().push(diff),
            hash_map::Entry::Vacant(place) => {
                let topic = Arc::clone(&diff.topic);
                place.insert(vec![diff]);
                self.runtime.spawn(Arc::clone(self).fetch_and_send(topic));
            }
        }
    }

    /// Sends all diffs of a topic, and those that come meanwhile, with what is fetched for them. All
    /// that wait share one call of the hook, so that one slower than the window does not fall behind.
    async fn fetch_and_send(self: Arc<Self>, topic: Arc<str>) {
        let cell = &self.cells[self.index_of(&topic)];
        while let Some(diffs) = cell.take_waiting(&topic) {
            let fields = self.fetch(&topic, keys_of(&diffs)).await;
            for diff in &diffs {
                self.broadcast(diff, &fields);
            }
        }
    }
}

impl Cell {
    fn new(shard: Shard) -> Self {
        Self {
            shard: Mutex::new(shard),
            sending: Mutex::new(Sending { wakes_at: NEVER }),
            wake: Arc::new(Notify::new()),
            waiting: Mutex::new(HashMap::new()),
        }
    }

    /// The diffs that wait for the fetch hook; `None`, and the topic forgotten, if there are none.
    fn take_waiting(&self, topic: &Arc<str>) -> Option<Vec<TopicDiff>> {
        let mut waiting = lock(&self.waiting);
        let diffs = mem::take(waiting.get_mut(topic)?);
        if diffs.is_empty() {
            waiting.remove(topic);
            return None;
        }
        Some(diffs)
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        // Their tasks find out that there is nothing left to do.
        for cell in &self.cells {
            cell.wake.notify_one();
        }
    }
}

/// The task of a shard.
async fn work(shards: Weak<Shards>, index: usize, wake: Arc<Notify>) {
    while let Some(shards) = shards.upgrade() {
        let next = shards.send_due_in_task(index);
        drop(shards);
        match next {
            // Woken early or not: either way it is time to look.
            Some(at) => _ = timeout_at(at, wake.notified()).await,
            None => wake.notified().await,
        }
    }
}

/// As [`lock`], if nobody holds it.
fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn keys_of(diffs: &[TopicDiff]) -> Vec<String> {
    let mut keys: Vec<String> = diffs
        .iter()
        .flat_map(|diff| diff.joins.iter().chain(diff.leaves.iter()))
        .map(|(key, _)| key.to_string())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
