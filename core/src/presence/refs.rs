//! When two metas are the same: their `phx_ref`s are equal, the way JavaScript's `===` finds them equal
//! after `JSON.parse`. This is the one rule that joins, leaves and states are made of.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

use super::decimal::Decimal;
use super::index::{Index, hash};
use super::text::{Span, canonical};
use crate::protocol::json::Str;

/// Up to this many refs are searched one by one, which is faster than to make a table of them.
const FEW: usize = 8;

/// A meta and its `phx_ref`, as parts of the text that holds them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meta {
    pub(super) text: Span,
    pub(super) reference: Span,
    pub(super) kind: Kind,
}

/// What a `phx_ref` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is none, or the meta is no object.
    Missing,
    /// `true`, `false`, `null` or a string without escapes: equal if the texts are.
    Plain,
    /// A string with escapes.
    Escaped,
    /// A number, which has many spellings.
    Number,
    /// An object or an array: no two of them are ever the same.
    Unequal,
}

impl Meta {
    /// The same meta after its text was copied.
    #[inline]
    pub(super) fn moved(self, from: u32, to: u32) -> Self {
        Self {
            text: self.text.moved(from, to),
            reference: match self.kind {
                Kind::Missing => Span::default(),
                _ => self.reference.moved(from, to),
            },
            kind: self.kind,
        }
    }
}

/// Metas that stand together in a list of metas.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) count: u32,
}

impl Run {
    pub(super) fn range(self) -> Range<usize> {
        self.first as usize..(self.first + self.count) as usize
    }

    #[inline]
    pub(super) fn of(self, metas: &[Meta]) -> &[Meta] {
        metas.get(self.range()).unwrap_or_default()
    }
}

/// Metas and the text that they are in.
#[derive(Clone, Copy)]
pub(super) struct Metas<'a> {
    pub(super) text: &'a str,
    pub(super) items: &'a [Meta],
}

impl<'a> Metas<'a> {
    /// Whether both have the same refs in the same order: the quick way to find that nothing changed.
    pub(super) fn same_refs(self, other: Self) -> bool {
        self.items.len() == other.items.len()
            && self.refs().zip(other.refs()).all(|(a, b)| a.same(b))
    }

    /// The positions of the metas whose refs are not among those of `others`.
    #[inline(never)]
    pub(super) fn missing_from(self, others: Self) -> Vec<usize> {
        let few = others.items.len() <= FEW || self.items.len() <= 1;
        let table = (!few).then(|| Table::new(others));
        let mut missing = Vec::new();
        for (position, reference) in self.refs().enumerate() {
            let known = match &table {
                Some(table) => table.contains(reference),
                None => others.refs().any(|other| other.same(reference)),
            };
            if !known {
                missing.push(position);
            }
        }
        missing
    }

    fn refs(self) -> impl Iterator<Item = Ref<'a>> {
        self.items.iter().map(move |meta| Ref {
            text: meta.reference.of(self.text),
            kind: meta.kind,
        })
    }
}

/// A `phx_ref` as it stands in its text.
#[derive(Clone, Copy)]
struct Ref<'a> {
    text: &'a str,
    kind: Kind,
}

impl<'a> Ref<'a> {
    #[inline]
    fn same(self, other: Self) -> bool {
        match (self.kind, other.kind) {
            (Kind::Plain, Kind::Plain) => self.text == other.text,
            (Kind::Missing, Kind::Missing) => true,
            (Kind::Number, Kind::Number) => Decimal::of(self.text) == Decimal::of(other.text),
            (Kind::Escaped, Kind::Escaped | Kind::Plain) | (Kind::Plain, Kind::Escaped) => {
                self.spelled() == other.spelled()
            }
            _ => false,
        }
    }

    /// Equal for refs that are the same.
    fn hash(self) -> u32 {
        let text = self.spelled();
        match self.kind {
            Kind::Number => hash(0, &Decimal::of(&text).digits),
            _ => hash(0, text.as_bytes()),
        }
    }

    /// Its text with escapes in the one way that all equal strings share.
    fn spelled(self) -> Cow<'a, str> {
        if self.kind == Kind::Escaped
            && let Ok(string) = Str::parse(self.text)
        {
            return canonical(string, self.text);
        }
        Cow::Borrowed(self.text)
    }
}

/// Many refs, to find one among them without looking at all.
struct Table<'a> {
    refs: Vec<(u32, Ref<'a>)>,
    index: Index,
}

impl<'a> Table<'a> {
    fn new(metas: Metas<'a>) -> Self {
        let mut refs = Vec::with_capacity(metas.items.len());
        for reference in metas.refs() {
            if reference.kind != Kind::Unequal {
                refs.push((reference.hash(), reference));
            }
        }
        let hash_of = |number: u32| refs.get(number as usize).map_or(0, |&(hash, _)| hash);
        let mut index = Index::with_capacity(refs.len());
        for (number, &(hash, reference)) in (0..).zip(&refs) {
            let known = |other: u32| is_ref(&refs, other, hash, reference);
            if index.find(hash, known).is_none() {
                index.insert(hash, number, &hash_of);
            }
        }
        Self { refs, index }
    }

    fn contains(&self, reference: Ref<'_>) -> bool {
        let hash = reference.hash();
        let known = |number: u32| is_ref(&self.refs, number, hash, reference);
        self.index.find(hash, known).is_some()
    }
}

fn is_ref(refs: &[(u32, Ref<'_>)], number: u32, hash: u32, reference: Ref<'_>) -> bool {
    refs.get(number as usize)
        .is_some_and(|&(other, candidate)| other == hash && candidate.same(reference))
}
