//! People are there and do nothing, which is what they do most of the time.

use std::time::Duration;

use clap::Args;
use futures_util::TryStreamExt;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{Scenario, at_least};
use crate::crowd::Crowd;
use crate::error::Error;
use crate::measure::{Measured, Meter};
use crate::run::Run;

/// Clients are there and do nothing: memory for each.
///
/// They connect, join, are tracked, and then just stay. What memory and CPU time the server takes for that
/// is known only with --server-pid, and the memory is right only for a server that was started for this:
/// one that had clients before has kept memory of theirs.
#[derive(Clone, Debug, Args)]
pub struct Idle {
    /// Clients that are there.
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub clients: usize,

    /// How many of them share a topic.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub per_topic: usize,

    /// How long they stay once all are there.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub seconds: u64,
}

/// What [`Idle`] measures.
#[derive(Clone, Debug, Serialize)]
pub struct IdleOutcome {
    /// Clients that were there.
    pub clients: usize,
    /// Topics that they were in.
    pub topics: usize,
    /// From the first connection until all had joined.
    pub seconds_to_join: f64,
    /// Resident memory that the server took for each client, all of it included: sockets, channels,
    /// presences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_client: Option<f64>,
    /// How long they then stayed.
    pub seconds: f64,
    /// Share of one CPU that the server took while nothing happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_share: Option<f64>,
    /// What was used from the first connection to the end.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Scenario for Idle {
    type Outcome = IdleOutcome;
    const NAME: &'static str = "idle";

    fn sockets(&self) -> usize {
        self.clients
    }

    fn topics(&self) -> usize {
        self.clients.div_ceil(self.per_topic.max(1))
    }

    fn check(&self) -> Result<(), Error> {
        at_least("clients", self.clients, 1)?;
        at_least("per-topic", self.per_topic, 1)
    }

    async fn run(&self, run: &Run) -> Result<IdleOutcome, Error> {
        let whole = Meter::start(run)?;
        let start = Instant::now();
        let clients = run.connect_all(0..self.clients).await?;
        let mut crowd = Crowd::new();
        let mut joining = Box::pin(run.join_all(clients, self.topics()));
        while let Some((client, _)) = crowd.during(joining.try_next()).await? {
            crowd.stay(client);
        }
        let seconds_to_join = start.elapsed().as_secs_f64();
        crowd.quiet(run).await?;

        let stay = Duration::from_secs(self.seconds);
        let staying = Meter::start(run)?;
        let start = Instant::now();
        let still = async {
            sleep(stay).await;
            Ok(())
        };
        crowd.during(still).await?;
        let seconds = start.elapsed().as_secs_f64();
        let idle = staying.finish(run)?;
        let measured = whole.finish(run)?;
        let grown = measured.server.map(|server| {
            let (before, after) = (server.resident_before_bytes, server.resident_after_bytes);
            after.saturating_sub(before)
        });
        Ok(IdleOutcome {
            clients: self.clients,
            topics: self.topics(),
            seconds_to_join,
            bytes_per_client: grown.map(|bytes| bytes as f64 / self.clients as f64),
            seconds,
            server_cpu_share: idle.server.map(|server| server.cpu_seconds / seconds),
            measured,
        })
    }
}
