//! The application behind the endpoint: a channel that does on demand whatever a channel can do, in the
//! manner of the one against which the golden frames were recorded.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use herenow::{
    Channel, ChannelId, Connected, Endpoint, EndpointBuilder, HandleResult, InfoResult, JoinError,
    JoinResult, Limits, Payload, PubSub, Reason, Refused, Reply, Sender, Socket, Stop,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use crate::client::Client;

/// How long a test waits for what must come. It fails the test; nothing is measured by it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server, and the other end of its application.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) pubsub: PubSub,
    pub(crate) endpoint: Endpoint,
    /// What callbacks wait for in `wait`, `later` and the join of `room:slow`: one permit each.
    pub(crate) gate: Arc<Semaphore>,
    notes: mpsc::UnboundedReceiver<String>,
    senders: mpsc::UnboundedReceiver<Sender<Info>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with_limits(Limits::default()).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        Self::build(|endpoint| endpoint.limits(limits)).await
    }

    pub(crate) async fn build(change: impl FnOnce(EndpointBuilder) -> EndpointBuilder) -> Self {
        let pubsub = PubSub::new();
        let gate = Arc::new(Semaphore::new(0));
        let (note, notes) = mpsc::unbounded_channel();
        let (sender, senders) = mpsc::unbounded_channel();
        let room = Room {
            gate: Arc::clone(&gate),
            note,
            sender,
        };
        let special = room.clone();
        let endpoint = Endpoint::builder(&pubsub)
            .connect(|request| async move {
                match request.params.get("reject") {
                    Some(_) => Err(Refused::new()),
                    None => Ok(connected(&request)),
                }
            })
            .channel("room:special", move || Special(special.clone()))
            .channel("room:*", move || room.clone());
        let endpoint = change(endpoint).build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = warp::serve(endpoint.routes("socket")).incoming(listener);
        tokio::spawn(server.run());
        Self {
            address,
            pubsub,
            endpoint,
            gate,
            notes,
            senders,
        }
    }

    /// A client that speaks V2.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address, "vsn=2.0.0").await
    }

    /// A client that speaks V2 and has joined the topic, with join_ref `"1"`.
    pub(crate) async fn client_in(&self, topic: &str) -> Client {
        let mut client = self.client().await;
        client.join("1", topic).await;
        client
    }

    /// The next thing that a channel has noted.
    pub(crate) async fn note(&mut self) -> String {
        let note = timeout(PATIENCE, self.notes.recv());
        note.await.expect("a note within time").unwrap()
    }

    /// What the next `sender` event hands out.
    pub(crate) async fn sender(&mut self) -> Sender<Info> {
        let sender = timeout(PATIENCE, self.senders.recv());
        sender.await.expect("a sender within time").unwrap()
    }

    pub(crate) fn open_gate(&self) {
        self.gate.add_permits(1);
    }
}

/// What was sent at the connect, for channels to tell.
#[derive(Clone)]
struct Request(serde_json::Value);

/// Where tokens come from, and whence no application should have to take them.
const TOKEN_HEADERS: [&str; 3] = [
    "sec-websocket-protocol",
    "x-phoenix-authtoken",
    "x-phoenix-longpoll-token",
];

fn connected(request: &herenow::ConnectRequest) -> Connected {
    let user_agent = request.headers.get("user-agent");
    let description = json!({
        "params": request.params,
        "auth_token": request.auth_token,
        "uri": request.uri.to_string(),
        "peer_is_local": request.peer.is_some_and(|peer| peer.ip().is_loopback()),
        "user_agent": user_agent.and_then(|value| value.to_str().ok()),
        "token_headers": TOKEN_HEADERS.map(|name| request.headers.contains_key(name)).contains(&true),
    });
    let connected = Connected::new().assign(Request(description));
    match request.params.get("id").and_then(|id| id.as_str()) {
        Some(id) => connected.id(id),
        None => connected,
    }
}

#[derive(Clone)]
struct Room {
    gate: Arc<Semaphore>,
    note: mpsc::UnboundedSender<String>,
    sender: mpsc::UnboundedSender<Sender<Info>>,
}

pub(crate) enum Info {
    /// Push an event with this payload.
    Push(&'static str, serde_json::Value),
    Stop,
    Crash,
}

#[derive(Clone, PartialEq, Debug)]
struct Count(u64);

impl Room {
    fn note(&self, note: impl Into<String>) {
        // Nobody may be listening any more.
        let _ = self.note.send(note.into());
    }

    async fn pass_gate(&self) {
        self.gate.acquire().await.unwrap().forget();
    }

    fn note_the_end(&self, socket: &mut Socket<Info>) {
        let (note, topic) = (self.note.clone(), socket.topic().to_owned());
        socket.on_end(move || {
            let _ = note.send(format!("end of {topic}"));
        });
    }
}

impl Channel for Room {
    type Info = Info;

    async fn join(
        &mut self,
        topic: &str,
        params: Payload,
        socket: &mut Socket<Info>,
    ) -> JoinResult {
        match topic {
            "room:deny" | "room:denied" => return Err(JoinError::reason("unauthorized")),
            "room:crash" => panic!("join crashes on purpose"),
            "room:typed" => {
                let Count(_) = params.parse::<u64>().map(Count)?;
            }
            "room:reply" => return Ok(json!({"hello": "world", "n": 1}).into()),
            "room:slow" => {
                self.note("joining room:slow");
                self.note_the_end(socket);
                self.pass_gate().await;
            }
            "room:ends-noted" => self.note_the_end(socket),
            "room:refused-late" => {
                self.note_the_end(socket);
                return Err(JoinError::reason("late"));
            }
            "room:pushes" => {
                socket.push("pushed", json!({"n": 1}));
                socket.send_info(Info::Push("after_join", json!({"n": 3})));
                socket.push("pushed", json!({"n": 2}));
            }
            _ => {}
        }
        Ok(Payload::empty())
    }

    async fn handle_in(
        &mut self,
        event: &str,
        payload: Payload,
        socket: &mut Socket<Info>,
    ) -> HandleResult {
        match event {
            "echo" | "ping" => Ok(Reply::ok(payload)),
            "status" => Ok(Reply::status("ok")),
            "own_status" => Ok(Reply::status("maybe").with(payload)),
            "error" => Ok(Reply::error(json!({"why": "no"}))),
            "fail" => Ok(Reply::error(payload)),
            "update" => Ok(Reply::ok(Payload::empty())),
            "noreply" => Ok(Reply::none()),
            "shout" => {
                socket.broadcast("shout", payload);
                Ok(Reply::none())
            }
            "shout_from" => {
                socket.broadcast_from("shout_from", payload);
                Ok(Reply::none())
            }
            "push" => {
                socket.push("pushed", payload);
                Ok(Reply::none())
            }
            "bin" => {
                socket.push("binpush", &payload);
                socket.broadcast("bincast", &payload);
                Ok(Reply::ok(payload))
            }
            "crash" | "boom" => panic!("handle_in crashes on purpose"),
            "crash_after_wait" => {
                self.pass_gate().await;
                panic!("handle_in crashes on purpose, as a task")
            }
            "typed" => Ok(Reply::ok(payload.parse::<u64>()? + 1)),
            "unserializable" => {
                let not_a_key = std::collections::HashMap::from([((1, 2), 3)]);
                Ok(Reply::ok(not_a_key))
            }
            "stop_normal" => Err(Stop::normal()),
            "stop_shutdown" => Err(Stop::normal().with_reply(Reply::ok(json!({"bye": 1})))),
            "stop_error" => Err(Stop::error("stopped on purpose")),
            "wait" => {
                self.note("waiting");
                self.pass_gate().await;
                Ok(Reply::ok(payload))
            }
            "block" => {
                self.note("waiting");
                std::future::pending().await
            }
            "later" => {
                let (room, reply_ref) = (self.clone(), socket.reply_ref());
                tokio::spawn(async move {
                    room.pass_gate().await;
                    reply_ref.reply(Reply::ok(json!({"late": true})));
                });
                Ok(Reply::none())
            }
            "sender" => {
                self.sender.send(socket.sender()).unwrap();
                Ok(Reply::none())
            }
            "count" => {
                let Count(count) = socket.assigns().get().cloned().unwrap_or(Count(0));
                socket.assigns_mut().insert(Count(count + 1));
                Ok(Reply::ok(count + 1))
            }
            "request" => {
                let request = socket.assigns().get::<Request>();
                Ok(Reply::ok(request.map(|Request(request)| request)))
            }
            "describe" => {
                let id: ChannelId = socket.channel_id();
                let description = json!({
                    "topic": socket.topic(),
                    "join_ref": socket.join_ref(),
                    "has_id": id.get() > 0,
                });
                Ok(Reply::ok(description))
            }
            _ => Err(Stop::unhandled(event)),
        }
    }

    async fn handle_info(&mut self, info: Info, socket: &mut Socket<Info>) -> InfoResult {
        match info {
            Info::Push(event, payload) => socket.push(event, payload),
            Info::Stop => return Err(Stop::normal()),
            Info::Crash => {
                let _ = socket.reply_ref();
            }
        }
        Ok(())
    }

    async fn terminate(&mut self, reason: &Reason, socket: &mut Socket<Info>) {
        self.note(format!("terminate {}: {reason:?}", socket.topic()));
    }
}

/// A channel that intercepts broadcasts, and cannot handle anything else.
struct Special(Room);

impl Channel for Special {
    type Info = ();

    const INTERCEPT: &'static [&'static str] = &["whisper", "unchanged", "deadly"];

    async fn join(&mut self, _: &str, _: Payload, _: &mut Socket<()>) -> JoinResult {
        Ok(Payload::empty())
    }

    async fn handle_out(
        &mut self,
        event: &str,
        payload: Payload,
        socket: &mut Socket<()>,
    ) -> InfoResult {
        match event {
            "whisper" => socket.push("whisper", json!({"heard": payload.json()?})),
            "unchanged" => socket.push(event, payload),
            _ => return Err(Stop::error("an intercepted broadcast")),
        }
        Ok(())
    }

    async fn terminate(&mut self, reason: &Reason, socket: &mut Socket<()>) {
        self.0
            .note(format!("terminate {}: {reason:?}", socket.topic()));
    }
}
