//! Addresses of zenoh nodes as text: `tcp/host:port`.

use std::fmt;
use std::net::IpAddr;
#[cfg(any(feature = "zenoh", test))]
use std::net::SocketAddr;
use std::str::FromStr;

/// Where a zenoh node can be reached or listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Seed {
    /// Whether the link is TLS (`tls/`) or not (`tcp/`).
    pub(crate) tls: bool,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Seed {
    /// The same with another address in the place of the host.
    #[cfg(any(feature = "zenoh", test))]
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self {
            tls: self.tls,
            host: address.ip().to_string(),
            port: address.port(),
        }
    }

    /// The host if it is an address, and `None` if it is a name that must be resolved.
    #[cfg(any(feature = "zenoh", test))]
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "give tcp/ or tls/, a host and a port, like tcp/10.0.0.7:7447".to_owned();
        let (scheme, address) = text.split_once('/').ok_or_else(wrong)?;
        let tls = match scheme {
            "tcp" => false,
            "tls" => true,
            _ => return Err(wrong()),
        };
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let valid = match bare {
            Some(host) => matches!(host.parse(), Ok(IpAddr::V6(_))),
            None => is_host(host),
        };
        let host = bare.unwrap_or(host).to_owned();
        valid.then_some(Self { tls, host, port }).ok_or_else(wrong)
    }
}

/// A name or an IPv4 address, by its characters.
fn is_host(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !host.is_empty() && host.bytes().all(allowed)
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "tls" } else { "tcp" };
        if self.host.contains(':') {
            write!(f, "{scheme}/[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}/{}:{}", self.host, self.port)
        }
    }
}
