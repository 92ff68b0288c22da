//! Is it true? All hold still, and what is seen is compared with who is there.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::observer::look;
use super::world::World;

/// How often it is looked whether all is true.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How often the nodes are asked whether they are there.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Topics that newcomers look into at a time.
const AT_ONCE: usize = 8;

/// A line that says what a check has found.
#[derive(Debug, Serialize)]
struct CheckLine {
    soak: &'static str,
    seconds: f64,
    /// Connections that were there.
    present: usize,
    nodes: usize,
    states: u64,
    lists: u64,
    /// From when all held still until all was true.
    settled_ms: f64,
    /// What was wrong, so far.
    errors: u64,
}

impl World<'_> {
    /// Has all hold still, and compares. What is not true in time is an error.
    pub(super) async fn check(&self, start: Instant) {
        self.hold(true);
        let began = Instant::now();
        let nodes = self.until_true().await;
        let took = began.elapsed();
        if nodes.is_some() {
            self.tally.settled.record(took);
        }
        let nodes = nodes.unwrap_or_default();
        let seated = self.seats.iter().filter(|seat| nodes.contains(&seat.node));
        let states = seated.count() as u64;
        let lists = self.look_into_all(&nodes).await;
        // Those who looked have gone again.
        self.until_true().await;
        self.tally.count(|counts| {
            counts.checks += 1;
            counts.states_compared += states;
            counts.lists_compared += lists;
        });
        self.run.tell(&CheckLine {
            soak: "check",
            seconds: start.elapsed().as_secs_f64(),
            present: self.roll.present(),
            nodes: nodes.len(),
            states,
            lists,
            settled_ms: took.as_secs_f64() * 1e3,
            errors: self.tally.counts().errors,
        });
        self.hold(false);
    }

    async fn reachable_nodes(&self) -> Vec<usize> {
        let mut nodes = Vec::new();
        for node in 0..self.run.nodes() {
            if self.run.is_reachable(node).await {
                nodes.push(node);
            }
        }
        nodes
    }

    /// Waits until all that observers see is true, on the nodes that can be reached. Returns these. `None`:
    /// it was not true in time, which is an error.
    async fn until_true(&self) -> Option<Vec<usize>> {
        let end = Instant::now() + Duration::from_secs(self.sizes.settle);
        loop {
            // A node may go, or come back, while this waits.
            let nodes = self.reachable_nodes().await;
            let ask_again = Instant::now() + ASK_EVERY;
            while Instant::now() < ask_again {
                match self.what_is_wrong(&nodes) {
                    None => return Some(nodes),
                    Some(problem) if Instant::now() > end => {
                        self.error(problem);
                        return None;
                    }
                    Some(_) => sleep(LOOK_EVERY).await,
                }
            }
        }
    }

    fn what_is_wrong(&self, nodes: &[usize]) -> Option<String> {
        let busy = self.busy_clients();
        if busy > 0 {
            return Some(format!("{busy} clients are still waiting for an answer"));
        }
        let mut seated = self.seats.iter().filter(|seat| nodes.contains(&seat.node));
        seated.find_map(|seat| {
            let (topic, node) = (seat.topic, seat.node);
            if !seat.is_online() {
                return Some(format!(
                    "node {node}, topic {topic}: the observer is not back"
                ));
            }
            let difference = seat.difference(&self.roll)?;
            Some(format!(
                "node {node}, topic {topic}: an observer sees {difference}"
            ))
        })
    }

    /// Newcomers look into every topic on these nodes. Returns how many lists were right.
    async fn look_into_all(&self, nodes: &[usize]) -> u64 {
        let topics = stream::iter(0..self.sizes.topics).map(|topic| self.look_into(topic, nodes));
        let right = topics.buffer_unordered(AT_ONCE);
        right.fold(0, async |sum, right| sum + right).await
    }

    async fn look_into(&self, topic: usize, nodes: &[usize]) -> u64 {
        let mut right = 0;
        for node in nodes.iter().copied() {
            let number = self.tally.counts().checks;
            let user = format!("look-{number}-{topic}-{node}");
            let within = Duration::from_secs(self.sizes.settle);
            match look(self, topic, node, user, within).await {
                Ok(()) => right += 1,
                // It may have been killed just now.
                Err(_) if !self.run.is_reachable(node).await => {}
                Err(problem) => {
                    self.error(format!(
                        "node {node}, topic {topic}: a newcomer sees {problem}"
                    ));
                }
            }
        }
        right
    }
}
