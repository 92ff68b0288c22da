//! Who is subscribed to which topic on this node, and the fan-out to them.
//!
//! A broadcast is encoded at most once per serializer, whatever the number of subscribers, and put as
//! shared bytes into the queue of each subscriber's connection. Subscribers of a topic get its broadcasts
//! in one and the same order. Topics do not wait for each other: each has a lock of its own, and the map
//! of topics is sharded and locked only for the look-up.
//!
//! Nothing in here crosses to other nodes, and nothing waits: a subscriber that cannot keep up is its
//! connection's problem (see [`Limits::max_queue_bytes`](crate::Limits)).

mod encoded;
mod pubsub;
mod subscription;
mod topic;

pub use pubsub::PubSub;
pub use subscription::{Broadcast, Subscription};

pub(crate) use topic::Subscriber;
