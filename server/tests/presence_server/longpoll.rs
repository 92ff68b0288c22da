//! The real binary and clients that come by long poll.

use serde_json::{Value, json};

use crate::process::{Answer, Served};
use crate::serve::{SECRET, secret_file, token};

const PATH: &str = "/socket/longpoll?vsn=2.0.0&user_id=alice";

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

/// The token of a fresh session.
async fn open(served: &Served) -> String {
    open_at(served, PATH).await
}

async fn open_at(served: &Served, path: &str) -> String {
    let body = json(&served.get(path).await);
    assert_eq!(body["status"], 410);
    body["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn clients_may_come_by_long_poll_unless_it_is_turned_off() {
    open(&Served::start(&[]).await).await;
    let off = Served::start(&["--no-longpoll"]).await;
    assert_eq!(off.get(PATH).await.status, 404);
    for (value, status) in [("1", 404), ("true", 404), ("0", 200), ("false", 200)] {
        let variables = [("HERENOW_NO_LONGPOLL", value)];
        let served = Served::start_with(&[], &variables).await;
        assert_eq!(served.get(PATH).await.status, status, "{value}");
    }
}

#[tokio::test]
async fn the_window_can_be_set() {
    let served = Served::start(&["--longpoll-window", "1s"]).await;
    let token = open(&served).await;
    let answer = served.get(&format!("{PATH}&token={token}")).await;
    let expected = json!({"status": 204, "messages": [], "token": token});
    assert_eq!(json(&answer), expected);
}

#[tokio::test]
async fn so_can_the_number_of_sessions_and_the_log_tells_when_it_is_reached() {
    let mut served = Served::start(&["--max-longpoll-sessions", "1"]).await;
    open(&served).await;
    for _ in 0..2 {
        let answer = served.get(PATH).await;
        assert_eq!(
            (answer.status, json(&answer)),
            (503, json!({"status": 500}))
        );
    }
    let metrics = served.get("/metrics").await.body;
    for line in ["herenow_longpoll_sessions 1\n", "herenow_connections 1\n"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let told = served.says("long poll").await;
    assert!(
        told.contains("WARN") && told.contains("max_longpoll_sessions"),
        "{told}"
    );
}

#[tokio::test]
async fn the_token_of_a_user_is_not_taken_for_that_of_a_session_nor_the_other_way_round() {
    let file = secret_file("secret-of-pollers", SECRET);
    let secret = ["--secret-key-base-file", file.to_str().unwrap()];
    let (before, after) = (Served::start(&secret).await, Served::start(&secret).await);
    let user = format!("/socket/longpoll?vsn=2.0.0&token={}", token(json!("alice")));
    // Old clients add the token of their session to the query, and keep it when the server restarts.
    let session = open_at(&before, &user).await;
    open_at(&after, &format!("{user}&token={session}")).await;
    let nobody = format!("/socket/longpoll?vsn=2.0.0&token={session}");
    assert_eq!(json(&after.get(&nobody).await), json!({"status": 403}));
}
