//! Keeps a node connected to all others.
//!
//! zenoh tries configured seeds for ever, and tells nodes of each other (gossip); but what it heard of
//! it tries once. A link that two nodes lose while both keep theirs to a third would stay lost, and so
//! would one whose first attempt failed. So nodes introduce themselves, at first sight and regularly,
//! and each remembers how to reach those it heard of, and tries again.
//!
//! A node that is connected to nobody asks again for the addresses of its seeds' names, and exchanges
//! its session for one that connects to them: those it knew may all have been replaced.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ::zenoh::config::ZenohId;
use ::zenoh::qos::{CongestionControl, Priority};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::{debug, info, warn};

use super::super::OpenError;
use super::super::config::{Seed, ZenohConfig};
use super::super::envelope::Address;
use super::super::node::Node;
use super::Tuning;
use super::intro::{self, Contact, MAX_OTHERS};
use super::keys::Keys;
use super::resolve::Seeds;
use super::session::{Notice, Slot};

/// How often it is looked who is missing.
pub(super) const ROUND: Duration = Duration::from_secs(2);

/// A node that is connected to nobody after so many rounds says so.
const ROUNDS_ALONE: u32 = 3;

/// A node introduces itself to all every so many rounds.
const ROUNDS_PER_INTRO: u64 = 5;

/// How long an attempt to connect may take.
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest time between two attempts to reach a node.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// A node that was not heard of for this long is not coming back.
const FORGET: Duration = Duration::from_secs(20 * 60);

/// The task that keeps the mesh.
pub(super) struct Mesh {
    node: Arc<Node>,
    keys: Arc<Keys>,
    slot: Arc<Slot>,
    seeds: Seeds,
    every: Duration,
    /// What the session was told to connect to.
    addresses: Vec<Seed>,
    notices: mpsc::Receiver<Notice>,
    known: HashMap<Arc<str>, Known>,
    /// Who was connected in the last round.
    connected: BTreeSet<ZenohId>,
    /// For how many rounds nobody has been.
    alone: u32,
    round: u64,
}

/// A node that was heard of.
struct Known {
    contact: Contact,
    heard: Instant,
    /// Attempts since it was last connected.
    attempts: u32,
    next_attempt: Instant,
}

impl Mesh {
    /// Opens the session.
    pub(super) async fn start(
        node: &Arc<Node>,
        keys: &Arc<Keys>,
        slot: &Arc<Slot>,
        config: &ZenohConfig,
        tuning: Tuning,
        notices: mpsc::Receiver<Notice>,
    ) -> Result<Self, OpenError> {
        let parse = |text: &String| text.parse::<Seed>().map_err(OpenError::new);
        let seeds = config.seeds.iter().map(parse).collect::<Result<_, _>>()?;
        let keep_names = config.tls.as_ref().is_some_and(|tls| !tls.any_name);
        let seeds = Seeds::new(seeds, parse(&config.listen)?, keep_names, tuning.resolver);
        let addresses = seeds.resolve().await;
        slot.renew(&addresses).await?;
        Ok(Self {
            node: Arc::clone(node),
            keys: Arc::clone(keys),
            slot: Arc::clone(slot),
            seeds,
            every: tuning.round,
            addresses,
            notices,
            known: HashMap::new(),
            connected: BTreeSet::new(),
            alone: 0,
            round: 0,
        })
    }

    /// Keeps the mesh until told to leave it; says when it did.
    pub(super) async fn run(
        mut self,
        mut leaving: watch::Receiver<bool>,
        left: watch::Sender<bool>,
    ) {
        let mut rounds = interval(self.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = told(&mut leaving) => break,
                Some(notice) = self.notices.recv() => self.notice(notice),
                _ = rounds.tick() => self.keep().await,
            }
        }
        self.slot.close().await;
        let _ = left.send(true);
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Linked(id) if id != self.node.me => self.introduce(&self.keys.direct(&id)),
            Notice::Linked(_) => {}
            Notice::Intro(hello) => {
                for contact in intro::read(&hello.from, &hello.payload) {
                    self.learn(contact);
                }
            }
        }
    }

    /// Remembers how to reach a node: its own word, or that of one who is connected to it.
    fn learn(&mut self, contact: Contact) {
        if contact.id == self.node.me || contact.locators.is_empty() {
            return;
        }
        let now = Instant::now();
        if let Some(known) = self.known.get_mut(contact.id.node()) {
            let (known_life, life) = (known.contact.id.incarnation(), contact.id.incarnation());
            if known_life > life {
                return;
            }
            if known_life == life {
                known.contact = contact;
                known.heard = now;
                return;
            }
        } else if self.known.len() >= self.node.gate.limits().max_peers {
            self.forget_oldest();
        }
        let known = Known {
            contact,
            heard: now,
            attempts: 0,
            next_attempt: now,
        };
        self.known.insert(known.contact.id.node().clone(), known);
    }

    fn forget_oldest(&mut self) {
        let oldest = self.known.iter().min_by_key(|(_, known)| known.heard);
        if let Some(node) = oldest.map(|(node, _)| Arc::clone(node)) {
            self.known.remove(&node);
        }
    }

    /// One round.
    async fn keep(&mut self) {
        self.connected = self.slot.connected().await;
        self.known.retain(|_, known| known.heard.elapsed() < FORGET);
        if self.connected.is_empty() {
            self.alone = self.alone.saturating_add(1);
            if self.alone == ROUNDS_ALONE && self.seeds.are_others() {
                warn!(
                    "cluster: none of {} answers; this node is on its own, and tries on",
                    self.seeds
                );
            }
            self.look_for_new_addresses().await;
        } else {
            self.alone = 0;
        }
        self.dial_missing();
        self.round += 1;
        if self.round.is_multiple_of(ROUNDS_PER_INTRO) {
            self.introduce(&self.keys.intro());
        }
    }

    /// Says to `key` who this node is, and whom it is connected to.
    fn introduce(&self, key: &str) {
        let Some(own) = self.slot.contact() else {
            return;
        };
        let linked = |known: &&Known| self.connected.contains(&known.contact.zid);
        let others: Vec<&Contact> = self
            .known
            .values()
            .filter(linked)
            .map(|known| &known.contact)
            .collect();
        // In a large cluster, others each time.
        let skip = (self.round as usize * MAX_OTHERS) % others.len().max(1);
        let others: Vec<&Contact> = others
            .iter()
            .cycle()
            .skip(skip)
            .take(others.len())
            .copied()
            .collect();
        let payload = intro::write(&own, &others);
        let frame = self.node.sealer.seal(Address::Hello, &payload);
        let (slot, node, key) = (
            Arc::clone(&self.slot),
            Arc::clone(&self.node),
            key.to_owned(),
        );
        tokio::task::spawn_blocking(move || {
            super::put(
                &slot,
                &node,
                &key,
                frame,
                Priority::DataHigh,
                CongestionControl::Drop,
            );
        });
    }

    fn dial_missing(&mut self) {
        let now = Instant::now();
        let Some(own) = self.slot.contact() else {
            return;
        };
        for known in self.known.values_mut() {
            if self.connected.contains(&known.contact.zid) {
                known.attempts = 0;
                known.next_attempt = now;
                continue;
            }
            if known.next_attempt > now {
                continue;
            }
            known.attempts += 1;
            known.next_attempt = now + backoff(self.every, known.attempts);
            // Two nodes that connect to each other at once undo each other's work, so the first attempt
            // is one side's alone.
            if known.attempts == 1 && own.zid < known.contact.zid {
                continue;
            }
            let (slot, contact) = (Arc::clone(&self.slot), known.contact.clone());
            tokio::spawn(async move {
                let dial = slot.dial(contact.zid, &contact.locators);
                let reached = timeout(DIAL_TIMEOUT, dial).await == Ok(true);
                debug!(peer = %contact.id, reached, "cluster: dialled a missing node");
            });
        }
    }

    async fn look_for_new_addresses(&mut self) {
        if !self.seeds.have_names() && self.slot.session().is_some() {
            return;
        }
        let addresses = self.seeds.resolve().await;
        let news = addresses
            .iter()
            .any(|address| !self.addresses.contains(address));
        if !news && self.slot.session().is_some() {
            return;
        }
        // Somebody may have connected in the meantime.
        if !self.slot.connected().await.is_empty() {
            return;
        }
        info!(
            "cluster: connected to nobody; tries {} addresses of its seeds",
            addresses.len()
        );
        match self.slot.renew(&addresses).await {
            Ok(()) => self.addresses = addresses,
            Err(error) => warn!("cluster: {error}; tries again"),
        }
    }
}

/// Waits until the mesh shall be left, or nobody is there to say so any more.
async fn told(leaving: &mut watch::Receiver<bool>) {
    let _ = leaving.wait_for(|leave| *leave).await;
}

/// How long to wait after the given number of attempts.
fn backoff(first: Duration, attempts: u32) -> Duration {
    MAX_BACKOFF.min(first * 2_u32.saturating_pow(attempts.saturating_sub(1)))
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn attempts_become_rarer_but_never_cease() {
        assert_eq!(backoff(ROUND, 1), ROUND);
        assert_eq!(backoff(ROUND, 2), 2 * ROUND);
        assert_eq!(backoff(ROUND, 10), MAX_BACKOFF);
        assert_eq!(backoff(ROUND, u32::MAX), MAX_BACKOFF);
    }
}
