//! Telling others of the own replica's changes.

use super::{Node, Shards, To};

/// Which shards changed, and when they may publish that.
#[derive(Clone, Hash)]
pub(super) struct Publishing {
    shards: Vec<State>,
    /// When the earliest of the shards that wait is due.
    next: Option<u64>,
    /// Shards that were published since the last heartbeat.
    pub(super) since_heartbeat: Vec<u16>,
}

#[derive(Clone, Default, Hash)]
struct State {
    /// It has changes that wait until then.
    due: Option<u64>,
    /// The next changes wait until then.
    free_at: u64,
    in_heartbeat: bool,
}

impl Publishing {
    pub(super) fn new(shards: u16) -> Self {
        Self {
            shards: vec![State::default(); shards.into()],
            next: None,
            since_heartbeat: Vec::new(),
        }
    }

    pub(super) fn next(&self) -> Option<u64> {
        self.next
    }

    /// The shards that were published since the last call.
    pub(super) fn take_changed(&mut self) -> Vec<u16> {
        let changed = std::mem::take(&mut self.since_heartbeat);
        for shard in &changed {
            self.shards[usize::from(*shard)].in_heartbeat = false;
        }
        changed
    }
}

impl Node {
    /// To be called after each change of a presence in a shard. Then poll.
    pub fn changed(&mut self, now: u64, shard: u16, shards: &mut impl Shards) {
        self.advance(now);
        if shard >= self.config.shards || self.has_left {
            return;
        }
        let state = &mut self.publishing.shards[usize::from(shard)];
        if state.free_at <= self.clock {
            self.publish(shard, shards);
        } else {
            let due = state.free_at;
            state.due = Some(due);
            self.publishing.next = Some(self.publishing.next.map_or(due, |next| next.min(due)));
            self.wake_at(due);
        }
    }

    pub(super) fn publish_due(&mut self, shards: &mut impl Shards) {
        if self.publishing.next.is_none_or(|next| next > self.clock) {
            return;
        }
        self.publishing.next = None;
        for shard in 0..self.config.shards {
            match self.publishing.shards[usize::from(shard)].due {
                Some(due) if due <= self.clock => self.publish(shard, shards),
                Some(due) => {
                    let next = self.publishing.next.map_or(due, |next| next.min(due));
                    self.publishing.next = Some(next);
                }
                None => {}
            }
        }
    }

    /// Publishes what has changed since it was done last; to nobody if there is nobody.
    fn publish(&mut self, shard: u16, shards: &mut impl Shards) {
        let state = &mut self.publishing.shards[usize::from(shard)];
        state.due = None;
        state.free_at = self.clock.saturating_add(self.config.publish_ms);
        let have = self.published.get(shard);
        let is_alone = self.members.values().all(super::Member::is_down);
        let (cluster, max) = (self.cluster, self.config.max_message_bytes);
        let (version, messages) = shards.with(shard, |shard| {
            let changes = || shard.changes_since(cluster, shard.replica(), have, max);
            (shard.version(), if is_alone { None } else { changes() })
        });
        if !self.published.raise(shard, version) {
            return;
        }
        if !std::mem::replace(&mut state.in_heartbeat, true) {
            self.publishing.since_heartbeat.push(shard);
        }
        for message in messages.into_iter().flatten() {
            self.out.send(To::Shard(shard), message);
        }
    }
}
