//! Nodes that do not belong: with another secret, or of another cluster.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::cluster::{Cluster, Engine, for_each_engine, know_each_other};
use crate::node::Node;
use crate::room::{Person, lists};
use crate::support::DEADLINE;

for_each_engine! {
    a_node_with_another_secret_is_kept_out_and_counted,
    a_node_of_another_cluster_is_not_heard,
}

#[tokio::test]
async fn a_node_that_reaches_none_of_its_seeds_says_so() {
    let cluster = Cluster::new(Engine::Zenoh).await;
    let seeds = ["--cluster", "tcp/127.0.0.1:1,tcp/nowhere.invalid:7447"];
    let node = cluster.node_with("a", &[], &seeds).await;
    node.says("none of tcp/127.0.0.1:1, tcp/nowhere.invalid:7447 answers")
        .await;
}

#[tokio::test]
async fn a_port_for_nodes_that_is_taken_is_named_without_more_words_than_it_takes() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp/{}", taken.local_addr().unwrap());
    let cluster = Cluster::new(Engine::Zenoh).await;
    let mut herenow = Command::from(cluster.start("a", &address, &[], &[]).command());
    let output = herenow.output().await.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let last = errors.lines().last().unwrap_or_default();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        last,
        format!(
            "herenow: --cluster-listen: {address:?}: cannot listen there: another program does; stop that \
             one, or choose another port"
        )
    );
}

/// A file with a secret, removed when it goes out of scope.
struct SecretFile(PathBuf);

impl SecretFile {
    fn new(name: &str, engine: Engine) -> Self {
        let file = format!("secret-{name}-{engine:?}-{}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
        std::fs::write(&path, format!("a long secret of {name}")).unwrap();
        Self(path)
    }

    fn flags(&self) -> [&str; 2] {
        ["--cluster-secret-file", self.0.to_str().expect("UTF-8")]
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Waits until a number in what the node tells is above zero.
async fn counts(node: &Node, pointer: &str) {
    let end = Instant::now() + DEADLINE;
    loop {
        let view = node.view().await;
        if view.pointer(pointer).and_then(|number| number.as_u64()) > Some(0) {
            return;
        }
        assert!(Instant::now() < end, "{pointer} counts in time: {view:#}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn a_node_with_another_secret_is_kept_out_and_counted(engine: Engine) {
    let cluster = Cluster::new(engine).await;
    let (ours, theirs) = (
        SecretFile::new("ours", engine),
        SecretFile::new("theirs", engine),
    );
    let a = cluster.node_with("a", &[], &ours.flags()).await;
    let b = cluster.node_with("b", &[&a], &ours.flags()).await;
    let stranger = cluster
        .node_with("stranger", &[&a, &b], &theirs.flags())
        .await;
    know_each_other(&[&a, &b]).await;
    let _alice = Person::join(&a, "alice").await;
    let _mallory = Person::join(&stranger, "mallory").await;
    counts(&a, "/bus/refused/secret").await;
    counts(&stranger, "/bus/refused/secret").await;
    lists(&b, &["alice"]).await;
    lists(&stranger, &["mallory"]).await;
    know_each_other(&[&a, &b]).await;
}

async fn a_node_of_another_cluster_is_not_heard(engine: Engine) {
    let cluster = Cluster::new(engine).await;
    let a = cluster.node("a", &[]).await;
    let b = cluster.node("b", &[&a]).await;
    let flags = ["--cluster-name", "other"];
    let other = cluster.node_with("other", &[&a, &b], &flags).await;
    know_each_other(&[&a, &b]).await;
    other.is_ready().await;
    let _alice = Person::join(&a, "alice").await;
    let _olga = Person::join(&other, "olga").await;
    lists(&b, &["alice"]).await;
    lists(&other, &["olga"]).await;
    know_each_other(&[&a, &b]).await;
    know_each_other(&[&other]).await;
}
