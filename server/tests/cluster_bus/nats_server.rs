//! NATS servers for the tests: each starts its own, on loopback addresses.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::eventually;

/// A server, ended when it goes out of scope, and its directory with it.
pub(crate) struct NatsServer {
    process: Child,
    directory: PathBuf,
    arguments: Vec<String>,
    /// Host and port for clients.
    pub(crate) address: String,
    /// Host and port for other servers, if it listens for them.
    pub(crate) route: Option<String>,
}

impl NatsServer {
    /// Starts a server with these arguments besides its address.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let arguments = arguments
            .iter()
            .map(|&argument| argument.to_owned())
            .collect();
        Self::start_at(arguments, "-1").await
    }

    async fn start_at(arguments: Vec<String>, port: &str) -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let directory = format!("herenow-nats-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        std::fs::create_dir_all(&directory).unwrap();
        let process = spawn(&directory, &arguments, port);
        let mut server = Self {
            process,
            directory,
            arguments,
            address: String::new(),
            route: None,
        };
        server.wait_until_ready().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Ends the server at once.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself, which the test will notice.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again where it was.
    pub(crate) async fn restart(&mut self) {
        let (_, port) = self.address.rsplit_once(':').expect("it has a port");
        let arguments = self.arguments.clone();
        // The old one, whose files go with it, is dropped.
        *self = Self::start_at(arguments, port).await;
    }

    /// It writes down its ports when it listens.
    async fn wait_until_ready(&mut self) {
        let ports = self
            .directory
            .join(format!("nats-server_{}.ports", self.process.id()));
        let log = self.directory.join("log");
        let mut text = String::new();
        eventually("nats-server writes its ports", || {
            if let Ok(Some(status)) = self.process.try_wait() {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                panic!("nats-server ended with {status}:\n{log}");
            }
            text = std::fs::read_to_string(&ports).unwrap_or_default();
            serde_json::from_str::<serde_json::Value>(&text).is_ok()
        })
        .await;
        let ports: serde_json::Value = serde_json::from_str(&text).unwrap();
        let address = |kind: &str| {
            let (_, address) = ports[kind][0].as_str()?.split_once("://")?;
            Some(address.to_owned())
        };
        self.address = address("nats").expect("a URL for clients");
        self.route = address("cluster");
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn spawn(directory: &Path, arguments: &[String], port: &str) -> Child {
    Command::new(program())
        .args(["--addr", "127.0.0.1", "--port", port])
        .arg("--ports_file_dir")
        .arg(directory)
        .arg("--log")
        .arg(directory.join("log"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nats-server starts")
}

/// Debian puts it where only root looks.
pub(crate) fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = PathBuf::from("/usr/sbin");
    std::env::split_paths(&path)
        .chain([usual])
        .map(|directory| directory.join("nats-server"))
        .find(|program| program.is_file())
        .expect(
            "these tests need nats-server, in PATH or in /usr/sbin: \
             `apt-get install nats-server` on Debian, or see https://nats.io/download",
        )
}
