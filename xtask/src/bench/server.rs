//! A server for one row: started on a free port, ended when the row has its result.

use std::io::{BufRead, BufReader, Write};
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

/// A running server. Dropping it kills the process, and no other.
pub(super) struct Running {
    process: Child,
    url: String,
}

impl Running {
    /// Starts it and waits until it says where it listens.
    pub(super) fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
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
    pub(super) fn start_cluster(program: &Path, nodes: usize) -> Result<Vec<Self>> {
        let links: Result<Vec<_>> = (0..nodes).map(|_| free_address()).collect();
        let links = links?;
        let mut running = Vec::new();
        for (number, link) in links.iter().enumerate() {
            let name = format!("node-{number}");
            let others: Vec<_> = links
                .iter()
                .filter(|other| *other != link)
                .cloned()
                .collect();
            let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--node", &name];
            let others = others.join(",");
            arguments.extend(["--cluster-listen", link, "--cluster", &others]);
            running.push(Self::start(program, &arguments)?);
        }
        let deadline = Instant::now() + PATIENCE;
        while !running.iter().all(Self::is_ready) {
            if Instant::now() > deadline {
                bail!("the nodes of the cluster are not ready after {PATIENCE:?}");
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(running)
    }

    fn is_ready(&self) -> bool {
        let status = || -> std::io::Result<String> {
            let address = self.url.trim_start_matches("http://");
            let mut stream = TcpStream::connect(address)?;
            let request =
                format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes())?;
            let mut status = String::new();
            BufReader::new(stream).read_line(&mut status)?;
            Ok(status)
        };
        status().is_ok_and(|status| status.contains(" 200 "))
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // If it has ended already, there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An address for links between nodes. Nothing keeps others from taking the port meanwhile, but ephemeral
/// ports are given out in turn.
fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(format!("tcp/{}", listener.local_addr()?))
}

fn pass_on(stderr: BufReader<ChildStderr>) {
    for line in stderr.lines().map_while(Result::ok) {
        eprintln!("server: {line}");
    }
}
