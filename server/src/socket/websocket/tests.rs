//! A WebSocket over a pipe that holds little, under a clock that stands still until everybody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use herenow_core::protocol::Vsn;
use serde_json::{Value, json};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::driver::Driver;
use super::serve;
use crate::channel::{Channel, HandleResult, JoinResult, Payload, Reply, Routes, Socket};
use crate::endpoint::Connected;
use crate::socket::longpoll::LongPolls;
use crate::socket::{Connections, Context, Counters, Session};
use crate::{Limits, PubSub};

/// How many bytes are under way at most.
const PIPE: usize = 256;

const LIMITS: Limits = Limits {
    max_connections: 10,
    max_message_bytes: 1 << 20,
    max_channels_per_transport: 100,
    max_queue_bytes: 2000,
    max_inbox_bytes: 300,
    read_buffer_bytes: 4 << 10,
    idle_timeout: Duration::from_secs(60),
    write_timeout: Duration::from_secs(30),
    close_timeout: Duration::from_secs(5),
    channel_shutdown: Duration::from_secs(5),
    drain_batch: 10,
    drain_interval: Duration::from_secs(2),
    longpoll_window: Duration::from_secs(10),
    max_longpoll_sessions: 0,
    max_longpoll_body_bytes: 0,
};

/// Handles every message in silence, each when the gate lets it.
struct Gated(Arc<Semaphore>);

impl Channel for Gated {
    type Info = ();

    async fn join(&mut self, _: &str, _: Payload, _: &mut Socket<()>) -> JoinResult {
        Ok(Payload::empty())
    }

    async fn handle_in(&mut self, _: &str, _: Payload, _: &mut Socket<()>) -> HandleResult {
        self.0.acquire().await.unwrap().forget();
        Ok(Reply::none())
    }
}

struct Pair {
    client: WebSocketStream<DuplexStream>,
    context: Arc<Context>,
    pubsub: PubSub,
    /// What the channel waits for: one permit for each message.
    gate: Arc<Semaphore>,
    server: JoinHandle<()>,
}

fn context(gate: &Arc<Semaphore>) -> Arc<Context> {
    let mut routes = Routes::default();
    let gate = Arc::clone(gate);
    routes.add("room:*", move || Gated(Arc::clone(&gate)));
    Arc::new(Context {
        pubsub: PubSub::new(),
        routes,
        limits: LIMITS,
        counters: Counters::default(),
        connections: Connections::default(),
        longpolls: LongPolls::new(),
    })
}

fn driver(stream: DuplexStream, context: &Arc<Context>) -> Driver<DuplexStream> {
    let session = Session::open(context, Vsn::V2, Connected::new());
    Driver::new(stream, Bytes::new(), session.unwrap())
}

impl Pair {
    /// A client that has joined `room:1`.
    async fn joined() -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let context = context(&gate);
        let (near, far) = duplex(PIPE);
        let server = {
            let mut driver = driver(far, &context);
            tokio::spawn(async move { serve(&mut driver).await })
        };
        let client = WebSocketStream::from_raw_socket(near, Role::Client, None).await;
        let pubsub = context.pubsub.clone();
        let mut pair = Self {
            client,
            context,
            pubsub,
            gate,
            server,
        };
        pair.join("1").await;
        pair
    }

    async fn join(&mut self, join_ref: &str) {
        let join = format!(r#"["{join_ref}","{join_ref}","room:1","phx_join",{{}}]"#);
        self.client.send(Message::text(join)).await.unwrap();
        let reply = self.text().await;
        assert_eq!(
            (&reply[0], &reply[3]),
            (&json!(join_ref), &json!("phx_reply"))
        );
    }

    async fn text(&mut self) -> Value {
        match self.client.next().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("expected a text frame, got {other:?}"),
        }
    }

    async fn event(&mut self) -> (String, Value) {
        let mut text = self.text().await;
        (text[3].as_str().unwrap().to_owned(), text[4]["n"].take())
    }

    async fn close_code(&mut self) -> u16 {
        match self.client.next().await {
            Some(Ok(Message::Close(Some(frame)))) => frame.code.into(),
            other => panic!("expected a close frame, got {other:?}"),
        }
    }

    /// Broadcasts about `size` bytes.
    fn broadcast(&self, event: &str, n: u64, size: usize) {
        let payload = json!({"n": n, "padding": "x".repeat(size)});
        self.pubsub.broadcast("room:1", event, payload);
    }

    /// Has the server begin to send a message that fills the pipe, so that all else is queued.
    async fn stuff(&self) {
        self.broadcast("stuffing", 0, 2 * PIPE);
        settle().await;
    }
}

/// Lets everybody run until they wait for each other or for the clock.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_a_client_sends_keeps_the_connection_open() {
    let mut pair = Pair::joined().await;
    for message in [
        Message::Ping("x".into()),
        Message::Pong("x".into()),
        Message::text(r#"[null,"1","phoenix","heartbeat",{}]"#),
    ] {
        sleep(LIMITS.idle_timeout - Duration::from_secs(1)).await;
        pair.client.send(message).await.unwrap();
    }
    let before = Instant::now();
    while let Some(Ok(message)) = pair.client.next().await {
        if let Message::Close(frame) = message {
            assert_eq!(u16::from(frame.unwrap().code), 1002);
        }
    }
    let silent = before.elapsed();
    assert!(silent >= LIMITS.idle_timeout && silent < LIMITS.idle_timeout * 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_faster_than_its_channel_handles_has_to_wait() {
    let mut pair = Pair::joined().await;
    let mut sent = 0;
    let message = |n| {
        Message::text(format!(
            r#"["1",{n},"room:1","event","{}"]"#,
            "x".repeat(100)
        ))
    };
    // Until the pipe is full, because nobody reads from it any more.
    while sent < 100 && pair.client.send(message(sent)).now_or_never().is_some() {
        sent += 1;
        settle().await;
    }
    let read = pair.context.counters.stats().frames_in - 1;
    assert!(
        (3..=5).contains(&read),
        "the server has read {read} messages"
    );
    pair.gate.add_permits(sent + 1);
    let heartbeat = r#"[null,"after all","phoenix","heartbeat",{}]"#;
    let caught_up = Instant::now();
    pair.client.send(Message::text(heartbeat)).await.unwrap();
    assert_eq!(pair.text().await[1], "after all");
    // As soon as the channel has caught up, and not when the idle timeout looks after the connection.
    assert_eq!(caught_up.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_a_little_at_a_time_is_not_stuck() {
    use tokio::io::AsyncReadExt;
    let pair = Pair::joined().await;
    pair.broadcast("news", 1, 8 * PIPE);
    let mut stream = pair.client.into_inner();
    let mut part = [0; PIPE];
    for _ in 0..6 {
        sleep(LIMITS.write_timeout - Duration::from_secs(25)).await;
        assert_eq!(stream.read(&mut part).await.unwrap(), PIPE);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_dropped() {
    let pair = Pair::joined().await;
    pair.stuff().await;
    let before = Instant::now();
    pair.server.await.unwrap();
    let stuck = before.elapsed();
    assert!(stuck >= LIMITS.write_timeout - Duration::from_secs(1));
    assert!(stuck <= LIMITS.write_timeout + LIMITS.close_timeout);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_ignores_a_close_is_dropped() {
    let pair = Pair::joined().await;
    let (before, limit) = (Instant::now(), LIMITS.idle_timeout + LIMITS.close_timeout);
    pair.server.await.unwrap();
    assert!(before.elapsed() >= limit && before.elapsed() < limit + LIMITS.close_timeout);
}

#[tokio::test(start_paused = true)]
async fn a_pong_comes_between_frames_and_before_what_is_queued() {
    let mut pair = Pair::joined().await;
    pair.stuff().await;
    pair.broadcast("news", 1, 10);
    pair.client
        .send(Message::Ping("hello".into()))
        .await
        .unwrap();
    settle().await;
    assert_eq!(pair.event().await.0, "stuffing");
    let next = pair.client.next().await.unwrap().unwrap();
    assert_eq!(next, Message::Pong("hello".into()));
    assert_eq!(pair.event().await.0, "news");
}

#[tokio::test(start_paused = true)]
async fn a_close_comes_after_the_frame_in_progress_and_before_what_is_queued() {
    let mut pair = Pair::joined().await;
    pair.stuff().await;
    for n in 1..=4 {
        pair.broadcast("news", n, 900);
    }
    settle().await;
    assert_eq!(pair.event().await.0, "stuffing");
    assert_eq!(pair.close_code().await, 1013);
    pair.server.await.unwrap();
}

/// A provider of states that answers when it may, and how often it was asked.
fn provide(pubsub: &PubSub, n: u64) -> (Arc<Semaphore>, Arc<AtomicUsize>) {
    let (gate, asked) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (passed, counted) = (Arc::clone(&gate), Arc::clone(&asked));
    pubsub.provide_state(move |topic| {
        assert_eq!(&*topic, "room:1");
        counted.fetch_add(1, Ordering::SeqCst);
        let gate = Arc::clone(&passed);
        async move {
            gate.acquire().await.unwrap().forget();
            Some(Payload::from(json!({ "n": n })))
        }
    });
    (gate, asked)
}

const DIFF: &str = "presence_diff";
const STATE: &str = "presence_state";

#[tokio::test(start_paused = true)]
async fn the_state_comes_in_place_of_the_diffs_that_were_dropped_and_before_later_ones() {
    let mut pair = Pair::joined().await;
    let (gate, asked) = provide(&pair.pubsub, 5);
    pair.stuff().await;
    pair.broadcast(DIFF, 1, 900);
    pair.broadcast("news", 2, 900);
    // Over the limit: 1 and 3 are dropped, and 4 is withheld.
    pair.broadcast(DIFF, 3, 900);
    pair.broadcast(DIFF, 4, 10);
    settle().await;
    assert_eq!(
        asked.load(Ordering::SeqCst),
        0,
        "not before the queue has drained"
    );
    assert_eq!(pair.event().await.0, "stuffing");
    assert_eq!(pair.event().await, ("news".into(), json!(2)));
    settle().await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // While the state is being made, all that comes waits for it.
    pair.broadcast(DIFF, 6, 10);
    pair.broadcast("news", 7, 10);
    settle().await;
    assert!(pair.client.next().now_or_never().is_none());
    gate.add_permits(1);
    let state = pair.text().await;
    assert_eq!(
        (&state[0], &state[1]),
        (&json!("1"), &Value::Null),
        "a push"
    );
    assert_eq!((&state[3], &state[4]["n"]), (&json!(STATE), &json!(5)));
    assert_eq!(pair.event().await, (DIFF.into(), json!(6)));
    assert_eq!(pair.event().await, ("news".into(), json!(7)));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_is_made_too_late_for_its_channel_is_not_sent() {
    let mut pair = Pair::joined().await;
    let (gate, asked) = provide(&pair.pubsub, 5);
    pair.stuff().await;
    pair.broadcast(DIFF, 1, 1500);
    pair.broadcast(DIFF, 2, 1500);
    assert_eq!(pair.event().await.0, "stuffing");
    settle().await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let again = r#"["2","2","room:1","phx_join",{}]"#;
    pair.client.send(Message::text(again)).await.unwrap();
    settle().await;
    gate.add_permits(1);
    assert_eq!(pair.text().await[0], "2");
    assert_eq!(pair.text().await[3], "phx_close");
    settle().await;
    assert!(pair.client.next().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_joined_again_needs_no_state_any_more() {
    let mut pair = Pair::joined().await;
    let (_gate, asked) = provide(&pair.pubsub, 5);
    pair.stuff().await;
    pair.broadcast(DIFF, 1, 1500);
    pair.broadcast(DIFF, 2, 1500);
    let again = r#"["2","2","room:1","phx_join",{}]"#;
    pair.client.send(Message::text(again)).await.unwrap();
    settle().await;
    pair.broadcast(DIFF, 3, 10);
    assert_eq!(pair.event().await.0, "stuffing");
    assert_eq!(pair.text().await[0], "2");
    assert_eq!(pair.text().await[3], "phx_close");
    assert_eq!(pair.event().await, (DIFF.into(), json!(3)));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_never_comes_closes_the_connection() {
    let mut pair = Pair::joined().await;
    provide(&pair.pubsub, 5);
    pair.stuff().await;
    pair.broadcast(DIFF, 1, 1500);
    pair.broadcast(DIFF, 2, 1500);
    assert_eq!(pair.event().await.0, "stuffing");
    assert_eq!(pair.close_code().await, 1013);
}

#[tokio::test]
async fn an_idle_connection_is_small() {
    let (_near, far) = duplex(PIPE);
    let mut driver = driver(far, &context(&Arc::new(Semaphore::new(0))));
    assert!(size_of_val(&driver) < 512, "{}", size_of_val(&driver));
    let task = serve(&mut driver);
    assert!(size_of_val(&task) < 256, "{}", size_of_val(&task));
}
