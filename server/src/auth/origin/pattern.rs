//! A pattern of origins: an origin that may leave out its scheme and port, or begin with `*.`.

use std::fmt;
use std::str::FromStr;

use super::parse::{
    Origin, OriginError, default_port, parse_host, parse_scheme, split_authority, split_path,
    write_authority,
};

/// One entry of the list of allowed origins.
///
/// * `https://example.com`: that scheme, host and port. A missing port is the scheme's own, so
///   this does not match `https://example.com:8443`.
/// * `//example.com`: any scheme and port. `//example.com:4000`: any scheme.
/// * `//*.example.com`: `example.com` itself and every host below it, at any depth.
/// * `tauri://localhost`: a scheme that has no port of its own matches any port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    /// `None` matches every scheme.
    scheme: Option<String>,
    /// Whether hosts below `host` match, too.
    subdomains: bool,
    /// In the spelling of [`Origin::host`].
    host: String,
    /// `None` matches every port.
    port: Option<u16>,
}

impl OriginPattern {
    /// The pattern of every origin on this host, whatever its scheme and port.
    pub(super) fn host(host: &str) -> Result<Self, PatternError> {
        // A host such as "example.com:80" would otherwise pass for a pattern with a port.
        let parsed = parse_host(host).map_err(|problem| PatternError::new(host, problem.into()))?;
        Ok(Self {
            scheme: None,
            subdomains: false,
            host: parsed,
            port: None,
        })
    }

    /// Whether `origin` is one of those that the pattern describes.
    pub fn matches(&self, origin: &Origin) -> bool {
        self.scheme
            .as_deref()
            .is_none_or(|scheme| scheme == origin.scheme())
            && self.port.is_none_or(|port| Some(port) == origin.port())
            && self.matches_host(origin.host())
    }

    fn matches_host(&self, host: &str) -> bool {
        match host.strip_suffix(self.host.as_str()) {
            Some("") => true,
            Some(labels) => self.subdomains && labels.ends_with('.'),
            None => false,
        }
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let (scheme, rest) = text.split_once("//").ok_or(Problem::NoSlashes)?;
        let scheme = match scheme.strip_suffix(':') {
            Some(scheme) => Some(parse_scheme(scheme)?),
            None if scheme.is_empty() => None,
            None => return Err(Problem::NoSlashes),
        };
        let (authority, path) = split_path(rest);
        if !path.is_empty() {
            return Err(Problem::Path);
        }
        let (subdomains, authority) = match authority.strip_prefix("*.") {
            // An address has no hosts below it.
            Some(address) if address.starts_with('[') => return Err(Problem::Wildcard),
            Some(domain) => (true, domain),
            None => (false, authority),
        };
        let (host, port) = split_authority(authority)?;
        if host.contains('*') {
            return Err(Problem::Wildcard);
        }
        let port = port.or_else(|| scheme.as_deref().and_then(default_port));
        Ok(Self {
            scheme,
            subdomains,
            host: parse_host(host)?,
            port,
        })
    }
}

impl FromStr for OriginPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text).map_err(|problem| PatternError::new(text, problem))
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}:")?;
        }
        f.write_str(if self.subdomains { "//*." } else { "//" })?;
        let default = self.scheme.as_deref().and_then(default_port);
        write_authority(
            f,
            &self.host,
            self.port.filter(|port| default != Some(*port)),
        )
    }
}

/// A text that is not an origin pattern: which, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    pattern: String,
    problem: Problem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    NoSlashes,
    Path,
    Wildcard,
    Part(OriginError),
}

impl From<OriginError> for Problem {
    fn from(error: OriginError) -> Self {
        Self::Part(error)
    }
}

impl PatternError {
    fn new(pattern: &str, problem: Problem) -> Self {
        Self {
            pattern: pattern.to_owned(),
            problem,
        }
    }

    /// The pattern that is wrong.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an origin pattern: ", self.pattern)?;
        match &self.problem {
            Problem::NoSlashes => f.write_str(
                "it has no `//` before its host (write `//example.com`, `https://example.com`, \
                 `any` or `same-origin`)",
            ),
            Problem::Path => f.write_str("an origin has no path (end it after the host and port)"),
            Problem::Wildcard => f.write_str(
                "`*` may only stand for the labels before a domain, as in `//*.example.com` \
                 (to allow every origin, write `any`)",
            ),
            Problem::Part(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for PatternError {}
