//! What has to be done on the bus that may take time, so that the driver need not wait for it:
//! subscriptions, and messages to single nodes.
//!
//! Errands are begun in the order in which they are given: a question about a shard is sent after the
//! shard was subscribed to. Each node has a queue of its own, so that a slow one delays no other. What
//! waits is bounded in bytes, together for all; what does not fit is dropped and counted, and replication
//! asks for it again.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use herenow_core::replica::ReplicaId;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::bus::{Budget, Bus, SendError};
use crate::sync::lock;

/// How long the bus may take for one errand.
const ERRAND_TIMEOUT: Duration = Duration::from_secs(10);

/// After how long a subscription that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Takes errands. Dropped, it ends the work after those given.
pub(super) struct Post {
    errands: mpsc::UnboundedSender<Errand>,
    outgoing: Arc<Outgoing>,
}

enum Errand {
    /// To subscribe to a shard, or no longer.
    Subscribe(u16, bool),
    Send(ReplicaId, Bytes),
}

/// Messages that wait for their nodes.
struct Outgoing {
    bus: Arc<dyn Bus>,
    /// By whom they are for, as long as there are some. Locked to add or take one.
    queues: Mutex<HashMap<ReplicaId, VecDeque<Bytes>>>,
    budget: Budget,
    dropped: AtomicU64,
}

impl Post {
    /// Starts to work. Within a tokio runtime.
    pub(super) fn start(bus: &Arc<dyn Bus>, max_bytes: usize) -> Self {
        let outgoing = Arc::new(Outgoing {
            bus: Arc::clone(bus),
            queues: Mutex::default(),
            budget: Budget::new(max_bytes),
            dropped: AtomicU64::new(0),
        });
        let (errands, work) = mpsc::unbounded_channel();
        tokio::spawn(run(work, Arc::clone(&outgoing)));
        Self { errands, outgoing }
    }

    /// Has a shard subscribed to, or no longer. Tried again until it succeeds.
    pub(super) fn subscribe(&self, shard: u16, subscribe: bool) {
        // An error means that the runtime ends.
        let _ = self.errands.send(Errand::Subscribe(shard, subscribe));
    }

    /// Sends a message to one node, after what was given before.
    pub(super) fn send(&self, to: ReplicaId, message: Bytes) {
        if self.outgoing.budget.reserve(message.len()) {
            let _ = self.errands.send(Errand::Send(to, message));
        } else {
            self.outgoing.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Drops what waits for a node that is not there any more, to make room for others.
    pub(super) fn give_up_on(&self, to: &ReplicaId) {
        // Whoever delivers finds the queue empty, and forgets it.
        if let Some(queue) = lock(&self.outgoing.queues).get_mut(to) {
            for message in queue.drain(..) {
                self.outgoing.budget.release(message.len());
            }
        }
    }

    /// Messages that were dropped since the start, for want of room or because they were not taken.
    pub(super) fn dropped(&self) -> u64 {
        self.outgoing.dropped.load(Ordering::Relaxed)
    }
}

async fn run(mut errands: mpsc::UnboundedReceiver<Errand>, outgoing: Arc<Outgoing>) {
    // What was to be done and failed.
    let mut failed: BTreeMap<u16, bool> = BTreeMap::new();
    let mut retry_at = Instant::now();
    loop {
        tokio::select! {
            errand = errands.recv() => match errand {
                Some(Errand::Send(to, message)) => outgoing.add(to, message),
                Some(Errand::Subscribe(shard, subscribe)) => {
                    failed.remove(&shard);
                    if !outgoing.subscribe(shard, subscribe).await {
                        failed.insert(shard, subscribe);
                        retry_at = Instant::now() + RETRY_AFTER;
                    }
                }
                None => return,
            },
            () = sleep_until(retry_at), if !failed.is_empty() => {
                if let Some((shard, subscribe)) = failed.pop_first()
                    && !outgoing.subscribe(shard, subscribe).await
                {
                    failed.insert(shard, subscribe);
                    retry_at = Instant::now() + RETRY_AFTER;
                }
            }
        }
    }
}

impl Outgoing {
    /// Says whether it is settled: done, or the bus is closed.
    async fn subscribe(&self, shard: u16, subscribe: bool) -> bool {
        let errand = match subscribe {
            true => self.bus.subscribe(shard),
            false => self.bus.unsubscribe(shard),
        };
        let problem = match timeout(ERRAND_TIMEOUT, errand).await {
            Ok(Ok(()) | Err(SendError::Closed)) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it takes longer than {ERRAND_TIMEOUT:?}"),
        };
        tracing::warn!(
            shard,
            subscribe,
            "cluster: a subscription is tried again: {problem}"
        );
        false
    }

    /// Queues a message. The first one for a node has somebody sent who comes back when there is no more.
    fn add(self: &Arc<Self>, to: ReplicaId, message: Bytes) {
        match lock(&self.queues).entry(to) {
            Entry::Occupied(queue) => queue.into_mut().push_back(message),
            Entry::Vacant(place) => {
                let to = place.key().clone();
                place.insert(VecDeque::from([message]));
                tokio::spawn(Arc::clone(self).deliver(to));
            }
        }
    }

    async fn deliver(self: Arc<Self>, to: ReplicaId) {
        while let Some(message) = self.next(&to) {
            let bytes = message.len();
            let sent = timeout(ERRAND_TIMEOUT, self.bus.send(&to, message)).await;
            self.budget.release(bytes);
            match sent {
                Ok(Ok(()) | Err(SendError::Closed)) => {}
                // The bus counts what it drops itself.
                Ok(Err(SendError::Busy)) => {}
                Ok(Err(error)) => tracing::warn!(%to, "cluster: a message is lost: {error}"),
                Err(_) => _ = self.dropped.fetch_add(1, Ordering::Relaxed),
            }
        }
    }

    /// The next message for a node; `None`, and its queue forgotten, if there is none.
    fn next(&self, to: &ReplicaId) -> Option<Bytes> {
        let mut queues = lock(&self.queues);
        let next = queues.get_mut(to)?.pop_front();
        if next.is_none() {
            queues.remove(to);
        }
        next
    }
}

#[cfg(test)]
mod tests;
