//! What all clients of a soak share.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::Soak;
use super::observer::Seat;
use super::roll::Roll;
use super::tally::Tally;
use crate::error::Error;
use crate::run::Run;

/// With this close code a server says that it is about to restart, and that clients should come again.
const SERVICE_RESTART: u16 = 1012;

/// After a connection was lost, how long until its node is asked whether it is still there: one that is
/// killed may take a moment to be gone.
const ASK_AFTER: Duration = Duration::from_millis(300);

pub(super) struct World<'a> {
    pub(super) run: &'a Run,
    pub(super) sizes: &'a Soak,
    pub(super) start: Instant,
    pub(super) roll: Roll,
    pub(super) tally: Tally,
    pub(super) seats: Vec<Seat>,
    /// Who joins, until it leaves again.
    arrivals: RefCell<HashMap<String, Arrival>>,
    /// Whether all are to hold still.
    hold: watch::Sender<bool>,
    /// Clients that are in the middle of something.
    busy: Cell<usize>,
}

/// A join that is to be seen.
struct Arrival {
    due: Instant,
    /// The nodes on which it has been.
    seen_on: Vec<usize>,
}

impl<'a> World<'a> {
    pub(super) fn new(run: &'a Run, sizes: &'a Soak) -> Self {
        Self {
            run,
            sizes,
            start: Instant::now(),
            roll: Roll::new(sizes.topics),
            tally: Tally::new(),
            seats: Seat::all(run, sizes),
            arrivals: RefCell::default(),
            hold: watch::Sender::new(false),
            busy: Cell::new(0),
        }
    }

    /// Returns when it is time to do something: when that is due and nobody has to hold still. What was due
    /// while all held still is due within `spread` afterwards; the time when it was due is returned.
    pub(super) async fn turn(&self, mut due: Instant, spread: Duration) -> Instant {
        loop {
            sleep_until(due).await;
            if !self.holds() {
                return due;
            }
            self.until_hold_is(false).await;
            due = Instant::now() + spread.mul_f64(fastrand::f64());
        }
    }

    pub(super) fn hold(&self, hold: bool) {
        self.hold.send_replace(hold);
    }

    pub(super) fn holds(&self) -> bool {
        *self.hold.borrow()
    }

    pub(super) async fn until_hold_is(&self, hold: bool) {
        // The sender is here, so there is no error.
        let _ = self.hold.subscribe().wait_for(|now| *now == hold).await;
    }

    /// Whoever is in the middle of something holds one of these.
    pub(super) fn busy(&self) -> Busy<'_> {
        self.busy.set(self.busy.get() + 1);
        Busy(&self.busy)
    }

    pub(super) fn busy_clients(&self) -> usize {
        self.busy.get()
    }

    /// A user is about to join, and its join was due at this time.
    pub(super) fn expect(&self, user: &str, due: Instant) {
        let seen_on = Vec::new();
        let arrival = Arrival { due, seen_on };
        self.arrivals.borrow_mut().insert(user.to_owned(), arrival);
    }

    pub(super) fn no_longer_expect(&self, user: &str) {
        self.arrivals.borrow_mut().remove(user);
    }

    /// A key has appeared on a node.
    pub(super) fn has_appeared(&self, key: &str, node: usize) {
        if let Some(arrival) = self.arrivals.borrow_mut().get_mut(key)
            && !arrival.seen_on.contains(&node)
        {
            arrival.seen_on.push(node);
            self.tally.has_seen(arrival.due.elapsed());
        }
    }

    /// A connection to a node was lost. That is an error, unless the node is lost, too.
    pub(super) async fn lost(&self, node: usize, closed_with: Option<u16>, error: &Error) {
        let crashed = matches!(error, Error::Answer { .. });
        if !crashed {
            if closed_with == Some(SERVICE_RESTART) {
                return self.tally.count(|counts| counts.cut += 1);
            }
            sleep(ASK_AFTER).await;
            if !self.run.is_reachable(node).await {
                return self.tally.count(|counts| counts.cut += 1);
            }
        }
        self.error(format!("node {node}: {error}"));
    }

    /// Something is wrong. It is told at once, and counted.
    pub(super) fn error(&self, problem: String) {
        let seconds = self.start.elapsed().as_secs_f64();
        self.run.tell(&ErrorLine {
            soak: "error",
            seconds,
            problem: &problem,
        });
        self.tally.error(problem);
    }
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    soak: &'static str,
    seconds: f64,
    problem: &'a str,
}

/// A client is in the middle of something until this is dropped.
pub(super) struct Busy<'a>(&'a Cell<usize>);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
