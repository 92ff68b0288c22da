//! The real binary with clients: who may connect, what it counts, how it says goodbye.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use herenow::auth::token::{Key, MaxAge, Signer};
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::client::Client;
use crate::people::People;
use crate::process::{Served, herenow, temporary};

const LOBBY: &str = "room:lobby";
pub(crate) const SECRET: &str = "a secret that only this test and its server know";

pub(crate) fn secret_file(name: &str, secret: &str) -> PathBuf {
    let path = temporary(name);
    fs::write(&path, secret).unwrap();
    path
}

pub(crate) fn token(data: serde_json::Value) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64;
    let signer = Signer::new(Key::derive(SECRET, "user socket").unwrap());
    signer.sign(data, now, MaxAge::default()).unwrap()
}

/// The status of a refused handshake.
fn refusal(outcome: Result<Client, Error>) -> u16 {
    match outcome {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was let in"),
    }
}

#[tokio::test]
async fn without_a_secret_everybody_is_who_they_say() {
    let served = Served::start(&[]).await;
    let mut alice = Client::join_as(&served.address, "alice", LOBBY).await;
    let bob = Client::join_as(&served.address, "bob", LOBBY).await;
    let mut people = People::default();
    people
        .follow(&mut alice, LOBBY, |people| people.is_present("bob"))
        .await;
    bob.close().await;
    people
        .follow(&mut alice, LOBBY, |people| !people.is_present("bob"))
        .await;
    assert!(people.is_present("alice"));
    let mut nobody = Client::connect(&served.address, "").await;
    assert_eq!(nobody.ask(LOBBY, "phx_join", json!({})).await.0, "error");
}

#[tokio::test]
async fn with_a_secret_a_client_is_the_user_of_its_token() {
    let file = secret_file("secret", &format!("{SECRET}\n"));
    let served = Served::start(&["--secret-key-base-file", file.to_str().unwrap()]).await;
    for (data, user) in [
        (json!("alice"), "alice"),
        (json!(42), "42"),
        (json!({"user_id": "carl", "role": "x"}), "carl"),
        (json!({"user_id": 7}), "7"),
    ] {
        let params = format!("token={}&user_id=mallory", token(data));
        let mut client = Client::connect(&served.address, &params).await;
        client.join(LOBBY, json!({})).await;
        let state = client.wait_for(LOBBY, "presence_state").await;
        assert!(state[user].is_object(), "{user}: {state}");
        assert!(state["mallory"].is_null(), "{state}");
    }
}

#[tokio::test]
async fn with_a_secret_the_token_may_come_as_a_subprotocol() {
    let file = secret_file("secret-of-protocols", SECRET);
    let served = Served::start(&["--secret-key-base-file", file.to_str().unwrap()]).await;
    let offered = STANDARD_NO_PAD.encode(token(json!("alice")));
    let offered = format!("phoenix, base64url.bearer.phx.{offered}");
    let headers = [("sec-websocket-protocol", offered.as_str())];
    let mut alice = Client::try_connect(&served.address, "", &headers)
        .await
        .unwrap();
    alice.join(LOBBY, json!({})).await;
    let state = alice.wait_for(LOBBY, "presence_state").await;
    assert!(state["alice"].is_object(), "{state}");
}

#[tokio::test]
async fn pages_of_other_hosts_get_in_only_if_they_are_named() {
    let connects = async |served: &Served, origin: &str| {
        let headers = [("origin", origin)];
        match Client::try_connect(&served.address, "user_id=alice", &headers).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(refusal(Err(error)), 403);
                false
            }
        }
    };
    let served = Served::start(&[]).await;
    assert!(connects(&served, "http://127.0.0.1:5173").await);
    assert!(!connects(&served, "https://evil.example").await);
    let served = Served::start(&["--check-origin", "https://good.example"]).await;
    assert!(connects(&served, "https://good.example").await);
    assert!(!connects(&served, "http://127.0.0.1:5173").await);
    let served = Served::start(&["--check-origin", "any"]).await;
    assert!(connects(&served, "https://evil.example").await);
}

#[tokio::test]
async fn with_a_secret_nobody_gets_in_without_a_good_token() {
    let file = secret_file("secret-of-strangers", SECRET);
    let arguments = [
        "--secret-key-base-file",
        file.to_str().unwrap(),
        "--token-max-age",
        "1h",
    ];
    let mut served = Served::start(&arguments).await;
    let forged =
        Signer::new(Key::derive("another secret, as long as the first", "user socket").unwrap());
    let forged = forged
        .sign("alice", 1_700_000_000_000, MaxAge::Infinity)
        .unwrap();
    let expired = Signer::new(Key::derive(SECRET, "user socket").unwrap());
    let expired = expired
        .sign("alice", 1_700_000_000_000, MaxAge::Infinity)
        .unwrap();
    let nameless = token(json!({"name": "alice"}));
    let tokens = [&forged, &expired, &nameless].map(|token| format!("token={token}"));
    for params in
        tokens
            .iter()
            .map(String::as_str)
            .chain(["user_id=alice", "token=", "token=nonsense"])
    {
        assert_eq!(
            refusal(Client::try_connect(&served.address, params, &[]).await),
            403,
            "{params}"
        );
    }
    // Whoever runs the server is told why.
    served.says("its signature does not match").await;
    served.says("the token is expired").await;
    served.says("the token is missing").await;
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_ends_the_start_with_one_line() {
    let short = secret_file("short-secret", "short");
    for (file, part) in [
        (short.to_str().unwrap(), "at least 20"),
        ("/does/not/exist", "No such file"),
    ] {
        let output = herenow(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--secret-key-base-file",
            file,
        ]);
        let output = { output }.output().await.unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(errors.lines().count(), 1, "{errors}");
        for part in ["--secret-key-base-file", file, part] {
            assert!(errors.contains(part), "{errors}");
        }
    }
}

#[tokio::test]
async fn metrics_count_what_is_there_and_what_was_done() {
    let served = Served::start(&["--window-ms", "0"]).await;
    let mut alice = Client::join_as(&served.address, "alice", LOBBY).await;
    let mut again = Client::join_as(&served.address, "alice", LOBBY).await;
    again.join("room:other", json!({})).await;
    again.wait_for("room:other", "presence_state").await;
    alice.ask(LOBBY, "ping", json!({})).await;
    let metrics = served.get("/metrics").await;
    assert_eq!(
        metrics.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let value = |name: &str| -> u64 {
        let line = metrics
            .body
            .lines()
            .find_map(|line| line.strip_prefix(&format!("herenow_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {}", metrics.body))
            .parse()
            .unwrap()
    };
    let now = ["connections", "channels", "topics", "users", "presences"].map(value);
    assert_eq!(now, [2, 3, 2, 2, 3]);
    assert_eq!(value("connections_total"), 2);
    assert_eq!(value("messages_received_total"), 4);
    assert_eq!(value("presence_diffs_total"), 3);
    assert!(value("messages_sent_total") >= 7);
    assert!(value("received_bytes_total") > 100 && value("sent_bytes_total") > 100);
    assert_eq!(value("resyncs_total"), 0);
    assert_eq!(value("dropped_diffs_total"), 0);
    for line in metrics.body.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(' ').next().unwrap();
        assert!(metrics.body.contains(&format!("# TYPE {name} ")), "{name}");
    }
}

#[tokio::test]
async fn a_server_that_is_alone_says_so() {
    let served = Served::start(&["--node", "hermit"]).await;
    let _alice = Client::join_as(&served.address, "alice", LOBBY).await;
    let answer = served.get("/cluster").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let view: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(view["node"], "hermit");
    assert_eq!(view["clustered"], false);
    assert_eq!(view["replicas"], json!([]));
    assert!(view["incarnation"].as_u64() > Some(0), "{view}");
    assert!(
        !served
            .get("/metrics")
            .await
            .body
            .contains("herenow_cluster_")
    );
}

#[tokio::test]
async fn limits_given_as_flags_hold() {
    let served = Served::start(&["--max-channels", "1", "--max-frame-size", "1KiB"]).await;
    let mut alice = Client::join_as(&served.address, "alice", LOBBY).await;
    let answer = alice.ask("room:second", "phx_join", json!({})).await;
    assert_eq!(
        answer,
        (
            "error".to_owned(),
            json!({"reason": "too many channels joined"})
        )
    );
    alice
        .send(LOBBY, "ping", json!({"text": "x".repeat(2_000)}))
        .await;
    assert_eq!(alice.closed().await, Some(1009));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn it_may_open_as_many_files_as_the_system_allows() {
    let mut served = Served::start_with_open_files(64).await;
    served.says("the limit was 64 and is raised").await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", served.id())).unwrap();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let mut columns = line.unwrap().split_whitespace();
    let (soft, hard) = (columns.next().unwrap(), columns.next().unwrap());
    assert!(soft == hard && soft != "64", "{limits}");
}

#[cfg(unix)]
#[tokio::test]
async fn when_it_stops_its_clients_are_told_to_come_back_later() {
    let mut served = Served::start(&["--shutdown-grace", "1h"]).await;
    let mut alice = Client::join_as(&served.address, "alice", LOBBY).await;
    served.signal("TERM").await;
    assert_eq!(alice.closed().await, Some(1012));
    assert_eq!(served.ends().await.code(), Some(0));
}
