//! One speaks, all hear it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use futures_util::TryStreamExt;
use herenow_core::client::ChannelId;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Scenario, in_bounds};
use crate::crowd::Crowd;
use crate::error::Error;
use crate::latency::{Recorder, Summary};
use crate::measure::{Measured, Meter};
use crate::progress::Progress;
use crate::run::Run;
use crate::session::{Seen, Session};

/// One member speaks, all hear it: deliveries in a second.
///
/// The member pushes an event that the application broadcasts to all, itself included (as the channel
/// room:* of herenow does with `shout`). Some messages are always under way: as soon as all have received
/// one, the next is sent.
#[derive(Clone, Debug, Args)]
pub struct Broadcast {
    /// Members of the topic.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub subscribers: usize,

    /// Messages that are under way at a time.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub in_flight: usize,

    /// Messages that are sent in all.
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub messages: usize,

    /// The event.
    #[arg(long, value_name = "EVENT", default_value = "shout")]
    pub event: String,

    /// Bytes of text in each message.
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub bytes: usize,
}

/// What a [`Broadcast`] measures.
#[derive(Clone, Debug, Serialize)]
pub struct BroadcastOutcome {
    /// Members of the topic.
    pub subscribers: usize,
    /// Messages that were under way at a time.
    pub in_flight: usize,
    /// Messages that were sent.
    pub messages: usize,
    /// Messages that were received, by all members together.
    pub deliveries: usize,
    /// From the first message until the last was delivered to the last member.
    pub seconds: f64,
    /// Deliveries in a second.
    pub deliveries_per_second: f64,
    /// From a message's push until the last member had it, in milliseconds, at full load: the next is sent
    /// only then, so there is no omission to correct.
    pub until_all_ms: Summary,
    /// Server CPU time of one delivery, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_us_per_delivery: Option<f64>,
    /// What was used.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Scenario for Broadcast {
    type Outcome = BroadcastOutcome;
    const NAME: &'static str = "broadcast";

    fn sockets(&self) -> usize {
        self.subscribers
    }

    fn check(&self) -> Result<(), Error> {
        in_bounds("subscribers", self.subscribers, 1)?;
        in_bounds("in-flight", self.in_flight, 1)?;
        in_bounds("messages", self.messages, self.in_flight)
    }

    async fn run(&self, run: &Run) -> Result<BroadcastOutcome, Error> {
        let clients = run.connect_all(0..self.subscribers).await?;
        let mut members: Vec<_> = run.join_all(clients, 1).try_collect().await?;
        let Some((mut speaker, channel)) = members.pop() else {
            return Err(Error::settings("--subscribers 0: nobody could speak"));
        };
        let (flight, landed) = Flight::new(self);
        let mut crowd = Crowd::new();
        for (member, _) in members {
            crowd.work(listen(member, Arc::clone(&flight)));
        }
        // The diffs of the last joins are none of the deliveries.
        crowd.during(speaker.staying(run.quiet())).await?;

        run.progress().stage("delivered to all", self.messages);
        let meter = Meter::start(run)?;
        let start = Instant::now();
        let progress = Arc::clone(run.progress());
        let speaking = self
            .clone()
            .speak(progress, speaker, channel, flight, landed);
        let until_all_ms = crowd.during_task(speaking).await?;
        let seconds = start.elapsed().as_secs_f64();
        let measured = meter.finish(run)?;
        crowd.all_done().await?;
        let deliveries = self.messages * self.subscribers;
        let cpu = measured.server.map(|server| server.cpu_seconds * 1e6);
        Ok(BroadcastOutcome {
            subscribers: self.subscribers,
            in_flight: self.in_flight,
            messages: self.messages,
            deliveries,
            seconds,
            deliveries_per_second: deliveries as f64 / seconds,
            until_all_ms,
            server_cpu_us_per_delivery: cpu.map(|cpu| cpu / deliveries as f64),
            measured,
        })
    }
}

impl Broadcast {
    /// Pushes the messages, each when there is room for it under way. Returns when all have been delivered
    /// to all.
    async fn speak(
        self,
        progress: Arc<Progress>,
        mut speaker: Session,
        channel: ChannelId,
        flight: Arc<Flight>,
        mut landed: mpsc::UnboundedReceiver<()>,
    ) -> Result<Summary, Error> {
        let text = "x".repeat(self.bytes);
        let times = Recorder::new();
        let mut started = vec![Instant::now(); self.in_flight];
        let (mut pushed, mut next) = (0, 0);
        for delivered in 0..self.messages {
            while pushed < self.messages && pushed - delivered < self.in_flight {
                started[pushed % self.in_flight] = Instant::now();
                flight.start(pushed);
                let payload = format!(r#"{{"n":{pushed},"text":"{text}"}}"#);
                speaker.push(channel, &self.event, payload)?;
                pushed += 1;
            }
            let listening = speaker.until(|seen| {
                flight.receive(&seen, &mut next)?;
                Ok(None::<Infallible>)
            });
            tokio::select! {
                biased;
                Some(()) = landed.recv() => {}
                lost = listening => match lost? {},
            }
            times.record(started[delivered % self.in_flight].elapsed());
            progress.step();
        }
        Ok(times.summary())
    }
}

async fn listen(mut member: Session, flight: Arc<Flight>) -> Result<Session, Error> {
    let mut next = 0;
    member
        .until(|seen| {
            flight.receive(&seen, &mut next)?;
            Ok((next == flight.messages).then_some(()))
        })
        .await?;
    Ok(member)
}

/// The messages under way, as all members see them.
///
/// One speaker's messages reach each member in order, which is checked. So the first that was pushed is the
/// first that all have.
struct Flight {
    event: String,
    members: usize,
    messages: usize,
    /// For each message under way, how many members do not have it yet.
    missing: Box<[AtomicUsize]>,
    /// Told of each message that all members have.
    landed: mpsc::UnboundedSender<()>,
}

impl Flight {
    fn new(sizes: &Broadcast) -> (Arc<Self>, mpsc::UnboundedReceiver<()>) {
        let (landed, receiver) = mpsc::unbounded_channel();
        let missing = std::iter::repeat_with(AtomicUsize::default).take(sizes.in_flight);
        let flight = Self {
            event: sizes.event.clone(),
            members: sizes.subscribers,
            messages: sizes.messages,
            missing: missing.collect(),
            landed,
        };
        (Arc::new(flight), receiver)
    }

    fn start(&self, number: usize) {
        self.missing[number % self.missing.len()].store(self.members, Ordering::Release);
    }

    /// A member has seen something. If it is a message, it must be number `next`.
    fn receive(&self, seen: &Seen<'_>, next: &mut usize) -> Result<(), Error> {
        let message = match seen {
            Seen::Message(message) if message.is(&self.event) => message,
            _ => return Ok(()),
        };
        if message.number("n") != Some(*next) {
            let problem = format!("message {next} was lost: {} came instead", message.payload);
            return Err(Error::answer("a member", problem));
        }
        let missing = &self.missing[*next % self.missing.len()];
        if missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            // The speaker may have gone, when somebody has failed.
            let _ = self.landed.send(());
        }
        *next += 1;
        Ok(())
    }
}
