//! The engine for those who run NATS, against real servers.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use herenow::cluster::bus::{self, ClusterConfig, Engine, NatsConfig, SendError, Tls};

use crate::certificates::Authority;
use crate::contract::contract;
use crate::nats_server::NatsServer;
use crate::support::{Network, Node, config, eventually, meet, start};

contract!(async { Broker(NatsServer::start(&[]).await) });

struct Broker(NatsServer);

impl Network for Broker {
    fn start<'a>(
        &'a self,
        config: ClusterConfig,
        incarnation: u64,
    ) -> Pin<Box<dyn Future<Output = Node> + Send + 'a>> {
        Box::pin(async move {
            let node = join(config, incarnation, &[self.0.url()]).await;
            connected(&node).await;
            node
        })
    }
}

async fn join(config: ClusterConfig, incarnation: u64, servers: &[String]) -> Node {
    join_with(config, incarnation, NatsConfig::new(servers)).await
}

async fn join_with(config: ClusterConfig, incarnation: u64, nats: NatsConfig) -> Node {
    let config = ClusterConfig {
        engine: Engine::Nats(nats),
        ..config
    };
    let (bus, inbox) = bus::open(&config, incarnation).await.unwrap();
    Node { bus, inbox }
}

/// Waits until messages to a server are taken.
async fn connected(node: &Node) {
    eventually("the node is connected", || node.stats().sent.messages > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_is_found_again_with_all_subscriptions() {
    let mut broker = Broker(NatsServer::start(&[]).await);
    let [a, mut b] = start(&broker, ["a", "b"]).await;
    b.bus.subscribe(7).await.unwrap();
    a.publish_until_heard(7, &mut b).await;

    broker.0.kill();
    let dropped = || {
        let _ = a.bus.broadcast("into the void".into());
        a.stats().dropped.outgoing > 0
    };
    eventually("messages are dropped while there is no server", dropped).await;
    assert_eq!(a.bus.send(b.id(), "x".into()).await, Err(SendError::Busy));
    b.bus.subscribe(8).await.unwrap();

    broker.0.restart().await;
    a.publish_until_heard(7, &mut b).await;
    a.publish_until_heard(8, &mut b).await;
    let mut nodes = [a, b];
    meet(&mut nodes).await;
    let [a, mut b] = nodes;
    a.bus.send(b.id(), "again".into()).await.unwrap();
    assert_eq!(b.message().await.payload, "again");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_may_start_before_the_server() {
    let mut server = NatsServer::start(&[]).await;
    server.kill();
    let a = join(config("a"), 1, &[server.url()]).await;
    let b = join(config("b"), 1, &[server.url()]).await;
    assert_eq!(a.bus.send(b.id(), "x".into()).await, Err(SendError::Busy));
    server.restart().await;
    meet(&mut [a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_move_to_another_server_when_theirs_dies() {
    let listen = ["--cluster_name", "two", "--cluster", "nats://127.0.0.1:-1"];
    let mut one = NatsServer::start(&listen).await;
    let route = format!(
        "nats://{}",
        one.route.as_ref().expect("it listens for servers")
    );
    let two = NatsServer::start(&[&listen[..], &["--routes", &route]].concat()).await;

    let a = join(config("a"), 1, &[one.url(), two.url()]).await;
    let b = join(config("b"), 1, &[two.url(), one.url()]).await;
    let mut nodes = [a, b];
    meet(&mut nodes).await;
    one.kill();
    meet(&mut nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_the_url_is_used() {
    let server = NatsServer::start(&["--user", "here", "--pass", "n@w"]).await;
    let url = |password| format!("nats://here:{password}@{}", server.address);
    let stranger = join(config("stranger"), 1, &[url("wrong")]).await;
    let mut nodes = [
        join(config("a"), 1, &[url("n%40w")]).await,
        join(config("b"), 1, &[url("n%40w")]).await,
    ];
    meet(&mut nodes).await;
    assert_eq!(
        stranger.bus.send(nodes[0].id(), "x".into()).await,
        Err(SendError::Busy)
    );
    assert_eq!(stranger.stats().sent.messages, 0);
    assert_eq!(nodes[0].stats().peers, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credentials_file_is_used() {
    let fixture = |name| {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster_bus/fixtures");
        Path::new(directory).join(name)
    };
    let operator = fixture("operator.conf");
    let server = NatsServer::start(&["--config", operator.to_str().unwrap()]).await;
    let nobody = NatsConfig::new(&[server.url()]);
    let somebody = NatsConfig {
        credentials: Some(fixture("user.creds")),
        ..nobody.clone()
    };
    let stranger = join_with(config("stranger"), 1, nobody).await;
    let mut nodes = [
        join_with(config("a"), 1, somebody.clone()).await,
        join_with(config("b"), 1, somebody).await,
    ];
    meet(&mut nodes).await;
    assert_eq!(stranger.stats().sent.messages, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_of_a_tls_connection_prove_who_they_are() {
    let authority = Authority::new("nats");
    let (cert, key) = authority.issue("127.0.0.1");
    let path = |file: &Path| file.to_str().unwrap().to_owned();
    let (ca, cert, key) = (path(&authority.file()), path(&cert), path(&key));
    let server = NatsServer::start(&[
        "--tlsverify",
        "--tlscacert",
        &ca,
        "--tlscert",
        &cert,
        "--tlskey",
        &key,
    ])
    .await;
    let with = |ca: &Authority, identity| NatsConfig {
        tls: Some(Tls {
            ca: ca.file(),
            identity,
            any_name: false,
        }),
        ..NatsConfig::new(&[format!("tls://{}", server.address)])
    };
    let other_authority = Authority::new("nats-other");
    let nameless = join_with(config("nameless"), 1, with(&authority, None)).await;
    let identity = Some(authority.issue("b"));
    let distrustful = join_with(config("distrustful"), 1, with(&other_authority, identity)).await;
    let mut nodes = [
        join_with(config("a"), 1, with(&authority, Some(authority.issue("a")))).await,
        join_with(config("b"), 1, with(&authority, Some(authority.issue("b")))).await,
    ];
    meet(&mut nodes).await;
    for refused in [nameless, distrustful] {
        assert_eq!(refused.stats().sent.messages, 0, "{}", refused.id());
        assert_eq!(refused.stats().received.messages, 0, "{}", refused.id());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_less_lowers_the_limit() {
    let authority = Authority::new("nats-limit");
    let settings = authority.write("small.conf", "max_payload: 10000");
    let server = NatsServer::start(&["--config", settings.to_str().unwrap()]).await;
    let broker = Broker(server);
    let [a, mut b] = start(&broker, ["a", "b"]).await;
    let limit = a.bus.max_payload();
    assert!((9_000..10_000).contains(&limit), "{limit}");
    let over = SendError::TooLarge {
        size: limit + 1,
        limit,
    };
    assert_eq!(a.bus.broadcast(vec![0; limit + 1].into()), Err(over));
    a.bus.send(b.id(), vec![0; limit].into()).await.unwrap();
    assert_eq!(b.message().await.payload.len(), limit);
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_settings_are_errors_that_hide_passwords() {
    let authority = Authority::new("nats-errors");
    let nats = |servers: &[&str], credentials| {
        Engine::Nats(NatsConfig {
            credentials,
            ..NatsConfig::new(servers)
        })
    };
    let nonsense = authority.write("nonsense.creds", "nonsense");
    let missing = "/does/not/exist".into();
    let cases = [
        (nats(&["nats://u:hidden@a b:1"], None), "--cluster"),
        (
            nats(&["nats://a"], Some(missing)),
            "--cluster-credentials-file",
        ),
        (
            nats(&["nats://a"], Some(nonsense)),
            "--cluster-credentials-file",
        ),
    ];
    for (engine, flag) in cases {
        let config = ClusterConfig {
            engine,
            ..config("a")
        };
        let error = bus::open(&config, 1).await.unwrap_err().to_string();
        assert!(error.starts_with(flag), "{error}");
        assert!(
            !error.contains('\n') && !error.contains("hidden"),
            "{error}"
        );
    }
}
