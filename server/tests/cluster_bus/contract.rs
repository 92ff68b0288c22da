//! What every engine promises. `contract!` turns it into tests of one engine.

use herenow::cluster::bus::{Channel, ClusterConfig, Event, Limits, Reason, SendError};
use herenow_core::replica::ReplicaId;

use crate::support::{Network, config, eventually, secret, start};

/// Tests that the networks made by an expression keep the contract.
macro_rules! contract {
    ($network:expr; $($name:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                crate::contract::$name(&$network.await).await;
            }
        )+
    };
    ($network:expr) => {
        crate::contract::contract! { $network;
            a_broadcast_reaches_all_others,
            a_published_message_reaches_subscribers_only,
            nothing_comes_after_unsubscribing,
            direct_messages_reach_one_replica_in_order,
            a_message_to_an_earlier_life_reaches_nobody,
            a_payload_is_bounded_and_the_largest_passes,
            what_is_sent_before_closing_arrives,
            a_closed_bus_says_so,
            another_secret_is_refused_and_counted,
            another_cluster_is_not_heard,
            what_goes_through_is_counted,
        }
    };
}
pub(crate) use contract;

pub(crate) async fn a_broadcast_reaches_all_others(network: &dyn Network) {
    let [a, mut b, mut c] = start(network, ["a", "b", "c"]).await;
    a.bus.broadcast("to all".into()).unwrap();
    for node in [&mut b, &mut c] {
        let message = node.message().await;
        assert_eq!(message.from, *a.id());
        assert_eq!(message.channel, Channel::All);
        assert_eq!(message.payload, "to all");
    }
}

pub(crate) async fn a_published_message_reaches_subscribers_only(network: &dyn Network) {
    let [mut a, mut b, mut c] = start(network, ["a", "b", "c"]).await;
    a.bus.subscribe(7).await.unwrap();
    b.bus.subscribe(7).await.unwrap();
    b.bus.subscribe(7).await.unwrap();
    c.bus.subscribe(8).await.unwrap();
    a.publish_until_heard(7, &mut b).await;
    a.publish_until_heard(8, &mut c).await;
    a.settle();

    for shard in [6, 7, 8] {
        a.bus
            .publish(shard, format!("shard {shard}").into())
            .unwrap();
    }
    let heard = b.message().await;
    assert_eq!(
        (heard.channel, &heard.payload[..]),
        (Channel::Shard(7), &b"shard 7"[..])
    );
    let heard = c.message().await;
    assert_eq!(
        (heard.channel, &heard.payload[..]),
        (Channel::Shard(8), &b"shard 8"[..])
    );
    // Once, in spite of two subscriptions; and nobody hears itself.
    b.bus.broadcast("end".into()).unwrap();
    a.bus.broadcast("end".into()).unwrap();
    assert_eq!(b.payloads_until("end").await, [""; 0]);
    assert_eq!(a.payloads_until("end").await, [""; 0]);
}

pub(crate) async fn nothing_comes_after_unsubscribing(network: &dyn Network) {
    let [a, mut b, mut c] = start(network, ["a", "b", "c"]).await;
    for node in [&b, &c] {
        node.bus.subscribe(7).await.unwrap();
    }
    a.publish_until_heard(7, &mut b).await;
    a.publish_until_heard(7, &mut c).await;
    a.bus.publish(7, "both hear".into()).unwrap();
    b.payloads_until("both hear").await;
    c.payloads_until("both hear").await;

    b.bus.unsubscribe(7).await.unwrap();
    b.bus.unsubscribe(9).await.unwrap();
    a.bus.publish(7, "late".into()).unwrap();
    a.bus.publish(7, "end".into()).unwrap();
    assert_eq!(c.payloads_until("end").await, ["late"]);
    a.bus.broadcast("end".into()).unwrap();
    assert_eq!(b.payloads_until("end").await, [""; 0]);

    b.bus.subscribe(7).await.unwrap();
    a.publish_until_heard(7, &mut b).await;
}

pub(crate) async fn direct_messages_reach_one_replica_in_order(network: &dyn Network) {
    const COUNT: usize = 300;
    let [a, mut b, mut c] = start(network, ["a", "b", "c"]).await;
    for number in 0..COUNT {
        a.bus.send(b.id(), number.to_string().into()).await.unwrap();
    }
    for number in 0..COUNT {
        let message = b.message().await;
        assert_eq!((&message.from, message.channel), (a.id(), Channel::Direct));
        assert_eq!(message.payload, number.to_string());
    }
    a.bus.send(c.id(), "end".into()).await.unwrap();
    assert_eq!(c.payloads_until("end").await, [""; 0]);
}

pub(crate) async fn a_message_to_an_earlier_life_reaches_nobody(network: &dyn Network) {
    let [a, mut b] = start(network, ["a", "b"]).await;
    let earlier = ReplicaId::new("b", 0);
    a.bus.send(&earlier, "ghost".into()).await.unwrap();
    a.bus.send(b.id(), "end".into()).await.unwrap();
    assert_eq!(b.payloads_until("end").await, [""; 0]);
}

pub(crate) async fn a_payload_is_bounded_and_the_largest_passes(network: &dyn Network) {
    let limits = Limits {
        max_payload: 100_000,
        ..Limits::default()
    };
    let limited = |name| ClusterConfig {
        limits: limits.clone(),
        ..config(name)
    };
    let mut nodes = [
        network.start(limited("a"), 1).await,
        network.start(limited("b"), 1).await,
    ];
    crate::support::meet(&mut nodes).await;
    let [a, mut b] = nodes;
    assert_eq!(a.bus.max_payload(), 100_000);
    let too_large = SendError::TooLarge {
        size: 100_001,
        limit: 100_000,
    };
    let payload = |size| vec![b'x'; size].into();
    assert_eq!(a.bus.broadcast(payload(100_001)), Err(too_large.clone()));
    assert_eq!(a.bus.publish(1, payload(100_001)), Err(too_large.clone()));
    assert_eq!(a.bus.send(b.id(), payload(100_001)).await, Err(too_large));
    a.bus.send(b.id(), payload(100_000)).await.unwrap();
    assert_eq!(b.message().await.payload.len(), 100_000);
}

pub(crate) async fn what_is_sent_before_closing_arrives(network: &dyn Network) {
    let [a, mut b] = start(network, ["a", "b"]).await;
    for number in 0..100 {
        a.bus.send(b.id(), number.to_string().into()).await.unwrap();
    }
    a.bus.broadcast("goodbye".into()).unwrap();
    a.bus.close().await;
    // In whatever order: these are different channels.
    let (mut direct, mut goodbye, mut down) = (0, false, false);
    while direct < 100 || !goodbye || !down {
        match b.event().await.expect("b is open") {
            Event::Message(message) if message.channel == Channel::Direct => direct += 1,
            Event::Message(message) => goodbye = message.payload == "goodbye",
            Event::PeerDown(peer) => down = peer == *a.id(),
            other => panic!("a does not come back: {other:?}"),
        }
    }
    assert_eq!(b.stats().peers, 0);
}

pub(crate) async fn a_closed_bus_says_so(network: &dyn Network) {
    let [mut a, b] = start(network, ["a", "b"]).await;
    a.bus.close().await;
    a.bus.close().await;
    assert_eq!(a.bus.broadcast("x".into()), Err(SendError::Closed));
    assert_eq!(a.bus.publish(1, "x".into()), Err(SendError::Closed));
    assert_eq!(a.bus.send(b.id(), "x".into()).await, Err(SendError::Closed));
    assert_eq!(a.bus.subscribe(1).await, Err(SendError::Closed));
    assert_eq!(a.bus.unsubscribe(1).await, Err(SendError::Closed));
    while a.event().await.is_some() {}
    assert_eq!(a.event().await, None);
}

pub(crate) async fn another_secret_is_refused_and_counted(network: &dyn Network) {
    let [mut a, b] = start(network, ["a", "b"]).await;
    let stranger = ClusterConfig {
        secret: Some(secret("what a stranger guessed")),
        ..config("stranger")
    };
    let mut stranger = network.start(stranger, 1).await;
    let spoken = || {
        let _ = stranger.bus.broadcast("let me in".into());
        let _ = b.bus.broadcast("hello stranger".into());
        a.refused(Reason::Secret) > 0 && stranger.refused(Reason::Secret) > 0
    };
    eventually("both sides refuse each other", spoken).await;
    b.bus.broadcast("end".into()).unwrap();
    let heard = a.payloads_until("end").await;
    assert!(
        heard.iter().all(|payload| payload == "hello stranger"),
        "{heard:?}"
    );
    assert_eq!(a.stats().peers, 1);
    assert_eq!(stranger.stats().peers, 0);
    assert_eq!(stranger.inbox.try_recv(), None);
}

pub(crate) async fn another_cluster_is_not_heard(network: &dyn Network) {
    let [mut a, b] = start(network, ["a", "b"]).await;
    let other = ClusterConfig {
        name: "other".into(),
        ..config("c")
    };
    let mut c = network.start(other, 1).await;
    let spoken = || {
        let _ = c.bus.broadcast("wrong number".into());
        a.refused(Reason::Cluster) > 0 && c.refused(Reason::Cluster) > 0
    };
    eventually("each side notices the other cluster", spoken).await;
    b.bus.broadcast("end".into()).unwrap();
    assert_eq!(a.payloads_until("end").await, [""; 0]);
    assert_eq!(a.stats().peers, 1);
    assert_eq!(c.inbox.try_recv(), None);
}

pub(crate) async fn what_goes_through_is_counted(network: &dyn Network) {
    let [a, mut b] = start(network, ["a", "b"]).await;
    let (before_a, before_b) = (a.stats(), b.stats());
    assert_eq!((before_a.peers, before_b.peers), (1, 1));
    for _ in 0..10 {
        a.bus.send(b.id(), vec![0; 1000].into()).await.unwrap();
    }
    for _ in 0..10 {
        assert_eq!(b.message().await.payload.len(), 1000);
    }
    let sent = || a.stats().sent.messages >= before_a.sent.messages + 10;
    eventually("all are counted as sent", sent).await;
    let bytes = a.stats().sent.bytes - before_a.sent.bytes;
    assert!((10_000..12_000).contains(&bytes), "{bytes}");
    assert!(b.stats().received.messages >= before_b.received.messages + 10);
    assert_eq!(b.stats().refused.total(), 0);
}
