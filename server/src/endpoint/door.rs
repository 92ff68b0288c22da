//! Who may open a socket: what is decided before there is a connection, whatever the transport.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use herenow_core::protocol::Vsn;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::connect::{Connect, ConnectRequest, Connected, Refused};
use crate::auth::origin::{CheckOrigin, Origin};

pub(super) struct Door {
    pub(super) connect: Connect,
    pub(super) origins: OriginRule,
    pub(super) url: Option<Origin>,
    /// Whether clients may connect by long poll.
    pub(super) longpoll: bool,
}

pub(super) enum OriginRule {
    /// The page's host is the one at which the server was reached.
    SameHost,
    Checked(CheckOrigin),
}

/// A client that is not let in: the HTTP status, and for people a text that may be empty.
pub(super) struct Refusal(pub(super) StatusCode, pub(super) &'static str);

impl Door {
    pub(super) async fn connect(&self, request: ConnectRequest) -> Result<Connected, Refusal> {
        // Within an async block, so that a panic of the function itself is caught as well.
        let connecting = AssertUnwindSafe(async { (self.connect)(request).await });
        match connecting.catch_unwind().await {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(Refused(status))) => {
                tracing::debug!(%status, "the application refused a connection");
                Err(Refusal(status, ""))
            }
            Err(_) => {
                tracing::error!("the application's connect function panicked");
                Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, ""))
            }
        }
    }

    pub(super) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(origin) = headers.get(ORIGIN) else {
            return Ok(());
        };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let own = match (&self.url, host) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(host)) => Origin::new("http", host).ok(),
            (None, None) => None,
        };
        let origin = origin.to_str().unwrap_or_default();
        let is_allowed = own.is_some_and(|own| self.origins.allow(origin, &own));
        if is_allowed {
            return Ok(());
        }
        tracing::warn!(
            origin,
            ?host,
            "refused a page of another origin: see EndpointBuilder::check_origin (--check-origin)"
        );
        Err(Refusal(StatusCode::FORBIDDEN, ""))
    }
}

impl OriginRule {
    fn allow(&self, origin: &str, own: &Origin) -> bool {
        match self {
            Self::Checked(check) => check.allows(Some(origin), own),
            Self::SameHost => {
                let origin: Result<Origin, _> = origin.parse();
                origin.is_ok_and(|origin| origin.host() == own.host())
            }
        }
    }
}

/// Which serializer a client asks for with its parameter `vsn`.
pub(super) fn negotiate(vsn: Option<&Value>) -> Result<Vsn, Refusal> {
    let vsn = match vsn {
        None => Ok(None),
        Some(Value::String(vsn)) => Ok(Some(vsn.as_str())),
        Some(_) => Err(()),
    };
    vsn.and_then(|vsn| Vsn::negotiate(vsn).map_err(|_| ()))
        .map_err(|()| {
            tracing::debug!("refused a client that asks for an unknown vsn");
            Refusal(StatusCode::FORBIDDEN, "")
        })
}
