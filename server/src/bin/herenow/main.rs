//! The `herenow` binary: the library with the built-in `room:*` channel, behind a command line, and the
//! load generator.

mod access;
mod args;
mod cluster;
mod health;
mod http;
mod listener;
mod metrics;
mod node_name;
mod open_files;
mod serve;
mod signals;
mod site;
mod units;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use serve::Server;

/// Each client that joins is sent a list of its own, which is gone as soon as it is written. The system's
/// allocator keeps much of what such bursts take: in a storm of 2,000 joins four times as much as is in use.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a shell expects of a command that was called wrongly.
const EXIT_USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => return refuse(&error),
    };
    let outcome = match command {
        Command::Serve(options) => match Server::new(*options) {
            Ok(server) => server.serve().await,
            Err(line) => return misused(&line),
        },
        Command::Bench(bench) => bench_and_print(*bench).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            eprintln!("herenow: {line}");
            ExitCode::FAILURE
        }
    }
}

async fn bench_and_print(bench: herenow_load::Command) -> Result<(), String> {
    let result = bench.execute().await.map_err(|error| error.to_string())?;
    println!("{result}");
    Ok(())
}

fn refuse(error: &clap::Error) -> ExitCode {
    match args::explain(error) {
        Some(line) => misused(&line),
        None => error.exit(),
    }
}

fn misused(line: &str) -> ExitCode {
    eprintln!("herenow: {line}");
    ExitCode::from(EXIT_USAGE)
}
