//! `herenow serve`, from the first port to the last connection.

use std::io::{self, IsTerminal};
use std::process;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing_subscriber::EnvFilter;
use warp::Filter;

use crate::args::Serve;
use crate::health::{self, Readiness};
use crate::listener;
use crate::signals::Signals;
use crate::site;

/// What a shell expects of a command that was ended by Ctrl-C: 128 and the signal's number.
const EXIT_INTERRUPTED: i32 = 130;

/// Serves until a signal says otherwise. The error is one line for the person who started it.
pub(crate) async fn serve(options: Serve) -> Result<(), String> {
    log_to_stderr(&options.operation.log);
    let mut signals =
        Signals::new().map_err(|error| format!("cannot listen for Ctrl-C: {error}"))?;
    let listener = listener::listen(&options.listen).await?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;

    let readiness = Readiness::default();
    let routes = health::routes(readiness.clone())
        .or(site::pages(options.www, options.client))
        .unify();
    let (stop_accepting, stopped) = oneshot::channel::<()>();
    let server = warp::serve(routes)
        .incoming(listener)
        .graceful(async { _ = stopped.await })
        .run();
    let server = tokio::spawn(server);
    readiness.set(true);
    // Programs that start a server on port 0 read the port from this line, so it comes first.
    eprintln!("listening on http://{address}");

    let signal = signals.next().await;
    tracing::info!("{signal}: closing the connections; once more stops at once");
    tokio::spawn(async move {
        signals.next().await;
        process::exit(EXIT_INTERRUPTED);
    });
    readiness.set(false);
    drop(stop_accepting);
    drain(server, options.operation.shutdown_grace).await;
    Ok(())
}

async fn drain(server: tokio::task::JoinHandle<()>, grace: Duration) {
    if timeout(grace, server).await.is_err() {
        tracing::warn!("some connections did not close within {grace:?}; they are cut off");
    }
}

fn log_to_stderr(filter: &str) {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}
