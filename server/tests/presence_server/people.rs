//! What a client believes about who is present: the rules of presence.js, in the plainest words.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::{Client, Frame};

/// Each key with its metas by `phx_ref`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct People {
    metas: BTreeMap<String, BTreeMap<String, Value>>,
    /// Diffs that came before the first state.
    waiting: Vec<Value>,
    synced: bool,
}

impl People {
    /// What a list says.
    pub(crate) fn of(list: &Value) -> Self {
        let mut people = Self::default();
        people.sync_state(list);
        people
    }

    pub(crate) fn is_present(&self, key: &str) -> bool {
        self.metas.contains_key(key)
    }

    /// Who is present, in alphabetic order.
    pub(crate) fn users(&self) -> Vec<&str> {
        self.metas.keys().map(String::as_str).collect()
    }

    /// How many metas somebody has.
    pub(crate) fn devices(&self, key: &str) -> usize {
        self.metas.get(key).map_or(0, BTreeMap::len)
    }

    /// The same without somebody.
    pub(crate) fn without(&self, key: &str) -> Self {
        let mut others = self.clone();
        others.metas.remove(key);
        others
    }

    /// Takes in a frame of the topic, if it is about presences.
    pub(crate) fn apply(&mut self, frame: &Frame) {
        match frame.event.as_str() {
            "presence_state" => self.sync_state(&frame.payload),
            "presence_diff" if self.synced => self.sync_diff(&frame.payload),
            "presence_diff" => self.waiting.push(frame.payload.clone()),
            _ => {}
        }
    }

    /// Applies what comes to `client` on `topic`, until `done`.
    pub(crate) async fn follow(
        &mut self,
        client: &mut Client,
        topic: &str,
        done: impl Fn(&Self) -> bool,
    ) {
        while !done(self) {
            let frame = client.next().await;
            if frame.topic == topic {
                self.apply(&frame);
            }
        }
    }

    pub(crate) fn sync_state(&mut self, state: &Value) {
        self.metas.clear();
        self.synced = true;
        self.join(state);
        for diff in std::mem::take(&mut self.waiting) {
            self.sync_diff(&diff);
        }
    }

    pub(crate) fn sync_diff(&mut self, diff: &Value) {
        self.join(&diff["joins"]);
        self.leave(&diff["leaves"]);
    }

    fn join(&mut self, joins: &Value) {
        for (key, meta) in members(joins) {
            let metas = self.metas.entry(key.to_owned()).or_default();
            metas.insert(phx_ref(meta), meta.clone());
        }
    }

    fn leave(&mut self, leaves: &Value) {
        for (key, meta) in members(leaves) {
            let Some(metas) = self.metas.get_mut(key) else {
                continue;
            };
            metas.remove(&phx_ref(meta));
            if metas.is_empty() {
                self.metas.remove(key);
            }
        }
    }
}

fn members(presences: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let presences = presences.as_object().expect("presences are an object");
    presences.iter().flat_map(|(key, entry)| {
        let metas = entry["metas"].as_array().expect("metas are an array");
        metas.iter().map(move |meta| (key.as_str(), meta))
    })
}

fn phx_ref(meta: &Value) -> String {
    meta["phx_ref"]
        .as_str()
        .expect("a meta has its ref")
        .to_owned()
}
