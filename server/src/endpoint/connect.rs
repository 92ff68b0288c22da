use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use http::{Extensions, HeaderMap, StatusCode, Uri};

/// What a client brings when it connects.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectRequest {
    /// The query parameters, nested as in Plug: `a[b]=c` is `{"a": {"b": "c"}}`. phoenix.js puts a
    /// socket's `params` here.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// The token that phoenix.js (from 1.8) sends as `authToken`.
    pub auth_token: Option<String>,
    /// The headers, without the protocols that carry the token.
    pub headers: HeaderMap,
    /// The address of the other end of the TCP connection: of the proxy, if there is one.
    pub peer: Option<SocketAddr>,
    /// The path and query.
    pub uri: Uri,
}

/// A connection that is welcome.
#[derive(Clone, Debug, Default)]
pub struct Connected {
    pub(crate) id: Option<Box<str>>,
    pub(crate) assigns: Extensions,
}

impl Connected {
    /// Welcome, with no id and nothing assigned.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the socket an id, by which [`Endpoint::disconnect`](crate::Endpoint::disconnect) finds all
    /// connections of, say, one user: `"users_socket:42"`.
    #[must_use]
    pub fn id(mut self, id: impl Into<Box<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Stores a value for all channels of the connection: see [`Assigns`](crate::Assigns).
    #[must_use]
    pub fn assign<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.assigns.insert(value);
        self
    }
}

/// A connection that is refused: the HTTP status of the answer, 403 by default as in Phoenix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub(crate) StatusCode);

impl Refused {
    /// Refused with 403.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refused with another status.
    #[must_use]
    pub fn with_status(status: StatusCode) -> Self {
        Self(status)
    }
}

impl Default for Refused {
    fn default() -> Self {
        Self(StatusCode::FORBIDDEN)
    }
}

/// What the application's connect function answers.
pub type ConnectResult = Result<Connected, Refused>;

pub(super) type Connect = Box<dyn Fn(ConnectRequest) -> Connecting + Send + Sync>;

pub(super) type Connecting = Pin<Box<dyn Future<Output = ConnectResult> + Send>>;
