//! Which web pages may open a socket: the check of the `Origin` header.
//!
//! A browser lets a page of any site open a WebSocket to any other site and sends the cookies
//! along, so a server that trusts cookies, or one in a private network, must look at the `Origin`
//! header. [`CheckOrigin`] says which origins are welcome, in the manner of Phoenix's
//! `check_origin`.
//!
//! It is no protection against programs other than browsers: those send whatever `Origin` they
//! like, or none. A request without an `Origin` is allowed, as in Phoenix. Who the *user* is,
//! a [token](super::token) tells.
//!
//! ```
//! use herenow::auth::origin::{CheckOrigin, Origin};
//!
//! let own: Origin = "https://chat.example.com".parse().unwrap();
//! let check: CheckOrigin = "https://example.com, //*.wild.com".parse().unwrap();
//!
//! assert!(check.allows(Some("https://example.com"), &own));
//! assert!(check.allows(Some("http://a.b.wild.com:8080"), &own));
//! assert!(!check.allows(Some("https://notwild.com"), &own));
//! assert!(check.allows(None, &own));
//! ```

mod parse;
mod pattern;
#[cfg(test)]
mod tests;

pub use parse::{Origin, OriginError};
pub use pattern::{OriginPattern, PatternError};

use std::fmt;
use std::str::FromStr;

/// Which origins may open a socket.
///
/// As text (a command line value): `any`, `same-origin`, or patterns separated by commas.
///
/// | here | in Phoenix |
/// | --- | --- |
/// | `any` | `check_origin: false` |
/// | `same-origin` | `check_origin: :conn` |
/// | `//example.com` | `check_origin: true` with `url: [host: "example.com"]` |
/// | `https://example.com,//*.wild.com` | the list of the same |
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOrigin {
    /// Every origin, also one that cannot be parsed. For servers that read no cookies, and for
    /// development.
    Any,
    /// Only the origin at which the server itself was reached: same scheme, host and port.
    ///
    /// Behind a proxy that ends TLS, the server's own origin must be the public one (`https`, the
    /// public host), or nothing matches.
    SameOrigin,
    /// Only origins that match one of the patterns. An empty list refuses every page.
    List(Vec<OriginPattern>),
}

impl CheckOrigin {
    /// Pages of these hosts, whatever their scheme and port: Phoenix's default, for a server that
    /// knows its public host names.
    ///
    /// ```
    /// # use herenow::auth::origin::{CheckOrigin, Origin};
    /// # let own: Origin = "http://10.0.0.7:4000".parse().unwrap();
    /// let check = CheckOrigin::hosts(["localhost", "example.com"]).unwrap();
    /// assert!(check.allows(Some("https://example.com:8443"), &own));
    /// assert!(!check.allows(Some("https://evil.com"), &own));
    /// ```
    pub fn hosts<I>(hosts: I) -> Result<Self, PatternError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let patterns = hosts
            .into_iter()
            .map(|host| OriginPattern::host(host.as_ref()));
        Ok(Self::List(patterns.collect::<Result<_, _>>()?))
    }

    /// Whether a request with this `Origin` header may open a socket on a server reached at `own`.
    ///
    /// No header is allowed. `null`, which browsers send for sandboxed frames, files and some
    /// redirects, is refused unless [any](Self::Any) origin is allowed, and so is everything else
    /// that has no host.
    pub fn allows(&self, origin: Option<&str>, own: &Origin) -> bool {
        let Some(header) = origin else { return true };
        match self {
            Self::Any => true,
            Self::SameOrigin => Origin::from_str(header).is_ok_and(|origin| origin == *own),
            Self::List(patterns) => Origin::from_str(header)
                .is_ok_and(|origin| patterns.iter().any(|pattern| pattern.matches(&origin))),
        }
    }
}

const ANY: &str = "any";
const SAME_ORIGIN: &str = "same-origin";

impl FromStr for CheckOrigin {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        match text.trim() {
            ANY => Ok(Self::Any),
            SAME_ORIGIN => Ok(Self::SameOrigin),
            list => {
                let patterns = list.split(',').map(|pattern| pattern.trim().parse());
                Ok(Self::List(patterns.collect::<Result<_, _>>()?))
            }
        }
    }
}

impl fmt::Display for CheckOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str(ANY),
            Self::SameOrigin => f.write_str(SAME_ORIGIN),
            Self::List(patterns) => {
                for (index, pattern) in patterns.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{pattern}")?;
                }
                Ok(())
            }
        }
    }
}
