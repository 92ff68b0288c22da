//! Who closes a connection, with which code, and what becomes of the channels.

use std::time::Duration;

use herenow::Limits;
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::app::{PATIENCE, Server};
use crate::client::{Client, Heard};

#[tokio::test]
async fn a_disconnect_closes_all_sockets_of_the_id_with_1001() {
    let mut server = Server::start().await;
    let mut first = Client::connect(server.address, "vsn=2.0.0&id=user:1").await;
    let mut second = Client::connect(server.address, "vsn=1.0.0&id=user:1").await;
    let mut other = Client::connect(server.address, "vsn=2.0.0&id=user:2").await;
    first.join("1", "room:1").await;
    other.expect_silence().await;
    server.endpoint.broadcast("user:1", "anything", json!({}));
    first.expect_silence().await;
    server.endpoint.disconnect("user:1");
    assert_eq!(first.hear().await, Heard::Close(1001));
    assert_eq!(second.hear().await, Heard::Close(1001));
    assert_eq!(server.note().await, "terminate room:1: Closed");
    assert_eq!(server.pubsub.subscriber_count("user:1"), 0);
    other.expect_silence().await;
}

#[tokio::test]
async fn a_broadcast_of_disconnect_does_the_same() {
    let server = Server::start().await;
    let mut client = Client::connect(server.address, "vsn=2.0.0&id=user:1").await;
    client.expect_silence().await;
    server.pubsub.broadcast("user:1", "disconnect", json!({}));
    assert_eq!(client.hear().await, Heard::Close(1001));
}

#[tokio::test]
async fn a_shutdown_closes_everybody_with_1012_and_takes_nobody_in() {
    let mut server = Server::start().await;
    let mut joined = server.client_in("room:1").await;
    let mut idle = server.client().await;
    idle.expect_silence().await;
    let endpoint = server.endpoint.clone();
    let shutdown = tokio::spawn(async move { endpoint.shutdown(PATIENCE).await });
    // No phx_close before it.
    assert_eq!(joined.hear().await, Heard::Close(1012));
    assert_eq!(idle.hear().await, Heard::Close(1012));
    assert_eq!(server.note().await, "terminate room:1: Closed");
    shutdown.await.unwrap();
    assert_eq!(server.endpoint.stats().connections, 0);
    let request = format!("ws://{}/socket/websocket?vsn=2.0.0", server.address);
    let refused = Client::try_connect(server.address, request).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("503")));
}

#[tokio::test]
async fn a_shutdown_goes_in_batches() {
    let limits = Limits {
        drain_batch: 1,
        drain_interval: Duration::from_millis(1),
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(server.client_in("room:1").await);
    }
    server.endpoint.shutdown(PATIENCE).await;
    for client in &mut clients {
        assert_eq!(client.hear().await, Heard::Close(1012));
    }
}

#[tokio::test]
async fn a_shutdown_waits_no_longer_than_its_grace() {
    let limits = Limits {
        drain_batch: 1,
        drain_interval: 100 * PATIENCE,
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let mut clients = [
        server.client_in("room:1").await,
        server.client_in("room:1").await,
    ];
    server.endpoint.shutdown(Duration::from_millis(20)).await;
    assert!(server.endpoint.stats().connections >= 1);
    let [first, second] = &mut clients;
    let closed = Heard::Close(1012);
    let heard = tokio::select! {
        heard = first.hear() => heard,
        heard = second.hear() => heard,
    };
    assert_eq!(heard, closed, "the first batch was closed");
}

#[tokio::test]
async fn a_client_that_closes_ends_its_channels() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:ends-noted").await;
    client.send_message(Message::Close(None)).await;
    assert_eq!(server.note().await, "terminate room:ends-noted: Closed");
    assert_eq!(server.note().await, "end of room:ends-noted");
    assert!(matches!(client.hear().await, Heard::Close(_)));
    assert_eq!(client.hear().await, Heard::Lost);
    assert_eq!(server.pubsub.subscriber_count("room:ends-noted"), 0);
}

#[tokio::test]
async fn a_channel_that_does_not_end_with_its_connection_is_cut_off() {
    let limits = Limits {
        channel_shutdown: Duration::from_millis(20),
        ..Limits::default()
    };
    let mut server = Server::with_limits(limits).await;
    let mut client = server.client_in("room:ends-noted").await;
    client
        .send(r#"["1","2","room:ends-noted","block",{}]"#)
        .await;
    assert_eq!(server.note().await, "waiting");
    client.vanish();
    assert_eq!(server.note().await, "end of room:ends-noted");
    assert_eq!(server.pubsub.subscriber_count("room:ends-noted"), 0);
}

#[tokio::test]
async fn a_silent_client_is_closed_with_1002_whatever_it_is_sent() {
    let limits = Limits {
        idle_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let mut silent = server.client_in("room:1").await;
    let closed = timeout(PATIENCE, async {
        loop {
            server.endpoint.broadcast("room:1", "news", json!({}));
            match silent.hear().await {
                Heard::Text(_) => {}
                other => return other,
            }
        }
    });
    let closed = closed.await.expect("a close, whatever is sent meanwhile");
    assert_eq!(closed, Heard::Close(1002));
}

#[tokio::test]
async fn a_message_over_the_limit_closes_with_1009_and_one_at_the_limit_does_not() {
    let limits = Limits {
        max_message_bytes: 1000,
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let mut client = server.client().await;
    let message = |size: usize| {
        let frame = r#"[null,"1","phoenix","heartbeat",""]"#;
        frame.replace("\"\"", &format!("\"{}\"", "x".repeat(size - frame.len())))
    };
    client.send(&message(1000)).await;
    client.hear_text().await;
    client.send(&message(1001)).await;
    assert_eq!(client.hear().await, Heard::Close(1009));
}

#[tokio::test]
async fn a_message_in_fragments_counts_as_a_whole() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let limits = Limits {
        max_message_bytes: 100,
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let mut client = server.client().await;
    let text = r#"[null,"1","phoenix","heartbeat",{}]"#;
    let fragment = |part: &str, kind, is_last| {
        Message::Frame(Frame::message(part.to_owned(), OpCode::Data(kind), is_last))
    };
    client
        .send_message(fragment(&text[..10], Data::Text, false))
        .await;
    client
        .send_message(Message::Ping("in between".into()))
        .await;
    client
        .send_message(fragment(&text[10..], Data::Continue, true))
        .await;
    client.hear_text().await;
    client
        .send_message(fragment(&"x".repeat(60), Data::Text, false))
        .await;
    client
        .send_message(fragment(&"x".repeat(60), Data::Continue, true))
        .await;
    assert_eq!(client.hear().await, Heard::Close(1009));
}
