//! Clusters for the tests: what carries them, and how a node gets in.

use std::time::Duration;

use crate::nats_server::NatsServer;
use crate::node::{Node, Start};

/// What carries the messages between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Zenoh,
    Nats,
}

/// Tests of both engines, from functions that take one.
macro_rules! for_each_engine {
    ($($(#[$attribute:meta])* $test:ident),+ $(,)?) => {
        mod zenoh {
            $(
                $(#[$attribute])*
                #[tokio::test]
                async fn $test() {
                    super::$test(crate::cluster::Engine::Zenoh).await;
                }
            )+
        }
        mod nats {
            $(
                $(#[$attribute])*
                #[tokio::test]
                async fn $test() {
                    super::$test(crate::cluster::Engine::Nats).await;
                }
            )+
        }
    };
}
pub(crate) use for_each_engine;

/// A cluster on loopback addresses.
pub(crate) struct Cluster {
    pub(crate) broker: Option<NatsServer>,
}

impl Cluster {
    pub(crate) async fn new(engine: Engine) -> Self {
        let broker = match engine {
            Engine::Zenoh => None,
            Engine::Nats => Some(NatsServer::start(&[]).await),
        };
        Self { broker }
    }

    /// Starts a node that finds the cluster through these.
    pub(crate) async fn node(&self, name: &'static str, seeds: &[&Node]) -> Node {
        self.node_at(name, "tcp/127.0.0.1:0", seeds).await
    }

    /// Starts a node that listens for others here, if it has to.
    pub(crate) async fn node_at(&self, name: &'static str, at: &str, seeds: &[&Node]) -> Node {
        self.start(name, at, seeds, &[]).start().await
    }

    /// Starts a node with more flags.
    pub(crate) async fn node_with(
        &self,
        name: &'static str,
        seeds: &[&Node],
        flags: &[&str],
    ) -> Node {
        self.start(name, "tcp/127.0.0.1:0", seeds, flags)
            .start()
            .await
    }

    /// How to start a node that listens for others here, if it has to.
    pub(crate) fn start(
        &self,
        name: &'static str,
        at: &str,
        seeds: &[&Node],
        flags: &[&str],
    ) -> Start {
        Start {
            name,
            namespace: None,
            listen: "127.0.0.1:0".into(),
            listen_for_nodes: self.broker.is_none().then(|| at.to_owned()),
            cluster: self.addresses(seeds),
            flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
        }
    }

    /// Where a node finds the cluster that has these in it.
    pub(crate) fn addresses(&self, seeds: &[&Node]) -> Vec<String> {
        match &self.broker {
            Some(broker) => vec![broker.url()],
            None => seeds
                .iter()
                .filter_map(|seed| seed.for_nodes.clone())
                .collect(),
        }
    }

    /// Starts three nodes that know each other; the first one is the seed.
    pub(crate) async fn three(&self) -> [Node; 3] {
        let a = self.node("a", &[]).await;
        let b = self.node("b", &[&a]).await;
        let c = self.node("c", &[&a]).await;
        let nodes = [a, b, c];
        know_each_other(&nodes.each_ref()).await;
        nodes
    }
}

/// Waits until all nodes know all others, and want traffic.
pub(crate) async fn know_each_other(nodes: &[&Node]) {
    for node in nodes {
        let others = nodes.iter().filter(|other| other.name != node.name);
        let mut expected: Vec<(String, String)> = others
            .map(|other| (other.name.to_owned(), "up".to_owned()))
            .collect();
        expected.sort();
        let end = tokio::time::Instant::now() + crate::support::DEADLINE;
        while node.replicas().await != expected {
            let view = node.view().await;
            assert!(
                tokio::time::Instant::now() < end,
                "{} knows the others: {view:#}",
                node.name
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        node.is_ready().await;
    }
}
