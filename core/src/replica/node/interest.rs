//! Which shards a node holds the presences of others in: those that somebody here looks at.

use super::member::Status;
use super::{Node, Output, Shards, To};
use crate::replica::wire;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The shards of interest.
#[derive(Clone, Hash)]
pub(super) struct Interests {
    shards: Vec<Interest>,
    /// Shards of interest that do not hold yet what there is, with what they wait for.
    unready: BTreeMap<u16, Unready>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Interest {
    None,
    Wanted,
    /// Not wanted any more, but held on to until then.
    Until(u64),
}

#[derive(Clone, Hash)]
struct Unready {
    /// The nodes whose presences have not come yet.
    nodes: BTreeSet<Arc<str>>,
    /// When to stop waiting.
    until: u64,
}

impl Interests {
    pub(super) fn new(shards: u16) -> Self {
        Self {
            shards: vec![Interest::None; shards.into()],
            unready: BTreeMap::new(),
        }
    }

    pub(super) fn has(&self, shard: u16) -> bool {
        let interest = self.shards.get(usize::from(shard));
        interest.is_some_and(|interest| *interest != Interest::None)
    }

    /// The shards of interest.
    pub(super) fn iter(&self) -> impl Iterator<Item = u16> {
        let shards = (0_u16..).zip(&self.shards);
        shards
            .filter(|(_, interest)| **interest != Interest::None)
            .map(|(shard, _)| shard)
    }

    /// Another node has come up: what is not ready has to wait for it as well.
    pub(super) fn wait_for(&mut self, node: &Arc<str>) {
        for unready in self.unready.values_mut() {
            unready.nodes.insert(Arc::clone(node));
        }
    }

    pub(super) fn unready(&self) -> usize {
        self.unready.len()
    }

    pub(super) fn next(&self) -> Option<u64> {
        let ends = self.shards.iter().filter_map(|interest| match interest {
            Interest::Until(end) => Some(*end),
            _ => None,
        });
        ends.chain(self.unready.values().map(|unready| unready.until))
            .min()
    }
}

impl Node {
    /// Says that somebody here looks at a shard: it has members or subscribers, or is about to be read.
    /// Others' presences are fetched; when they are here, [`Output::Ready`] says so. Then poll.
    pub fn want(&mut self, now: u64, shard: u16) {
        self.advance(now);
        let Some(interest) = self.interests.shards.get_mut(usize::from(shard)) else {
            return;
        };
        if std::mem::replace(interest, Interest::Wanted) != Interest::None {
            return;
        }
        self.out.say(Output::Subscribe(shard));
        let (clock, cluster) = (self.clock, self.cluster);
        let until = clock.saturating_add(self.config.ready_timeout_ms);
        let mut nodes = BTreeSet::new();
        for (node, member) in self
            .members
            .iter_mut()
            .filter(|(_, member)| !member.is_down())
        {
            nodes.insert(Arc::clone(node));
            // Of what it published since its latest heartbeat nothing came here.
            let can_ask = member.is_heard(clock, &self.config);
            let asked_at = std::mem::replace(&mut member.asked_at, can_ask.then_some(clock));
            if can_ask && asked_at != Some(clock) {
                let ask = wire::encode_ask(cluster, &member.id);
                self.out.send(To::Replica(member.id.clone()), ask);
            }
            let known = member.known.get(shard);
            if let Status::Returning {
                waiting: Some(waiting),
                ..
            } = &mut member.status
                && known > 0
            {
                waiting.insert(shard, known);
            }
            member.pull(shard, clock);
        }
        self.interests
            .unready
            .insert(shard, Unready { nodes, until });
        self.wake_at(self.clock);
        self.review_ready();
    }

    /// Says that nobody here looks at a shard any more. What others have in it is forgotten after
    /// [`NodeConfig::idle_forget_ms`](super::NodeConfig::idle_forget_ms), unless it is wanted again.
    pub fn unwant(&mut self, now: u64, shard: u16) {
        self.advance(now);
        let until = self.clock.saturating_add(self.config.idle_forget_ms);
        let interest = self.interests.shards.get_mut(usize::from(shard));
        if let Some(interest) = interest.filter(|interest| **interest == Interest::Wanted) {
            *interest = Interest::Until(until);
            self.wake_at(until);
        }
    }

    /// Whether a shard is wanted and holds what others have in it (or there was no more time to wait
    /// for that).
    #[must_use]
    pub fn is_ready(&self, shard: u16) -> bool {
        self.interests.has(shard) && !self.interests.unready.contains_key(&shard)
    }

    /// Forgets what others have in shards that were not wanted for long.
    pub(super) fn forget_idle(&mut self, shards: &mut impl Shards) {
        for at in 0..self.config.shards {
            match self.interests.shards[usize::from(at)] {
                Interest::Until(end) if end <= self.clock => {}
                _ => continue,
            }
            let is_forgotten = shards.with(at, |shard| shard.forget_others());
            self.interests.shards[usize::from(at)] = match is_forgotten {
                true => Interest::None,
                // It has members: whoever tracked them is late to say so.
                false => Interest::Until(self.clock.saturating_add(self.config.idle_forget_ms)),
            };
            if is_forgotten {
                self.drop_interest(at);
            }
        }
    }

    fn drop_interest(&mut self, shard: u16) {
        self.interests.unready.remove(&shard);
        self.out.say(Output::Unsubscribe(shard));
        for member in self.members.values_mut() {
            member.have.remove(&shard);
            member.pulls.remove(&shard);
            if let Status::Returning {
                waiting: Some(waiting),
                ..
            } = &mut member.status
            {
                waiting.remove(&shard);
            }
        }
        let nodes: Vec<_> = self.members.keys().cloned().collect();
        for node in nodes {
            self.finish_return(&node);
        }
    }

    /// Finds the shards that have become ready.
    pub(super) fn review_ready(&mut self) {
        if self.joining_until.is_some_and(|until| until <= self.clock) {
            self.joining_until = None;
        }
        let Self {
            interests,
            members,
            clock,
            joining_until,
            out,
            ..
        } = self;
        interests.unready.retain(|shard, unready| {
            unready.nodes.retain(|node| match members.get(node) {
                Some(member) => {
                    let is_behind = member.asked_at.is_some() || member.lacks(*shard);
                    !member.is_down() && (is_behind || !member.is_shown(*shard))
                }
                None => false,
            });
            let is_complete = joining_until.is_none() && unready.nodes.is_empty();
            let is_ready = is_complete || unready.until <= *clock;
            if is_ready {
                out.say(Output::Ready(*shard));
            }
            !is_ready
        });
    }
}
