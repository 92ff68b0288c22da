//! Everybody comes at once, as after a deploy or the loss of a network.

use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use super::{Scenario, in_bounds};
use crate::crowd::Crowd;
use crate::error::Error;
use crate::latency::{Recorder, Summary};
use crate::measure::{Measured, Meter};
use crate::run::Run;
use crate::session::Session;
use crate::watch::Watch;

/// Many clients join one topic at once: how long until one who was there has seen all.
///
/// The clients are connected already, and all send their joins at the same moment.
#[derive(Clone, Debug, Args)]
pub struct Storm {
    /// Clients that join, each a distinct user.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub clients: usize,
}

/// What a [`Storm`] measures.
#[derive(Clone, Debug, Serialize)]
pub struct StormOutcome {
    /// Clients that have joined.
    pub clients: usize,
    /// Keys that the observer has seen in the end, its own included.
    pub seen: usize,
    /// From the first join until the observer has seen all.
    pub seconds: f64,
    /// From the first join until the server had no more to send, to anybody.
    pub seconds_until_quiet: f64,
    /// From a client's join to the reply, in milliseconds.
    pub join_ms: Summary,
    /// What was used until it was quiet.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Scenario for Storm {
    type Outcome = StormOutcome;
    const NAME: &'static str = "storm";

    fn sockets(&self) -> usize {
        self.clients + 1
    }

    fn check(&self) -> Result<(), Error> {
        in_bounds("clients", self.clients, 1)
    }

    async fn run(&self, run: &Run) -> Result<StormOutcome, Error> {
        let topic = run.topic(0);
        let mut observer = run.connect(self.clients).await?;
        let mut watch = Watch::new(&topic);
        observer.join_and_wait(&topic).await?;
        watch.until_present(&mut observer, 1, drop).await?;
        let clients = run.connect_all(0..self.clients).await?;

        run.progress().stage("seen by the observer", self.sockets());
        let meter = Meter::start(run)?;
        let start = Instant::now();
        let replies = Recorder::new();
        let mut crowd = join_all(clients, &topic, start, &replies);
        let seen = watch.until_present(&mut observer, self.sockets(), |count| {
            run.progress().set(count);
        });
        crowd.during(seen).await?;
        let seconds = start.elapsed().as_secs_f64();

        crowd.stay(observer);
        crowd.all_done().await?;
        crowd.quiet(run).await?;
        Ok(StormOutcome {
            clients: self.clients,
            seen: watch.len(),
            seconds,
            seconds_until_quiet: start.elapsed().as_secs_f64(),
            join_ms: replies.summary(),
            measured: meter.finish(run)?,
        })
    }
}

fn join_all(clients: Vec<Session>, topic: &str, start: Instant, replies: &Recorder) -> Crowd {
    let mut crowd = Crowd::new();
    for mut client in clients {
        let (topic, replies) = (topic.to_owned(), replies.clone());
        crowd.work(async move {
            client.join_and_wait(&topic).await?;
            replies.record(start.elapsed());
            Ok(client)
        });
    }
    crowd
}
