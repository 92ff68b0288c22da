//! Where the load goes: a socket's URL, looked up once, and refused if it is somebody else's machine.

use std::net::SocketAddr;

use http::Uri;
use tokio::net::lookup_host;

use crate::error::Error;

/// Phoenix's customary path of a socket.
const DEFAULT_PATH: &str = "/socket";

/// What Phoenix appends to the socket's path for this transport.
const TRANSPORT: &str = "/websocket";

/// A server's socket.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// As it was given.
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    /// `HOST:PORT`, as a request names it.
    pub(crate) authority: String,
    /// Path of the WebSocket, and what query the URL had.
    path: String,
    query: Option<String>,
}

impl Target {
    /// Looks a URL up. Everything later goes to the address that was checked here, so that no second
    /// look-up can lead elsewhere.
    pub(crate) async fn resolve(url: &str, allow_remote: bool) -> Result<Self, Error> {
        let parts = Parts::read(url)?;
        let found = lookup_host(&parts.host_and_port).await;
        let addresses: Vec<_> = found
            .map_err(|error| Error::settings(format!("{url}: the host is not known ({error})")))?
            .collect();
        if let Some(remote) = addresses.iter().find(|address| !address.ip().is_loopback())
            && !allow_remote
        {
            return Err(Error::settings(format!(
                "{url} is not on this machine ({}); load on somebody else's server is an attack. If it \
                 is yours, say so with --allow-remote",
                remote.ip()
            )));
        }
        let address = addresses.first().copied();
        let address =
            address.ok_or_else(|| Error::settings(format!("{url}: the host has no address")))?;
        Ok(Self {
            url: url.to_owned(),
            address,
            authority: parts.host_and_port,
            path: parts.path,
            query: parts.query,
        })
    }

    /// Path and query to connect with.
    pub(crate) fn path_and_query(&self, query: &str) -> String {
        match &self.query {
            Some(own) => format!("{}?{own}&{query}", self.path),
            None => format!("{}?{query}", self.path),
        }
    }
}

struct Parts {
    host_and_port: String,
    path: String,
    query: Option<String>,
}

impl Parts {
    fn read(url: &str) -> Result<Self, Error> {
        let example = "give a URL like http://127.0.0.1:4000 or ws://localhost:4000/socket";
        let uri: Uri = url
            .parse()
            .map_err(|error| Error::settings(format!("{url:?}: {error}; {example}")))?;
        match uri.scheme_str() {
            Some("http" | "ws") => {}
            Some("https" | "wss") => {
                return Err(Error::settings(format!(
                    "{url}: TLS is not spoken here; name the server's own port, behind what ends TLS"
                )));
            }
            _ => return Err(Error::settings(format!("{url:?}: {example}"))),
        }
        let host = uri.host().unwrap_or_default();
        let path = match uri.path().trim_end_matches('/') {
            "" => DEFAULT_PATH,
            path => path.strip_suffix(TRANSPORT).unwrap_or(path),
        };
        Ok(Self {
            host_and_port: format!("{host}:{}", uri.port_u16().unwrap_or(80)),
            path: format!("{path}{TRANSPORT}"),
            query: uri.query().map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn path(url: &str) -> String {
        let target = Target::resolve(url, false).await.unwrap();
        target.path_and_query("vsn=2.0.0")
    }

    #[tokio::test]
    async fn the_path_is_the_sockets_with_or_without_its_transport() {
        let default = "/socket/websocket?vsn=2.0.0";
        assert_eq!(path("http://127.0.0.1:4000").await, default);
        assert_eq!(path("ws://127.0.0.1:4000/").await, default);
        assert_eq!(path("ws://127.0.0.1:4000/socket/websocket").await, default);
        assert_eq!(
            path("ws://127.0.0.1:1/live/?token=a").await,
            "/live/websocket?token=a&vsn=2.0.0"
        );
    }

    #[tokio::test]
    async fn other_machines_are_refused_unless_allowed() {
        for url in ["http://192.0.2.1:4000", "ws://[2001:db8::1]:4000"] {
            let refused = Target::resolve(url, false).await.unwrap_err().to_string();
            assert!(refused.contains("--allow-remote"), "{refused}");
            assert!(Target::resolve(url, true).await.is_ok(), "{url}");
        }
        for url in ["http://127.0.0.9:4000", "ws://[::1]:4000"] {
            assert!(Target::resolve(url, false).await.is_ok(), "{url}");
        }
    }

    #[tokio::test]
    async fn what_is_no_url_of_a_plain_socket_is_refused_with_the_remedy() {
        for (url, remedy) in [
            ("wss://127.0.0.1:4000", "behind what ends TLS"),
            ("127.0.0.1:4000", "http://127.0.0.1:4000"),
            ("ftp://127.0.0.1", "http://127.0.0.1:4000"),
            ("http://", "http://127.0.0.1:4000"),
        ] {
            let refused = Target::resolve(url, true).await.unwrap_err().to_string();
            assert!(refused.contains(remedy), "{url}: {refused}");
        }
    }
}
