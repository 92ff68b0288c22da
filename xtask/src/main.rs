//! `cargo xtask`: the project's own commands, so that CI and a laptop run the very same ones.

mod bench;
mod cluster;
mod command;
mod frontend;
mod instructions;
mod minify;
mod node;
mod package;
mod run;
mod running;
mod server;
mod signal;
mod sim;
mod size;
mod soak;
mod steps;
mod suite;
mod system;
mod tree;
mod wasm_opt;
mod workspace;

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the demo and serve it on http://localhost:4000 (needs Rust and nothing else)
    Run {
        /// The port to listen on
        #[arg(long, default_value_t = 4000)]
        port: u16,
        /// Flags for `herenow serve`, after `--`
        #[arg(last = true)]
        server: Vec<OsString>,
    },
    /// Build the demo and serve it from several nodes of a cluster on this machine, on
    /// http://localhost:4000 and the ports after it (the first build takes minutes: zenoh is large)
    Cluster {
        /// How many nodes
        #[arg(default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=20))]
        nodes: u16,
        /// The port of the first node
        #[arg(long, default_value_t = 4000)]
        port: u16,
    },
    /// Run all tests: Rust, the npm package, interop with npm `phoenix`, browsers
    Test {
        /// Only this part, and what it needs; may be given more than once
        #[arg(long)]
        only: Vec<suite::Part>,
    },
    /// What CI runs: formatting, lints, docs, then all tests
    Ci,
    /// Build the npm package into client-wasm/pkg and the server
    Build {
        /// Optimized: target/release/herenow, and the package as it is published, with CommonJS, where npm is there
        #[arg(long)]
        release: bool,
        /// One of these
        #[arg(long)]
        only: Option<Part>,
    },
    /// Build the npm package as it is released and pack it into target/package
    Package,
    /// Print what each part of the client costs, and fail if that is past the budget
    Size,
    /// Put simulated clusters through random schedules of trouble, or measure what clusters cost
    Sim {
        /// How many schedules
        #[arg(default_value_t = 100_000, conflicts_with = "cost")]
        schedules: u32,
        /// Instead: print what a node of a cluster of 3 to 100 sends and receives, and how long news take
        #[arg(long)]
        cost: bool,
    },
    /// Measure the server and print a line of JSON for each row of the performance table
    Bench {
        /// Only these rows
        row: Vec<bench::Name>,
        /// Instead of the server, the Presence of the npm package beside that of npm `phoenix`, in Node and in
        /// Chromium
        #[arg(long, conflicts_with = "row")]
        client: bool,
        /// Measure each row so often: one run says little on a machine that does other work as well
        #[arg(long, default_value_t = 1, conflicts_with = "client")]
        times: usize,
        /// Small sizes: to see in a minute that everything works
        #[arg(long)]
        quick: bool,
    },
    /// Count the instructions of the hot paths (with callgrind) and fail where they have become more
    Instructions {
        /// Write the counts down, as those to compare with from now on
        #[arg(long)]
        keep: bool,
    },
    /// Measure how cost grows with members, topics, connections and nodes; a line of JSON for each point
    Scale {
        /// Only along these axes
        axis: Vec<bench::Axis>,
        /// Small sizes: to see in a minute that everything works
        #[arg(long)]
        quick: bool,
    },
    /// Draw the plots of docs/performance.md from the lines of JSON that lie beside it
    Plot,
    /// Put everything at once on a cluster for long, with faults, and tell whether all stayed true and
    /// memory flat; lines of JSON
    Soak(soak::Soak),
}

/// What `build` makes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The npm package in client-wasm/pkg
    Package,
    /// The binary `herenow`
    Server,
    /// The example of a frontend in Rust, as a page in target/frontend; not built unless it is asked for
    Frontend,
}

fn main() -> ExitCode {
    match execute(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(task: Task) -> Result<()> {
    match task {
        Task::Run { port, server } => run::run(port, &server),
        Task::Cluster { nodes, port } => cluster::cluster(nodes, port),
        Task::Test { only } => suite::test(&only),
        Task::Ci => suite::ci(),
        Task::Build { release, only } => build(release, only),
        Task::Package => {
            package::build(true)?;
            println!("packed {}", package::pack()?.display());
            Ok(())
        }
        Task::Size => size::size(),
        Task::Sim { cost: true, .. } => sim::cost(),
        Task::Sim { schedules, .. } => sim::schedules(schedules),
        Task::Bench {
            client: true,
            quick,
            ..
        } => bench::client(quick),
        Task::Bench {
            row, quick, times, ..
        } => bench::bench(&row, quick, times),
        Task::Instructions { keep } => instructions::instructions(keep),
        Task::Scale { axis, quick } => bench::scale(&axis, quick),
        Task::Plot => bench::plot(),
        Task::Soak(soak) => soak.run(),
    }
}

fn build(release: bool, only: Option<Part>) -> Result<()> {
    if only == Some(Part::Frontend) {
        println!("built {}", frontend::build()?.display());
        return Ok(());
    }
    if only != Some(Part::Server) {
        let optimize = release && node::has_npm();
        if release && !optimize {
            println!("no npm here: the wasm is not shrunk with wasm-opt; it works all the same");
        }
        package::build(optimize)?;
        println!("built {}", workspace::package_dir().display());
    }
    if only != Some(Part::Package) {
        println!("built {}", server::build(release)?.display());
    }
    Ok(())
}
