//! Messages to a joined channel, and its end.

use serde_json::json;

use crate::app::{Info, Server};

#[tokio::test]
async fn a_handler_that_waits_holds_up_its_own_channel_only() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.join("2", "room:2").await;
    client.send(r#"["1","3","room:1","wait",{}]"#).await;
    assert_eq!(server.note().await, "waiting");
    client.send(r#"["1","4","room:1","status",{}]"#).await;
    client.send(r#"["2","5","room:2","status",{}]"#).await;
    for (join_ref, reference, topic) in [
        ("2", "5", "room:2"),
        ("1", "3", "room:1"),
        ("1", "4", "room:1"),
    ] {
        if reference == "3" {
            server.open_gate();
        }
        client
            .expect(&format!(
                r#"["{join_ref}","{reference}","{topic}","phx_reply",{{"response":{{}},"status":"ok"}}]"#
            ))
            .await;
    }
}

#[tokio::test]
async fn a_reply_may_have_any_status() {
    let server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.send(r#"["1","2","room:1","own_status",[1]]"#).await;
    client
        .expect(r#"["1","2","room:1","phx_reply",{"response":[1],"status":"maybe"}]"#)
        .await;
}

#[tokio::test]
async fn a_reply_may_come_later_from_elsewhere() {
    let server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.send(r#"["1","2","room:1","later",{}]"#).await;
    client.send(r#"["1","3","room:1","status",{}]"#).await;
    client
        .expect(r#"["1","3","room:1","phx_reply",{"response":{},"status":"ok"}]"#)
        .await;
    server.open_gate();
    client
        .expect(r#"["1","2","room:1","phx_reply",{"response":{"late":true},"status":"ok"}]"#)
        .await;
}

#[tokio::test]
async fn a_payload_of_another_shape_crashes_the_channel() {
    let server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.send(r#"["1","2","room:1","typed",41]"#).await;
    client
        .expect(r#"["1","2","room:1","phx_reply",{"response":42,"status":"ok"}]"#)
        .await;
    client.send(r#"["1","3","room:1","typed","x"]"#).await;
    client
        .expect(r#"["1","1","room:1","phx_error",{"reason":"channel_crash"}]"#)
        .await;
}

#[tokio::test]
async fn a_reply_that_is_no_json_crashes_the_channel_and_nothing_else() {
    let server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client
        .send(r#"["1","2","room:1","unserializable",{}]"#)
        .await;
    client
        .expect(r#"["1","1","room:1","phx_error",{"reason":"channel_crash"}]"#)
        .await;
    client.join("3", "room:1").await;
}

#[tokio::test]
async fn a_crash_leaves_the_other_channels_of_the_connection_alone() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:ends-noted").await;
    client.join("2", "room:2").await;
    client
        .send(r#"["1","3","room:ends-noted","crash",{}]"#)
        .await;
    client
        .expect(r#"["1","1","room:ends-noted","phx_error",{"reason":"channel_crash"}]"#)
        .await;
    assert_eq!(server.note().await, "end of room:ends-noted");
    assert_eq!(server.pubsub.subscriber_count("room:ends-noted"), 0);
    client.send(r#"["2","4","room:2","status",{}]"#).await;
    client
        .expect(r#"["2","4","room:2","phx_reply",{"response":{},"status":"ok"}]"#)
        .await;
}

#[tokio::test]
async fn a_crash_after_a_wait_is_a_crash_like_any_other() {
    let server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client
        .send(r#"["1","2","room:1","crash_after_wait",{}]"#)
        .await;
    client.send(r#"["1","3","room:1","status",{}]"#).await;
    client.expect_silence().await;
    server.open_gate();
    client
        .expect(r#"["1","1","room:1","phx_error",{"reason":"channel_crash"}]"#)
        .await;
    // What waited behind the crash is gone with the channel, as a mailbox is.
    client.expect_silence().await;
}

#[tokio::test]
async fn terminate_learns_why_the_channel_ends() {
    let mut server = Server::start().await;
    let mut client = server.client().await;
    for (event, reason) in [
        ("stop_normal", "Normal"),
        ("stop_error", r#"Error("stopped on purpose")"#),
        ("nosuch", r#"Error("no handler for the event \"nosuch\"")"#),
        ("phx_leave", "Left"),
    ] {
        client.join("1", "room:1").await;
        client
            .send(&format!(r#"["1",null,"room:1","{event}",{{}}]"#))
            .await;
        assert_eq!(server.note().await, format!("terminate room:1: {reason}"));
        while client.hear_text().await[3] == "phx_reply" {}
    }
    client.join("1", "room:1").await;
    client.vanish();
    assert_eq!(server.note().await, "terminate room:1: Closed");
}

#[tokio::test]
async fn info_reaches_a_channel_from_other_tasks_and_threads() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.send(r#"["1","2","room:1","sender",{}]"#).await;
    let sender = server.sender().await;
    assert!(sender.send(Info::Push("one", json!({}))).is_ok());
    client.expect(r#"["1",null,"room:1","one",{}]"#).await;
    let clone = sender.clone();
    let thread = std::thread::spawn(move || clone.send(Info::Push("two", json!({}))).is_ok());
    client.expect(r#"["1",null,"room:1","two",{}]"#).await;
    assert!(thread.join().unwrap());
    assert!(sender.send(Info::Stop).is_ok());
    client.expect(r#"["1","1","room:1","phx_close",{}]"#).await;
    assert!(sender.send(Info::Stop).is_err(), "the channel has ended");
}

#[test]
fn a_sender_outlives_the_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sender = runtime.block_on(async {
        let mut server = Server::start().await;
        let mut client = server.client_in("room:1").await;
        client.send(r#"["1","2","room:1","sender",{}]"#).await;
        server.sender().await
    });
    drop(runtime);
    // Whether the channel had ended or is ended by this: it neither hangs nor panics.
    let _ = sender.send(Info::Stop);
    assert!(sender.send(Info::Stop).is_err());
}

#[tokio::test]
async fn infos_are_handled_one_at_a_time_and_in_order() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.send(r#"["1","2","room:1","sender",{}]"#).await;
    let sender = server.sender().await;
    for n in 0..100 {
        assert!(sender.send(Info::Push("n", json!({ "n": n }))).is_ok());
    }
    for n in 0..100 {
        client
            .expect(&format!(r#"["1",null,"room:1","n",{{"n":{n}}}]"#))
            .await;
    }
}

#[tokio::test]
async fn a_reply_ref_outside_handle_in_crashes_the_channel() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.send(r#"["1","2","room:1","sender",{}]"#).await;
    assert!(server.sender().await.send(Info::Crash).is_ok());
    client
        .expect(r#"["1","1","room:1","phx_error",{"reason":"channel_crash"}]"#)
        .await;
}

#[tokio::test]
async fn a_channel_without_handlers_crashes_on_messages_and_not_before() {
    let server = Server::start().await;
    let mut client = server.client_in("room:special").await;
    client.expect_silence().await;
    client
        .send(r#"["1","2","room:special","anything",{}]"#)
        .await;
    client
        .expect(r#"["1","1","room:special","phx_error",{"reason":"channel_crash"}]"#)
        .await;
}

#[tokio::test]
async fn assigns_of_a_channel_last_as_long_as_it_does_and_are_its_own() {
    let server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.join("2", "room:2").await;
    for (join_ref, topic, count) in [("1", "room:1", 1), ("1", "room:1", 2), ("2", "room:2", 1)] {
        client
            .send(&format!(r#"["{join_ref}","9","{topic}","count",{{}}]"#))
            .await;
        client
            .expect(&format!(
                r#"["{join_ref}","9","{topic}","phx_reply",{{"response":{count},"status":"ok"}}]"#
            ))
            .await;
    }
}

#[tokio::test]
async fn the_counts_of_the_endpoint_return_to_nothing() {
    let mut server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    client.join("2", "room:2").await;
    let stats = server.endpoint.stats();
    assert_eq!((stats.connections, stats.channels), (1, 2));
    assert_eq!((stats.frames_in, stats.frames_out), (2, 2));
    assert!(stats.bytes_in > 50 && stats.bytes_out > 100);
    client.vanish();
    server.note().await;
    server.note().await;
    server.endpoint.shutdown(crate::app::PATIENCE).await;
    let stats = server.endpoint.stats();
    assert_eq!((stats.connections, stats.channels), (0, 0));
    assert_eq!(stats.connections_total, 1);
}
