//! What the tests of the binary share: the running process and plain HTTP.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};

/// The binary with these arguments and none of the environment's `HERENOW_*`.
pub(crate) fn herenow(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_herenow"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HERENOW_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).kill_on_drop(true);
    command
}

/// A path for a file of this run only.
pub(crate) fn temporary(name: &str) -> PathBuf {
    let run = std::process::id();
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{run}"))
}

/// A running `herenow serve` on a free port; killed when dropped.
pub(crate) struct Served {
    process: Child,
    stderr: Lines<BufReader<ChildStderr>>,
    /// Where it listens: `127.0.0.1:PORT`.
    pub(crate) address: String,
}

impl Served {
    /// Starts it with more arguments and waits until it listens.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[]).await
    }

    /// Starts it with more arguments and variables, and waits until it listens.
    pub(crate) async fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = herenow(&[&["serve"], arguments].concat());
        command.envs(variables.iter().copied());
        Self::run(command).await
    }

    /// Starts it with another soft limit of open files than this process has.
    #[cfg(unix)]
    pub(crate) async fn start_with_open_files(limit: u32) -> Self {
        let mut shell = Command::new("sh");
        let limited = format!("ulimit -Sn {limit} && exec \"$0\" serve");
        shell.args(["-c", &limited, env!("CARGO_BIN_EXE_herenow")]);
        Self::run(shell).await
    }

    async fn run(mut command: Command) -> Self {
        command.env("HERENOW_LISTEN", "127.0.0.1:0");
        command.kill_on_drop(true);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap()).lines();
        let first = stderr
            .next_line()
            .await
            .unwrap()
            .expect("it says something");
        let address = first
            .strip_prefix("listening on http://")
            .unwrap_or_else(|| panic!("the first line of stderr is {first:?}"))
            .to_owned();
        Self {
            process,
            stderr,
            address,
        }
    }

    /// Where it listens for operators, when `--operator-listen` is given.
    pub(crate) async fn operators(&mut self) -> String {
        const LINE: &str = "listening for operators on http://";
        let line = self.says(LINE).await;
        line.trim_start_matches(LINE).to_owned()
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    /// Sends a signal by its name, as `kill` does.
    pub(crate) async fn signal(&self, name: &str) {
        let process = self.id().to_string();
        let kill = Command::new("kill")
            .args(["-s", name, &process])
            .status()
            .await;
        assert!(kill.unwrap().success());
    }

    /// Waits for a line of stderr that contains `part`.
    pub(crate) async fn says(&mut self, part: &str) -> String {
        while let Some(line) = self.stderr.next_line().await.unwrap() {
            if line.contains(part) {
                return line;
            }
        }
        panic!("stderr ended without a line with {part:?}");
    }

    /// Waits for its end.
    pub(crate) async fn ends(&mut self) -> ExitStatus {
        self.process.wait().await.unwrap()
    }

    /// Asks for a page.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(&self.address, path).await.unwrap()
    }
}

/// An answer to a plain HTTP request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }
}

/// Asks for a page.
pub(crate) async fn get(address: &str, path: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok(Answer {
        status: status.expect("a status"),
        head: head.to_owned(),
        body: body.to_owned(),
    })
}
