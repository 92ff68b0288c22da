//! The HTTP server: accepts connections and lets warp's filters answer their requests.
//!
//! It stands in for `warp::serve`, which waits for the head of a request for as long as the client likes:
//! whoever opens connections and sends nothing would hold one of the open files with each.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use warp::filters::BoxedFilter;
use warp::reply::Response;

/// How long to wait before accepting again where the system had no means for one more connection.
const PAUSE_WITHOUT_MEANS: Duration = Duration::from_secs(1);

/// What is said at the end: to accept no more, and to finish what was begun.
pub(crate) type Stop = watch::Receiver<bool>;

/// Serves `routes` until `stop`, and then until all requests that were begun are answered. A connection
/// may take `header_timeout` for the head of each request, from the one before on.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: BoxedFilter<(Response,)>,
    header_timeout: Duration,
    mut stop: Stop,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_timeout);
    // Each connection holds one of these, so that the end of all can be waited for.
    let (open, all_closed) = watch::channel(());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = asked(&mut stop) => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = answer(stream, &http, routes.clone(), stop.clone());
                let open = open.subscribe();
                tokio::spawn(async move {
                    connection.await;
                    drop(open);
                });
            }
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(PAUSE_WITHOUT_MEANS).await;
            }
        }
    }
    drop((listener, all_closed));
    open.closed().await;
}

/// Answers the requests of one connection.
fn answer(
    stream: TcpStream,
    http: &http1::Builder,
    routes: BoxedFilter<(Response,)>,
    mut stop: Stop,
) -> impl Future<Output = ()> + use<> {
    let service = TowerToHyperService::new(warp::service(routes));
    let connection = http
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    async move {
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = asked(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended before its requests did");
        }
    }
}

/// Waits for it. Whoever would say it being gone says it as well.
async fn asked(stop: &mut Stop) {
    _ = stop.wait_for(|stop| *stop).await;
}

/// Whether it is the one connection that failed, while it was waiting to be accepted.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
