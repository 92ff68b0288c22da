//! What is done to a server, one scenario a file.
//!
//! They share one assumption about the application: whoever joins is tracked under a key of its own, and
//! sent `presence_state`. Where a scenario asks for more, it says so.

mod arrivals;
mod bigroom;
mod board;
mod broadcast;
mod churn;
mod cluster;
mod idle;
mod soak;
mod steady;
mod storm;

use std::future::Future;
use std::time::Duration;

use serde::Serialize;

use crate::error::Error;
use crate::run::Run;

pub use bigroom::{Bigroom, BigroomOutcome};
pub use broadcast::{Broadcast, BroadcastOutcome};
pub use churn::{Churn, ChurnOutcome};
pub use cluster::{Cluster, ClusterOutcome};
pub use idle::{Idle, IdleOutcome};
pub use soak::{Soak, SoakOutcome};
pub use steady::{Steady, SteadyOutcome};
pub use storm::{Storm, StormOutcome};

/// A kind of load, bounded in count and time. Its fields are its sizes.
pub trait Scenario {
    /// What it measures.
    type Outcome: Serialize;

    /// Its name on the command line and in the result.
    const NAME: &'static str;

    /// How many sockets it opens, all of them included.
    fn sockets(&self) -> usize;

    /// How many topics it uses.
    fn topics(&self) -> usize {
        1
    }

    /// How long it goes on when nothing is slow; it is given up when it takes longer than that and the
    /// timeout.
    fn lasts(&self) -> Duration {
        Duration::ZERO
    }

    /// Further nodes that it connects to, by their URLs.
    fn more_urls(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    /// Whether its sizes make sense together.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] that says which does not, and what would.
    fn check(&self) -> Result<(), Error>;

    /// Whether what it measured is a failure: then the report is made all the same.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] that says what is wrong.
    fn verdict(&self, _outcome: &Self::Outcome) -> Result<(), Error> {
        Ok(())
    }

    /// Carries it out.
    fn run(&self, run: &Run) -> impl Future<Output = Result<Self::Outcome, Error>>;
}

/// The most that any count may be: more than one machine carries out, and little enough to have room made
/// for it beforehand.
const MOST: usize = 1 << 24;

/// Checks that a count is at least this, and none that could not be carried out.
fn in_bounds(flag: &str, count: usize, least: usize) -> Result<(), Error> {
    let bound = match count {
        _ if count < least => format!("at least {least}"),
        _ if count > MOST => format!("at most {MOST}"),
        _ => return Ok(()),
    };
    Err(Error::settings(format!("--{flag} {count}: give {bound}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_neither_less_nor_more_than_can_be_carried_out() {
        assert!(in_bounds("joins", 1, 1).is_ok() && in_bounds("joins", MOST, 1).is_ok());
        let few = in_bounds("joins", 0, 1).unwrap_err().to_string();
        assert!(few.contains("--joins 0: give at least 1"), "{few}");
        let many = in_bounds("joins", usize::MAX, 1).unwrap_err().to_string();
        assert!(many.contains("give at most 16777216"), "{many}");
    }
}
