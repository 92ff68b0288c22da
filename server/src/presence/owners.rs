//! Which channels have presences in which shards, so that the end of a channel touches those only.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::channel::ChannelId;
use crate::sync::lock;

/// The shards in which each channel has tracked something.
pub(super) struct Owners {
    /// Split by channel, so that channels seldom meet at a lock.
    parts: Box<[Mutex<HashMap<ChannelId, Owner>>]>,
}

#[derive(Default)]
struct Owner {
    /// Rarely more than one or two.
    shards: Vec<usize>,
    /// Whether the end of the channel is heard of.
    bound: bool,
}

const PARTS: u64 = 16;

impl Owners {
    pub(super) fn new() -> Self {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        Self { parts }
    }

    /// Notes that the channel has presences in this shard.
    pub(super) fn note(&self, channel: ChannelId, shard: usize) {
        let mut owners = lock(self.part(channel));
        let owner = owners.entry(channel).or_default();
        if !owner.shards.contains(&shard) {
            owner.shards.push(shard);
        }
    }

    /// Notes that the end of the channel will be heard of, and says whether that is new.
    pub(super) fn bind(&self, channel: ChannelId) -> bool {
        let mut owners = lock(self.part(channel));
        let owner = owners.entry(channel).or_default();
        !std::mem::replace(&mut owner.bound, true)
    }

    /// Notes that the channel has presences in this shard no more.
    pub(super) fn release(&self, channel: ChannelId, shard: usize) {
        let mut owners = lock(self.part(channel));
        let Some(owner) = owners.get_mut(&channel) else {
            return;
        };
        owner.shards.retain(|noted| *noted != shard);
        if owner.shards.is_empty() && !owner.bound {
            owners.remove(&channel);
        }
    }

    /// Forgets a channel, and says in which shards it had presences.
    pub(super) fn forget(&self, channel: ChannelId) -> Vec<usize> {
        let owner = lock(self.part(channel)).remove(&channel);
        owner.map_or_else(Vec::new, |owner| owner.shards)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|part| lock(part).len()).sum()
    }

    fn part(&self, channel: ChannelId) -> &Mutex<HashMap<ChannelId, Owner>> {
        &self.parts[(channel.get() % PARTS) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_channel_names_each_of_its_shards_once() {
        let owners = Owners::new();
        let [one, other] = [ChannelId::next(), ChannelId::next()];
        for shard in [3, 5, 3] {
            owners.note(one, shard);
        }
        owners.note(other, 7);
        assert_eq!(owners.forget(one), [3, 5]);
        assert!(owners.forget(one).is_empty());
        assert_eq!(owners.len(), 1);
    }

    #[test]
    fn a_channel_without_presences_is_remembered_only_while_its_end_is_awaited() {
        let owners = Owners::new();
        let [free, bound] = [ChannelId::next(), ChannelId::next()];
        owners.bind(bound);
        for channel in [free, bound] {
            owners.note(channel, 3);
            owners.release(channel, 3);
        }
        assert_eq!(owners.len(), 1);
        assert!(owners.forget(bound).is_empty());
        assert_eq!(owners.len(), 0);
    }

    #[test]
    fn a_channel_is_bound_once_until_it_is_forgotten() {
        let owners = Owners::new();
        let channel = ChannelId::next();
        assert!(owners.bind(channel));
        assert!(!owners.bind(channel));
        owners.forget(channel);
        assert!(owners.bind(channel));
    }
}
