//! The engine behind large states: finds the members that are not as they were in the last one.
//!
//! After a reconnect a server sends the state of a room once more, and most of it is what it was. To make objects
//! of all that, only to see that nothing changed, takes most of the time; so here the text is read first. Of each
//! member there is a fingerprint of 16 bytes. Only what is new goes on to JavaScript, as JSON that `JSON.parse`
//! is fast with: an array of keys, and one of objects that are all alike, each presence of one meta being that meta.
//! `JSON.parse` takes a quarter of the time for that which it takes for an object of presences.
//!
//! What counts as the same are the refs of a member, as in the rules of presence: who is passed over has the same
//! ones as before. Fingerprints are seeded hashes of 64 bits for the key and 62 for the refs.
//!
//! It reads what servers write, and refuses everything else, be it valid or not: whitespace between tokens,
//! escapes in keys or names, a key that comes twice, a `phx_ref` that is an object, presences of which the first
//! has only metas and another has not. It also refuses a member that has not ended after `LONGEST` bytes, for one that
//! is most of the text is faster without all this. JavaScript then does without.

mod known;
mod scan;

use alloc::boxed::Box;
use alloc::vec::Vec;

use wasm_bindgen::prelude::wasm_bindgen;

use self::known::{Known, hash, mix};
use self::scan::{Member, Stop, member, part};
use crate::local::local;
use crate::numbered::{self, Numbered};
use crate::numbers::numbers;

/// What is returned of a text that is refused.
const REFUSED: i32 = -1;

/// What a member may come to in the text, to make room for the fingerprints of all at once.
const TYPICAL_BYTES: usize = 100;

numbers! {
    /// What can be asked of a snapshot, or told to it, with one number. Repeated in `js/snapshot.js`.
    Call {
        /// Before a state of about so many bytes.
        BEGIN = 0,
        /// The same to get all keys, and leave what is known as it is.
        BEGIN_KEYS = 1,
        /// The same only to know them: of nobody is told.
        BEGIN_NOTE = 7,
        /// Where the next so many bytes go.
        ROOM = 2,
        /// So many bytes were written. Returns how long the JSON is that there is now (0: there is none), or
        /// [`REFUSED`]: an array of values and one of keys. A value is an only meta or an array of metas; or, if
        /// there is a third element, a presence.
        READ = 3,
        /// Where that JSON is. Until there is room for more.
        OUT = 4,
        /// After the whole text. Returns how many members there are, or [`REFUSED`].
        END = 5,
        /// Between states: a key, so many bytes, was written. Whatever the next state says of it is new.
        FORGET = 6,
    }
}

local! {
    static SNAPSHOTS: Numbered<Snapshot> = Vec::new();
}

/// Makes a snapshot that knows of nobody. The two halves of the seed should be random. Returns its number.
#[wasm_bindgen]
pub fn snapshot_new(seed_high: u32, seed_low: u32) -> usize {
    let snapshot = Snapshot {
        seed: u64::from(seed_high) << 32 | u64::from(seed_low),
        ..Snapshot::default()
    };
    SNAPSHOTS.with(|snapshots| numbered::add(snapshots, Box::new(snapshot)))
}

/// Forgets a snapshot. Its number may be another's then.
#[wasm_bindgen]
pub fn snapshot_free(number: usize) {
    SNAPSHOTS.with(|snapshots| numbered::free(snapshots, number));
}

/// Does what `call`, a `Call`, says.
#[wasm_bindgen]
pub fn snapshot_call(number: usize, call: u8, bytes: usize) -> i32 {
    SNAPSHOTS.with(|snapshots| {
        numbered::with(snapshots, number, REFUSED, |snapshot| {
            snapshot.call(call, bytes)
        })
    })
}

/// Of a member no more bytes than these may be in one part of the text when the rest has yet to come.
const LONGEST: usize = 30_000;

/// Room before the text, for brackets and commas that it has not.
const FRONT: usize = 8;

/// The members of the last state, and the text of the next one while it is read.
#[derive(Default)]
struct Snapshot {
    seed: u64,
    known: Known,
    /// Whether all keys are wanted, and nothing else.
    keys_only: bool,
    /// Whether nothing is wanted.
    is_silent: bool,
    /// What was written, after [`FRONT`]; and before what of that was not read yet, the JSON of what was.
    text: Vec<u8>,
    /// What is not read yet.
    unread: Range,
    place: Place,
    members: i32,
    /// Whether presences have metas and nothing else: what the first member says.
    is_plain: bool,
    /// The JSON that there is now, and the keys that belong at its end.
    json: usize,
    keys: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
struct Range {
    start: usize,
    end: usize,
}

/// What comes next in the text.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    /// After the opening brace. If nothing else comes, nobody is here.
    First,
    Member,
    End,
}

impl Snapshot {
    fn call(&mut self, call: u8, bytes: usize) -> i32 {
        match call {
            Call::ROOM => return self.room(bytes) as i32,
            Call::READ => {
                self.unread.end += bytes;
                return self.read().unwrap_or(REFUSED);
            }
            Call::OUT => return self.text.as_ptr() as i32,
            Call::END => {
                // There may be many snapshots, and most of the time none is read.
                self.text = Vec::new();
                self.keys = Vec::new();
                if self.place == Place::End && self.unread.start == self.unread.end {
                    return self.members;
                }
            }
            Call::FORGET => {
                let key = part(&self.text, FRONT, FRONT + bytes);
                self.known.forget(hash(self.seed, key));
                return 0;
            }
            Call::BEGIN | Call::BEGIN_KEYS | Call::BEGIN_NOTE => {
                self.keys_only = call == Call::BEGIN_KEYS;
                self.is_silent = call == Call::BEGIN_NOTE;
                self.unread = Range::default();
                self.place = Place::Start;
                self.members = 0;
                if !self.keys_only {
                    self.known.begin(bytes / TYPICAL_BYTES);
                }
                return 0;
            }
            _ => {}
        }
        REFUSED
    }

    /// Makes room after what is not read yet, which is the beginning of one member.
    fn room(&mut self, bytes: usize) -> *const u8 {
        let Range { start, end } = self.unread;
        let filled = FRONT + (end - start);
        if self.text.len() < filled + bytes {
            self.text.resize(filled + bytes, 0);
        }
        if end <= self.text.len() {
            self.text.copy_within(start..end, FRONT);
        }
        self.unread = Range {
            start: FRONT,
            end: filled,
        };
        self.text.get(filled..).unwrap_or_default().as_ptr()
    }

    /// Reads all members that are complete, and puts the JSON of those who are new before the rest.
    fn read(&mut self) -> Option<i32> {
        self.keys.clear();
        self.json = 0;
        let Range { mut start, end } = self.unread;
        let mut text = core::mem::take(&mut self.text);
        while start < end {
            match (self.place, text.get(start)?) {
                (Place::Start, b'{') => self.place = Place::First,
                (Place::First, b'}') => self.place = Place::End,
                (Place::First | Place::Member, _) => {
                    match self.read_member(&mut text, start, end) {
                        Ok(read) => start = read,
                        Err(Stop::Incomplete) if end - start < LONGEST => break,
                        Err(_) => return None,
                    }
                }
                _ => return None,
            }
            start += 1;
        }
        self.unread.start = start;
        let length = self.end_json(&mut text);
        self.text = text;
        length
    }

    /// Reads the member that begins at `start`. Returns where it ended.
    fn read_member(&mut self, text: &mut [u8], start: usize, end: usize) -> Result<usize, Stop> {
        let mut refs = self.seed;
        let found = member(part(text, 0, end), start, &mut refs)?;
        if self.members == 0 {
            self.is_plain = found.metas.is_some();
        }
        self.members += 1;
        self.place = match text.get(found.end) {
            Some(b',') => Place::Member,
            _ => Place::End,
        };
        let is_new = self.keys_only || {
            let key = hash(self.seed, part(text, found.start + 1, found.key_end));
            let noted = self.known.note(key, mix(refs ^ key));
            noted.ok_or(Stop::Refused)?
        };
        if is_new && !self.is_silent {
            self.add_json(text, &found).ok_or(Stop::Refused)?;
        }
        Ok(found.end)
    }

    /// Adds the member to the JSON, which always stays before what is read next.
    fn add_json(&mut self, text: &mut [u8], found: &Member) -> Option<()> {
        self.keys
            .extend_from_slice(part(text, found.start, found.key_end + 1));
        self.keys.push(b',');
        if self.json == 0 {
            self.put(text, b"[[")?;
        }
        if self.keys_only {
            return Some(());
        }
        let (start, end) = match self.is_plain {
            true => found.metas?,
            false => (found.key_end + 2, found.end),
        };
        let length = end - start;
        if end > text.len() || self.json > text.len() - length {
            return None;
        }
        text.copy_within(start..end, self.json);
        self.json += length;
        self.put(text, b",")
    }

    /// Ends the JSON. Returns how long it is.
    fn end_json(&mut self, text: &mut [u8]) -> Option<i32> {
        if self.json > 0 {
            // The comma after the last one.
            if !self.keys_only {
                self.json -= 1;
            }
            let mut keys = core::mem::take(&mut self.keys);
            keys.pop();
            self.put(text, b"],[")?;
            self.put(text, &keys)?;
            self.put(text, if self.is_plain { b"]]" } else { b"],0]" })?;
            self.keys = keys;
        }
        Some(self.json as i32)
    }

    #[inline(never)]
    fn put(&mut self, text: &mut [u8], bytes: &[u8]) -> Option<()> {
        let end = self.json + bytes.len();
        text.get_mut(self.json..end)?.copy_from_slice(bytes);
        self.json = end;
        Some(())
    }
}

#[cfg(test)]
mod tests;
