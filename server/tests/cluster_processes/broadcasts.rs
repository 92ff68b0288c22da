//! What is broadcast on one node reaches clients of another, however large it is.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::client::Client;
use crate::cluster::{Cluster, Engine, for_each_engine, know_each_other};
use crate::room::ROOM;
use crate::support::DEADLINE;

for_each_engine! {
    a_shout_that_is_larger_than_the_bus_takes_is_heard_on_another_node,
}

async fn a_shout_that_is_larger_than_the_bus_takes_is_heard_on_another_node(engine: Engine) {
    let cluster = Cluster::new(engine).await;
    // A NATS server takes messages of 1 MiB, unless it is told otherwise.
    let flags = ["--max-frame-size", "3MiB"];
    let a = cluster.node_with("a", &[], &flags).await;
    let b = cluster.node_with("b", &[&a], &flags).await;
    know_each_other(&[&a, &b]).await;
    let mut alice = Client::join_as(&a.address, "alice", ROOM).await;
    let mut bob = Client::join_as(&b.address, "bob", ROOM).await;

    // It takes a moment until a knows that somebody on b is to be told, and a link that is busy loses
    // broadcasts: whole ones.
    let large = json!({"text": "x".repeat(2 << 20)});
    let end = Instant::now() + DEADLINE;
    loop {
        alice.send(ROOM, "shout", large.clone()).await;
        let heard = timeout(Duration::from_secs(1), bob.wait_for(ROOM, "shout"));
        if let Ok(heard) = heard.await {
            assert!(heard == large, "it is whole");
            return;
        }
        assert!(Instant::now() < end, "bob hears alice in time");
    }
}
