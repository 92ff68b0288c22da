//! Who is subscribed to which topic on this node, and the fan-out to them.
//!
//! A broadcast is encoded at most once per serializer, whatever the number of subscribers, and put as
//! shared bytes into the queue of each subscriber's connection. Subscribers of a topic get its broadcasts
//! in one and the same order. Topics do not wait for each other: each has a lock of its own, and the map
//! of topics is sharded and locked only for the look-up.
//!
//! Nothing in here waits: a subscriber that cannot keep up is its connection's problem (see
//! [`Limits::max_queue_bytes`](crate::Limits)). Other nodes are somebody else's task as well: they are
//! told through [`Remote`] what is broadcast here and which topics are read here.

mod encoded;
mod pubsub;
mod remote;
mod subscription;
mod topic;

pub use pubsub::PubSub;
pub use subscription::{Broadcast, Subscription};

pub(crate) use remote::Remote;
pub(crate) use topic::{DISCONNECT, Subscriber};
