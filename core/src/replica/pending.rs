//! What a topic has yet to announce: the difference between what its subscribers were told and what
//! is listed now.
//!
//! Changes of the same presence cancel out here: who came and went between two diffs is not
//! mentioned, and of a chain of updates only the first old and the last new meta are. With one
//! exception. A list that was read in between may have shown what was never announced (or may have
//! missed what was); whoever holds that list has to be told what became of it, so it is announced all
//! the same. Clients skip a join that they know and a leave that they do not, so that nobody else is
//! disturbed.

use super::list::{Links, List};
use super::presences::Presences;
use super::slab::{NONE, Slab};
use std::collections::HashMap;
use std::sync::Arc;

/// A meta with its key.
type Member = (Arc<str>, Arc<str>);

/// The unannounced changes of one topic.
#[derive(Clone, Hash)]
pub(super) struct Pending {
    /// One record for each presence that has an unannounced change, oldest first.
    records: List,
    /// Counts changes, so that they can be told from before and after a read.
    clock: u64,
    /// The value of `clock` when the topic was last read.
    read: u64,
}

/// The unannounced change of one presence. All topics of a shard keep theirs in one slab.
#[derive(Clone, Hash)]
pub(super) struct Record {
    key: Arc<str>,
    /// What the subscribers were told last.
    announced: Option<Arc<str>>,
    /// What is listed now.
    listed: Option<Arc<str>>,
    /// When `listed` got its value: a read since then has shown it. 0 if an earlier read had.
    since: u64,
    /// Never announced and listed no more, but shown by a read.
    shown: Vec<Arc<str>>,
    /// Whether a read has shown a list without `announced`.
    missed: bool,
    /// The entry that holds the address of this record, or NONE if it is gone.
    owner: u32,
    links: Links,
}

/// A change of one presence: which meta is listed for it, before and after.
pub(super) struct Change<'a> {
    pub(super) key: &'a Arc<str>,
    pub(super) before: Option<&'a Arc<str>>,
    pub(super) after: Option<Arc<str>>,
    /// The entry that will hold the record's address, or NONE if there will be none.
    pub(super) owner: u32,
}

impl Pending {
    pub(super) fn new() -> Self {
        Self {
            records: List::EMPTY,
            clock: 0,
            read: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.len == 0
    }

    /// Notes that somebody was given the list as it is now.
    pub(super) fn mark_read(&mut self) {
        self.read = self.clock;
    }

    /// Notes a change of the presence whose record is at `address` (NONE if it has none), and
    /// returns where its record is from now on.
    pub(super) fn change(
        &mut self,
        records: &mut Slab<Record>,
        address: u32,
        change: Change<'_>,
    ) -> u32 {
        self.clock += 1;
        if address == NONE {
            return self.open(records, change);
        }
        let record = &mut records[address];
        record.owner = change.owner;
        record.relist(change.after, self.clock, self.read);
        if record.says_something() {
            return address;
        }
        self.records
            .remove(records, address, |record| &mut record.links);
        records.remove(address);
        NONE
    }

    /// Announces no join of the presence whose record is at `address`, if that is all there is to announce
    /// of it. Returns where its record is from now on.
    pub(super) fn skip_join(&mut self, records: &mut Slab<Record>, address: u32) -> u32 {
        let record = &records[address];
        if record.announced.is_some() || !record.shown.is_empty() {
            return address;
        }
        self.records
            .remove(records, address, |record| &mut record.links);
        records.remove(address);
        NONE
    }

    fn open(&mut self, records: &mut Slab<Record>, change: Change<'_>) -> u32 {
        let address = records.insert(Record {
            key: Arc::clone(change.key),
            announced: change.before.cloned(),
            listed: change.after,
            since: self.clock,
            shown: Vec::new(),
            missed: false,
            owner: change.owner,
            links: Links::LOOSE,
        });
        self.records
            .push_back(records, address, |record| &mut record.links);
        address
    }

    /// Takes all changes as joins and leaves. `settled` is told each entry that holds the address of
    /// a record: the record is gone.
    pub(super) fn take(
        &mut self,
        records: &mut Slab<Record>,
        mut settled: impl FnMut(u32),
    ) -> (Presences, Presences) {
        let mut joins = Vec::with_capacity(self.records.len as usize);
        let mut leaves = Vec::new();
        let mut at = self.records.head;
        while at != NONE {
            let record = records.remove(at);
            at = record.links.next;
            if record.owner != NONE {
                settled(record.owner);
            }
            record.tell(&mut joins, &mut leaves);
        }
        self.records = List::EMPTY;
        (group(joins), group(leaves))
    }
}

impl Record {
    /// Replaces `listed`, and remembers of its old value what a read has shown.
    fn relist(&mut self, after: Option<Arc<str>>, clock: u64, read: u64) {
        let was_read = self.since <= read;
        let before = std::mem::replace(&mut self.listed, after);
        if was_read && before != self.announced {
            self.missed |= self.announced.is_some();
            self.shown.extend(before);
        }
        // What comes back (as the metas of a replica do that was down for a moment) was shown already.
        let shown = self.shown.len();
        self.shown.retain(|meta| Some(meta) != self.listed.as_ref());
        self.since = if self.shown.len() < shown { 0 } else { clock };
    }

    fn says_something(&self) -> bool {
        self.listed != self.announced || self.missed || !self.shown.is_empty()
    }

    fn tell(self, joins: &mut Vec<Member>, leaves: &mut Vec<Member>) {
        let member = |meta| (Arc::clone(&self.key), meta);
        let changed = self.listed != self.announced;
        leaves.extend(self.announced.filter(|_| changed).map(member));
        joins.extend(self.shown.iter().cloned().map(member));
        leaves.extend(self.shown.into_iter().map(member));
        joins.extend(self.listed.map(member));
    }
}

/// Groups members by key; keys and the metas of each key stay in the order of their first mention.
fn group(members: Vec<Member>) -> Presences {
    let mut numbers: HashMap<Arc<str>, usize> = HashMap::new();
    let mut numbered: Vec<(usize, Member)> = Vec::with_capacity(members.len());
    if members.len() < 2 {
        numbered.extend(members.into_iter().enumerate());
    } else {
        numbers.reserve(members.len());
        for (key, meta) in members {
            let next = numbers.len();
            let number = *numbers.entry(Arc::clone(&key)).or_insert(next);
            numbered.push((number, (key, meta)));
        }
        numbered.sort_by_key(|(number, _)| *number);
    }
    let mut presences = Presences::with_capacity(numbers.len(), numbered.len());
    let mut last = None;
    for (number, (key, meta)) in numbered {
        if last.replace(number) != Some(number) {
            presences.push_key(&key);
        }
        presences.push_meta(meta);
    }
    presences
}

#[cfg(test)]
mod tests;
