//! The engine that leaves nothing out of the process.

use std::future::{Future, ready};
use std::pin::Pin;

use herenow::cluster::bus::{self, ClusterConfig, Event, LocalNetwork};

use crate::contract::contract;
use crate::support::{Network, Node, config, start};

impl Network for LocalNetwork {
    fn start<'a>(
        &'a self,
        config: ClusterConfig,
        incarnation: u64,
    ) -> Pin<Box<dyn Future<Output = Node> + Send + 'a>> {
        let (bus, inbox) = self.join(&config, incarnation);
        Box::pin(ready(Node { bus, inbox }))
    }
}

contract!(ready(LocalNetwork::new()));

#[tokio::test]
async fn a_node_that_is_alone_speaks_to_nobody_at_no_cost() {
    let (bus, mut inbox) = bus::open(&ClusterConfig::default(), 1).await.unwrap();
    bus.subscribe(1).await.unwrap();
    bus.publish(1, "x".into()).unwrap();
    bus.broadcast("x".into()).unwrap();
    assert_eq!(inbox.try_recv(), None);
    assert_eq!(bus.stats(), Default::default());
}

#[tokio::test]
async fn nodes_hear_of_each_other_as_they_join_and_leave() {
    let network = LocalNetwork::new();
    let (a, mut inbox_a) = network.join(&config("a"), 1);
    let (b, mut inbox_b) = network.join(&config("b"), 1);
    assert_eq!(inbox_a.try_recv(), Some(Event::PeerUp(b.me().clone())));
    assert_eq!(inbox_b.try_recv(), Some(Event::PeerUp(a.me().clone())));
    drop(a);
    assert_eq!(inbox_a.recv().await, None);
    let a = herenow_core::replica::ReplicaId::new("a", 1);
    assert_eq!(inbox_b.try_recv(), Some(Event::PeerDown(a)));
}

#[tokio::test]
async fn a_cut_works_in_one_direction_until_it_is_healed() {
    let network = LocalNetwork::new();
    let [mut a, mut b, mut c] = start(&network, ["a", "b", "c"]).await;
    network.cut("a", "b");
    assert_eq!(b.event().await, Some(Event::PeerDown(a.id().clone())));
    a.bus.broadcast("from a".into()).unwrap();
    b.bus.broadcast("from b".into()).unwrap();
    assert_eq!(a.message().await.payload, "from b");
    assert_eq!(c.payloads_until("from b").await, ["from a"]);
    assert_eq!(b.inbox.try_recv(), None);
    network.heal("a", "b");
    a.bus.broadcast("again".into()).unwrap();
    assert_eq!(b.event().await, Some(Event::PeerUp(a.id().clone())));
    assert_eq!(b.message().await.payload, "again");
}
