//! Which presences JavaScript holds as objects, and how it gets those that it is missing.
//!
//! An object is made by `JSON.parse`, of one text for all that are wanted at a time, and is kept on the
//! other side, by slot, until its presence changes. On this side we remember the id of the presence that
//! each object shows. What to do with the keys and values of a text is said by *records*, numbers that
//! JavaScript reads from wasm memory while it takes one after the other.
//!
//! Making an object of the bare meta is a third faster than parsing `{"metas":[..]}` around it, so a
//! presence that is nothing else crosses as its meta, and is marked as *sole*.

use alloc::string::String;
use alloc::vec::Vec;
use herenow_core::presence::{Change, Member, Presence};

/// Flags of a change's record; `js/presence.js` has the same.
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

/// Where JavaScript finds a presence.
mod source {
    pub(super) const NONE: u32 = 0;
    /// It is the slot's object.
    pub(super) const KEPT: u32 = 1;
    /// It is the next value.
    pub(super) const VALUE: u32 = 2;
    /// The next value is its sole meta.
    pub(super) const SOLE: u32 = 3;
}

/// More room than this is given back once it has been read.
const KEEP_BYTES: usize = 1 << 16;

/// What JavaScript has of a slot.
#[derive(Clone, Copy, Default)]
struct Kept {
    key: bool,
    /// The id of the presence that its object shows; 0 for no object.
    id: u32,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Objects {
    kept: Vec<Kept>,
    /// `[[` and the presences and metas; in the end the keys too.
    text: String,
    /// The keys that JavaScript does not know yet.
    keys: String,
    records: Vec<u32>,
}

impl Objects {
    /// Begins a new text and new records.
    pub(crate) fn begin(&mut self) {
        for text in [&mut self.text, &mut self.keys] {
            text.clear();
            text.shrink_to(KEEP_BYTES);
        }
        self.records.clear();
        self.records.shrink_to(KEEP_BYTES);
        self.text.push_str("[[");
    }

    /// Ends the text. Values and keys are apart in it, because `JSON.parse` is faster when one array holds
    /// things of one kind.
    pub(crate) fn end(&mut self) {
        self.text.push_str("],[");
        self.text.push_str(&self.keys);
        self.text.push_str("]]");
    }

    /// The text: a JSON array of values and one of keys.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What to do with them.
    pub(crate) fn records(&self) -> &[u32] {
        &self.records
    }

    /// Records a change that somebody wants to hear of: two numbers, slot and flags.
    pub(crate) fn report(&mut self, change: Change<'_>) {
        let (member, current, what, leave) = parts(change);
        let mut flags = if leave { flag::LEAVE } else { 0 };
        flags |= self.key(member);
        let (how, keep) = self.presence(member, current);
        flags |= how * flag::CURRENT + u32::from(keep) * flag::KEEP_CURRENT;
        let (how, keep) = self.presence(member, Some(what));
        flags |= how * flag::WHAT + u32::from(keep) * flag::KEEP_WHAT;
        if gone(leave, current) {
            flags |= flag::DROP;
            *self.kept(member.slot()) = Kept::default();
        }
        self.records.extend([member.slot(), flags]);
    }

    /// Takes notice of a change that nobody wants to hear of. What it changed is found out when somebody
    /// looks; only that a key has left has to be said, if JavaScript knows it.
    pub(crate) fn pass_over(&mut self, change: Change<'_>) {
        let (member, current, _, leave) = parts(change);
        if !gone(leave, current) {
            return;
        }
        let kept = core::mem::take(self.kept(member.slot()));
        if kept.key {
            self.records.extend([member.slot(), flag::DROP]);
        }
    }

    /// Records a presence of the map, if JavaScript does not have it as it is now: one number, the slot
    /// times four, plus 1 if the key is given, plus 2 if the presence is given by its sole meta.
    pub(crate) fn refresh(&mut self, member: Member<'_>, presence: Presence<'_>) {
        if self.kept(member.slot()).id == presence.id() {
            return;
        }
        let key = u32::from(self.key(member) != 0);
        let (how, _) = self.presence(member, Some(presence));
        let sole = u32::from(how == source::SOLE);
        self.records.push(member.slot() << 2 | sole << 1 | key);
    }

    fn kept(&mut self, slot: u32) -> &mut Kept {
        let slot = slot as usize;
        if slot >= self.kept.len() {
            self.kept.resize(slot + 1, Kept::default());
        }
        &mut self.kept[slot]
    }

    /// Gives the key if JavaScript does not know it, and returns the flag for that.
    #[inline]
    fn key(&mut self, member: Member<'_>) -> u32 {
        if core::mem::replace(&mut self.kept(member.slot()).key, true) {
            return 0;
        }
        if !self.keys.is_empty() {
            self.keys.push(',');
        }
        self.keys.push_str(member.key_json());
        flag::KEY
    }

    /// Gives a presence if JavaScript does not have it: how, and whether to keep it.
    #[inline]
    fn presence(&mut self, member: Member<'_>, presence: Option<Presence<'_>>) -> (u32, bool) {
        let Some(presence) = presence else {
            return (source::NONE, false);
        };
        let kept = self.kept(member.slot());
        if kept.id == presence.id() {
            return (source::KEPT, false);
        }
        let keep = member
            .presence()
            .is_some_and(|now| now.id() == presence.id());
        if keep {
            kept.id = presence.id();
        }
        if self.text.len() > 2 {
            self.text.push(',');
        }
        if let Some(meta) = presence.sole_meta() {
            self.text.push_str(meta);
            return (source::SOLE, keep);
        }
        presence.write(&mut self.text);
        (source::VALUE, keep)
    }
}

/// Whose, the presence beside it, what came or went, and which of the two.
fn parts(change: Change<'_>) -> (Member<'_>, Option<Presence<'_>>, Presence<'_>, bool) {
    match change {
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
    }
}

/// Whether a change took the last of a key's metas.
fn gone(leave: bool, current: Option<Presence<'_>>) -> bool {
    leave && current.is_some_and(|current| current.metas().len() == 0)
}
