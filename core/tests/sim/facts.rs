//! What each replica had, at any time: the only things that may ever be listed of it.

use crate::machine::{Machine, Metas};
use herenow_core::replica::ReplicaId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A replica and a topic.
pub(crate) type Place = (ReplicaId, &'static str);

#[derive(Clone, Default)]
pub(crate) struct Facts {
    owners: HashMap<Arc<str>, ReplicaId>,
    /// What a replica had in a topic, from the first to the last, and since when.
    history: BTreeMap<Place, Vec<(u64, Metas)>>,
    /// Replicas that said goodbye.
    pub(crate) gone: BTreeSet<ReplicaId>,
    /// Whether a machine ever hung: then there is no telling how old a message is.
    pub(crate) has_hung: bool,
}

impl Facts {
    /// Notes what a machine has had since it was last looked at.
    pub(crate) fn note(&mut self, now: u64, machine: &mut Machine) {
        let replica = machine.node.replica();
        for (topic, own) in machine.had.drain(..) {
            for meta in &own {
                self.owners.insert(Arc::clone(meta), replica.clone());
            }
            let history = self.history.entry((replica.clone(), topic)).or_default();
            if history.last().is_none_or(|(_, last)| *last != own) {
                history.push((now, own));
            }
        }
    }

    /// What a machine lists in a topic, by whose it is.
    pub(crate) fn listed<'a>(
        &'a self,
        machine: &Machine,
        topic: &str,
    ) -> BTreeMap<&'a ReplicaId, Metas> {
        let mut listed: BTreeMap<_, Metas> = BTreeMap::new();
        for meta in machine.listed(topic) {
            let owner = self.owners.get(&meta);
            let owner = owner.unwrap_or_else(|| panic!("{meta} is nobody's"));
            listed.entry(owner).or_default().insert(meta);
        }
        listed
    }

    /// Where in its history, not before `from`, a replica had this and nothing else.
    pub(crate) fn find(&self, place: &Place, from: usize, metas: &Metas) -> usize {
        let history = &self.history[place];
        let found = (from..history.len()).find(|at| history[*at].1 == *metas);
        found.unwrap_or_else(|| panic!("{metas:?} was never all of {place:?}, or is out of date"))
    }

    /// Whether a replica had this, and nothing else, at some time since `since`.
    pub(crate) fn had_since(&self, place: &Place, since: u64, metas: &Metas) -> bool {
        let none = (0, Metas::new());
        let history = self.history.get(place).map_or(&[][..], |history| history);
        let ends = history.iter().map(|(from, _)| *from).chain([u64::MAX]);
        let states = [&none].into_iter().chain(history);
        states
            .zip(ends)
            .any(|((_, had), end)| end >= since && had == metas)
    }
}
