//! Conversations recorded from a Phoenix server, held with this one: each client must be sent the same,
//! frame by frame, up to the values of refs and times.

use std::collections::BTreeMap;
use std::time::Duration;

use herenow::{
    Channel, HandleResult, InfoResult, JoinResult, Payload, Presence, Reply, Socket, Stop, UserId,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::client::{Client, Frame};
use crate::host::Host;

#[tokio::test]
async fn an_application_that_tracks_what_it_is_told_is_heard_as_from_phoenix() {
    let host = Host::start(
        |presence| presence.window(Duration::ZERO).fetch(fetch_names),
        |presence| TrackChannel {
            presence,
            join: Join::default(),
        },
    )
    .await;
    Replay::of(include_str!("golden/presence-track.txt"), &host)
        .run()
        .await;
}

#[tokio::test]
async fn a_room_that_tracks_its_users_is_heard_as_from_phoenix() {
    let host = Host::start(
        |presence| presence.window(Duration::ZERO),
        |presence| GoldChannel {
            presence,
            user: String::new(),
        },
    )
    .await;
    Replay::of(include_str!("golden/presence-room.txt"), &host)
        .run()
        .await;
}

/// Holds a recorded conversation.
struct Replay<'a> {
    recording: &'a str,
    host: &'a Host,
    clients: BTreeMap<&'a str, Client>,
    /// What should have been received since the last thing that was done, by client.
    expected: BTreeMap<&'a str, Vec<Frame>>,
    section: &'a str,
    refs: Renamed,
}

impl<'a> Replay<'a> {
    fn of(recording: &'a str, host: &'a Host) -> Self {
        Self {
            recording,
            host,
            clients: BTreeMap::new(),
            expected: BTreeMap::new(),
            section: "",
            refs: Renamed::default(),
        }
    }

    async fn run(mut self) {
        let lines = self.recording.lines();
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with("# ")) {
            self.step(line).await;
        }
        self.receive_expected().await;
        for (who, mut client) in self.clients {
            assert_eq!(client.rest().await, [], "{who} is sent nothing more");
        }
    }

    async fn step(&mut self, line: &'a str) {
        let (who, what) = line.split_once(' ').expect("a client and what it does");
        match what.split_at(2) {
            ("<-", frame) => self
                .expected
                .entry(who)
                .or_default()
                .push(Frame::parse(frame)),
            ("->", frame) => {
                self.receive_expected().await;
                self.clients
                    .get_mut(who)
                    .expect("it is open")
                    .send_text(frame.trim())
                    .await;
            }
            _ => self.other_step(who, what).await,
        }
    }

    async fn other_step(&mut self, who: &'a str, what: &'a str) {
        self.receive_expected().await;
        match what {
            "OPEN" => {
                let user = who.trim_end_matches(|c: char| c.is_ascii_digit());
                let client = Client::connect(&self.host.address, &format!("user_id={user}")).await;
                self.clients.insert(who, client);
            }
            "CLOSE" => self.clients.remove(who).expect("it is open").close().await,
            section => self.section = section,
        }
    }

    /// Receives what is expected. In Phoenix diffs come from the presence, the state from the channel and
    /// the rest from the socket, so that only each of these has an order.
    async fn receive_expected(&mut self) {
        for (who, mut expected) in std::mem::take(&mut self.expected) {
            let client = self.clients.get_mut(who).expect("it is open");
            let mut received = Vec::new();
            for _ in &expected {
                received.push(client.next().await);
            }
            expected.sort_by_key(source);
            received.sort_by_key(source);
            for (expected, received) in expected.iter().zip(&received) {
                assert!(
                    self.refs.is_same_frame(expected, received),
                    "{}: {who}\nexpected {expected:?}\nreceived {received:?}",
                    self.section
                );
            }
        }
    }
}

fn source(frame: &Frame) -> u8 {
    match frame.event.as_str() {
        "presence_diff" => 0,
        "presence_state" => 1,
        _ => 2,
    }
}

/// Which ref of the recording is which ref here.
#[derive(Default)]
struct Renamed {
    here: BTreeMap<String, String>,
    recorded: BTreeMap<String, String>,
}

impl Renamed {
    fn is_same_frame(&mut self, recorded: &Frame, here: &Frame) -> bool {
        let envelope = |frame: &Frame| {
            let Frame {
                join_ref,
                reference,
                topic,
                event,
                ..
            } = frame.clone();
            (join_ref, reference, topic, event)
        };
        envelope(recorded) == envelope(here) && self.is_same(&recorded.payload, &here.payload)
    }

    fn is_same(&mut self, recorded: &Value, here: &Value) -> bool {
        match (recorded, here) {
            (Value::Object(recorded), Value::Object(here)) => {
                recorded.len() == here.len()
                    && recorded.iter().all(|(name, recorded)| {
                        here.get(name)
                            .is_some_and(|here| self.is_same_field(name, recorded, here))
                    })
            }
            (Value::Array(recorded), Value::Array(here)) => {
                recorded.len() == here.len()
                    && recorded
                        .iter()
                        .zip(here)
                        .all(|(recorded, here)| self.is_same(recorded, here))
            }
            _ => recorded == here,
        }
    }

    fn is_same_field(&mut self, name: &str, recorded: &Value, here: &Value) -> bool {
        let (Some(recorded_text), Some(text)) = (recorded.as_str(), here.as_str()) else {
            return self.is_same(recorded, here);
        };
        match name {
            "phx_ref" | "phx_ref_prev" | "ref" => self.is_same_ref(recorded_text, text),
            "online_at" => text.parse::<u64>().is_ok(),
            // Elixir's way to show an error.
            "e" => true,
            _ => recorded == here,
        }
    }

    fn is_same_ref(&mut self, recorded: &str, here: &str) -> bool {
        let known_here = self
            .here
            .entry(recorded.to_owned())
            .or_insert_with(|| here.to_owned());
        let known_recorded = self
            .recorded
            .entry(here.to_owned())
            .or_insert_with(|| recorded.to_owned());
        known_here == here && known_recorded == recorded
    }
}

async fn fetch_names(
    topic: String,
    keys: Vec<String>,
) -> Result<std::collections::HashMap<String, Value>, herenow::FetchError> {
    let keys = keys.into_iter().filter(|_| topic == "room:f");
    Ok(keys
        .map(|key| {
            let name = format!("n-{key}");
            (key, json!({"user": {"name": name}}))
        })
        .collect())
}

/// The application of the recording presence-track.txt.
struct TrackChannel {
    presence: Presence,
    join: Join,
}

#[derive(Clone, Default, Deserialize)]
struct Join {
    user: String,
    #[serde(default)]
    state_first: bool,
    meta: Option<Value>,
}

impl TrackChannel {
    fn track(&self, socket: &mut Socket<()>) -> InfoResult {
        let meta = self
            .join
            .meta
            .clone()
            .unwrap_or_else(|| json!({"online_at": "1"}));
        self.presence.track(socket, &self.join.user, meta)?;
        Ok(())
    }
}

impl Channel for TrackChannel {
    type Info = ();

    async fn join(&mut self, _: &str, params: Payload, socket: &mut Socket<()>) -> JoinResult {
        self.join = params.parse()?;
        socket.send_info(());
        Ok(Payload::empty())
    }

    async fn handle_info(&mut self, (): (), socket: &mut Socket<()>) -> InfoResult {
        if !self.join.state_first {
            self.track(socket)?;
        }
        socket.push("presence_state", self.presence.list(socket).await);
        if self.join.state_first {
            self.track(socket)?;
        }
        Ok(())
    }

    async fn handle_in(
        &mut self,
        event: &str,
        payload: Payload,
        socket: &mut Socket<()>,
    ) -> HandleResult {
        let (presence, user) = (&self.presence, &self.join.user);
        let error = |error: String| Ok(Reply::error(json!({ "e": error })));
        match event {
            "update" => {
                let phx_ref = presence.update(socket, user, payload)?;
                Ok(Reply::ok(json!({"ref": phx_ref.as_str()})))
            }
            "track_again" => error(
                presence
                    .track(socket, user, payload)
                    .unwrap_err()
                    .to_string(),
            ),
            "update_missing" => error(
                presence
                    .update(socket, "nobody", payload)
                    .unwrap_err()
                    .to_string(),
            ),
            "list" => Ok(Reply::ok(presence.list(socket).await)),
            "get" => {
                let key = payload.json()?["key"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let entry = presence.get_by_key(socket, &key).await;
                Ok(Reply::ok(
                    json!({"r": entry.map_or(json!([]), |entry| entry.to_value())}),
                ))
            }
            "untrack" => {
                presence.untrack(socket, user);
                Ok(Reply::ok(json!({"r": ":ok"})))
            }
            "crash" => panic!("as it was asked to"),
            _ => Err(Stop::unhandled(event)),
        }
    }
}

/// The application of the recording presence-room.txt.
struct GoldChannel {
    presence: Presence,
    user: String,
}

impl Channel for GoldChannel {
    type Info = ();

    async fn join(&mut self, _: &str, _: Payload, socket: &mut Socket<()>) -> JoinResult {
        let UserId(user) = socket.assigns().get().expect("a user");
        self.user.clone_from(user);
        socket.send_info(());
        Ok(Payload::empty())
    }

    async fn handle_info(&mut self, (): (), socket: &mut Socket<()>) -> InfoResult {
        self.presence
            .track(socket, &self.user, json!({"online_at": "1795499005"}))?;
        socket.push("presence_state", self.presence.list(socket).await);
        Ok(())
    }

    async fn handle_in(
        &mut self,
        event: &str,
        payload: Payload,
        socket: &mut Socket<()>,
    ) -> HandleResult {
        match event {
            "ping" => Ok(Reply::ok(payload)),
            "update" => {
                let more: Map<String, Value> = payload.parse()?;
                self.presence.update_with(socket, &self.user, |mut meta| {
                    meta.as_object_mut().expect("a meta").extend(more.clone());
                    meta
                })?;
                Ok(Reply::ok(json!({})))
            }
            "boom" => panic!("as it was asked to"),
            _ => Err(Stop::unhandled(event)),
        }
    }
}
