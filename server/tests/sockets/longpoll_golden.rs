//! Long poll requests recorded from a running Phoenix, made again: each answer must be the same, headers
//! and all. Messages that a Presence would send are left out of the recorded answers.

use std::time::Duration;

use herenow::Limits;
use serde_json::{Deserializer, Map, Value, json};

use crate::app::Server;
use crate::http::{Answer, Request};

const RECORDING: &str = include_str!("golden/longpoll.txt");
const TOKEN: &str = "<token>";

/// The recorded one had 1.5 s.
const WINDOW: Duration = Duration::from_secs(1);

/// A recorded request and its answer.
struct Exchange {
    method: String,
    path: String,
    headers: Map<String, Value>,
    body: Option<String>,
    status: u16,
    answer: Option<Value>,
    answer_headers: Map<String, Value>,
}

impl Exchange {
    fn parse(line: &str) -> Self {
        let (request, answer) = line.split_once(" => ").expect("a request and its answer");
        let mut words = request.splitn(3, ' ');
        let mut word = || words.next().unwrap().to_owned();
        let (method, path, rest) = (word(), word(), word());
        let [headers, body] = values(&rest);
        let (status, rest) = answer.split_once(' ').unwrap();
        let (answer, answer_headers) = match values(rest) {
            [headers, None] => (None, headers),
            [answer, headers] => (answer, headers),
        };
        Self {
            method,
            path,
            headers: object(headers),
            body: body.map(|body| body.as_str().unwrap().to_owned()),
            status: status.parse().unwrap(),
            answer,
            answer_headers: object(answer_headers),
        }
    }

    fn request(&self, token: &str) -> Request {
        let request = Request::new(&self.method, &self.path.replace(TOKEN, token));
        let request = self.headers.iter().fold(request, |request, (name, value)| {
            request.header(name, &value.as_str().unwrap().replace(TOKEN, token))
        });
        match &self.body {
            Some(body) => request.body(body.as_str()),
            None => request,
        }
    }

    fn check(&self, answer: &Answer) {
        assert_eq!(answer.status, self.status);
        for (name, value) in &self.answer_headers {
            assert_eq!(answer.header(name), value.as_str().unwrap(), "{name}");
        }
        let body = (!answer.body.is_empty()).then(|| comparable(answer.json()));
        assert_eq!(body, self.answer.clone().map(comparable));
    }
}

/// One or two JSON values.
fn values(text: &str) -> [Option<Value>; 2] {
    let mut values = Deserializer::from_str(text).into_iter();
    let both = [(); 2].map(|()| values.next().map(Result::unwrap));
    assert!(values.next().is_none(), "{text}");
    both
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(object)) => object,
        other => panic!("expected an object, got {other:?}"),
    }
}

/// An answer with its messages parsed and without what differs from one server to another.
fn comparable(mut answer: Value) -> Value {
    if let Some(token) = answer.get_mut("token") {
        assert!(token.is_string());
        *token = json!(TOKEN);
    }
    if let Some(Value::Array(messages)) = answer.get_mut("messages") {
        let parsed = |text: &Value| serde_json::from_str(text.as_str().unwrap()).unwrap();
        *messages = messages.iter().map(parsed).collect();
        let is_presence = |event: &Value| event == "presence_diff" || event == "presence_state";
        messages.retain(|message| !is_presence(&message[3]));
    }
    answer
}

#[tokio::test]
async fn requests_are_answered_as_by_phoenix() {
    let limits = Limits {
        longpoll_window: WINDOW,
        ..Limits::default()
    };
    let url = "http://localhost".parse().unwrap();
    let mut server = Server::build(|endpoint| endpoint.limits(limits).url(url)).await;
    let (mut token, mut made) = (String::new(), 0);
    for line in RECORDING
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "))
    {
        println!("{line}");
        if line == "### longpoll session expires (1.5x window checks)" {
            assert_eq!(server.note().await, "terminate room:lp: Closed");
        }
        if line.starts_with("###") {
            continue;
        }
        let exchange = Exchange::parse(line);
        let answer = exchange.request(&token).send(server.address).await;
        exchange.check(&answer);
        if let Some(newer) = newer_token(&answer, token.is_empty()) {
            token = newer;
        }
        made += 1;
    }
    assert_eq!(made, 18);
}

/// The token of an answer about the session that was opened first. Others are opened only in vain.
fn newer_token(answer: &Answer, is_first: bool) -> Option<String> {
    let body: Value = serde_json::from_str(&answer.body).ok()?;
    let is_new_session = body["status"] == 410;
    let token = body["token"]
        .as_str()
        .filter(|_| is_first || !is_new_session);
    token.map(str::to_owned)
}
