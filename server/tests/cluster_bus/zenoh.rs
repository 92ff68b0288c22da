//! The engine without a broker, on loopback addresses.

use std::future::Future;
use std::net::TcpListener;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use herenow::cluster::bus::{self, ClusterConfig, Engine, Event, Tls, ZenohConfig};
use tokio::time::Instant;

use crate::certificates::Authority;
use crate::contract::contract;
use crate::support::{DEADLINE, Network, Node, config, eventually, meet, start};

contract!(std::future::ready(Mesh::new()));

/// Nodes that know the first of them.
struct Mesh {
    first: Mutex<Option<String>>,
    tls: Option<Tls>,
}

impl Mesh {
    fn new() -> Self {
        Self {
            first: Mutex::default(),
            tls: None,
        }
    }
}

impl Network for Mesh {
    fn start<'a>(
        &'a self,
        config: ClusterConfig,
        incarnation: u64,
    ) -> Pin<Box<dyn Future<Output = Node> + Send + 'a>> {
        Box::pin(async move {
            let listen = free_address(self.tls.is_some());
            let first = self
                .first
                .lock()
                .unwrap()
                .get_or_insert_with(|| listen.clone())
                .clone();
            let seeds = if first == listen { vec![] } else { vec![first] };
            join(config, incarnation, &listen, &seeds, self.tls.clone()).await
        })
    }
}

/// A loopback address that nobody listens on now.
fn free_address(tls: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let scheme = if tls { "tls" } else { "tcp" };
    format!("{scheme}/{}", listener.local_addr().unwrap())
}

async fn join(
    config: ClusterConfig,
    incarnation: u64,
    listen: &str,
    seeds: &[String],
    tls: Option<Tls>,
) -> Node {
    let zenoh = ZenohConfig {
        seeds: seeds.to_vec(),
        listen: listen.to_owned(),
        multicast: false,
        tls,
    };
    let config = ClusterConfig {
        engine: Engine::Zenoh(zenoh),
        ..config
    };
    let (bus, inbox) = bus::open(&config, incarnation).await.unwrap();
    Node { bus, inbox }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_node_joins_through_another_when_the_seed_is_dead() {
    let at: Vec<String> = (0..4).map(|_| free_address(false)).collect();
    let a = join(config("a"), 1, &at[0], &[], None).await;
    let b = join(config("b"), 1, &at[1], &at[..1], None).await;
    let c = join(config("c"), 1, &at[2], &at[..1], None).await;
    let mut nodes = [a, b, c];
    meet(&mut nodes).await;
    let [a, mut b, mut c] = nodes;
    let dead = a.id().clone();
    drop(a);
    for node in [&mut b, &mut c] {
        let lost = Event::PeerDown(dead.clone());
        while node.event().await.as_ref() != Some(&lost) {}
    }

    let d = join(config("d"), 1, &at[3], &at[..2], None).await;
    let mut nodes = [b, c, d];
    meet(&mut nodes).await;
    assert!(nodes.iter().all(|node| node.stats().peers == 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_that_comes_back_is_joined_again() {
    let at: Vec<String> = (0..3).map(|_| free_address(false)).collect();
    let a = join(config("a"), 1, &at[0], &[], None).await;
    let b = join(config("b"), 1, &at[1], &at[..1], None).await;
    let c = join(config("c"), 1, &at[2], &at[..1], None).await;
    let mut nodes = [a, b, c];
    meet(&mut nodes).await;
    let [a, b, c] = nodes;
    a.bus.close().await;

    let a = join(config("a"), 2, &at[0], &[], None).await;
    let mut nodes = [a, b, c];
    meet(&mut nodes).await;
    assert!(nodes.iter().all(|node| node.stats().peers == 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_may_start_before_its_seed_and_be_its_own() {
    let at: Vec<String> = (0..2).map(|_| free_address(false)).collect();
    let a = join(config("a"), 1, &at[0], &at, None).await;
    let b = join(config("b"), 1, &at[1], &at, None).await;
    meet(&mut [a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("tcp/{}", taken.local_addr().unwrap());
    let zenoh = ZenohConfig {
        seeds: vec![],
        listen: listen.clone(),
        multicast: false,
        tls: None,
    };
    let config = ClusterConfig {
        engine: Engine::Zenoh(zenoh),
        ..config("a")
    };
    let error = bus::open(&config, 1).await.unwrap_err().to_string();
    assert!(
        error.contains("--cluster-listen") && error.contains(&listen),
        "{error}"
    );
    assert!(!error.contains('\n'), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_mutual_tls() {
    let authority = Authority::new("mutual");
    let tls = |identity| Tls {
        ca: authority.file(),
        identity: Some(identity),
        any_name: false,
    };
    let at: Vec<String> = (0..4).map(|_| free_address(true)).collect();
    let a = join(
        config("a"),
        1,
        &at[0],
        &[],
        Some(tls(authority.issue("127.0.0.1"))),
    )
    .await;
    let b = join(
        config("b"),
        1,
        &at[1],
        &at[..1],
        Some(tls(authority.issue("127.0.0.1"))),
    )
    .await;

    // It trusts the cluster, but the cluster's authority did not sign its certificate.
    let other_authority = Authority::new("mutual-other");
    let forged = Some(tls(other_authority.issue("127.0.0.1")));
    let stranger = join(config("stranger"), 1, &at[2], &at[..2], forged).await;

    let c = join(
        config("c"),
        1,
        &at[3],
        &at[..1],
        Some(tls(authority.issue("127.0.0.1"))),
    )
    .await;
    let mut nodes = [a, b, c];
    meet(&mut nodes).await;
    assert!(nodes.iter().all(|node| node.stats().peers == 2));
    assert_eq!(stranger.stats().peers, 0);
    assert_eq!(stranger.stats().received.messages, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_in_certificates_count_unless_any_name_will_do() {
    let authority = Authority::new("names");
    let tls = |any_name| Tls {
        ca: authority.file(),
        identity: Some(authority.issue("somewhere.else")),
        any_name,
    };
    let at: Vec<String> = (0..3).map(|_| free_address(true)).collect();
    let a = join(config("a"), 1, &at[0], &[], Some(tls(true))).await;
    let strict = join(config("strict"), 1, &at[1], &at[..1], Some(tls(false))).await;
    let b = join(config("b"), 1, &at[2], &at[..1], Some(tls(true))).await;
    let mut nodes = [a, b];
    meet(&mut nodes).await;
    assert_eq!(strict.stats().received.messages, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tls_file_that_is_none_is_an_error_and_not_a_lonely_node() {
    let authority = Authority::new("no-pem");
    let nonsense: PathBuf = authority.write("nonsense.pem", "not a certificate");
    let zenoh = ZenohConfig {
        seeds: vec![],
        listen: free_address(true),
        multicast: false,
        tls: Some(Tls {
            ca: authority.file(),
            identity: Some((nonsense.clone(), nonsense)),
            any_name: false,
        }),
    };
    let config = ClusterConfig {
        engine: Engine::Zenoh(zenoh),
        ..config("a")
    };
    assert!(bus::open(&config, 1).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_is_gone_delays_nobody() {
    let network = Mesh::new();
    let [a, b, mut c] = start(&network, ["a", "b", "c"]).await;
    let gone = b.id().clone();
    drop(b);
    let bus = Arc::clone(&a.bus);
    let to_gone = tokio::spawn(async move {
        for _ in 0..1000 {
            bus.send(&gone, vec![0; 10_000].into()).await.unwrap();
        }
    });
    a.bus.send(c.id(), "still here".into()).await.unwrap();
    assert_eq!(c.message().await.payload, "still here");
    to_gone.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_large_direct_messages_arrives_complete() {
    let network = Mesh::new();
    let mut nodes = start(&network, ["a", "b"]).await;
    let end = Instant::now() + DEADLINE;
    while !burst(&mut nodes).await {
        // The machine was so busy that one took the other for stuck.
        assert!(Instant::now() < end, "a link lasts for a burst");
        meet(&mut nodes).await;
    }
    assert_eq!(nodes[1].stats().dropped.incoming, 0);
}

/// Sends many large messages from the first to the second node; says whether the link lasted, and then all
/// must have arrived.
async fn burst([a, b]: &mut [Node; 2]) -> bool {
    const COUNT: usize = 100;
    let (bus, to) = (Arc::clone(&a.bus), b.id().clone());
    let sending = tokio::spawn(async move {
        for _ in 0..COUNT {
            bus.send(&to, vec![7; 200_000].into()).await.unwrap();
        }
    });
    let mut arrived = 0;
    while arrived < COUNT {
        match b.event().await.expect("it is open") {
            Event::Message(message) => {
                assert_eq!(message.payload.len(), 200_000);
                arrived += 1;
            }
            Event::PeerDown(_) => break,
            _ => {}
        }
    }
    sending.await.unwrap();
    arrived == COUNT
}

/// A way to `target` that can be blocked: then it takes nothing any more, as a node that is stuck.
struct Narrow {
    address: String,
    blocked: tokio::sync::watch::Sender<bool>,
}

impl Narrow {
    async fn to(target: &str) -> Self {
        let target = target.trim_start_matches("tcp/").to_owned();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("tcp/{}", listener.local_addr().unwrap());
        let (blocked, watched) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = tokio::net::TcpStream::connect(&target).await else {
                    continue;
                };
                let (client, server) = (client.into_split(), server.into_split());
                tokio::spawn(carry(client.0, server.1, watched.clone()));
                tokio::spawn(carry(server.0, client.1, watched.clone()));
            }
        });
        Self { address, blocked }
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut blocked: tokio::sync::watch::Receiver<bool>,
) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut buffer = vec![0; 64 * 1024];
    while blocked.wait_for(|blocked| !*blocked).await.is_ok() {
        match from.read(&mut buffer).await {
            Ok(read @ 1..) if to.write_all(&buffer[..read]).await.is_ok() => {}
            _ => break,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_node_delays_nobody_and_is_joined_again() {
    let at: Vec<String> = (0..3).map(|_| free_address(false)).collect();
    let narrow = Narrow::to(&at[0]).await;
    let a = join(config("a"), 1, &at[0], &[], None).await;
    let b = join(config("b"), 1, &at[1], &at[..1], None).await;
    let stuck = join(
        config("stuck"),
        1,
        &at[2],
        std::slice::from_ref(&narrow.address),
        None,
    )
    .await;
    let mut nodes = [a, b, stuck];
    meet(&mut nodes).await;
    let [a, mut b, stuck] = nodes;

    narrow.blocked.send_replace(true);
    let (bus, to) = (Arc::clone(&a.bus), stuck.id().clone());
    let to_stuck = tokio::spawn(async move {
        // More than all buffers on the way hold.
        for _ in 0..500 {
            bus.send(&to, vec![0; 200_000].into()).await.unwrap();
        }
    });
    for number in 0..200 {
        a.bus.send(b.id(), number.to_string().into()).await.unwrap();
        a.bus.broadcast(number.to_string().into()).unwrap();
    }
    let mut heard = 0;
    while heard < 400 {
        b.message().await;
        heard += 1;
    }
    assert!(
        !to_stuck.is_finished(),
        "the stuck node's messages are still waiting"
    );
    assert_eq!(a.stats().dropped.outgoing, 0);

    to_stuck.await.unwrap();
    narrow.blocked.send_replace(false);
    let mut nodes = [a, b, stuck];
    meet(&mut nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_overtakes_the_large_messages_that_wait_for_the_same_node() {
    const COUNT: usize = 200;
    let at: Vec<String> = (0..2).map(|_| free_address(false)).collect();
    let narrow = Narrow::to(&at[0]).await;
    let a = join(config("a"), 1, &at[0], &[], None).await;
    let b = join(
        config("b"),
        1,
        &at[1],
        std::slice::from_ref(&narrow.address),
        None,
    )
    .await;
    let mut nodes = [a, b];
    meet(&mut nodes).await;
    let [a, mut b] = nodes;

    narrow.blocked.send_replace(true);
    let (bus, to) = (Arc::clone(&a.bus), b.id().clone());
    let large = tokio::spawn(async move {
        for _ in 0..COUNT {
            bus.send(&to, vec![0; 200_000].into()).await.unwrap();
        }
    });
    let (mut sent, mut looks) = (a.stats().sent.messages, 0);
    let stands_still = || {
        let before = std::mem::replace(&mut sent, a.stats().sent.messages);
        looks = if before == sent { looks + 1 } else { 0 };
        looks == 10
    };
    eventually("nothing more goes out", stands_still).await;
    a.bus.broadcast("beat".into()).unwrap();
    eventually("the heartbeat goes out", || a.stats().sent.messages > sent).await;
    narrow.blocked.send_replace(false);

    let mut before = 0;
    while b.message().await.payload != "beat" {
        before += 1;
    }
    assert!(before < COUNT / 2, "{before} large messages came first");
    large.await.unwrap();
}
