//! Scheme, host and port, as an `Origin` header, a `Host` header and a pattern spell them.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Where a page, or this server, lives: a scheme, a host and a port.
///
/// Two origins are equal when a browser takes them for the same: upper and lower case do not
/// differ, a missing port is the scheme's own, and `[0:0:0:0:0:0:0:1]` is `[::1]`.
///
/// ```
/// use herenow::auth::origin::Origin;
///
/// let origin: Origin = "HTTPS://Example.com".parse().unwrap();
/// assert_eq!(origin, "https://example.com:443".parse().unwrap());
/// assert_eq!((origin.scheme(), origin.host(), origin.port()), ("https", "example.com", Some(443)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    /// Lower case; an IPv6 address in its shortest form and without brackets.
    host: String,
    /// `None` only for a scheme whose port nobody knows, such as `tauri`.
    port: Option<u16>,
}

impl Origin {
    /// The origin of a server, from the scheme at which it was reached and the request's `Host`
    /// header (or the authority of an HTTP/2 request).
    ///
    /// ```
    /// use herenow::auth::origin::Origin;
    ///
    /// let own = Origin::new("http", "localhost:4000").unwrap();
    /// assert_eq!(own.to_string(), "http://localhost:4000");
    /// ```
    pub fn new(scheme: &str, authority: &str) -> Result<Self, OriginError> {
        let scheme = parse_scheme(scheme)?;
        let (host, port) = split_authority(authority)?;
        let port = port.or_else(|| default_port(&scheme));
        Ok(Self {
            scheme,
            host: parse_host(host)?,
            port,
        })
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host, in lower case; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port: the one given, or else the scheme's own; `None` for a scheme that has none.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    /// Parses the value of an `Origin` header. A path behind the host is ignored, as in Phoenix.
    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::NoScheme)?;
        let (authority, _path) = split_path(rest);
        Self::new(scheme, authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        let port = self
            .port
            .filter(|port| default_port(&self.scheme) != Some(*port));
        write_authority(f, &self.host, port)
    }
}

/// Why a text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginError {
    /// There is no `scheme://`. `null` is such a text.
    NoScheme,
    /// The scheme is not a letter followed by letters, digits, `+`, `-` or `.`.
    Scheme,
    /// There is no host.
    NoHost,
    /// The host has a character that no host has. A name beyond ASCII travels as `xn--…`.
    Host,
    /// The text in brackets is not an IPv6 address.
    Ipv6,
    /// The port is not a number from 0 to 65535.
    Port,
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoScheme => "it does not begin with `scheme://`",
            Self::Scheme => {
                "its scheme is not a letter followed by letters, digits, `+`, `-` or `.`"
            }
            Self::NoHost => "it has no host",
            Self::Host => {
                "its host has a character that hosts do not have (write a name beyond ASCII as \
                 browsers send it: `xn--...`)"
            }
            Self::Ipv6 => "its host in brackets is not an IPv6 address",
            Self::Port => "its port is not a number from 0 to 65535",
        })
    }
}

impl std::error::Error for OriginError {}

/// The port that a URL of this scheme means when it names none.
pub(super) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

pub(super) fn parse_scheme(scheme: &str) -> Result<String, OriginError> {
    let tail = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(tail) {
        return Err(OriginError::Scheme);
    }
    Ok(scheme.to_ascii_lowercase())
}

/// Divides what follows `//` into the authority and the rest of the URL.
pub(super) fn split_path(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

/// Divides `host:port` or `[v6]:port`; the host keeps its brackets.
pub(super) fn split_authority(authority: &str) -> Result<(&str, Option<u16>), OriginError> {
    let end_of_host = match authority.starts_with('[') {
        true => authority.find(']').ok_or(OriginError::Ipv6)? + 1,
        false => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end_of_host);
    if port.is_empty() {
        return Ok((host, None));
    }
    let digits = port.strip_prefix(':').ok_or(OriginError::Host)?;
    // `parse` alone would take "+80".
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(OriginError::Port);
    }
    Ok((host, Some(digits.parse().map_err(|_| OriginError::Port)?)))
}

/// The host in the one spelling that is compared.
pub(super) fn parse_host(host: &str) -> Result<String, OriginError> {
    if let Some(open) = host.strip_prefix('[') {
        let address = open
            .strip_suffix(']')
            .and_then(|address| address.parse::<Ipv6Addr>().ok());
        return Ok(address.ok_or(OriginError::Ipv6)?.to_string());
    }
    if host.is_empty() {
        return Err(OriginError::NoHost);
    }
    if !host
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    {
        return Err(OriginError::Host);
    }
    Ok(host.to_ascii_lowercase())
}

pub(super) fn write_authority(
    f: &mut fmt::Formatter<'_>,
    host: &str,
    port: Option<u16>,
) -> fmt::Result {
    // Only an IPv6 address has a colon in it.
    match host.contains(':') {
        true => write!(f, "[{host}]")?,
        false => f.write_str(host)?,
    }
    port.map_or(Ok(()), |port| write!(f, ":{port}"))
}
