use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tungstenite::protocol::frame::Frame as WebSocketFrame;

use super::*;

/// Two ends of a connection.
async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (server, _) = listener.accept().await.unwrap();
    (client.unwrap(), server)
}

fn frame(payload: &str) -> Vec<u8> {
    let opcode = OpCode::Data(Data::Text);
    let frame = WebSocketFrame::message(payload.to_owned().into_bytes(), opcode, true);
    let mut bytes = Vec::new();
    frame.format(&mut bytes).unwrap();
    bytes
}

/// Receives until `count` frames have come, at most `at_once` in a row.
async fn receive(inbox: &mut Inbox, stream: &mut TcpStream, count: usize) -> Vec<String> {
    let mut received = Vec::new();
    while received.len() < count {
        let next = std::future::poll_fn(|cx| {
            inbox.poll(stream, cx, &mut |frame| {
                Ok(Some(String::from_utf8(frame.payload.to_vec()).unwrap()))
            })
        });
        match next.await {
            Ok(text) => received.extend(text),
            Err(problem) => panic!("{}", problem.of("somebody")),
        }
    }
    received
}

fn error(bytes: &[u8]) -> String {
    match split(bytes) {
        Err(problem) => problem,
        Ok(_) => panic!("{bytes:?} is taken for a frame"),
    }
}

#[tokio::test]
async fn frames_of_all_sizes_come_whole_and_in_order_however_they_are_cut() {
    let payloads = [
        "",
        "a",
        &"b".repeat(125),
        &"c".repeat(126),
        &"d".repeat(70_000),
    ];
    let bytes: Vec<u8> = payloads.iter().flat_map(|payload| frame(payload)).collect();
    for piece in [1, 2, 3, 7, 1000, 200_000] {
        // Byte by byte, the large one would take long.
        let bytes = if piece < 7 { &bytes[..300] } else { &bytes[..] };
        let count = if piece < 7 { 4 } else { payloads.len() };
        let (mut client, mut server) = connection().await;
        server.set_nodelay(true).unwrap();
        let sending = async {
            for piece in bytes.chunks(piece) {
                server.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let mut inbox = Inbox::default();
        let (received, ()) = tokio::join!(receive(&mut inbox, &mut client, count), sending);
        assert_eq!(received, payloads[..count], "in pieces of {piece}");
    }
}

#[tokio::test]
async fn what_was_read_but_not_handled_is_kept() {
    let early: Vec<u8> = ["one", "two", "three"]
        .into_iter()
        .flat_map(frame)
        .collect();
    let (mut client, mut server) = connection().await;
    server.write_all(&early[7..]).await.unwrap();
    let mut inbox = Inbox::new(&early[..7]);
    assert_eq!(receive(&mut inbox, &mut client, 1).await, ["one"]);
    assert_eq!(receive(&mut inbox, &mut client, 2).await, ["two", "three"]);
    assert_eq!((inbox.filled, inbox.bytes.capacity()), (0, 0));
}

#[test]
fn frames_that_are_not_read_here_are_refused_with_the_reason() {
    assert!(error(&[0x01, 0]).contains("fragmented"));
    assert!(error(&[0x80, 0]).contains("fragmented"));
    assert!(error(&[0xc1, 0]).contains("compresses"));
    assert!(error(&[0x81, 0x80, 0, 0, 0, 0]).contains("masks"));
    let huge = [&[0x81, 127][..], &u64::MAX.to_be_bytes()].concat();
    assert!(error(&huge).contains("bytes"));
}

#[tokio::test]
async fn room_is_made_as_a_large_frame_comes_and_not_at_its_word() {
    let payload = "e".repeat(10 * BUFFER_BYTES);
    let bytes = frame(&payload);
    let mut inbox = Inbox::new(&bytes[..MAX_HEADER]);
    inbox.keep(&bytes[..MAX_HEADER], bytes.len());
    assert!(inbox.bytes.capacity() <= BUFFER_BYTES);
    let (mut client, mut server) = connection().await;
    let sending = async { server.write_all(&bytes[MAX_HEADER..]).await.unwrap() };
    let (received, ()) = tokio::join!(receive(&mut inbox, &mut client, 1), sending);
    assert!(received == [payload], "it comes whole");
}
