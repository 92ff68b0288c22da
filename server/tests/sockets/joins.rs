//! Joining and leaving topics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use herenow::{ChannelId, Limits, PubSub};

use crate::app::Server;

const OK: &str = r#"{"response":{},"status":"ok"}"#;

#[tokio::test]
async fn pushes_made_in_join_come_after_its_reply_and_before_what_comes_later() {
    let server = Server::start().await;
    let mut client = server.client_in("room:pushes").await;
    client
        .expect(r#"["1",null,"room:pushes","pushed",{"n":1}]"#)
        .await;
    client
        .expect(r#"["1",null,"room:pushes","pushed",{"n":2}]"#)
        .await;
    client
        .expect(r#"["1",null,"room:pushes","after_join",{"n":3}]"#)
        .await;
    client.expect_silence().await;
}

#[tokio::test]
async fn a_slow_join_holds_up_its_own_connection_and_no_other() {
    let mut server = Server::start().await;
    let mut slow = server.client().await;
    let mut other = server.client_in("room:1").await;
    slow.send(r#"["1","1","room:slow","phx_join",{}]"#).await;
    slow.send(r#"[null,"2","phoenix","heartbeat",{}]"#).await;
    assert_eq!(server.note().await, "joining room:slow");
    other.expect_silence().await;
    server.open_gate();
    slow.expect(&format!(r#"["1","1","room:slow","phx_reply",{OK}]"#))
        .await;
    slow.expect(&format!(r#"[null,"2","phoenix","phx_reply",{OK}]"#))
        .await;
}

#[tokio::test]
async fn broadcasts_reach_a_connection_while_it_is_joining_another_topic() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.send(r#"["2","2","room:slow","phx_join",{}]"#).await;
    assert_eq!(server.note().await, "joining room:slow");
    server.endpoint.broadcast("room:1", "news", json!({"n": 1}));
    client
        .expect(r#"[null,null,"room:1","news",{"n":1}]"#)
        .await;
    server.open_gate();
    client
        .expect(&format!(r#"["2","2","room:slow","phx_reply",{OK}]"#))
        .await;
}

/// Broadcasts numbers to `room:1` from another thread until it is dropped.
struct Ticking(Arc<AtomicBool>);

impl Ticking {
    fn start(pubsub: PubSub) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || {
            let numbers = (0..).take_while(|_| !stopped.load(Ordering::Relaxed));
            for n in numbers {
                pubsub.broadcast("room:1", "tick", json!({ "n": n }));
                std::thread::yield_now();
            }
        });
        Self(stop)
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Not one is lost between the reply and the first that the client gets, however the two race.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_broadcast_comes_before_the_join_reply_and_none_after_it_is_lost() {
    let server = Server::start().await;
    let _ticking = Ticking::start(server.pubsub.clone());
    for _ in 0..20 {
        let mut client = server.client_in("room:1").await;
        let first = client.hear_text().await;
        for step in 1..10 {
            let next = client.hear_text().await;
            let expected = first[4]["n"].as_u64().unwrap() + step;
            assert_eq!(next[4]["n"], expected);
        }
        client.vanish();
    }
}

#[tokio::test]
async fn params_of_another_shape_refuse_the_join() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client
        .send(r#"["1","1","room:typed","phx_join",{"not":"a number"}]"#)
        .await;
    client
        .expect(r#"["1","1","room:typed","phx_reply",{"response":{"reason":"invalid params"},"status":"error"}]"#)
        .await;
    client.send(r#"["2","2","room:typed","phx_join",7]"#).await;
    client
        .expect(&format!(r#"["2","2","room:typed","phx_reply",{OK}]"#))
        .await;
}

#[tokio::test]
async fn a_refused_join_leaves_nothing_behind() {
    let mut server = Server::start().await;
    let mut client = server.client().await;
    client
        .send(r#"["1","1","room:refused-late","phx_join",{}]"#)
        .await;
    client
        .expect(r#"["1","1","room:refused-late","phx_reply",{"response":{"reason":"late"},"status":"error"}]"#)
        .await;
    assert_eq!(server.note().await, "end of room:refused-late");
    assert_eq!(server.pubsub.subscriber_count("room:refused-late"), 0);
    assert_eq!(server.endpoint.stats().channels, 0);
}

#[tokio::test]
async fn the_first_pattern_that_matches_serves_the_topic() {
    let server = Server::start().await;
    let mut client = server.client_in("room:special").await;
    // The other channel, whose pattern matches as well, would answer.
    client.send(r#"["1","2","room:special","status",{}]"#).await;
    client
        .expect(r#"["1","1","room:special","phx_error",{"reason":"channel_crash"}]"#)
        .await;
}

#[tokio::test]
async fn a_duplicate_join_ends_the_old_channel_before_the_new_join_runs() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:ends-noted").await;
    client
        .send(r#"["1","2","room:ends-noted","count",{}]"#)
        .await;
    client
        .expect(r#"["1","2","room:ends-noted","phx_reply",{"response":1,"status":"ok"}]"#)
        .await;
    client
        .send(r#"["3","3","room:ends-noted","phx_join",{}]"#)
        .await;
    client
        .expect(&format!(r#"["3","3","room:ends-noted","phx_reply",{OK}]"#))
        .await;
    client
        .expect(r#"["1","1","room:ends-noted","phx_close",{}]"#)
        .await;
    assert_eq!(
        server.note().await,
        "terminate room:ends-noted: DuplicateJoin"
    );
    assert_eq!(server.note().await, "end of room:ends-noted");
    assert_eq!(server.pubsub.subscriber_count("room:ends-noted"), 1);
    // The new channel has a state of its own.
    client
        .send(r#"["3","4","room:ends-noted","count",{}]"#)
        .await;
    client
        .expect(r#"["3","4","room:ends-noted","phx_reply",{"response":1,"status":"ok"}]"#)
        .await;
}

#[tokio::test]
async fn a_duplicate_join_waits_for_what_the_old_channel_is_doing() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.send(r#"["1","2","room:1","wait",{"n":1}]"#).await;
    client.send(r#"["1","3","room:1","echo",{"n":2}]"#).await;
    client.send(r#"["4","4","room:1","phx_join",{}]"#).await;
    assert_eq!(server.note().await, "waiting");
    server.open_gate();
    for expected in [
        r#"["1","2","room:1","phx_reply",{"response":{"n":1},"status":"ok"}]"#,
        r#"["1","3","room:1","phx_reply",{"response":{"n":2},"status":"ok"}]"#,
        r#"["4","4","room:1","phx_reply",{"response":{},"status":"ok"}]"#,
        r#"["1","1","room:1","phx_close",{}]"#,
    ] {
        client.expect(expected).await;
    }
}

#[tokio::test]
async fn an_old_channel_that_ends_by_itself_is_closed_once() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.send(r#"["1","2","room:1","wait",{}]"#).await;
    client.send(r#"["1","3","room:1","phx_leave",{}]"#).await;
    client.send(r#"["4","4","room:1","phx_join",{}]"#).await;
    assert_eq!(server.note().await, "waiting");
    server.open_gate();
    for expected in [
        r#"["1","2","room:1","phx_reply",{"response":{},"status":"ok"}]"#,
        r#"["1","3","room:1","phx_reply",{"response":{},"status":"ok"}]"#,
        r#"["1","1","room:1","phx_close",{}]"#,
        r#"["4","4","room:1","phx_reply",{"response":{},"status":"ok"}]"#,
    ] {
        client.expect(expected).await;
    }
    client.expect_silence().await;
}

#[tokio::test]
async fn an_old_channel_that_does_not_end_is_cut_off() {
    let limits = Limits {
        channel_shutdown: std::time::Duration::from_millis(20),
        ..Limits::default()
    };
    let mut server = Server::with_limits(limits).await;
    let mut client = server.client_in("room:ends-noted").await;
    client
        .send(r#"["1","2","room:ends-noted","block",{}]"#)
        .await;
    assert_eq!(server.note().await, "waiting");
    client
        .send(r#"["3","3","room:ends-noted","phx_join",{}]"#)
        .await;
    client
        .expect(&format!(r#"["3","3","room:ends-noted","phx_reply",{OK}]"#))
        .await;
    client
        .expect(r#"["1","1","room:ends-noted","phx_close",{}]"#)
        .await;
    assert_eq!(server.note().await, "end of room:ends-noted");
    assert_eq!(server.pubsub.subscriber_count("room:ends-noted"), 1);
}

#[tokio::test]
async fn a_duplicate_join_that_is_refused_ends_the_old_channel_all_the_same() {
    let server = Server::start().await;
    let mut client = server.client_in("room:typed-not").await;
    client.send(r#"["2","2","room:reply","phx_join",{}]"#).await;
    client.hear_text().await;
    client.send(r#"["3","3","room:reply","phx_join",{}]"#).await;
    let reply: Value = client.hear_text().await;
    assert_eq!(reply[4]["response"]["hello"], "world");
    client
        .expect(r#"["2","2","room:reply","phx_close",{}]"#)
        .await;
}

#[tokio::test]
async fn a_join_beyond_the_limit_is_refused_and_a_duplicate_is_not() {
    let limits = Limits {
        max_channels_per_transport: 2,
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    let mut client = server.client_in("room:1").await;
    client.join("2", "room:2").await;
    client.send(r#"["3","3","room:3","phx_join",{}]"#).await;
    client
        .expect(r#"["3","3","room:3","phx_reply",{"response":{"reason":"too many channels joined"},"status":"error"}]"#)
        .await;
    client.send(r#"["4","4","room:2","phx_join",{}]"#).await;
    client
        .expect(&format!(r#"["4","4","room:2","phx_reply",{OK}]"#))
        .await;
    client.expect(r#"["2","2","room:2","phx_close",{}]"#).await;
    // Whoever leaves makes room.
    client.send(r#"["1","5","room:1","phx_leave",{}]"#).await;
    client
        .expect(&format!(r#"["1","5","room:1","phx_reply",{OK}]"#))
        .await;
    client.expect(r#"["1","1","room:1","phx_close",{}]"#).await;
    client.join("6", "room:3").await;
}

#[tokio::test]
async fn a_leave_waits_for_what_the_channel_is_doing() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.send(r#"["1","2","room:1","wait",{}]"#).await;
    client.send(r#"["1","3","room:1","phx_leave",{}]"#).await;
    assert_eq!(server.note().await, "waiting");
    server.open_gate();
    client
        .expect(&format!(r#"["1","2","room:1","phx_reply",{OK}]"#))
        .await;
    client
        .expect(&format!(r#"["1","3","room:1","phx_reply",{OK}]"#))
        .await;
    client.expect(r#"["1","1","room:1","phx_close",{}]"#).await;
    assert_eq!(server.note().await, "terminate room:1: Left");
}

#[tokio::test]
async fn whoever_has_left_gets_no_more_broadcasts_of_the_topic() {
    let server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.send(r#"["1","2","room:1","phx_leave",{}]"#).await;
    client
        .expect(&format!(r#"["1","2","room:1","phx_reply",{OK}]"#))
        .await;
    client.expect(r#"["1","1","room:1","phx_close",{}]"#).await;
    server.endpoint.broadcast("room:1", "news", json!({}));
    client.expect_silence().await;
    assert_eq!(server.pubsub.subscriber_count("room:1"), 0);
}

#[tokio::test]
async fn every_join_has_an_id_of_its_own() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    let mut ids: Vec<ChannelId> = Vec::new();
    for join_ref in ["2", "3"] {
        client.join(join_ref, &format!("room:{join_ref}")).await;
        client
            .send(&format!(
                r#"["{join_ref}","9","room:{join_ref}","sender",{{}}]"#
            ))
            .await;
        ids.push(server.sender().await.channel_id());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_channel_knows_its_topic_and_the_join_ref_as_the_client_wrote_it() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.send(r#"[7,7,"room:\u0031","phx_join",{}]"#).await;
    client
        .expect(r#"[7,7,"room:1","phx_reply",{"response":{},"status":"ok"}]"#)
        .await;
    client.send(r#"[7,8,"room:1","describe",{}]"#).await;
    client
        .expect(
            r#"[7,8,"room:1","phx_reply",
                {"response":{"topic":"room:1","join_ref":"7","has_id":true},"status":"ok"}]"#,
        )
        .await;
}

#[tokio::test]
async fn a_connection_that_ends_during_a_join_ends_the_join() {
    let mut server = Server::start().await;
    let mut client = server.client().await;
    client.send(r#"["1","1","room:slow","phx_join",{}]"#).await;
    assert_eq!(server.note().await, "joining room:slow");
    server.endpoint.shutdown(crate::app::PATIENCE).await;
    assert_eq!(server.note().await, "end of room:slow");
    assert_eq!(server.pubsub.subscriber_count("room:slow"), 0);
}
