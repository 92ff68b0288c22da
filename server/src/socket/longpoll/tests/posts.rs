//! What becomes of a client's messages.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_join_that_takes_longer_than_the_window_times_its_post_out_and_goes_on() {
    let server = Server::new();
    let mut client = server.joined().await;
    let poll = client.poll_in_background();
    let start = Instant::now();
    let posted = client.post(&[JOIN_SLOW, HEARTBEAT]).await;
    assert_eq!(posted, Ok(Posted::TimedOut));
    assert_took(start, WINDOW);
    assert!(matches!(poll.await.unwrap(), Ok(Polled::Nothing)));
    server.gate.add_permits(1);
    let messages = client.messages().await;
    assert_eq!(
        messages.len(),
        1,
        "the heartbeat behind it is dropped: {messages:?}"
    );
    assert_eq!(messages[0][2], "room:slow");
}

#[tokio::test(start_paused = true)]
async fn a_post_behind_a_slow_join_has_a_window_of_its_own() {
    let server = Server::new();
    let mut client = server.joined().await;
    let first = client.post_in_background(JOIN_SLOW);
    sleep(WINDOW / 2).await;
    let start = Instant::now();
    let second = client.post_in_background(HEARTBEAT);
    let third = client.post_in_background(HEARTBEAT);
    assert_eq!(first.await.unwrap(), Ok(Posted::TimedOut));
    assert_took(start, WINDOW / 2);
    let poll = client.poll_in_background();
    // From when the first was out of its way.
    assert_eq!(second.await.unwrap(), Ok(Posted::TimedOut));
    assert_took(start, WINDOW / 2 + WINDOW);
    assert!(matches!(poll.await.unwrap(), Ok(Polled::Nothing)));
    server.gate.add_permits(1);
    assert_eq!(third.await.unwrap(), Ok(Posted::Handled));
    let got = client.messages().await;
    assert_eq!(
        (&got[0][2], &got[1][2]),
        (&json!("room:slow"), &json!("phoenix"))
    );
}

#[tokio::test(start_paused = true)]
async fn messages_are_handled_though_their_client_does_not_wait_for_the_result() {
    let server = Server::new();
    let mut client = server.joined().await;
    let leaving = client.post_in_background(JOIN_SLOW);
    settle().await;
    leaving.abort();
    server.gate.add_permits(1);
    assert_eq!(client.messages().await[0][2], "room:slow");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_faster_than_its_channel_handles_has_to_wait() {
    let limits = Limits {
        max_inbox_bytes: 100,
        ..Limits::default()
    };
    let server = Server::with_limits(limits);
    let client = server.joined().await;
    const GATED: &str =
        r#"["1","2","room:1","gated, and then as much again to be more than half of it",{}]"#;
    let post = tokio::spawn({
        let requests = client.requests.clone();
        async move {
            let client = Client {
                requests,
                token: client.token,
            };
            client.post(&[GATED; 5]).await
        }
    });
    settle().await;
    let handled = server.context.stats().frames_in - 1;
    assert!(
        (2..=4).contains(&handled),
        "the server has taken {handled} messages"
    );
    assert!(!post.is_finished());
    let start = Instant::now();
    server.gate.add_permits(5);
    assert_eq!(post.await.unwrap(), Ok(Posted::Handled));
    assert_took(start, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_ends_the_session() {
    for message in ["nope", "[]", r#"{"topic":"phoenix"}"#] {
        let server = Server::new();
        let client = server.joined().await;
        let poll = client.poll_in_background();
        settle().await;
        assert_eq!(
            client.post(&[HEARTBEAT, message]).await,
            Err(Gone),
            "{message}"
        );
        let polled = poll.await.unwrap();
        assert!(
            matches!(polled, Ok(Polled::Messages(..)) | Err(Gone)),
            "{polled:?}"
        );
        assert_eq!(server.context.pubsub.subscriber_count("room:1"), 0);
        assert!(!server.is_open(&client));
    }
}

#[tokio::test(start_paused = true)]
async fn text_that_is_not_utf8_ends_the_session() {
    let server = Server::new();
    let client = server.joined().await;
    let turn = client.requests.turn().await.unwrap();
    let message = Received::Text(Bytes::from_static(b"[\xff"));
    assert_eq!(turn.post(vec![message]).await, Err(Gone));
}
