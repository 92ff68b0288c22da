//! Heartbeats: saying what one has and whom one hears, and comparing that with what others say.

use super::member::{Member, Status};
use super::{Gone, Node, Output, Refused, Shards, To};
use crate::replica::ReplicaId;
use crate::replica::wire::{self, Claim, Digest, Peer, Versions};

/// After so many questions to a replica itself that led to nothing, others are asked about it as well.
const ASKS_BEFORE_OTHERS: u32 = 2;

impl Node {
    /// Sends a heartbeat to all.
    pub(super) fn heartbeat(&mut self) {
        self.next_heartbeat = self.clock.saturating_add(self.config.heartbeat_ms);
        self.claim = Claim {
            beat: self.claim.beat + 1,
            sum: self.published.sum(),
            hash: self.published.hash(),
        };
        let changed = self.publishing.take_changed();
        let changed = changed
            .into_iter()
            .map(|shard| (shard, self.published.get(shard)));
        let digest = self.digest(changed.collect());
        self.turn += 1;
        self.out
            .send(To::All, wire::encode_digest(self.cluster, &digest));
    }

    /// Introduces this node to another, with what its last heartbeat said. If the other has been outlived
    /// by its own name, it learns so.
    pub(super) fn greet(&mut self, to: &ReplicaId) {
        self.correct(to, to);
    }

    /// As [`greet`](Self::greet), and tells what is known of the name of `outdated`.
    fn correct(&mut self, to: &ReplicaId, outdated: &ReplicaId) {
        let digest = self.correction(outdated);
        let bytes = wire::encode_digest(self.cluster, &digest);
        self.out.send(To::Replica(to.clone()), bytes);
    }

    fn correction(&mut self, outdated: &ReplicaId) -> Digest {
        if self.claim.beat == 0 {
            self.heartbeat();
        }
        let node = outdated.node();
        let mut digest = self.digest(Vec::new());
        let namesake = self
            .members
            .get(node)
            .filter(|member| member.id != *outdated);
        let namesake = namesake.map(|member| self.peer(member));
        digest.peers.extend(namesake);
        let gone = self.gone.get(node);
        let gone = gone.map(|gone| ReplicaId::new(node.clone(), gone.incarnation));
        digest.gone.extend(gone);
        digest
    }

    /// A hint that this replica speaks, whom the bus refuses to hear, because it has heard its node's
    /// `later` life. It is told so, even if all that is known of that one is this.
    pub fn outlived(&mut self, now: u64, replica: &ReplicaId, later: u64) {
        self.advance(now);
        if self.has_left {
            return;
        }
        let mut digest = self.correction(replica);
        digest
            .gone
            .push(ReplicaId::new(replica.node().clone(), later));
        let bytes = wire::encode_digest(self.cluster, &digest);
        self.out.send(To::Replica(replica.clone()), bytes);
    }

    /// A hint that there is a way to this replica, for the first time or again.
    pub fn link_up(&mut self, now: u64, replica: &ReplicaId) {
        self.advance(now);
        if !self.has_left {
            self.greet(replica);
        }
    }

    fn digest(&self, changed: Vec<(u16, u64)>) -> Digest {
        let mentioned = self
            .gone
            .iter()
            .filter(|(_, gone)| self.clock < gone.mention_until);
        let gone = mentioned.map(|(node, gone)| ReplicaId::new(node.clone(), gone.incarnation));
        Digest {
            shards: self.config.shards,
            claim: self.claim,
            changed,
            peers: self.peers(),
            gone: gone.collect(),
        }
    }

    /// The members that are alive, or those of them whose turn it is.
    fn peers(&self) -> Vec<Peer> {
        let members = self.members.values().filter(|member| !member.is_down());
        let peers = members.map(|member| self.peer(member));
        let alive = peers.filter(|peer| peer.age < self.config.down_after_ms);
        let peers: Vec<Peer> = alive.collect();
        let most = self.config.max_peers_in_digest;
        if peers.len() <= most {
            return peers;
        }
        // Each node begins elsewhere, so that a member is mentioned by somebody all the time.
        let offset = self.replica.hash32() as usize;
        let start = self.turn.wrapping_mul(most).wrapping_add(offset) % peers.len();
        peers
            .iter()
            .cycle()
            .skip(start)
            .take(most)
            .cloned()
            .collect()
    }

    fn peer(&self, member: &Member) -> Peer {
        Peer {
            replica: member.id.clone(),
            claim: member.claim,
            age: self.clock.saturating_sub(member.alive_at),
        }
    }

    pub(super) fn take_digest(
        &mut self,
        from: &ReplicaId,
        digest: Digest,
        shards: &mut impl Shards,
    ) -> Result<(), Refused> {
        if digest.shards != self.config.shards {
            return Err(Refused::OtherShards {
                theirs: digest.shards,
                ours: self.config.shards,
            });
        }
        for (shard, _) in &digest.changed {
            self.check_shard(*shard)?;
        }
        for id in &digest.gone {
            self.take_gone(id, shards);
        }
        if from.node() == self.replica.node() {
            self.meet_namesake(from);
            if from.incarnation() < self.replica.incarnation() {
                self.greet(from);
            }
            return Ok(());
        }
        let is_new = self.member(from).is_none();
        if self.admit(from, 0, shards) {
            self.hear_claim(from, digest.claim, 0, None);
            // What a known one changed was published and is mostly on its way.
            let delay = if is_new { 0 } else { self.config.pull_delay_ms };
            for (shard, version) in digest.changed {
                self.hear_version(from, shard, version, delay);
            }
            self.compare(from, from, shards);
            if is_new {
                self.greet(from);
            }
        } else {
            self.greet(from);
        }
        for peer in &digest.peers {
            self.hear_of(from, peer, shards);
        }
        self.joining_until = None;
        Ok(())
    }

    /// Somebody mentioned that somebody is alive.
    fn hear_of(&mut self, from: &ReplicaId, peer: &Peer, shards: &mut impl Shards) {
        let id = &peer.replica;
        if id.node() == self.replica.node() {
            self.meet_namesake(id);
        } else if self.admit(id, peer.age, shards) {
            self.hear_claim(id, peer.claim, peer.age, Some(from));
            self.compare(id, from, shards);
        } else if self.is_outdated(id) {
            self.correct(from, id);
        }
    }

    /// There is another replica of this node's name, or was.
    fn meet_namesake(&mut self, other: &ReplicaId) {
        let (theirs, ours) = (other.incarnation(), self.replica.incarnation());
        if theirs > ours && self.superseded.is_none_or(|known| known < theirs) {
            self.superseded = Some(theirs);
            self.out.say(Output::Superseded(theirs));
        }
    }

    /// Checks whether what is known of a replica's versions is all that there was at its latest
    /// heartbeat. If not, asks `source`, who told of it.
    ///
    /// Of a replica that is heard itself, only itself is asked at first: between any two nodes there is
    /// always a difference of what was published this very moment.
    fn compare(&mut self, id: &ReplicaId, source: &ReplicaId, shards: &mut impl Shards) {
        let (clock, cluster) = (self.clock, self.cluster);
        let Some(member) = self.members.get_mut(id.node()) else {
            return;
        };
        let claim = member.claim;
        if (claim.sum, claim.hash) == (member.known.sum(), member.known.hash()) {
            self.cover(id, claim.beat, shards);
        } else if member.covered < claim.beat {
            let may_ask = id == source
                || !member.is_heard(clock, &self.config)
                || member.asks >= ASKS_BEFORE_OTHERS;
            if may_ask {
                member.asks = (member.asks + 1).min(ASKS_BEFORE_OTHERS);
                let ask = wire::encode_ask(cluster, id);
                self.out.send(To::Replica(source.clone()), ask);
            }
        }
    }

    /// Everything that a replica had at its heartbeat number `beat` is known by now.
    fn cover(&mut self, id: &ReplicaId, beat: u64, shards: &mut impl Shards) {
        let Some(member) = self.member_mut(id) else {
            return;
        };
        member.covered = member.covered.max(beat);
        if member.covered >= member.claim.beat {
            member.asks = 0;
        }
        let Status::Returning { since, waiting } = &member.status else {
            return;
        };
        if waiting.is_none() && member.covered >= *since {
            self.begin_return(id, shards);
        }
    }

    pub(super) fn answer_ask(
        &mut self,
        from: &ReplicaId,
        via: Option<&ReplicaId>,
        replica: &ReplicaId,
    ) {
        let (known, beat) = if *replica == self.replica {
            (&self.published, self.claim.beat)
        } else if let Some(member) = self.member(replica) {
            (&member.known, member.covered)
        } else {
            return;
        };
        let versions = Versions {
            replica: replica.clone(),
            beat,
            versions: known.iter().collect(),
        };
        let bytes = wire::encode_versions(self.cluster, &versions);
        self.reply(from, via, bytes);
    }

    pub(super) fn take_versions(
        &mut self,
        from: &ReplicaId,
        versions: Versions,
        shards: &mut impl Shards,
    ) -> Result<(), Refused> {
        for (shard, _) in &versions.versions {
            self.check_shard(*shard)?;
        }
        let id = &versions.replica;
        for (shard, version) in &versions.versions {
            self.hear_version(id, *shard, *version, 0);
        }
        if let Some(member) = self.member_mut(id).filter(|_| from == id) {
            member.asked_at = None;
        }
        self.cover(id, versions.beat, shards);
        Ok(())
    }

    /// A replica is known to have this version of a shard. If it is of interest and the changes do not
    /// come within `delay`, they are asked for.
    pub(super) fn hear_version(&mut self, id: &ReplicaId, shard: u16, version: u64, delay: u64) {
        let due = self.clock.saturating_add(delay);
        let has_interest = self.interests.has(shard);
        let Some(member) = self.member_mut(id) else {
            return;
        };
        if member.known.raise(shard, version) && has_interest {
            member.pull(shard, due);
            self.wake_at(due);
        }
    }

    pub(super) fn take_goodbye(&mut self, from: &ReplicaId, shards: &mut impl Shards) {
        self.take_gone(from, shards);
    }

    /// A replica is gone for good.
    fn take_gone(&mut self, id: &ReplicaId, shards: &mut impl Shards) {
        if id.node() == self.replica.node() {
            return self.meet_namesake(id);
        }
        let is_known = self
            .gone
            .get(id.node())
            .is_some_and(|gone| gone.incarnation >= id.incarnation());
        if is_known {
            return;
        }
        let gone = Gone {
            incarnation: id.incarnation(),
            mention_until: self.clock.saturating_add(self.config.down_after_ms),
            forget_at: self.clock.saturating_add(self.config.permdown_after_ms),
        };
        self.wake_at(gone.forget_at);
        self.gone.insert(id.node().clone(), gone);
        let member = self.members.get(id.node());
        if let Some(member) = member.filter(|member| member.id.incarnation() <= id.incarnation()) {
            let id = member.id.clone();
            self.forget_member(&id, shards);
        }
    }
}
