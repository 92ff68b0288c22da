//! Broadcasts to a topic.

use bytes::Bytes;
use serde_json::json;

use herenow::{Payload, Subscription};

use crate::app::Server;
use crate::client::{Client, Heard};

#[tokio::test]
async fn a_broadcast_reaches_everybody_in_the_topic_and_nobody_else() {
    let server = Server::start().await;
    let mut first = server.client_in("room:1").await;
    let mut second = server.client_in("room:1").await;
    let mut elsewhere = server.client_in("room:2").await;
    first.send(r#"["1","2","room:1","shout",{"n":1}]"#).await;
    for client in [&mut first, &mut second] {
        client
            .expect(r#"[null,null,"room:1","shout",{"n":1}]"#)
            .await;
        client.expect_silence().await;
    }
    elsewhere.expect_silence().await;
}

#[tokio::test]
async fn broadcast_from_leaves_out_the_sender_only() {
    let server = Server::start().await;
    let mut sender = server.client_in("room:1").await;
    let mut other = server.client_in("room:1").await;
    sender.send(r#"["1","2","room:1","shout_from",{}]"#).await;
    other
        .expect(r#"[null,null,"room:1","shout_from",{}]"#)
        .await;
    sender.expect_silence().await;
}

#[tokio::test]
async fn each_client_gets_the_broadcast_in_its_own_version() {
    let server = Server::start().await;
    let mut v1 = Client::connect(server.address, "vsn=1.0.0").await;
    let mut v2 = server.client_in("room:1").await;
    v1.send(r#"{"topic":"room:1","event":"phx_join","payload":{},"ref":"1"}"#)
        .await;
    v1.expect(r#"{"event":"phx_reply","payload":{"response":{},"status":"ok"},"ref":"1","topic":"room:1"}"#)
        .await;
    server.endpoint.broadcast("room:1", "news", json!({"n": 1}));
    v1.expect(r#"{"event":"news","payload":{"n":1},"ref":null,"topic":"room:1"}"#)
        .await;
    v2.expect(r#"[null,null,"room:1","news",{"n":1}]"#).await;
}

#[tokio::test]
async fn a_binary_broadcast_reaches_v2_clients_and_spares_v1_clients() {
    let server = Server::start().await;
    let mut v1 = Client::connect(server.address, "vsn=1.0.0").await;
    let mut v2 = server.client_in("room:1").await;
    v1.send(r#"{"topic":"room:1","event":"phx_join","payload":{},"ref":"1"}"#)
        .await;
    v1.hear_text().await;
    let payload = Payload::binary(&b"\x00\xff"[..]);
    server.endpoint.broadcast("room:1", "bin", payload);
    server.endpoint.broadcast("room:1", "news", json!({}));
    let expected = Bytes::from_static(b"\x02\x06\x03room:1bin\x00\xff");
    assert_eq!(v2.hear().await, Heard::Binary(expected));
    v1.expect(r#"{"event":"news","payload":{},"ref":null,"topic":"room:1"}"#)
        .await;
}

#[tokio::test]
async fn the_text_of_a_payload_is_passed_on_unchanged() {
    let server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    let text = r#"{"b": 1, "a":1.50,"b":2,"\u0041":"\u00e9"}"#;
    client
        .send(&format!(r#"["1","2","room:1","shout",  {text} ]"#))
        .await;
    let mut subscription = server.pubsub.subscribe("room:1");
    client.hear_text().await;
    client
        .send(&format!(r#"["1","3","room:1","shout",{text}]"#))
        .await;
    let broadcast = subscription.recv().await.unwrap();
    assert_eq!(broadcast.payload.as_json(), Some(text));
}

/// Whatever the order is, it is the same one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_subscribers_get_the_broadcasts_of_a_topic_in_the_same_order() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(server.client_in("room:1").await);
    }
    let threads = ["a", "b", "c"].map(|name| {
        let pubsub = server.pubsub.clone();
        tokio::task::spawn_blocking(move || {
            for n in 0..100 {
                pubsub.broadcast("room:1", name, json!({ "n": n }));
            }
        })
    });
    for thread in threads {
        thread.await.unwrap();
    }
    let mut first = Vec::new();
    for (index, client) in clients.iter_mut().enumerate() {
        let mut heard = Vec::new();
        for _ in 0..300 {
            heard.push(client.hear_text().await);
        }
        for name in ["a", "b", "c"] {
            let numbers = heard.iter().filter(|message| message[3] == *name);
            let numbers: Vec<u64> = numbers
                .map(|message| message[4]["n"].as_u64().unwrap())
                .collect();
            assert_eq!(numbers, (0..100).collect::<Vec<u64>>());
        }
        if index == 0 {
            first = heard;
        } else {
            assert_eq!(heard, first);
        }
    }
}

#[tokio::test]
async fn an_intercepted_event_comes_as_a_push_of_what_the_channel_makes_of_it() {
    let server = Server::start().await;
    let mut client = server.client_in("room:special").await;
    server
        .endpoint
        .broadcast("room:special", "whisper", json!({"n": 1}));
    client
        .expect(r#"["1",null,"room:special","whisper",{"heard":{"n":1}}]"#)
        .await;
    server
        .endpoint
        .broadcast("room:special", "unchanged", json!({"n": 2}));
    client
        .expect(r#"["1",null,"room:special","unchanged",{"n":2}]"#)
        .await;
    // What it does not intercept takes the short way.
    server
        .endpoint
        .broadcast("room:special", "news", json!({"n": 3}));
    client
        .expect(r#"[null,null,"room:special","news",{"n":3}]"#)
        .await;
}

#[tokio::test]
async fn a_channel_may_end_at_an_intercepted_broadcast() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:special").await;
    server
        .endpoint
        .broadcast("room:special", "deadly", json!({}));
    client
        .expect(r#"["1","1","room:special","phx_error",{"reason":"channel_crash"}]"#)
        .await;
    assert!(server.note().await.contains("an intercepted broadcast"));
}

#[tokio::test]
async fn an_application_may_subscribe_too() {
    let server = Server::start().await;
    let mut subscription = server.pubsub.subscribe("room:1");
    let mut client = server.client_in("room:1").await;
    client.send(r#"["1","2","room:1","shout",{"n":1}]"#).await;
    let broadcast = subscription.recv().await.unwrap();
    assert_eq!((&*broadcast.topic, &*broadcast.event), ("room:1", "shout"));
    assert_eq!(broadcast.payload.json().unwrap(), json!({"n": 1}));
    assert_eq!(server.pubsub.subscriber_count("room:1"), 2);
    drop(subscription);
    assert_eq!(server.pubsub.subscriber_count("room:1"), 1);
}

#[tokio::test]
async fn a_subscription_that_is_not_read_ends_rather_than_skip_a_broadcast() {
    let server = Server::start().await;
    let mut subscription = server.pubsub.subscribe("topic");
    for n in 0..Subscription::CAPACITY + 2 {
        server.pubsub.broadcast("topic", "n", n);
    }
    for n in 0..Subscription::CAPACITY {
        let broadcast = subscription.recv().await.unwrap();
        assert_eq!(broadcast.payload.parse::<usize>().unwrap(), n);
    }
    assert_eq!(subscription.recv().await, None);
}
