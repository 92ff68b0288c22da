//! Somebody comes to one node: how soon do the others know on theirs?

use clap::Args;
use serde::Serialize;

use super::arrivals::Arrivals;
use super::{Scenario, in_bounds};
use crate::error::Error;
use crate::latency::Summary;
use crate::measure::Measured;
use crate::run::Run;

/// Joins on one node: how long until members on the other nodes see each in their presence_diffs.
///
/// Newcomers join on all nodes in turn, and in each topic one member on every node watches; those on the
/// newcomer's own node are not counted. Joins are due at fixed times and counted from when they were due,
/// as in `steady`. The presence key must be {user}.
#[derive(Clone, Debug, Args)]
pub struct Cluster {
    /// A further node of the cluster, by its URL; once for each.
    #[arg(long = "node", value_name = "URL", required = true)]
    pub nodes: Vec<String>,

    /// Joins in a second, over all nodes and topics.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub rate: usize,

    /// Joins in all.
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub joins: usize,

    /// Topics, which are joined in turn. Joins in one topic should be further apart than the server gathers
    /// changes for, or that is what is measured.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub topics: usize,

    /// Clients that come and go; a join that finds all of them busy waits, and that counts.
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub joiners: usize,
}

/// What [`Cluster`] measures.
#[derive(Clone, Debug, Serialize)]
pub struct ClusterOutcome {
    /// Nodes.
    pub nodes: usize,
    /// Joins.
    pub joins: usize,
    /// Joins in a second that were due.
    pub rate: usize,
    /// Topics.
    pub topics: usize,
    /// From when a join was due until a member on another node had seen it, in milliseconds: once for each
    /// join and each other node.
    pub seen_ms: Summary,
    /// What was used.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Cluster {
    fn arrivals(&self) -> Arrivals {
        Arrivals {
            rate: self.rate,
            joins: self.joins,
            topics: self.topics,
            // One on each node.
            members: self.nodes.len() + 1,
            joiners: self.joiners,
            first_topic: 0,
            first_client: 0,
        }
    }
}

impl Scenario for Cluster {
    type Outcome = ClusterOutcome;
    const NAME: &'static str = "cluster";

    fn sockets(&self) -> usize {
        self.arrivals().sockets()
    }

    fn topics(&self) -> usize {
        self.topics
    }

    fn more_urls(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(String::as_str)
    }

    fn check(&self) -> Result<(), Error> {
        in_bounds("node", self.nodes.len(), 1)?;
        self.arrivals().check()
    }

    async fn run(&self, run: &Run) -> Result<ClusterOutcome, Error> {
        let (seen_ms, measured) = self.arrivals().run(run).await?;
        Ok(ClusterOutcome {
            nodes: run.nodes(),
            joins: self.joins,
            rate: self.rate,
            topics: self.topics,
            seen_ms,
            measured,
        })
    }
}
