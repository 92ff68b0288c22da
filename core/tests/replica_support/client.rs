//! A client that keeps a topic's members by the rules of `presence.js`.

use serde_json::Value;
use std::collections::BTreeMap;

/// Metas by key.
pub(crate) type Members = BTreeMap<String, Vec<Value>>;

/// Reads the payload of `presence_state`, or one half of a `presence_diff`.
pub(crate) fn members(presences: &Value) -> Members {
    let presences = presences.as_object().expect("an object of keys");
    let metas = |presence: &Value| presence["metas"].as_array().expect("metas").clone();
    let members = presences
        .iter()
        .map(|(key, presence)| (key.clone(), metas(presence)));
    members.collect()
}

/// The same members whatever the order of metas, which a client does not get from diffs.
pub(crate) fn sorted(mut members: Members) -> Members {
    for metas in members.values_mut() {
        metas.sort_by_key(|meta| meta["phx_ref"].to_string());
    }
    members
}

#[derive(Clone, Default)]
pub(crate) struct Client {
    members: Members,
    /// The diffs that came before the first state; they are applied after it.
    early: Vec<Value>,
    has_state: bool,
}

impl Client {
    pub(crate) fn on_state(&mut self, payload: &Value) {
        self.members = members(payload);
        self.has_state = true;
        for diff in std::mem::take(&mut self.early) {
            self.apply(&diff);
        }
    }

    pub(crate) fn on_diff(&mut self, payload: &Value) {
        match self.has_state {
            true => self.apply(payload),
            false => self.early.push(payload.clone()),
        }
    }

    /// The members, once there was a state.
    pub(crate) fn members(&self) -> Option<Members> {
        self.has_state.then(|| sorted(self.members.clone()))
    }

    fn apply(&mut self, diff: &Value) {
        for (key, joined) in members(&diff["joins"]) {
            let metas = self.members.entry(key).or_default();
            metas.retain(|old| joined.iter().all(|new| new["phx_ref"] != old["phx_ref"]));
            metas.extend(joined);
        }
        for (key, left) in members(&diff["leaves"]) {
            let Some(metas) = self.members.get_mut(&key) else {
                continue;
            };
            metas.retain(|meta| left.iter().all(|gone| gone["phx_ref"] != meta["phx_ref"]));
            if metas.is_empty() {
                self.members.remove(&key);
            }
        }
    }
}
