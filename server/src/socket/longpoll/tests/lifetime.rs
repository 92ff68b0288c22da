//! How sessions open and end, and how many there may be.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_session_ends_when_it_was_not_polled_for_one_and_a_half_windows() {
    let server = Server::new();
    let client = server.open();
    client.post(&[JOIN]).await.unwrap();
    let start = Instant::now();
    // Posts are no sign of life, as in Phoenix: nobody would ever get the answers.
    for _ in 0..4 {
        sleep(WINDOW / 4).await;
        assert_eq!(client.post(&[HEARTBEAT]).await, Ok(Posted::Handled));
    }
    client.requests.ended().await;
    assert_took(start, EXPIRY);
    assert_eq!(client.poll().await.unwrap_err(), Gone);
    assert_eq!(server.context.pubsub.subscriber_count("room:1"), 0);
    let stats = server.context.stats();
    assert_eq!((stats.connections, stats.channels), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_polls_lives_on_and_its_time_starts_with_the_end_of_a_poll() {
    let server = Server::new();
    let client = server.open();
    for _ in 0..5 {
        assert!(matches!(client.poll().await, Ok(Polled::Nothing)));
        sleep(EXPIRY - 2 * INSTANT).await;
    }
    // And of one that was given up.
    assert!(
        tokio::time::timeout(WINDOW / 2, client.poll())
            .await
            .is_err()
    );
    let start = Instant::now();
    client.requests.ended().await;
    assert_took(start, EXPIRY);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_sessions_and_lets_no_more_in() {
    let server = Server::new();
    let client = server.joined().await;
    let poll = client.poll_in_background();
    settle().await;
    let late = LongPolls::enter(&server.context).unwrap();
    for connection in server.context.connections.refuse() {
        connection.close(Close::DRAINED);
    }
    assert_eq!(poll.await.unwrap().unwrap_err(), Gone);
    server.context.connections.all_closed().await;
    assert!(late.open(Vsn::V2, Connected::new()).is_none());
    assert_eq!(server.context.stats().longpoll_sessions, 0);
}

#[tokio::test(start_paused = true)]
async fn there_are_no_more_sessions_than_the_limit_and_a_place_is_given_back() {
    let limits = Limits {
        max_longpoll_sessions: 2,
        ..Limits::default()
    };
    let server = Server::with_limits(limits);
    let client = server.open();
    let connecting = LongPolls::enter(&server.context).unwrap();
    assert!(server.try_open("one too many").is_none());
    assert_eq!(server.context.stats().longpoll_sessions, 2);
    drop(connecting);
    let second = server.open();
    assert!(server.try_open("one too many").is_none());
    server.context.pubsub.disconnect("client");
    client.requests.ended().await;
    second.requests.ended().await;
    assert_eq!(server.context.stats().longpoll_sessions, 0);
    server.open();
}

#[tokio::test(start_paused = true)]
async fn two_clients_never_have_the_same_token() {
    let server = Server::new();
    let (one, two) = (server.open(), server.open());
    assert_ne!(one.token.session, two.token.session);
}

#[tokio::test]
async fn an_idle_session_is_small() {
    assert!(
        size_of::<super::super::driver::Driver>() < 512,
        "{}",
        size_of::<super::super::driver::Driver>()
    );
}
