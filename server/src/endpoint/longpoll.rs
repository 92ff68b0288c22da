//! Requests for `{path}/longpoll`, and what each is answered.
//!
//! As in Phoenix the status of an answer is in its body: to HTTP everything is well, so that browsers hand
//! the body of any answer to the page. phoenix.js knows 0, 200, 204, 403, 410 and 500 where it polls, and
//! stops for ever at any other.

use std::sync::Arc;

use bytes::Buf;
use futures_util::Stream;
use herenow_core::protocol::json;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL, CONTENT_TYPE,
    HeaderValue,
};
use http::{HeaderMap, Method, StatusCode};
use tokio::time::timeout;
use warp::reply::Response;

use super::connect::ConnectRequest;
use super::door::{Door, Refusal, negotiate};
use super::params;
use super::routes::Request;
use crate::socket::longpoll::{
    BodyError, Gone, LongPolls, Polled, Posted, Requests, Token, read_messages, take_token,
};
use crate::socket::{Context, Frame};

const TOKEN: &str = "x-phoenix-longpoll-token";
const AUTH_TOKEN: &str = "x-phoenix-authtoken";

/// What Plug says of an answer that nothing else is said of.
const REVALIDATE: HeaderValue = HeaderValue::from_static("max-age=0, private, must-revalidate");

/// Answers a request.
pub(super) async fn respond<B: Buf, E>(
    context: &Arc<Context>,
    door: &Door,
    request: Request,
    body: impl Stream<Item = Result<B, E>>,
) -> Response {
    let mut response = match door.check_origin(&request.headers) {
        Err(Refusal(status, _)) => status_json(status),
        Ok(()) => match request.method {
            Method::OPTIONS => preflight(&request.headers),
            Method::GET => get(context, door, request).await,
            Method::POST => status_json(post(context, request, body).await),
            _ => empty(StatusCode::BAD_REQUEST),
        },
    };
    // The check above is what keeps other pages out.
    let anybody = HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, anybody);
    response
}

/// Waits for messages, or opens a session: for a client that has none, and also for one whose session
/// ends while it waits.
async fn get(context: &Arc<Context>, door: &Door, mut request: Request) -> Response {
    if let Some((token, requests)) = find_session(context, &mut request) {
        let window = context.limits.longpoll_window;
        match requests.poll(token.answer, window).await {
            Ok(Polled::Messages(answer, frames)) => {
                let token = context.longpolls.sign(Token { answer, ..token });
                return messages_json(StatusCode::OK, &token, &frames);
            }
            Ok(Polled::Nothing) => {
                let token = context.longpolls.sign(token);
                return messages_json(StatusCode::NO_CONTENT, &token, &[]);
            }
            Err(Gone) => {}
        }
    }
    match open(context, door, request).await {
        Ok(token) => messages_json(StatusCode::GONE, &token, &[]),
        Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, _)) => unavailable(),
        Err(Refusal(status, _)) if status.is_server_error() => {
            status_json(StatusCode::INTERNAL_SERVER_ERROR)
        }
        // Whatever status the application has chosen: this is the one that clients know.
        Err(Refusal(..)) => status_json(StatusCode::FORBIDDEN),
    }
}

/// Opens a session. Returns its first token.
async fn open(context: &Arc<Context>, door: &Door, request: Request) -> Result<String, Refusal> {
    const UNAVAILABLE: Refusal = Refusal(StatusCode::SERVICE_UNAVAILABLE, "");
    let limit = context.limits.max_connections;
    if context.connections.are_refused(limit) {
        return Err(UNAVAILABLE);
    }
    let params = params::parse(request.uri.query().unwrap_or_default());
    let vsn = negotiate(params.get("vsn"))?;
    let place = LongPolls::enter(context).ok_or(UNAVAILABLE)?;
    let mut headers = request.headers;
    let auth_token = headers.remove(AUTH_TOKEN);
    let connect = ConnectRequest {
        params,
        auth_token: auth_token.and_then(|token| Some(token.to_str().ok()?.to_owned())),
        headers,
        peer: request.peer,
        uri: request.uri,
    };
    let connected = door.connect(connect).await?;
    place.open(vsn, connected).ok_or(UNAVAILABLE)
}

/// Hands a client's messages to its session.
async fn post<B: Buf, E>(
    context: &Arc<Context>,
    mut request: Request,
    body: impl Stream<Item = Result<B, E>>,
) -> StatusCode {
    let Some((_, requests)) = find_session(context, &mut request) else {
        return StatusCode::GONE;
    };
    let limits = &context.limits;
    let turn = match timeout(limits.longpoll_window, requests.turn()).await {
        Ok(Ok(turn)) => turn,
        Ok(Err(Gone)) => return StatusCode::GONE,
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
    };
    let content_type = request.headers.get(CONTENT_TYPE);
    let reading = read_messages(body, content_type, limits);
    let messages = match timeout(limits.idle_timeout, reading).await {
        Ok(Ok(messages)) => messages,
        Ok(Err(BodyError::TooLarge)) => return StatusCode::PAYLOAD_TOO_LARGE,
        Ok(Err(BodyError::Unreadable)) => return StatusCode::BAD_REQUEST,
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
    };
    match turn.post(messages).await {
        Ok(Posted::Handled) => StatusCode::OK,
        Ok(Posted::TimedOut) => StatusCode::REQUEST_TIMEOUT,
        Err(Gone) => StatusCode::GONE,
    }
}

/// Takes the token out of the request, where no one else has any business with it, and finds its session.
fn find_session(context: &Context, request: &mut Request) -> Option<(Token, Requests)> {
    let header = request.headers.remove(TOKEN);
    let in_query = take_token(request.uri.query().unwrap_or_default()).map(|(token, query)| {
        let uri = format!("{}?{query}", request.uri.path());
        request.uri = uri.parse().unwrap_or_default();
        token
    });
    let in_header = header.as_ref().and_then(|token| token.to_str().ok());
    context.longpolls.find(in_header.or(in_query.as_deref())?)
}

/// What a browser asks before it sends a page's request to another origin.
fn preflight(headers: &HeaderMap) -> Response {
    let mut response = empty(StatusCode::OK);
    let answer = response.headers_mut();
    for requested in headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.append(ACCESS_CONTROL_ALLOW_HEADERS, requested.clone());
    }
    let methods = HeaderValue::from_static("get, post, options");
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new("".into());
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, REVALIDATE);
    response
}

fn status_json(status: StatusCode) -> Response {
    json_response(format!(r#"{{"status":{}}}"#, status.as_u16()))
}

fn messages_json(status: StatusCode, token: &str, frames: &[Frame]) -> Response {
    let mut body = r#"{"messages":["#.to_owned();
    let texts = frames.iter().filter_map(Frame::text_message);
    for (index, text) in texts.enumerate() {
        if index > 0 {
            body.push(',');
        }
        json::write_str(&mut body, text);
    }
    body.push_str(r#"],"status":"#);
    body.push_str(status.as_str());
    body.push_str(r#","token":"#);
    json::write_str(&mut body, token);
    body.push('}');
    json_response(body)
}

/// No more sessions here, for now. Proxies that watch for 503 try another node; phoenix.js minds only the
/// 500, after which it tries again later.
fn unavailable() -> Response {
    let mut response = status_json(StatusCode::INTERNAL_SERVER_ERROR);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

fn json_response(body: String) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(CONTENT_TYPE, json);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
