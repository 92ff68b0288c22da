//! What was done, what was found, and how long it took.

use std::cell::RefCell;
use std::time::Duration;

use serde::Serialize;

use super::world::World;
use crate::latency::{Recorder, Summary};
use crate::measure::Measured;
use crate::process::Process;

/// Errors that are kept with their text.
const TOLD: usize = 20;

/// How often each thing has happened.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    /// Joins of members.
    pub joins: u64,
    /// Leaves.
    pub leaves: u64,
    /// Changes of a meta.
    pub updates: u64,
    /// Connections that members closed.
    pub closed: u64,
    /// Connections that members just dropped.
    pub dropped: u64,
    /// Connections over which garbage was sent.
    pub garbage: u64,
    /// Connections that were lost because a node was.
    pub cut: u64,
    /// Slow readers that the server gave up.
    pub given_up: u64,
    /// Messages that were broadcast.
    pub shouts: u64,
    /// Messages that observers have heard.
    pub heard: u64,
    /// Checks.
    pub checks: u64,
    /// What observers have made of diffs, compared with who was there.
    pub states_compared: u64,
    /// Lists that newcomers were sent, compared with who was there.
    pub lists_compared: u64,
    /// What was wrong.
    pub errors: u64,
}

/// Counts, errors and times.
#[derive(Debug)]
pub(super) struct Tally {
    counts: RefCell<Counts>,
    errors: RefCell<Vec<String>>,
    pub(super) settled: Recorder,
    pub(super) seen: Recorder,
    pub(super) shouts: Recorder,
    /// Since the last sample.
    recently_seen: Recorder,
    recent_shouts: Recorder,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            counts: RefCell::default(),
            errors: RefCell::default(),
            settled: Recorder::new(),
            seen: Recorder::new(),
            shouts: Recorder::new(),
            recently_seen: Recorder::new(),
            recent_shouts: Recorder::new(),
        }
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.counts.borrow_mut());
    }

    pub(super) fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    pub(super) fn first_errors(&self) -> Vec<String> {
        self.errors.borrow().clone()
    }

    pub(super) fn error(&self, problem: String) {
        self.count(|counts| counts.errors += 1);
        let mut errors = self.errors.borrow_mut();
        if errors.len() < TOLD {
            errors.push(problem);
        }
    }

    /// An observer has seen somebody come.
    pub(super) fn has_seen(&self, after: Duration) {
        self.seen.record(after);
        self.recently_seen.record(after);
    }

    /// An observer has heard a message.
    pub(super) fn has_heard(&self, after: Duration) {
        self.count(|counts| counts.heard += 1);
        self.shouts.record(after);
        self.recent_shouts.record(after);
    }
}

/// A line with figures.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    soak: &'static str,
    seconds: f64,
    /// Connections that are in a topic.
    present: usize,
    counts: Counts,
    /// Since the last sample.
    seen_ms: Summary,
    shout_ms: Summary,
    /// The generator's own memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    generator_resident_bytes: Option<u64>,
    /// What was used since the last sample.
    #[serde(flatten)]
    measured: Measured,
}

impl Sample {
    pub(super) fn take(world: &World<'_>, at: Duration, measured: Measured) -> Self {
        let own = Process::own().and_then(|own| own.usage().ok());
        let tally = &world.tally;
        Self {
            soak: "sample",
            seconds: at.as_secs_f64(),
            present: world.roll.present(),
            counts: tally.counts(),
            seen_ms: tally.recently_seen.take(),
            shout_ms: tally.recent_shouts.take(),
            generator_resident_bytes: own.map(|own| own.resident),
            measured,
        }
    }
}
