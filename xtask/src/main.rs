//! `cargo xtask`: the project's own commands, so that CI and a laptop run the very same ones.

mod command;
mod node;
mod package;
mod server;
mod wasm_opt;
mod workspace;

use std::process::ExitCode;

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
    /// Build the npm package into client-wasm/pkg and the server
    Build {
        /// Optimized: target/release/herenow, and the wasm shrunk with wasm-opt where npm is there
        #[arg(long)]
        release: bool,
        /// One of the two
        #[arg(long)]
        only: Option<Part>,
    },
}

/// What `build` makes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The npm package in client-wasm/pkg
    Package,
    /// The binary `herenow`
    Server,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Build { release, only } => build(release, only),
    }
}

fn build(release: bool, only: Option<Part>) -> Result<()> {
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
