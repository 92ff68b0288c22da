//! The address of a socket.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;

use super::host::Location;

/// What precedes a token in the subprotocol that carries it.
const TOKEN_PREFIX: &str = "base64url.bearer.phx.";

/// The subprotocol of those who bring a token. The server chooses this one.
const PROTOCOL: &str = "phoenix";

/// Why there can be no connection, ever: the address is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// A path alone, such as `/socket`, and no page whose host it could be on.
    NoPage(String),
    /// The browser does not take the address or the token. In its own words.
    Refused(String),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPage(endpoint) => write!(
                f,
                "the socket's address \"{endpoint}\" has no host, and there is no page to take it from: \
                 write it in full, as in ws://localhost:4000/socket"
            ),
            Self::Refused(why) => write!(f, "the browser cannot connect to that address: {why}"),
        }
    }
}

impl std::error::Error for AddressError {}

/// The full address of the endpoint, with parameters.
pub(super) fn url(
    endpoint: &str,
    params: &[(String, String)],
    location: Option<Location>,
) -> Result<String, AddressError> {
    let (path, query) = endpoint.split_once('?').unwrap_or((endpoint, ""));
    let mut pairs = form_urlencoded::Serializer::new(query.to_owned());
    pairs.extend_pairs(params).append_pair("vsn", "2.0.0");
    let uri = format!("{path}/websocket?{}", pairs.finish());
    if let Some(rest) = uri.strip_prefix("http") {
        return Ok(format!("ws{rest}"));
    }
    if !uri.starts_with('/') {
        return Ok(uri);
    }
    let no_page = || AddressError::NoPage(endpoint.to_owned());
    let Location { is_secure, host } = location.ok_or_else(no_page)?;
    let scheme = if is_secure { "wss" } else { "ws" };
    Ok(match uri.starts_with("//") {
        true => format!("{scheme}:{uri}"),
        false => format!("{scheme}://{host}{uri}"),
    })
}

/// The subprotocols by which a token travels.
pub(super) fn protocols(token: Option<&str>) -> Vec<String> {
    let encoded = |token| format!("{TOKEN_PREFIX}{}", STANDARD_NO_PAD.encode(token));
    token.map_or_else(Vec::new, |token| vec![PROTOCOL.to_owned(), encoded(token)])
}

/// `{"a": {"b": 1}}` as `a[b]=1`, as servers of this protocol read it. What is null is left out.
pub(super) fn pairs(params: &Value) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    flatten(params, String::new(), &mut pairs);
    pairs
}

fn flatten(value: &Value, name: String, pairs: &mut Vec<(String, String)>) {
    let nested = |key: &str| match name.as_str() {
        "" => key.to_owned(),
        name => format!("{name}[{key}]"),
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                flatten(value, nested(key), pairs);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                flatten(value, nested(&index.to_string()), pairs);
            }
        }
        Value::String(text) => pairs.push((name, text.clone())),
        Value::Bool(_) | Value::Number(_) => pairs.push((name, value.to_string())),
    }
}
