//! The handshake.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::{ClientRequestBuilder, IntoClientRequest};
use tokio_tungstenite::tungstenite::error::ProtocolError;

use crate::app::{PATIENCE, Server};
use crate::client::Client;
use crate::http::Request;

/// The status and the body with which a handshake is refused.
async fn refusal(
    address: SocketAddr,
    request: impl IntoClientRequest + Unpin,
) -> (u16, Option<Vec<u8>>) {
    match Client::try_connect(address, request).await {
        Err(Error::Http(response)) => {
            let (head, body) = response.into_parts();
            (head.status.as_u16(), body.filter(|body| !body.is_empty()))
        }
        Err(error) => panic!("expected an HTTP answer, got {error}"),
        Ok(_) => panic!("expected a refusal"),
    }
}

fn request(address: SocketAddr, query: &str) -> ClientRequestBuilder {
    let uri = format!("ws://{address}/socket/websocket?{query}");
    ClientRequestBuilder::new(uri.parse().unwrap())
}

/// What the server answers to bytes.
async fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer))
        .await
        .expect("an answer within time")
        .unwrap();
    answer
}

/// What the application has been told of the client.
async fn described(mut client: Client) -> Value {
    client.join("1", "room:1").await;
    client.send(r#"["1","2","room:1","request",{}]"#).await;
    client.hear_text().await[4]["response"].take()
}

#[tokio::test]
async fn versions_that_are_not_spoken_are_refused_with_403() {
    let server = Server::start().await;
    for vsn in [
        "vsn=3.0.0",
        "vsn=2.1.0",
        "vsn=2.0",
        "vsn=abc",
        "vsn[]=2.0.0",
        "vsn=",
    ] {
        let answer = refusal(server.address, request(server.address, vsn)).await;
        assert_eq!(answer, (403, None), "{vsn}");
    }
    Client::connect(server.address, "vsn=2.0.7").await;
}

#[tokio::test]
async fn without_a_version_it_is_v1() {
    let server = Server::start().await;
    let mut client = Client::connect(server.address, "").await;
    client
        .send(r#"{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}"#)
        .await;
    client
        .expect(r#"{"topic":"phoenix","event":"phx_reply","payload":{"response":{},"status":"ok"},"ref":"1"}"#)
        .await;
}

#[tokio::test]
async fn the_application_may_refuse_with_403() {
    let server = Server::start().await;
    let answer = refusal(
        server.address,
        request(server.address, "vsn=2.0.0&reject=1"),
    )
    .await;
    assert_eq!(answer, (403, None));
}

#[tokio::test]
async fn over_the_limit_of_connections_a_client_is_told_to_come_back_and_then_let_in() {
    let limits = herenow::Limits {
        max_connections: 1,
        ..herenow::Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let first = server.client().await;
    assert_eq!(
        refusal(server.address, request(server.address, "vsn=2.0.0")).await,
        (503, None)
    );
    let answer = Request::new("GET", "/socket/longpoll?vsn=2.0.0");
    assert_eq!(answer.send(server.address).await.status, 503);
    first.vanish();
    let next = async {
        let query = request(server.address, "vsn=2.0.0");
        while Client::try_connect(server.address, query.clone())
            .await
            .is_err()
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, next).await.expect("the place is free");
}

#[tokio::test]
async fn the_application_may_refuse_with_another_status() {
    let server = Server::build(|endpoint| {
        endpoint.connect(|_| async {
            Err(herenow::Refused::with_status(
                http::StatusCode::UNAUTHORIZED,
            ))
        })
    })
    .await;
    let answer = refusal(server.address, request(server.address, "vsn=2.0.0")).await;
    assert_eq!(answer, (401, None));
}

#[tokio::test]
async fn a_panic_of_the_application_refuses_with_500() {
    let server = Server::build(|endpoint| {
        endpoint.connect(|request| async move {
            assert!(!request.params.contains_key("panic"), "panics on purpose");
            Ok(herenow::Connected::new())
        })
    })
    .await;
    let panics = request(server.address, "vsn=2.0.0&panic=1");
    assert_eq!(refusal(server.address, panics).await, (500, None));
    server.client().await.expect_silence().await;
}

#[tokio::test]
async fn a_plain_get_is_told_what_is_missing() {
    let server = Server::start().await;
    let answer = raw(
        server.address,
        "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.ends_with("'connection' header must contain 'upgrade'"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_post_is_refused_with_400() {
    let server = Server::start().await;
    let answer = raw(
        server.address,
        "POST /socket/websocket HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn paths_beside_the_socket_are_left_to_others() {
    let server = Server::start().await;
    for path in [
        "/socket",
        "/socket/websocket/more",
        "/websocket",
        "/other/websocket",
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let answer = raw(server.address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
}

#[tokio::test]
async fn the_application_gets_the_request() {
    let server = Server::start().await;
    let query = "vsn=2.0.0&user[name]=J%C3%BCrgen+X&user[tags][]=a&user[tags][]=b";
    let request = request(server.address, query).with_header("user-agent", "test/1");
    let (client, _) = Client::try_connect(server.address, request).await.unwrap();
    let expected = json!({
        "params": {"vsn": "2.0.0", "user": {"name": "Jürgen X", "tags": ["a", "b"]}},
        "auth_token": null,
        "uri": format!("/socket/websocket?{query}"),
        "peer_is_local": true,
        "user_agent": "test/1",
        "token_headers": false,
    });
    assert_eq!(described(client).await, expected);
}

#[tokio::test]
async fn the_auth_token_comes_as_a_protocol_in_either_alphabet() {
    let server = Server::start().await;
    for encoded in ["fn5+Pz8/", "fn5-Pz8_"] {
        let request = request(server.address, "vsn=2.0.0")
            .with_sub_protocol("phoenix")
            .with_sub_protocol(format!("base64url.bearer.phx.{encoded}"));
        let (client, response) = Client::try_connect(server.address, request).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "phoenix");
        let described = described(client).await;
        assert_eq!(described["auth_token"], "~~~???");
        assert_eq!(
            described["token_headers"], false,
            "the token is not among the headers"
        );
    }
}

#[tokio::test]
async fn protocols_without_a_common_one_are_refused_with_403() {
    let server = Server::start().await;
    let request = request(server.address, "vsn=2.0.0").with_sub_protocol("graphql-ws");
    assert_eq!(refusal(server.address, request).await, (403, None));
}

#[tokio::test]
async fn a_token_without_the_protocol_is_answered_with_none() {
    let server = Server::start().await;
    let request = request(server.address, "vsn=2.0.0").with_sub_protocol("base64url.bearer.phx.YQ");
    let result = Client::try_connect(server.address, request).await;
    let Err(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_))) = result else {
        panic!("expected a client that misses its protocol");
    };
}

#[tokio::test]
async fn pages_of_the_servers_own_host_are_welcome_whatever_their_port() {
    let server = Server::start().await;
    for (origin, is_welcome) in [
        ("http://127.0.0.1:9999", true),
        ("https://127.0.0.1", true),
        ("http://evil.com", false),
        ("null", false),
    ] {
        let request = request(server.address, "vsn=2.0.0").with_header("origin", origin);
        let result = Client::try_connect(server.address, request).await;
        assert_eq!(result.is_ok(), is_welcome, "{origin}");
    }
}

#[tokio::test]
async fn the_check_of_origins_can_be_replaced() {
    let server = Server::build(|endpoint| {
        endpoint.check_origin("https://example.com, //*.wild.com".parse().unwrap())
    })
    .await;
    for (origin, is_welcome) in [
        ("https://example.com", true),
        ("http://a.wild.com", true),
        ("http://127.0.0.1", false),
    ] {
        let request = request(server.address, "vsn=2.0.0").with_header("origin", origin);
        let result = Client::try_connect(server.address, request).await;
        assert_eq!(result.is_ok(), is_welcome, "{origin}");
    }
}

#[tokio::test]
async fn behind_a_proxy_the_url_is_the_own_origin() {
    let server = Server::build(|endpoint| {
        endpoint
            .check_origin("same-origin".parse().unwrap())
            .url("https://chat.example.com".parse().unwrap())
    })
    .await;
    for (origin, is_welcome) in [
        ("https://chat.example.com", true),
        ("http://chat.example.com", false),
        ("http://127.0.0.1", false),
    ] {
        let request = request(server.address, "vsn=2.0.0").with_header("origin", origin);
        let result = Client::try_connect(server.address, request).await;
        assert_eq!(result.is_ok(), is_welcome, "{origin}");
    }
}

#[tokio::test]
async fn an_endpoint_may_be_mounted_deeper() {
    let server = Server::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = server.endpoint.routes("api/v1/live");
    tokio::spawn(warp::serve(routes).incoming(listener).run());
    let request = format!("ws://{address}/api/v1/live/websocket?vsn=2.0.0");
    let (mut client, _) = Client::try_connect(address, request).await.unwrap();
    client.expect_silence().await;
}
