//! The frame around every message of the cluster, the same whatever carries it.
//!
//! ```text
//! version   1 byte     1
//! cluster   4 bytes    of a hash of the cluster's name: tells another cluster from a wrong secret
//! kind      1 byte     0 all, 1 shard, 2 direct, 3 hello
//! address              shard: its number; direct: name and incarnation of the recipient
//! sender               name and incarnation
//! sequence  varint     counts the sender's messages of this kind, from 1
//! payload
//! MAC       16 bytes   of HMAC-SHA256 over all that precedes it
//! ```
//!
//! Names are one byte of length and UTF-8; numbers are LEB128.
//!
//! # What it protects
//!
//! Whoever can reach the bus (a shared broker, an open port) but does not know the secret can neither
//! forge a message, nor change one, nor move it to another shard, recipient, cluster or sender. A copy
//! of a message is refused by whoever saw the message itself or [`SPAN`](super::window::SPAN) later
//! ones of its kind, or has heard of a later life of its sender.
//!
//! # What it does not protect
//!
//! *Secrecy*: payloads travel in the clear; TLS is for that. *Members from each other*: all know the same
//! secret, so any of them can speak for any other. *Against replay to those who were not there*: a node
//! that has just started cannot know that a copied message is old, until it has heard of a later life
//! of its sender; a clock in the message would tell, and would let nodes with a wrong clock fall out of
//! the cluster. *Without a secret*: the key is then made of the cluster's name alone, so the MAC finds
//! accidents and not attacks.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use herenow_core::replica::ReplicaId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::config::{MAX_NAME_BYTES, Secret, check_name};
use super::stats::Reason;

/// The version of the frame that this build writes and reads.
pub(crate) const VERSION: u8 = 1;

/// Messages of different kinds overtake each other, so each kind is numbered for itself.
pub(crate) const KINDS: usize = 4;

const TAG_BYTES: usize = 4;
const MAC_BYTES: usize = 16;
const MAX_VARINT_BYTES: usize = 10;
const MAX_REPLICA_BYTES: usize = 1 + MAX_NAME_BYTES + MAX_VARINT_BYTES;

/// The most that a frame adds to its payload.
pub(crate) const MAX_OVERHEAD: usize =
    1 + TAG_BYTES + 1 + 2 * MAX_REPLICA_BYTES + MAX_VARINT_BYTES + MAC_BYTES;

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address<'a> {
    /// All nodes.
    All,
    /// The subscribers of a shard.
    Shard(u16),
    /// One replica.
    Direct {
        /// The name of its node.
        node: &'a str,
        /// Which life of it.
        incarnation: u64,
    },
    /// Whoever hears it: the engines' own introductions, which never leave the bus.
    Hello,
}

impl<'a> Address<'a> {
    pub(crate) fn direct(to: &'a ReplicaId) -> Self {
        Self::Direct {
            node: to.node(),
            incarnation: to.incarnation(),
        }
    }

    pub(crate) fn kind(self) -> usize {
        match self {
            Self::All => 0,
            Self::Shard(_) => 1,
            Self::Direct { .. } => 2,
            Self::Hello => 3,
        }
    }
}

/// What both ends of a frame share: the cluster's tag and the keyed MAC.
#[derive(Clone)]
pub(crate) struct ClusterKey {
    tag: [u8; TAG_BYTES],
    mac: Hmac<Sha256>,
}

impl ClusterKey {
    /// The key of the cluster called `name`. Clusters with different names have different keys, even
    /// with the same secret.
    pub(crate) fn new(name: &str, secret: Option<&Secret>) -> Self {
        let mut tag = [0; TAG_BYTES];
        let hash = Sha256::digest([b"herenow cluster\0", name.as_bytes()].concat());
        tag.copy_from_slice(&hash[..TAG_BYTES]);
        let secret = secret.map_or(&[][..], Secret::as_bytes);
        let derived = hmac(secret)
            .chain_update(b"herenow bus 1\0")
            .chain_update(name)
            .finalize();
        let mac = hmac(&derived.into_bytes());
        Self { tag, mac }
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<Sha256> {
        self.mac.clone().chain_update(bytes)
    }
}

impl std::fmt::Debug for ClusterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClusterKey(..)")
    }
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// The writing end: seals the messages of one replica.
#[derive(Debug)]
pub(crate) struct Sealer {
    key: ClusterKey,
    /// The sender, encoded.
    sender: Vec<u8>,
    sequences: [AtomicU64; KINDS],
}

impl Sealer {
    pub(crate) fn new(key: ClusterKey, me: &ReplicaId) -> Self {
        let mut sender = Vec::new();
        put_replica(&mut sender, me.node(), me.incarnation());
        Self {
            key,
            sender,
            sequences: Default::default(),
        }
    }

    /// The frame around `payload`, with the next sequence number of its kind.
    pub(crate) fn seal(&self, to: Address<'_>, payload: &[u8]) -> Bytes {
        let sequence = self.sequences[to.kind()].fetch_add(1, Ordering::Relaxed) + 1;
        let mut out = Vec::with_capacity(MAX_OVERHEAD + payload.len());
        out.push(VERSION);
        out.extend(self.key.tag);
        out.push(to.kind() as u8);
        match to {
            Address::All | Address::Hello => {}
            Address::Shard(shard) => put_varint(&mut out, shard.into()),
            Address::Direct { node, incarnation } => put_replica(&mut out, node, incarnation),
        }
        out.extend(&self.sender);
        put_varint(&mut out, sequence);
        out.extend(payload);
        let mac = self.key.mac(&out).finalize().into_bytes();
        out.extend(&mac[..MAC_BYTES]);
        out.into()
    }
}

/// A frame that was opened: authentic, but perhaps seen before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    pub(crate) to: Address<'a>,
    /// The name of the sender's node.
    pub(crate) node: &'a str,
    /// Which life of it.
    pub(crate) incarnation: u64,
    pub(crate) sequence: u64,
    pub(crate) payload: &'a [u8],
}

/// Why a frame was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal<'a> {
    pub(crate) reason: Reason,
    /// What exactly was wrong.
    pub(crate) what: &'static str,
    /// Who it says it is from, if it could be read that far. Nothing vouches for it.
    pub(crate) claimed: Option<&'a str>,
}

impl<'a> Refusal<'a> {
    fn new(reason: Reason, what: &'static str, claimed: Option<&'a str>) -> Self {
        Self {
            reason,
            what,
            claimed,
        }
    }
}

/// Opens a frame whose payload may have at most `max_payload` bytes.
pub(crate) fn open<'a>(
    key: &ClusterKey,
    bytes: &'a [u8],
    max_payload: usize,
) -> Result<Envelope<'a>, Refusal<'a>> {
    if bytes.len() > max_payload + MAX_OVERHEAD {
        return Err(Refusal::new(Reason::Oversized, "too many bytes", None));
    }
    let garbage = |what| Refusal::new(Reason::Garbage, what, None);
    let (&version, _) = bytes.split_first().ok_or(garbage("no bytes"))?;
    if version != VERSION {
        return Err(Refusal::new(Reason::Version, "another version", None));
    }
    let (signed, mac) = bytes
        .len()
        .checked_sub(MAC_BYTES)
        .and_then(|at| bytes.split_at_checked(at))
        .ok_or(garbage("no MAC"))?;
    let mut reader = Reader(signed);
    let _version = reader.take(1);
    let tag = reader.take(TAG_BYTES).ok_or(garbage("no cluster"))?;
    let envelope = reader.envelope().map_err(garbage)?;

    let refuse = |reason, what| Refusal::new(reason, what, Some(envelope.node));
    if tag != key.tag {
        return Err(refuse(Reason::Cluster, "another cluster's name"));
    }
    if key.mac(signed).verify_truncated_left(mac).is_err() {
        return Err(refuse(Reason::Secret, "the MAC does not match"));
    }
    if envelope.payload.len() > max_payload {
        return Err(refuse(Reason::Oversized, "too large a payload"));
    }
    Ok(envelope)
}

/// What has not been read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn replica(&mut self) -> Option<(&'a str, u64)> {
        let length = self.byte()?;
        let node = std::str::from_utf8(self.take(length.into())?).ok()?;
        check_name(node).ok()?;
        Some((node, self.varint()?))
    }

    /// All that follows the cluster's tag; the error names the field that is wrong.
    fn envelope(mut self) -> Result<Envelope<'a>, &'static str> {
        let to = match self.byte().ok_or("no kind")? {
            0 => Address::All,
            1 => {
                let shard = self.varint().and_then(|shard| shard.try_into().ok());
                Address::Shard(shard.ok_or("no shard")?)
            }
            2 => {
                let (node, incarnation) = self.replica().ok_or("no recipient")?;
                Address::Direct { node, incarnation }
            }
            3 => Address::Hello,
            _ => return Err("an unknown kind"),
        };
        let (node, incarnation) = self.replica().ok_or("no sender")?;
        let sequence = self.varint().ok_or("no sequence")?;
        Ok(Envelope {
            to,
            node,
            incarnation,
            sequence,
            payload: self.0,
        })
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_replica(out: &mut Vec<u8>, node: &str, incarnation: u64) {
    // Names were checked when they were configured or read; a longer one could not be written.
    let node = &node.as_bytes()[..node.len().min(MAX_NAME_BYTES)];
    out.push(node.len() as u8);
    out.extend(node);
    put_varint(out, incarnation);
}

#[cfg(test)]
mod tests;
