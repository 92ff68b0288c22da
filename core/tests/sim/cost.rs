//! What a cluster says to itself, by the number of its nodes: in idle minutes, in busy ones, and how long
//! it takes until all know what one knows.
//!
//! `cargo xtask sim --cost` prints it for up to a hundred nodes. All nodes look at the topic in which
//! things happen, which costs the most. The network is fair and takes 1 to 2 ms. Counted is what arrives at
//! a node, without what the bus adds to each message; on average a node sends as much.

use crate::scenario::TOPIC;
use crate::world::World;
use herenow_core::replica::NodeConfig;

const MINUTE: u64 = 60_000;

/// Of the table, for Markdown. What is received is for each node and second.
const HEADER: &str = "\
| nodes | idle: messages | bytes | busy: messages | bytes | a change is known after | a crash after | \
lists are equal after a partition |
| --- | --- | --- | --- | --- | --- | --- | --- |";

/// How often each node has somebody come, change or go in a busy minute.
const CHANGE_EVERY_MS: u64 = 1_000;

/// What a node received in a minute, each second.
struct Received {
    messages: f64,
    bytes: f64,
}

/// What a cluster of some size costs.
struct Cost {
    nodes: usize,
    idle: Received,
    busy: Received,
    /// Until all know of a change, at the most.
    change_ms: u64,
    /// Until nobody lists the users of a node that crashed.
    crash_ms: u64,
    /// Until all lists are equal after a minute in two halves.
    heal_ms: u64,
}

impl Cost {
    fn of(nodes: usize) -> Self {
        let names = (0..nodes).map(|at| format!("node-{at}.example.org"));
        let mut world = World::with_names(names.collect(), 1, NodeConfig::default());
        for at in 0..nodes {
            world.watch(at);
            world.come(at, 1, &format!("stays {at}"));
        }
        world.run(5_000);
        let idle = measure(&mut world, |world| world.run(MINUTE));
        let busy = measure(&mut world, |world| be_busy(world, MINUTE));
        Self {
            nodes,
            idle,
            busy,
            change_ms: after_a_change(&mut world),
            heal_ms: after_a_partition(&mut world),
            crash_ms: after_a_crash(&mut world),
        }
    }

    fn row(&self) -> String {
        let Self {
            nodes, idle, busy, ..
        } = self;
        let (change, crash, heal) = (self.change_ms, self.crash_ms, self.heal_ms);
        format!(
            "| {nodes} | {:.0} | {:.1} KB | {:.0} | {:.1} KB | {change} ms | {:.1} s | {:.1} s |",
            idle.messages,
            idle.bytes / 1e3,
            busy.messages,
            busy.bytes / 1e3,
            crash as f64 / 1e3,
            heal as f64 / 1e3,
        )
    }
}

/// What a node receives, on average, while something happens for a minute.
fn measure(world: &mut World, happens: impl FnOnce(&mut World)) -> Received {
    world.network.arrived = (0, 0);
    let started = world.now;
    happens(world);
    assert_eq!(world.now - started, MINUTE);
    let (messages, bytes) = world.network.arrived;
    let each = world.hosts.len() as f64 * (MINUTE as f64 / 1e3);
    Received {
        messages: messages as f64 / each,
        bytes: bytes as f64 / each,
    }
}

/// On each node somebody comes, changes and goes in turn; the nodes act one after another.
fn be_busy(world: &mut World, milliseconds: u64) {
    let (nodes, started) = (world.hosts.len(), world.now);
    let turns = milliseconds / CHANGE_EVERY_MS * nodes as u64;
    for turn in 0..turns {
        let (at, round) = (turn as usize % nodes, turn / nodes as u64);
        match round % 3 {
            0 => world.come(at, 2, &format!("{at} in round {round}")),
            1 => world.come(at, 2, &format!("{at}, changed in round {round}")),
            _ => world.go(at, 2),
        }
        let next = started + (turn + 1) * milliseconds / turns;
        world.run(next - world.now);
    }
}

/// How long it takes until all running nodes list the same, and as many as expected.
fn until_all_list(world: &mut World, expected: usize) -> u64 {
    let started = world.now;
    loop {
        let lists = world.running().map(|(_, machine)| machine.listed(TOPIC));
        let lists: Vec<_> = lists.collect();
        let are_equal = lists.iter().all(|list| *list == lists[0]);
        if are_equal && lists[0].len() == expected {
            return world.now - started;
        }
        assert!(world.now - started < MINUTE, "all agree in time");
        world.run(1);
    }
}

fn after_a_change(world: &mut World) -> u64 {
    let nodes = world.hosts.len();
    let times = (0..nodes.min(10)).map(|at| {
        world.run(100);
        world.come(at, 3, &format!("news of {at}"));
        let took = until_all_list(world, nodes + 1);
        world.run(100);
        world.go(at, 3);
        until_all_list(world, nodes).max(took)
    });
    times.max().expect("there is a node")
}

fn after_a_partition(world: &mut World) -> u64 {
    let nodes = world.hosts.len();
    for one in 0..nodes / 2 {
        for other in nodes / 2..nodes {
            world.network.cut(one, other);
            world.network.cut(other, one);
        }
    }
    be_busy(world, MINUTE);
    let lists: Vec<_> = world
        .running()
        .map(|(at, _)| world.seen(at).len())
        .collect();
    assert_eq!((lists[0], lists[nodes - 1]), (nodes / 2, nodes.div_ceil(2)));
    world.network.mend();
    until_all_list(world, nodes)
}

fn after_a_crash(world: &mut World) -> u64 {
    // In the middle between two heartbeats.
    world.run(500);
    world.crash(0);
    let left = world.hosts.len() - 1;
    until_all_list(world, left)
}

#[test]
fn heartbeats_and_changes_cost_what_they_say_and_everybody_knows_in_time() {
    let is_wanted = std::env::var_os("HERENOW_SIM_COST").is_some();
    let sizes: &[usize] = match is_wanted {
        true => &[3, 10, 30, 100],
        false => &[3, 10],
    };
    println!("{HEADER}");
    for nodes in sizes {
        let cost = Cost::of(*nodes);
        println!("{}", cost.row());
        let others = (*nodes - 1) as f64;
        assert_eq!(cost.idle.messages, others, "one heartbeat of each other");
        assert!(cost.busy.messages <= 2.1 * others, "and one change of each");
        assert!(cost.idle.bytes <= others * 40.0 * (others + 1.0).min(33.0));
        assert!(cost.change_ms <= 10);
        let config = NodeConfig::default();
        assert!(cost.crash_ms <= config.down_after_ms);
        assert!(cost.heal_ms <= 2 * config.heartbeat_ms);
    }
}
