//! Conversations recorded from a running Phoenix, had again, over each transport.
//!
//! Frames that a Presence would send are left out on both sides: presence is not the business here.

use std::collections::HashMap;

use serde_json::Value;

use crate::app::Server;
use crate::client::{Client, Heard};
use crate::longpoll_client::LongPoll;

const V1: &str = include_str!("../../../core/tests/golden/phoenix-v1.txt");
const V2: &str = include_str!("../../../core/tests/golden/phoenix-v2.txt");

/// What differs on purpose or is Phoenix's own choice among allowed orders.
const LEAVE_AND_REJOIN: &str = "leave then immediate rejoin (leaving state)";

/// Everything about tracking and `fetch`, in the middle of the V2 script.
const FIRST_OF_PRESENCE: &str = "presence: A joins (track then push state, as the docs do)";
const FIRST_AFTER_PRESENCE: &str = "heartbeat (no join_ref)";

#[derive(Debug)]
enum Step<'a> {
    Says(&'a str, &'a str),
    Hears(&'a str, &'a str),
    IsClosed(&'a str, u16),
}

struct Section<'a> {
    title: &'a str,
    steps: Vec<Step<'a>>,
}

fn parse(script: &str) -> Vec<Section<'_>> {
    let mut sections = Vec::new();
    for line in script.lines() {
        if let Some(title) = line.strip_prefix("### ") {
            let steps = Vec::new();
            sections.push(Section { title, steps });
        } else if let Some(section) = sections.last_mut() {
            section.steps.extend(step(line));
        }
    }
    sections
}

fn step(line: &str) -> Option<Step<'_>> {
    let (who, rest) = line.split_once(' ')?;
    let step = if let Some(frame) = rest.strip_prefix("-> ") {
        Step::Says(who, frame)
    } else if let Some(frame) = rest.strip_prefix("<- ") {
        Step::Hears(who, frame)
    } else {
        let code = rest.strip_prefix("CLOSE ").unwrap();
        Step::IsClosed(who, code.parse().unwrap())
    };
    Some(step)
}

fn is_about_presence(frame: &str) -> bool {
    frame.contains("\"presence_diff\"") || frame.contains("\"presence_state\"")
}

/// A client of either transport.
trait Speaker: Sized {
    /// Whether the server can send it binary messages.
    const HEARS_BINARY: bool;

    async fn connect(server: &Server, query: &str) -> Self;
    async fn say(&mut self, text: &str);
    async fn say_binary(&mut self, bytes: &[u8]);
    async fn hear(&mut self) -> Heard;
    /// Checks that the connection is closed: with this code, if the transport has any.
    async fn expect_close(&mut self, code: u16);

    async fn expect_silence(&mut self) {
        self.say(r#"[null,"silence","phoenix","heartbeat",{}]"#)
            .await;
        match self.hear().await {
            Heard::Text(heard) if heard[1] == "silence" => {}
            heard => panic!("expected silence, heard {heard:?}"),
        }
    }
}

impl Speaker for Client {
    const HEARS_BINARY: bool = true;

    async fn connect(server: &Server, query: &str) -> Self {
        Self::connect(server.address, query).await
    }

    async fn say(&mut self, text: &str) {
        self.send(text).await;
    }

    async fn say_binary(&mut self, bytes: &[u8]) {
        self.send_binary(bytes).await;
    }

    async fn hear(&mut self) -> Heard {
        self.hear().await
    }

    async fn expect_close(&mut self, code: u16) {
        assert_eq!(self.hear().await, Heard::Close(code));
    }
}

impl Speaker for LongPoll {
    const HEARS_BINARY: bool = false;

    async fn connect(server: &Server, query: &str) -> Self {
        Self::connect(server.address, query).await
    }

    /// In a body by itself: on a line of many, text that is no JSON would be taken for base64. Whether it
    /// is a message, `expect_close` tells.
    async fn say(&mut self, text: &str) {
        self.post_body("application/json", text).await;
    }

    async fn say_binary(&mut self, bytes: &[u8]) {
        self.post_binary(bytes).await;
    }

    async fn hear(&mut self) -> Heard {
        self.try_hear().await.map_or(Heard::Lost, Heard::Text)
    }

    async fn expect_close(&mut self, _: u16) {
        assert_eq!(self.try_hear().await, None);
    }
}

struct Replay<'a, S> {
    server: Server,
    vsn: &'static str,
    clients: HashMap<&'a str, S>,
}

impl<'a, S: Speaker> Replay<'a, S> {
    async fn new(vsn: &'static str) -> Self {
        let server = Server::start().await;
        let clients = HashMap::new();
        Self {
            server,
            vsn,
            clients,
        }
    }

    async fn client(&mut self, who: &'a str) -> &mut S {
        if !self.clients.contains_key(who) {
            let query = format!("vsn={}", self.vsn);
            let client = S::connect(&self.server, &query).await;
            self.clients.insert(who, client);
        }
        self.clients.get_mut(who).unwrap()
    }

    async fn play(&mut self, section: &Section<'a>) {
        println!("### {}", section.title);
        let mut closed = Vec::new();
        for step in &section.steps {
            println!("{step:?}");
            match *step {
                // To a connection that is closed already.
                Step::Says(who, _) if closed.contains(&who) => {}
                Step::Says(who, frame) => self.say(who, frame).await,
                Step::Hears(_, frame) if is_about_presence(frame) => {}
                Step::Hears(_, frame) if is_binary(frame) && !S::HEARS_BINARY => {}
                Step::Hears(who, frame) => self.hear(who, frame).await,
                Step::IsClosed(who, code) => {
                    self.client(who).await.expect_close(code).await;
                    self.clients.remove(who);
                    closed.push(who);
                }
            }
        }
        if self.vsn.starts_with('2') {
            for client in self.clients.values_mut() {
                client.expect_silence().await;
            }
        }
    }

    async fn say(&mut self, who: &'a str, frame: &str) {
        let client = self.client(who).await;
        match frame.strip_prefix("BIN ") {
            Some(hex) => client.say_binary(&bytes(hex)).await,
            None => client.say(frame).await,
        }
    }

    async fn hear(&mut self, who: &'a str, frame: &str) {
        let heard = self.client(who).await.hear().await;
        let expected = match frame.strip_prefix("BIN ") {
            Some(hex) => Heard::Binary(bytes(hex).into()),
            None => Heard::Text(serde_json::from_str::<Value>(frame).unwrap()),
        };
        assert_eq!(heard, expected);
    }
}

fn is_binary(frame: &str) -> bool {
    frame.starts_with("BIN ")
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

#[tokio::test]
async fn a_conversation_in_v2_goes_as_with_phoenix() {
    converse_in_v2::<Client>().await;
}

#[tokio::test]
async fn a_conversation_in_v2_by_long_poll_goes_as_with_phoenix() {
    converse_in_v2::<LongPoll>().await;
}

#[tokio::test]
async fn a_conversation_in_v1_goes_as_with_phoenix() {
    converse_in_v1::<Client>().await;
}

#[tokio::test]
async fn a_conversation_in_v1_by_long_poll_goes_as_with_phoenix() {
    converse_in_v1::<LongPoll>().await;
}

async fn converse_in_v2<S: Speaker>() {
    let sections = parse(V2);
    let position = |title| sections.iter().position(|s| s.title == title).unwrap();
    let presence = position(FIRST_OF_PRESENCE)..position(FIRST_AFTER_PRESENCE);
    let mut replay = Replay::<S>::new("2.0.0").await;
    let mut played = 0;
    for (index, section) in sections.iter().enumerate() {
        if section.title != LEAVE_AND_REJOIN && !presence.contains(&index) {
            replay.play(section).await;
            played += 1;
        } else if section.title == LEAVE_AND_REJOIN {
            leave_and_rejoin(&mut replay).await;
        }
    }
    assert!(played > 50, "the script was not read: {played} sections");
}

/// With Phoenix the reply to the leave may be lost and the `phx_close` come after the new join's reply. Here
/// the leave is over before the join begins.
async fn leave_and_rejoin<S: Speaker>(replay: &mut Replay<'_, S>) {
    let client = replay.client("A").await;
    client.say(r#"["32","34","room:1","phx_leave",{}]"#).await;
    client.say(r#"["35","35","room:1","phx_join",{}]"#).await;
    for expected in [
        r#"["32","34","room:1","phx_reply",{"response":{},"status":"ok"}]"#,
        r#"["32","32","room:1","phx_close",{}]"#,
        r#"["35","35","room:1","phx_reply",{"response":{},"status":"ok"}]"#,
    ] {
        let expected = serde_json::from_str(expected).unwrap();
        assert_eq!(client.hear().await, Heard::Text(expected));
    }
}

async fn converse_in_v1<S: Speaker>() {
    let sections = parse(V1);
    let mut replay = Replay::<S>::new("1.0.0").await;
    for section in &sections {
        replay.play(section).await;
    }
    assert_eq!(sections.len(), 3);
}
