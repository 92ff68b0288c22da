//! A node pays for what its users look at.

use std::time::Duration;

use herenow::cluster::Settings;
use herenow::cluster::bus::LocalNetwork;
use herenow::{PresenceStats, PubSub};
use tokio::time::{Instant, sleep};

use crate::node::{Node, ROOM, Start, eventually, lists, meet, start};

/// Enough for every heartbeat to have come.
const HEARTBEATS: Duration = Duration::from_secs(3);

async fn met(nodes: [Node; 2]) -> [Node; 2] {
    meet(&nodes).await;
    nodes
}

fn held(stats: PresenceStats) -> (usize, usize) {
    (stats.presences, stats.own_presences)
}

#[tokio::test(start_paused = true)]
async fn a_node_that_nobody_asks_holds_nothing_of_others() {
    let network = LocalNetwork::new();
    let [a, b, bystander] = start(&network, ["a", "b", "bystander"]).await;
    b.track("bob");
    for user in 0..100 {
        a.track(&format!("user-{user}"));
    }
    eventually("b has them", async || b.users().await.len() == 101).await;
    sleep(HEARTBEATS).await;
    assert_eq!(held(b.presence.stats()), (101, 1));
    assert_eq!(held(bystander.presence.stats()), (0, 0));
    assert_eq!(bystander.cluster.status().shards_wanted, 0);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_nobody_asks_receives_no_changes() {
    let network = LocalNetwork::new();
    let [a, b, bystander] = start(&network, ["a", "b", "bystander"]).await;
    b.track("bob");
    sleep(HEARTBEATS).await;
    let received = |node: &Node| node.cluster.status().bus.received.bytes;
    let before = received(&bystander);
    for user in 0..1_000 {
        a.track(&format!("user-{user}"));
        sleep(Duration::from_millis(5)).await;
    }
    eventually("b has them", async || b.users().await.len() == 1_001).await;
    // Heartbeats of two others, for five seconds, and their versions if those were asked for.
    let cost = received(&bystander) - before;
    assert!(cost < 5_000, "{cost} bytes");
}

#[tokio::test(start_paused = true)]
async fn a_list_of_a_topic_that_nobody_here_is_in_asks_the_others() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    for user in 0..1_000 {
        a.track(&format!("user-{user}"));
    }
    sleep(HEARTBEATS).await;
    let start = Instant::now();
    assert_eq!(b.users().await.len(), 1_000);
    assert!(start.elapsed() < Duration::from_millis(100));
    let alice = b.presence.get_by_key(ROOM, "user-7").await;
    assert_eq!(alice.unwrap().to_value()["metas"][0]["on"], "a");
}

#[tokio::test(start_paused = true)]
async fn the_first_list_names_who_came_a_moment_ago() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    // No heartbeat has told of it yet.
    a.track("alice");
    sleep(Duration::from_millis(1)).await;
    let watcher = b.watch().await;
    assert!(watcher.people.is_present("alice"));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_the_first_to_look_is_sent_what_is_there_once() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    for user in 0..1_000 {
        a.track(&format!("user-{user}"));
    }
    sleep(HEARTBEATS).await;
    let bob = b.track("bob");
    let mut watcher = b.watch().await;
    assert_eq!(watcher.people.users().len(), 1_001);
    sleep(HEARTBEATS).await;
    watcher.catch_up();
    // Bob has just come, and is announced as on a node that is alone.
    let joins = watcher.joins.clone();
    assert_eq!(joins, ["bob"]);
    b.presence.untrack_all(bob);
    a.track("ada");
    eventually("what comes later is announced", async || {
        watcher.catch_up();
        watcher.joins == ["bob", "ada"] && !watcher.people.is_present("bob")
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asks_for_any_more_is_forgotten_after_a_while() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    a.track("alice");
    let bob = b.track("bob");
    lists(&b, &["alice", "bob"]).await;
    b.presence.untrack_all(bob);
    let idle = Settings::default().idle_forget;
    sleep(idle - HEARTBEATS).await;
    assert_eq!(held(b.presence.stats()), (1, 0));
    sleep(2 * HEARTBEATS).await;
    assert_eq!(held(b.presence.stats()), (0, 0));
    assert_eq!(b.cluster.status().shards_wanted, 0);
    assert_eq!(b.users().await, ["alice"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_again_and_again_is_kept() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    a.track("alice");
    let idle = Settings::default().idle_forget;
    for _ in 0..10 {
        lists(&b, &["alice"]).await;
        assert_eq!(held(b.presence.stats()), (1, 0));
        sleep(idle / 2).await;
    }
    sleep(2 * idle).await;
    assert_eq!(held(b.presence.stats()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_list_is_quick_also_in_the_moment_when_its_shard_is_given_up() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    a.track("alice");
    lists(&b, &["alice"]).await;
    for offset in 0..20 {
        sleep(2 * Settings::default().idle_forget).await;
        assert_eq!(b.users().await, ["alice"]);
        let around = Settings::default().idle_forget - Duration::from_millis(10);
        sleep(around + Duration::from_millis(offset)).await;
        let start = Instant::now();
        assert_eq!(b.users().await, ["alice"]);
        let took = start.elapsed();
        assert!(took < Duration::from_millis(100), "{offset}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_a_topic_keeps_it_for_as_long_as_it_reads() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    a.track("alice");
    let mut watcher = b.watch().await;
    sleep(10 * Settings::default().idle_forget).await;
    a.track("ada");
    eventually("the watcher is told", async || {
        watcher.catch_up().is_present("ada")
    })
    .await;
    assert!(watcher.people.is_present("alice"));
    drop(watcher);
    sleep(2 * Settings::default().idle_forget).await;
    assert_eq!(held(b.presence.stats()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn readers_from_before_the_node_joined_count() {
    let network = LocalNetwork::new();
    let a = Start::new(&network, "a").join();
    let pubsub = PubSub::new();
    let reader = pubsub.subscribe(ROOM);
    let b = Start::new(&network, "b").join_with(pubsub, |_| {});
    let [a, b] = met([a, b]).await;
    a.track("alice");
    eventually("alice is held for the reader", async || {
        held(b.presence.stats()) == (1, 0)
    })
    .await;
    drop(reader);
}

#[tokio::test(start_paused = true)]
async fn a_list_does_not_wait_longer_than_it_may_for_a_node_that_does_not_answer() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    a.track("alice");
    sleep(HEARTBEATS).await;
    network.cut("a", "b");
    let start = Instant::now();
    assert!(b.users().await.is_empty());
    let timeout = Settings::default().ready_timeout;
    assert!(start.elapsed() <= timeout + Duration::from_millis(10));
    network.heal("a", "b");
    lists(&b, &["alice"]).await;
}

#[tokio::test(start_paused = true)]
async fn how_long_a_list_waits_and_what_is_kept_can_be_set() {
    let network = LocalNetwork::new();
    let settings = Settings {
        ready_timeout: Duration::from_millis(50),
        idle_forget: Duration::from_millis(200),
        ..Settings::default()
    };
    let a = Start::new(&network, "a").join();
    let b = Start::new(&network, "b").settings(settings).join();
    let [a, b] = met([a, b]).await;
    a.track("alice");
    lists(&b, &["alice"]).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(held(b.presence.stats()), (0, 0));
    sleep(HEARTBEATS).await;
    network.cut("a", "b");
    let start = Instant::now();
    assert!(b.users().await.is_empty());
    assert!(start.elapsed() <= Duration::from_millis(60));
}
