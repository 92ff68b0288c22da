//! The names that nodes agree upon: which shard a topic belongs to, who a replica is, and how the
//! identity of a presence becomes its `phx_ref`.
//!
//! The hashes here are a contract between nodes (and between versions of herenow), not an
//! implementation detail: they are written out in full, and the tests hold vectors for them.

use std::fmt;
use std::sync::Arc;

/// How many shards the topics of a node are spread over, unless the application says otherwise.
///
/// All nodes of a cluster must use the same number. More shards mean less waiting for one another's
/// locks; each costs a few hundred bytes when idle.
pub const DEFAULT_SHARDS: u16 = 64;

/// The shard that a topic belongs to, of `shards` in all: the same on every node.
///
/// It is the 64-bit FNV-1a hash of the topic's bytes, its two halves combined by exclusive or, modulo
/// `shards`. With no shards at all (which nobody should ask for) the answer is 0.
///
/// ```
/// use herenow_core::replica::shard_of;
/// assert_eq!(shard_of("room:lobby", 64), 13);
/// ```
#[must_use]
pub fn shard_of(topic: &str, shards: u16) -> u16 {
    let hash = fold(fnv1a(FNV_OFFSET, topic.as_bytes()));
    // The remainder is smaller than `shards`, so it always fits.
    hash.checked_rem(u32::from(shards)).unwrap_or(0) as u16
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

fn fnv1a(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
    })
}

/// The authors of FNV recommend folding over cutting off, to keep what the high bits say.
fn fold(hash: u64) -> u32 {
    (hash ^ (hash >> 32)) as u32
}

/// What stands for the name of a cluster in its messages.
pub(super) fn hash_name(name: &str) -> u32 {
    fold(fnv1a(FNV_OFFSET, name.as_bytes()))
}

/// One life of one node: the only writer of the presences that it tracks.
///
/// A node that starts again must take a new, higher incarnation (its start time will do). What an old
/// incarnation tracked then ends with it, and can never be mistaken for what the new one tracks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId {
    node: Arc<str>,
    incarnation: u64,
}

impl ReplicaId {
    /// Names the life `incarnation` of the node called `node`.
    pub fn new(node: impl Into<Arc<str>>, incarnation: u64) -> Self {
        Self {
            node: node.into(),
            incarnation,
        }
    }

    /// The name of the node, unique in its cluster.
    #[must_use]
    pub fn node(&self) -> &Arc<str> {
        &self.node
    }

    /// Which life of the node this is.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// What stands for this replica in each `phx_ref`: FNV-1a over the node's name, one byte 0xff
    /// (which no UTF-8 text contains) and the incarnation in big-endian order, folded to 32 bits.
    pub(super) fn hash32(&self) -> u32 {
        let named = fnv1a(fnv1a(FNV_OFFSET, self.node.as_bytes()), &[0xff]);
        fold(fnv1a(named, &self.incarnation.to_be_bytes()))
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.node, self.incarnation)
    }
}

/// One join of one channel on its node: who a presence belongs to.
///
/// The caller gives each join a number that it never gives again in the life of the replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u64);

/// The `phx_ref` of a meta: 16 characters that clients compare and never look into.
///
/// It is made of what identifies the meta in the whole cluster: 32 bits of hash of the replica, 16
/// bits of shard and the low 48 bits of the version (9 years of a million changes a second), in
/// big-endian order, as url-safe base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhxRef([u8; PhxRef::LEN]);

impl PhxRef {
    /// How many characters a `phx_ref` has.
    pub const LEN: usize = 16;

    pub(super) fn new(replica_hash: u32, shard: u16, version: u64) -> Self {
        let low = (u128::from(shard) << 48) | u128::from(version & 0xffff_ffff_ffff);
        let bits = (u128::from(replica_hash) << 64) | low;
        let mut text = [0; Self::LEN];
        for (at, character) in text.iter_mut().enumerate() {
            let six_bits = (bits >> (90 - 6 * at)) & 0x3f;
            *character = BASE64_URL[six_bits as usize];
        }
        Self(text)
    }

    /// The version in the text of a ref; `None` if it is none.
    pub(super) fn version_in(text: &str) -> Option<u64> {
        let digits = text.as_bytes().get(8..Self::LEN)?.iter();
        digits
            .map(|&character| six_bits(character))
            .try_fold(0, |version, digit| Some(version << 6 | u64::from(digit?)))
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64 is ASCII")
    }
}

const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn six_bits(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

impl fmt::Display for PhxRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for PhxRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhxRef({})", self.as_str())
    }
}

impl AsRef<str> for PhxRef {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

#[cfg(test)]
mod tests;
