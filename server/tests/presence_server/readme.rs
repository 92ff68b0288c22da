//! The example of the README, which is `server/examples/room.rs`.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use herenow::auth::token::{Key, MaxAge, Signer};
use serde_json::json;
use tokio::net::TcpListener;

use crate::client::Client;

#[allow(dead_code, reason = "its main listens on a fixed port")]
#[path = "../../examples/room.rs"]
mod example;

const LOBBY: &str = "room:lobby";
const SECRET: &str = "a secret that only this test and its server know";

/// Where the example listens, on a free port.
async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let routes = example::endpoint(SECRET).routes("socket");
    tokio::spawn(warp::serve(routes).incoming(listener).run());
    address
}

async fn connect(address: &str, token: &str) -> Option<Client> {
    let token = STANDARD_NO_PAD.encode(token);
    let offered = format!("phoenix, base64url.bearer.phx.{token}");
    let headers = [("sec-websocket-protocol", offered.as_str())];
    Client::try_connect(address, "user_id=mallory", &headers)
        .await
        .ok()
}

#[test]
fn the_readme_shows_the_example_as_it_is_tested() {
    let readme = include_str!("../../../README.md");
    let example = include_str!("../../examples/room.rs");
    assert!(readme.contains(&format!("```rust,no_run\n{example}```\n")));
}

#[tokio::test]
async fn its_user_is_the_one_of_the_token_under_its_own_name() {
    let address = start().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let signer = Signer::new(Key::derive(SECRET, "user socket").unwrap());
    let token = signer.sign("alice", now.as_millis() as u64, MaxAge::default());
    let mut alice = connect(&address, &token.unwrap()).await.unwrap();
    alice
        .join(LOBBY, json!({"meta": {"user_id": "mallory"}}))
        .await;
    let state = alice.wait_for(LOBBY, "presence_state").await;
    let users: Vec<_> = state.as_object().unwrap().keys().collect();
    assert_eq!(users, ["alice"]);
    assert_eq!(state["alice"]["metas"][0]["status"], "here");
    assert!(connect(&address, "no token").await.is_none());
}
