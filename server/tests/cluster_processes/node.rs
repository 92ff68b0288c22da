//! A running `herenow serve`.

use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::log::Log;
use crate::support::DEADLINE;

/// One node, killed when it goes out of scope.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    process: Child,
    log: Log,
    /// Where clients reach it.
    pub(crate) address: String,
    /// Where other nodes reach it, if they do.
    pub(crate) for_nodes: Option<String>,
}

/// How to start a node.
pub(crate) struct Start {
    pub(crate) name: &'static str,
    /// The network namespace to run in.
    pub(crate) namespace: Option<String>,
    /// Where to listen for clients.
    pub(crate) listen: String,
    /// Where to listen for nodes, if the engine does.
    pub(crate) listen_for_nodes: Option<String>,
    /// Where to find the cluster; nowhere for its first node.
    pub(crate) cluster: Vec<String>,
    /// More flags.
    pub(crate) flags: Vec<String>,
}

impl Start {
    /// Starts the node, and waits until it listens.
    pub(crate) async fn start(self) -> Node {
        let (log, stderr) = Log::new(self.name);
        let process = self
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("it starts");
        let mut node = Node {
            name: self.name,
            process,
            log,
            address: String::new(),
            for_nodes: None,
        };
        node.address = node.log.after("listening on http://").await;
        if self.listen_for_nodes.is_some() {
            let listens = node.log.after(&format!("cluster: {}#", self.name)).await;
            let (_, address) = listens.rsplit_once("listens on ").expect("an address");
            node.for_nodes = Some(address.to_owned());
        }
        node
    }

    pub(crate) fn command(&self) -> Command {
        let herenow = env!("CARGO_BIN_EXE_herenow");
        let mut command = match &self.namespace {
            None => Command::new(herenow),
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, herenow]);
                command
            }
        };
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HERENOW_") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--node", self.name, "--listen", &self.listen]);
        if let Some(listen) = &self.listen_for_nodes {
            command.args(["--cluster-listen", listen]);
        }
        if !self.cluster.is_empty() {
            command.args(["--cluster", &self.cluster.join(",")]);
        }
        command.args(&self.flags);
        command
    }
}

impl Node {
    /// Waits until it wants traffic.
    pub(crate) async fn is_ready(&self) {
        let end = Instant::now() + DEADLINE;
        while !self.get("/readyz").await.starts_with("ready") {
            assert!(Instant::now() < end, "{} is ready in time", self.name);
            sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// What it knows of the cluster.
    pub(crate) async fn view(&self) -> Value {
        serde_json::from_str(&self.get("/cluster").await).expect("JSON")
    }

    /// The names and states of the other nodes, as it sees them.
    pub(crate) async fn replicas(&self) -> Vec<(String, String)> {
        let view = self.view().await;
        let replicas = view["replicas"].as_array().expect("a list").iter();
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        replicas
            .map(|replica| (text(&replica["node"]), text(&replica["state"])))
            .collect()
    }

    /// The body of the answer to a request.
    pub(crate) async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.expect("it listens");
        let host = &self.address;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        body.to_owned()
    }

    /// Waits until its log has this in it.
    pub(crate) async fn says(&self, text: &str) {
        self.log.after(text).await;
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let process = self.process.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &process]).status();
        assert!(kill.unwrap().success());
    }

    /// Ends it without a chance to say goodbye.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < end, "{} ends in time", self.name);
            sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end();
    }
}
