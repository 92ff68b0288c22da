//! A server in this process, on a free port.

use std::time::Duration;

use herenow::{
    Channel, ConnectRequest, Connected, Endpoint, Limits, Presence, PresenceBuilder, PubSub,
    RoomChannel, UserId,
};
use tokio::net::TcpListener;

pub(crate) struct Host {
    /// Where it listens: `127.0.0.1:PORT`.
    pub(crate) address: String,
    pub(crate) pubsub: PubSub,
    pub(crate) presence: Presence,
    pub(crate) endpoint: Endpoint,
}

impl Host {
    /// Serves `room:*` with the built-in channel. The user is the param `user_id`; `user:ID` is the
    /// socket's id.
    pub(crate) async fn rooms(build: impl FnOnce(PresenceBuilder) -> PresenceBuilder) -> Self {
        Self::start(build, RoomChannel::new).await
    }

    /// As [`rooms`](Self::rooms), with other limits and without a window.
    pub(crate) async fn rooms_within(limits: Limits) -> Self {
        let build = |presence: PresenceBuilder| presence.window(Duration::ZERO);
        Self::start_within(limits, build, RoomChannel::new).await
    }

    /// Serves `room:*` with channels that `channel` makes.
    pub(crate) async fn start<C: Channel>(
        build: impl FnOnce(PresenceBuilder) -> PresenceBuilder,
        channel: impl Fn(Presence) -> C + Send + Sync + 'static,
    ) -> Self {
        Self::start_within(Limits::default(), build, channel).await
    }

    async fn start_within<C: Channel>(
        limits: Limits,
        build: impl FnOnce(PresenceBuilder) -> PresenceBuilder,
        channel: impl Fn(Presence) -> C + Send + Sync + 'static,
    ) -> Self {
        let pubsub = PubSub::new();
        let presence = build(Presence::builder(&pubsub)).start();
        let for_channels = presence.clone();
        let endpoint = Endpoint::builder(&pubsub)
            .connect(|request: ConnectRequest| async move {
                let user = request.params.get("user_id").and_then(|user| user.as_str());
                Ok(match user {
                    Some(user) => Connected::new()
                        .id(format!("user:{user}"))
                        .assign(UserId(user.to_owned())),
                    None => Connected::new(),
                })
            })
            .channel("room:*", move || channel(for_channels.clone()))
            .limits(limits)
            .build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(
            warp::serve(endpoint.routes("socket"))
                .incoming(listener)
                .run(),
        );
        Self {
            address,
            pubsub,
            presence,
            endpoint,
        }
    }
}
