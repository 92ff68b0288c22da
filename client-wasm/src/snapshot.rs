//! The engine behind large states: finds the members that are not as they were in the last one.
//!
//! After a reconnect a server sends the state of a room once more, and most of it is what it was. To make objects
//! of all that, only to see that nothing changed, takes most of the time; so here the text is read first. Of each
//! member there is a fingerprint of 16 bytes. Only what is new goes on to JavaScript, as JSON that `JSON.parse`
//! is fast with: keys and values apart, each presence of one meta as that meta.
//!
//! What counts as the same is the text of a member, so a member that is passed over has the same refs as before.
//! Fingerprints are seeded hashes of 64 bits for the key and 63 for the presence.
//!
//! It reads what servers write, and refuses everything else, be it valid or not: whitespace between tokens,
//! escapes in keys or names, a key that comes twice, a `phx_ref` that is an object. JavaScript then does without.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::local::local;
use crate::numbered::{self, Numbered};
use crate::numbers::numbers;

/// What is returned of a text that is refused.
const REFUSED: i32 = -1;

/// A presence of one meta begins with this and ends with [`SOLE_END`], and has nothing else at that depth.
const SOLE: &[u8] = b"{\"metas\":[{";
const SOLE_END: &[u8] = b"]}";

/// How deep the metas of a presence stand in it.
const META_DEPTH: usize = 2;

/// What a member may come to in the text, to make room for the fingerprints of all at once.
const TYPICAL_BYTES: usize = 100;

numbers! {
    /// What can be asked of a snapshot, or told to it, with one number. Repeated in `js/snapshot.js`.
    Call {
        /// Before a state of about so many bytes.
        BEGIN = 0,
        /// The same to get all keys, and leave what is known as it is.
        BEGIN_KEYS = 1,
        /// Where the next so many bytes go.
        ROOM = 2,
        /// So many bytes were written. Returns how long the JSON is that there is now (0: there is none), or
        /// [`REFUSED`]: an array of values and one of keys. A value is an only meta, or an array with the presence.
        READ = 3,
        /// The same after the last part. Before that, a member that is long and incomplete is not always tried again.
        READ_LAST = 7,
        /// Where that JSON is.
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

/// The members of the last state, and the text of the next one while it is read.
#[derive(Default)]
struct Snapshot {
    seed: u64,
    known: Known,
    /// Whether all keys are wanted, and nothing else.
    keys_only: bool,
    /// What was written and not read yet, and room for more.
    text: Vec<u8>,
    filled: usize,
    /// How much has to be filled before it is tried to read. What a member is begun with is read again with the
    /// rest of it; so that a long one is not read too often, it has to become twice as long each time.
    worth_reading: usize,
    place: Place,
    members: i32,
    /// What is read of a part: values, and keys.
    values: Vec<u8>,
    keys: Vec<u8>,
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
            Call::READ | Call::READ_LAST => {
                self.filled += bytes;
                if call == Call::READ && self.filled < self.worth_reading {
                    return 0;
                }
                return self.read().unwrap_or(REFUSED);
            }
            Call::OUT => return self.values.as_ptr() as i32,
            Call::END if self.place == Place::End && self.filled == 0 => return self.members,
            Call::FORGET => {
                let key = self.text.get(..bytes).unwrap_or_default();
                self.known.forget(hash(self.seed, key));
                return 0;
            }
            Call::BEGIN | Call::BEGIN_KEYS => {
                self.keys_only = call == Call::BEGIN_KEYS;
                self.filled = 0;
                self.worth_reading = 0;
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

    fn room(&mut self, bytes: usize) -> *const u8 {
        let needed = self.filled + bytes;
        if needed > self.text.len() {
            self.text.resize(needed.max(self.filled * 2), 0);
        }
        self.text.get(self.filled..).unwrap_or_default().as_ptr()
    }

    fn read(&mut self) -> Option<i32> {
        self.values.clear();
        self.keys.clear();
        let mut text = core::mem::take(&mut self.text);
        let read = self.read_members(text.get(..self.filled).unwrap_or_default())?;
        self.filled -= read;
        self.worth_reading = self.filled * 2;
        // What is left over is the beginning of one member.
        for at in 0..self.filled {
            let byte = text.get(read + at).copied();
            if let (Some(byte), Some(place)) = (byte, text.get_mut(at)) {
                *place = byte;
            }
        }
        self.text = text;
        if self.keys.is_empty() {
            return Some(0);
        }
        push(&mut self.values, b"],[");
        push(&mut self.values, &self.keys);
        push(&mut self.values, b"]]");
        Some(self.values.len() as i32)
    }

    /// Reads all members that are complete. Returns where it stopped.
    fn read_members(&mut self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            match (self.place, byte) {
                (Place::Start, b'{') => self.place = Place::First,
                (Place::First, b'}') => self.place = Place::End,
                (Place::First | Place::Member, _) => {
                    let found = match member(text, at) {
                        Ok(found) => found,
                        Err(Stop::Incomplete) => break,
                        Err(Stop::Refused) => return None,
                    };
                    self.take(text, &found)?;
                    self.place = match text.get(found.end) {
                        Some(b',') => Place::Member,
                        _ => Place::End,
                    };
                    at = found.end;
                }
                _ => return None,
            }
            at += 1;
        }
        Some(at)
    }

    fn take(&mut self, text: &[u8], found: &Member) -> Option<()> {
        let body = part(text, found.key_end + 2, found.end);
        self.members += 1;
        if !self.keys_only {
            let key = hash(self.seed, part(text, found.start + 1, found.key_end));
            if !self.known.note(key, hash(key, body))? {
                return Some(());
            }
        }
        let (before, between) = match self.keys.is_empty() {
            true => (&b"[["[..], &b""[..]),
            false => (&b""[..], &b","[..]),
        };
        push(&mut self.keys, between);
        push(&mut self.keys, part(text, found.start, found.key_end + 1));
        push(&mut self.values, before);
        if self.keys_only {
            return Some(());
        }
        push(&mut self.values, between);
        if found.sole {
            let meta = part(body, SOLE.len() - 1, body.len() - SOLE_END.len());
            push(&mut self.values, meta);
        } else {
            push(&mut self.values, b"[");
            push(&mut self.values, body);
            push(&mut self.values, b"]");
        }
        Some(())
    }
}

#[inline(never)]
fn push(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(bytes);
}

/// Of positions that a scan has found; `get` leaves the panic out of the wasm.
fn part(text: &[u8], start: usize, end: usize) -> &[u8] {
    text.get(start..end).unwrap_or_default()
}

enum Stop {
    /// The rest has yet to come.
    Incomplete,
    /// The text is not as servers write it.
    Refused,
}

/// Where the parts of a member are: `"key":{..}` and the byte after it.
struct Member {
    start: usize,
    /// The closing quote.
    key_end: usize,
    end: usize,
    /// Whether it is a presence of one meta and nothing else.
    sole: bool,
}

/// The member that begins at `start`. Of the presence this checks that brackets and strings end, and what would be
/// read otherwise than it looks; the rest is up to `JSON.parse`.
fn member(text: &[u8], start: usize) -> Result<Member, Stop> {
    if byte(text, start)? != b'"' {
        return Err(Stop::Refused);
    }
    let key_end = name(text, start)?;
    let body = key_end + 2;
    if byte(text, key_end + 1)? != b':' || byte(text, body)? != b'{' {
        return Err(Stop::Refused);
    }
    let (mut at, mut depth, mut meta_end) = (body, 0, 0);
    loop {
        match byte(text, at)? {
            b'"' => {
                let close = string(text, at)?.0;
                if byte(text, close + 1)? == b':' {
                    name(text, at)?;
                    let is_ref = part(text, at, close) == b"\"phx_ref";
                    if is_ref && matches!(byte(text, close + 2)?, b'{' | b'[') {
                        return Err(Stop::Refused);
                    }
                }
                at = close;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == META_DEPTH && meta_end == 0 {
                    meta_end = at + 1;
                }
                if depth == 0 {
                    break;
                }
            }
            0..=b' ' => return Err(Stop::Refused),
            _ => {}
        }
        at += 1;
    }
    let end = at + 1;
    if !matches!(byte(text, end)?, b',' | b'}') {
        return Err(Stop::Refused);
    }
    let sole = part(text, body, end).starts_with(SOLE) && part(text, meta_end, end) == SOLE_END;
    Ok(Member {
        start,
        key_end,
        end,
        sole,
    })
}

/// The closing quote of a string without escapes, whose opening quote is at `open`.
fn name(text: &[u8], open: usize) -> Result<usize, Stop> {
    match string(text, open)? {
        (close, false) => Ok(close),
        (_, true) => Err(Stop::Refused),
    }
}

/// The closing quote of a string, and whether there are escapes in it.
#[inline]
fn string(text: &[u8], open: usize) -> Result<(usize, bool), Stop> {
    let (mut at, mut escaped) = (open + 1, false);
    loop {
        match byte(text, at)? {
            b'"' => return Ok((at, escaped)),
            b'\\' => {
                escaped = true;
                at += 2;
            }
            _ => at += 1,
        }
    }
}

#[inline]
fn byte(text: &[u8], at: usize) -> Result<u8, Stop> {
    text.get(at).copied().ok_or(Stop::Incomplete)
}

/// The fingerprint of a member.
#[derive(Clone, Copy, Default)]
struct Fingerprint {
    /// 0 for no member.
    key: u64,
    /// 0 if it was forgotten. The lowest bit tells by which state it was noted: the last or the one before.
    presence: u64,
}

/// A hash table of fingerprints: open addressing with linear probing, at most seven eighths full.
#[derive(Default)]
struct Known {
    /// A power of two in length, or empty.
    table: Vec<Fingerprint>,
    count: usize,
    /// The lowest bit of what is noted now.
    scan: u64,
}

impl Known {
    /// Before a state of about so many members.
    fn begin(&mut self, members: usize) {
        self.scan ^= 1;
        if self.count == 0 {
            self.table = Vec::new();
            self.grow(members);
        }
    }

    /// Notes a member. Returns whether it is not as it was noted last; `None` if it comes twice.
    fn note(&mut self, key: u64, presence: u64) -> Option<bool> {
        let presence = (presence | 2) & !1 | self.scan;
        if self.count >= self.table.len() / 8 * 7 {
            let known = self.table.iter().filter(|member| member.presence != 0);
            self.grow(known.count() + 1);
        }
        let place = self.place(key);
        let member = self.table.get_mut(place)?;
        let before = member.presence;
        if before != 0 && (before ^ presence) & 1 == 0 {
            return None;
        }
        self.count += usize::from(member.key == 0);
        *member = Fingerprint { key, presence };
        Some(before != presence ^ 1)
    }

    fn forget(&mut self, key: u64) {
        let place = self.place(key);
        if let Some(member) = self.table.get_mut(place) {
            member.presence = 0;
        }
    }

    /// The place of a key: where it is, or the free one where it would be.
    fn place(&self, key: u64) -> usize {
        let mut place = key as usize & self.table.len().wrapping_sub(1);
        while let Some(member) = self.table.get(place)
            && member.key != key
            && member.key != 0
        {
            place = (place + 1) & (self.table.len() - 1);
        }
        place
    }

    /// Makes room for so many members. Those that were forgotten go.
    fn grow(&mut self, members: usize) {
        let room = vec![Fingerprint::default(); (members + members / 6 + 8).next_power_of_two()];
        self.count = 0;
        for member in core::mem::replace(&mut self.table, room) {
            if member.presence != 0 {
                let place = self.place(member.key);
                if let Some(free) = self.table.get_mut(place) {
                    *free = member;
                    self.count += 1;
                }
            }
        }
    }
}

/// Never 0. With a `seed` that nobody knows who could choose the bytes, nobody can choose bytes of equal hashes.
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = mix(seed ^ bytes.len() as u64);
    for word in words {
        state = mix(state ^ u64::from_le_bytes(*word));
    }
    let last = rest
        .iter()
        .fold(0, |word, &byte| word << 8 | u64::from(byte));
    mix(mix(state ^ last) ^ seed).max(1)
}

/// Every bit of the result depends on every bit of the state. Once would not do: of the highest bits too few would
/// depend, always the same ones, and another word could undo that.
#[inline]
fn mix(state: u64) -> u64 {
    let half = |state: u64| {
        let product = state.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        product ^ product >> 32
    };
    half(half(state))
}

#[cfg(test)]
mod tests;
