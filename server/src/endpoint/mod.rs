//! An endpoint: sockets at a path, with channels behind them.
//!
//! [`Endpoint::builder`] puts together what clients meet: who may connect, which channel serves which
//! topic, and the limits. [`Endpoint::routes`] is then a filter to mount in any warp application. The
//! endpoint has no listener, no TLS and no paths but its own.

mod builder;
mod connect;
mod door;
mod limits;
mod longpoll;
mod params;
mod routes;
mod websocket;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

pub use builder::EndpointBuilder;
pub use connect::{ConnectRequest, ConnectResult, Connected, Refused};
pub use limits::Limits;

use crate::channel::IntoPayload;
use crate::socket::{Close, Context, Stats};
use crate::topics::PubSub;

/// Sockets and their channels. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct Endpoint {
    context: Arc<Context>,
    door: Arc<door::Door>,
}

impl Endpoint {
    /// Starts to put an endpoint together.
    pub fn builder(pubsub: &PubSub) -> EndpointBuilder {
        EndpointBuilder::new(pubsub)
    }

    /// The filter that serves `{path}/websocket` and, unless it is
    /// [turned off](EndpointBuilder::longpoll), `{path}/longpoll`. `path` has no slash at its ends; it may
    /// have some within.
    ///
    /// It answers every request to its paths and rejects all others, so it can be combined with `or`.
    ///
    /// The [`Limits`] hold from the moment when a request is there. For its head `warp::serve` waits as long
    /// as the client likes: where strangers connect, serve with hyper's `header_read_timeout`, as the binary
    /// does, or behind a proxy that has such a limit.
    ///
    /// # Long poll
    ///
    /// The answers are Phoenix's, status codes within a JSON body included. Beyond them:
    ///
    /// * Over [`max_longpoll_sessions`](Limits::max_longpoll_sessions) or
    ///   [`max_connections`](Limits::max_connections), or while the endpoint shuts down, a
    ///   client that connects is answered with HTTP status 503 and `{"status":500}`, upon which phoenix.js
    ///   tries again later.
    /// * A body or a message over its limit is answered with `{"status":413}`, one that cannot be read with
    ///   `{"status":400}`. Neither ends the session, and nothing of the body is handled.
    /// * Every answer with messages has a new token, and a client that shows an older one gets the messages
    ///   after it again: those of an answer that was lost. The older token is good for all else, so a client
    ///   that keeps to its first token is served too, as in Phoenix, without that safety.
    /// * Binary messages to the client are dropped, with a warning at the first. Phoenix does not support
    ///   them either; from the client to the server they work.
    ///
    /// A session lives in the memory of one node. Where several nodes share an address, whatever
    /// distributes the requests has to send those of one client to the same node.
    pub fn routes(&self, path: &str) -> warp::filters::BoxedFilter<(warp::reply::Response,)> {
        routes::filter(&self.context, &self.door, path)
    }

    /// Sends an event to all who have joined a topic, on all nodes.
    ///
    /// # Panics
    /// If the payload [cannot be written as JSON](IntoPayload::into_payload).
    pub fn broadcast(&self, topic: &str, event: &str, payload: impl IntoPayload) {
        self.context.pubsub.broadcast(topic, event, payload);
    }

    /// Sends an event to all who have joined a topic on this node.
    ///
    /// # Panics
    /// As [`broadcast`](Self::broadcast).
    pub fn local_broadcast(&self, topic: &str, event: &str, payload: impl IntoPayload) {
        self.context.pubsub.local_broadcast(topic, event, payload);
    }

    /// Closes all connections whose socket has this [id](Connected::id), on all nodes,
    /// WebSockets with code 1001: their clients reconnect, and [`EndpointBuilder::connect`] decides anew.
    pub fn disconnect(&self, socket_id: &str) {
        self.context.pubsub.disconnect(socket_id);
    }

    /// What the endpoint has to do and has done.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.context.stats()
    }

    /// Takes no more connections and closes those it has, WebSockets with code 1012, in batches. Returns
    /// when all are closed and their channels have ended, or after `grace`.
    pub async fn shutdown(&self, grace: Duration) {
        let Limits {
            drain_batch,
            drain_interval,
            ..
        } = self.context.limits;
        let drain = async {
            let open = self.context.connections.refuse();
            for (index, batch) in open.chunks(drain_batch.max(1)).enumerate() {
                if index > 0 {
                    tokio::time::sleep(drain_interval).await;
                }
                for connection in batch {
                    connection.close(Close::DRAINED);
                }
            }
            drop(open);
            self.context.connections.all_closed().await;
        };
        if timeout(grace, drain).await.is_err() {
            let left = self.stats().connections;
            tracing::warn!(
                left,
                "shutdown: connections were still open after the grace period"
            );
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}
