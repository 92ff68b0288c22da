//! People are there and do nothing, which is what they do most of the time.

use std::time::Duration;

use clap::Args;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::arrivals::Arrivals;
use super::{Scenario, in_bounds};
use crate::crowd::Crowd;
use crate::error::Error;
use crate::latency::Summary;
use crate::measure::{Measured, Meter};
use crate::run::{AT_ONCE, Run};
use crate::session::Session;

/// Joins in a second, of those who come when all are there.
const RATE: usize = 50;

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

    /// How many topics each of them joins.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub topics_each: usize,

    /// How long they stay once all are there.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub seconds: u64,

    /// Then so many others join other topics, 50 in a second, and it is timed until a member sees each, as
    /// in `steady`: what does it matter to them that all those are there?
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub joins: usize,
}

/// What [`Idle`] measures.
#[derive(Clone, Debug, Serialize)]
pub struct IdleOutcome {
    /// Clients that were there.
    pub clients: usize,
    /// Topics that they were in.
    pub topics: usize,
    /// Joins that made, all clients together.
    pub memberships: usize,
    /// From the first connection until all had joined.
    pub seconds_to_join: f64,
    /// Resident memory that the server took for each client, all of it included: sockets, channels,
    /// presences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_client: Option<f64>,
    /// The same for each topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_topic: Option<f64>,
    /// How long they then stayed.
    pub seconds: f64,
    /// Share of one CPU that the server took while nothing happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_share: Option<f64>,
    /// From when the join of another was due until a member had seen it, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_ms: Option<Summary>,
    /// What was used from the first connection until they had stayed.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Scenario for Idle {
    type Outcome = IdleOutcome;
    const NAME: &'static str = "idle";

    fn sockets(&self) -> usize {
        let joining = self.others().map_or(0, |others| others.sockets());
        self.clients + joining
    }

    fn topics(&self) -> usize {
        self.memberships().div_ceil(self.per_topic.max(1))
    }

    fn check(&self) -> Result<(), Error> {
        in_bounds("clients", self.clients, 1)?;
        in_bounds("per-topic", self.per_topic, 1)?;
        in_bounds("topics-each", self.topics_each, 1)?;
        if self.topics() >= self.topics_each {
            return Ok(());
        }
        Err(Error::settings(format!(
            "--topics-each {}: there are only {} topics, and nobody can join one twice; give a smaller \
             --per-topic",
            self.topics_each,
            self.topics()
        )))
    }

    async fn run(&self, run: &Run) -> Result<IdleOutcome, Error> {
        let whole = Meter::start(run)?;
        let start = Instant::now();
        let clients = run.connect_all(0..self.clients).await?;
        let mut crowd = Crowd::new();
        let mut joining = Box::pin(self.join_all(run, clients));
        while let Some(client) = crowd.during(joining.try_next()).await? {
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
            after.saturating_sub(before) as f64
        });
        let seen_ms = match self.others() {
            Some(others) => Some(crowd.during(others.run(run)).await?.0),
            None => None,
        };
        Ok(IdleOutcome {
            clients: self.clients,
            topics: self.topics(),
            seconds_to_join,
            memberships: self.memberships(),
            bytes_per_client: grown.map(|bytes| bytes / self.clients as f64),
            bytes_per_topic: grown.map(|bytes| bytes / self.topics() as f64),
            seconds,
            server_cpu_share: idle.server.map(|server| server.cpu_seconds / seconds),
            seen_ms,
            measured,
        })
    }
}

impl Idle {
    fn memberships(&self) -> usize {
        self.clients * self.topics_each
    }

    /// Has each client join its topics, several clients at a time.
    fn join_all(
        &self,
        run: &Run,
        clients: Vec<Session>,
    ) -> impl Stream<Item = Result<Session, Error>> {
        run.progress().stage("joined", self.memberships());
        let clients = stream::iter(clients.into_iter().enumerate());
        let joining = clients.map(move |(client, mut session)| async move {
            for number in client * self.topics_each..(client + 1) * self.topics_each {
                session.enter(&run.topic(number % self.topics())).await?;
                run.progress().step();
            }
            Ok(session)
        });
        joining.buffered(AT_ONCE)
    }

    /// Those who join when all are there.
    fn others(&self) -> Option<Arrivals> {
        (self.joins > 0).then(|| Arrivals {
            rate: RATE,
            joins: self.joins,
            topics: 20,
            members: 10,
            joiners: 20,
            first_topic: self.topics(),
            first_client: self.clients,
        })
    }
}
