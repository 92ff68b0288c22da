//! What a node of a cluster takes whose users look at nothing of what goes on, beside one whose users look
//! at all of it.
//!
//! Members are present on the first of three nodes. On the second somebody is in each of their topics; on
//! the third there is nobody. Then more members come and go on the first as fast as it lets them.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::put_load_on;
use crate::running::Running;

/// How long members may take to be known on the second node.
const PATIENCE: Duration = Duration::from_secs(60);

/// What members stay for, unless they are sent away before: longer than the measurement takes.
const STAY: &str = "600";

/// How much of it there is.
pub(super) struct Size {
    /// Members on the first node who stay.
    pub(super) members: usize,
    pub(super) topics: usize,
    /// For how long others come and go.
    pub(super) seconds: u64,
}

/// Clients that stay until this is dropped.
struct Staying(Child);

impl Drop for Staying {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a node has and has received, at a moment.
struct View {
    resident_bytes: u64,
    presences: u64,
    received_bytes: u64,
}

impl View {
    fn of(node: &Running) -> Result<Self> {
        let answer = node.get("/cluster")?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no HTTP")?;
        let cluster: Value = serde_json::from_str(body)?;
        let number = |pointer: &str| {
            let number = cluster.pointer(pointer).and_then(Value::as_u64);
            number.with_context(|| format!("no {pointer} in {cluster}"))
        };
        Ok(Self {
            resident_bytes: resident_bytes(node.pid())?,
            presences: number("/presences")?,
            received_bytes: number("/bus/received/bytes")?,
        })
    }
}

pub(super) fn measure(herenow: &Path, size: &Size) -> Result<Value> {
    let nodes = Running::start_cluster(herenow, 3)?;
    let [busy, interested, bystander] = nodes.as_slice() else {
        bail!("there are three nodes");
    };
    let others = [interested, bystander];
    let empty = others.map(View::of);
    let (members, topics) = (size.members, size.topics);
    let _members = stay(herenow, busy, members, members.div_ceil(topics))?;
    let _lookers = stay(herenow, interested, topics, 1)?;
    wait_for_presences(interested, members + topics)?;

    let before = others.map(View::of);
    let started = Instant::now();
    let seconds = size.seconds.to_string();
    let (clients, topics) = ((2 * topics).to_string(), topics.to_string());
    let churn = ["churn", "--seconds", &seconds, "--topic", TOPIC];
    let churn = [&churn[..], &["--clients", &clients, "--topics", &topics]].concat();
    let churn = put_load_on(herenow, std::slice::from_ref(busy), &churn)?;
    let took = started.elapsed();
    let after = others.map(View::of);

    let mut nodes = Vec::new();
    for ((empty, before), after) in empty.into_iter().zip(before).zip(after) {
        nodes.push(cost(&empty?, &before?, &after?, took));
    }
    let [interested, bystander] = nodes.as_slice() else {
        bail!("there are two other nodes");
    };
    Ok(json!({
        "members": members,
        "topics": size.topics,
        "cycles_per_second": churn["cycles_per_second"],
        "interested": interested,
        "bystander": bystander,
    }))
}

const TOPIC: &str = "room:looked-at-{number}";

/// Has clients join on a node and stay.
fn stay(herenow: &Path, node: &Running, clients: usize, per_topic: usize) -> Result<Staying> {
    let (clients, per_topic) = (clients.to_string(), per_topic.to_string());
    let child = Command::new(herenow)
        .args(["bench", node.url(), "idle", "--clients", &clients])
        .args(["--per-topic", &per_topic, "--topic", TOPIC])
        .args(["--seconds", STAY, "--timeout", STAY])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("the load generator could not be started")?;
    Ok(Staying(child))
}

fn wait_for_presences(node: &Running, expected: usize) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while View::of(node)?.presences < expected as u64 {
        if Instant::now() > deadline {
            bail!("there are not {expected} presences after {PATIENCE:?}");
        }
        sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn cost(empty: &View, before: &View, after: &View, took: Duration) -> Value {
    let received = after.received_bytes - before.received_bytes;
    json!({
        "presences": before.presences,
        "memory_bytes": after.resident_bytes.saturating_sub(empty.resident_bytes),
        "received_bytes_per_second": (received as f64 / took.as_secs_f64()).round(),
    })
}

/// What memory a process has, as Linux tells it.
fn resident_bytes(pid: u32) -> Result<u64> {
    let file = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes = kilobytes.and_then(|number| number.trim().parse::<u64>().ok());
    let kilobytes = kilobytes.with_context(|| format!("no VmRSS in {file}"))?;
    Ok(kilobytes * 1024)
}
