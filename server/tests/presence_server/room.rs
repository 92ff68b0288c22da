//! The built-in channel `room:*`.

use herenow::Counts;
use serde_json::{Value, json};

use crate::client::Client;
use crate::host::Host;
use crate::people::People;

const LOBBY: &str = "room:lobby";

async fn rooms() -> Host {
    Host::rooms(|presence| presence).await
}

fn reason(answer: &(String, Value)) -> (&str, &str) {
    (&answer.0, answer.1["reason"].as_str().expect("a reason"))
}

#[tokio::test]
async fn who_joins_is_sent_the_list_with_itself_in_it() {
    let host = rooms().await;
    let mut alice = Client::join_as(&host.address, "alice", LOBBY).await;
    let state = alice.wait_for(LOBBY, "presence_state").await;
    let meta = state["alice"]["metas"][0].as_object().unwrap();
    let names: Vec<_> = meta.keys().map(String::as_str).collect();
    assert_eq!(names, ["online_at", "phx_ref"]);
    assert!(meta["online_at"].as_str().unwrap().parse::<u64>().unwrap() > 1_700_000_000);
}

#[tokio::test]
async fn without_a_user_id_a_join_is_refused_with_what_is_missing() {
    let host = rooms().await;
    let mut nobody = Client::connect(&host.address, "").await;
    let answer = nobody.ask(LOBBY, "phx_join", json!({})).await;
    assert_eq!(
        reason(&answer),
        (
            "error",
            "user_id is missing: connect with the param user_id"
        )
    );
    assert_eq!(host.presence.counts(LOBBY), Counts::default());
}

#[tokio::test]
async fn the_meta_of_the_join_is_merged_with_the_time() {
    let host = rooms().await;
    let mut alice = Client::connect(&host.address, "user_id=alice").await;
    alice
        .join(
            LOBBY,
            json!({"meta": {"device": "phone", "phx_ref": "forged"}}),
        )
        .await;
    let state = alice.wait_for(LOBBY, "presence_state").await;
    let meta = &state["alice"]["metas"][0];
    assert_eq!(meta["device"], "phone");
    assert_ne!(meta["phx_ref"], "forged");
    assert!(meta["online_at"].is_string());
}

#[tokio::test]
async fn a_meta_that_is_no_object_or_too_large_refuses_the_join_and_says_so() {
    let host = rooms().await;
    let mut alice = Client::connect(&host.address, "user_id=alice").await;
    let answer = alice
        .ask(LOBBY, "phx_join", json!({"meta": ["phone"]}))
        .await;
    assert_eq!(reason(&answer), ("error", "meta must be an object"));
    let answer = alice
        .ask(
            LOBBY,
            "phx_join",
            json!({"meta": {"text": "x".repeat(20_000)}}),
        )
        .await;
    assert!(
        reason(&answer).1.contains("16384 are allowed"),
        "{answer:?}"
    );
    assert_eq!(host.presence.counts(LOBBY), Counts::default());
}

#[tokio::test]
async fn a_ping_is_answered_with_its_payload_and_a_shout_reaches_everybody() {
    let host = rooms().await;
    let mut alice = Client::join_as(&host.address, "alice", LOBBY).await;
    let mut bob = Client::join_as(&host.address, "bob", LOBBY).await;
    let payload = json!({"nested": [1, 2.5, null, "é"]});
    assert_eq!(
        alice.ask(LOBBY, "ping", payload.clone()).await,
        ("ok".to_owned(), payload.clone())
    );
    alice.send(LOBBY, "shout", payload.clone()).await;
    assert_eq!(alice.wait_for(LOBBY, "shout").await, payload);
    assert_eq!(bob.wait_for(LOBBY, "shout").await, payload);
}

#[tokio::test]
async fn an_update_replaces_the_own_meta_and_drops_forged_refs() {
    let host = rooms().await;
    let mut alice = Client::join_as(&host.address, "alice", LOBBY).await;
    let before = alice.wait_for(LOBBY, "presence_state").await["alice"]["metas"][0].clone();
    alice.wait_for(LOBBY, "presence_diff").await;
    let forged = json!({"phx_ref": "forged", "phx_ref_prev": "forged too", "status": "away"});
    assert_eq!(
        alice.ask(LOBBY, "update", forged).await,
        ("ok".to_owned(), json!({}))
    );
    let diff = alice.wait_for(LOBBY, "presence_diff").await;
    let mut after = diff["joins"]["alice"]["metas"][0].clone();
    assert_eq!(diff["leaves"], json!({"alice": {"metas": [before]}}));
    assert_eq!(after["phx_ref_prev"], before["phx_ref"]);
    assert_ne!(after["phx_ref"], "forged");
    let fields = after.as_object_mut().unwrap();
    fields.retain(|name, _| !name.starts_with("phx_ref"));
    assert_eq!(after, json!({"status": "away"}));
}

#[tokio::test]
async fn an_update_to_something_else_than_an_object_is_answered_with_the_reason() {
    let host = rooms().await;
    let mut alice = Client::join_as(&host.address, "alice", LOBBY).await;
    let answer = alice.ask(LOBBY, "update", json!("away")).await;
    assert_eq!(
        reason(&answer),
        ("error", "the presence meta must be a JSON object")
    );
    let answer = alice
        .ask(LOBBY, "update", json!({"text": "x".repeat(20_000)}))
        .await;
    assert!(
        reason(&answer).1.contains("16384 are allowed"),
        "{answer:?}"
    );
    assert_eq!(alice.ask(LOBBY, "ping", json!({})).await.0, "ok");
}

#[tokio::test]
async fn an_event_that_it_does_not_know_ends_the_channel_and_its_presence() {
    let host = rooms().await;
    let mut alice = Client::join_as(&host.address, "alice", LOBBY).await;
    let mut bob = Client::join_as(&host.address, "bob", LOBBY).await;
    let mut people = People::default();
    people
        .follow(&mut alice, LOBBY, |people| people.is_present("bob"))
        .await;
    bob.send(LOBBY, "dance", json!({})).await;
    bob.wait_for(LOBBY, "phx_error").await;
    people
        .follow(&mut alice, LOBBY, |people| !people.is_present("bob"))
        .await;
}

#[tokio::test]
async fn a_user_that_the_server_disconnects_is_present_no_more() {
    let host = rooms().await;
    let mut alice = Client::join_as(&host.address, "alice", LOBBY).await;
    let mut bob = Client::join_as(&host.address, "bob", LOBBY).await;
    let mut people = People::default();
    people
        .follow(&mut alice, LOBBY, |people| people.is_present("bob"))
        .await;
    host.endpoint.disconnect("user:bob");
    assert_eq!(bob.closed().await, Some(1001));
    people
        .follow(&mut alice, LOBBY, |people| !people.is_present("bob"))
        .await;
}

#[tokio::test]
async fn two_connections_of_a_user_are_one_key_with_two_metas_until_one_goes() {
    let host = rooms().await;
    let mut phone = Client::join_as(&host.address, "alice", LOBBY).await;
    phone.wait_for(LOBBY, "presence_state").await;
    let mut laptop = Client::join_as(&host.address, "alice", LOBBY).await;
    let state = laptop.wait_for(LOBBY, "presence_state").await;
    assert_eq!(state["alice"]["metas"].as_array().unwrap().len(), 2);
    phone.leave(LOBBY).await;
    let entry = host.presence.get_by_key(LOBBY, "alice").await.unwrap();
    assert_eq!(entry.metas().len(), 1);
    laptop.leave(LOBBY).await;
    assert_eq!(host.presence.counts(LOBBY), Counts::default());
}

#[tokio::test]
async fn a_connection_may_be_in_two_rooms_that_know_nothing_of_each_other() {
    let host = rooms().await;
    let mut alice = Client::join_as(&host.address, "alice", LOBBY).await;
    alice.join("room:other", json!({})).await;
    alice.wait_for(LOBBY, "presence_state").await;
    alice.wait_for("room:other", "presence_state").await;
    alice.leave(LOBBY).await;
    assert_eq!(host.presence.counts(LOBBY).keys, 0);
    assert_eq!(host.presence.counts("room:other").keys, 1);
}
