//! The server that is put under load.

use herenow::{Channel, Connected, Endpoint, Presence, PubSub, RoomChannel, UserId};
use herenow_load::{Options, Summary};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::crowd::CrowdChannel;

/// A running server in this process.
pub(crate) struct Host {
    pub(crate) url: String,
    pub(crate) endpoint: Endpoint,
}

impl Host {
    /// With the channel of the binary.
    pub(crate) async fn start() -> Self {
        Self::start_with(RoomChannel::new).await
    }

    /// With the channel of the example `crowd`.
    pub(crate) async fn start_with_crowds() -> Self {
        Self::start_with(CrowdChannel).await
    }

    /// With channels that this function makes.
    pub(crate) async fn start_with<C: Channel>(
        channel: impl Fn(Presence) -> C + Send + Sync + 'static,
    ) -> Self {
        let pubsub = PubSub::new();
        let presence = Presence::builder(&pubsub).start();
        let endpoint = Endpoint::builder(&pubsub).connect(|request| async move {
            Ok(
                match request.params.get("user_id").and_then(|id| id.as_str()) {
                    Some(user) => Connected::new().assign(UserId(user.to_owned())),
                    None => Connected::new(),
                },
            )
        });
        let endpoint = endpoint
            .channel("room:*", move || channel(presence.clone()))
            .build();
        let url = listen(&endpoint).await;
        Self { url, endpoint }
    }
}

/// Serves the endpoint at one more address, whose URL is returned.
pub(crate) async fn listen(endpoint: &Endpoint) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = warp::serve(endpoint.routes("socket")).incoming(listener);
    tokio::spawn(server.run());
    format!("http://{address}")
}

/// Options that report what this process uses.
pub(crate) fn options() -> Options {
    Options {
        server_pids: vec![std::process::id()],
        timeout: 60,
        ..Options::default()
    }
}

/// Checks that so many latencies were recorded, and that they can be true.
#[track_caller]
pub(crate) fn assert_plausible(latencies: &Summary, count: u64) {
    assert_eq!(latencies.count, count, "{latencies:?}");
    let Summary {
        min,
        mean,
        p50,
        p90,
        p99,
        p999,
        max,
        ..
    } = *latencies;
    assert!(min > 0.0 && min <= mean && mean <= max, "{latencies:?}");
    assert!([min, p50, p90, p99, p999, max].is_sorted(), "{latencies:?}");
    assert!(max < 60_000.0, "{latencies:?}");
}

/// The report as whoever reads the line sees it.
pub(crate) fn json(line: impl ToString) -> Value {
    let line = line.to_string();
    assert!(!line.contains('\n'), "{line}");
    serde_json::from_str(&line).unwrap()
}
