//! The real binary as its operator meets it: who reaches which page, and who is let wait.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::Client;
use crate::process::{Served, get};

const LOBBY: &str = "room:lobby";

/// What fails a test instead of letting it hang.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_operators_ask_is_at_an_address_of_its_own_when_there_is_one() {
    let mut served = Served::start(&["--operator-listen", "127.0.0.1:0"]).await;
    let operators = served.operators().await;
    for path in ["/metrics", "/cluster"] {
        assert_eq!(served.get(path).await.status, 404, "{path}");
        assert_eq!(get(&operators, path).await.unwrap().status, 200, "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(served.get(path).await.status, 200, "{path}");
        assert_eq!(get(&operators, path).await.unwrap().status, 200, "{path}");
    }
    for path in ["/", "/socket/longpoll?vsn=2.0.0"] {
        assert_eq!(get(&operators, path).await.unwrap().status, 404, "{path}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn while_it_stops_its_operators_are_answered() {
    let arguments = ["--operator-listen", "127.0.0.1:0", "--shutdown-grace", "1h"];
    let mut served = Served::start(&arguments).await;
    let operators = served.operators().await;
    // Keeps the server from ending: a request of which the body is awaited and does not come.
    let mut begun = TcpStream::connect(&served.address).await.unwrap();
    let session = served.get("/socket/longpoll?vsn=2.0.0&user_id=alice").await;
    let session: serde_json::Value = serde_json::from_str(&session.body).unwrap();
    let token = session["token"].as_str().unwrap();
    let head = format!(
        "POST /socket/longpoll?vsn=2.0.0&token={token} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\
         expect: 100-continue\r\n\r\n"
    );
    begun.write_all(head.as_bytes()).await.unwrap();
    let mut awaited = [0; 12];
    let reading = timeout(PATIENCE, begun.read_exact(&mut awaited)).await;
    reading.expect("it asks for the body").unwrap();
    assert_eq!(&awaited, b"HTTP/1.1 100");
    served.signal("TERM").await;
    served.says("closing the connections").await;
    let stopping = async {
        while get(&operators, "/readyz").await.unwrap().status != 503 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, stopping).await.expect("it says so");
    assert_eq!(get(&operators, "/metrics").await.unwrap().status, 200);
}

#[tokio::test]
async fn who_does_not_ask_is_not_waited_for_and_sockets_are_not_concerned() {
    let served = Served::start(&["--header-timeout", "100ms"]).await;
    let mut alice = Client::join_as(&served.address, "alice", LOBBY).await;
    let heads = [
        "",
        "GET / HTT",
        "PRI * HTTP/2.0\r\n",
        // Answered, and then kept open without another request.
        "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n",
    ];
    for head in heads {
        let mut stream = TcpStream::connect(&served.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let end = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        // Whether with an answer, an end or a reset, it is closed.
        let _ = end.unwrap_or_else(|_| panic!("{head:?} is waited for"));
    }
    assert_eq!(alice.ask(LOBBY, "ping", json!({})).await.0, "ok");
}

#[tokio::test]
async fn who_wants_to_know_of_its_health_need_not_read_the_answer() {
    let served = Served::start(&[]).await;
    for path in ["/healthz", "/readyz"] {
        let mut stream = TcpStream::connect(&served.address).await.unwrap();
        let head = format!("HEAD {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn over_its_limit_of_connections_it_answers_503() {
    let served = Served::start(&["--max-connections", "1"]).await;
    let _alice = Client::join_as(&served.address, "alice", LOBBY).await;
    let answer = served.get("/socket/longpoll?vsn=2.0.0&user_id=bob").await;
    assert_eq!(answer.status, 503);
}
