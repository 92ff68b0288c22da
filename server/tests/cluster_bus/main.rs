//! The cluster's bus as its users see it: one contract that every engine keeps, and what each engine
//! promises besides. The engines that are compiled in are tested, on loopback addresses.

mod contract;
mod local;
mod support;
