//! Small clusters, explored exhaustively: every order in which replicas can act and messages arrive,
//! each any number of times or never.
//!
//! In every state that can be reached it is checked that nothing is announced that is not listed, that
//! what is listed of a replica is what it had at some time (and no older than what was listed before),
//! and that everything would come out right if the network behaved from then on.
//!
//! With more heartbeats, which takes some ten minutes on two cores:
//!
//! ```text
//! HERENOW_CHECK=large cargo test --release -p herenow-core --test replica_check -- --nocapture
//! ```

mod model;

use model::{Cluster, Op};
use stateright::{Checker, Model};
use std::time::Instant;

/// Explores a cluster completely and checks all its properties.
fn explore(name: &str, cluster: Cluster) {
    let started = Instant::now();
    let checker = cluster.checker().spawn_bfs().join();
    println!(
        "{name}: {} states, {} different ones, to a depth of {}, in {:?}",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        started.elapsed()
    );
    checker.assert_properties();
    assert!(checker.is_done());
}

/// The heartbeats to explore: those for every day, or those for those who have the time.
fn heartbeats(small: &[u64], large: &[u64]) -> Vec<u64> {
    let is_large = std::env::var("HERENOW_CHECK").is_ok_and(|wanted| wanted == "large");
    if is_large { large } else { small }.to_vec()
}

#[test]
fn a_presence_comes_changes_and_goes() {
    explore(
        "come, change, go",
        Cluster {
            scripts: vec![vec![Op::Come(1), Op::Change(1), Op::Go(1)], vec![]],
            heartbeats: heartbeats(&[1, 0], &[2, 1]),
            have_met: true,
        },
    );
}

#[test]
fn of_two_presences_one_goes() {
    explore(
        "two presences",
        Cluster {
            scripts: vec![vec![Op::Come(1), Op::Come(2), Op::Go(1)], vec![]],
            heartbeats: heartbeats(&[0, 1], &[1, 0]),
            have_met: true,
        },
    );
}

#[test]
fn two_replicas_act_at_once() {
    let scripts = vec![
        vec![Op::Come(1), Op::Change(1)],
        vec![Op::Come(1), Op::Go(1)],
    ];
    explore(
        "both act",
        Cluster {
            scripts,
            heartbeats: heartbeats(&[0, 0], &[1, 0]),
            have_met: true,
        },
    );
}

#[test]
fn two_replicas_meet() {
    explore(
        "meet",
        Cluster {
            scripts: vec![vec![Op::Come(1)], vec![]],
            heartbeats: heartbeats(&[2, 1], &[2, 2]),
            have_met: false,
        },
    );
}

#[test]
fn a_replica_restarts() {
    explore(
        "restart",
        Cluster {
            scripts: vec![vec![Op::Come(1), Op::Restart, Op::Come(2)], vec![]],
            heartbeats: heartbeats(&[1, 1], &[2, 2]),
            have_met: true,
        },
    );
}

#[test]
fn a_replica_is_taken_for_dead_and_returns_with_less() {
    explore(
        "down and up",
        Cluster {
            scripts: vec![vec![Op::Come(1), Op::Go(1)], vec![]],
            heartbeats: heartbeats(&[0, 3], &[2, 3]),
            have_met: true,
        },
    );
}

#[test]
fn three_replicas_know_two_presences() {
    explore(
        "three",
        Cluster {
            scripts: vec![vec![Op::Come(1), Op::Come(2)], vec![], vec![]],
            heartbeats: heartbeats(&[0, 0, 0], &[1, 0, 0]),
            have_met: true,
        },
    );
}

#[test]
fn one_of_three_replicas_restarts() {
    explore(
        "three, restart",
        Cluster {
            scripts: vec![vec![Op::Come(1), Op::Restart, Op::Come(2)], vec![], vec![]],
            heartbeats: heartbeats(&[0, 1, 0], &[0, 1, 1]),
            have_met: true,
        },
    );
}
