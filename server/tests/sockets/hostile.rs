//! Clients that break the rules. The server goes on serving the others.

use bytes::Bytes;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::app::Server;
use crate::client::{Client, Heard};

#[tokio::test]
async fn frames_that_are_no_messages_close_their_connection_and_no_other() {
    let mut server = Server::start().await;
    let mut bystander = server.client_in("room:1").await;
    let deep = format!(
        "[null,null,\"phoenix\",\"heartbeat\",{}1{}]",
        "[".repeat(500),
        "]".repeat(500)
    );
    for text in [
        "",
        "{nope",
        "null",
        "[]",
        r#"["1","2"]"#,
        r#"[null,"1",5,"heartbeat",{}]"#,
        r#"[null,"1","phoenix",null,{}]"#,
        r#"[null,"1","phoenix","heartbeat",{}] x"#,
        r#"{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}"#,
        &deep,
    ] {
        let mut client = server.client_in("room:hostile").await;
        client.send(text).await;
        assert_eq!(client.hear().await, Heard::Close(1011), "{text}");
        assert_eq!(server.note().await, "terminate room:hostile: Closed");
    }
    for bytes in [&b""[..], b"\x09\x09", b"\x00\x01", b"\x00\x02\x02\x06\x03x"] {
        let mut client = server.client().await;
        client.send_binary(bytes).await;
        assert_eq!(client.hear().await, Heard::Close(1011), "{bytes:?}");
    }
    bystander.expect_silence().await;
}

#[tokio::test]
async fn a_binary_frame_in_v1_closes_the_connection() {
    let server = Server::start().await;
    let mut client = Client::connect(server.address, "vsn=1.0.0").await;
    client.send_binary(b"\x00\x00\x00\x00\x00").await;
    assert_eq!(client.hear().await, Heard::Close(1011));
}

#[tokio::test]
async fn text_that_is_not_utf8_closes_with_1007() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let frame = Frame::message(Bytes::from_static(b"\xff"), OpCode::Data(Data::Text), true);
    client.send_message(Message::Frame(frame)).await;
    assert_eq!(client.hear().await, Heard::Close(1007));
}

#[tokio::test]
async fn a_frame_that_breaks_the_rules_of_websocket_closes_with_1002() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let continuation = Frame::message(Bytes::new(), OpCode::Data(Data::Continue), true);
    client.send_message(Message::Frame(continuation)).await;
    assert_eq!(client.hear().await, Heard::Close(1002));
}

#[tokio::test]
async fn a_client_that_vanishes_in_the_middle_of_a_frame_ends_its_channels() {
    let mut server = Server::start().await;
    let client = server.client_in("room:1").await;
    let mut bystander = server.client_in("room:2").await;
    let mut stream = client.into_stream();
    // The head of a masked text frame of 100 bytes, and a few of them.
    stream
        .write_all(&[0x81, 0xe4, 1, 2, 3, 4, 5, 6, 7])
        .await
        .unwrap();
    bystander.expect_silence().await;
    drop(stream);
    assert_eq!(server.note().await, "terminate room:1: Closed");
    server.endpoint.broadcast("room:2", "news", json!({}));
    bystander.expect(r#"[null,null,"room:2","news",{}]"#).await;
}

#[tokio::test]
async fn a_client_that_vanishes_before_the_handshake_is_over_leaves_nothing() {
    let server = Server::start().await;
    let mut stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    stream
        .write_all(b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nhost: x\r\n")
        .await
        .unwrap();
    drop(stream);
    server.client().await.expect_silence().await;
    assert_eq!(server.endpoint.stats().connections, 1);
}

#[tokio::test]
async fn what_a_client_sends_along_with_its_handshake_is_not_lost() {
    use tokio::io::AsyncReadExt;
    let server = Server::start().await;
    let mut stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let mut request = b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nhost: x\r\n\
        connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
        sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        .to_vec();
    let heartbeat = br#"[null,"1","phoenix","heartbeat",{}]"#;
    request.extend([0x81, 0x80 | heartbeat.len() as u8, 0, 0, 0, 0]);
    request.extend(heartbeat);
    stream.write_all(&request).await.unwrap();
    let expected = br#"[null,"1","phoenix","phx_reply",{"response":{},"status":"ok"}]"#;
    let mut answer = Vec::new();
    while !answer.ends_with(expected) {
        let read = tokio::time::timeout(crate::app::PATIENCE, stream.read_buf(&mut answer)).await;
        assert_ne!(read.expect("an answer within time").unwrap(), 0);
    }
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_within_bounds() {
    let server = Server::start().await;
    let mut client = server.client_in("room:1").await;
    for _ in 0..10_000 {
        client.send_message(Message::Ping("ping".into())).await;
    }
    client.expect_silence().await;
}
