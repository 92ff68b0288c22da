//! The message that carries presences: what became of a replica's presences in a shard between two
//! versions.
//!
//! It says which were added, and of those that were there before either which were *removed*, or which
//! are *kept*: whichever the sender can tell. What does not fit into one message is sent in parts, which
//! are applied together or not at all.
//!
//! Presences stand in the order of their versions, and each is written by how it differs from the one
//! before: topics are named once a message, keys and metas leave out what they begin alike with.

use super::bytes::{Reader, put_difference, put_number, put_replica, put_text};
use super::{CHANGES, ClusterTag, HEAD, Problem, WireError, head};
use crate::protocol::json;
use crate::replica::ReplicaId;
use std::ops::Range;

/// Texts share at most so many bytes with the one before. It bounds how much larger than a message the
/// presences in it can be.
const MAX_SHARED: usize = 255;

/// The fewest bytes of a presence.
const LEAST: usize = 7;

const SAME_TOPIC: u8 = 1;
const UPDATED: u8 = 2;

/// One part of the changes of a replica in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::replica) struct Changes {
    pub(in crate::replica) header: ChangesHeader,
    pub(in crate::replica) part: u32,
    /// How many parts there are.
    pub(in crate::replica) parts: u32,
    /// Versions of presences that were removed or kept, in ascending order.
    pub(in crate::replica) ids: Vec<u64>,
    /// In the order of their versions.
    added: Vec<Place>,
    /// The texts of those that were added.
    text: String,
}

/// What all parts have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::replica) struct ChangesHeader {
    pub(in crate::replica) replica: ReplicaId,
    pub(in crate::replica) shard: u16,
    /// They lead from this version, or any between the two,
    pub(in crate::replica) from: u64,
    /// to this one.
    pub(in crate::replica) to: u64,
    pub(in crate::replica) basis: Basis,
}

/// What the ids of changes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::replica) enum Basis {
    /// Everything that was removed since `from`, also what was added since.
    Removed,
    /// Everything that was there at `from` and still is.
    Kept,
}

/// A presence that was added (or got a new meta, which is the same).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::replica) struct Added<'a> {
    pub(in crate::replica) version: u64,
    /// The version before, if this is an update.
    pub(in crate::replica) previous: Option<u64>,
    pub(in crate::replica) first_version: u64,
    pub(in crate::replica) first_at: u64,
    pub(in crate::replica) topic: &'a str,
    pub(in crate::replica) key: &'a str,
    /// The members of the meta's object without the refs, and without its braces.
    pub(in crate::replica) fields: &'a str,
}

/// An `Added` whose texts are ranges.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    version: u64,
    previous: Option<u64>,
    first_version: u64,
    first_at: u64,
    topic: Range<usize>,
    key: Range<usize>,
    fields: Range<usize>,
}

impl Changes {
    /// About how many bytes of memory it takes.
    pub(in crate::replica) fn size(&self) -> usize {
        size_of::<Self>()
            + self.ids.len() * size_of::<u64>()
            + self.added.len() * size_of::<Place>()
            + self.text.len()
    }

    pub(in crate::replica) fn added(&self) -> impl Iterator<Item = Added<'_>> {
        self.added.iter().map(|place| Added {
            version: place.version,
            previous: place.previous,
            first_version: place.first_version,
            first_at: place.first_at,
            topic: &self.text[place.topic.clone()],
            key: &self.text[place.key.clone()],
            fields: &self.text[place.fields.clone()],
        })
    }
}

/// Writes changes as messages of about `max_bytes` (one presence more at most), in the order of parts.
pub(in crate::replica) fn encode_changes<'a>(
    cluster: ClusterTag,
    header: &ChangesHeader,
    ids: impl IntoIterator<Item = u64>,
    added: impl IntoIterator<Item = Added<'a>>,
    max_bytes: usize,
) -> Vec<Vec<u8>> {
    let room = max_bytes.saturating_sub(HEAD + 64 + header.replica.node().len());
    let mut parts = vec![Part::new(header.from)];
    for id in ids {
        next_part(&mut parts, room, header.from).put_id(id);
    }
    for added in added {
        next_part(&mut parts, room, header.from).put_added(added);
    }
    let count = parts.len() as u64;
    let parts = parts.into_iter().enumerate();
    let messages = parts.map(|(number, part)| {
        let mut out = head(cluster, CHANGES);
        put_header(&mut out, header);
        put_number(&mut out, number as u64);
        put_number(&mut out, count);
        part.put_into(&mut out);
        out
    });
    messages.collect()
}

fn put_header(out: &mut Vec<u8>, header: &ChangesHeader) {
    put_replica(out, &header.replica);
    put_number(out, header.shard.into());
    put_number(out, header.to);
    put_number(out, header.to.saturating_sub(header.from));
    out.push(match header.basis {
        Basis::Removed => 0,
        Basis::Kept => 1,
    });
}

/// The part that has room for more.
fn next_part<'p, 'a>(parts: &'p mut Vec<Part<'a>>, room: usize, from: u64) -> &'p mut Part<'a> {
    if parts.last().is_none_or(|part| part.len() >= room) {
        parts.push(Part::new(from));
    }
    let last = parts.len() - 1;
    &mut parts[last]
}

/// A part that is being written.
struct Part<'a> {
    ids: (u64, Vec<u8>),
    added: (u64, Vec<u8>),
    last_id: u64,
    last: Added<'a>,
    topics: Vec<&'a str>,
}

impl<'a> Part<'a> {
    fn new(from: u64) -> Self {
        Self {
            ids: (0, Vec::new()),
            added: (0, Vec::new()),
            last_id: 0,
            last: Added {
                version: from,
                previous: None,
                first_version: 0,
                first_at: 0,
                topic: "",
                key: "",
                fields: "",
            },
            topics: Vec::new(),
        }
    }

    fn len(&self) -> usize {
        self.ids.1.len() + self.added.1.len()
    }

    fn put_id(&mut self, id: u64) {
        self.ids.0 += 1;
        put_number(&mut self.ids.1, id - self.last_id);
        self.last_id = id;
    }

    fn put_added(&mut self, added: Added<'a>) {
        self.added.0 += 1;
        let out = &mut self.added.1;
        let last = &self.last;
        let same_topic = added.topic == last.topic && !self.topics.is_empty();
        let updated = added.previous.is_some();
        out.push(if same_topic { SAME_TOPIC } else { 0 } | if updated { UPDATED } else { 0 });
        put_number(out, added.version - last.version);
        if let Some(previous) = added.previous {
            put_number(out, added.version - previous);
            put_number(out, added.version - added.first_version);
        }
        put_difference(out, last.first_at, added.first_at);
        if !same_topic {
            put_topic(out, &mut self.topics, added.topic);
        }
        put_shared(out, last.key, added.key);
        put_shared(out, last.fields, added.fields);
        self.last = added;
    }

    fn put_into(self, out: &mut Vec<u8>) {
        out.reserve(self.len() + 20);
        for (count, bytes) in [self.ids, self.added] {
            put_number(out, count);
            out.extend_from_slice(&bytes);
        }
    }
}

/// Names a topic by its place among those named before, or by its name.
fn put_topic<'a>(out: &mut Vec<u8>, topics: &mut Vec<&'a str>, topic: &'a str) {
    // Few topics are searched faster than hashed; of many, an old one may be named again.
    const SEARCHED: usize = 16;
    let recent = topics.iter().enumerate().rev().take(SEARCHED);
    let named = recent
        .filter(|(_, other)| **other == topic)
        .map(|(at, _)| at)
        .next();
    match named {
        Some(at) => put_number(out, at as u64 + 1),
        None => {
            put_number(out, 0);
            put_text(out, topic);
            topics.push(topic);
        }
    }
}

/// Writes a text as what it shares with the beginning of another, and the rest.
fn put_shared(out: &mut Vec<u8>, last: &str, text: &str) {
    let pairs = last.bytes().zip(text.bytes()).take(MAX_SHARED);
    let mut shared = pairs.take_while(|(one, other)| one == other).count();
    while !text.is_char_boundary(shared) {
        shared -= 1;
    }
    out.push(shared as u8);
    put_text(out, &text[shared..]);
}

pub(super) fn decode_changes(from: &mut Reader<'_>) -> Result<Changes, WireError> {
    let header = header(from)?;
    let part = from.small("part")?;
    let parts = from.small("parts")?;
    if part >= parts {
        return Err(from.error("part", Problem::TooLarge));
    }
    let count = from.count(1, "ids")?;
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        ids.push(from.higher(ids.last().copied().unwrap_or(0), "id")?);
    }
    let count = from.count(LEAST, "added")?;
    let mut changes = Changes {
        added: Vec::with_capacity(count),
        header,
        part,
        parts,
        ids,
        text: String::new(),
    };
    let mut topics = Vec::new();
    for _ in 0..count {
        let place = place(from, &mut changes, &mut topics)?;
        changes.added.push(place);
    }
    Ok(changes)
}

fn header(from: &mut Reader<'_>) -> Result<ChangesHeader, WireError> {
    let replica = from.replica("replica")?;
    let shard = from.small("shard")?;
    let to = from.number("to")?;
    let since = from.number("from")?;
    let Some(since) = to.checked_sub(since) else {
        return Err(from.error("from", Problem::TooLarge));
    };
    let basis = match from.byte("basis")? {
        0 => Basis::Removed,
        1 => Basis::Kept,
        basis => return Err(from.error("basis", Problem::Unknown(basis.into()))),
    };
    Ok(ChangesHeader {
        replica,
        shard,
        from: since,
        to,
        basis,
    })
}

/// Reads one presence; its texts are appended to those of `changes`.
fn place(
    from: &mut Reader<'_>,
    changes: &mut Changes,
    topics: &mut Vec<Range<usize>>,
) -> Result<Place, WireError> {
    let Changes {
        header,
        added,
        text,
        ..
    } = changes;
    let last = added.last();
    let flags = from.byte("flags")?;
    if flags > (SAME_TOPIC | UPDATED) {
        return Err(from.error("flags", Problem::Unknown(flags.into())));
    }
    let version = from.higher(last.map_or(header.from, |last| last.version), "version")?;
    if version > header.to {
        return Err(from.error("version", Problem::TooLarge));
    }
    let mut earlier = |field| {
        let by = from.number(field)?;
        let earlier = version
            .checked_sub(by)
            .filter(|earlier| (1..version).contains(earlier));
        earlier.ok_or_else(|| from.error(field, Problem::TooLarge))
    };
    let (previous, first_version) = match flags & UPDATED {
        0 => (None, version),
        _ => (
            Some(earlier("previous version")?),
            earlier("first version")?,
        ),
    };
    let first_at = from.difference(last.map_or(0, |last| last.first_at), "first at")?;
    let topic = match (flags & SAME_TOPIC, last) {
        (0, _) => topic(from, topics, text)?,
        (_, Some(last)) => last.topic.clone(),
        (_, None) => return Err(from.error("topic", Problem::Shared(0))),
    };
    let key = shared(from, text, last.map(|last| &last.key), "key")?;
    text.push('{');
    let fields = shared(from, text, last.map(|last| &last.fields), "meta")?;
    text.push('}');
    json::validate(&text[fields.start - 1..fields.end + 1])
        .map_err(|error| from.error("meta", Problem::NotJson(error)))?;
    Ok(Place {
        version,
        previous,
        first_version,
        first_at,
        topic,
        key,
        fields,
    })
}

fn topic(
    from: &mut Reader<'_>,
    topics: &mut Vec<Range<usize>>,
    text: &mut String,
) -> Result<Range<usize>, WireError> {
    let number = from.number("topic")?;
    if number == 0 {
        let start = text.len();
        text.push_str(from.text("topic")?);
        topics.push(start..text.len());
        return Ok(start..text.len());
    }
    let topic = topics.get(number as usize - 1).cloned();
    topic.ok_or_else(|| from.error("topic", Problem::Unknown(number)))
}

/// Reads a text that may begin like `last`, and appends it.
fn shared(
    from: &mut Reader<'_>,
    text: &mut String,
    last: Option<&Range<usize>>,
    field: &'static str,
) -> Result<Range<usize>, WireError> {
    let len = from.byte(field)? as usize;
    let last = last.cloned().unwrap_or(0..0);
    let end = last.start + len;
    if end > last.end || !text.is_char_boundary(end) {
        return Err(from.error(field, Problem::Shared(len)));
    }
    let start = text.len();
    text.extend_from_within(last.start..end);
    text.push_str(from.text(field)?);
    Ok(start..text.len())
}
