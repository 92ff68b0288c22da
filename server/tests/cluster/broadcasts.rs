//! What is broadcast to a topic reaches its subscribers on all nodes.

use std::time::Duration;

use herenow::cluster::Settings;
use herenow::cluster::bus::LocalNetwork;
use herenow::{ChannelId, Payload, Subscription};
use serde_json::json;
use tokio::time::sleep;

use crate::node::{Node, ROOM, Start, eventually, start};

/// What has come to a subscription: event and payload.
fn received(subscription: &mut Subscription) -> Vec<(String, Payload)> {
    std::iter::from_fn(|| subscription.try_recv())
        .map(|broadcast| (broadcast.event.to_string(), broadcast.payload))
        .collect()
}

/// Subscribers of the room on each node, whom the other nodes have heard of.
async fn subscribe<const N: usize>(nodes: &[Node; N]) -> [Subscription; N] {
    let mut subscriptions = nodes.each_ref().map(|node| node.pubsub.subscribe(ROOM));
    for node in nodes {
        node.presence.list(ROOM).await;
    }
    eventually("probes arrive", async || {
        nodes[0].pubsub.broadcast(ROOM, "probe", json!({}));
        subscriptions
            .iter_mut()
            .all(|one| !received(one).is_empty())
    })
    .await;
    sleep(Duration::from_millis(10)).await;
    subscriptions.iter_mut().for_each(|one| drop(received(one)));
    subscriptions
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_reaches_each_subscriber_on_each_node_once_and_in_order() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b", "c"]).await;
    let mut subscriptions = subscribe(&nodes).await;
    let payloads = [
        Payload::from(json!({"text": "hello"})),
        Payload::binary(vec![0, 1, 255]),
        Payload::from(json!([1, null, "ä"])),
    ];
    for payload in &payloads {
        nodes[1].pubsub.broadcast(ROOM, "shout", payload);
    }
    sleep(Duration::from_millis(10)).await;
    let expected = payloads.map(|payload| ("shout".to_owned(), payload));
    for subscription in &mut subscriptions {
        assert_eq!(received(subscription), expected);
    }
    let sent = |node: &Node| node.cluster.status().broadcasts.sent;
    assert_eq!(sent(&nodes[1]), 3);
    assert_eq!(nodes[2].cluster.status().broadcasts.failed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_from_a_subscriber_leaves_out_that_one_and_nobody_elsewhere() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b"]).await;
    let mut subscriptions = subscribe(&nodes).await;
    let nobody = ChannelId::next();
    nodes[0]
        .pubsub
        .broadcast_from(nobody, ROOM, "shout", json!({}));
    sleep(Duration::from_millis(10)).await;
    for subscription in &mut subscriptions {
        assert_eq!(received(subscription).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_local_broadcast_stays_on_its_node() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b"]).await;
    let mut subscriptions = subscribe(&nodes).await;
    nodes[0].pubsub.local_broadcast(ROOM, "shout", json!({}));
    sleep(Duration::from_millis(10)).await;
    let counts = subscriptions.each_mut().map(|one| received(one).len());
    assert_eq!(counts, [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_node_without_subscribers_is_not_sent_broadcasts() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b"]).await;
    let _subscriptions = subscribe(&nodes).await;
    let bystander = Start::new(&network, "bystander").join();
    eventually("it is there", async || bystander.up().len() == 2).await;
    for _ in 0..100 {
        nodes[0].pubsub.broadcast(ROOM, "shout", json!({}));
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(bystander.cluster.status().broadcasts.received, 0);
    assert!(nodes[1].cluster.status().broadcasts.received >= 100);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_larger_than_a_message_of_the_bus_arrives_whole_and_in_order() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b"]).await;
    let mut subscriptions = subscribe(&nodes).await;
    let large = "x".repeat(2 << 20);
    let payloads = [
        Payload::from(json!({"before": 1})),
        Payload::from(json!({"large": large})),
        Payload::binary(large),
        Payload::from(json!({"after": 1})),
    ];
    for payload in &payloads {
        nodes[0].pubsub.broadcast(ROOM, "shout", payload);
    }
    sleep(Duration::from_millis(10)).await;
    let expected = payloads.map(|payload| ("shout".to_owned(), payload));
    for subscription in &mut subscriptions {
        assert!(received(subscription) == expected);
    }
    assert_eq!(nodes[0].cluster.status().broadcasts.failed, 0);
    assert_eq!(nodes[1].cluster.status().broadcasts.lost, 0);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_larger_than_allowed_reaches_this_node_and_is_counted() {
    let network = LocalNetwork::new();
    let nodes = start(&network, ["a", "b"]).await;
    let mut subscriptions = subscribe(&nodes).await;
    let large = Payload::binary(vec![0; Settings::default().max_broadcast_bytes]);
    nodes[0].pubsub.broadcast(ROOM, "shout", large);
    sleep(Duration::from_millis(10)).await;
    let counts = subscriptions.each_mut().map(|one| received(one).len());
    assert_eq!(counts, [1, 0]);
    assert_eq!(nodes[0].cluster.status().broadcasts.failed, 1);
}
