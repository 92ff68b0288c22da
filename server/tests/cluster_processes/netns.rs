//! Networks of network namespaces: hosts on a switch of their own, cut off from each other at will.
//!
//! All addresses exist in the namespaces only. A host whose way to another is cut sends into a black
//! hole, as through a cable that is broken: nobody is told. That needs root and `ip`, and a test that has
//! neither fails and says so.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::time::{Instant, sleep};

use crate::cluster::Engine;
use crate::log::Log;
use crate::node::{Node, Start};
use crate::support::DEADLINE;

/// A switch, with the test at it.
pub(crate) struct Switch {
    /// What the names of this network's namespaces begin with.
    prefix: String,
    engine: Engine,
    broker: Option<Broker>,
}

/// The hosts that a network has: nodes, and the broker.
pub(crate) const HOSTS: [&str; 4] = ["a", "b", "c", "broker"];
const BROKER: &str = "broker";
const TESTS_OWN_ADDRESS: &str = "10.77.0.254/24";
const PORT: u16 = 4000;
const PORT_FOR_NODES: u16 = 7447;
const BROKER_PORT: u16 = 4222;

struct Broker {
    process: Child,
    /// Shown if the test fails.
    _log: Log,
}

/// Runs a test at the switch of a network of its own.
pub(crate) fn at_a_switch(engine: Engine, test: impl AsyncFnOnce(Switch) + Send + 'static) {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test makes network namespaces: run it as root"
    );
    // A thread of its own: it never leaves the namespace that it enters.
    let tester = std::thread::spawn(move || run(Switch::new(engine), test));
    if let Err(panic) = tester.join() {
        std::panic::resume_unwind(panic);
    }
}

fn run(mut switch: Switch, test: impl AsyncFnOnce(Switch)) {
    let namespace = File::open(format!("/run/netns/{}", switch.name("switch"))).unwrap();
    // From here on whatever this thread connects to, it does so from within the network.
    let network = Some(LinkNameSpaceType::Network);
    move_into_link_name_space(namespace.as_fd(), network).expect("entering a namespace");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        switch.start_broker().await;
        test(switch).await;
    });
}

impl Switch {
    fn new(engine: Engine) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let switch = Self {
            prefix: format!("herenow-{}-{number}", std::process::id()),
            engine,
            broker: None,
        };
        let hub = switch.name("switch");
        ip(&["netns", "add", &hub]);
        ip(&["-n", &hub, "link", "add", "bridge", "type", "bridge"]);
        ip(&[
            "-n",
            &hub,
            "addr",
            "add",
            TESTS_OWN_ADDRESS,
            "dev",
            "bridge",
        ]);
        for device in ["lo", "bridge"] {
            ip(&["-n", &hub, "link", "set", device, "up"]);
        }
        for host in HOSTS {
            switch.plug_in(&hub, host);
        }
        switch
    }

    fn plug_in(&self, hub: &str, host: &str) {
        let namespace = self.name(host);
        let port = format!("to-{host}");
        let address = format!("{}/24", address(host));
        ip(&["netns", "add", &namespace]);
        let link = ["link", "add", &port, "type", "veth", "peer", "name", "host"];
        ip(&[&["-n", hub], &link[..], &["netns", &namespace]].concat());
        ip(&["-n", hub, "link", "set", &port, "master", "bridge", "up"]);
        ip(&["-n", &namespace, "addr", "add", &address, "dev", "host"]);
        for device in ["lo", "host"] {
            ip(&["-n", &namespace, "link", "set", device, "up"]);
        }
    }

    fn name(&self, host: &str) -> String {
        format!("{}-{host}", self.prefix)
    }

    /// What `from` sends to `to` is lost from now on.
    pub(crate) fn cut(&self, from: &str, to: &str) {
        self.route("add", from, to);
    }

    /// It arrives again.
    pub(crate) fn heal(&self, from: &str, to: &str) {
        self.route("del", from, to);
    }

    /// Cuts a node off from all others, and from the broker if there is one, in both directions.
    pub(crate) fn cut_off(&self, node: &str) {
        for other in self.others(node) {
            self.cut(node, other);
            self.cut(other, node);
        }
    }

    /// Undoes [`cut_off`](Self::cut_off).
    pub(crate) fn reconnect(&self, node: &str) {
        for other in self.others(node) {
            self.heal(node, other);
            self.heal(other, node);
        }
    }

    fn others(&self, node: &str) -> impl Iterator<Item = &'static str> {
        HOSTS.into_iter().filter(move |host| *host != node)
    }

    fn route(&self, action: &str, from: &str, to: &str) {
        let (namespace, to) = (self.name(from), format!("{}/32", address(to)));
        ip(&["-n", &namespace, "route", action, "blackhole", &to]);
    }

    /// Starts three nodes that know each other; the first one is the seed.
    pub(crate) async fn three(&self) -> [Node; 3] {
        let seed = format!("tcp/{}:{PORT_FOR_NODES}", address("a"));
        let a = self.node("a", Vec::new()).await;
        let b = self.node("b", vec![seed.clone()]).await;
        let c = self.node("c", vec![seed]).await;
        let nodes = [a, b, c];
        crate::cluster::know_each_other(&nodes.each_ref()).await;
        nodes
    }

    async fn node(&self, name: &'static str, seeds: Vec<String>) -> Node {
        let listen_for_nodes = format!("tcp/{}:{PORT_FOR_NODES}", address(name));
        let broker = format!("nats://{}:{BROKER_PORT}", address(BROKER));
        let start = Start {
            name,
            namespace: Some(self.name(name)),
            listen: format!("{}:{PORT}", address(name)),
            listen_for_nodes: (self.engine == Engine::Zenoh).then_some(listen_for_nodes),
            cluster: match self.engine {
                Engine::Zenoh => seeds,
                Engine::Nats => vec![broker],
            },
            flags: Vec::new(),
        };
        start.start().await
    }

    async fn start_broker(&mut self) {
        if self.engine != Engine::Nats {
            return;
        }
        let (log, stderr) = Log::new(BROKER);
        let process = Command::new("ip")
            .args(["netns", "exec", &self.name(BROKER)])
            .arg(crate::nats_server::program())
            .args([
                "--addr",
                &address(BROKER),
                "--port",
                &BROKER_PORT.to_string(),
            ])
            .stdin(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("nats-server starts");
        self.broker = Some(Broker { process, _log: log });
        let end = Instant::now() + DEADLINE;
        let at = format!("{}:{BROKER_PORT}", address(BROKER));
        while tokio::net::TcpStream::connect(&at).await.is_err() {
            assert!(Instant::now() < end, "nats-server listens in time");
            sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if let Some(broker) = &mut self.broker {
            let _ = broker.process.kill();
            let _ = broker.process.wait();
        }
        for host in HOSTS.into_iter().chain(["switch"]) {
            let _ = Command::new("ip")
                .args(["netns", "del", &self.name(host)])
                .stderr(Stdio::null())
                .status();
        }
    }
}

fn address(host: &str) -> String {
    let number = HOSTS.iter().position(|known| *known == host);
    format!("10.77.0.{}", number.expect("a host of the network") + 1)
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output();
    let output = output.expect("these tests need `ip`: `apt-get install iproute2` on Debian");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "ip {}: {errors}",
        arguments.join(" ")
    );
}
