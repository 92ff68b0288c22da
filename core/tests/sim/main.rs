//! Clusters in a simulator: a virtual clock, a virtual network that does whatever networks do to
//! messages, and machines that crash, restart, hang and disagree about the time.
//!
//! `schedules` lets proptest drive random lives of a cluster and checks what must hold in each of them
//! (`laws`); a failure is shrunk to the shortest schedule that still fails. `cargo test` runs some
//! thousands, `cargo xtask sim 1000000` as many as one likes.
//!
//! `cost` measures what a cluster says to itself; `cargo xtask sim --cost` prints that for up to a hundred
//! nodes. `defects`, `properties`, `partial`, `names` and `limits` hold named scenarios.

#[path = "../replica_support/client.rs"]
mod client;
mod cost;
mod defects;
mod facts;
mod laws;
mod limits;
mod machine;
mod names;
mod network;
mod partial;
mod properties;
mod scenario;
mod schedule;
mod schedules;
mod witness;
mod world;
