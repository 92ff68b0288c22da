//! Nodes that die, leave, hang and come back; brokers that start again.

use std::time::Duration;

use crate::cluster::{Cluster, Engine, for_each_engine, know_each_other};
use crate::room::{Person, all_agree, lists};

for_each_engine! {
    a_user_of_one_node_is_listed_on_all,
    the_users_of_a_node_that_is_killed_leave_the_others,
    the_users_of_a_node_that_is_stopped_leave_the_others_at_once,
    a_node_that_was_killed_comes_back_without_ghosts_or_duplicates,
    a_node_that_hangs_goes_down_and_comes_back_without_ghosts,
}

/// Twice what is promised for a machine that has nothing else to do.
const SOON_AFTER_DEATH: Duration = Duration::from_secs(10);

/// Less than the silence after which a node counts as dead.
const AT_ONCE: Duration = Duration::from_secs(3);

async fn a_user_of_one_node_is_listed_on_all(engine: Engine) {
    let cluster = Cluster::new(engine).await;
    let [a, b, c] = cluster.three().await;
    let alice = Person::join(&a, "alice").await;
    let bob = Person::join(&b, "bob").await;
    let nodes = [&a, &b, &c];
    all_agree(&nodes, &[&alice, &bob], &["alice", "bob"]).await;
    let carl = Person::join(&c, "carl").await;
    let persons = [&alice, &bob, &carl];
    all_agree(&nodes, &persons, &["alice", "bob", "carl"]).await;
    drop(bob);
    all_agree(&nodes, &[&alice, &carl], &["alice", "carl"]).await;
}

async fn the_users_of_a_node_that_is_killed_leave_the_others(engine: Engine) {
    let cluster = Cluster::new(engine).await;
    let [a, b, c] = cluster.three().await;
    let _alice = Person::join(&a, "alice").await;
    let bob = Person::join(&b, "bob").await;
    lists(&b, &["alice", "bob"]).await;
    lists(&c, &["alice", "bob"]).await;
    a.kill();
    let took = lists(&b, &["bob"]).await;
    assert!(took < SOON_AFTER_DEATH, "{took:?}");
    all_agree(&[&b, &c], &[&bob], &["bob"]).await;
}

async fn the_users_of_a_node_that_is_stopped_leave_the_others_at_once(engine: Engine) {
    let cluster = Cluster::new(engine).await;
    let [mut a, b, c] = cluster.three().await;
    let _alice = Person::join(&a, "alice").await;
    let bob = Person::join(&b, "bob").await;
    lists(&b, &["alice", "bob"]).await;
    lists(&c, &["alice", "bob"]).await;
    a.signal("TERM");
    let took = lists(&b, &["bob"]).await;
    assert!(took < AT_ONCE, "{took:?}");
    assert_eq!(a.ended().await, Some(0));
    all_agree(&[&b, &c], &[&bob], &["bob"]).await;
    // It said goodbye: nobody waits for it.
    know_each_other(&[&b, &c]).await;
}

async fn a_node_that_was_killed_comes_back_without_ghosts_or_duplicates(engine: Engine) {
    let cluster = Cluster::new(engine).await;
    let [a, b, c] = cluster.three().await;
    let _ghost = Person::join(&a, "ghost").await;
    let _alice = Person::join(&a, "alice").await;
    let bob = Person::join(&b, "bob").await;
    lists(&c, &["alice", "bob", "ghost"]).await;
    let address = a.for_nodes.clone().unwrap_or_default();
    a.kill();
    let a = cluster.node_at("a", &address, &[&b]).await;
    let alice = Person::join(&a, "alice").await;
    let persons = [&alice, &bob];
    all_agree(&[&a, &b, &c], &persons, &["alice", "bob"]).await;
    assert_eq!(bob.knows().devices("alice"), 1);
    know_each_other(&[&a, &b, &c]).await;
}

async fn a_node_that_hangs_goes_down_and_comes_back_without_ghosts(engine: Engine) {
    let cluster = Cluster::new(engine).await;
    let [a, b, c] = cluster.three().await;
    let alice = Person::join(&a, "alice").await;
    let ghost = Person::join(&a, "ghost").await;
    let bob = Person::join(&b, "bob").await;
    all_agree(&[&a, &b, &c], &[&alice, &bob], &["alice", "bob", "ghost"]).await;
    a.signal("STOP");
    for node in [&b, &c] {
        lists(node, &["bob"]).await;
    }
    // Life goes on, and the hanging node learns of it later.
    drop(ghost);
    let carl = Person::join(&c, "carl").await;
    lists(&b, &["bob", "carl"]).await;
    a.signal("CONT");
    let persons = [&alice, &bob, &carl];
    all_agree(&[&a, &b, &c], &persons, &["alice", "bob", "carl"]).await;
}

#[tokio::test]
async fn a_cluster_survives_its_seed_and_takes_new_nodes_through_others() {
    let cluster = Cluster::new(Engine::Zenoh).await;
    let [seed, b, c] = cluster.three().await;
    let bob = Person::join(&b, "bob").await;
    seed.kill();
    let carl = Person::join(&c, "carl").await;
    all_agree(&[&b, &c], &[&bob, &carl], &["bob", "carl"]).await;
    let d = cluster.node("d", &[&b]).await;
    let dora = Person::join(&d, "dora").await;
    let persons = [&bob, &carl, &dora];
    all_agree(&[&b, &c, &d], &persons, &["bob", "carl", "dora"]).await;
}

#[tokio::test]
async fn a_cluster_is_together_again_after_its_nats_server_was_started_again() {
    let mut cluster = Cluster::new(Engine::Nats).await;
    let [a, b, c] = cluster.three().await;
    let alice = Person::join(&a, "alice").await;
    let bob = Person::join(&b, "bob").await;
    all_agree(&[&a, &b, &c], &[&alice, &bob], &["alice", "bob"]).await;
    let broker = cluster.broker.as_mut().unwrap();
    broker.kill();
    lists(&a, &["alice"]).await;
    lists(&b, &["bob"]).await;
    let carl = Person::join(&c, "carl").await;
    broker.restart().await;
    let persons = [&alice, &bob, &carl];
    all_agree(&[&a, &b, &c], &persons, &["alice", "bob", "carl"]).await;
}
