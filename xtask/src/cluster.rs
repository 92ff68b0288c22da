//! `cargo xtask cluster N`: a cluster of several nodes on this machine, with the demo page on each.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::{
    package,
    run::check_port,
    server,
    signal::{self, Signal},
    workspace::{package_dir, root, target_dir},
};

/// How far the port on which a node listens for others is from that for clients: 4000 makes 7447, which is
/// zenoh's.
const TO_PORT_FOR_NODES: u16 = 3447;

/// How often it is looked whether a node has ended.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long nodes may take to stop; they give their connections 10 s.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// Starts `count` nodes with the demo page on `port` and the ports after it, until Ctrl-C.
pub(crate) fn cluster(count: u16, port: u16) -> Result<()> {
    let nodes: Vec<Node> = (0..count).map(|number| Node::new(number, port)).collect();
    for node in &nodes {
        check_port(node.port)?;
        check_port(node.port_for_nodes)?;
    }
    package::build(false)?;
    let server = server::build_with(false, &["zenoh"])?;
    let secret = write_secret()?;
    let stop = stop_signal()?;

    let mut running = Vec::new();
    for node in &nodes {
        let child = node.start(&server, &secret, &nodes);
        running.push((node, Running(child?)));
    }
    print_links(&running);
    wait(&mut running, &stop);
    stop_all(&mut running);
    Ok(())
}

/// One node of the cluster.
struct Node {
    name: String,
    port: u16,
    port_for_nodes: u16,
}

/// A process that does not outlive us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Node {
    fn new(number: u16, first_port: u16) -> Self {
        let port = first_port.saturating_add(number);
        Self {
            name: format!("node-{}", number.saturating_add(1)),
            port,
            port_for_nodes: port.saturating_add(TO_PORT_FOR_NODES),
        }
    }

    fn address(&self) -> String {
        format!("tcp/127.0.0.1:{}", self.port_for_nodes)
    }

    /// Starts it with all nodes as its seeds, so that any of them may be missing.
    fn start(&self, server: &Path, secret: &Path, all: &[Self]) -> Result<Child> {
        let seeds: Vec<String> = all.iter().map(Self::address).collect();
        let mut command = Command::new(server);
        shield_from_terminal(&mut command);
        command
            .args(["serve", "--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--node", &self.name, "--cluster", &seeds.join(",")])
            .args(["--cluster-listen", &self.address()])
            .args(["--cluster-name", "demo", "--log", "warn"])
            .arg("--cluster-secret-file")
            .arg(secret)
            .arg("--www")
            .arg(root().join("www"))
            .arg("--client")
            .arg(package_dir())
            .spawn()
            .with_context(|| format!("{} could not be started", self.name))
    }
}

/// A secret for the nodes of this run.
fn write_secret() -> Result<PathBuf> {
    let file = target_dir()?.join("demo-cluster-secret");
    let half = |number: u8| RandomState::new().hash_one(number);
    fs::write(&file, format!("{:016x}{:016x}\n", half(0), half(1)))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// Receives something when this command is to stop.
fn stop_signal() -> Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    // Nobody listens any more once the nodes are stopping.
    ctrlc::set_handler(move || _ = sender.send(())).context("cannot listen for Ctrl-C")?;
    Ok(receiver)
}

fn print_links(running: &[(&Node, Running)]) {
    println!(
        "\nA cluster of {}. Open pages of different nodes, and watch them see each other:\n",
        running.len()
    );
    let names = ["Alice", "Bob", "Carol", "Dave"];
    for ((node, process), user) in running.iter().zip(names.iter().cycle()) {
        let (port, name, pid) = (node.port, &node.name, process.0.id());
        println!("    http://localhost:{port}/?name={user}    {name}, process {pid}");
    }
    let first = running.first().map_or(0, |(node, _)| node.port);
    println!(
        "\nWhat a node knows of the others: http://localhost:{first}/cluster\
         \nSee how the others notice when a node dies: kill -9 and the number of its process.\
         \nCtrl-C stops all.\n"
    );
}

/// Waits for the signal to stop, or until all nodes have ended.
fn wait(running: &mut Vec<(&Node, Running)>, stop: &Receiver<()>) {
    while !running.is_empty() && stop.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
        running.retain_mut(|(node, process)| match process.0.try_wait() {
            Ok(Some(status)) => {
                println!("{} has ended: {status}", node.name);
                false
            }
            _ => true,
        });
    }
}

/// Asks all nodes to stop, and waits for them as long as they may take.
fn stop_all(running: &mut Vec<(&Node, Running)>) {
    for (_, process) in running.iter() {
        signal::send(Signal::Terminate, process.0.id());
    }
    let end = Instant::now() + STOP_WITHIN;
    while !running.is_empty() && Instant::now() < end {
        running.retain_mut(|(_, process)| !matches!(process.0.try_wait(), Ok(Some(_))));
        std::thread::sleep(LOOK_EVERY / 4);
    }
    // Those that are left are killed as they are dropped.
    running.clear();
}

/// A Ctrl-C in the terminal is for us alone: a node that hears of it twice stops without a word.
#[cfg(unix)]
fn shield_from_terminal(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn shield_from_terminal(_: &mut Command) {}
