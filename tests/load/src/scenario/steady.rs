//! Now and then somebody comes: how soon do the others know?

use clap::Args;
use serde::Serialize;

use super::arrivals::Arrivals;
use super::{Scenario, in_bounds};
use crate::error::Error;
use crate::latency::Summary;
use crate::measure::Measured;
use crate::run::Run;

/// Joins at a low rate: how long until a member sees each in its presence_diff.
///
/// Joins are due at fixed times, whatever the server does, and each is counted from when it was due: a
/// server that stalls is charged for all that had to wait (this corrects for coordinated omission). Every
/// newcomer leaves again halfway to the next join in its topic. The presence key must be {user}.
#[derive(Clone, Debug, Args)]
pub struct Steady {
    /// Joins in a second, over all topics.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub rate: usize,

    /// Joins in all.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub joins: usize,

    /// Topics, which are joined in turn. Joins in one topic should be further apart than the server gathers
    /// changes for, or that is what is measured.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub topics: usize,

    /// Members of each topic, one of whom is watched.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub members: usize,

    /// Clients that come and go; a join that finds all of them busy waits, and that counts.
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub joiners: usize,
}

/// What [`Steady`] measures.
#[derive(Clone, Debug, Serialize)]
pub struct SteadyOutcome {
    /// Joins.
    pub joins: usize,
    /// Joins in a second that were due.
    pub rate: usize,
    /// Topics.
    pub topics: usize,
    /// Members of each topic.
    pub members: usize,
    /// From when a join was due until a member had seen it, in milliseconds.
    pub seen_ms: Summary,
    /// What was used.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Steady {
    fn arrivals(&self) -> Arrivals {
        Arrivals {
            rate: self.rate,
            joins: self.joins,
            topics: self.topics,
            members: self.members,
            joiners: self.joiners,
            first_topic: 0,
            first_client: 0,
        }
    }
}

impl Scenario for Steady {
    type Outcome = SteadyOutcome;
    const NAME: &'static str = "steady";

    fn sockets(&self) -> usize {
        self.arrivals().sockets()
    }

    fn topics(&self) -> usize {
        self.topics
    }

    fn check(&self) -> Result<(), Error> {
        in_bounds("members", self.members, 1)?;
        self.arrivals().check()
    }

    async fn run(&self, run: &Run) -> Result<SteadyOutcome, Error> {
        let (seen_ms, measured) = self.arrivals().run(run).await?;
        Ok(SteadyOutcome {
            joins: self.joins,
            rate: self.rate,
            topics: self.topics,
            members: self.members,
            seen_ms,
            measured,
        })
    }
}
