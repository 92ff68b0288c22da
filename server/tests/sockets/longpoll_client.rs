//! A long poll client that says exactly what a test wants and checks exactly what it hears.

use std::collections::VecDeque;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::app::PATIENCE;
use crate::http::{Answer, Request};

const TOKEN: &str = "x-phoenix-longpoll-token";

pub(crate) struct LongPoll {
    address: SocketAddr,
    query: String,
    /// What the last answer has left.
    pub(crate) token: String,
    heard: VecDeque<Value>,
    heartbeats: u64,
}

/// What a poll comes to.
#[derive(Debug, PartialEq)]
pub(crate) enum Polled {
    /// At least one message.
    Messages(Vec<Value>),
    Nothing,
    /// The session has ended. Another one has been opened, with this token.
    Gone(String),
    /// Refused, with this status.
    Refused(Value),
}

impl LongPoll {
    /// Opens a session.
    pub(crate) async fn connect(address: SocketAddr, query: &str) -> Self {
        let mut client = Self::with_token(address, query, String::new());
        match client.poll().await {
            Polled::Gone(token) => client.token = token,
            other => panic!("expected a session, got {other:?}"),
        }
        client
    }

    /// Goes on with a session.
    pub(crate) fn with_token(address: SocketAddr, query: &str, token: String) -> Self {
        Self {
            address,
            query: query.to_owned(),
            token,
            heard: VecDeque::new(),
            heartbeats: 0,
        }
    }

    pub(crate) fn request(&self, method: &str) -> Request {
        let request = Request::new(method, &format!("/socket/longpoll?{}", self.query));
        match self.token.as_str() {
            "" => request,
            token => request.header(TOKEN, token),
        }
    }

    pub(crate) fn get(&self) -> Request {
        self.request("GET").header("accept", "application/json")
    }

    /// Polls once.
    pub(crate) async fn poll(&mut self) -> Polled {
        let answer = self.get().send(self.address).await;
        self.take_note(&answer)
    }

    /// Takes note of an answer to a poll.
    pub(crate) fn take_note(&mut self, answer: &Answer) -> Polled {
        let polled = read(answer);
        if let Polled::Messages(_) | Polled::Nothing = polled {
            self.token = answer.json()["token"].as_str().unwrap().to_owned();
        }
        polled
    }

    /// The next message; `None` when the session has ended.
    pub(crate) async fn try_hear(&mut self) -> Option<Value> {
        let hearing = timeout(PATIENCE, self.next_message());
        hearing.await.expect("a message within time")
    }

    async fn next_message(&mut self) -> Option<Value> {
        while self.heard.is_empty() {
            match self.poll().await {
                Polled::Messages(messages) => self.heard.extend(messages),
                Polled::Nothing => {}
                Polled::Gone(_) => return None,
                refused @ Polled::Refused(_) => panic!("{refused:?}"),
            }
        }
        self.heard.pop_front()
    }

    pub(crate) async fn hear(&mut self) -> Value {
        self.try_hear().await.expect("a session that is open")
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let expected: Value = serde_json::from_str(text).unwrap();
        async move { assert_eq!(self.hear().await, expected, "at {caller}") }
    }

    /// Sends lines as phoenix.js does. Returns the status in the answer.
    pub(crate) async fn post(&self, lines: &[&str]) -> Value {
        self.post_body("application/x-ndjson", &lines.join("\n"))
            .await
    }

    /// Sends a body of any type. Returns the status in the answer.
    pub(crate) async fn post_body(&self, content_type: &str, body: &str) -> Value {
        let request = self.request("POST").header("content-type", content_type);
        let answer = request.body(body).send(self.address).await;
        answer.json()["status"].take()
    }

    pub(crate) async fn send(&self, text: &str) {
        assert_eq!(self.post(&[text]).await, 200, "{text}");
    }

    pub(crate) async fn post_binary(&self, bytes: &[u8]) -> Value {
        self.post(&[&STANDARD.encode(bytes)]).await
    }

    /// Checks that nothing has been sent to this client but what it has heard.
    pub(crate) async fn expect_silence(&mut self) {
        self.heartbeats += 1;
        let reference = format!("silence {}", self.heartbeats);
        let heartbeat = json!([null, reference, "phoenix", "heartbeat", {}]);
        self.send(&heartbeat.to_string()).await;
        let heard = self.hear().await;
        assert_eq!(heard[1], reference, "expected silence, heard {heard}");
    }

    /// Joins with join_ref `"1"`.
    pub(crate) async fn join(&mut self, topic: &str) {
        self.send(&format!(r#"["1","1","{topic}","phx_join",{{}}]"#))
            .await;
        let ok = r#"{"response":{},"status":"ok"}"#;
        self.expect(&format!(r#"["1","1","{topic}","phx_reply",{ok}]"#))
            .await;
    }
}

fn read(answer: &Answer) -> Polled {
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut json = answer.json();
    let token = json["token"].as_str().unwrap_or_default().to_owned();
    let messages = json["messages"].take();
    let message = |text: &Value| serde_json::from_str(text.as_str().unwrap()).unwrap();
    match (json["status"].as_u64(), messages.as_array()) {
        (Some(200), Some(messages)) if !messages.is_empty() => {
            Polled::Messages(messages.iter().map(message).collect())
        }
        (Some(204), Some(messages)) if messages.is_empty() => Polled::Nothing,
        (Some(410), Some(messages)) if messages.is_empty() => Polled::Gone(token),
        _ => Polled::Refused(json["status"].take()),
    }
}
