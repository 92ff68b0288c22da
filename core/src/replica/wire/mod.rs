//! What nodes tell each other, and how it is written.
//!
//! A message begins with the version of the format, four bytes of hash of the cluster's name, and its
//! kind. Who sent it is not in it: the bus knows. [`decode`] reads a whole message or refuses it with an
//! error that names the field; it allocates no more than a small multiple of the message's size.
//!
//! The `phx_ref` of a meta is not sent, because it is made of the replica, the shard and the version,
//! and neighbours share what they have in common (`changes`): that makes an entry some 20 bytes.

mod bytes;
mod changes;
mod error;

pub(super) use changes::{Added, Basis, Changes, ChangesHeader, encode_changes};
pub use error::{Problem, WireError};

use super::ReplicaId;
use super::id::hash_name;
use bytes::{Reader, put_number, put_replica};

/// The version of the format that is written and read.
const FORMAT: u8 = 1;

/// Bytes before the body of a message.
const HEAD: usize = 6;

const DIGEST: u8 = 1;
const GOODBYE: u8 = 2;
const ASK: u8 = 3;
const VERSIONS: u8 = 4;
const PULL: u8 = 5;
const CHANGES: u8 = 6;
const FORWARD: u8 = 7;

/// What is said to other nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    Digest(Digest),
    /// The sender leaves for good.
    Goodbye,
    /// Asks for what the receiver knows of the versions of a replica.
    Ask(ReplicaId),
    Versions(Versions),
    Pull(Pull),
    Changes(Changes),
    Forward(Forward<'a>),
}

/// The heartbeat: what the sender has, and who else it hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    /// How many shards the sender spreads topics over.
    pub(super) shards: u16,
    pub(super) claim: Claim,
    /// The shards that changed since the heartbeat before, with their versions.
    pub(super) changed: Vec<(u16, u64)>,
    pub(super) peers: Vec<Peer>,
    /// Replicas that said goodbye lately.
    pub(super) gone: Vec<ReplicaId>,
}

/// What a replica said of itself in its heartbeat number `beat`: the sum of its versions over all
/// shards, and a hash of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Claim {
    pub(super) beat: u64,
    pub(super) sum: u64,
    pub(super) hash: u64,
}

/// The latest claim of somebody else, as heard `age` milliseconds ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) replica: ReplicaId,
    pub(super) claim: Claim,
    pub(super) age: u64,
}

/// The versions of a replica: those of its heartbeat number `beat`, or later ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) replica: ReplicaId,
    pub(super) beat: u64,
    /// Shards with their versions, those at version 0 left out.
    pub(super) versions: Vec<(u16, u64)>,
}

/// Asks for the changes of a replica in a shard since version `have`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pull {
    pub(super) replica: ReplicaId,
    pub(super) shard: u16,
    pub(super) have: u64,
}

/// A message of `origin`, to be handed on to `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forward<'a> {
    pub(super) origin: ReplicaId,
    pub(super) to: ReplicaId,
    pub(super) message: &'a [u8],
}

/// What stands for the name of a cluster in each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClusterTag([u8; 4]);

impl ClusterTag {
    pub(super) fn new(name: &str) -> Self {
        Self(hash_name(name).to_be_bytes())
    }
}

fn head(cluster: ClusterTag, kind: u8) -> Vec<u8> {
    let mut out = vec![FORMAT];
    out.extend_from_slice(&cluster.0);
    out.push(kind);
    out
}

pub(super) fn encode_digest(cluster: ClusterTag, digest: &Digest) -> Vec<u8> {
    let mut out = head(cluster, DIGEST);
    put_number(&mut out, digest.shards.into());
    put_claim(&mut out, &digest.claim);
    put_versions(&mut out, &digest.changed);
    put_number(&mut out, digest.peers.len() as u64);
    for peer in &digest.peers {
        put_replica(&mut out, &peer.replica);
        put_claim(&mut out, &peer.claim);
        put_number(&mut out, peer.age);
    }
    put_number(&mut out, digest.gone.len() as u64);
    for replica in &digest.gone {
        put_replica(&mut out, replica);
    }
    out
}

pub(super) fn encode_goodbye(cluster: ClusterTag) -> Vec<u8> {
    head(cluster, GOODBYE)
}

pub(super) fn encode_ask(cluster: ClusterTag, replica: &ReplicaId) -> Vec<u8> {
    let mut out = head(cluster, ASK);
    put_replica(&mut out, replica);
    out
}

pub(super) fn encode_versions(cluster: ClusterTag, versions: &Versions) -> Vec<u8> {
    let mut out = head(cluster, VERSIONS);
    put_replica(&mut out, &versions.replica);
    put_number(&mut out, versions.beat);
    put_versions(&mut out, &versions.versions);
    out
}

pub(super) fn encode_pull(cluster: ClusterTag, pull: &Pull) -> Vec<u8> {
    let mut out = head(cluster, PULL);
    put_replica(&mut out, &pull.replica);
    put_number(&mut out, pull.shard.into());
    put_number(&mut out, pull.have);
    out
}

pub(super) fn encode_forward(cluster: ClusterTag, forward: &Forward<'_>) -> Vec<u8> {
    let mut out = head(cluster, FORWARD);
    put_replica(&mut out, &forward.origin);
    put_replica(&mut out, &forward.to);
    out.extend_from_slice(forward.message);
    out
}

fn put_claim(out: &mut Vec<u8>, claim: &Claim) {
    put_number(out, claim.beat);
    put_number(out, claim.sum);
    out.extend_from_slice(&claim.hash.to_be_bytes());
}

fn put_versions(out: &mut Vec<u8>, versions: &[(u16, u64)]) {
    put_number(out, versions.len() as u64);
    for (shard, version) in versions {
        put_number(out, (*shard).into());
        put_number(out, *version);
    }
}

/// Reads a message. No `Forward` is looked into.
pub(super) fn decode(cluster: ClusterTag, message: &[u8]) -> Result<Message<'_>, WireError> {
    let mut from = Reader::new(message);
    let format = from.byte("format version")?;
    if format != FORMAT {
        return Err(from.error("format version", Problem::Version(format)));
    }
    if from.bytes(4, "cluster name")? != cluster.0 {
        return Err(from.error("cluster name", Problem::OtherCluster));
    }
    let message = match from.byte("kind")? {
        DIGEST => Message::Digest(digest(&mut from)?),
        GOODBYE => Message::Goodbye,
        ASK => Message::Ask(from.replica("replica")?),
        VERSIONS => Message::Versions(Versions {
            replica: from.replica("replica")?,
            beat: from.number("beat")?,
            versions: versions(&mut from, "versions")?,
        }),
        PULL => Message::Pull(Pull {
            replica: from.replica("replica")?,
            shard: from.small("shard")?,
            have: from.number("have")?,
        }),
        CHANGES => Message::Changes(changes::decode_changes(&mut from)?),
        FORWARD => Message::Forward(Forward {
            origin: from.replica("origin")?,
            to: from.replica("to")?,
            message: from.rest(),
        }),
        kind => return Err(from.error("kind", Problem::Unknown(kind.into()))),
    };
    from.end()?;
    Ok(message)
}

fn digest(from: &mut Reader<'_>) -> Result<Digest, WireError> {
    let shards = from.small("shards")?;
    let claim = claim(from)?;
    let changed = versions(from, "changed")?;
    let peers = (0..from.count(13, "peers")?).map(|_| {
        Ok(Peer {
            replica: from.replica("peer")?,
            claim: self::claim(from)?,
            age: from.number("age")?,
        })
    });
    let peers = peers.collect::<Result<_, _>>()?;
    let gone = (0..from.count(2, "gone")?).map(|_| from.replica("gone"));
    Ok(Digest {
        shards,
        claim,
        changed,
        peers,
        gone: gone.collect::<Result<_, _>>()?,
    })
}

fn claim(from: &mut Reader<'_>) -> Result<Claim, WireError> {
    let beat = from.number("beat")?;
    let sum = from.number("sum")?;
    let hash = from.bytes(8, "hash")?.iter();
    Ok(Claim {
        beat,
        sum,
        hash: hash.fold(0, |hash, byte| hash << 8 | u64::from(*byte)),
    })
}

fn versions(from: &mut Reader<'_>, field: &'static str) -> Result<Vec<(u16, u64)>, WireError> {
    let count = from.count(2, field)?;
    let versions = (0..count).map(|_| Ok((from.small(field)?, from.number(field)?)));
    versions.collect()
}

#[cfg(test)]
mod tests;
