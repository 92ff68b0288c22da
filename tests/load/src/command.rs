//! The command line: `herenow bench URL SCENARIO`.

use clap::{Args, Subcommand};

use crate::error::Error;
use crate::options::Options;
use crate::run::Run;
use crate::scenario::{Bigroom, Broadcast, Churn, Cluster, Idle, Scenario, Soak, Steady, Storm};

/// Examples for the help text.
pub const EXAMPLES: &str = "\
Examples:
  herenow bench http://127.0.0.1:4000 storm --clients 1000
      1,000 clients join one topic at once: how long until one of them has seen all?

  herenow bench http://127.0.0.1:4000 churn --server-pid $(pgrep -x herenow)
      Also tell what CPU time and memory the server took

  herenow bench ws://127.0.0.1:4000/socket steady --topic 'lobby:{number}' --param 'token=of {user}'
      Any Phoenix server: its socket, its topics, the params that it wants. Whoever joins must be
      tracked, under {user} as the key, and be sent presence_state

Progress goes to stderr; the result is one line of JSON on stdout.";

/// The arguments of `herenow bench`.
#[derive(Debug, Args)]
pub struct Command {
    /// The server's socket: http://HOST:PORT, or with its path if that is not /socket. It must be on this
    /// machine, unless --allow-remote is given.
    #[arg(value_name = "URL")]
    url: String,

    #[command(flatten)]
    options: Options,

    #[command(subcommand)]
    which: Which,
}

// Each has its help text from the scenario itself.
#[derive(Debug, Subcommand)]
#[command(
    subcommand_value_name = "SCENARIO",
    subcommand_help_heading = "Scenarios"
)]
enum Which {
    Storm(Storm),
    Churn(Churn),
    Idle(Idle),
    Broadcast(Broadcast),
    Steady(Steady),
    Bigroom(Bigroom),
    Cluster(Cluster),
    Soak(Soak),
}

impl Command {
    /// Runs the scenario, with progress on stderr. Returns the result as one line of JSON.
    ///
    /// # Errors
    ///
    /// As of [`run`](crate::run).
    pub async fn execute(self) -> Result<String, Error> {
        match &self.which {
            Which::Storm(storm) => self.measure(storm).await,
            Which::Churn(churn) => self.measure(churn).await,
            Which::Idle(idle) => self.measure(idle).await,
            Which::Broadcast(broadcast) => self.measure(broadcast).await,
            Which::Steady(steady) => self.measure(steady).await,
            Which::Bigroom(bigroom) => self.measure(bigroom).await,
            Which::Cluster(cluster) => self.measure(cluster).await,
            Which::Soak(soak) => self.measure(soak).await,
        }
    }

    async fn measure<S: Scenario>(&self, scenario: &S) -> Result<String, Error> {
        let run = Run::prepare(&self.url, &self.options, scenario).await?;
        let run = run.with_news(|line| println!("{line}"));
        let report = tokio::select! {
            report = run.carry_out(scenario) => report?,
            never = run.progress().print(S::NAME) => match never {},
        };
        // A failure is to be seen with all its figures.
        let verdict = scenario.verdict(&report.outcome);
        verdict.inspect_err(|_| println!("{report}"))?;
        Ok(report.to_string())
    }
}
