//! The texts of presences, kept as they came. Everything here is only ever appended and never changed, so
//! that what a presence was before a payload, and what the payload brought, stay readable beside what it
//! is now. When most of it is no longer used, all that is used moves to a new store.

use super::read::{Entry, Incoming};
use super::refs::{Meta, Metas, Run};
use super::text::Span;
use alloc::string::String;
use alloc::vec::Vec;

/// A presence at one moment: a body, which is the text that once came for it, and the metas that count,
/// which may be others than those in the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    body: Span,
    /// The value of `metas` in the body, counted from its beginning; empty if there is no such field.
    array: Span,
    /// The body's own metas.
    own: Run,
    pub(super) metas: Run,
    /// See [`Presence::id`](super::Presence::id).
    pub(super) id: u32,
    /// The id of this presence while its metas are the body's own.
    body_id: u32,
    /// Whether the body has other fields than `metas`.
    pub(super) fields: bool,
}

/// Text, metas in the text, and views of both. A view is named by its place in `views`.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    pub(super) text: String,
    metas: Vec<Meta>,
    views: Vec<View>,
    last_id: u32,
}

impl Store {
    #[inline]
    pub(super) fn view(&self, view: u32) -> Option<&View> {
        self.views.get(view as usize)
    }

    /// The metas of a view.
    pub(super) fn metas(&self, view: u32) -> Metas<'_> {
        match self.view(view) {
            Some(view) => self.metas_of(view),
            None => Metas {
                text: "",
                items: &[],
            },
        }
    }

    pub(super) fn metas_of(&self, view: &View) -> Metas<'_> {
        Metas {
            text: &self.text,
            items: view.metas.of(&self.metas),
        }
    }

    /// Room for text, and for so many presences, so that it does not grow step by step.
    pub(super) fn reserve(&mut self, bytes: usize, presences: usize) {
        self.text.reserve(bytes);
        self.metas.reserve(presences);
        self.views.reserve(presences);
    }

    /// Copies a key.
    pub(super) fn push_key(&mut self, quoted: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(quoted);
        Span::new(start, self.text.len())
    }

    /// Copies a presence out of a payload.
    #[inline(never)]
    pub(super) fn adopt(
        &mut self,
        payload: &str,
        incoming: &Incoming<'_>,
        entry: &Entry<'_>,
    ) -> u32 {
        let start = self.text.len() as u32;
        self.text.push_str(entry.body.of(payload));
        let own = self.run(entry.metas.count);
        for meta in entry.metas.of(&incoming.metas) {
            self.metas.push(meta.moved(entry.body.start, start));
        }
        let id = self.next_id();
        self.push(View {
            body: entry.body.moved(entry.body.start, start),
            array: entry.array,
            own,
            metas: own,
            id,
            body_id: id,
            fields: entry.fields,
        })
    }

    /// A view with only those of its metas that stand at these positions.
    pub(super) fn select(&mut self, number: u32, positions: &[usize]) -> u32 {
        let Some(&view) = self.view(number) else {
            return number;
        };
        if positions.len() == view.metas.count as usize {
            return number;
        }
        let metas = self.collect(view.metas, positions);
        // After an update's join and leave the body is the presence again, and known as such. (Without
        // metas it may be a body that never had any, and that is not the same as having lost them.)
        let (chosen, own) = (metas.of(&self.metas), view.own.of(&self.metas));
        let same = |(a, b): (&Meta, &Meta)| a.text == b.text;
        if !chosen.is_empty() && chosen.len() == own.len() && chosen.iter().zip(own).all(same) {
            return self.push(View {
                metas: view.own,
                id: view.body_id,
                ..view
            });
        }
        let id = self.next_id();
        self.push(View { metas, id, ..view })
    }

    /// A view like `joined` that has, before its own metas, those of `current` that stand at these positions.
    pub(super) fn merge(&mut self, joined: u32, current: u32, positions: &[usize]) -> u32 {
        let (Some(&view), Some(&current)) = (self.view(joined), self.view(current)) else {
            return joined;
        };
        let mut metas = self.collect(current.metas, positions);
        self.metas.extend_from_within(view.metas.range());
        metas.count += view.metas.count;
        let id = self.next_id();
        self.push(View { metas, id, ..view })
    }

    /// How much text a view needs.
    pub(super) fn used_bytes(&self, view: u32) -> usize {
        let metas = self.metas(view).items.iter();
        let metas: u32 = metas.map(|meta| meta.text.len + 1).sum();
        let body = self
            .view(view)
            .map_or(0, |view| view.body.len - view.array.len);
        (body + metas) as usize
    }

    /// Copies a view from another store. It stays equal to what it was, and keeps its id, but its body is
    /// now what it would be written as.
    pub(super) fn take(&mut self, other: &Self, number: u32) -> u32 {
        let Some(&view) = other.view(number) else {
            return number;
        };
        let start = self.text.len();
        let metas = self.run(view.metas.count);
        let mut array = view.array;
        if view.id == view.body_id {
            self.text.push_str(other.body(&view));
            for meta in other.metas(number).items {
                self.metas.push(meta.moved(view.body.start, start as u32));
            }
        } else {
            let placed = &mut self.metas;
            array = other.write(&view, &mut self.text, &mut |meta, at| {
                placed.push(meta.moved(meta.text.start, at));
            });
        }
        self.last_id = other.last_id;
        self.push(View {
            body: Span::new(start, self.text.len()),
            array,
            own: metas,
            metas,
            body_id: view.id,
            ..view
        })
    }

    /// Appends a presence as JSON.
    pub(super) fn write_json(&self, view: &View, out: &mut String) {
        if view.id == view.body_id {
            out.push_str(self.body(view));
        } else {
            self.write(view, out, &mut |_, _| {});
        }
    }

    /// The text that once came for a presence.
    pub(super) fn body(&self, view: &View) -> &str {
        view.body.of(&self.text)
    }

    /// Appends a presence as JSON. `placed` is told of each meta where in `out` it now begins. Returns where
    /// the value of `metas` is, counted from the beginning of the presence.
    fn write(&self, view: &View, out: &mut String, placed: &mut dyn FnMut(&Meta, u32)) -> Span {
        let (body, start) = (self.body(view), out.len());
        let mut tail = body.get(view.array.end() as usize..).unwrap_or_default();
        if view.array.len > 0 {
            out.push_str(body.get(..view.array.start as usize).unwrap_or_default());
        } else {
            // A body without metas got some from the presence that was here before.
            out.push_str(body.get(..body.len() - 1).unwrap_or_default());
            out.push_str(if view.fields {
                ",\"metas\":"
            } else {
                "\"metas\":"
            });
            tail = "}";
        }
        let array = out.len();
        out.push('[');
        for (position, meta) in view.metas.of(&self.metas).iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            placed(meta, out.len() as u32);
            out.push_str(meta.text.of(&self.text));
        }
        out.push(']');
        let array = Span::new(array - start, out.len() - start);
        out.push_str(tail);
        array
    }

    /// Copies of some metas of a run, as a run.
    fn collect(&mut self, run: Run, positions: &[usize]) -> Run {
        let collected = self.run(positions.len() as u32);
        for position in positions {
            let meta = run.of(&self.metas).get(*position).copied();
            self.metas.extend(meta);
        }
        collected
    }

    /// The run of the next `count` metas.
    fn run(&self, count: u32) -> Run {
        Run {
            first: self.metas.len() as u32,
            count,
        }
    }

    fn push(&mut self, view: View) -> u32 {
        self.views.push(view);
        self.views.len() as u32 - 1
    }

    fn next_id(&mut self) -> u32 {
        // It would take four thousand million changes for an id to come again.
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.last_id
    }
}
