//! What becomes of a long poll client, over real connections.

use std::time::Duration;

use herenow::{Connected, Limits, Payload, Refused};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::app::{PATIENCE, Server};
use crate::http::Answer;
use crate::longpoll_client::{LongPoll, Polled};

/// A time that a test can wait for, and that is enough for a request on a busy machine.
const SHORT: Duration = Duration::from_secs(1);

async fn client_in(server: &Server, topic: &str) -> LongPoll {
    let mut client = LongPoll::connect(server.address, "vsn=2.0.0&id=user:1").await;
    client.join(topic).await;
    client
}

/// Polls while the test does something else.
fn poll_in_background(server: &Server, client: &LongPoll) -> JoinHandle<Answer> {
    let (request, address) = (client.get(), server.address);
    tokio::spawn(async move { request.send(address).await })
}

#[tokio::test]
async fn clients_of_both_transports_hear_each_other() {
    let server = Server::start().await;
    let mut websocket = server.client_in("room:1").await;
    let mut client = client_in(&server, "room:1").await;
    let shout = r#"["1","2","room:1","shout",{"from":"WHO"}]"#;
    let heard = r#"[null,null,"room:1","shout",{"from":"WHO"}]"#;
    websocket.send(&shout.replace("WHO", "websocket")).await;
    client.send(&shout.replace("WHO", "long poll")).await;
    for who in ["websocket", "long poll"] {
        websocket.expect(&heard.replace("WHO", who)).await;
        client.expect(&heard.replace("WHO", who)).await;
    }
}

#[tokio::test]
async fn a_client_that_stops_polling_ends_its_channels() {
    let limits = Limits {
        longpoll_window: SHORT,
        ..Limits::default()
    };
    let mut server = Server::with_limits(limits).await;
    let client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    client
        .post(&[r#"["1","1","room:ends-noted","phx_join",{}]"#])
        .await;
    assert_eq!(server.note().await, "terminate room:ends-noted: Closed");
    assert_eq!(server.note().await, "end of room:ends-noted");
    assert_eq!(client.post(&["[]"]).await, 410);
    let stats = server.endpoint.stats();
    assert_eq!((stats.connections, stats.longpoll_sessions), (0, 0));
}

#[tokio::test]
async fn a_poll_whose_client_goes_away_loses_no_message() {
    let server = Server::start().await;
    let mut client = client_in(&server, "room:1").await;
    for n in 0..20 {
        // Whether the server notices before or after the message is left to chance.
        let abandoned = client.get().send_only(server.address).await;
        if n % 2 == 0 {
            tokio::task::yield_now().await;
        }
        drop(abandoned);
        server
            .endpoint
            .broadcast("room:1", "news", json!({ "n": n }));
        client
            .expect(&format!(r#"[null,null,"room:1","news",{{"n":{n}}}]"#))
            .await;
    }
}

#[tokio::test]
async fn a_disconnect_by_id_opens_another_session_if_the_application_still_wants_the_client() {
    let mut server = Server::start().await;
    let client = client_in(&server, "room:1").await;
    let poll = poll_in_background(&server, &client);
    server.endpoint.disconnect("user:1");
    assert_eq!(server.note().await, "terminate room:1: Closed");
    let body = poll.await.unwrap().json();
    assert_eq!(body["status"], 410);
    let token = body["token"].as_str().unwrap().to_owned();
    assert_ne!(token, client.token);
    assert_eq!(client.post(&["[]"]).await, 410, "the old session is gone");
    LongPoll::with_token(server.address, "vsn=2.0.0", token)
        .expect_silence()
        .await;
}

#[tokio::test]
async fn a_disconnect_by_id_is_403_if_the_application_does_not_want_the_client_any_more() {
    let (allow, mut allowed) = tokio::sync::watch::channel(true);
    allowed.mark_unchanged();
    let server = Server::build(|endpoint| {
        endpoint.connect(move |_| {
            let is_allowed = *allowed.borrow();
            async move {
                let connected = Connected::new().id("user:1");
                is_allowed.then_some(connected).ok_or(Refused::new())
            }
        })
    })
    .await;
    let mut client = client_in(&server, "room:1").await;
    let poll = poll_in_background(&server, &client);
    allow.send(false).unwrap();
    server.endpoint.disconnect("user:1");
    let polled = client.take_note(&poll.await.unwrap());
    assert_eq!(polled, Polled::Refused(json!(403)));
}

#[tokio::test]
async fn a_shutdown_answers_polls_at_once_and_takes_nobody_in() {
    let mut server = Server::start().await;
    let client = client_in(&server, "room:1").await;
    let poll = poll_in_background(&server, &client);
    server.endpoint.shutdown(PATIENCE).await;
    assert_eq!(server.note().await, "terminate room:1: Closed");
    assert_eq!(server.endpoint.stats().connections, 0);
    for answer in [poll.await.unwrap(), client.get().send(server.address).await] {
        assert_eq!(
            (answer.status, answer.json()),
            (503, json!({"status": 500}))
        );
    }
    assert_eq!(client.post(&["[]"]).await, 410);
}

#[tokio::test]
async fn what_is_no_message_ends_the_session_and_no_other() {
    let mut server = Server::start().await;
    let mut bystander = client_in(&server, "room:1").await;
    for text in [
        "[",
        "{nope",
        "[]",
        r#"["1","2"]"#,
        r#"[null,"1",5,"heartbeat",{}]"#,
    ] {
        let mut client = client_in(&server, "room:hostile").await;
        assert_eq!(client.post(&[text]).await, 410, "{text}");
        assert_eq!(server.note().await, "terminate room:hostile: Closed");
        assert_eq!(client.try_hear().await, None);
    }
    for bytes in [&b"\x09\x09"[..], b"\x00\x01", b"\x00\x02\x02\x06\x03x"] {
        let client = LongPoll::connect(server.address, "vsn=2.0.0").await;
        assert_eq!(client.post_binary(bytes).await, 410, "{bytes:?}");
    }
    bystander.expect_silence().await;
}

#[tokio::test]
async fn messages_and_bytes_of_long_poll_clients_are_counted() {
    let server = Server::start().await;
    let before = server.endpoint.stats();
    let mut client = LongPoll::connect(server.address, "vsn=2.0.0").await;
    client.expect_silence().await;
    client.join("room:1").await;
    let stats = server.endpoint.stats();
    assert_eq!((stats.connections, stats.longpoll_sessions), (1, 1));
    assert_eq!((stats.channels, stats.connections_total), (1, 1));
    assert_eq!((stats.frames_in, stats.frames_out), (2, 2));
    assert!(stats.bytes_in > before.bytes_in && stats.bytes_out > before.bytes_out);
}

#[tokio::test]
async fn a_slow_poller_gets_a_state_in_place_of_the_diffs_it_missed() {
    let limits = Limits {
        max_queue_bytes: 1000,
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    server
        .pubsub
        .provide_state(|_| async { Some(Payload::from(json!({"n": 3}))) });
    let mut client = client_in(&server, "room:1").await;
    for n in 1..=3 {
        let payload = json!({"n": n, "padding": "x".repeat(600)});
        server
            .endpoint
            .broadcast("room:1", "presence_diff", payload);
    }
    client
        .expect(r#"["1",null,"room:1","presence_state",{"n":3}]"#)
        .await;
    server
        .endpoint
        .broadcast("room:1", "presence_diff", json!({"n": 4}));
    client
        .expect(r#"[null,null,"room:1","presence_diff",{"n":4}]"#)
        .await;
    assert_eq!(server.endpoint.stats().resyncs, 1);
}
