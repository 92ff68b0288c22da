//! Which shards somebody on this node looks at, and whether they hold what there is in the cluster.
//!
//! A node receives and keeps the presences of others only in the shards that are looked at. This is
//! where those who look (topics with readers, lists that are asked for) and the one who fetches (the
//! cluster's driver) meet. Whoever looks changes a number and wakes the driver, without a lock; the
//! driver compares the numbers with what it has fetched. It does not say what to do about it.
//!
//! # What a reader of a list can rely on
//!
//! Whether a shard is complete is asked and taken back under the shard's lock. The driver takes it back
//! before it forgets anything, and only if nobody looks. So a list that was read in the same turn of the
//! lock in which the shard was found complete lacks nothing.
//!
//! # What a reader of diffs can rely on
//!
//! No diffs are sent of a shard that is awaited: whoever looks at it has no list yet, and the list will
//! name whom they would.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// The shards of a node of a cluster, as those see them who look at them.
pub(crate) struct Interest {
    shards: Box<[View]>,
    /// A bit for each shard that the driver has to see to.
    stirred: Box<[AtomicU64]>,
    wake: Notify,
    /// How long a list waits for a shard to be complete.
    patience: Duration,
    /// Whether the driver is at work. Without it nothing is waited for.
    is_attended: AtomicBool,
}

#[derive(Default)]
struct View {
    /// Topics with readers, and lists that are waited for.
    lookers: AtomicUsize,
    /// Somebody read a list since the driver last asked.
    is_used: AtomicBool,
    is_complete: AtomicBool,
    /// Somebody was given a list of what there was while it was not complete.
    is_read_early: AtomicBool,
    completed: Notify,
}

/// Somebody who looks at a shard, for as long as this is held.
pub(crate) struct Looker {
    interest: Arc<Interest>,
    shard: usize,
}

impl Interest {
    /// Nobody looks at any of these shards yet, and none is complete.
    pub(crate) fn new(shards: u16, patience: Duration) -> Self {
        let words = usize::from(shards).div_ceil(64);
        Self {
            shards: (0..shards).map(|_| View::default()).collect(),
            stirred: (0..words).map(|_| AtomicU64::new(0)).collect(),
            wake: Notify::new(),
            patience,
            is_attended: AtomicBool::new(true),
        }
    }

    // Those who look.

    /// A topic of this shard has readers now.
    pub(crate) fn add_looker(&self, shard: usize) {
        if self.shards[shard].lookers.fetch_add(1, Ordering::SeqCst) == 0 {
            self.stir(shard);
        }
    }

    /// It has none any more.
    pub(crate) fn remove_looker(&self, shard: usize) {
        if self.shards[shard].lookers.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.stir(shard);
        }
    }

    /// Looks at a shard until the result is dropped.
    pub(crate) fn look(self: &Arc<Self>, shard: usize) -> Looker {
        self.add_looker(shard);
        Looker {
            interest: Arc::clone(self),
            shard,
        }
    }

    /// Something about this shard is for the driver to see to: its own presences, or who looks at it.
    pub(crate) fn stir(&self, shard: usize) {
        let bit = 1 << (shard % 64);
        if self.stirred[shard / 64].fetch_or(bit, Ordering::SeqCst) & bit == 0 {
            self.wake.notify_one();
        }
    }

    /// Whether a shard holds what there is. To be asked under the shard's lock.
    pub(crate) fn is_complete(&self, shard: usize) -> bool {
        let view = &self.shards[shard];
        view.is_used.store(true, Ordering::Relaxed);
        view.is_complete.load(Ordering::SeqCst) || !self.is_attended.load(Ordering::SeqCst)
    }

    /// Whether diffs of a shard are held back, for it is to be completed first. To be asked under the
    /// shard's lock.
    pub(crate) fn is_awaited(&self, shard: usize) -> bool {
        let is_complete = self.shards[shard].is_complete.load(Ordering::SeqCst);
        !is_complete && self.is_attended.load(Ordering::SeqCst)
    }

    /// A list of this shard is read now, whether it is complete or not. To be called under the shard's
    /// lock.
    pub(crate) fn note_read(&self, shard: usize) {
        if self.is_awaited(shard) {
            let view = &self.shards[shard];
            view.is_read_early.store(true, Ordering::SeqCst);
        }
    }

    // The driver.

    /// Waits until there may be something to see to.
    pub(crate) async fn stirred(&self) {
        self.wake.notified().await;
    }

    /// The shards to see to, each once.
    pub(crate) fn take_stirred(&self) -> impl Iterator<Item = u16> {
        (0..).zip(&self.stirred).flat_map(|(word, bits)| {
            let bits = bits.swap(0, Ordering::SeqCst);
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| word * 64 + bit)
        })
    }

    /// Whether anybody looks at a shard.
    pub(crate) fn is_looked_at(&self, shard: usize) -> bool {
        self.shards[shard].lookers.load(Ordering::SeqCst) > 0
    }

    /// Whether a list of this shard was read since this was last asked.
    pub(crate) fn take_used(&self, shard: usize) -> bool {
        self.shards[shard].is_used.swap(false, Ordering::Relaxed)
    }

    /// A shard holds what there is from now on. Says whether everybody who looks is still to be given a
    /// list. To be called under the shard's lock.
    pub(crate) fn complete(&self, shard: usize) -> bool {
        let view = &self.shards[shard];
        let was_complete = view.is_complete.swap(true, Ordering::SeqCst);
        let is_read_early = view.is_read_early.swap(false, Ordering::SeqCst);
        view.completed.notify_waiters();
        !was_complete && !is_read_early
    }

    /// A shard is about to lose what it holds, unless somebody looks at it; says whether it is. To be
    /// called under the shard's lock.
    pub(crate) fn give_up(&self, shard: usize) -> bool {
        let view = &self.shards[shard];
        let was_complete = view.is_complete.swap(false, Ordering::SeqCst);
        // Whoever begins to look from here on finds the shard incomplete.
        let is_looked_at = self.is_looked_at(shard);
        if is_looked_at && was_complete {
            self.complete(shard);
        }
        !is_looked_at
    }

    /// The driver ends: what is here is all that there will be.
    pub(crate) fn abandon(&self) {
        self.is_attended.store(false, Ordering::SeqCst);
        for view in &self.shards {
            view.completed.notify_waiters();
        }
    }
}

impl Looker {
    /// Waits until the shard holds what there is, but not too long. What it holds is kept while this
    /// looker is.
    pub(crate) async fn complete(&self) {
        let view = &self.interest.shards[self.shard];
        let complete = async {
            loop {
                // Before looking, so that what happens in between wakes it.
                let completed = view.completed.notified();
                if self.interest.is_complete(self.shard) {
                    return;
                }
                completed.await;
            }
        };
        if timeout(self.interest.patience, complete).await.is_err() {
            tracing::debug!(
                shard = self.shard,
                "a list is answered without all of the cluster's presences"
            );
        }
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        self.interest.remove_looker(self.shard);
    }
}

#[cfg(test)]
mod tests;
