//! Machines, the network between them, and the time.

use crate::facts::Facts;
use crate::machine::Machine;
use crate::network::{Network, Packet};
use crate::witness::Now;
use herenow_core::replica::{NodeConfig, Output, ReplicaId, To};

/// The incarnation before the first process of a host: as those of production, microseconds since 1970.
const FIRST: u64 = 1_795_499_005_123_000;

/// The settings of all simulated nodes: those of production, but for what would only cost time.
pub(crate) fn config() -> NodeConfig {
    NodeConfig {
        shards: 2,
        permdown_after_ms: 20_000,
        idle_forget_ms: 4_000,
        pull_retry_ms: 400,
        // So small that an answer about two presences comes in parts: schedules have few of them.
        max_message_bytes: 100,
        ..NodeConfig::default()
    }
}

/// A place that a process runs in.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) name: String,
    /// The highest and the lowest incarnation so far: no two processes may be the same one.
    incarnations: (u64, u64),
    /// How far its clock is ahead of the world's.
    ahead: u64,
    /// The process, if one runs.
    pub(crate) machine: Option<Machine>,
    /// While it hangs: what has arrived.
    stuck: Option<Vec<Packet>>,
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) hosts: Vec<Host>,
    pub(crate) network: Network,
    pub(crate) config: NodeConfig,
    facts: Facts,
}

impl World {
    pub(crate) fn new(hosts: usize, seed: u64) -> Self {
        Self::with_config(hosts, seed, config())
    }

    pub(crate) fn with_config(hosts: usize, seed: u64, config: NodeConfig) -> Self {
        let names = (0..hosts).map(|at| format!("n{at}"));
        Self::with_names(names.collect(), seed, config)
    }

    /// Hosts of these names.
    pub(crate) fn with_names(names: Vec<String>, seed: u64, config: NodeConfig) -> Self {
        let hosts = names.len();
        let host = |(at, name)| Host {
            name,
            incarnations: (FIRST, FIRST),
            ahead: 1_000 * at as u64,
            machine: None,
            stuck: None,
        };
        let mut world = Self {
            now: 1_000_000,
            hosts: names.into_iter().enumerate().map(host).collect(),
            network: Network::new(seed),
            config,
            facts: Facts::default(),
        };
        for at in 0..hosts {
            world.start(at);
        }
        world
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = (usize, &Machine)> {
        let hosts = self.hosts.iter().enumerate();
        hosts.filter_map(|(at, host)| Some((at, host.machine.as_ref()?)))
    }

    /// Starts a process, as the next incarnation, unless one runs.
    pub(crate) fn start(&mut self, at: usize) {
        self.start_as(at, self.hosts[at].incarnations.0 + 1);
    }

    /// Starts a process with a clock that was set back, so that it takes itself for an earlier one.
    pub(crate) fn start_back(&mut self, at: usize) {
        self.start_as(at, self.hosts[at].incarnations.1 - 1);
    }

    fn start_as(&mut self, at: usize, incarnation: u64) {
        let host = &mut self.hosts[at];
        if host.machine.is_none() {
            let (highest, lowest) = host.incarnations;
            host.incarnations = (highest.max(incarnation), lowest.min(incarnation));
            let id = ReplicaId::new(host.name.as_str(), incarnation);
            host.machine = Some(Machine::start(self.now + host.ahead, id, &self.config));
        }
    }

    pub(crate) fn crash(&mut self, at: usize) {
        self.hosts[at].machine = None;
        self.hosts[at].stuck = None;
    }

    /// Stops a process in order.
    pub(crate) fn stop(&mut self, at: usize) {
        let gone = &mut self.facts.gone;
        gone.extend(
            self.hosts[at]
                .machine
                .iter()
                .map(|machine| machine.node.replica().clone()),
        );
        self.with(at, |machine, now| machine.node.goodbye(now));
        self.crash(at);
    }

    /// Stops the process's execution, not its clock.
    pub(crate) fn stick(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        if host.machine.is_some() {
            self.facts.has_hung = true;
            host.stuck.get_or_insert_default();
        }
    }

    /// Lets it run again. What has arrived meanwhile it may see before or after its timers.
    pub(crate) fn resume(&mut self, at: usize, timers_first: bool) {
        let Some(arrived) = self.hosts[at].stuck.take() else {
            return;
        };
        if timers_first {
            self.with(at, Machine::tick);
        }
        for packet in arrived {
            self.deliver(packet);
        }
    }

    /// Sets a host's clock forward.
    pub(crate) fn jump(&mut self, at: usize, by: u64) {
        self.hosts[at].ahead += by;
    }

    /// Cuts the links between a host and all others, both ways.
    pub(crate) fn isolate(&mut self, at: usize) {
        for other in 0..self.hosts.len() {
            self.network.cut(at, other);
            self.network.cut(other, at);
        }
    }

    /// Does something on a machine that runs and does not hang, then sends what it has to send.
    pub(crate) fn with(&mut self, at: usize, run: impl FnOnce(&mut Machine, u64)) {
        let host = &mut self.hosts[at];
        let local = self.now + host.ahead;
        if host.stuck.is_some() {
            return;
        }
        let Some(machine) = &mut host.machine else {
            return;
        };
        run(machine, local);
        let outgoing = machine.pump(local);
        self.facts.note(self.now, machine);
        let world = self.now;
        let mut witness = std::mem::take(&mut machine.witness);
        witness.look(Now { world, local }, &self.facts, machine, &self.config);
        machine.witness = witness;
        let from = machine.node.replica().clone();
        let superseded = machine.events.iter().find_map(|event| match event {
            Output::Superseded(incarnation) => Some(*incarnation),
            _ => None,
        });
        assert!(superseded.is_none_or(|theirs| theirs > from.incarnation()));
        for message in outgoing {
            self.send(at, &from, &message.to, message.bytes);
        }
        if superseded.is_some() {
            self.crash(at);
            self.start(at);
        }
    }

    fn send(&mut self, sender: usize, from: &ReplicaId, to: &To, bytes: Vec<u8>) {
        for at in 0..self.hosts.len() {
            let host = &self.hosts[at];
            let only = match to {
                To::Replica(id) if **id.node() == *host.name => Some(id.incarnation()),
                To::Replica(_) => continue,
                To::All => None,
                To::Shard(shard) => match &host.machine {
                    Some(machine) if machine.subscriptions.contains(shard) => None,
                    _ => continue,
                },
            };
            if at != sender || only.is_some() {
                let packet = Packet {
                    from: from.clone(),
                    to: at,
                    only,
                    bytes: bytes.clone(),
                };
                self.network.send(self.now, sender, packet);
            }
        }
    }

    fn deliver(&mut self, packet: Packet) {
        let host = &mut self.hosts[packet.to];
        let Some(machine) = &host.machine else {
            return;
        };
        let incarnation = machine.node.replica().incarnation();
        if packet.only.is_some_and(|only| only != incarnation) {
            return;
        }
        if let Some(arrived) = &mut host.stuck {
            arrived.push(packet);
            return;
        }
        self.with(packet.to, |machine, now| {
            machine.receive(now, &packet.from, &packet.bytes);
        });
    }

    /// Lets time pass, and everything happen that is due.
    pub(crate) fn run(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        loop {
            let next = self.next().min(end);
            self.now = self.now.max(next);
            while let Some(packet) = self.network.arrive(self.now) {
                self.deliver(packet);
            }
            for at in 0..self.hosts.len() {
                if self.next_of(at).is_some_and(|next| next <= self.now) {
                    self.with(at, Machine::tick);
                }
            }
            if self.now >= end && self.next() > end {
                return;
            }
        }
    }

    fn next(&self) -> u64 {
        let hosts = (0..self.hosts.len()).filter_map(|at| self.next_of(at));
        hosts.chain(self.network.next()).min().unwrap_or(u64::MAX)
    }

    fn next_of(&self, at: usize) -> Option<u64> {
        let host = &self.hosts[at];
        let machine = host.machine.as_ref().filter(|_| host.stuck.is_none())?;
        Some(machine.next().saturating_sub(host.ahead))
    }
}
