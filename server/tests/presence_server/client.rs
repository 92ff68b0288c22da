//! A client of the tests: a WebSocket that speaks V2 and keeps nothing to itself.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// After this long nothing will come any more: a test then fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A frame from the server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) join_ref: Value,
    pub(crate) reference: Value,
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) payload: Value,
}

pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    /// Frames that came while another was awaited.
    passed: VecDeque<Frame>,
    next_ref: u64,
}

impl Client {
    /// Connects with these params (`user_id=alice`).
    pub(crate) async fn connect(address: &str, params: &str) -> Self {
        Self::try_connect(address, params, &[]).await.unwrap()
    }

    /// Connects with these params and headers.
    pub(crate) async fn try_connect(
        address: &str,
        params: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::open(stream, address, params, headers).await
    }

    /// As [`connect`](Self::connect), and takes little until it is read from.
    pub(crate) async fn connect_narrowly(address: &str, params: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(address.parse().unwrap()).await.unwrap();
        Self::open(stream, address, params, &[]).await.unwrap()
    }

    async fn open(
        stream: TcpStream,
        address: &str,
        params: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let url = format!("ws://{address}/socket/websocket?vsn=2.0.0&{params}");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = client_async(request, stream).await?;
        Ok(Self {
            socket,
            passed: VecDeque::new(),
            next_ref: 1,
        })
    }

    /// Connects as `user` and joins `topic`, whose `presence_state` is yet to come.
    pub(crate) async fn join_as(address: &str, user: &str, topic: &str) -> Self {
        let mut client = Self::connect(address, &format!("user_id={user}")).await;
        client.join(topic, json!({})).await;
        client
    }

    /// Sends one frame as it is.
    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Sends an event and returns its ref.
    pub(crate) async fn send(&mut self, topic: &str, event: &str, payload: Value) -> Value {
        let reference = json!(self.next_ref.to_string());
        self.next_ref += 1;
        let join_ref = if event == "phx_join" {
            &reference
        } else {
            &Value::Null
        };
        self.send_text(&json!([join_ref, reference, topic, event, payload]).to_string())
            .await;
        reference
    }

    /// Sends an event and returns the reply's status and response.
    pub(crate) async fn ask(
        &mut self,
        topic: &str,
        event: &str,
        payload: Value,
    ) -> (String, Value) {
        let reference = self.send(topic, event, payload).await;
        let reply = self
            .wait(|frame| frame.event == "phx_reply" && frame.reference == reference)
            .await;
        let status = reply.payload["status"].as_str().unwrap().to_owned();
        (status, reply.payload["response"].clone())
    }

    /// Joins, which has to succeed.
    pub(crate) async fn join(&mut self, topic: &str, params: Value) {
        let (status, response) = self.ask(topic, "phx_join", params).await;
        assert_eq!(status, "ok", "{topic}: {response}");
    }

    /// Leaves, and returns when the server has done with the channel.
    pub(crate) async fn leave(&mut self, topic: &str) {
        self.send(topic, "phx_leave", json!({})).await;
        self.wait_for(topic, "phx_close").await;
    }

    /// The payload of the next frame with this topic and event. Others are kept.
    pub(crate) async fn wait_for(&mut self, topic: &str, event: &str) -> Value {
        self.wait(|frame| frame.topic == topic && frame.event == event)
            .await
            .payload
    }

    /// The next frame that is wanted. Others are kept.
    pub(crate) async fn wait(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(at) = self.passed.iter().position(&wanted) {
            return self.passed.remove(at).unwrap();
        }
        loop {
            let frame = self.receive().await.expect("the connection is open");
            if wanted(&frame) {
                return frame;
            }
            self.passed.push_back(frame);
        }
    }

    /// The next frame, in the order in which they came.
    pub(crate) async fn next(&mut self) -> Frame {
        match self.passed.pop_front() {
            Some(frame) => frame,
            None => self.receive().await.expect("the connection is open"),
        }
    }

    /// As [`next`](Self::next), or `None` when the connection has been closed.
    pub(crate) async fn next_or_end(&mut self) -> Option<Frame> {
        match self.passed.pop_front() {
            Some(frame) => Some(frame),
            None => self.receive().await,
        }
    }

    /// Everything that came and comes until the server has answered a heartbeat.
    pub(crate) async fn rest(&mut self) -> Vec<Frame> {
        let reference = self.send("phoenix", "heartbeat", json!({})).await;
        let mut rest = Vec::new();
        loop {
            let frame = self.next().await;
            if frame.topic == "phoenix" && frame.reference == reference {
                return rest;
            }
            rest.push(frame);
        }
    }

    /// Reads on until the server closes, and returns the code.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            match timeout(PATIENCE, self.socket.next())
                .await
                .expect("it closes")
            {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Closes in an orderly way.
    pub(crate) async fn close(mut self) {
        self.socket.close(None).await.unwrap();
        while self.socket.next().await.is_some_and(|frame| frame.is_ok()) {}
    }

    async fn receive(&mut self) -> Option<Frame> {
        loop {
            match timeout(PATIENCE, self.socket.next())
                .await
                .expect("a frame comes")
            {
                Some(Ok(Message::Text(text))) => return Some(Frame::parse(&text)),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }
}

impl Frame {
    pub(crate) fn parse(text: &str) -> Self {
        let (join_ref, reference, topic, event, payload) = serde_json::from_str(text)
            .unwrap_or_else(|error| panic!("{error} in the frame {text}"));
        Self {
            join_ref,
            reference,
            topic,
            event,
            payload,
        }
    }
}
