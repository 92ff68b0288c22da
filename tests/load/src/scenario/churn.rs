//! People come and go, as fast as the server lets them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;
use futures_util::TryStreamExt;
use herenow_core::client::ChannelId;
use serde::Serialize;
use tokio::time::Instant;

use super::{Scenario, in_bounds};
use crate::crowd::Crowd;
use crate::error::Error;
use crate::latency::{Recorder, Summary};
use crate::measure::{Measured, Meter};
use crate::progress::Progress;
use crate::run::Run;
use crate::session::Session;
use crate::watch::Watch;

/// Members leave and join again as fast as it goes: cycles in a second.
///
/// They are spread over several topics. Each leaves again as soon as it has the reply and the
/// `presence_state` of its last join. In the end somebody new looks into every topic: all must be there.
#[derive(Clone, Debug, Args)]
pub struct Churn {
    /// Clients that come and go.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub clients: usize,

    /// Topics over which they are spread evenly.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub topics: usize,

    /// How long it goes on.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub seconds: u64,

    /// Ends it after so many cycles of all clients together, if that comes first.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub cycles: usize,
}

/// What a [`Churn`] measures.
#[derive(Clone, Debug, Serialize)]
pub struct ChurnOutcome {
    /// Clients that came and went.
    pub clients: usize,
    /// Topics that they were in.
    pub topics: usize,
    /// How often one left and joined again.
    pub cycles: u64,
    /// From the first leave until the last client was back.
    pub seconds: f64,
    /// Cycles in a second.
    pub cycles_per_second: f64,
    /// From a client's leave until it was back, in milliseconds. There is nothing to correct: each client
    /// begins when the server has done with it, so this is what a cycle takes under full load.
    pub cycle_ms: Summary,
    /// Server CPU time of one cycle, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_us_per_cycle: Option<f64>,
    /// Keys that newcomers saw in all topics together afterwards, their own not included.
    pub seen: usize,
    /// What was used.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Scenario for Churn {
    type Outcome = ChurnOutcome;
    const NAME: &'static str = "churn";

    fn sockets(&self) -> usize {
        self.clients + self.topics
    }

    fn topics(&self) -> usize {
        self.topics
    }

    fn check(&self) -> Result<(), Error> {
        in_bounds("topics", self.topics, 1)?;
        in_bounds("clients", self.clients, self.topics)?;
        in_bounds("cycles", self.cycles, 1)?;
        in_bounds(
            "seconds",
            usize::try_from(self.seconds).unwrap_or(usize::MAX),
            1,
        )
    }

    async fn run(&self, run: &Run) -> Result<ChurnOutcome, Error> {
        let clients = run.connect_all(0..self.clients).await?;
        let members: Vec<_> = run.join_all(clients, self.topics).try_collect().await?;

        run.progress().stage("cycles", self.cycles);
        let meter = Meter::start(run)?;
        let start = Instant::now();
        let cycles = Arc::new(Cycles {
            begun: AtomicUsize::new(0),
            most: self.cycles,
            until: start + Duration::from_secs(self.seconds),
            times: Recorder::new(),
            progress: Arc::clone(run.progress()),
        });
        let mut crowd = Crowd::new();
        for (number, (member, channel)) in members.into_iter().enumerate() {
            let topic = run.topic(number % self.topics);
            crowd.work(come_and_go(member, channel, topic, Arc::clone(&cycles)));
        }
        crowd.all_done().await?;
        let seconds = start.elapsed().as_secs_f64();
        let measured = meter.finish(run)?;

        let cycle_ms = cycles.times.summary();
        let cpu = measured.server.map(|server| server.cpu_seconds * 1e6);
        Ok(ChurnOutcome {
            clients: self.clients,
            topics: self.topics,
            cycles: cycle_ms.count,
            seconds,
            cycles_per_second: cycle_ms.count as f64 / seconds,
            cycle_ms,
            server_cpu_us_per_cycle: cpu.map(|cpu| cpu / cycle_ms.count as f64),
            seen: crowd.during(self.look(run)).await?,
            measured,
        })
    }
}

impl Churn {
    /// Somebody new comes into each topic. Returns how many others they see, all together; that is fewer
    /// than there are clients until the last changes have been spread, so they wait for the rest.
    async fn look(&self, run: &Run) -> Result<usize, Error> {
        run.progress().stage("topics looked into", self.topics);
        let newcomers = run.connect_all(self.clients..self.sockets()).await?;
        run.progress().stage("topics looked into", self.topics);
        let mut seen = 0;
        for (number, mut newcomer) in newcomers.into_iter().enumerate() {
            let topic = run.topic(number);
            // Client number c is in topic c modulo the number of topics.
            let members = (number..self.clients).step_by(self.topics).count();
            let mut watch = Watch::new(&topic);
            newcomer.join(&topic)?;
            watch
                .until_present(&mut newcomer, members + 1, drop)
                .await?;
            seen += watch.len() - 1;
            run.progress().step();
        }
        Ok(seen)
    }
}

/// What the clients share.
struct Cycles {
    begun: AtomicUsize,
    most: usize,
    until: Instant,
    times: Recorder,
    progress: Arc<Progress>,
}

impl Cycles {
    fn may_begin(&self) -> bool {
        Instant::now() < self.until && self.begun.fetch_add(1, Ordering::Relaxed) < self.most
    }
}

async fn come_and_go(
    mut member: Session,
    mut channel: ChannelId,
    topic: String,
    cycles: Arc<Cycles>,
) -> Result<Session, Error> {
    while cycles.may_begin() {
        let start = Instant::now();
        member.leave(channel)?;
        channel = member.enter(&topic).await?;
        cycles.times.record(start.elapsed());
        cycles.progress.step();
    }
    Ok(member)
}
