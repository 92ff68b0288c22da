//! The replicas that a shard holds presences of, by small numbers that entries can carry.
//!
//! A number is given to another replica once its replica is forgotten: a cluster in which nodes come
//! and go holds on to nothing of those that went.

use super::ReplicaId;
use super::live::Live;
use super::store::OWN;
use std::ops::{Index, IndexMut};

#[derive(Clone, Hash)]
pub(super) struct Replicas {
    /// The own replica comes first and is always there.
    slots: Vec<Option<Replica>>,
}

/// What a shard knows of one replica.
#[derive(Clone, Hash)]
pub(super) struct Replica {
    pub(super) id: ReplicaId,
    /// Its part of each `phx_ref`.
    pub(super) hash: u32,
    /// The shard holds what the replica had at this version.
    pub(super) version: u64,
    /// Whether its presences are listed, or only kept.
    pub(super) shown: bool,
    pub(super) live: Live,
}

impl Replicas {
    pub(super) fn new(own: ReplicaId) -> Self {
        Self {
            slots: vec![Some(Replica::new(own, true))],
        }
    }

    pub(super) fn find(&self, id: &ReplicaId) -> Option<u32> {
        let mut slots = self.slots.iter();
        let at = slots.position(|slot| slot.as_ref().is_some_and(|replica| replica.id == *id));
        at.map(|at| at as u32)
    }

    /// The number of this replica; if it has none it gets one, and is shown or not as said.
    pub(super) fn find_or_add(&mut self, id: &ReplicaId, shown: bool) -> u32 {
        if let Some(number) = self.find(id) {
            return number;
        }
        let new = Some(Replica::new(id.clone(), shown));
        match self.slots.iter().position(Option::is_none) {
            Some(vacant) => {
                self.slots[vacant] = new;
                vacant as u32
            }
            None => {
                self.slots.push(new);
                self.slots.len() as u32 - 1
            }
        }
    }

    /// Forgets a replica, which must have no entries any more.
    pub(super) fn remove(&mut self, number: u32) {
        self.slots[number as usize] = None;
        while self.slots.last().is_some_and(Option::is_none) {
            self.slots.pop();
        }
        self.slots.shrink_to(self.slots.len() * 2);
    }

    /// Forgets all but the own.
    pub(super) fn forget_others(&mut self) {
        self.slots.truncate(OWN as usize + 1);
        self.slots.shrink_to_fit();
    }

    /// The presences of all but the own.
    pub(super) fn live_of_others(&self) -> impl Iterator<Item = &Live> {
        let others = self.slots.iter().skip(OWN as usize + 1).flatten();
        others.map(|replica| &replica.live)
    }

    /// How many there are besides the own.
    pub(super) fn others(&self) -> usize {
        self.slots.iter().flatten().count() - 1
    }

    /// Places that memory is held for, beyond what the own replica needs at the least.
    pub(super) fn capacity(&self) -> usize {
        let live = self.slots.iter().flatten();
        self.slots.len() - 1 + live.map(|replica| replica.live.capacity()).sum::<usize>()
    }
}

impl Replica {
    fn new(id: ReplicaId, shown: bool) -> Self {
        Self {
            hash: id.hash32(),
            id,
            version: 0,
            shown,
            live: Live::default(),
        }
    }
}

impl Index<u32> for Replicas {
    type Output = Replica;

    fn index(&self, number: u32) -> &Replica {
        let slot = &self.slots[number as usize];
        slot.as_ref().expect("a number in use")
    }
}

impl IndexMut<u32> for Replicas {
    fn index_mut(&mut self, number: u32) -> &mut Replica {
        let slot = &mut self.slots[number as usize];
        slot.as_mut().expect("a number in use")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again_and_restarts_leave_nothing_behind() {
        let mut replicas = Replicas::new(ReplicaId::new("own", 1));
        for incarnation in 0..1_000 {
            let number = replicas.find_or_add(&ReplicaId::new("other", incarnation), true);
            assert_eq!(number, 1);
            replicas.remove(number);
        }
        assert_eq!((replicas.others(), replicas.capacity()), (0, 0));
    }
}
