//! Presences as they are shown: metas grouped by key, with what the fetch hook added to each key.
//!
//! Metas are kept as the very text that goes to clients, so that a payload is written by
//! concatenation, and read as values only when somebody asks.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use herenow_core::protocol::json;
use herenow_core::replica;
use serde_json::Value;

use super::fetch::Fields;
use crate::channel::{IntoPayload, Payload};

/// Who is present in a topic: what [`Presence::list`](super::Presence::list) returns.
///
/// As a payload it is what clients expect of the event `presence_state`:
/// `{"alice":{"metas":[{"phx_ref":"..","online_at":".."}]}}`.
#[derive(Clone, Default)]
pub struct Presences {
    metas: replica::Presences,
    fields: Fields,
}

/// One key with its metas: what [`Presence::get_by_key`](super::Presence::get_by_key) returns.
///
/// As a payload it is `{"metas":[..]}` with the fields that the fetch hook added.
#[derive(Clone)]
pub struct Entry<'a> {
    metas: Cow<'a, [Arc<str>]>,
    /// What the fetch hook added, as `"name":value` pairs; empty for nothing.
    fields: Cow<'a, str>,
}

impl Presences {
    pub(super) fn new(metas: replica::Presences, fields: Fields) -> Self {
        Self { metas, fields }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.metas.len()
    }

    /// Whether nobody is present.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.metas.is_empty()
    }

    /// Each key with its entry.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Entry<'_>)> {
        self.metas.iter().map(|(key, metas)| {
            let metas = Cow::Borrowed(metas);
            let fields = Cow::Borrowed(fields_of(&self.fields, key));
            (key, Entry { metas, fields })
        })
    }

    /// The entry of a key. It searches; to ask for one key only, use
    /// [`Presence::get_by_key`](super::Presence::get_by_key).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Entry<'_>> {
        self.iter()
            .find(|(found, _)| *found == key)
            .map(|(_, entry)| entry)
    }

    /// Appends the JSON text.
    pub fn write_json(&self, out: &mut String) {
        write_presences(out, &self.metas, &self.fields);
    }
}

impl Entry<'_> {
    pub(super) fn new(metas: Vec<Arc<str>>, key: &str, fields: &Fields) -> Entry<'static> {
        Entry {
            metas: Cow::Owned(metas),
            fields: Cow::Owned(fields_of(fields, key).to_owned()),
        }
    }

    /// The metas as JSON text, each an object that begins with its `phx_ref`.
    pub fn metas(&self) -> impl ExactSizeIterator<Item = &str> {
        self.metas.iter().map(|meta| &**meta)
    }

    /// The whole entry as a value: `{"metas": [..]}` and what was fetched.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::from_str(&text(|out| self.write_json(out))).expect("metas and fields are JSON")
    }

    /// Appends the JSON text.
    pub fn write_json(&self, out: &mut String) {
        write_entry(out, &self.metas, &self.fields);
    }
}

/// The payload of `presence_diff`.
pub(super) fn diff_payload(diff: &replica::TopicDiff, fields: &Fields) -> Payload {
    Payload::from_valid_json(text(|out| {
        out.push_str("{\"joins\":");
        write_presences(out, &diff.joins, fields);
        out.push_str(",\"leaves\":");
        write_presences(out, &diff.leaves, fields);
        out.push('}');
    }))
}

fn write_presences(out: &mut String, presences: &replica::Presences, fields: &Fields) {
    if fields.is_empty() {
        return presences.write_json(out);
    }
    out.push('{');
    for (at, (key, metas)) in presences.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        json::write_str(out, key);
        out.push(':');
        write_entry(out, metas, fields_of(fields, key));
    }
    out.push('}');
}

fn write_entry(out: &mut String, metas: &[Arc<str>], fields: &str) {
    out.push_str("{\"metas\":[");
    for (at, meta) in metas.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(meta);
    }
    out.push(']');
    if !fields.is_empty() {
        out.push(',');
        out.push_str(fields);
    }
    out.push('}');
}

fn fields_of<'a>(fields: &'a Fields, key: &str) -> &'a str {
    fields.get(key).map_or("", |fields| fields)
}

fn text(write: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    write(&mut out);
    out
}

impl IntoPayload for &Presences {
    fn into_payload(self) -> Payload {
        Payload::from_valid_json(text(|out| self.write_json(out)))
    }
}

impl IntoPayload for Presences {
    fn into_payload(self) -> Payload {
        (&self).into_payload()
    }
}

impl IntoPayload for &Entry<'_> {
    fn into_payload(self) -> Payload {
        Payload::from_valid_json(text(|out| self.write_json(out)))
    }
}

impl IntoPayload for Entry<'_> {
    fn into_payload(self) -> Payload {
        (&self).into_payload()
    }
}

impl fmt::Debug for Presences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(|out| self.write_json(out)))
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(|out| self.write_json(out)))
    }
}
