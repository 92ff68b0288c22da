//! What a machine asks the server: is it alive, does it want traffic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use herenow::cluster::Cluster;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

/// Whether a load balancer should send traffic here.
#[derive(Clone, Debug)]
pub(crate) struct Readiness {
    is_stopping: Arc<AtomicBool>,
    cluster: Option<Cluster>,
}

impl Readiness {
    /// A server that wants traffic, as soon as its node knows what the others have.
    pub(crate) fn new(cluster: Option<Cluster>) -> Self {
        Self {
            is_stopping: Arc::default(),
            cluster,
        }
    }

    /// Says from here on that the server wants no more traffic.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    /// Why the server wants no traffic, or that it does.
    fn state(&self) -> Result<(), &'static str> {
        if self.is_stopping.load(Ordering::Acquire) {
            return Err("stopping\n");
        }
        match &self.cluster {
            Some(cluster) if !cluster.is_synced() => Err("joining the cluster\n"),
            _ => Ok(()),
        }
    }
}

/// `GET` and `HEAD` of `/healthz` (200 while the process works) and `/readyz` (503 while it joins its cluster, and
/// once it is stopping).
pub(crate) fn routes(readiness: Readiness) -> BoxedFilter<(Response,)> {
    let health = warp::path!("healthz").map(|| answer(StatusCode::OK, "ok\n"));
    let ready = warp::path!("readyz").map(move || match readiness.state() {
        Ok(()) => answer(StatusCode::OK, "ready\n"),
        Err(why) => answer(StatusCode::SERVICE_UNAVAILABLE, why),
    });
    let method = warp::get().or(warp::head()).unify();
    method.and(health.or(ready).unify()).boxed()
}

fn answer(status: StatusCode, text: &'static str) -> Response {
    let uncached = warp::reply::with_header(text, CACHE_CONTROL, "no-store");
    warp::reply::with_status(uncached, status).into_response()
}
