//! Presences of one node in the lists and diffs of the others.

use std::time::Duration;

use herenow::cluster::bus::LocalNetwork;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::node::{ROOM, Start, eventually, lists, start};

#[tokio::test(start_paused = true)]
async fn a_user_of_one_node_is_in_the_lists_of_all() {
    let network = LocalNetwork::new();
    let [a, b, c] = start(&network, ["a", "b", "c"]).await;
    a.track("alice");
    b.track("bob");
    for node in [&a, &b, &c] {
        lists(node, &["alice", "bob"]).await;
    }
    let on_b = b.presence.get_by_key(ROOM, "alice").await.unwrap();
    let on_a = a.presence.get_by_key(ROOM, "alice").await.unwrap();
    assert_eq!(on_b.to_value(), on_a.to_value());
    assert_eq!(on_b.to_value()["metas"][0]["on"], "a");
}

#[tokio::test(start_paused = true)]
async fn devices_of_one_user_on_several_nodes_are_one_key() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    let phone = a.track("alice");
    b.track("alice");
    for node in [&a, &b] {
        eventually("both devices are listed", async || {
            let list = node.presence.list(ROOM).await;
            list.get("alice")
                .is_some_and(|alice| alice.metas().count() == 2)
        })
        .await;
    }
    let (on_a, on_b) = (a.presence.list(ROOM).await, b.presence.list(ROOM).await);
    assert_eq!(format!("{on_a:?}"), format!("{on_b:?}"));
    a.presence.untrack_all(phone);
    eventually("the other device stays", async || {
        let list = b.presence.list(ROOM).await;
        list.get("alice")
            .is_some_and(|alice| alice.metas().count() == 1)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_applies_the_diffs_of_its_node_has_the_list_of_its_node() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    let mut watcher = b.watch().await;
    let alice = a.track("alice");
    a.track("ada");
    let bob = b.track("bob");
    lists(&b, &["ada", "alice", "bob"]).await;
    let updated = json!({"status": "busy"});
    a.presence.update_as(ROOM, alice, "alice", updated).unwrap();
    b.presence.untrack_all(bob);
    a.track("anna");
    lists(&b, &["ada", "alice", "anna"]).await;
    eventually("the watcher has the list", async || {
        *watcher.catch_up() == b.people().await && b.people().await == a.people().await
    })
    .await;
    assert!(watcher.people.is_present("alice"));
}

#[tokio::test(start_paused = true)]
async fn a_change_is_seen_on_other_nodes_within_milliseconds() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    let mut watcher = b.watch().await;
    // What is first published waits for nothing.
    let start = Instant::now();
    a.track("alice");
    while !watcher.catch_up().is_present("alice") {
        sleep(Duration::from_millis(1)).await;
        assert!(start.elapsed() < Duration::from_millis(10));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_tracked_before_the_node_joined_is_told() {
    let network = LocalNetwork::new();
    let early = Start::new(&network, "early").join_with(Default::default(), |presence| {
        let channel = herenow::ChannelId::next();
        presence
            .track_as(ROOM, channel, "alice", json!({}))
            .unwrap();
    });
    let late = Start::new(&network, "late").join();
    lists(&late, &["alice"]).await;
    lists(&early, &["alice"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_diff_of_one_node_does_not_cross_to_another() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    let mut on_a = a.watch().await;
    let mut on_b = b.watch().await;
    a.track("alice");
    lists(&b, &["alice"]).await;
    sleep(Duration::from_secs(5)).await;
    for watcher in [&mut on_a, &mut on_b] {
        watcher.catch_up();
        assert_eq!(watcher.seen["presence_diff"], 1);
    }
    assert_eq!(a.cluster.status().broadcasts.sent, 0);
}

#[tokio::test(start_paused = true)]
async fn a_node_with_many_users_is_copied_whole() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    // More than fits into one message.
    for user in 0..5_000 {
        a.track(&format!("user-{user}"));
    }
    eventually("all are listed", async || b.users().await.len() == 5_000).await;
    assert_eq!(a.people().await, b.people().await);
}
