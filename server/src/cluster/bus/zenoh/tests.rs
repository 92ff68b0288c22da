//! What needs a resolver or a mesh that is not the usual one; the rest is tested from outside.

use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;

use tokio::time::{Instant, sleep};

use super::*;
use crate::cluster::bus::Engine;

const DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

async fn open(node: &str, listen: SocketAddr, seeds: &[&str], tuning: Tuning) -> (ZenohBus, Inbox) {
    let settings = ZenohConfig {
        seeds: seeds.iter().map(|&seed| seed.to_owned()).collect(),
        listen: format!("tcp/{listen}"),
        multicast: false,
        tls: None,
    };
    let config = ClusterConfig {
        node: node.into(),
        engine: Engine::Zenoh(settings.clone()),
        ..ClusterConfig::default()
    };
    ZenohBus::open(&config, &settings, 1, tuning).await.unwrap()
}

fn often() -> Tuning {
    Tuning {
        round: Duration::from_millis(100),
        ..Tuning::default()
    }
}

/// Waits until each node has as many links as given.
async fn linked(nodes: &[&ZenohBus], peers: usize) {
    let end = Instant::now() + DEADLINE;
    while nodes.iter().any(|node| node.stats().peers != peers) {
        let found: Vec<usize> = nodes.iter().map(|node| node.stats().peers).collect();
        assert!(
            Instant::now() < end,
            "{peers} links each in time: {found:?}"
        );
        sleep(POLL).await;
    }
}

/// A resolver whose answers can be changed.
fn answering(answers: &Arc<Mutex<Vec<SocketAddr>>>) -> Resolver {
    let answers = Arc::clone(answers);
    Arc::new(move |_, _| {
        let answer = answers.lock().unwrap().clone();
        Box::pin(std::future::ready(Ok(answer)))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn all_addresses_of_a_name_are_tried_and_asked_for_again_while_nobody_is_there() {
    let (dead, at_a, at_b) = (free_address(), free_address(), free_address());
    let answers = Arc::new(Mutex::new(vec![dead]));
    let tuning = Tuning {
        resolver: answering(&answers),
        ..often()
    };
    let seed = format!("tcp/headless:{}", at_a.port());
    let (a, _a) = open("a", at_a, &[&seed], tuning).await;
    a.subscribe(7).await.unwrap();

    // Nobody tells b of a, or a of b, except the name.
    let (b, _b) = open("b", at_b, &[], often()).await;
    *answers.lock().unwrap() = vec![at_a, dead, at_b];
    linked(&[&a, &b], 1).await;

    // The exchanged session has the subscriptions of the one before.
    let mut inbox = _a;
    let end = Instant::now() + DEADLINE;
    loop {
        assert!(Instant::now() < end, "a hears shard 7 in time");
        b.publish(7, "delta".into()).unwrap();
        match timeout(POLL, inbox.recv()).await {
            Ok(Some(super::super::Event::Message(message))) => {
                assert_eq!(message.payload, "delta");
                break;
            }
            Ok(Some(_)) | Err(_) => {}
            Ok(None) => panic!("a is open"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_gossip_does_not_connect_are_introduced_by_a_third() {
    let tuning = || Tuning {
        gossip: false,
        ..often()
    };
    let at_a = free_address();
    let seed = format!("tcp/{at_a}");
    let (a, _a) = open("a", at_a, &[], tuning()).await;
    let (b, _b) = open("b", free_address(), &[&seed], tuning()).await;
    let (c, _c) = open("c", free_address(), &[&seed], tuning()).await;
    linked(&[&a, &b, &c], 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_bus_leaves_the_mesh() {
    let at_a = free_address();
    let seed = format!("tcp/{at_a}");
    let (a, mut inbox) = open("a", at_a, &[], often()).await;
    let (b, _b) = open("b", free_address(), &[&seed], often()).await;
    linked(&[&a, &b], 1).await;
    drop(a);
    linked(&[&b], 0).await;
    let ends = async { while inbox.recv().await.is_some() {} };
    timeout(DEADLINE, ends).await.unwrap();
}

#[tokio::test]
async fn a_runtime_with_one_thread_is_an_error_and_no_panic() {
    let settings = ZenohConfig {
        seeds: vec![],
        listen: format!("tcp/{}", free_address()),
        multicast: false,
        tls: None,
    };
    let config = ClusterConfig::default();
    let opened = ZenohBus::open(&config, &settings, 1, Tuning::default()).await;
    assert!(opened.unwrap_err().to_string().contains("several threads"));
}
