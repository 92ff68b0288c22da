//! Which presences JavaScript holds as objects, and how it gets those that it is missing.
//!
//! An object is made by `JSON.parse`, of one text for many at a time, and is kept on the other side, by slot,
//! until its presence changes. On this side we remember the id of the presence that each object shows. What
//! to do with the keys and values of a text is said by *records*: two numbers each, slot and flags, that
//! JavaScript reads from wasm memory while it takes one value after the other.
//!
//! How the text is made up is chosen for speed on the other side. A presence that is nothing but one meta
//! crosses as that meta, marked as *sole*, which saves a third of the time for `JSON.parse`. Keys are apart
//! from values, because an array is parsed faster if it holds things of one kind; and if they are short they
//! are only split, because `JSON.parse` looks up every short string in a table of all that it has made. (A
//! long string that is split off would be a view of the whole, slower to use and keeping that alive.) And a
//! long text is several *parts*, each short enough that JavaScript needs no fresh pages of memory for it.

use alloc::string::String;
use alloc::vec::Vec;
use herenow_core::presence::{Change, Member, Presence, Presences};

/// Flags of a change's record; `js/text_members.js` has the same.
mod flag {
    pub(super) const LEAVE: u32 = 1;
    /// JavaScript does not know the key yet: it is the next of the keys.
    pub(super) const KEY: u32 = 1 << 1;
    /// How `current` is given, times this: one of [`super::source`].
    pub(super) const CURRENT: u32 = 1 << 2;
    /// How what joined or left is given, times this.
    pub(super) const WHAT: u32 = 1 << 4;
    /// `current` is to be kept as the slot's object.
    pub(super) const KEEP_CURRENT: u32 = 1 << 6;
    /// What joined is to be kept as the slot's object.
    pub(super) const KEEP_WHAT: u32 = 1 << 7;
    /// The key has left: what is kept of it can go.
    pub(super) const DROP: u32 = 1 << 8;
}

/// In place of a slot: the values and keys from here on are those of the next part of the text. In place of
/// the flags is its length in bytes, times two, plus 1 if its keys are a JSON array.
const NEXT_PART: u32 = u32::MAX;

/// Comes before each key, or before the array of them. A control character, which JSON texts do not hold.
const SEPARATOR: char = '\u{1}';

/// Keys of fewer bytes, without escapes, are split off; V8 makes views of longer strings.
const LONG_KEY: usize = 13;

/// A part ends with the record that makes it longer than this.
const PART_BYTES: usize = 1 << 16;

/// Where JavaScript finds a presence; 0 if there is none.
mod source {
    /// It is the slot's object.
    pub(super) const KEPT: u32 = 1;
    /// It is the next value.
    pub(super) const VALUE: u32 = 2;
    /// The next value is its sole meta.
    pub(super) const SOLE: u32 = 3;
}

/// What a presence and its key may come to in the text.
const TYPICAL_BYTES: usize = 100;

/// More room than this is given back once it has been read.
const KEEP_BYTES: usize = 1 << 16;

/// What JavaScript has of a slot.
#[derive(Clone, Copy, Default)]
struct Kept {
    key: bool,
    /// The id of the presence that its object shows; 0 for no object.
    id: u32,
    /// The position in `stale` that counts for it, plus 1; 0 if its object is right.
    stale: u32,
}

/// See the module.
///
/// The keys that JavaScript knows are always the first ones in the order in which keys were added, and it has
/// an object for each: so an object to which it adds them as it learns of them has them in order.
#[derive(Default)]
pub(crate) struct Objects {
    kept: Vec<Kept>,
    /// Slots whose presence JavaScript does not have as it is now, in the order of the changes.
    stale: Vec<u32>,
    /// How many present keys JavaScript does not know.
    unknown: usize,
    /// The parts, one after the other: each a JSON array of values, and keys.
    text: String,
    /// The keys that will end the part which is being written: as elements of a JSON array, and to be split.
    keys: String,
    short_keys: String,
    /// Whether some of them cannot be split off.
    long: bool,
    /// Where in the text that part begins.
    part: usize,
    /// Where in the records its length goes.
    part_record: usize,
    records: Vec<u32>,
}

impl Objects {
    /// Begins a new text and new records, of about so many presences.
    pub(crate) fn begin(&mut self, expected: usize) {
        self.text.clear();
        self.text.shrink_to(KEEP_BYTES);
        self.text.reserve(expected * TYPICAL_BYTES);
        self.records.clear();
        self.records.shrink_to(KEEP_BYTES);
        self.records.reserve(expected * 2);
        self.part = usize::MAX;
    }

    /// Ends the text, or a part of it.
    pub(crate) fn end(&mut self) {
        if self.part == usize::MAX {
            return;
        }
        self.text.push(']');
        if self.long {
            self.text.push(SEPARATOR);
            self.text.push('[');
            self.text.push_str(&self.keys);
            self.text.push(']');
        } else {
            self.text.push_str(&self.short_keys);
        }
        if let Some(length) = self.records.get_mut(self.part_record) {
            *length = (self.text.len() - self.part) as u32 * 2 + u32::from(self.long);
        }
        self.keys.clear();
        self.short_keys.clear();
        self.long = false;
        self.part = usize::MAX;
    }

    /// Before a record: makes sure that there is a part which it can add to.
    #[inline]
    fn begin_record(&mut self) {
        if self.part != usize::MAX {
            if self.text.len() - self.part <= PART_BYTES {
                return;
            }
            self.end();
        }
        self.part = self.text.len();
        self.part_record = self.records.len() + 1;
        self.records.extend([NEXT_PART, 0]);
        self.text.push('[');
    }

    /// The parts of the text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What to do with them.
    pub(crate) fn records(&self) -> &[u32] {
        &self.records
    }

    /// Records a change that somebody wants to hear of.
    pub(crate) fn report(&mut self, change: Change<'_>) {
        self.begin_record();
        let Parts {
            member,
            current,
            what,
            leave,
        } = Parts::of(change);
        let (slot, now) = (member.slot(), now(member));
        let mut kept = self.kept(slot);
        let mut flags = u32::from(leave) * flag::LEAVE;
        if !kept.key {
            flags |= flag::KEY;
            self.give_key(member);
            let new = !leave && current.is_none();
            kept.key = new && now == what.id() && self.unknown == 0;
        }
        if let Some(current) = current {
            let (how, keep) = self.give(&mut kept, current, now);
            flags |= how * flag::CURRENT + u32::from(keep) * flag::KEEP_CURRENT;
        }
        let (how, keep) = self.give(&mut kept, what, now);
        flags |= how * flag::WHAT + u32::from(keep) * flag::KEEP_WHAT;
        if leave && now == 0 {
            flags |= flag::DROP;
        }
        self.records.extend([slot, flags]);
        self.settle(slot, kept, now, leave, current.is_none());
    }

    /// Takes notice of a change that nobody wants to hear of. What it changed is found out when somebody
    /// looks; only that a key has left has to be said, if JavaScript knows it.
    pub(crate) fn pass_over(&mut self, change: Change<'_>) {
        let parts = Parts::of(change);
        let (slot, now) = (parts.member.slot(), now(parts.member));
        let kept = self.kept(slot);
        if parts.leave && now == 0 && kept.key {
            self.records.extend([slot, flag::DROP]);
        }
        self.settle(slot, kept, now, parts.leave, parts.current.is_none());
    }

    /// Records those presences that JavaScript does not have as they are now.
    pub(crate) fn refresh(&mut self, map: &Presences) {
        self.begin(self.stale.len());
        for (position, slot) in (1..).zip(core::mem::take(&mut self.stale)) {
            let mut kept = self.kept(slot);
            if kept.stale != position {
                continue;
            }
            kept.stale = 0;
            if let Some((member, presence)) = map.at(slot)
                && kept.id != presence.id()
            {
                self.begin_record();
                let mut flags = flag::KEEP_CURRENT;
                if !kept.key {
                    kept.key = true;
                    flags |= flag::KEY;
                    self.give_key(member);
                }
                let (how, _) = self.give(&mut kept, presence, presence.id());
                self.records.extend([slot, flags + how * flag::CURRENT]);
            }
            self.keep(slot, kept);
        }
        self.unknown = 0;
        self.end();
    }

    fn kept(&self, slot: u32) -> Kept {
        self.kept.get(slot as usize).copied().unwrap_or_default()
    }

    fn keep(&mut self, slot: u32, kept: Kept) {
        let slot = slot as usize;
        if slot >= self.kept.len() {
            self.kept.resize(slot + 1, Kept::default());
        }
        if let Some(place) = self.kept.get_mut(slot) {
            *place = kept;
        }
    }

    fn give_key(&mut self, member: Member<'_>) {
        let quoted = member.key_json();
        let key = quoted.get(1..quoted.len() - 1).unwrap_or_default();
        self.long |= key.len() >= LONG_KEY || key.as_bytes().contains(&b'\\');
        if !self.long {
            self.short_keys.push(SEPARATOR);
            self.short_keys.push_str(key);
        }
        if !self.keys.is_empty() {
            self.keys.push(',');
        }
        self.keys.push_str(quoted);
    }

    /// Gives a presence if JavaScript does not have it: how, and whether it is to be kept, which is when it
    /// is what is under the key `now`.
    fn give(&mut self, kept: &mut Kept, presence: Presence<'_>, now: u32) -> (u32, bool) {
        if kept.id == presence.id() {
            return (source::KEPT, false);
        }
        let keep = kept.key && now == presence.id();
        if keep {
            kept.id = now;
        }
        if self.text.len() > self.part + 1 {
            self.text.push(',');
        }
        if let Some(meta) = presence.sole_meta() {
            self.text.push_str(meta);
            return (source::SOLE, keep);
        }
        presence.write(&mut self.text);
        (source::VALUE, keep)
    }

    /// After a change: notes what JavaScript has of the slot, and what it does not know. `first` says that
    /// there was nothing under the key before.
    fn settle(&mut self, slot: u32, mut kept: Kept, now: u32, leave: bool, first: bool) {
        if !leave && first && !kept.key {
            self.unknown += 1;
        }
        if leave && now == 0 {
            self.unknown -= usize::from(!kept.key);
            kept = Kept::default();
        } else if kept.stale == 0 && now != 0 && now != kept.id {
            self.stale.push(slot);
            kept.stale = self.stale.len() as u32;
        }
        self.keep(slot, kept);
        self.forget_old();
    }

    /// Takes out of `stale` what no longer counts, when that may be most of it: if nobody ever looks, it must
    /// not grow for ever.
    fn forget_old(&mut self) {
        if self.stale.len() <= self.kept.len() * 2 + 64 {
            return;
        }
        for (position, slot) in (1..).zip(core::mem::take(&mut self.stale)) {
            let mut kept = self.kept(slot);
            if kept.stale == position {
                self.stale.push(slot);
                kept.stale = self.stale.len() as u32;
                self.keep(slot, kept);
            }
        }
    }
}

/// The id of what is under a key when all changes are done; 0 for nothing.
fn now(member: Member<'_>) -> u32 {
    member.presence().map_or(0, Presence::id)
}

/// What both kinds of change have.
struct Parts<'a> {
    member: Member<'a>,
    /// The presence before a join, or after a leave.
    current: Option<Presence<'a>>,
    /// What came or went.
    what: Presence<'a>,
    leave: bool,
}

impl<'a> Parts<'a> {
    #[inline]
    fn of(change: Change<'a>) -> Self {
        let (member, current, what, leave) = match change {
            Change::Join {
                member,
                current,
                joined,
            } => (member, current, joined, false),
            Change::Leave {
                member,
                current,
                left,
            } => (member, Some(current), left, true),
        };
        Self {
            member,
            current,
            what,
            leave,
        }
    }
}
