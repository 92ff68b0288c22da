//! What callers see of a map: members, their presences, and what a payload changed. All of it borrows the
//! map's text.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use super::map::Presences;
use super::store::{Store, View};
use crate::protocol::json::{self, Str};

/// A presence: its metas, and the fields that the server may have put beside them.
#[derive(Clone, Copy)]
pub struct Presence<'a> {
    pub(super) store: &'a Store,
    pub(super) view: &'a View,
}

impl<'a> Presence<'a> {
    /// The metas, each as JSON text.
    pub fn metas(self) -> impl ExactSizeIterator<Item = &'a str> {
        let metas = self.store.metas_of(self.view);
        metas.items.iter().map(move |meta| meta.text.of(metas.text))
    }

    /// A field that stands beside the metas, as JSON text.
    pub fn field(self, name: &str) -> Option<&'a str> {
        if name == "metas" {
            return None;
        }
        json::get(self.store.body(self.view), name)
    }

    /// The presence's only meta, if there is nothing else in it: `{"metas": [this]}`.
    pub fn sole_meta(self) -> Option<&'a str> {
        if self.view.fields || self.view.metas.count != 1 {
            return None;
        }
        self.metas().next()
    }

    /// A number that another presence of this map has only if it has the same text, so that a caller can
    /// tell whether what it made of a presence still holds. Never 0.
    pub fn id(self) -> u32 {
        self.view.id
    }

    /// Appends the presence as JSON.
    pub fn write(self, out: &mut String) {
        self.store.write_json(self.view, out);
    }

    /// The presence as JSON.
    pub fn to_json(self) -> String {
        let mut json = String::new();
        self.write(&mut json);
        json
    }
}

impl fmt::Display for Presence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl fmt::Debug for Presence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key of the map.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    pub(super) map: &'a Presences,
    pub(super) slot: u32,
}

impl<'a> Member<'a> {
    /// The key.
    pub fn key(self) -> Cow<'a, str> {
        match Str::parse(self.key_json()) {
            Ok(string) => string.decode(),
            Err(_) => Cow::Borrowed(self.key_json()),
        }
    }

    /// The key as a JSON string, quotes included.
    pub fn key_json(self) -> &'a str {
        self.map.keys.key(self.slot).of(&self.map.store.text)
    }

    /// What is under the key now, that is after all the changes of the last payload. `None` if it has left.
    pub fn presence(self) -> Option<Presence<'a>> {
        self.map.presence(self.map.keys.view(self.slot)?)
    }

    /// A small number that is this key's for as long as it is in the map. When it has left, and not before
    /// the next payload, another key may get it.
    pub fn slot(self) -> u32 {
        self.slot
    }
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key_json())
    }
}

/// One thing that a payload changed.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Metas came, or fields beside them.
    Join {
        /// Whose.
        member: Member<'a>,
        /// The presence before; `None` if the key is new.
        current: Option<Presence<'a>>,
        /// What came, without the metas that stay from before.
        joined: Presence<'a>,
    },
    /// Metas went.
    Leave {
        /// Whose.
        member: Member<'a>,
        /// The presence after; if it has no metas, the key is out of the map.
        current: Presence<'a>,
        /// What went.
        left: Presence<'a>,
    },
}

/// How the map remembers a change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) slot: u32,
    /// The view before a join, or after a leave.
    pub(super) current: Option<u32>,
    /// The view of what came or went.
    pub(super) what: u32,
    pub(super) leave: bool,
}

/// What a payload changed, in the order in which it is to be reported.
#[derive(Clone)]
pub struct Changes<'a> {
    pub(super) map: &'a Presences,
    pub(super) records: core::slice::Iter<'a, Record>,
}

impl<'a> Iterator for Changes<'a> {
    type Item = Change<'a>;

    fn next(&mut self) -> Option<Change<'a>> {
        let Self { map, records } = self;
        let record = records.next()?;
        let member = Member {
            map,
            slot: record.slot,
        };
        let what = map.presence(record.what)?;
        let current = record.current.and_then(|view| map.presence(view));
        Some(match record.leave {
            false => Change::Join {
                member,
                current,
                joined: what,
            },
            true => Change::Leave {
                member,
                current: current.unwrap_or(what),
                left: what,
            },
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}

impl ExactSizeIterator for Changes<'_> {}

impl fmt::Debug for Changes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
