//! Networks that break between nodes while their clients stay connected.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::cluster::Engine;
use crate::netns::{Switch, at_a_switch};
use crate::room::{Person, all_agree, lists};

/// Longer than the silence after which a node counts as dead.
const A_WHILE: Duration = Duration::from_secs(8);

#[test]
fn zenoh_a_node_that_was_cut_off_and_the_others_agree_again() {
    at_a_switch(Engine::Zenoh, cut_off_and_reconnect);
}

#[test]
fn nats_a_node_that_was_cut_off_and_the_others_agree_again() {
    at_a_switch(Engine::Nats, cut_off_and_reconnect);
}

async fn cut_off_and_reconnect(switch: Switch) {
    let [a, b, c] = switch.three().await;
    let nodes = [&a, &b, &c];
    let alice = Person::join(&a, "alice").await;
    let early = Person::join(&a, "leaves-a").await;
    let bob = Person::join(&b, "bob").await;
    let late = Person::join(&c, "leaves-c").await;
    let users = ["alice", "bob", "leaves-a", "leaves-c"];
    all_agree(&nodes, &[&alice, &early, &bob, &late], &users).await;

    switch.cut_off("a");
    lists(&a, &["alice", "leaves-a"]).await;
    for node in [&b, &c] {
        lists(node, &["bob", "leaves-c"]).await;
    }
    // Life goes on at both sides.
    drop((early, late));
    let anna = Person::join(&a, "anna").await;
    let carl = Person::join(&c, "carl").await;
    all_agree(&[&a], &[&alice, &anna], &["alice", "anna"]).await;
    all_agree(&[&b, &c], &[&bob, &carl], &["bob", "carl"]).await;

    switch.reconnect("a");
    let persons = [&alice, &anna, &bob, &carl];
    all_agree(&nodes, &persons, &["alice", "anna", "bob", "carl"]).await;
}

#[test]
fn zenoh_a_link_that_is_broken_in_one_direction_hides_nobody() {
    at_a_switch(Engine::Zenoh, async |switch| {
        let [a, b, c] = switch.three().await;
        let nodes = [&a, &b, &c];
        let alice = Person::join(&a, "alice").await;
        let bob = Person::join(&b, "bob").await;
        all_agree(&nodes, &[&alice, &bob], &["alice", "bob"]).await;
        switch.cut("a", "b");
        let anna = Person::join(&a, "anna").await;
        let ben = Person::join(&b, "ben").await;
        let persons = [&alice, &bob, &anna, &ben];
        // Each hears of the other through c.
        all_agree(&nodes, &persons, &["alice", "anna", "ben", "bob"]).await;
        sleep(A_WHILE).await;
        let view = b.view().await;
        let replica = &view["replicas"][0];
        assert_eq!(
            (&replica["node"], &replica["state"]),
            (&json!("a"), &json!("up"))
        );
        // Nothing since the link was lost.
        let unheard = replica["unheard_ms"].as_u64().map(Duration::from_millis);
        let is_broken = unheard.is_none_or(|unheard| unheard > A_WHILE / 2);
        assert!(is_broken, "the link is broken: {view:#}");
        all_agree(&nodes, &persons, &["alice", "anna", "ben", "bob"]).await;
        drop(anna);
        let persons = [&alice, &bob, &ben];
        all_agree(&nodes, &persons, &["alice", "ben", "bob"]).await;
        switch.heal("a", "b");
        all_agree(&nodes, &persons, &["alice", "ben", "bob"]).await;
    });
}

#[test]
fn nats_a_node_that_cannot_speak_to_the_broker_is_alone_until_it_can() {
    at_a_switch(Engine::Nats, async |switch| {
        let [a, b, c] = switch.three().await;
        let nodes = [&a, &b, &c];
        let alice = Person::join(&a, "alice").await;
        let bob = Person::join(&b, "bob").await;
        all_agree(&nodes, &[&alice, &bob], &["alice", "bob"]).await;
        switch.cut("a", "broker");
        for node in [&b, &c] {
            lists(node, &["bob"]).await;
        }
        lists(&a, &["alice"]).await;
        let anna = Person::join(&a, "anna").await;
        let carl = Person::join(&c, "carl").await;
        lists(&b, &["bob", "carl"]).await;
        switch.heal("a", "broker");
        let persons = [&alice, &anna, &bob, &carl];
        all_agree(&nodes, &persons, &["alice", "anna", "bob", "carl"]).await;
    });
}
