//! The HTTP request that becomes a WebSocket.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What the headers of a request for a WebSocket come to.
pub(crate) struct Handshake {
    accept: HeaderValue,
    /// The client has offered the protocol `phoenix`.
    speaks_phoenix: bool,
    /// The token that the client has offered as if it were a protocol.
    pub(crate) auth_token: Option<String>,
}

/// Why a request does not become a WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HandshakeError {
    /// It is no request for one. Answered with 400 and this text.
    NotAnUpgrade(&'static str),
    /// It offers protocols, and none that is spoken here. Answered with 403, as in Phoenix.
    NoCommonProtocol,
}

const PHOENIX: &str = "phoenix";
const TOKEN_PREFIX: &str = "base64url.bearer.phx.";

impl Handshake {
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, HandshakeError> {
        let key = check_upgrade(headers).map_err(HandshakeError::NotAnUpgrade)?;
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()))
            .map_err(|_| HandshakeError::NotAnUpgrade("'sec-websocket-key' is not valid"))?;
        let mut handshake = Self {
            accept,
            speaks_phoenix: false,
            auth_token: None,
        };
        let mut offers_any = false;
        for protocol in tokens(headers, &SEC_WEBSOCKET_PROTOCOL) {
            offers_any = true;
            if protocol == PHOENIX {
                handshake.speaks_phoenix = true;
            } else if let Some(encoded) = protocol.strip_prefix(TOKEN_PREFIX) {
                handshake.auth_token = decode_token(encoded);
            }
        }
        // A token alone is let through, and then fails in the browser: no protocol is answered.
        if offers_any && !handshake.speaks_phoenix && handshake.auth_token.is_none() {
            return Err(HandshakeError::NoCommonProtocol);
        }
        Ok(handshake)
    }

    /// The answer that makes the connection a WebSocket.
    pub(crate) fn accept<B: Default>(self) -> Response<B> {
        let mut response = Response::<B>::default();
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept);
        if self.speaks_phoenix {
            let phoenix = HeaderValue::from_static(PHOENIX);
            headers.insert(SEC_WEBSOCKET_PROTOCOL, phoenix);
        }
        response
    }
}

fn check_upgrade(headers: &HeaderMap) -> Result<&HeaderValue, &'static str> {
    let has = |name, token: &str| tokens(headers, name).any(|t| t.eq_ignore_ascii_case(token));
    if !has(&CONNECTION, "upgrade") {
        return Err("'connection' header must contain 'upgrade'");
    }
    if !has(&UPGRADE, "websocket") {
        return Err("'upgrade' header must contain 'websocket'");
    }
    if !has(&SEC_WEBSOCKET_VERSION, "13") {
        return Err("'sec-websocket-version' header must be '13'");
    }
    headers
        .get(SEC_WEBSOCKET_KEY)
        .ok_or("'sec-websocket-key' header is missing")
}

/// The elements of a header that is a list, over all its lines.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

/// phoenix.js calls it `base64url` and writes standard base64 without padding; both are read here, with
/// or without padding. What is neither is no token.
fn decode_token(encoded: &str) -> Option<String> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if encoded.contains(['-', '_']) {
        &URL_SAFE
    } else {
        &STANDARD
    };
    let bytes = GeneralPurpose::new(alphabet, CONFIG).decode(encoded).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let upgrade = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let mut headers = HeaderMap::new();
        for &(name, value) in upgrade.iter().chain(lines) {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn with_protocols(protocols: &'static str) -> Result<Handshake, HandshakeError> {
        Handshake::read(&headers(&[("sec-websocket-protocol", protocols)]))
    }

    #[test]
    fn the_key_is_accepted_as_in_rfc_6455() {
        let response: Response<()> = Handshake::read(&headers(&[])).unwrap().accept();
        let accept = &response.headers()["sec-websocket-accept"];
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!response.headers().contains_key("sec-websocket-protocol"));
    }

    #[test]
    fn a_request_that_is_no_upgrade_is_told_what_is_missing() {
        for name in [
            "connection",
            "upgrade",
            "sec-websocket-version",
            "sec-websocket-key",
        ] {
            let mut headers = headers(&[]);
            headers.remove(name);
            let Err(HandshakeError::NotAnUpgrade(text)) = Handshake::read(&headers) else {
                panic!("accepted without {name}");
            };
            assert!(text.contains(name), "{text}");
        }
    }

    #[test]
    fn the_token_is_read_in_both_alphabets_with_and_without_padding() {
        for (encoded, token) in [
            ("YS9iK2M", "a/b+c"),
            ("YS9iK2M=", "a/b+c"),
            ("fn5+fn5-", "~~~"),
            ("fn5-fn5-", "~~~~~~"),
            ("fn5+fn5+", "~~~~~~"),
            ("Pz8_Pz8_", "??????"),
        ] {
            let protocols = format!("phoenix, {TOKEN_PREFIX}{encoded}");
            let mut headers = headers(&[]);
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocols.parse().unwrap());
            let handshake = Handshake::read(&headers).unwrap();
            let is_mixed = encoded.contains('+') && encoded.contains('-');
            let expected = (!is_mixed).then_some(token);
            assert_eq!(handshake.auth_token.as_deref(), expected, "{encoded}");
        }
    }

    #[test]
    fn the_protocol_phoenix_is_answered_and_the_token_is_not() {
        let handshake = with_protocols("phoenix, base64url.bearer.phx.dG9rZW4").unwrap();
        assert_eq!(handshake.auth_token.as_deref(), Some("token"));
        let response: Response<()> = handshake.accept();
        assert_eq!(response.headers()["sec-websocket-protocol"], "phoenix");
    }

    #[test]
    fn a_token_without_the_protocol_is_accepted_with_no_protocol() {
        let handshake = with_protocols("base64url.bearer.phx.dG9rZW4").unwrap();
        assert_eq!(handshake.auth_token.as_deref(), Some("token"));
        let response: Response<()> = handshake.accept();
        assert!(!response.headers().contains_key("sec-websocket-protocol"));
    }

    #[test]
    fn other_protocols_alone_are_refused() {
        let refused = with_protocols("graphql-ws, mqtt").err();
        assert_eq!(refused, Some(HandshakeError::NoCommonProtocol));
    }
}
