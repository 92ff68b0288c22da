//! A client that says exactly what a test wants and checks exactly what it hears.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::app::PATIENCE;

pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    heartbeats: u64,
}

/// What a client hears.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    Text(Value),
    Binary(Bytes),
    Close(u16),
    /// The connection ended without a close frame.
    Lost,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, query: &str) -> Self {
        let request = format!("ws://{address}/socket/websocket?{query}");
        let (client, _) = Self::try_connect(address, request).await.unwrap();
        client
    }

    /// Connects with any request; gives back what the server answered.
    pub(crate) async fn try_connect(
        address: SocketAddr,
        request: impl IntoClientRequest + Unpin,
    ) -> Result<(Self, Response), Error> {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::over(stream, request).await
    }

    /// Connects with a receive buffer so small that the server notices when nothing is read.
    pub(crate) async fn connect_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(address).await.unwrap();
        let request = format!("ws://{address}/socket/websocket?vsn=2.0.0");
        let (client, _) = Self::over(stream, request).await.unwrap();
        client
    }

    async fn over(
        stream: TcpStream,
        request: impl IntoClientRequest + Unpin,
    ) -> Result<(Self, Response), Error> {
        stream.set_nodelay(true).unwrap();
        let connecting = timeout(PATIENCE, client_async(request, stream));
        let (socket, response) = connecting.await.expect("an answer within time")?;
        let heartbeats = 0;
        Ok((Self { socket, heartbeats }, response))
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.send_message(Message::text(text)).await;
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        let bytes = Bytes::copy_from_slice(bytes);
        self.send_message(Message::Binary(bytes)).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// What comes next, pongs left out.
    pub(crate) async fn hear(&mut self) -> Heard {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await;
            match message.expect("a frame within time") {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Text(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Binary(bytes))) => return Heard::Binary(bytes),
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map_or(CloseCode::Status, |frame| frame.code);
                    return Heard::Close(code.into());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(_)) | None => return Heard::Lost,
            }
        }
    }

    /// The next text, which has to be one.
    pub(crate) async fn hear_text(&mut self) -> Value {
        match self.hear().await {
            Heard::Text(value) => value,
            other => panic!("expected a text frame, heard {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let expected = serde_json::from_str(text).unwrap();
        async move {
            let heard = self.hear().await;
            assert_eq!(heard, Heard::Text(expected), "at {caller}");
        }
    }

    /// Checks that nothing has been sent to this client but what it has heard. Everything that came from
    /// handlers without waits is in its queue before the reply to a later heartbeat.
    pub(crate) async fn expect_silence(&mut self) {
        self.heartbeats += 1;
        let reference = format!("silence {}", self.heartbeats);
        self.send(&format!(
            r#"[null,"{reference}","phoenix","heartbeat",{{}}]"#
        ))
        .await;
        let heard = self.hear_text().await;
        assert_eq!(heard[1], reference, "expected silence, heard {heard}");
    }

    pub(crate) async fn join(&mut self, join_ref: &str, topic: &str) {
        self.send(&format!(
            r#"["{join_ref}","{join_ref}","{topic}","phx_join",{{}}]"#
        ))
        .await;
        self.expect(&format!(
            r#"["{join_ref}","{join_ref}","{topic}","phx_reply",{{"response":{{}},"status":"ok"}}]"#
        ))
        .await;
    }

    /// Goes away without a word.
    pub(crate) fn vanish(self) {
        drop(self);
    }

    /// The bare connection, to break the rules of WebSocket with.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }
}
