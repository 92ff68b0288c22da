//! Which request to `/socket/longpoll` gets which answer.

use std::time::Duration;

use herenow::{Limits, Refused};
use http::StatusCode;
use serde_json::{Value, json};

use crate::app::Server;
use crate::http::{Answer, Request};
use crate::longpoll_client::{LongPoll, Polled};

const PATH: &str = "/socket/longpoll?vsn=2.0.0";
const TOKEN: &str = "x-phoenix-longpoll-token";
const NDJSON: &str = "application/x-ndjson";
const HEARTBEAT: &str = r#"[null,"1","phoenix","heartbeat",{}]"#;

/// A time that a test can wait for, and that is enough for a request on a busy machine.
const SHORT: Duration = Duration::from_secs(1);

async fn with_short_window() -> Server {
    let limits = Limits {
        longpoll_window: SHORT,
        ..Limits::default()
    };
    Server::with_limits(limits).await
}

/// Checks what all answers have in common, and returns the body.
#[track_caller]
fn body(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200);
    let content_type = answer.header("content-type");
    assert_eq!(content_type, "application/json; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    answer.json()
}

#[track_caller]
fn assert_opens_a_session(answer: &Answer) -> String {
    let body = body(answer);
    let token = body["token"].as_str().expect("a token").to_owned();
    assert!(token.len() > 20, "{token}");
    let expected = json!({"status": 410, "token": token, "messages": []});
    assert_eq!(body, expected);
    token
}

#[tokio::test]
async fn a_get_without_a_session_opens_one() {
    let server = Server::start().await;
    let answer = Request::new("GET", PATH).send(server.address).await;
    let first = assert_opens_a_session(&answer);
    let foreign = Server::start().await;
    let foreign = LongPoll::connect(foreign.address, "vsn=2.0.0").await.token;
    for token in ["", "zzz", "null", "SFMyNTY.a.b", &foreign] {
        let request = Request::new("GET", PATH).header(TOKEN, token);
        let other = assert_opens_a_session(&request.send(server.address).await);
        assert_ne!(other, first);
        let request = Request::new("GET", &format!("{PATH}&token={token}"));
        assert_opens_a_session(&request.send(server.address).await);
    }
    assert_eq!(server.endpoint.stats().longpoll_sessions, 11);
}

#[tokio::test]
async fn a_get_of_a_client_that_may_not_connect_is_403() {
    let server = Server::start().await;
    for query in [
        "vsn=2.0.0&reject=1",
        "vsn=3.0.0",
        "vsn=2.1.0",
        "vsn=9.0.0",
        "vsn=abc",
        "vsn[]=2.0.0",
    ] {
        let request = Request::new("GET", &format!("/socket/longpoll?{query}"));
        let answer = request.send(server.address).await;
        assert_eq!(body(&answer), json!({"status": 403}), "{query}");
    }
    assert_eq!(server.endpoint.stats().longpoll_sessions, 0);
}

#[tokio::test]
async fn whatever_the_application_refuses_with_is_403_and_its_failures_are_500() {
    let server = Server::build(|endpoint| {
        endpoint.connect(|request| async move {
            let status = request.params["status"].as_str().unwrap();
            let status: StatusCode = status.parse().expect("panics on purpose");
            Err(Refused::with_status(status))
        })
    })
    .await;
    for (status, expected) in [("401", 403), ("404", 403), ("500", 500), ("panic", 500)] {
        let request = Request::new("GET", &format!("{PATH}&status={status}"));
        let answer = request.send(server.address).await;
        assert_eq!(body(&answer), json!({"status": expected}), "{status}");
    }
}

#[tokio::test]
async fn a_poll_without_messages_is_204_after_the_window_with_the_same_token() {
    let server = with_short_window().await;
    let client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    let asked = tokio::time::Instant::now();
    let answer = client.get().send(server.address).await;
    let expected = json!({"status": 204, "token": client.token, "messages": []});
    assert_eq!(body(&answer), expected);
    assert!(asked.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_poll_with_messages_is_200_with_each_as_a_string() {
    let server = Server::start().await;
    let client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    let quoted = r#"["1","1","room:\"1\"","phx_join",{}]"#;
    assert_eq!(client.post(&[quoted, HEARTBEAT]).await, 200);
    let answer = client.get().send(server.address).await;
    let mut body = body(&answer);
    let token = body["token"].take();
    assert_ne!(token, client.token, "it says what the client has got");
    let ok = r#"{"response":{},"status":"ok"}"#;
    let expected = json!([
        format!(r#"["1","1","room:\"1\"","phx_reply",{ok}]"#),
        format!(r#"[null,"1","phoenix","phx_reply",{ok}]"#),
    ]);
    assert_eq!(body["status"], 200);
    let texts = |value: &Value| -> Vec<Value> {
        let texts = value.as_array().unwrap().iter();
        texts
            .map(|text| serde_json::from_str(text.as_str().unwrap()).unwrap())
            .collect()
    };
    assert_eq!(texts(&body["messages"]), texts(&expected));
}

#[tokio::test]
async fn a_post_is_200_even_if_the_socket_answers_with_an_error() {
    let server = Server::start().await;
    let mut client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    let request = client
        .request("POST")
        .body(r#"["1","1","nope","phx_join",{}]"#);
    let answer = request.send(server.address).await;
    assert_eq!(body(&answer), json!({"status": 200}));
    let reason = r#"{"response":{"reason":"unmatched topic"},"status":"error"}"#;
    client
        .expect(&format!(r#"[null,"1","nope","phx_reply",{reason}]"#))
        .await;
}

#[tokio::test]
async fn a_post_with_no_session_is_410_and_its_body_is_not_read() {
    let server = Server::start().await;
    for token in ["", "zzz"] {
        let request = Request::new("POST", PATH).header(TOKEN, token);
        // The body that is announced never comes.
        let request = request.header("content-length", "100");
        let answer = request.send(server.address).await;
        assert_eq!(body(&answer), json!({"status": 410}));
    }
}

#[tokio::test]
async fn a_message_that_takes_longer_than_the_window_is_408() {
    let mut server = with_short_window().await;
    let client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    assert_eq!(
        client
            .post(&[r#"["1","1","room:slow","phx_join",{}]"#])
            .await,
        408
    );
    assert_eq!(server.note().await, "joining room:slow");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let limits = Limits {
        idle_timeout: SHORT,
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let mut client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    let request = client.request("POST").header("content-length", "100");
    let answer = request.send(server.address).await;
    assert_eq!(body(&answer), json!({"status": 408}));
    client.expect_silence().await;
}

#[tokio::test]
async fn options_tell_browsers_what_pages_may_send() {
    let server = Server::start().await;
    let requested = "x-phoenix-longpoll-token, content-type";
    let request = Request::new("OPTIONS", PATH)
        .header("access-control-request-headers", requested)
        .header("origin", "http://127.0.0.1");
    let answer = request.send(server.address).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-headers", requested),
        ("access-control-allow-methods", "get, post, options"),
        ("access-control-max-age", "3600"),
        ("cache-control", "max-age=0, private, must-revalidate"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn other_methods_are_http_400() {
    let server = Server::start().await;
    for method in ["PUT", "PATCH", "DELETE", "HEAD"] {
        let answer = Request::new(method, PATH).send(server.address).await;
        assert_eq!((answer.status, answer.body.as_str()), (400, ""), "{method}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_is_403_whatever_it_asks() {
    let server = Server::start().await;
    let client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    for method in ["GET", "POST", "OPTIONS", "PUT"] {
        let request = client.request(method).header("origin", "http://evil.com");
        let answer = request.send(server.address).await;
        assert_eq!(body(&answer), json!({"status": 403}), "{method}");
    }
    let own = client
        .request("POST")
        .header("origin", "http://127.0.0.1:9");
    let answer = own.body(HEARTBEAT).send(server.address).await;
    assert_eq!(body(&answer), json!({"status": 200}));
}

#[tokio::test]
async fn the_token_comes_in_a_header_or_as_the_last_of_that_name_in_the_query() {
    let server = Server::start().await;
    let mut client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    for path in [
        format!("{PATH}&token={}", client.token),
        format!("{PATH}&token=mine&token={}", client.token),
    ] {
        let post = Request::new("POST", &path).body(HEARTBEAT);
        assert_eq!(
            body(&post.send(server.address).await),
            json!({"status": 200})
        );
        let answer = Request::new("GET", &path).send(server.address).await;
        assert!(matches!(client.take_note(&answer), Polled::Messages(_)));
    }
}

#[tokio::test]
async fn lines_are_messages_and_any_other_body_is_one() {
    let server = Server::start().await;
    let mut client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    client.join("room:1").await;
    let over_two_lines = "[\"1\",\"2\",\"room:1\",\n\"echo\",{}]";
    for content_type in ["application/json", "text/plain;charset=UTF-8"] {
        let post = client.request("POST").header("content-type", content_type);
        let answer = post.body(over_two_lines).send(server.address).await;
        assert_eq!(body(&answer), json!({"status": 200}));
        assert_eq!(client.hear().await[1], "2");
    }
    let post = client.request("POST").header("content-type", NDJSON);
    let lines = format!("{HEARTBEAT}\n{HEARTBEAT}\r\n");
    let answer = post.body(lines).send(server.address).await;
    assert_eq!(body(&answer), json!({"status": 200}));
    for _ in 0..2 {
        assert_eq!(client.hear().await[2], "phoenix");
    }
    client.expect_silence().await;
}

#[tokio::test]
async fn of_more_than_100_lines_the_rest_is_dropped() {
    let server = Server::start().await;
    let mut client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    assert_eq!(client.post(&[HEARTBEAT; 101]).await, 200);
    for _ in 0..100 {
        assert_eq!(client.hear().await[1], "1");
    }
    client.expect_silence().await;
}

#[tokio::test]
async fn what_is_too_large_is_413_and_what_is_unreadable_400_and_the_session_goes_on() {
    let limits = Limits {
        max_message_bytes: 100,
        max_longpoll_body_bytes: 200,
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let mut client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    let long = format!(r#"[null,"1","phoenix","heartbeat","{}"]"#, "x".repeat(70));
    assert_eq!(client.post(&[HEARTBEAT, &long]).await, 413);
    assert_eq!(client.post(&[HEARTBEAT; 10]).await, 413);
    assert_eq!(client.post(&[HEARTBEAT, "no base64"]).await, 400);
    client.expect_silence().await;
}

#[tokio::test]
async fn binary_messages_go_to_the_server_and_not_to_the_client() {
    let server = Server::start().await;
    let mut websocket = server.client_in("room:1").await;
    let mut client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    client.join("room:1").await;
    let push = b"\x00\x01\x01\x06\x0312room:1bin\x01\x02\xff";
    assert_eq!(client.post_binary(push).await, 200);
    let heard = websocket.hear().await;
    let broadcast = b"\x02\x06\x07room:1bincast\x01\x02\xff";
    assert_eq!(heard, crate::client::Heard::Binary(broadcast[..].into()));
    client.expect_silence().await;
}

#[tokio::test]
async fn the_application_gets_the_request_without_the_tokens() {
    let server = Server::start().await;
    let query = "vsn=2.0.0&token=mine&user[name]=J%C3%BCrgen";
    let described = async |request: Request| {
        let answer = request.send(server.address).await;
        let token = assert_opens_a_session(&answer);
        let mut client = LongPoll::with_token(server.address, query, token);
        client.join("room:1").await;
        client.send(r#"["1","2","room:1","request",{}]"#).await;
        client.hear().await[4]["response"].take()
    };
    let expected = json!({
        "params": {"vsn": "2.0.0", "token": "mine", "user": {"name": "Jürgen"}},
        "auth_token": "s3cret",
        "uri": format!("/socket/longpoll?{query}"),
        "peer_is_local": true,
        "user_agent": "test/1",
        "token_headers": false,
    });
    let old = ended_session(&server).await;
    for path in [
        format!("/socket/longpoll?{query}"),
        format!("/socket/longpoll?{query}&token={old}"),
    ] {
        let request = Request::new("GET", &path)
            .header("x-phoenix-authtoken", "s3cret")
            .header(TOKEN, &old)
            .header("user-agent", "test/1");
        assert_eq!(described(request).await, expected);
    }
}

/// The token of a session that has ended.
async fn ended_session(server: &Server) -> String {
    let client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    assert_eq!(client.post(&["[]"]).await, 410);
    client.token
}

#[tokio::test]
async fn a_client_that_keeps_to_its_first_token_gets_everything_once() {
    let server = Server::start().await;
    let mut client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    let first = client.token.clone();
    for _ in 0..3 {
        client.send(HEARTBEAT).await;
        client.token.clone_from(&first);
        let Polled::Messages(messages) = client.poll().await else {
            panic!("expected messages");
        };
        assert_eq!(messages.len(), 1);
    }
}

#[tokio::test]
async fn over_the_limit_of_sessions_a_client_is_told_to_come_back() {
    let limits = Limits {
        max_longpoll_sessions: 1,
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let client = LongPoll::connect(server.address, "vsn=2.0.0&id=user:1").await;
    let answer = Request::new("GET", PATH).send(server.address).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json(), json!({"status": 500}));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    // The session that is there is served, and once it has ended there is room for another.
    client.send(HEARTBEAT).await;
    assert_eq!(client.post(&["[]"]).await, 410);
    LongPoll::connect(server.address, "vsn=2.0.0").await;
}

#[tokio::test]
async fn where_long_poll_is_off_its_path_is_left_to_others() {
    let server = Server::build(|endpoint| endpoint.longpoll(false)).await;
    let answer = Request::new("GET", PATH).send(server.address).await;
    assert_eq!(answer.status, 404);
    server.client().await.expect_silence().await;
}

#[tokio::test]
async fn paths_beside_it_are_left_to_others() {
    let server = Server::start().await;
    for path in ["/longpoll", "/socket/longpoll/more", "/other/longpoll"] {
        let answer = Request::new("GET", path).send(server.address).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn clients_of_v1_are_served_too() {
    let server = Server::start().await;
    let mut client = LongPoll::connect(server.address, "").await;
    client
        .send(r#"{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}"#)
        .await;
    client
        .expect(r#"{"topic":"phoenix","event":"phx_reply","payload":{"response":{},"status":"ok"},"ref":"1"}"#)
        .await;
}
