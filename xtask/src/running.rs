//! Servers that are started to be measured, and ended when that is done.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What the first line of a server's stderr begins with.
const LISTENING: &str = "listening on ";

/// How long the nodes of a cluster may take to find each other.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a server may take to answer a request.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A node of a cluster on this machine, which may be started again and again.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    listen: String,
    link: String,
    others: String,
}

impl Node {
    /// Nodes that know each other's addresses. Nothing keeps others from taking their ports meanwhile, but
    /// ephemeral ports are given out in turn.
    pub(crate) fn all(nodes: usize) -> Result<Vec<Self>> {
        // All listeners are there at once, so that no port comes twice.
        let free = || TcpListener::bind("127.0.0.1:0");
        let listeners: Vec<_> = (0..2 * nodes).map(|_| free()).collect::<Result<_, _>>()?;
        let addresses = listeners.iter().map(TcpListener::local_addr);
        let addresses: Vec<_> = addresses.collect::<Result<_, _>>()?;
        let (listens, links) = addresses.split_at(nodes);
        let links: Vec<_> = links.iter().map(|link| format!("tcp/{link}")).collect();
        let nodes = listens.iter().zip(&links).enumerate();
        Ok(nodes
            .map(|(number, (listen, link))| {
                let others = links.iter().filter(|other| *other != link);
                Self {
                    name: format!("node-{number}"),
                    listen: listen.to_string(),
                    link: link.clone(),
                    others: others.cloned().collect::<Vec<_>>().join(","),
                }
            })
            .collect())
    }

    /// Starts it.
    pub(crate) fn start(&self, program: &Path) -> Result<Running> {
        let mut arguments = vec!["serve", "--listen", &self.listen, "--node", &self.name];
        // That clients send garbage, or nodes go, is what is wanted.
        arguments.extend(["--cluster-listen", &self.link, "--log", "error"]);
        if !self.others.is_empty() {
            arguments.extend(["--cluster", &self.others]);
        }
        Running::start(program, &arguments)
    }
}

/// A running server. Dropping it kills the process, and no other.
pub(crate) struct Running {
    process: Child,
    url: String,
}

impl Running {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            // Settings of a server that somebody works with are none of this one's.
            if name.to_string_lossy().starts_with("HERENOW_") {
                command.env_remove(name);
            }
        }
        let process = command
            .spawn()
            .with_context(|| format!("`{}` could not be started", program.display()))?;
        let mut running = Self {
            process,
            url: String::new(),
        };
        let stderr = running.process.stderr.take().context("it has no stderr")?;
        let mut stderr = BufReader::new(stderr);
        let mut first = String::new();
        stderr.read_line(&mut first)?;
        match first.trim().strip_prefix(LISTENING) {
            Some(url) => running.url = url.to_owned(),
            None => bail!(
                "`{}` says {first:?} instead of where it listens",
                program.display()
            ),
        }
        thread::spawn(move || pass_on(stderr));
        Ok(running)
    }

    /// Starts the nodes of a cluster and waits until each knows the others.
    pub(crate) fn start_cluster(program: &Path, nodes: usize) -> Result<Vec<Self>> {
        let nodes = Node::all(nodes)?;
        let running: Result<Vec<_>> = nodes.iter().map(|node| node.start(program)).collect();
        let running = running?;
        let deadline = Instant::now() + PATIENCE;
        while !running.iter().all(Self::is_ready) {
            if Instant::now() > deadline {
                bail!("the nodes of the cluster are not ready after {PATIENCE:?}");
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(running)
    }

    pub(crate) fn is_ready(&self) -> bool {
        let answer = self.get("/readyz");
        answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "))
    }

    /// What the server answers to a request for this path, all of it.
    pub(crate) fn get(&self, path: &str) -> std::io::Result<String> {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it has ended by itself; says whether it has.
    pub(crate) fn has_ended(&mut self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        loop {
            match self.process.try_wait() {
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
                Ok(None) => return false,
                _ => return true,
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // If it has ended already, there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn pass_on(stderr: BufReader<ChildStderr>) {
    for line in stderr.lines().map_while(Result::ok) {
        eprintln!("server: {line}");
    }
}
