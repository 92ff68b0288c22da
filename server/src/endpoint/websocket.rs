//! Requests for `{path}/websocket`: who gets a WebSocket, and what the others are told.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use warp::reply::Response;

use super::connect::ConnectRequest;
use super::door::{Door, Refusal, negotiate};
use super::params;
use super::routes::Request;
use crate::socket::{Context, Handshake, HandshakeError, upgrade};

/// Lets a client in, or answers why not.
pub(super) async fn respond(context: Arc<Context>, door: &Door, request: Request) -> Response {
    let accepted = accept(context, door, request).await;
    accepted.unwrap_or_else(Refusal::into_response)
}

async fn accept(context: Arc<Context>, door: &Door, request: Request) -> Result<Response, Refusal> {
    if request.method != Method::GET {
        return Err(Refusal(StatusCode::BAD_REQUEST, ""));
    }
    let limit = context.limits.max_connections;
    if context.connections.are_refused(limit) {
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

/// The application gets the token by itself, and nobody logs it with the headers.
fn without_token(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    headers
}

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
