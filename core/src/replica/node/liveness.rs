//! Who is up, who is down and who is forgotten.

use super::member::{Member, Status};
use super::{Node, Output, Shards};
use crate::replica::ReplicaId;
use crate::replica::wire::Claim;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Node {
    /// A message came from this replica itself.
    pub(super) fn note_heard(&mut self, from: &ReplicaId) {
        let now = self.clock;
        if let Some(member) = self.member_mut(from) {
            member.heard_at = Some(now);
        }
    }

    /// A hint that the link to this replica is gone. Unless somebody hears it, it is down soon.
    pub fn link_lost(&mut self, now: u64, replica: &ReplicaId) {
        self.advance(now);
        let now = self.clock;
        let Some(member) = self.member_mut(replica).filter(|member| !member.is_down()) else {
            return;
        };
        member.heard_at = None;
        member.link_lost_at.get_or_insert(now);
        self.wake_at(now.saturating_add(self.config.link_lost_after_ms));
    }

    /// This node was stopped for a while: the silence was its own. What it tells others of how long ago
    /// somebody was heard stays true.
    pub(super) fn excuse_members(&mut self) {
        for member in self.members.values_mut().filter(|member| !member.is_down()) {
            member.excused_at = self.clock;
            member.link_lost_at = member.link_lost_at.map(|_| self.clock);
        }
    }

    /// Makes sure that this replica, heard of `age` ago, is a member, and says whether it is: not if
    /// it is outdated, or unknown and silent anyway.
    pub(super) fn admit(&mut self, id: &ReplicaId, age: u64, shards: &mut impl Shards) -> bool {
        if self.member(id).is_some() {
            return true;
        }
        if self.is_outdated(id) {
            return false;
        }
        let is_silent = age >= self.config.down_after_ms;
        let outlived = self.members.get(id.node()).map(|member| member.id.clone());
        match outlived {
            Some(outlived) => self.forget_member(&outlived, shards),
            None if is_silent => return false,
            None => {}
        }
        let mut member = Member::new(id.clone(), self.clock.saturating_sub(age));
        if is_silent {
            // Known all the same, because it outlives another of its name.
            member.status = Status::Down { since: self.clock };
        }
        self.wake_at(member.silent_at(&self.config));
        self.members.insert(Arc::clone(id.node()), member);
        self.interests.wait_for(id.node());
        true
    }

    /// Whether another of its name is known to have come later, or it is known to be gone for good.
    pub(super) fn is_outdated(&self, id: &ReplicaId) -> bool {
        let later = self.members.get(id.node());
        let gone = self.gone.get(id.node());
        later.is_some_and(|member| member.id.incarnation() > id.incarnation())
            || gone.is_some_and(|gone| gone.incarnation >= id.incarnation())
    }

    /// A member said this of itself `age` ago, to this node or to `via`.
    pub(super) fn hear_claim(
        &mut self,
        id: &ReplicaId,
        claim: Claim,
        age: u64,
        via: Option<&ReplicaId>,
    ) {
        let clock = self.clock;
        let Some(member) = self
            .member_mut(id)
            .filter(|member| claim.beat > member.claim.beat)
        else {
            return;
        };
        let is_first = member.claim.beat == 0;
        member.claim = claim;
        member.alive_at = member.alive_at.max(clock.saturating_sub(age));
        // Only what it said after the link was lost shows that it outlived the link.
        let alive_at = member.alive_at;
        member.link_lost_at = member.link_lost_at.filter(|lost_at| *lost_at >= alive_at);
        member.via = via.map(|via| Arc::clone(via.node()));
        if let Status::Returning { since, .. } = &mut member.status
            && is_first
        {
            *since = claim.beat;
        }
        let is_alive = clock.saturating_sub(member.alive_at) < self.config.down_after_ms;
        if is_alive && self.members.get(id.node()).is_some_and(Member::is_down) {
            self.return_from_down(id, claim.beat);
        }
    }

    fn return_from_down(&mut self, id: &ReplicaId, beat: u64) {
        let (due, interests) = (self.clock, &self.interests);
        let Some(member) = self.members.get_mut(id.node()) else {
            return;
        };
        member.status = Status::Returning {
            since: beat,
            waiting: None,
        };
        for shard in interests.iter() {
            member.pull(shard, due);
        }
        self.wake_at(due);
    }

    /// The versions that a returning replica had when it returned are known: its presences are listed in
    /// each shard that is that far.
    pub(super) fn begin_return(&mut self, id: &ReplicaId, shards: &mut impl Shards) {
        let Some(member) = self.members.get_mut(id.node()) else {
            return;
        };
        let mut behind = BTreeMap::new();
        for shard in self.interests.iter() {
            if member.lacks(shard) {
                behind.insert(shard, member.known.get(shard));
            } else if member.have(shard) > 0 {
                shards.with(shard, |shard| shard.set_shown(self.clock, id, true));
                self.out.diffs(shard);
            }
        }
        if let Status::Returning { waiting, .. } = &mut member.status {
            *waiting = Some(behind);
        }
        self.finish_return(id.node());
    }

    /// A returning replica that is waited for in no shard is up.
    pub(super) fn finish_return(&mut self, node: &Arc<str>) {
        let Some(member) = self.members.get_mut(node) else {
            return;
        };
        if let Status::Returning {
            waiting: Some(waiting),
            ..
        } = &member.status
            && waiting.is_empty()
        {
            member.status = Status::Up;
            self.out.say(Output::Up(member.id.clone()));
        }
    }

    /// Hides members that have fallen silent, and forgets those that have been for long.
    pub(super) fn check_members(&mut self, shards: &mut impl Shards) {
        let silent = self
            .members
            .values()
            .filter(|member| member.silent_at(&self.config) <= self.clock);
        let silent: Vec<ReplicaId> = silent.map(|member| member.id.clone()).collect();
        for id in silent {
            match self.member(&id).is_some_and(Member::is_down) {
                true => self.forget_member(&id, shards),
                false => self.hide_member(&id, shards),
            }
        }
    }

    fn hide_member(&mut self, id: &ReplicaId, shards: &mut impl Shards) {
        let Some(member) = self.members.get_mut(id.node()) else {
            return;
        };
        member.status = Status::Down { since: self.clock };
        member.pulls.clear();
        for shard in member.have.keys() {
            shards.with(*shard, |shard| shard.set_shown(self.clock, id, false));
            self.out.diffs(*shard);
        }
        self.out.say(Output::Down(id.clone()));
    }

    pub(super) fn forget_member(&mut self, id: &ReplicaId, shards: &mut impl Shards) {
        let Some(member) = self.members.remove(id.node()) else {
            return;
        };
        for shard in member.have.keys() {
            shards.with(*shard, |shard| shard.forget(self.clock, id));
            self.out.diffs(*shard);
        }
        self.out.say(Output::Forgotten(id.clone()));
    }
}
