//! Clients that poll more slowly than they are sent to.

use super::*;

/// Limits with which a kilobyte is too much.
fn narrow() -> Server {
    let limits = Limits {
        max_queue_bytes: 2000,
        ..Limits::default()
    };
    Server::with_limits(limits)
}

const DIFF: &str = "presence_diff";
const STATE: &str = "presence_state";

#[tokio::test(start_paused = true)]
async fn a_slow_poller_gets_the_state_in_place_of_the_diffs_that_were_dropped_and_before_later_ones()
 {
    let server = narrow();
    let mut client = server.joined().await;
    let gate = Arc::new(Semaphore::new(0));
    let passed = Arc::clone(&gate);
    server.context.pubsub.provide_state(move |_| {
        let gate = Arc::clone(&passed);
        async move {
            gate.acquire().await.unwrap().forget();
            Some(Payload::from(json!({"n": 5})))
        }
    });
    server.broadcast(DIFF, 900);
    server.broadcast("news", 900);
    server.broadcast(DIFF, 900);
    assert_eq!(client.events().await, ["news"]);
    let poll = client.poll_in_background();
    settle().await;
    // While the state is being made, all that comes waits for it.
    server.broadcast(DIFF, 1);
    settle().await;
    assert!(!poll.is_finished());
    gate.add_permits(1);
    let state = client.read(poll.await.unwrap());
    assert_eq!(events(&state), [STATE, DIFF]);
    assert_eq!(
        (&state[0][0], &state[0][4]),
        (&json!("1"), &json!({"n": 5})),
        "a push"
    );
    assert_eq!(server.context.stats().resyncs, 1);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_never_comes_ends_the_session() {
    let server = narrow();
    let client = server.joined().await;
    server
        .context
        .pubsub
        .provide_state(|_| std::future::pending());
    for _ in 0..3 {
        server.broadcast(DIFF, 900);
    }
    let start = Instant::now();
    while client.poll().await.is_ok() {}
    assert_took(start, server.context.limits.write_timeout);
    assert!(!server.is_open(&client));
}

#[tokio::test(start_paused = true)]
async fn more_messages_than_the_limit_end_the_session_of_a_client_that_does_not_poll() {
    let server = narrow();
    let client = server.joined().await;
    for _ in 0..3 {
        server.broadcast("news", 900);
    }
    client.requests.ended().await;
    assert_eq!(server.context.pubsub.subscriber_count("room:1"), 0);
}
