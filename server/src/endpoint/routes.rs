//! The HTTP side of an endpoint: who gets a WebSocket, and what the others are told.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use herenow_core::protocol::Vsn;
use http::header::{CONTENT_TYPE, HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use hyper::upgrade::OnUpgrade;
use serde_json::Value;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::connect::{Connect, ConnectRequest, Connected, Refused};
use super::params;
use crate::auth::origin::{CheckOrigin, Origin};
use crate::socket::{Context, Handshake, HandshakeError, upgrade};

/// What is decided before there is a connection.
pub(super) struct Door {
    pub(super) connect: Connect,
    pub(super) origins: OriginRule,
    pub(super) url: Option<Origin>,
}

pub(super) enum OriginRule {
    /// The page's host is the one at which the server was reached.
    SameHost,
    Checked(CheckOrigin),
}

/// A request as far as the door looks at it.
struct Request {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    peer: Option<SocketAddr>,
    on_upgrade: Option<OnUpgrade>,
}

/// The filter for `{path}/websocket`.
pub(super) fn filter(
    context: &Arc<Context>,
    door: &Arc<Door>,
    path: &str,
) -> BoxedFilter<(Response,)> {
    let (context, door) = (Arc::clone(context), Arc::clone(door));
    mount(path)
        .and(warp::path("websocket"))
        .and(warp::path::end())
        .and(request())
        .then(move |request| {
            let (context, door) = (Arc::clone(&context), Arc::clone(&door));
            async move {
                websocket(context, &door, request)
                    .await
                    .unwrap_or_else(Refusal::into_response)
            }
        })
        .boxed()
}

fn mount(path: &str) -> BoxedFilter<()> {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.fold(warp::any().boxed(), |mounted, segment| {
        mounted.and(warp::path(segment.to_owned())).boxed()
    })
}

fn request() -> impl Filter<Extract = (Request,), Error = std::convert::Infallible> + Clone {
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

/// Lets a client in, or answers why not.
async fn websocket(
    context: Arc<Context>,
    door: &Door,
    request: Request,
) -> Result<Response, Refusal> {
    if request.method != Method::GET {
        return Err(Refusal(StatusCode::BAD_REQUEST, ""));
    }
    if context.connections.are_refused() {
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, ""));
    }
    let handshake = Handshake::read(&request.headers).map_err(|error| match error {
        HandshakeError::NotAnUpgrade(text) => Refusal(StatusCode::BAD_REQUEST, text),
        HandshakeError::NoCommonProtocol => Refusal(StatusCode::FORBIDDEN, ""),
    })?;
    let Some(on_upgrade) = request.on_upgrade.clone() else {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            "this connection cannot be upgraded",
        ));
    };
    door.check_origin(&request.headers)?;
    let params = params::parse(request.uri.query().unwrap_or_default());
    let vsn = negotiate(params.get("vsn"))?;
    let connect = ConnectRequest {
        params,
        auth_token: handshake.auth_token.clone(),
        headers: without_token(request.headers),
        peer: request.peer,
        uri: request.uri,
    };
    let connected = door.connect(connect).await?;
    upgrade(context, on_upgrade, vsn, connected);
    Ok(handshake.accept())
}

impl Door {
    async fn connect(&self, request: ConnectRequest) -> Result<Connected, Refusal> {
        // Within an async block, so that a panic of the function itself is caught as well.
        let connecting = AssertUnwindSafe(async { (self.connect)(request).await });
        match connecting.catch_unwind().await {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(Refused(status))) => {
                tracing::debug!(%status, "the application refused a connection");
                Err(Refusal(status, ""))
            }
            Err(_) => {
                tracing::error!("the application's connect function panicked");
                Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, ""))
            }
        }
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(origin) = headers.get(ORIGIN) else {
            return Ok(());
        };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let own = match (&self.url, host) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(host)) => Origin::new("http", host).ok(),
            (None, None) => None,
        };
        let origin = origin.to_str().unwrap_or_default();
        let is_allowed = own.is_some_and(|own| self.origins.allow(origin, &own));
        if is_allowed {
            return Ok(());
        }
        tracing::warn!(
            origin,
            ?host,
            "refused a page of another origin: see EndpointBuilder::check_origin"
        );
        Err(Refusal(StatusCode::FORBIDDEN, ""))
    }
}

impl OriginRule {
    fn allow(&self, origin: &str, own: &Origin) -> bool {
        match self {
            Self::Checked(check) => check.allows(Some(origin), own),
            Self::SameHost => {
                let origin: Result<Origin, _> = origin.parse();
                origin.is_ok_and(|origin| origin.host() == own.host())
            }
        }
    }
}

fn negotiate(vsn: Option<&Value>) -> Result<Vsn, Refusal> {
    let vsn = match vsn {
        None => Ok(None),
        Some(Value::String(vsn)) => Ok(Some(vsn.as_str())),
        Some(_) => Err(()),
    };
    vsn.and_then(|vsn| Vsn::negotiate(vsn).map_err(|_| ()))
        .map_err(|()| {
            tracing::debug!("refused a client that asks for an unknown vsn");
            Refusal(StatusCode::FORBIDDEN, "")
        })
}

/// The application gets the token by itself, and nobody logs it with the headers.
fn without_token(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    headers
}

/// A request that is not served: the status and the text of the answer.
struct Refusal(StatusCode, &'static str);

impl Refusal {
    fn into_response(self) -> Response {
        let Self(status, text) = self;
        let mut response = Response::new(text.into());
        *response.status_mut() = status;
        if !text.is_empty() {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, plain);
        }
        response
    }
}
