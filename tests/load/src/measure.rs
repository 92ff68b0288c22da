//! What was used between two moments: traffic, and the CPU time and memory of server and generator.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::error::Error;
use crate::process::{Process, Usage};
use crate::run::Run;

/// Messages and bytes that all clients of a run have received.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Traffic {
    pub(crate) fn add(&self, messages: u64, bytes: u64) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// What a measured stretch of a run took.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Messages that all clients together received.
    pub messages_received: u64,
    /// Bytes of these messages.
    pub bytes_received: u64,
    /// CPU time of the generator itself, which shares the machine: what it takes, the server misses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator_cpu_seconds: Option<f64>,
    /// What the server used; only if its process is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerUse>,
}

/// What the server's processes used, all together.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ServerUse {
    /// CPU time.
    pub cpu_seconds: f64,
    /// Resident memory when the stretch began.
    pub resident_before_bytes: u64,
    /// Resident memory when it ended.
    pub resident_after_bytes: u64,
    /// The most that it was in between (since the start of the process, where it cannot be reset).
    pub peak_bytes: u64,
}

/// A stretch that is being measured.
pub(crate) struct Meter {
    messages: u64,
    bytes: u64,
    own: Option<(Process, Usage)>,
    servers: Vec<(Process, Usage)>,
}

impl Meter {
    pub(crate) fn start(run: &Run) -> Result<Self, Error> {
        let with_usage = |process: Process| Ok((process, process.usage()?));
        for server in run.servers() {
            server.reset_peak();
        }
        Ok(Self {
            messages: run.traffic().messages(),
            bytes: run.traffic().bytes(),
            own: Process::own().map(with_usage).transpose()?,
            servers: run
                .servers()
                .iter()
                .copied()
                .map(with_usage)
                .collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn finish(self, run: &Run) -> Result<Measured, Error> {
        let mut generator_cpu_seconds = None;
        if let Some((process, before)) = self.own {
            generator_cpu_seconds = Some(seconds(process.usage()?.cpu, before.cpu));
        }
        Ok(Measured {
            messages_received: run.traffic().messages() - self.messages,
            bytes_received: run.traffic().bytes() - self.bytes,
            generator_cpu_seconds,
            server: servers_use(&self.servers)?,
        })
    }
}

fn servers_use(servers: &[(Process, Usage)]) -> Result<Option<ServerUse>, Error> {
    let mut sum: Option<ServerUse> = None;
    for (process, before) in servers {
        let after = process.usage()?;
        let sum = sum.get_or_insert(ServerUse {
            cpu_seconds: 0.0,
            resident_before_bytes: 0,
            resident_after_bytes: 0,
            peak_bytes: 0,
        });
        sum.cpu_seconds += seconds(after.cpu, before.cpu);
        sum.resident_before_bytes += before.resident;
        sum.resident_after_bytes += after.resident;
        sum.peak_bytes += after.peak;
    }
    Ok(sum)
}

fn seconds(after: Duration, before: Duration) -> f64 {
    after.saturating_sub(before).as_secs_f64()
}
