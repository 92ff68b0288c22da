//! What a poll is answered, and when.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_poll_is_answered_when_there_is_a_message_or_after_the_window() {
    let server = Server::new();
    let mut client = server.joined().await;
    let start = Instant::now();
    assert!(matches!(client.poll().await, Ok(Polled::Nothing)));
    assert_took(start, WINDOW);
    let start = Instant::now();
    let poll = client.poll_in_background();
    sleep(WINDOW / 2).await;
    server.broadcast("news", 1);
    assert_eq!(events(&client.read(poll.await.unwrap())), ["news"]);
    assert_took(start, WINDOW / 2);
}

#[tokio::test(start_paused = true)]
async fn what_came_between_polls_is_one_answer_in_order() {
    let server = Server::new();
    let mut client = server.joined().await;
    for event in ["one", "two", "three"] {
        server.broadcast(event, 1);
    }
    let start = Instant::now();
    assert_eq!(client.events().await, ["one", "two", "three"]);
    assert_took(start, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_given_up_takes_no_message_along() {
    let server = Server::new();
    let mut client = server.joined().await;
    let abandoned = client.poll_in_background();
    settle().await;
    abandoned.abort();
    server.broadcast("one", 1);
    settle().await;
    server.broadcast("two", 1);
    assert_eq!(client.events().await, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_got_lost_is_given_again() {
    let server = Server::new();
    let mut client = server.joined().await;
    server.broadcast("lost", 1);
    assert!(matches!(client.poll().await, Ok(Polled::Messages(..))));
    assert_eq!(client.events().await, ["lost"]);
    assert!(matches!(client.poll().await, Ok(Polled::Nothing)));
}

#[tokio::test(start_paused = true)]
async fn of_two_polls_the_newer_is_answered_and_the_older_waits_in_vain() {
    let server = Server::new();
    let mut client = server.joined().await;
    let older = client.poll_in_background();
    settle().await;
    let start = Instant::now();
    let newer = client.poll_in_background();
    settle().await;
    server.broadcast("one", 1);
    assert_eq!(events(&client.read(newer.await.unwrap())), ["one"]);
    assert_took(start, INSTANT);
    server.broadcast("two", 1);
    assert_eq!(client.events().await, ["two"]);
    assert!(matches!(older.await.unwrap(), Ok(Polled::Nothing)));
    // Not at once, or two pollers would chase each other as fast as they can.
    assert_took(start, WINDOW - INSTANT);
}

#[tokio::test(start_paused = true)]
async fn a_poll_in_vain_learns_that_the_session_is_gone() {
    let server = Server::new();
    let client = server.open();
    let older = client.poll_in_background();
    settle().await;
    let newer = client.poll_in_background();
    settle().await;
    let start = Instant::now();
    server.context.pubsub.disconnect("client");
    assert_eq!(older.await.unwrap().unwrap_err(), Gone);
    assert_eq!(newer.await.unwrap().unwrap_err(), Gone);
    assert_took(start, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_binary_message_of_a_client_is_handled_and_one_to_it_is_dropped() {
    let server = Server::new();
    let mut client = server.joined().await;
    let poll = client.poll_in_background();
    settle().await;
    server
        .context
        .pubsub
        .broadcast("room:1", "binary", Payload::binary(vec![1]));
    settle().await;
    assert!(!poll.is_finished(), "a dropped message answers no poll");
    let push = b"\x00\x01\x01\x06\x05\x31\x37room:1never\xff";
    let turn = client.requests.turn().await.unwrap();
    let posted = turn
        .post(vec![Received::Binary(Bytes::from_static(push))])
        .await;
    assert_eq!(posted, Ok(Posted::Handled));
    server.broadcast("text", 1);
    assert_eq!(events(&client.read(poll.await.unwrap())), ["text"]);
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_comes_in_several_answers_with_no_gap() {
    let limits = Limits {
        max_queue_bytes: usize::MAX,
        ..Limits::default()
    };
    let server = Server::with_limits(limits);
    let mut client = server.joined().await;
    for n in 0..10 {
        server.broadcast(&n.to_string(), 100 << 10);
    }
    let (mut all, mut answers) = (Vec::new(), 0);
    while all.len() < 10 {
        all.extend(client.events().await);
        answers += 1;
    }
    assert_eq!(all, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!((4..=10).contains(&answers), "{answers} answers");
    assert!(client.poll().now_or_never().is_none());
}
