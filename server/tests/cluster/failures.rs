//! Nodes that die, leave, come back, hang, and networks that break.

use std::time::Duration;

use herenow::cluster::bus::LocalNetwork;
use herenow::cluster::{MemberState, Settings};
use tokio::time::{Instant, sleep};

use crate::node::{Node, Start, eventually, lists, meet, start};

fn cut_off(network: &LocalNetwork, one: &str, others: &[&str]) {
    for other in others {
        network.cut(one, other);
        network.cut(other, one);
    }
}

fn heal(network: &LocalNetwork, one: &str, others: &[&str]) {
    for other in others {
        network.heal(one, other);
        network.heal(other, one);
    }
}

/// How long until a node lists these users.
async fn time_until(node: &Node, users: &[&str]) -> Duration {
    let start = Instant::now();
    lists(node, users).await;
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_users_of_a_node_that_falls_silent_leave() {
    let network = LocalNetwork::new();
    let [a, b, c] = start(&network, ["a", "b", "c"]).await;
    a.track("alice");
    b.track("bob");
    lists(&b, &["alice", "bob"]).await;
    lists(&c, &["alice", "bob"]).await;
    cut_off(&network, "a", &["b", "c"]);
    for node in [&b, &c] {
        let took = time_until(node, &["bob"]).await;
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    lists(&a, &["alice"]).await;
    let status = b.cluster.status();
    let state = |name: &str| {
        let mut members = status.members.iter();
        members
            .find(|member| **member.replica.node() == *name)
            .map(|member| member.state)
    };
    assert_eq!(state("a"), Some(MemberState::Down));
    assert_eq!(state("c"), Some(MemberState::Up));
}

#[tokio::test(start_paused = true)]
async fn after_a_partition_all_lists_are_equal_and_nobody_is_missing() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b", "c"]).await;
    let [a, b, c] = &nodes;
    let mut watchers = [a.watch().await, b.watch().await, c.watch().await];
    let left_alone = a.track("alice");
    a.track("ada");
    b.track("bob");
    for node in &nodes {
        lists(node, &["ada", "alice", "bob"]).await;
    }
    cut_off(&network, "a", &["b", "c"]);
    lists(a, &["ada", "alice"]).await;
    lists(b, &["bob"]).await;
    // Life goes on at both sides.
    a.presence.untrack_all(left_alone);
    a.track("anna");
    c.track("carl");
    sleep(Duration::from_secs(60)).await;
    heal(&network, "a", &["b", "c"]);
    for node in &nodes {
        lists(node, &["ada", "anna", "bob", "carl"]).await;
    }
    for (node, watcher) in nodes.iter().zip(&mut watchers) {
        eventually("who applied the diffs has the list", async || {
            *watcher.catch_up() == node.people().await
        })
        .await;
        assert_eq!(node.people().await, a.people().await);
    }
}

#[tokio::test(start_paused = true)]
async fn users_who_left_during_a_partition_do_not_flicker_up_after_it() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    let alice = a.track("alice");
    let mut watcher = b.watch().await;
    lists(&b, &["alice"]).await;
    cut_off(&network, "a", &["b"]);
    lists(&b, &[]).await;
    a.presence.untrack_all(alice);
    a.track("ada");
    heal(&network, "a", &["b"]);
    eventually("ada is back", async || {
        let people = watcher.catch_up();
        assert!(!people.is_present("alice") || !people.is_present("ada"));
        people.is_present("ada")
    })
    .await;
    assert!(!watcher.catch_up().is_present("alice"));
}

#[tokio::test(start_paused = true)]
async fn a_broken_link_between_two_nodes_heals_through_a_third() {
    let network = LocalNetwork::new();
    let [a, b, _c] = start(&network, ["a", "b", "c"]).await;
    a.track("alice");
    lists(&b, &["alice"]).await;
    cut_off(&network, "a", &["b"]);
    a.track("ada");
    lists(&b, &["ada", "alice"]).await;
    for _ in 0..60 {
        sleep(Duration::from_secs(1)).await;
        assert_eq!(b.users().await, ["ada", "alice"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_broken_in_one_direction_heals_through_a_third_node() {
    let network = LocalNetwork::new();
    let [a, b, _c] = start(&network, ["a", "b", "c"]).await;
    network.cut("a", "b");
    a.track("alice");
    b.track("bob");
    for node in [&a, &b] {
        lists(node, &["alice", "bob"]).await;
    }
    sleep(Duration::from_secs(30)).await;
    for node in [&a, &b] {
        assert_eq!(node.users().await, ["alice", "bob"]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_users_of_a_node_that_leaves_are_gone_at_once() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    a.track("alice");
    lists(&b, &["alice"]).await;
    let start = Instant::now();
    a.cluster.leave().await;
    lists(&b, &[]).await;
    assert!(start.elapsed() < Duration::from_millis(100));
    assert!(b.cluster.status().members.is_empty());
    // It has its own users still, and nobody waits for others.
    assert_eq!(a.users().await, ["alice"]);
    a.cluster.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_handle_is_dropped_is_taken_for_dead() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    a.track("alice");
    lists(&b, &["alice"]).await;
    drop(a);
    let took = time_until(&b, &[]).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_starts_again_leaves_no_ghost_and_no_duplicate() {
    let network = LocalNetwork::new();
    let [a, b] = start(&network, ["a", "b"]).await;
    let mut watcher = b.watch().await;
    a.track("alice");
    a.track("ghost");
    lists(&b, &["alice", "ghost"]).await;
    let earlier = a.presence.replica().clone();
    // Its death is not noticed before it is there again.
    drop(a);
    let again = Start::new(&network, "a").join();
    assert!(again.presence.replica().incarnation() > earlier.incarnation());
    again.track("alice");
    lists(&b, &["alice"]).await;
    lists(&again, &["alice"]).await;
    let list = b.presence.list(crate::node::ROOM).await;
    assert_eq!(list.get("alice").unwrap().metas().count(), 1);
    eventually("who applied the diffs has the list", async || {
        *watcher.catch_up() == b.people().await
    })
    .await;
    assert_eq!(b.cluster.status().members.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_silent_for_too_long_is_forgotten_and_may_still_come_back() {
    let network = LocalNetwork::new();
    let settings = Settings {
        permdown_after: Duration::from_secs(60),
        ..Settings::default()
    };
    let nodes = [
        Start::new(&network, "a").settings(settings.clone()).join(),
        Start::new(&network, "b").settings(settings).join(),
    ];
    meet(&nodes).await;
    let [a, b] = &nodes;
    a.track("alice");
    b.track("bob");
    lists(b, &["alice", "bob"]).await;
    cut_off(&network, "a", &["b"]);
    lists(b, &["bob"]).await;
    assert_eq!(b.presence.stats().presences, 2);
    sleep(Duration::from_secs(70)).await;
    assert!(b.cluster.status().members.is_empty());
    assert_eq!(b.presence.stats().presences, 1);
    heal(&network, "a", &["b"]);
    for node in &nodes {
        lists(node, &["alice", "bob"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn how_long_a_silent_node_is_trusted_can_be_set() {
    let network = LocalNetwork::new();
    let settings = Settings {
        down_after: Duration::from_millis(300),
        ..Settings::default()
    };
    let nodes = [
        Start::new(&network, "a").settings(settings.clone()).join(),
        Start::new(&network, "b").settings(settings).join(),
    ];
    meet(&nodes).await;
    let [a, b] = &nodes;
    a.track("alice");
    lists(b, &["alice"]).await;
    cut_off(&network, "a", &["b"]);
    let took = time_until(b, &[]).await;
    assert!(took < Duration::from_millis(500), "{took:?}");
}
