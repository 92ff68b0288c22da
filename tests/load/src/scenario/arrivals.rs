//! Joins that are due at fixed times, and who sees them when: what `steady` and `cluster` share.
//!
//! The load is open: a join is due when its time has come, not when the one before it was done with, and
//! its latency counts from then. So a server that stalls for a second is charged for every join that was
//! due in it, and not for one only.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep_until};

use super::board::Board;
use super::in_bounds;
use crate::crowd::Crowd;
use crate::error::Error;
use crate::latency::{Recorder, Summary};
use crate::measure::{Measured, Meter};
use crate::progress::Progress;
use crate::run::Run;
use crate::session::Session;
use crate::watch::Watch;

/// The sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrivals {
    pub(super) rate: usize,
    pub(super) joins: usize,
    pub(super) topics: usize,
    /// Members of each topic, spread over the nodes; the first on each node watches.
    pub(super) members: usize,
    pub(super) joiners: usize,
    /// The numbers from which on topics and clients are these.
    pub(super) first_topic: usize,
    pub(super) first_client: usize,
}

/// A join that is due.
#[derive(Clone, Copy, Debug)]
struct Due {
    at: Instant,
    topic: usize,
}

/// What the clients share.
struct Shared {
    boards: Vec<Board>,
    due: Mutex<mpsc::Receiver<Due>>,
    /// How long a newcomer stays after its join was due.
    stay: Duration,
    seen: Recorder,
    progress: Arc<Progress>,
}

impl Arrivals {
    pub(super) fn sockets(&self) -> usize {
        self.topics * self.members + self.joiners
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        in_bounds("rate", self.rate, 1)?;
        in_bounds("joins", self.joins, 1)?;
        in_bounds("topics", self.topics, 1)?;
        in_bounds("joiners", self.joiners, 1)
    }

    pub(super) async fn run(&self, run: &Run) -> Result<(Summary, Measured), Error> {
        let (due, receiver) = mpsc::channel(self.joins);
        let shared = Arc::new(Shared {
            boards: (0..self.topics).map(|_| Board::default()).collect(),
            due: Mutex::new(receiver),
            stay: Duration::from_secs_f64(self.topics as f64 / self.rate as f64 / 2.0),
            seen: Recorder::new(),
            progress: Arc::clone(run.progress()),
        });
        let mut crowd = self.gather(run, &shared).await?;
        let end = self.first_client + self.sockets();
        let joiners = run.connect_all(end - self.joiners..end).await?;
        crowd.quiet(run).await?;

        run.progress().stage("joins seen by all", self.joins);
        let meter = Meter::start(run)?;
        let topics = (0..self.topics).map(|number| run.topic(self.first_topic + number));
        let topics: Arc<[String]> = topics.collect();
        for (number, joiner) in joiners.into_iter().enumerate() {
            let node = run.node_of(end - self.joiners + number);
            let (topics, shared) = (Arc::clone(&topics), Arc::clone(&shared));
            crowd.work(come_and_go(joiner, node, run.nodes(), topics, shared));
        }
        self.announce(due);
        crowd.all_done().await?;
        Ok((shared.seen.summary(), meter.finish(run)?))
    }

    /// Has the members join their topics, and the first on each node watch.
    async fn gather(&self, run: &Run, shared: &Arc<Shared>) -> Result<Crowd, Error> {
        let mut crowd = Crowd::new();
        let members = self.topics * self.members;
        let members = self.first_client..self.first_client + members;
        let members = run.connect_all(members).await?;
        run.progress().stage("joined", members.len());
        for (number, mut member) in members.into_iter().enumerate() {
            // Members of a topic have numbers in a row, and so are on all nodes in turn.
            let topic = run.topic(self.first_topic + number / self.members);
            let mut watch = Watch::new(&topic);
            member.join(&topic)?;
            watch
                .until_present(&mut member, number % self.members + 1, drop)
                .await?;
            run.progress().step();
            let node = run.node_of(self.first_client + number);
            if number % self.members < run.nodes() {
                let (shared, topic) = (Arc::clone(shared), number / self.members);
                crowd.add(async move {
                    let record = |since: Instant| shared.seen.record(since.elapsed());
                    shared.boards[topic]
                        .watch(member, watch, node, record)
                        .await
                });
            } else {
                crowd.stay(member);
            }
        }
        Ok(crowd)
    }

    /// Says of each join when it is due, as soon as it is. A thread of its own does, because the runtime's
    /// timers are late by up to a millisecond, which may be more than what is measured.
    fn announce(self, due: mpsc::Sender<Due>) {
        let start = Instant::now();
        thread::spawn(move || {
            for number in 0..self.joins {
                let at = start + Duration::from_secs_f64(number as f64 / self.rate as f64);
                thread::sleep(at.saturating_duration_since(Instant::now()));
                let topic = number % self.topics;
                if due.blocking_send(Due { at, topic }).is_err() {
                    // The run was given up.
                    return;
                }
            }
        });
    }
}

/// Joins whenever that is due, waits until all have seen it, stays a little, and leaves.
async fn come_and_go(
    mut joiner: Session,
    own_node: usize,
    nodes: usize,
    topics: Arc<[String]>,
    shared: Arc<Shared>,
) -> Result<Session, Error> {
    let next = async || shared.due.lock().await.recv().await;
    while let Some(due) = joiner.staying(next()).await? {
        // With one node, it is that of the newcomer; with more, the others.
        let watching = (0..nodes).filter(|node| nodes == 1 || *node != own_node);
        let seen = shared.boards[due.topic].expect(joiner.user(), due.at, watching);
        let channel = joiner.join(&topics[due.topic])?;
        // The board never forgets whom it expects, so this is no error.
        let _ = joiner.staying(seen).await?;
        shared.progress.step();
        joiner.staying(sleep_until(due.at + shared.stay)).await?;
        joiner.leave(channel)?;
    }
    Ok(joiner)
}
