use std::future::Future;
use std::sync::Arc;

use super::connect::{Connect, ConnectRequest, ConnectResult, Connected};
use super::door::{Door, OriginRule};
use super::{Endpoint, Limits};
use crate::auth::origin::{CheckOrigin, Origin};
use crate::channel::{Channel, Routes};
use crate::socket::longpoll::LongPolls;
use crate::socket::{Connections, Context, Counters};
use crate::topics::PubSub;

/// Puts an [`Endpoint`] together.
#[must_use]
pub struct EndpointBuilder {
    pubsub: PubSub,
    routes: Routes,
    limits: Limits,
    connect: Connect,
    origins: OriginRule,
    url: Option<Origin>,
    longpoll: bool,
}

impl EndpointBuilder {
    pub(super) fn new(pubsub: &PubSub) -> Self {
        Self {
            pubsub: pubsub.clone(),
            routes: Routes::default(),
            limits: Limits::default(),
            connect: Box::new(|_| Box::pin(async { Ok(Connected::new()) })),
            origins: OriginRule::SameHost,
            url: None,
            longpoll: true,
        }
    }

    /// Decides who may connect. Without it everybody may.
    ///
    /// ```
    /// use herenow::{ConnectRequest, Connected, Endpoint, PubSub, Refused};
    ///
    /// #[derive(Clone)]
    /// struct UserId(String);
    ///
    /// let pubsub = PubSub::new();
    /// let endpoint = Endpoint::builder(&pubsub)
    ///     .connect(|request: ConnectRequest| async move {
    ///         let user = request.params.get("user_id").and_then(|id| id.as_str());
    ///         let user = UserId(user.ok_or(Refused::new())?.to_owned());
    ///         Ok(Connected::new().id(format!("user:{}", user.0)).assign(user))
    ///     })
    ///     .build();
    /// ```
    pub fn connect<F, Fut>(mut self, connect: F) -> Self
    where
        F: Fn(ConnectRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ConnectResult> + Send + 'static,
    {
        self.connect = Box::new(move |request| Box::pin(connect(request)));
        self
    }

    /// Has the topics of a pattern served by a type of channel; `make` makes one for every join. A pattern
    /// is a topic (`room:lobby`) or ends in `*` (`room:*`). The first one that matches is taken.
    ///
    /// # Panics
    /// If the pattern has a `*` elsewhere.
    pub fn channel<C, F>(mut self, pattern: &str, make: F) -> Self
    where
        C: Channel,
        F: Fn() -> C + Send + Sync + 'static,
    {
        self.routes.add(pattern, make);
        self
    }

    /// Which pages may open a socket. Without it those from the host at which the server was reached,
    /// whatever their scheme and port: Phoenix's default for an endpoint that has that host as its url.
    pub fn check_origin(mut self, check: CheckOrigin) -> Self {
        self.origins = OriginRule::Checked(check);
        self
    }

    /// Where clients find this server, if that is not what the requests' `Host` header says: behind a proxy
    /// that ends TLS or changes the host. Only the check of origins needs it.
    pub fn url(mut self, url: Origin) -> Self {
        self.url = Some(url);
        self
    }

    /// Whether clients whose network lets no WebSocket through may connect by long poll. Without it they
    /// may; Phoenix has to be told. Where it is off, its path is left to others.
    pub fn longpoll(mut self, is_served: bool) -> Self {
        self.longpoll = is_served;
        self
    }

    /// Replaces the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The endpoint. It does nothing until its [routes](Endpoint::routes) are served.
    #[must_use]
    pub fn build(self) -> Endpoint {
        let context = Context {
            pubsub: self.pubsub,
            routes: self.routes,
            limits: self.limits,
            counters: Counters::default(),
            connections: Connections::default(),
            longpolls: LongPolls::new(),
        };
        let door = Door {
            connect: self.connect,
            origins: self.origins,
            url: self.url,
            longpoll: self.longpoll,
        };
        Endpoint {
            context: Arc::new(context),
            door: Arc::new(door),
        }
    }
}
