//! `cargo xtask scale`: how cost grows with members of a topic, topics, connections and nodes. Every point is
//! measured on servers that were started for it, and is one line of JSON.

use std::fmt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use serde_json::{Value, json};

use super::{Programs, build, put_load_on, result_of};
use crate::command::{Cmd, cmd};
use crate::running::Running;
use crate::system;

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Axis {
    /// Members of one topic
    Members,
    /// Topics, with one member each
    Topics,
    /// Connections, in topics of 50
    Connections,
    /// Nodes of a cluster
    Nodes,
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

impl Axis {
    fn points(self, quick: bool) -> &'static [usize] {
        match (self, quick) {
            (Self::Members, false) => &[10, 100, 1_000, 10_000, 100_000],
            (Self::Members, true) => &[10, 1_000],
            (Self::Topics, false) => &[1, 10, 100, 1_000, 10_000, 100_000],
            (Self::Topics, true) => &[1, 1_000],
            (Self::Connections, false) => &[100, 1_000, 5_000, 10_000, 18_000, 50_000],
            (Self::Connections, true) => &[100, 600],
            (Self::Nodes, false) => &[1, 2, 3, 4, 5],
            (Self::Nodes, true) => &[1, 2],
        }
    }
}

/// Connections that one process holds here: many a system allows it 20,000 open files. More are spread over
/// the nodes of a cluster, each with a load generator of its own.
const ON_ONE_NODE: usize = 19_000;

/// Connections over which topics are joined, at most.
const CONNECTIONS_FOR_TOPICS: usize = 500;

/// Joins that are timed at each point.
const JOINS: usize = 500;

/// Those whose memory on another node is measured.
const REPLICATED: Idle = Idle {
    clients: 10_000,
    per_topic: 50,
    topics_each: 1,
    joins: 0,
    seconds: 2,
};

/// Measures along these axes, or along all.
pub(crate) fn scale(axes: &[Axis], quick: bool) -> Result<()> {
    let programs = build()?;
    system::allow_open_files();
    for axis in Axis::value_variants() {
        if !axes.is_empty() && !axes.contains(axis) {
            continue;
        }
        for at in axis.points(quick) {
            let result = match axis {
                Axis::Members => members(&programs, *at)?,
                Axis::Topics => topics(&programs.herenow, *at)?,
                Axis::Connections => connections(&programs.herenow, *at)?,
                Axis::Nodes => nodes(&programs.herenow, *at)?,
            };
            println!(
                "{}",
                json!({"scale": axis.to_string(), "at": at, "result": result})
            );
        }
    }
    Ok(())
}

/// Fills a topic, and has newcomers come.
fn members(programs: &Programs, members: usize) -> Result<Value> {
    let server = Running::start(&programs.crowd, &["127.0.0.1:0"])?;
    let sockets = members.min(50).to_string();
    let members = members.to_string();
    let load = [
        "bigroom",
        "--newcomers",
        "50",
        "--members",
        &members,
        "--sockets",
        &sockets,
    ];
    put_load_on(&programs.herenow, &[server], load)
}

/// Fills so many topics with one member each, and has others join beside them.
fn topics(herenow: &Path, topics: usize) -> Result<Value> {
    let clients = topics.min(CONNECTIONS_FOR_TOPICS);
    let each = topics / clients;
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--max-channels",
        &each.to_string(),
    ];
    let server = Running::start(herenow, &serve)?;
    let load = Idle {
        clients,
        per_topic: 1,
        topics_each: each,
        joins: JOINS,
        seconds: 1,
    };
    put_load_on(herenow, &[server], load.arguments())
}

/// Connects so many clients, and has others join beside them.
fn connections(herenow: &Path, connections: usize) -> Result<Value> {
    let count = connections.div_ceil(ON_ONE_NODE);
    let idle = |number, joins, seconds| Idle {
        clients: connections / count + usize::from(number < connections % count),
        per_topic: 50,
        topics_each: 1,
        joins,
        seconds,
    };
    if count == 1 {
        let server = Running::start(herenow, &["serve", "--listen", "127.0.0.1:0"])?;
        return put_load_on(herenow, &[server], idle(0, JOINS, 1).arguments());
    }
    let nodes = Running::start_cluster(herenow, count)?;
    // Those that are ready first wait for the others; one of them has others join meanwhile.
    let loads = nodes.iter().enumerate().map(|(number, node)| {
        let joins = if number == 0 { JOINS } else { 0 };
        one_load(herenow, node, node, &idle(number, joins, 20))
    });
    let results = thread::scope(|scope| {
        let running: Vec<_> = loads.map(|load| scope.spawn(|| result_of(load))).collect();
        running
            .into_iter()
            .map(|load| load.join().map_err(|_| anyhow!("a load has panicked"))?)
            .collect::<Result<Vec<_>>>()
    })?;
    Ok(json!({
        "nodes": count,
        "clients": connections,
        "bytes_per_client": mean(&results, "/bytes_per_client")?,
        "seen_ms": results[0]["seen_ms"],
        "loads": results,
    }))
}

/// Fills one node, to see what that takes on another, and then has members come on all nodes.
fn nodes(herenow: &Path, count: usize) -> Result<Value> {
    let nodes = Running::start_cluster(herenow, count)?;
    let (Some(first), Some(last)) = (nodes.first(), nodes.last()) else {
        return Ok(Value::Null);
    };
    // With one node, that is what a member takes on its own.
    let unwatched = result_of(one_load(herenow, first, last, &REPLICATED))?;
    let watched = match count {
        1 => Value::Null,
        _ => fill_while_watched(herenow, first, last)?,
    };
    let (scenario, rate) = (if count == 1 { "steady" } else { "cluster" }, "50");
    let joins = JOINS.to_string();
    let load = [scenario, "--rate", rate, "--joins", &joins];
    let joining = put_load_on(herenow, &nodes, load)?;
    Ok(json!({
        "seen_ms": joining["seen_ms"],
        "server_cpu_seconds": joining["server"]["cpu_seconds"],
        "joins": joining["joins"],
        "bytes_per_presence": watched["bytes_per_client"],
        "bytes_per_presence_unwatched": unwatched["bytes_per_client"],
    }))
}

/// Fills the first node while there is somebody on the last in each of the topics: a node holds only what
/// somebody looks at.
fn fill_while_watched(herenow: &Path, first: &Running, last: &Running) -> Result<Value> {
    const TOPIC: [&str; 2] = ["--topic", "room:watched-{number}"];
    let watching = Idle {
        clients: REPLICATED.clients / REPLICATED.per_topic,
        per_topic: 1,
        seconds: 25,
        ..REPLICATED
    };
    let watching = one_load(herenow, last, last, &watching).args(TOPIC);
    let filling = one_load(herenow, first, last, &REPLICATED).args(TOPIC);
    thread::scope(|scope| {
        let watching = scope.spawn(|| result_of(watching));
        thread::sleep(Duration::from_secs(3));
        let filled = result_of(filling);
        let watched = watching.join();
        watched.map_err(|_| anyhow!("a load has panicked"))??;
        filled
    })
}

/// Puts idle clients on one node and measures what that takes on another, or on the same.
fn one_load(herenow: &Path, node: &Running, measured: &Running, idle: &Idle) -> Cmd {
    let pid = measured.pid().to_string();
    let load = cmd(herenow, ["bench", node.url()]).args(idle.arguments());
    load.args(["--server-pid", &pid])
}

/// The sizes of `herenow bench URL idle`.
struct Idle {
    clients: usize,
    per_topic: usize,
    topics_each: usize,
    joins: usize,
    seconds: usize,
}

impl Idle {
    fn arguments(&self) -> Vec<String> {
        let flags = [
            ("--clients", self.clients),
            ("--per-topic", self.per_topic),
            ("--topics-each", self.topics_each),
            ("--joins", self.joins),
            ("--seconds", self.seconds),
        ];
        let flags = flags
            .iter()
            .flat_map(|(flag, value)| [flag.to_string(), value.to_string()]);
        ["idle".to_owned()].into_iter().chain(flags).collect()
    }
}

fn mean(results: &[Value], pointer: &str) -> Result<f64> {
    let values = results.iter().map(|result| {
        let value = result.pointer(pointer).and_then(Value::as_f64);
        value.with_context(|| format!("no number at {pointer} in {result}"))
    });
    let sum = values.sum::<Result<f64>>()?;
    Ok(sum / results.len() as f64)
}
