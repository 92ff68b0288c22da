//! From a TCP connection to a WebSocket.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tungstenite::handshake::client::{Response, generate_key};
use tungstenite::handshake::derive_accept_key;
use tungstenite::handshake::machine::TryParse;

/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 << 10;

/// Asks for a WebSocket. Returns what the server sent right behind its consent; the error is a sentence
/// without its subject.
pub(super) async fn shake_hands(
    stream: &mut TcpStream,
    authority: &str,
    path: &str,
) -> Result<Vec<u8>, String> {
    let key = generate_key();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    );
    let (mut answer, end, response) = exchange(stream, request.as_bytes()).await?;
    let status = response.status().as_u16();
    if status != 101 {
        return Err(refusal(status, path));
    }
    let accept = response.headers().get("sec-websocket-accept");
    if accept.is_none_or(|accept| *accept != derive_accept_key(key.as_bytes())) {
        return Err("the answer to the WebSocket handshake does not belong to it".into());
    }
    Ok(answer.split_off(end))
}

/// Sends the request and reads until the head of the answer is complete: what was read, where the head
/// ends, and what it says.
async fn exchange(
    stream: &mut TcpStream,
    request: &[u8],
) -> Result<(Vec<u8>, usize, Response), String> {
    let lost = |error: io::Error| format!("lost in the WebSocket handshake: {error}");
    stream.write_all(request).await.map_err(lost)?;
    let mut answer = Vec::with_capacity(512);
    loop {
        if stream.read_buf(&mut answer).await.map_err(lost)? == 0 {
            return Err("closed by the server in the WebSocket handshake".into());
        }
        let parsed = Response::try_parse(&answer);
        match parsed.map_err(|error| format!("no HTTP answer to the handshake: {error}"))? {
            Some((end, response)) => return Ok((answer, end, response)),
            None if answer.len() > MAX_ANSWER => {
                return Err("the answer to the WebSocket handshake is too long".into());
            }
            None => {}
        }
    }
}

fn refusal(status: u16, path: &str) -> String {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let remedy = match status {
        403 => "the application refuses to connect; does it want other params (--param)?",
        404 => "there is no socket at this path; give the URL with the socket's path",
        _ => "a WebSocket was asked for",
    };
    format!("{path} answers with status {status}: {remedy}")
}
