//! Broadcasts that are larger than a message of the bus: cut into parts by the sender, put together by
//! each receiver.
//!
//! ```text
//! mark      1 byte     'B'
//! version   1 byte     1
//! kind      1 byte     2
//! number    8 bytes    counts the sender's broadcasts in parts
//! part      4 bytes    from 0
//! parts     4 bytes    of how many
//! piece     at least 1 byte of the broadcast, as it would be sent if it were smaller
//! ```
//!
//! A part that is lost is not asked for, and the broadcast is lost with it. What waits for missing parts is
//! bounded in bytes and in time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use herenow_core::replica::ReplicaId;
use tokio::time::Instant;

use super::{MARK, PART, VERSION};

const HEADER_BYTES: usize = 3 + 8 + 4 + 4;

/// How long the parts of a broadcast may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many of the largest broadcasts may wait for their parts.
const MAX_WAITING: usize = 4;

/// What a part costs besides its bytes, so that many small ones are bounded too.
const OVERHEAD: usize = 128;

/// Cuts a broadcast into messages of at most `max` bytes.
pub(super) fn cut(broadcast: &Bytes, number: u64, max: usize) -> impl Iterator<Item = Bytes> {
    let size = max.saturating_sub(HEADER_BYTES).max(1);
    // As many parts as 32 bits can count are larger than any broadcast that may be sent.
    let parts = u32::try_from(broadcast.len().div_ceil(size)).unwrap_or(u32::MAX);
    (0..parts)
        .zip(broadcast.chunks(size))
        .map(move |(part, piece)| {
            let mut message = BytesMut::with_capacity(HEADER_BYTES + piece.len());
            message.put_slice(&[MARK, VERSION, PART]);
            message.put_u64(number);
            message.put_u32(part);
            message.put_u32(parts);
            message.put_slice(piece);
            message.freeze()
        })
}

/// Broadcasts of which parts are missing.
pub(crate) struct Parts {
    /// The oldest first.
    waiting: VecDeque<Incomplete>,
    /// The largest broadcast that is taken, in bytes.
    max_bytes: usize,
    /// Broadcasts that were given up.
    lost: u64,
}

struct Incomplete {
    from: ReplicaId,
    number: u64,
    of: u32,
    pieces: BTreeMap<u32, Bytes>,
    /// Of the pieces.
    bytes: usize,
    since: Instant,
}

impl Parts {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            max_bytes,
            lost: 0,
        }
    }

    /// How many broadcasts were lost because parts of them did not come.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes a part. With the last one, the broadcast is returned. The error names what is wrong.
    pub(super) fn take(
        &mut self,
        from: &ReplicaId,
        message: &Bytes,
    ) -> Result<Option<Bytes>, &'static str> {
        let (number, part, of) = header(message)?;
        let piece = message.slice(HEADER_BYTES..);
        let found = self
            .waiting
            .iter()
            .position(|waiting| waiting.number == number && waiting.from == *from);
        let at = found.unwrap_or_else(|| {
            self.waiting.push_back(Incomplete::new(from, number, of));
            self.waiting.len() - 1
        });
        let incomplete = &mut self.waiting[at];
        if incomplete.of != of {
            return Err("the number of parts");
        }
        incomplete.add(part, piece);
        if incomplete.bytes > self.max_bytes {
            self.waiting.remove(at);
            self.lost += 1;
            return Err("the size");
        }
        if incomplete.pieces.len() == of as usize {
            return Ok(self.waiting.remove(at).map(Incomplete::whole));
        }
        self.give_up_oldest();
        Ok(None)
    }

    /// Gives up what has waited for too long.
    pub(crate) fn give_up_overdue(&mut self) {
        while let Some(oldest) = self.waiting.front()
            && oldest.since.elapsed() >= PATIENCE
        {
            self.waiting.pop_front();
            self.lost += 1;
        }
    }

    /// Makes room for those that came last.
    fn give_up_oldest(&mut self) {
        let cost = |waiting: &Incomplete| waiting.bytes + OVERHEAD * (1 + waiting.pieces.len());
        let limit = self.max_bytes.saturating_mul(MAX_WAITING);
        while self.waiting.len() > 1 && self.waiting.iter().map(cost).sum::<usize>() > limit {
            self.waiting.pop_front();
            self.lost += 1;
        }
    }
}

impl Incomplete {
    fn new(from: &ReplicaId, number: u64, of: u32) -> Self {
        Self {
            from: from.clone(),
            number,
            of,
            pieces: BTreeMap::new(),
            bytes: 0,
            since: Instant::now(),
        }
    }

    fn add(&mut self, part: u32, piece: Bytes) {
        let bytes = piece.len();
        if self.pieces.insert(part, piece).is_none() {
            self.bytes += bytes;
        }
    }

    fn whole(self) -> Bytes {
        let mut whole = BytesMut::with_capacity(self.bytes);
        for piece in self.pieces.into_values() {
            whole.put_slice(&piece);
        }
        whole.freeze()
    }
}

/// The number of the broadcast, that of the part, and that of all parts.
fn header(message: &[u8]) -> Result<(u64, u32, u32), &'static str> {
    let (header, piece) = message
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or("the part")?;
    let (number, rest) = header[3..].split_first_chunk().ok_or("the number")?;
    let (part, rest) = rest.split_first_chunk().ok_or("the part")?;
    let (of, _) = rest.split_first_chunk().ok_or("the number of parts")?;
    let (part, of) = (u32::from_be_bytes(*part), u32::from_be_bytes(*of));
    if piece.is_empty() || part >= of {
        return Err("the part");
    }
    Ok((u64::from_be_bytes(*number), part, of))
}

#[cfg(test)]
mod tests;
