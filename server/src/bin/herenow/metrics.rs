//! `GET /metrics`: what the server has to do and has done, as Prometheus reads it.

mod cluster;

use std::fmt::Write;

use herenow::cluster::Cluster;
use herenow::{Endpoint, Presence};
use http::header::CONTENT_TYPE;
use tokio::runtime::Handle;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

/// The text format of Prometheus.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves the metrics of these.
pub(crate) fn routes(
    endpoint: Endpoint,
    presence: Presence,
    cluster: Option<Cluster>,
) -> BoxedFilter<(Response,)> {
    warp::path!("metrics")
        .and(warp::get())
        .map(move || {
            let mut text = exposition(&endpoint, &presence);
            if let Some(cluster) = &cluster {
                cluster::write(&mut text, &cluster.status());
            }
            let text = text.0;
            warp::reply::with_header(text, CONTENT_TYPE, TEXT_FORMAT).into_response()
        })
        .boxed()
}

fn exposition(endpoint: &Endpoint, presence: &Presence) -> Exposition {
    let (sockets, presences) = (endpoint.stats(), presence.stats());
    let mut text = Exposition::default();
    text.gauge("connections", "Connections open now.", sockets.connections);
    text.gauge(
        "longpoll_sessions",
        "Connections by long poll, with those just being opened.",
        sockets.longpoll_sessions,
    );
    text.gauge("channels", "Channels joined now.", sockets.channels);
    text.gauge(
        "topics",
        "Topics in which somebody is present.",
        count(presences.topics),
    );
    text.gauge(
        "users",
        "Users present, counted once in each topic.",
        count(presences.keys),
    );
    text.gauge(
        "presences",
        "Presences: users by topic and connection, with those of other nodes as far as they are here.",
        count(presences.presences),
    );
    text.gauge(
        "own_presences",
        "Presences of this node's own connections.",
        count(presences.own_presences),
    );
    text.gauge(
        "tasks",
        "Tasks of the runtime that have not ended, of which each connection is one.",
        count(Handle::current().metrics().num_alive_tasks()),
    );
    text.counter(
        "connections_total",
        "Connections opened.",
        sockets.connections_total,
    );
    text.counter(
        "messages_received_total",
        "Messages received.",
        sockets.frames_in,
    );
    text.counter("messages_sent_total", "Messages sent.", sockets.frames_out);
    text.counter(
        "received_bytes_total",
        "Bytes of messages received.",
        sockets.bytes_in,
    );
    text.counter(
        "sent_bytes_total",
        "Bytes of messages sent.",
        sockets.bytes_out,
    );
    text.counter(
        "presence_diffs_total",
        "Presence diffs broadcast, each counted once whatever the number of its readers.",
        presences.diffs,
    );
    text.counter(
        "resyncs_total",
        "Slow readers whose presence diffs were dropped for one fresh list.",
        sockets.resyncs,
    );
    text.counter(
        "dropped_diffs_total",
        "Presence diffs dropped for slow readers, each counted once for each reader.",
        sockets.dropped_diffs,
    );
    text
}

#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, help, "gauge", [(String::new(), value)]);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, help, "counter", [(String::new(), value)]);
    }

    /// Values told apart by a label, `name="value"`.
    fn gauges(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (String, u64)>) {
        self.family(name, help, "gauge", values);
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (String, u64)>,
    ) {
        self.family(name, help, "counter", values);
    }

    fn family(
        &mut self,
        name: &str,
        help: &str,
        kind: &str,
        values: impl IntoIterator<Item = (String, u64)>,
    ) {
        let name = format_args!("herenow_{name}");
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (label, value) in values {
            let _ = match label.is_empty() {
                true => writeln!(self.0, "{name} {value}"),
                false => writeln!(self.0, "{name}{{{label}}} {value}"),
            };
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
