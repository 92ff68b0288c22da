//! What a machine asks the server: is it alive, does it want traffic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use http::header::CACHE_CONTROL;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

/// Whether a load balancer should send traffic here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says from here on that the server wants traffic, or that it wants no more.
    pub(crate) fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// `GET /healthz` (200 while the process works) and `GET /readyz` (503 once it is stopping).
pub(crate) fn routes(readiness: Readiness) -> BoxedFilter<(Response,)> {
    let health = warp::path!("healthz").map(|| answer(StatusCode::OK, "ok\n"));
    let ready = warp::path!("readyz").map(move || {
        if readiness.get() {
            answer(StatusCode::OK, "ready\n")
        } else {
            answer(StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
        }
    });
    warp::get().and(health.or(ready).unify()).boxed()
}

fn answer(status: StatusCode, text: &'static str) -> Response {
    let uncached = warp::reply::with_header(text, CACHE_CONTROL, "no-store");
    warp::reply::with_status(uncached, status).into_response()
}
