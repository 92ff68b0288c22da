//! Asking for changes, answering, and taking what comes.

use super::member::{Member, Status};
use super::{Node, NodeConfig, Refused, Shards, To};
use crate::replica::ReplicaId;
use crate::replica::wire::{self, Changes, ChangesHeader, Forward, Pull};
use std::collections::BTreeMap;

/// That a shard lacks changes of a replica, and how far asking for them has come.
#[derive(Clone, Hash)]
pub(super) struct Asked {
    /// When to ask (again).
    pub(super) due: u64,
    /// How often it has been asked.
    times: usize,
    /// An answer of several parts that is not complete.
    answer: Option<Answer>,
}

#[derive(Clone, Hash)]
struct Answer {
    from: ReplicaId,
    header: ChangesHeader,
    count: u32,
    parts: BTreeMap<u32, Changes>,
    bytes: usize,
    /// When the last part came that was not there yet.
    grew_at: u64,
}

impl Asked {
    fn new(due: u64) -> Self {
        Self {
            due,
            times: 0,
            answer: None,
        }
    }

    /// Adds a part of an answer that leads on from `have`, and returns all parts once they are there.
    /// One answer is put together at a time, until nothing more has come for a while.
    fn put(
        &mut self,
        now: u64,
        from: &ReplicaId,
        have: u64,
        part: Changes,
        config: &NodeConfig,
    ) -> Option<Vec<Changes>> {
        if let Some(answer) = &self.answer
            && !answer.is_of(from, &part)
        {
            if answer.leads_on(have) && now.saturating_sub(answer.grew_at) <= config.pull_retry_ms {
                return None;
            }
            self.answer = None;
        }
        let answer = self.answer.get_or_insert_with(|| Answer {
            from: from.clone(),
            header: part.header.clone(),
            count: part.parts,
            parts: BTreeMap::new(),
            bytes: 0,
            grew_at: now,
        });
        let bytes = part.size();
        if answer.parts.insert(part.part, part).is_none() {
            answer.bytes += bytes;
            answer.grew_at = now;
            self.due = now.saturating_add(config.pull_retry_ms);
        }
        let is_complete = answer.parts.len() == answer.count as usize;
        if is_complete || answer.bytes > config.max_answer_bytes {
            let answer = self.answer.take().filter(|_| is_complete);
            return answer.map(|answer| answer.parts.into_values().collect());
        }
        None
    }
}

impl Answer {
    fn is_of(&self, from: &ReplicaId, part: &Changes) -> bool {
        self.from == *from && self.header == part.header && self.count == part.parts
    }

    fn leads_on(&self, have: u64) -> bool {
        self.header.from <= have && have < self.header.to
    }
}

impl Member {
    /// Makes sure that what a shard of interest lacks is asked for at `due`, if it lacks something.
    pub(super) fn pull(&mut self, shard: u16, due: u64) {
        if self.is_down() || !self.lacks(shard) {
            return;
        }
        let asked = self.pulls.entry(shard).or_insert_with(|| Asked::new(due));
        // Once it was asked, the answer is waited for.
        if asked.times == 0 && asked.answer.is_none() {
            asked.due = asked.due.min(due);
        }
    }
}

impl Node {
    /// Asks for all that it is time to ask for.
    pub(super) fn send_pulls(&mut self) {
        let now = self.clock;
        let is_due = |member: &&Member| member.pulls.values().any(|asked| asked.due <= now);
        let due = self.members.values().filter(is_due);
        let due: Vec<ReplicaId> = due.map(|member| member.id.clone()).collect();
        for id in due {
            let targets = self.targets(&id);
            let Some(member) = self.members.get_mut(id.node()) else {
                continue;
            };
            for (shard, asked) in &mut member.pulls {
                if asked.due > now {
                    continue;
                }
                asked.due = now.saturating_add(self.config.pull_retry_ms);
                if targets.is_empty() {
                    continue;
                }
                let target = &targets[asked.times % targets.len()];
                asked.times += 1;
                let pull = Pull {
                    replica: id.clone(),
                    shard: *shard,
                    have: member.have.get(shard).copied().unwrap_or(0),
                };
                let bytes = wire::encode_pull(self.cluster, &pull);
                self.out.send(To::Replica(target.clone()), bytes);
            }
        }
    }

    /// Whom to ask for the changes of a replica, in this order: itself if it is heard, who told of it
    /// last, and all others that are heard.
    fn targets(&self, id: &ReplicaId) -> Vec<ReplicaId> {
        let is_heard =
            |member: &&Member| !member.is_down() && member.is_heard(self.clock, &self.config);
        let via = self.member(id).and_then(|member| member.via.clone());
        let mut targets: Vec<&Member> = self.members.values().filter(is_heard).collect();
        targets.sort_by_key(|member| match &member.id {
            other if other == id => 0,
            other if Some(other.node()) == via.as_ref() => 1,
            _ => 2,
        });
        targets
            .into_iter()
            .map(|member| member.id.clone())
            .collect()
    }

    /// Answers from the own presences, or from the copy of another's; or hands the question on to the
    /// one it is about, which may be out of the asker's reach.
    pub(super) fn answer_pull(
        &mut self,
        from: &ReplicaId,
        via: Option<&ReplicaId>,
        pull: &Pull,
        shards: &mut impl Shards,
    ) -> Result<(), Refused> {
        self.check_shard(pull.shard)?;
        if !self.out.has_room(&self.config) {
            return Ok(());
        }
        let member = self.member(&pull.replica);
        let is_newer = member.is_some_and(|member| member.have(pull.shard) > pull.have);
        if pull.replica == self.replica || is_newer {
            let (cluster, max) = (self.cluster, self.config.max_message_bytes);
            let messages = shards.with(pull.shard, |shard| {
                shard.changes_since(cluster, &pull.replica, pull.have, max)
            });
            for message in messages.into_iter().flatten() {
                self.reply(from, via, message);
            }
        } else if via.is_none()
            && member.is_some_and(|member| member.is_heard(self.clock, &self.config))
        {
            let forward = Forward {
                origin: from.clone(),
                to: pull.replica.clone(),
                message: &wire::encode_pull(self.cluster, pull),
            };
            let bytes = wire::encode_forward(self.cluster, &forward);
            self.out.send(To::Replica(pull.replica.clone()), bytes);
        }
        Ok(())
    }

    /// Takes changes that `from` sent, of itself or of somebody else.
    pub(super) fn take_changes(
        &mut self,
        from: &ReplicaId,
        changes: Changes,
        shards: &mut impl Shards,
    ) -> Result<(), Refused> {
        let header = changes.header.clone();
        let shard = header.shard;
        self.check_shard(shard)?;
        let now = self.clock;
        let has_interest = self.interests.has(shard);
        let member = self.members.get_mut(header.replica.node());
        let Some(member) = member.filter(|member| member.id == header.replica) else {
            return Ok(());
        };
        member.known.raise(shard, header.to);
        let have = member.have(shard);
        if !has_interest || header.to <= have {
            return Ok(());
        }
        if header.from > have {
            member.pull(shard, now);
            self.wake_at(now);
            return Ok(());
        }
        if changes.parts == 1 {
            self.merge(&[changes], shards);
            return Ok(());
        }
        member.pull(shard, now.saturating_add(self.config.pull_retry_ms));
        let Some(asked) = member.pulls.get_mut(&shard) else {
            return Ok(());
        };
        let whole = asked.put(now, from, have, changes, &self.config);
        let due = asked.due;
        self.wake_at(due);
        if let Some(whole) = whole {
            self.merge(&whole, shards);
        }
        Ok(())
    }

    /// Merges changes of a member into a shard of interest, and sees what comes of it.
    fn merge(&mut self, parts: &[Changes], shards: &mut impl Shards) {
        let Some(Changes { header, .. }) = parts.first() else {
            return;
        };
        let now = self.clock;
        let Some(member) = self.members.get_mut(header.replica.node()) else {
            return;
        };
        let is_shown = member.is_shown(header.shard);
        let have = shards.with(header.shard, |shard| {
            shard.merge(now, is_shown, parts);
            shard.have(&header.replica)
        });
        member.have.insert(header.shard, have);
        member.pulls.remove(&header.shard);
        member.pull(header.shard, now);
        let mut returned = false;
        if let Status::Returning {
            waiting: Some(waiting),
            ..
        } = &mut member.status
            && waiting
                .get(&header.shard)
                .is_some_and(|target| *target <= have)
        {
            waiting.remove(&header.shard);
            shards.with(header.shard, |shard| {
                shard.set_shown(now, &header.replica, true)
            });
            returned = true;
        }
        let lacks_more = member.pulls.contains_key(&header.shard);
        self.out.diffs(header.shard);
        if lacks_more {
            self.wake_at(now);
        }
        if returned {
            self.finish_return(header.replica.node());
        }
    }
}
