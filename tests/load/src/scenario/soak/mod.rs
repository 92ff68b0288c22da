//! Everything at once, for as long as wanted, and again and again the question whether it is still true.
//!
//! The clients know who of them is there. At every check they hold still until whatever is under way has
//! arrived, and then three things must be the same: that knowledge, what every observer has made of the
//! diffs that it was sent, and the list that a newcomer is sent, in every topic and on every node.
//!
//! Nodes may be killed meanwhile, by whoever runs this; their clients go to other nodes. A connection that
//! is lost though its node can be reached is an error.

mod checks;
mod garbage;
mod member;
mod observer;
mod roll;
mod tally;
mod world;

use std::time::Duration;

use clap::Args;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use self::member::Member;
use self::tally::{Counts, Sample};
use self::world::World;
use super::{Scenario, in_bounds};
use crate::error::Error;
use crate::latency::Summary;
use crate::measure::{Measured, Meter};
use crate::run::Run;

/// Everything at once, for long: clients come, go, vanish, send garbage, read slowly; is it always true?
///
/// Clients join and leave, close and reconnect, vanish without a close, send what is no message; many come
/// and go at once; observers in every topic on every node keep who is present, and some of them read
/// slowly; messages are broadcast. Every few seconds all hold still, and what observers have and what
/// newcomers are sent must be who is there. It prints lines of JSON as it goes. It fails if anything was
/// wrong. Whoever runs it may kill nodes and start them again meanwhile.
#[derive(Clone, Debug, Args)]
pub struct Soak {
    /// How long it goes on.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub seconds: u64,

    /// A further node of the cluster, by its URL; once for each.
    #[arg(long = "node", value_name = "URL")]
    pub nodes: Vec<String>,

    /// Clients that come and go, each in its own time.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub members: usize,

    /// What these do in a second, all together.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub actions: usize,

    /// Topics over which they are spread.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub topics: usize,

    /// Clients that come and go all at once, in the first topic.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub wave: usize,

    /// Observers on each node that read slowly, in the last topic.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub slow: usize,

    /// Messages that are broadcast in a second; the event is `shout`.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub shouts: usize,

    /// Bytes of the metas that are updated in the last topic, three in a second on each node: more than a
    /// system buffers for who reads slowly.
    #[arg(long, value_name = "N", default_value_t = 12 << 10)]
    pub meta_bytes: usize,

    /// From one check to the next.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub check_every: u64,

    /// How long things may take to be true once all hold still.
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    pub settle: u64,

    /// From one line with figures to the next.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub sample_every: u64,
}

/// What a [`Soak`] has found.
#[derive(Clone, Debug, Serialize)]
pub struct SoakOutcome {
    /// How long it went on.
    pub seconds: f64,
    /// Nodes.
    pub nodes: usize,
    /// Topics.
    pub topics: usize,
    /// What was done and found.
    pub counts: Counts,
    /// What was wrong, at first.
    pub first_errors: Vec<String>,
    /// From when all held still until all that was seen was true, in milliseconds.
    pub settled_ms: Summary,
    /// From when a join was due until an observer had seen it in a diff, in milliseconds: once for each
    /// join and each node.
    pub seen_ms: Summary,
    /// From when a message was due to be broadcast until an observer had it, in milliseconds.
    pub shout_ms: Summary,
    /// What was used.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Scenario for Soak {
    type Outcome = SoakOutcome;
    const NAME: &'static str = "soak";

    fn sockets(&self) -> usize {
        let nodes = self.nodes.len() + 1;
        // At a check, somebody looks into every topic.
        self.members + self.wave + nodes * (self.topics + self.slow) + self.topics
    }

    fn topics(&self) -> usize {
        self.topics
    }

    fn lasts(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn more_urls(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(String::as_str)
    }

    fn check(&self) -> Result<(), Error> {
        in_bounds("members", self.members, 1)?;
        in_bounds("actions", self.actions, 1)?;
        in_bounds("topics", self.topics, 1)?;
        in_bounds("shouts", self.shouts, 1)?;
        for (flag, seconds) in [
            ("seconds", self.seconds),
            ("check-every", self.check_every),
            ("settle", self.settle),
            ("sample-every", self.sample_every),
        ] {
            in_bounds(flag, usize::try_from(seconds).unwrap_or(usize::MAX), 1)?;
        }
        Ok(())
    }

    fn verdict(&self, outcome: &SoakOutcome) -> Result<(), Error> {
        match outcome.first_errors.first() {
            None => Ok(()),
            Some(first) => Err(Error::Failed(format!(
                "{} errors; the first: {first}",
                outcome.counts.errors
            ))),
        }
    }

    async fn run(&self, run: &Run) -> Result<SoakOutcome, Error> {
        let world = World::new(run, self);
        // All run in this one task: what they share needs no locks.
        let members = FuturesUnordered::new();
        for number in 0..self.members + self.wave {
            members.push(Member::new(&world, number).live());
        }
        let observers = FuturesUnordered::new();
        for seat in &world.seats {
            observers.push(seat.live(&world));
        }
        let (mut members, mut observers) = (members, observers);
        tokio::select! {
            outcome = self.watch_over(&world) => outcome,
            Some(never) = members.next() => match never {},
            Some(never) = observers.next() => match never {},
        }
    }
}

impl Soak {
    /// Samples and checks until the time is over.
    async fn watch_over(&self, world: &World<'_>) -> Result<SoakOutcome, Error> {
        let whole = Meter::start(world.run)?;
        let start = Instant::now();
        let end = start + Duration::from_secs(self.seconds);
        let every = |seconds, number| start + Duration::from_secs(seconds) * number;
        let (mut samples, mut checks) = (1, 1);
        let mut meter = Meter::start(world.run)?;
        world
            .run
            .progress()
            .stage("seconds", self.lasts().as_secs() as usize);
        loop {
            let (sample, check) = (
                every(self.sample_every, samples),
                every(self.check_every, checks),
            );
            let next = sample.min(check).min(end);
            sleep_until(next).await;
            world.run.progress().set(start.elapsed().as_secs() as usize);
            if next == sample {
                samples += 1;
                let measured =
                    std::mem::replace(&mut meter, Meter::start(world.run)?).finish(world.run)?;
                world
                    .run
                    .tell(&Sample::take(world, start.elapsed(), measured));
            }
            if next == check || next == end {
                checks += 1;
                world.check(start).await;
            }
            if next == end {
                break;
            }
        }
        let tally = &world.tally;
        Ok(SoakOutcome {
            seconds: start.elapsed().as_secs_f64(),
            nodes: world.run.nodes(),
            topics: self.topics,
            counts: tally.counts(),
            first_errors: tally.first_errors(),
            settled_ms: tally.settled.summary(),
            seen_ms: tally.seen.summary(),
            shout_ms: tally.shouts.summary(),
            measured: whole.finish(world.run)?,
        })
    }
}
