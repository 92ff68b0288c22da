//! What callers see of a map: members, their presences, and what a payload changed. All of it borrows the
//! map's text.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::map::Presences;
use super::refs::Meta;
use super::text::Span;
use crate::protocol::json::{self, Str};

/// Metas that stand together in the map's list of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) count: u32,
}

impl Run {
    pub(super) fn range(self) -> Range<usize> {
        self.first as usize..(self.first + self.count) as usize
    }

    pub(super) fn of(self, metas: &[Meta]) -> &[Meta] {
        metas.get(self.range()).unwrap_or_default()
    }
}

/// A presence at one moment: a body, which is the text that once came for it, and the metas that count,
/// which may be others than those in the body. Never changed, only replaced.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) body: Span,
    /// The value of `metas` in the body, counted from its beginning; empty if there is no such field.
    pub(super) array: Span,
    /// The body's own metas.
    pub(super) own: Run,
    pub(super) metas: Run,
    /// See [`Presence::id`].
    pub(super) id: u32,
    /// The id of this presence while its metas are the body's own.
    pub(super) body_id: u32,
    /// Whether the body has other fields than `metas`.
    pub(super) fields: bool,
}

impl View {
    /// Whether the body is the presence as it is.
    pub(super) fn is_whole(&self) -> bool {
        self.id == self.body_id
    }

    /// Appends the presence as JSON. `placed` is told of each meta where in `out` it now begins. Returns
    /// where the value of `metas` is, counted as [`array`](Self::array) is.
    pub(super) fn write(
        &self,
        text: &str,
        metas: &[Meta],
        out: &mut String,
        mut placed: impl FnMut(&Meta, u32),
    ) -> Span {
        let (body, start) = (self.body.of(text), out.len());
        if self.is_whole() {
            out.push_str(body);
            for meta in self.metas.of(metas) {
                placed(meta, meta.text.start - self.body.start + start as u32);
            }
            return self.array;
        }
        let (array, mut tail) = (self.array, body.get(self.array.end() as usize..));
        if array.len == 0 {
            // A body without metas got some from the presence that was here before.
            out.push_str(body.strip_suffix('}').unwrap_or(body));
            out.push_str(if self.fields {
                ",\"metas\":"
            } else {
                "\"metas\":"
            });
            tail = Some("}");
        } else {
            out.push_str(body.get(..array.start as usize).unwrap_or_default());
        }
        let array_start = out.len();
        out.push('[');
        for (position, meta) in self.metas.of(metas).iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            placed(meta, out.len() as u32);
            out.push_str(meta.text.of(text));
        }
        out.push(']');
        let array = Span::new(array_start - start, out.len() - start);
        out.push_str(tail.unwrap_or_default());
        array
    }
}

/// A presence: its metas, and the fields that the server may have put beside them.
#[derive(Clone, Copy)]
pub struct Presence<'a> {
    pub(super) map: &'a Presences,
    pub(super) view: View,
}

impl<'a> Presence<'a> {
    /// The metas, each as JSON text.
    pub fn metas(self) -> impl ExactSizeIterator<Item = &'a str> {
        let Self { map, view } = self;
        let metas = view.metas.of(&map.metas).iter();
        metas.map(|meta| meta.text.of(&map.text))
    }

    /// A field that stands beside the metas, as JSON text.
    pub fn field(self, name: &str) -> Option<&'a str> {
        if name == "metas" {
            return None;
        }
        json::get(self.view.body.of(&self.map.text), name)
    }

    /// The presence's only meta, if there is nothing else in it: `{"metas": [this]}`.
    pub fn sole_meta(self) -> Option<&'a str> {
        let only = !self.view.fields && self.view.metas.count == 1;
        self.metas().next().filter(|_| only)
    }

    /// A number that another presence of this map has only if it has the same text, so that a caller can
    /// tell whether what it made of a presence still holds. Never 0.
    pub fn id(self) -> u32 {
        self.view.id
    }

    /// Appends the presence as JSON.
    pub fn write(self, out: &mut String) {
        let Presences { text, metas, .. } = self.map;
        self.view.write(text, metas, out, |_, _| {});
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
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    pub(super) quoted: &'a str,
    pub(super) slot: u32,
}

impl<'a> Member<'a> {
    /// The key.
    pub fn key(self) -> Cow<'a, str> {
        match Str::parse(self.quoted) {
            Ok(string) => string.decode(),
            Err(_) => Cow::Borrowed(self.quoted),
        }
    }

    /// The key as a JSON string, quotes included.
    pub fn key_json(self) -> &'a str {
        self.quoted
    }

    /// A small number that is this key's for as long as it is in the map. When it has left, and not before
    /// the next payload, another key may get it.
    pub fn slot(self) -> u32 {
        self.slot
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
    /// The presence before a join, or after a leave.
    pub(super) current: Option<View>,
    /// What came or went.
    pub(super) what: View,
    pub(super) leave: bool,
}

/// What a payload changed, in the order in which it is to be reported.
#[derive(Clone)]
pub struct Changes<'a> {
    pub(super) map: &'a Presences,
    pub(super) records: std::slice::Iter<'a, Record>,
}

impl<'a> Iterator for Changes<'a> {
    type Item = Change<'a>;

    fn next(&mut self) -> Option<Change<'a>> {
        let map = self.map;
        let record = self.records.next()?;
        let member = map.member(record.slot);
        let presence = |view| Presence { map, view };
        Some(match record.leave {
            false => Change::Join {
                member,
                current: record.current.map(presence),
                joined: presence(record.what),
            },
            true => Change::Leave {
                member,
                current: presence(record.current.unwrap_or(record.what)),
                left: presence(record.what),
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
