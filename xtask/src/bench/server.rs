//! A server for one row: started on a free port, ended when the row has its result.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

/// What the first line of a server's stderr begins with.
const LISTENING: &str = "listening on ";

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

fn pass_on(stderr: BufReader<ChildStderr>) {
    for line in stderr.lines().map_while(Result::ok) {
        eprintln!("server: {line}");
    }
}
