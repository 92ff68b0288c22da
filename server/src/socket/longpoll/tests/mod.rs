//! Long poll sessions without HTTP, under a clock that stands still until everybody waits.

mod lifetime;
mod polls;
mod posts;
mod slow;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use herenow_core::protocol::Vsn;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::body::Received;
use super::requests::{Gone, Polled, Posted, Requests};
use super::sessions::LongPolls;
use super::token::Token;
use crate::channel::{Channel, HandleResult, JoinResult, Payload, Reply, Routes, Socket};
use crate::endpoint::Connected;
use crate::socket::{Close, Connections, Context, Counters};
use crate::{Limits, PubSub};

const WINDOW: Duration = Duration::from_secs(10);
const EXPIRY: Duration = Duration::from_secs(15);
const INSTANT: Duration = Duration::from_millis(1);

/// Joins `room:slow` and handles messages when the gate lets it.
struct Gated(Arc<Semaphore>);

impl Channel for Gated {
    type Info = ();

    async fn join(&mut self, topic: &str, _: Payload, _: &mut Socket<()>) -> JoinResult {
        if topic == "room:slow" {
            self.0.acquire().await.unwrap().forget();
        }
        Ok(Payload::empty())
    }

    async fn handle_in(&mut self, event: &str, _: Payload, _: &mut Socket<()>) -> HandleResult {
        if event.starts_with("gated") {
            self.0.acquire().await.unwrap().forget();
        }
        Ok(Reply::none())
    }
}

/// An endpoint's long polls.
struct Server {
    context: Arc<Context>,
    gate: Arc<Semaphore>,
}

/// A client of it: takes over tokens, like phoenix.js.
struct Client {
    requests: Requests,
    token: Token,
}

impl Server {
    fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    fn with_limits(limits: Limits) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let mut routes = Routes::default();
        let for_channels = Arc::clone(&gate);
        routes.add("room:*", move || Gated(Arc::clone(&for_channels)));
        let context = Arc::new(Context {
            pubsub: PubSub::new(),
            routes,
            limits,
            counters: Counters::default(),
            connections: Connections::default(),
            longpolls: LongPolls::new(),
        });
        Self { context, gate }
    }

    fn try_open(&self, id: &str) -> Option<Client> {
        let place = LongPolls::enter(&self.context)?;
        let token = place.open(Vsn::V2, Connected::new().id(id)).unwrap();
        let (token, requests) = self.context.longpolls.find(&token).unwrap();
        Some(Client { requests, token })
    }

    fn open(&self) -> Client {
        self.try_open("client").unwrap()
    }

    /// A client that has joined `room:1` and got the reply.
    async fn joined(&self) -> Client {
        let mut client = self.open();
        assert_eq!(client.post(&[JOIN]).await, Ok(Posted::Handled));
        assert_eq!(client.events().await, ["phx_reply"]);
        client
    }

    /// Broadcasts about `size` bytes.
    fn broadcast(&self, event: &str, size: usize) {
        let payload = json!({"padding": "x".repeat(size)});
        self.context.pubsub.broadcast("room:1", event, payload);
    }

    fn is_open(&self, client: &Client) -> bool {
        let token = self.context.longpolls.sign(client.token);
        self.context.longpolls.find(&token).is_some()
    }
}

const JOIN: &str = r#"["1","1","room:1","phx_join",{}]"#;
const JOIN_SLOW: &str = r#"["2","2","room:slow","phx_join",{}]"#;
const HEARTBEAT: &str = r#"[null,"9","phoenix","heartbeat",{}]"#;

impl Client {
    /// Polls, without the client's learning of the answer.
    fn poll(&self) -> impl Future<Output = Result<Polled, Gone>> + use<> {
        let (requests, seen) = (self.requests.clone(), self.token.answer);
        async move { requests.poll(seen, WINDOW).await }
    }

    fn poll_in_background(&self) -> JoinHandle<Result<Polled, Gone>> {
        tokio::spawn(self.poll())
    }

    /// The messages of an answer, which the client takes note of.
    fn read(&mut self, answer: Result<Polled, Gone>) -> Vec<Value> {
        let Ok(Polled::Messages(answer, frames)) = answer else {
            panic!("expected messages, got {answer:?}");
        };
        self.token.answer = answer;
        let texts = frames.iter().map(|frame| frame.text_message().unwrap());
        texts
            .map(|text| serde_json::from_str(text).unwrap())
            .collect()
    }

    async fn messages(&mut self) -> Vec<Value> {
        let answer = self.poll().await;
        self.read(answer)
    }

    async fn events(&mut self) -> Vec<String> {
        events(&self.messages().await)
    }

    async fn post(&self, messages: &[&str]) -> Result<Posted, Gone> {
        let bytes = |text: &&str| Bytes::copy_from_slice(text.as_bytes());
        let messages = messages.iter().map(bytes).map(Received::Text).collect();
        self.requests.turn().await?.post(messages).await
    }

    fn post_in_background(&self, message: &'static str) -> JoinHandle<Result<Posted, Gone>> {
        let (requests, token) = (self.requests.clone(), self.token);
        let client = Self { requests, token };
        tokio::spawn(async move { client.post(&[message]).await })
    }
}

fn events(messages: &[Value]) -> Vec<String> {
    let event = |message: &Value| message[3].as_str().unwrap().to_owned();
    messages.iter().map(event).collect()
}

/// Lets everybody run until they wait for each other or for the clock.
async fn settle() {
    sleep(INSTANT).await;
}

#[track_caller]
fn assert_took(since: Instant, expected: Duration) {
    let took = since.elapsed();
    let is_close = took >= expected && took < expected + 5 * INSTANT;
    assert!(is_close, "took {took:?} in place of {expected:?}");
}
