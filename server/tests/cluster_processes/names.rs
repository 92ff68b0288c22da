//! Nodes of one name: in a cluster there is one, and which one it is, is clear.

use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use herenow::cluster::bus::{self, ClusterConfig, ClusterOptions};
use herenow::cluster::{self, Settings};
use herenow::{Presence, PubSub};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::cluster::{Cluster, Engine, for_each_engine, know_each_other};
use crate::node::Node;
use crate::room::{Person, all_agree, lists};
use crate::support::DEADLINE;

for_each_engine! {
    a_node_whose_name_is_taken_by_a_later_one_lets_go_of_its_clients_and_ends,
    a_node_whose_clock_was_set_back_starts_again_as_a_later_life,
}

async fn a_node_whose_name_is_taken_by_a_later_one_lets_go_of_its_clients_and_ends(engine: Engine) {
    let cluster = Cluster::new(engine).await;
    let b = cluster.node("b", &[]).await;
    let flags = ["--join-timeout", "1s"];
    let mut a = cluster.node_with("a", &[&b], &flags).await;
    know_each_other(&[&a, &b]).await;
    sleep(Duration::from_secs(1)).await;
    let alice = Person::join(&a, "alice").await;
    let bob = Person::join(&b, "bob").await;
    lists(&b, &["alice", "bob"]).await;

    let again = cluster.node("a", &[&b]).await;
    assert_eq!(a.ended().await, Some(1));
    a.says("another node named a has started since").await;
    let end = Instant::now() + DEADLINE;
    while alice.is_connected() {
        assert!(Instant::now() < end, "alice is let go in time");
        sleep(Duration::from_millis(20)).await;
    }
    let alice = Person::join(&again, "alice").await;
    all_agree(&[&again, &b], &[&alice, &bob], &["alice", "bob"]).await;
    know_each_other(&[&again, &b]).await;
}

async fn a_node_whose_clock_was_set_back_starts_again_as_a_later_life(engine: Engine) {
    let cluster = Cluster::new(engine).await;
    let b = cluster.node("b", &[]).await;
    let earlier = Life::start("a", &cluster, &b).await;
    let life = earlier.incarnation;
    know(&b, "a").await;
    earlier.end();

    let flags = ["--join-timeout", "60s"];
    let a = cluster.node_with("a", &[&b], &flags).await;
    a.says("starts again as a later life of the same name")
        .await;
    know(&b, "a").await;
    let alice = Person::join(&a, "alice").await;
    let bob = Person::join(&b, "bob").await;
    all_agree(&[&a, &b], &[&alice, &bob], &["alice", "bob"]).await;
    assert_eq!(a.view().await["incarnation"], life + 1);
}

/// Waits until a node has the users of another in its lists.
async fn know(node: &Node, other: &str) {
    let end = Instant::now() + DEADLINE;
    while node.replicas().await != [(other.to_owned(), "up".to_owned())] {
        assert!(Instant::now() < end, "{:#}", node.view().await);
        sleep(Duration::from_millis(20)).await;
    }
}

/// A life of a node, in this process, whose clock was an hour ahead.
struct Life {
    incarnation: u64,
    thread: JoinHandle<()>,
    /// Dropped to end it.
    stay: oneshot::Sender<()>,
}

impl Life {
    async fn start(node: &str, cluster: &Cluster, seed: &Node) -> Self {
        let options = ClusterOptions {
            node: Some(node.to_owned()),
            cluster: Some(cluster.addresses(&[seed]).join(",")),
            listen: seed.for_nodes.is_some().then(|| "tcp/127.0.0.1:0".into()),
            ..ClusterOptions::default()
        };
        let config = ClusterConfig::from_options(&options).expect("options that work");
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let ahead = since_1970 + Duration::from_secs(3_600);
        let incarnation = u64::try_from(ahead.as_micros()).unwrap();
        let (stay, end) = oneshot::channel();
        // Zenoh wants a runtime with several threads, which those of tests are not.
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(live(config, incarnation, end));
        });
        Self {
            incarnation,
            thread,
            stay,
        }
    }

    /// Ends it in order.
    fn end(self) {
        drop(self.stay);
        self.thread.join().expect("it has ended in order");
    }
}

async fn live(config: ClusterConfig, incarnation: u64, end: oneshot::Receiver<()>) {
    let pubsub = PubSub::new();
    let presence = Presence::builder(&pubsub)
        .node(config.node.as_str())
        .later_than(incarnation - 1)
        .start();
    let (bus, inbox) = bus::open(&config, incarnation).await.expect("a bus");
    let settings = Settings::default();
    let cluster = cluster::Cluster::join(bus, inbox, &pubsub, &presence, settings)
        .expect("it fits the presences");
    let _ = end.await;
    cluster.leave().await;
}
