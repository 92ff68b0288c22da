//! How a node becomes part of a cluster, and what is refused.

use std::time::Duration;

use herenow::cluster::bus::{ClusterConfig, LocalNetwork};
use herenow::cluster::{Cluster, ClusterError, Settings};
use herenow::{Presence, PubSub};
use tokio::time::{Instant, sleep, timeout};

use crate::node::{DEADLINE, Start, eventually, lists, start};

#[tokio::test(start_paused = true)]
async fn a_node_is_synced_once_it_knows_what_the_others_have() {
    let network = LocalNetwork::new();
    let [a] = start(&network, ["a"]).await;
    a.cluster.synced().await;
    a.track("alice");
    let b = Start::new(&network, "b").join();
    assert!(!b.cluster.is_synced());
    let start = Instant::now();
    b.cluster.synced().await;
    assert!(start.elapsed() < Duration::from_millis(100));
    assert!(b.cluster.is_synced());
    assert_eq!(b.users().await, ["alice"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_node_of_a_cluster_is_synced_after_a_while() {
    let network = LocalNetwork::new();
    let settings = Settings {
        join_timeout: Duration::from_secs(2),
        ..Settings::default()
    };
    let a = Start::new(&network, "a").settings(settings).join();
    let start = Instant::now();
    a.cluster.synced().await;
    let took = start.elapsed();
    assert!((2_000..2_100).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_with_the_name_of_a_later_one_is_told_and_may_live_again() {
    let network = LocalNetwork::new();
    let first = Start::new(&network, "same").join();
    sleep(Duration::from_secs(1)).await;
    // The paused clock stands still for the incarnation, which is the system's time.
    std::thread::sleep(Duration::from_millis(2));
    let second = Start::new(&network, "same").join();
    let told = timeout(DEADLINE, first.cluster.superseded()).await;
    let later = second.presence.replica().incarnation();
    assert_eq!(told, Ok(later));
    assert_eq!(first.cluster.status().superseded, Some(later));
    assert_eq!(second.cluster.status().superseded, None);

    let pubsub = PubSub::new();
    let again = Presence::builder(&pubsub)
        .node("same")
        .later_than(later + 1_000_000);
    let again = again.start();
    assert_eq!(again.replica().incarnation(), later + 1_000_001);
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_clock_was_set_back_is_told_so_however_late_it_comes() {
    let network = LocalNetwork::new();
    let others = start(&network, ["a", "b"]).await;
    let life = Start::new(&network, "same").presence(|presence| presence.later_than(u64::MAX / 2));
    let life = life.join();
    let later = life.presence.replica().incarnation();
    eventually("it is there", async || others[0].up().len() == 2).await;
    life.cluster.leave().await;
    // Nobody speaks of it any more, and then nobody but the bus remembers it.
    for wait in [60, 3_600] {
        sleep(Duration::from_secs(wait)).await;
        let back = Start::new(&network, "same").join();
        let told = timeout(DEADLINE, back.cluster.superseded()).await;
        assert_eq!(told, Ok(later));
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_with_another_number_of_shards_are_refused_and_counted() {
    let network = LocalNetwork::new();
    let a = Start::new(&network, "a").join();
    let other = Start::new(&network, "other")
        .presence(|presence| presence.shards(8))
        .join();
    a.track("alice");
    other.track("olga");
    eventually("both refuse", async || {
        a.cluster.status().refused > 0 && other.cluster.status().refused > 0
    })
    .await;
    lists(&a, &["alice"]).await;
    lists(&other, &["olga"]).await;
}

#[tokio::test(start_paused = true)]
async fn clusters_of_other_names_have_nothing_to_do_with_each_other() {
    let network = LocalNetwork::new();
    let a = Start::new(&network, "a").join();
    let settings = Settings {
        name: "other".into(),
        ..Settings::default()
    };
    let other = Start::new(&network, "other").settings(settings).join();
    a.track("alice");
    sleep(Duration::from_secs(10)).await;
    assert!(other.users().await.is_empty());
    assert!(other.cluster.status().members.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_joined_is_refused_with_the_reason() {
    let network = LocalNetwork::new();
    let join = |name: &str, settings: Settings, presence: &Presence, pubsub: &PubSub| {
        let config = ClusterConfig {
            node: name.into(),
            ..ClusterConfig::default()
        };
        let (bus, inbox) = network.join(&config, presence.replica().incarnation());
        Cluster::join(bus, inbox, pubsub, presence, settings)
    };
    let pubsub = PubSub::new();
    let presence = Presence::builder(&pubsub).node("a").start();
    let error = join("b", Settings::default(), &presence, &pubsub).unwrap_err();
    assert!(
        matches!(error, ClusterError::OtherReplica { .. }),
        "{error}"
    );

    let impatient = Settings {
        down_after: Duration::ZERO,
        ..Settings::default()
    };
    let error = join("a", impatient, &presence, &pubsub).unwrap_err();
    assert!(matches!(error, ClusterError::Settings(_)), "{error}");

    let _cluster = join("a", Settings::default(), &presence, &pubsub).unwrap();
    let error = join("a", Settings::default(), &presence, &pubsub).unwrap_err();
    assert_eq!(error, ClusterError::AlreadyJoined);

    let pubsub = PubSub::new();
    let presence = Presence::builder(&pubsub)
        .node("c")
        .max_meta_bytes(1 << 20)
        .start();
    let error = join("c", Settings::default(), &presence, &pubsub).unwrap_err();
    assert!(
        matches!(error, ClusterError::PresencesTooLarge { .. }),
        "{error}"
    );
}
