//! The cluster's bus as its users see it: one contract that every engine keeps, and what each engine
//! promises besides. The engines that are compiled in are tested, on loopback addresses.

#[cfg(any(feature = "nats", feature = "zenoh"))]
mod certificates;
mod contract;
mod local;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "nats")]
mod nats_server;
mod support;
#[cfg(feature = "zenoh")]
mod zenoh;
