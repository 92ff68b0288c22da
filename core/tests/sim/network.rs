//! A network that delays, loses, doubles and reorders messages, and comes apart.

use herenow_core::replica::ReplicaId;
use std::collections::{BTreeMap, BTreeSet};

/// What the network does to messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Messages lost, of a hundred.
    pub(crate) loss: u64,
    /// Messages that come twice, of a hundred.
    pub(crate) doubled: u64,
    /// The longest delay in milliseconds. Each message has its own, so that they overtake each other.
    pub(crate) delay: u64,
}

impl Weather {
    pub(crate) const FAIR: Self = Self {
        loss: 0,
        doubled: 0,
        delay: 1,
    };
}

#[derive(Clone)]
pub(crate) struct Packet {
    pub(crate) from: ReplicaId,
    /// The machine that it goes to.
    pub(crate) to: usize,
    /// The only incarnation that may have it, if it was sent to one replica.
    pub(crate) only: Option<u64>,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) weather: Weather,
    /// Links from one machine to another that carry nothing.
    cut: BTreeSet<(usize, usize)>,
    on_the_way: BTreeMap<(u64, u64), Packet>,
    sent: u64,
    dice: Dice,
    /// How many messages each machine has sent, by their kind.
    pub(crate) sent_by: BTreeMap<(usize, u8), u64>,
    /// The size of the largest message.
    pub(crate) largest: usize,
    /// How many messages have arrived, and their bytes.
    pub(crate) arrived: (u64, u64),
    /// Messages of these kinds from one machine to another are held back.
    pub(crate) hold: Vec<(usize, usize, u8)>,
    held: Vec<Packet>,
}

/// Where a message says what kind it is, and the kinds that tests tell apart.
const KIND_AT: usize = 5;
pub(crate) const DIGEST: u8 = 1;
pub(crate) const ASK: u8 = 3;
pub(crate) const VERSIONS: u8 = 4;
pub(crate) const PULL: u8 = 5;
pub(crate) const CHANGES: u8 = 6;
pub(crate) const FORWARD: u8 = 7;

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            weather: Weather::FAIR,
            cut: BTreeSet::new(),
            on_the_way: BTreeMap::new(),
            sent: 0,
            dice: Dice(seed),
            sent_by: BTreeMap::new(),
            largest: 0,
            arrived: (0, 0),
            hold: Vec::new(),
            held: Vec::new(),
        }
    }

    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.cut.insert((from, to));
    }

    pub(crate) fn mend(&mut self) {
        self.cut.clear();
    }

    pub(crate) fn send(&mut self, now: u64, sender: usize, packet: Packet) {
        self.largest = self.largest.max(packet.bytes.len());
        let kind = packet.bytes[KIND_AT];
        *self.sent_by.entry((sender, kind)).or_default() += 1;
        if self.hold.contains(&(sender, packet.to, kind)) {
            return self.held.push(packet);
        }
        let times = if self.dice.hundred() < self.weather.doubled {
            2
        } else {
            1
        };
        for _ in 0..times {
            let is_lost = self.dice.hundred() < self.weather.loss;
            if is_lost || self.cut.contains(&(sender, packet.to)) {
                continue;
            }
            self.sent += 1;
            let arrives = now + 1 + self.dice.roll(self.weather.delay);
            self.on_the_way.insert((arrives, self.sent), packet.clone());
        }
    }

    /// The messages that were held back, for the test to do with as it likes.
    pub(crate) fn take_held(&mut self) -> Vec<Packet> {
        self.hold.clear();
        std::mem::take(&mut self.held)
    }

    /// Lets the messages go that were held back, and holds back no more. Says how many there were.
    pub(crate) fn release(&mut self, now: u64) -> usize {
        self.hold.clear();
        let held = std::mem::take(&mut self.held);
        for packet in &held {
            self.sent += 1;
            self.on_the_way.insert((now, self.sent), packet.clone());
        }
        held.len()
    }

    /// How many messages of this kind a machine has sent.
    pub(crate) fn count(&self, sender: usize, kind: u8) -> u64 {
        self.sent_by.get(&(sender, kind)).copied().unwrap_or(0)
    }

    /// When the next message arrives.
    pub(crate) fn next(&self) -> Option<u64> {
        self.on_the_way.keys().next().map(|(arrives, _)| *arrives)
    }

    pub(crate) fn arrive(&mut self, now: u64) -> Option<Packet> {
        let first = self.on_the_way.first_entry()?;
        if first.key().0 > now {
            return None;
        }
        let packet = first.remove();
        self.arrived.0 += 1;
        self.arrived.1 += packet.bytes.len() as u64;
        Some(packet)
    }
}

/// Random numbers that depend on the seed only (SplitMix64).
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ bits >> 31) % sides.max(1)
    }

    fn hundred(&mut self) -> u64 {
        self.roll(100)
    }
}
