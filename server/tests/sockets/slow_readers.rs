//! Clients that read more slowly than they are sent to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use herenow::{Limits, Payload};
use serde_json::json;

use crate::app::Server;
use crate::client::{Client, Heard};

/// More than the buffers of both ends of a connection can hold.
const MORE_THAN_FITS: usize = 32 << 20;

/// Counts diffs in the place of a Presence: the state tells how many there have been.
struct Diffs {
    server: Server,
    count: Arc<AtomicU64>,
    padding: String,
}

impl Diffs {
    fn new(server: Server) -> Self {
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        let is_first = server.pubsub.provide_state(move |_| {
            let counted = Arc::clone(&counted);
            async move { Some(Payload::from(json!({"n": counted.load(Ordering::SeqCst)}))) }
        });
        assert!(is_first);
        let padding = "x".repeat(64 << 10);
        Self {
            server,
            count,
            padding,
        }
    }

    fn send(&self) -> u64 {
        let n = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        let payload = json!({"n": n, "padding": self.padding});
        self.server
            .pubsub
            .broadcast("room:1", "presence_diff", payload);
        n
    }
}

/// A client's view: how many diffs it knows of. Panics at a gap.
#[derive(Default)]
struct View {
    n: u64,
    diffs: u64,
    states: u64,
}

impl View {
    fn apply(&mut self, heard: &Heard) {
        let Heard::Text(frame) = heard else {
            panic!("expected a text frame, heard {heard:?}");
        };
        let n = frame[4]["n"].as_u64().unwrap();
        if frame[3] == "presence_state" {
            assert_eq!(frame[0], "1", "a state is a push of the channel");
            assert!(n >= self.n, "the state {n} is older than {}", self.n);
            self.n = n;
            self.states += 1;
        } else {
            assert_eq!(frame[3], "presence_diff");
            assert!(n <= self.n + 1, "a gap between {} and {n}", self.n);
            self.n = self.n.max(n);
            self.diffs += 1;
        }
    }
}

#[tokio::test]
async fn a_slow_reader_gets_a_state_in_place_of_the_diffs_it_missed_and_no_gap() {
    let limits = Limits {
        max_queue_bytes: 256 << 10,
        ..Limits::default()
    };
    let diffs = Diffs::new(Server::with_limits(limits).await);
    let mut client = Client::connect_narrow(diffs.server.address).await;
    client.join("1", "room:1").await;
    let mut last = 0;
    for _ in 0..MORE_THAN_FITS / diffs.padding.len() {
        last = diffs.send();
        // The connection's task sends what it can.
        tokio::task::yield_now().await;
    }
    let mut view = View::default();
    while view.n < last {
        view.apply(&client.hear().await);
    }
    assert!(view.states > 0 && view.diffs < last);
    let stats = diffs.server.endpoint.stats();
    assert_eq!(stats.resyncs, view.states);
    assert_eq!(stats.dropped_diffs, last - view.diffs);
    // And then diffs again.
    last = diffs.send();
    while view.n < last {
        view.apply(&client.hear().await);
    }
    client.expect_silence().await;
}

#[tokio::test]
async fn a_reader_that_keeps_up_gets_every_diff() {
    let limits = Limits {
        max_queue_bytes: 1 << 20,
        ..Limits::default()
    };
    let diffs = Diffs::new(Server::with_limits(limits).await);
    let mut client = diffs.server.client_in("room:1").await;
    for n in 1..=50 {
        diffs.send();
        let heard = client.hear().await;
        let Heard::Text(frame) = heard else {
            panic!("heard {heard:?}");
        };
        assert_eq!(
            (&frame[3], &frame[4]["n"]),
            (&json!("presence_diff"), &json!(n))
        );
    }
    let stats = diffs.server.endpoint.stats();
    assert_eq!((stats.resyncs, stats.dropped_diffs), (0, 0));
}

#[tokio::test]
async fn a_reader_that_cannot_be_brought_up_to_date_is_disconnected() {
    let limits = Limits {
        max_queue_bytes: 1000,
        ..Limits::default()
    };
    let server = Server::with_limits(limits).await;
    server.pubsub.provide_state(|_| async { None });
    let mut client = server.client_in("room:1").await;
    let padding = "x".repeat(600);
    for _ in 0..3 {
        let payload = json!({"padding": padding});
        server.pubsub.broadcast("room:1", "presence_diff", payload);
    }
    assert_eq!(client.hear().await, Heard::Close(1013));
}

#[tokio::test]
async fn without_a_provider_diffs_are_messages_like_others() {
    let server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    for n in 0..3 {
        server
            .pubsub
            .broadcast("room:1", "presence_diff", json!({ "n": n }));
    }
    for n in 0..3 {
        client
            .expect(&format!(
                r#"[null,null,"room:1","presence_diff",{{"n":{n}}}]"#
            ))
            .await;
    }
}

#[tokio::test]
async fn a_reader_too_slow_for_messages_is_closed_with_1013() {
    let limits = Limits {
        max_queue_bytes: 1000,
        ..Limits::default()
    };
    let mut server = Server::with_limits(limits).await;
    let mut client = server.client_in("room:1").await;
    let padding = "x".repeat(600);
    for _ in 0..3 {
        server
            .pubsub
            .broadcast("room:1", "news", json!({"padding": padding}));
    }
    assert_eq!(server.note().await, "terminate room:1: Closed");
    assert_eq!(client.hear().await, Heard::Close(1013));
}

#[tokio::test]
async fn a_reader_that_is_stuck_is_dropped() {
    let limits = Limits {
        write_timeout: Duration::from_millis(50),
        close_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let mut server = Server::with_limits(limits).await;
    let mut client = Client::connect_narrow(server.address).await;
    client.join("1", "room:1").await;
    let padding = "x".repeat(MORE_THAN_FITS);
    server
        .pubsub
        .broadcast("room:1", "news", json!({"padding": padding}));
    assert_eq!(server.note().await, "terminate room:1: Closed");
    server.endpoint.shutdown(crate::app::PATIENCE).await;
    assert_eq!(server.endpoint.stats().connections, 0);
    assert_eq!(client.hear().await, Heard::Lost);
}
