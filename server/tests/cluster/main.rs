//! Nodes of one process that act as one cluster, over the local bus. Where no socket is needed the clock
//! is paused, so that minutes pass in no time.

mod broadcasts;
mod churn;
#[path = "../presence_server/client.rs"]
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod client;
mod failures;
mod interest;
mod joining;
mod node;
#[path = "../presence_server/people.rs"]
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod people;
mod replication;
mod sockets;
