//! What each replica had, at any time: the only things that may ever be listed of it.

use crate::machine::{Machine, Metas};
use crate::schedule::TOPICS;
use herenow_core::replica::ReplicaId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A replica and a topic.
pub(crate) type Place = (ReplicaId, &'static str);

#[derive(Clone, Default)]
pub(crate) struct Facts {
    owners: HashMap<Arc<str>, ReplicaId>,
    /// What a replica had in a topic, from the first to the last.
    history: BTreeMap<Place, Vec<Metas>>,
}

impl Facts {
    /// Notes what a machine has had since it was last looked at.
    pub(crate) fn note(&mut self, machine: &mut Machine) {
        let replica = machine.node.replica();
        for (topic, own) in machine.had.drain(..) {
            for meta in &own {
                self.owners.insert(Arc::clone(meta), replica.clone());
            }
            let history = self.history.entry((replica.clone(), topic)).or_default();
            if history.last() != Some(&own) {
                history.push(own);
            }
        }
    }

    /// Of each replica a machine lists what that had at some time, all of it or nothing, and never less
    /// recent than before. `seen` says how far it has come.
    pub(crate) fn check(&self, machine: &Machine, seen: &mut BTreeMap<Place, usize>) {
        for topic in TOPICS {
            let mut listed: BTreeMap<&ReplicaId, Metas> = BTreeMap::new();
            for meta in machine.listed(topic) {
                let owner = self.owners.get(&meta);
                let owner = owner.unwrap_or_else(|| panic!("{meta} is nobody's"));
                listed.entry(owner).or_default().insert(meta);
            }
            for (replica, metas) in listed {
                let place = (replica.clone(), topic);
                let history = &self.history[&place];
                let last = seen.entry(place).or_default();
                let found = (*last..history.len()).find(|at| history[*at] == metas);
                let problem = || panic!("{metas:?} was never all of {replica}, or is out of date");
                *last = found.unwrap_or_else(problem);
            }
        }
    }
}
