//! Presences as they are handed out: metas grouped by key, and the diffs of a topic.
//!
//! Metas are the very text that goes to clients, so writing a payload is concatenation.

use crate::protocol::json;
use std::sync::Arc;

/// Metas grouped by key, in a fixed order. Each meta is the JSON text of an object that begins with
/// its `phx_ref`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presences {
    /// The text of all keys. Keys are copied, not shared as metas are: they are short, and to count
    /// one more who shares a key, and later one less, costs more than a copy.
    names: String,
    /// Of each key the end of its name in `names`, and of its metas in `metas`.
    keys: Vec<(usize, usize)>,
    metas: Vec<Arc<str>>,
}

impl Presences {
    pub(super) fn with_capacity(keys: usize, metas: usize) -> Self {
        Self {
            names: String::new(),
            keys: Vec::with_capacity(keys),
            metas: Vec::with_capacity(metas),
        }
    }

    /// Adds a key that is not there yet. Its metas follow through `push_meta`.
    pub(super) fn push_key(&mut self, key: &str) {
        self.names.push_str(key);
        self.keys.push((self.names.len(), self.metas.len()));
    }

    /// Adds a meta to the key added last.
    pub(super) fn push_meta(&mut self, meta: Arc<str>) {
        self.metas.push(meta);
        if let Some((_, end)) = self.keys.last_mut() {
            *end = self.metas.len();
        }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many metas there are, of all keys.
    #[must_use]
    pub fn metas_len(&self) -> usize {
        self.metas.len()
    }

    /// Each key with its metas (never none).
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[Arc<str>])> {
        let (mut name, mut first) = (0, 0);
        self.keys.iter().map(move |&(name_end, end)| {
            let member = (&self.names[name..name_end], &self.metas[first..end]);
            (name, first) = (name_end, end);
            member
        })
    }

    /// Appends the JSON object that clients know: `{"key":{"metas":[..]},..}`.
    pub fn write_json(&self, out: &mut String) {
        let text: usize = self.metas.iter().map(|meta| meta.len() + 1).sum();
        let keys = self.names.len() + 16 * self.keys.len();
        out.reserve(text + keys + 2);
        out.push('{');
        for (at, (key, metas)) in self.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            begin_key(out, key);
            for (at, meta) in metas.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(meta);
            }
            end_key(out);
        }
        out.push('}');
    }
}

/// Appends the beginning of one member of a payload; its metas, separated by commas, are to follow.
pub(super) fn begin_key(out: &mut String, key: &str) {
    json::write_str(out, key);
    out.push_str(":{\"metas\":[");
}

/// Ends what `begin_key` began.
pub(super) fn end_key(out: &mut String) {
    out.push_str("]}");
}

/// What changed in a topic since its last diff. Clients apply the joins first, then the leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDiff {
    /// The topic whose subscribers are to be told.
    pub topic: Arc<str>,
    /// What is listed now and was not announced before.
    pub joins: Presences,
    /// What is listed no more. It may hold a meta that is among the joins as well: one that a list
    /// has shown for a moment.
    pub leaves: Presences,
}

impl TopicDiff {
    /// Appends the payload of the event `presence_diff`: `{"joins":{..},"leaves":{..}}`.
    pub fn write_payload(&self, out: &mut String) {
        out.push_str("{\"joins\":");
        self.joins.write_json(out);
        out.push_str(",\"leaves\":");
        self.leaves.write_json(out);
        out.push('}');
    }
}
