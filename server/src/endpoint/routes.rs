//! The paths of an endpoint.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderMap, Method, Uri};
use hyper::upgrade::OnUpgrade;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::door::Door;
use super::{longpoll, websocket};
use crate::socket::Context;

/// A request as far as an endpoint looks at it.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) peer: Option<SocketAddr>,
    pub(super) on_upgrade: Option<OnUpgrade>,
}

/// The filter for `{path}/websocket` and, unless it is turned off, `{path}/longpoll`.
pub(super) fn filter(
    context: &Arc<Context>,
    door: &Arc<Door>,
    path: &str,
) -> BoxedFilter<(Response,)> {
    let websocket = websocket_filter(Arc::clone(context), Arc::clone(door), path);
    if !door.longpoll {
        return websocket;
    }
    let longpoll = longpoll_filter(Arc::clone(context), Arc::clone(door), path);
    websocket.or(longpoll).unify().boxed()
}

fn websocket_filter(
    context: Arc<Context>,
    door: Arc<Door>,
    path: &str,
) -> BoxedFilter<(Response,)> {
    at(path, "websocket")
        .and(request())
        .then(move |request| {
            let (context, door) = (Arc::clone(&context), Arc::clone(&door));
            async move { websocket::respond(context, &door, request).await }
        })
        .boxed()
}

fn longpoll_filter(context: Arc<Context>, door: Arc<Door>, path: &str) -> BoxedFilter<(Response,)> {
    at(path, "longpoll")
        .and(request())
        .and(warp::body::stream())
        .then(move |request, body| {
            let (context, door) = (Arc::clone(&context), Arc::clone(&door));
            async move { longpoll::respond(&context, &door, request, body).await }
        })
        .boxed()
}

fn at(path: &str, transport: &'static str) -> BoxedFilter<()> {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    let mounted = segments.fold(warp::any().boxed(), |mounted, segment| {
        mounted.and(warp::path(segment.to_owned())).boxed()
    });
    mounted
        .and(warp::path(transport))
        .and(warp::path::end())
        .boxed()
}

fn request() -> impl Filter<Extract = (Request,), Error = Infallible> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::addr::remote())
        .and(warp::ext::optional())
        .map(
            |method, path: warp::path::FullPath, query: String, headers, peer, on_upgrade| {
                let uri = format!("{}?{query}", path.as_str());
                Request {
                    method,
                    uri: uri.parse().unwrap_or_default(),
                    headers,
                    peer,
                    on_upgrade,
                }
            },
        )
}
