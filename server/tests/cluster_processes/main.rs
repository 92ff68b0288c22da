//! Clusters of real processes, once with zenoh and once with NATS (whose server the tests start):
//! nodes that die, leave, hang and come back, on loopback addresses; and networks that break, in network
//! namespaces that the tests make, for which they have to be root on Linux.

mod broadcasts;
#[path = "../presence_server/client.rs"]
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod client;
mod cluster;
mod deaths;
mod log;
mod names;
#[path = "../cluster_bus/nats_server.rs"]
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod nats_server;
#[cfg(target_os = "linux")]
mod netns;
mod node;
#[cfg(target_os = "linux")]
mod partitions;
#[path = "../presence_server/people.rs"]
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod people;
mod room;
mod strangers;
mod support;
