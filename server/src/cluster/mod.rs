//! Several nodes that act as one: what carries the presences of a node to the others.
//!
//! * [`bus`] moves bytes between nodes. It knows neither presences nor who is alive.

pub mod bus;
