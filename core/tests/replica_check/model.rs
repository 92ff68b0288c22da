//! A few replicas with scripts, on a network that may lose, double and reorder anything.

use herenow_core::replica::{
    ChannelId, Node, NodeConfig, Output, ReplicaId, Shard, ShardConfig, To,
};
use stateright::{Model, Property};
use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::sync::Arc;

const TOPIC: &str = "t";
const KEY: &str = "a";
const HEARTBEAT_MS: u64 = 1_000;

/// What one replica will do to its presences, in this order, if it gets to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Come(u64),
    /// With another meta than before.
    Change(u64),
    Go(u64),
    /// Dies and starts anew; everything it had is gone.
    Restart,
}

/// What is explored.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    /// What each replica does.
    pub(crate) scripts: Vec<Vec<Op>>,
    /// How many heartbeats the clock of each replica goes on.
    pub(crate) heartbeats: Vec<u64>,
    /// Whether they know each other in the beginning.
    pub(crate) have_met: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Do(usize),
    Heartbeat(usize),
    Deliver(Envelope),
}

/// A message on the network. It stays there, and may arrive any number of times, or never.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Envelope {
    from: ReplicaId,
    to: usize,
    only: Option<u64>,
    bytes: Vec<u8>,
}

type Metas = BTreeSet<Arc<str>>;

#[derive(Clone)]
pub(crate) struct State {
    machines: Vec<Machine>,
    network: BTreeSet<Envelope>,
}

#[derive(Clone, Hash)]
struct Machine {
    node: Node,
    shards: Vec<Shard>,
    now: u64,
    done: usize,
    heartbeats: u64,
    /// What its diffs add up to.
    told: Metas,
    /// What its presences were at each version, in all its lives.
    history: Vec<Metas>,
    /// How far into each other's history it has seen.
    seen: Vec<usize>,
    problem: Option<String>,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.machines, &self.network).hash(state);
    }
}

/// States are told apart by their hashes, as the checker does itself.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        let hash = |state: &Self| BuildHasherDefault::<DefaultHasher>::default().hash_one(state);
        hash(self) == hash(other)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for machine in &self.machines {
            let members: Vec<_> = machine.node.members().collect();
            writeln!(
                f,
                "{:?} {:?} {members:?}",
                machine.listed(),
                machine.problem
            )?;
        }
        write!(f, "{} messages", self.network.len())
    }
}

fn config() -> NodeConfig {
    NodeConfig {
        shards: 1,
        heartbeat_ms: HEARTBEAT_MS,
        down_after_ms: 2 * HEARTBEAT_MS,
        permdown_after_ms: 4 * HEARTBEAT_MS,
        pull_retry_ms: HEARTBEAT_MS,
        publish_ms: 0,
        pull_delay_ms: 0,
        ..NodeConfig::default()
    }
}

impl Machine {
    fn start(now: u64, at: usize, incarnation: u64, machines: usize) -> Self {
        let id = ReplicaId::new(format!("n{at}"), incarnation);
        let shard_config = ShardConfig {
            window_ms: 0,
            max_removals: 1,
            ..ShardConfig::default()
        };
        let mut machine = Self {
            node: Node::new(now, id.clone(), config()).expect("settings that work"),
            shards: vec![Shard::new(id, 0, shard_config)],
            now,
            done: 0,
            heartbeats: 0,
            told: Metas::new(),
            history: vec![Metas::new()],
            seen: vec![0; machines],
            problem: None,
        };
        machine.node.want(now, 0);
        machine
    }

    fn listed(&self) -> Metas {
        self.shards[0].get_by_key(TOPIC, KEY).into_iter().collect()
    }

    fn own(&self) -> Metas {
        let own = (0..3).flat_map(|channel| self.shards[0].get_by_channel(ChannelId(channel)));
        own.map(|(_, _, meta)| Arc::clone(meta)).collect()
    }

    fn act(&mut self, op: Op) {
        let (now, shard) = (self.now, &mut self.shards[0]);
        match op {
            Op::Come(channel) => {
                let come = shard.track(now, TOPIC, ChannelId(channel), KEY, "{}");
                come.expect("it is new");
            }
            Op::Change(channel) => {
                let meta = format!(r#"{{"n":{}}}"#, self.done);
                let change = shard.update(now, TOPIC, ChannelId(channel), KEY, &meta);
                change.expect("it is there");
            }
            Op::Go(channel) => assert!(shard.untrack(now, TOPIC, ChannelId(channel), KEY)),
            Op::Restart => unreachable!("the cluster does that"),
        }
        self.history.push(self.own());
        self.node.changed(now, 0, &mut self.shards);
    }

    /// Takes what the node and the shard have to say.
    fn drain(&mut self) -> Vec<(To, Vec<u8>)> {
        let mut sent = Vec::new();
        while let Some(output) = self.node.poll() {
            if let Output::Send { to, bytes } = output {
                sent.push((to, bytes));
            }
        }
        while let Some(diff) = self.shards[0].poll_diff(self.now) {
            let listed = self.listed();
            for (_, joined) in diff.joins.iter() {
                for meta in joined {
                    if !listed.contains(meta) || !self.told.insert(Arc::clone(meta)) {
                        self.problem = Some(format!("{meta} is announced wrongly"));
                    }
                }
            }
            for (_, left) in diff.leaves.iter() {
                for meta in left {
                    if !self.told.remove(meta) {
                        self.problem = Some(format!("{meta} leaves without having joined"));
                    }
                }
            }
        }
        if self.told != self.listed() {
            self.problem = Some("the diffs do not add up to the list".into());
        }
        sent
    }
}

impl State {
    fn new(cluster: &Cluster) -> Self {
        let count = cluster.scripts.len();
        let machines = (0..count).map(|at| Machine::start(0, at, 1, count));
        let mut state = Self {
            machines: machines.collect(),
            network: BTreeSet::new(),
        };
        if cluster.have_met {
            state.calm_rounds(2);
        }
        state
    }

    /// Sends what a machine has to say, and checks what it lists.
    fn settle(&mut self, at: usize) {
        let sent = self.machines[at].drain();
        let from = self.machines[at].node.replica().clone();
        for (to, bytes) in sent {
            for other in 0..self.machines.len() {
                let only = match &to {
                    To::Replica(id) if **id.node() == *format!("n{other}") => {
                        Some(id.incarnation())
                    }
                    To::Replica(_) => continue,
                    To::All | To::Shard(_) => None,
                };
                if other != at {
                    self.network.insert(Envelope {
                        from: from.clone(),
                        to: other,
                        only,
                        bytes: bytes.clone(),
                    });
                }
            }
        }
        self.check_facts(at);
    }

    /// What a machine lists of another is what that had at some time, and never goes back in time; or
    /// nothing, if it is down.
    fn check_facts(&mut self, at: usize) {
        let listed = self.machines[at].listed();
        for other in 0..self.machines.len() {
            if other == at {
                continue;
            }
            let history = &self.machines[other].history;
            let all: Metas = history.iter().flatten().cloned().collect();
            let of_other: Metas = listed.intersection(&all).cloned().collect();
            if of_other.is_empty() {
                continue;
            }
            let from = self.machines[at].seen[other];
            let found = (from..history.len()).find(|version| history[*version] == of_other);
            match found {
                Some(version) => self.machines[at].seen[other] = version,
                None => {
                    let problem = format!("{of_other:?} of n{other} never was, or is out of date");
                    self.machines[at].problem = Some(problem);
                }
            }
        }
    }

    fn deliver(&mut self, envelope: &Envelope) {
        let machine = &mut self.machines[envelope.to];
        let incarnation = machine.node.replica().incarnation();
        if envelope.only.is_some_and(|only| only != incarnation) {
            return;
        }
        let (now, shards) = (machine.now, &mut machine.shards);
        let handled = machine
            .node
            .handle(now, &envelope.from, &envelope.bytes, shards);
        assert_eq!(handled, Ok(()));
        machine.node.handle_timeout(now, shards);
        self.settle(envelope.to);
    }

    fn beat(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        machine.now += HEARTBEAT_MS;
        machine.heartbeats += 1;
        machine
            .node
            .handle_timeout(machine.now, &mut machine.shards);
        self.settle(at);
    }

    fn act(&mut self, at: usize, op: Op) {
        let count = self.machines.len();
        let machine = &mut self.machines[at];
        if op == Op::Restart {
            let incarnation = machine.node.replica().incarnation() + 1;
            let mut history = std::mem::take(&mut machine.history);
            history.push(Metas::new());
            let fresh = Machine::start(machine.now, at, incarnation, count);
            let (done, heartbeats) = (machine.done, machine.heartbeats);
            *machine = Machine {
                done,
                heartbeats,
                history,
                ..fresh
            };
            machine
                .node
                .handle_timeout(machine.now, &mut machine.shards);
        } else {
            machine.act(op);
        }
        self.machines[at].done += 1;
        self.settle(at);
    }

    /// Rounds in which all clocks go on and everything arrives, once and in order.
    fn calm_rounds(&mut self, rounds: usize) {
        for _ in 0..rounds {
            for at in 0..self.machines.len() {
                self.beat(at);
            }
            for _ in 0..8 {
                for envelope in std::mem::take(&mut self.network) {
                    self.deliver(&envelope);
                }
            }
        }
        self.network.clear();
    }

    /// Whether, if all that is on the way got lost and then all went well, all would list what there
    /// is.
    fn would_converge(&self) -> bool {
        let mut later = self.clone();
        later.network.clear();
        later.calm_rounds(5);
        later.agree() && later.is_sound()
    }

    fn agree(&self) -> bool {
        let all: Metas = self.machines.iter().flat_map(Machine::own).collect();
        self.machines.iter().all(|machine| machine.listed() == all)
    }

    fn is_sound(&self) -> bool {
        self.machines
            .iter()
            .all(|machine| machine.problem.is_none())
    }
}

impl Model for Cluster {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (at, machine) in state.machines.iter().enumerate() {
            if machine.done < self.scripts[at].len() {
                actions.push(Action::Do(at));
            }
            let met = if self.have_met { 2 } else { 0 };
            if machine.heartbeats < self.heartbeats[at] + met {
                actions.push(Action::Heartbeat(at));
            }
        }
        actions.extend(state.network.iter().cloned().map(Action::Deliver));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Do(at) => next.act(at, self.scripts[at][state.machines[at].done]),
            Action::Heartbeat(at) => next.beat(at),
            Action::Deliver(envelope) => next.deliver(&envelope),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "what is announced is listed, and what is listed was so",
                |_, state: &State| state.is_sound(),
            ),
            Property::always(
                "when all goes well again, all list what there is",
                |_, state: &State| state.would_converge(),
            ),
            Property::sometimes(
                "all have done all and agree",
                |cluster: &Self, state: &State| {
                    let machines = state.machines.iter().zip(&cluster.scripts);
                    let mut machines = machines;
                    machines.all(|(machine, script)| machine.done == script.len()) && state.agree()
                },
            ),
        ]
    }
}
