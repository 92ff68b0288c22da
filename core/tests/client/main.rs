//! What the client's state machine promises, each rule as a property of its own. Time is a number that
//! the tests advance; nothing sleeps.

mod connecting;
mod driver;
mod heartbeats;
mod joining;
mod model;
mod page;
mod pushing;
mod receiving;
