//! `GET /metrics`: what the server has to do and has done, as Prometheus reads it.

use std::fmt::Write;

use herenow::{Endpoint, Presence};
use http::header::CONTENT_TYPE;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

/// The text format of Prometheus.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves the metrics of these two.
pub(crate) fn routes(endpoint: Endpoint, presence: Presence) -> BoxedFilter<(Response,)> {
    warp::path!("metrics")
        .and(warp::get())
        .map(move || {
            let text = exposition(&endpoint, &presence);
            warp::reply::with_header(text, CONTENT_TYPE, TEXT_FORMAT).into_response()
        })
        .boxed()
}

fn exposition(endpoint: &Endpoint, presence: &Presence) -> String {
    let (sockets, presences) = (endpoint.stats(), presence.stats());
    let mut text = Exposition::default();
    text.gauge("connections", "Connections open now.", sockets.connections);
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
        "Presences: users by topic and connection.",
        count(presences.presences),
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
    text.0
}

#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.metric(name, help, "gauge", value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.metric(name, help, "counter", value);
    }

    fn metric(&mut self, name: &str, help: &str, kind: &str, value: u64) {
        let name = format_args!("herenow_{name}");
        // Writing to a string does not fail.
        let _ = write!(
            self.0,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
        );
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
