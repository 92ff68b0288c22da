//! A topic with very many members, over few sockets.
//!
//! The protocol lets a socket join a topic once. So members that are channels of their own take a socket
//! each, and each is sent the list of all: that is `storm`, and for 100,000 members it would be terabytes.
//! Here a few channels stand for many members each: the application tracks further keys when it is told
//! to, by an event.

use std::time::Duration;

use clap::Args;
use futures_util::TryStreamExt;
use herenow_core::protocol::json;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::board::Board;
use super::{Scenario, in_bounds};
use crate::crowd::Crowd;
use crate::error::Error;
use crate::latency::{Recorder, Summary};
use crate::measure::{Measured, Meter};
use crate::run::Run;
use crate::session::Session;
use crate::watch::Watch;

/// Keys that one push asks to be tracked, at most: its frame stays under 64 KiB.
const KEYS_PER_PUSH: usize = 1000;

/// How long nothing changes before a newcomer has its key tracked: longer than a server gathers changes
/// for, or that is what would be measured.
const PAUSE: Duration = Duration::from_millis(200);

/// Very many members in one topic, over few sockets: time to fill it, to list it, to see one more.
///
/// It needs an application of its own: its channel tracks nobody at a join, and upon the event `track` with
/// {"keys": [..]} tracks all these keys. The example `crowd` of this package is one for herenow; for
/// Phoenix, `for key <- keys, do: Presence.track(socket, key, %{})`.
#[derive(Clone, Debug, Args)]
pub struct Bigroom {
    /// Members of the topic.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub members: usize,

    /// Sockets that they are tracked over. All see all members come.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub sockets: usize,

    /// Clients that come afterwards, one after the other: each is sent the list, and then has one more key
    /// tracked.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub newcomers: usize,

    /// The event by which keys are tracked.
    #[arg(long, value_name = "EVENT", default_value = "track")]
    pub event: String,
}

/// What a [`Bigroom`] measures.
#[derive(Clone, Debug, Serialize)]
pub struct BigroomOutcome {
    /// Members of the topic, before the newcomers came.
    pub members: usize,
    /// Sockets that they were tracked over.
    pub sockets: usize,
    /// From the first push until the observer had seen all members.
    pub seconds_to_fill: f64,
    /// Resident memory that the server took for each member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_member: Option<f64>,
    /// Newcomers.
    pub newcomers: usize,
    /// Bytes of the list that the last of them was sent.
    pub list_bytes: usize,
    /// From a newcomer's join until it had the whole list and had read it, in milliseconds. One came after
    /// the other, so there is no omission to correct.
    pub list_ms: Summary,
    /// From a newcomer's push until the observer had seen its key, in milliseconds.
    pub seen_ms: Summary,
    /// What was used to fill it.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Scenario for Bigroom {
    type Outcome = BigroomOutcome;
    const NAME: &'static str = "bigroom";

    fn sockets(&self) -> usize {
        self.sockets + 1 + self.newcomers
    }

    fn check(&self) -> Result<(), Error> {
        in_bounds("sockets", self.sockets, 1)?;
        in_bounds("members", self.members, self.sockets)
    }

    async fn run(&self, run: &Run) -> Result<BigroomOutcome, Error> {
        let topic = run.topic(0);
        let mut observer = run.connect(self.sockets).await?;
        let mut watch = Watch::new(&topic);
        observer.join_and_wait(&topic).await?;
        let sockets = run.connect_all(0..self.sockets).await?;
        let sockets: Vec<_> = run.join_all(sockets, 1).try_collect().await?;

        run.progress().stage("seen by the observer", self.members);
        let meter = Meter::start(run)?;
        let start = Instant::now();
        let mut crowd = Crowd::new();
        for (number, (mut session, channel)) in sockets.into_iter().enumerate() {
            let keys: Vec<_> = (number..self.members).step_by(self.sockets).collect();
            for keys in keys.chunks(KEYS_PER_PUSH) {
                session.push(channel, &self.event, payload(run, keys))?;
            }
            crowd.stay(session);
        }
        let seen = watch.until_present(&mut observer, self.members, |count| {
            run.progress().set(count);
        });
        crowd.during(seen).await?;
        let seconds_to_fill = start.elapsed().as_secs_f64();
        let measured = meter.finish(run)?;
        let grown = measured.server.map(|server| {
            let (before, after) = (server.resident_before_bytes, server.resident_after_bytes);
            after.saturating_sub(before)
        });
        let newcomers = self.newcomers(run, &topic, observer, watch);
        let (list_bytes, list_ms, seen_ms) = crowd.during(newcomers).await?;
        Ok(BigroomOutcome {
            members: self.members,
            sockets: self.sockets,
            seconds_to_fill,
            bytes_per_member: grown.map(|bytes| bytes as f64 / self.members as f64),
            newcomers: self.newcomers,
            list_bytes,
            list_ms,
            seen_ms,
            measured,
        })
    }
}

impl Bigroom {
    /// Has the newcomers come. Returns the bytes of the last list, and the times.
    async fn newcomers(
        &self,
        run: &Run,
        topic: &str,
        observer: Session,
        watch: Watch,
    ) -> Result<(usize, Summary, Summary), Error> {
        run.progress().stage("newcomers", self.newcomers);
        let (list, seen) = (Recorder::new(), Recorder::new());
        let board = Board::default();
        let mut crowd = Crowd::new();
        let coming = async {
            let mut list_bytes = 0;
            for number in 0..self.newcomers {
                let number = self.members + number;
                let coming = self.come(run, topic, number, &board, &list);
                let (newcomer, bytes) = crowd.during(coming).await?;
                crowd.stay(newcomer);
                list_bytes = bytes;
                run.progress().step();
            }
            Ok(list_bytes)
        };
        let record = |since: Instant| seen.record(since.elapsed());
        let list_bytes = tokio::select! {
            done = coming => done?,
            lost = board.watch(observer, watch, 0, record) => return Err(lost),
        };
        Ok((list_bytes, list.summary(), seen.summary()))
    }

    /// One comes, reads the list and is seen. Returns it, and the bytes of the list.
    async fn come(
        &self,
        run: &Run,
        topic: &str,
        number: usize,
        board: &Board,
        list: &Recorder,
    ) -> Result<(Session, usize), Error> {
        let mut session = run.connect(number).await?;
        let mut watch = Watch::new(topic);
        let start = Instant::now();
        let channel = session.join(topic)?;
        watch
            .until_present(&mut session, self.members, drop)
            .await?;
        list.record(start.elapsed());

        session.staying(sleep(PAUSE)).await?;
        let seen = board.expect(session.user(), Instant::now(), std::iter::once(0));
        session.push(channel, &self.event, payload(run, &[number]))?;
        // The board never forgets whom it expects, so this is no error.
        let _ = session.staying(seen).await?;
        Ok((session, watch.state_bytes()))
    }
}

/// Asks for these members to be tracked, each under its name.
fn payload(run: &Run, numbers: &[usize]) -> String {
    let mut payload = String::from(r#"{"keys":["#);
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            payload.push(',');
        }
        json::write_str(&mut payload, &run.user(*number));
    }
    payload.push_str("]}");
    payload
}
