//! The rules of phoenix.js's Presence, spelled out over parsed JSON with no thought of speed.

use serde_json::Value;

/// Keys in the order in which they were added, and their presences.
pub(crate) type Entries = Vec<(String, Value)>;

/// What a payload did: a join or a leave, the key, the presence before or after, and what came or went.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) leave: bool,
    pub(crate) key: String,
    pub(crate) current: Option<Value>,
    pub(crate) what: Value,
}

/// The map as it ought to be.
#[derive(Default)]
pub(crate) struct Model {
    entries: Entries,
}

impl Model {
    /// The members in the order of a JavaScript object's own properties.
    pub(crate) fn list(&self) -> Entries {
        own_property_order(self.entries.clone())
    }

    pub(crate) fn sync_state(&mut self, state: &Entries) -> Vec<Event> {
        let state = own_property_order(parsed(state));
        let (mut joins, mut leaves) = (Vec::new(), Vec::new());
        for (key, presence) in self.list() {
            if !state.iter().any(|(other, _)| *other == key) {
                leaves.push((key, presence));
            }
        }
        for (key, new) in state {
            let Some(current) = self.get(&key) else {
                joins.push((key, new));
                continue;
            };
            let joined = without(metas(&new), metas(&current));
            let left = without(metas(&current), metas(&new));
            if !joined.is_empty() {
                joins.push((key.clone(), with_metas(&new, joined)));
            }
            if !left.is_empty() {
                leaves.push((key, with_metas(&current, left)));
            }
        }
        self.sync_diff(&joins, &leaves)
    }

    pub(crate) fn sync_diff(&mut self, joins: &Entries, leaves: &Entries) -> Vec<Event> {
        let mut events = Vec::new();
        for (key, joined) in own_property_order(parsed(joins)) {
            let current = self.get(&key);
            let kept = match &current {
                Some(current) => without(metas(current), metas(&joined)),
                None => Vec::new(),
            };
            // A presence that came without metas stays without, unless some are kept.
            let now = match kept.is_empty() {
                true => joined.clone(),
                false => with_metas(&joined, [kept, metas(&joined).to_vec()].concat()),
            };
            self.set(&key, now);
            events.push(Event {
                leave: false,
                key,
                current,
                what: joined,
            });
        }
        for (key, left) in own_property_order(parsed(leaves)) {
            let Some(current) = self.get(&key) else {
                continue;
            };
            let kept = without(metas(&current), metas(&left));
            let gone = kept.is_empty();
            let now = match kept.len() == metas(&current).len() {
                true => current,
                false => with_metas(&current, kept),
            };
            self.set(&key, now.clone());
            if gone {
                self.entries.retain(|(other, _)| *other != key);
            }
            events.push(Event {
                leave: true,
                key,
                current: Some(now),
                what: left,
            });
        }
        events
    }

    fn get(&self, key: &str) -> Option<Value> {
        let entry = self.entries.iter().find(|(other, _)| other == key);
        entry.map(|(_, presence)| presence.clone())
    }

    fn set(&mut self, key: &str, presence: Value) {
        match self.entries.iter_mut().find(|(other, _)| other == key) {
            Some(entry) => entry.1 = presence,
            None => self.entries.push((key.to_owned(), presence)),
        }
    }
}

/// What `JSON.parse` keeps of the entries: the last value of a key, at the place of the first.
fn parsed(entries: &Entries) -> Entries {
    let mut kept = Model::default();
    for (key, presence) in entries {
        kept.set(key, presence.clone());
    }
    kept.entries
}

fn own_property_order(mut entries: Entries) -> Entries {
    entries.sort_by_key(|(key, _)| {
        let index = key.parse::<u32>().ok();
        let index = index.filter(|index| *index != u32::MAX && index.to_string() == *key);
        index.map_or(u64::MAX, u64::from)
    });
    entries
}

fn metas(presence: &Value) -> &[Value] {
    presence["metas"].as_array().map_or(&[], Vec::as_slice)
}

fn with_metas(presence: &Value, metas: Vec<Value>) -> Value {
    let mut presence = presence.clone();
    presence["metas"] = Value::Array(metas);
    presence
}

fn without(metas: &[Value], others: &[Value]) -> Vec<Value> {
    let known = |meta: &&Value| !others.iter().any(|other| same_ref(meta, other));
    metas.iter().filter(known).cloned().collect()
}

/// `a.phx_ref === b.phx_ref`
fn same_ref(a: &Value, b: &Value) -> bool {
    match (a.get("phx_ref"), b.get("phx_ref")) {
        (None, None) => true,
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_f64() == b.as_f64(),
        (Some(Value::Object(_) | Value::Array(_)), _) => false,
        (a, b) => a == b,
    }
}
