//! `Phoenix.Token`: a value that only holders of a secret can have made.
//!
//! A token carries an Erlang term, the time of signing and the time that it is good for. Anybody
//! can read it; nobody without the secret can alter it. Tokens that Phoenix signs are accepted here
//! (in the current payload format and the two before it), and Phoenix accepts the ones signed here,
//! provided that both sides use the same `secret_key_base`, salt and [key options](KeyOptions).
//!
//! What it refuses: encrypted tokens (`Phoenix.Token.encrypt`). And it reads no clock: the
//! caller passes the time, in milliseconds since the Unix epoch.
//!
//! ```
//! use herenow::auth::token::{Key, MaxAge, Signer, TokenError};
//!
//! // In the application: Phoenix.Token.sign(MyAppWeb.Endpoint, "user socket", "user:1")
//! let secret_key_base = "0123456789abcdef".repeat(4);
//! let signer = Signer::new(Key::derive(&secret_key_base, "user socket").unwrap());
//!
//! let now = 1_700_000_000_000;
//! let token = signer.sign("user:1", now, MaxAge::Seconds(3600)).unwrap();
//! assert_eq!(signer.verify(Some(&token), now, None).unwrap().as_str(), Some("user:1"));
//!
//! let later = now + 2 * 3600 * 1000;
//! assert_eq!(signer.verify(Some(&token), later, None), Err(TokenError::Expired));
//! assert_eq!(signer.verify(None, now, None), Err(TokenError::Missing));
//! ```

mod claims;
mod error;
mod key;
mod mac;
#[cfg(test)]
mod tests;

pub use claims::MaxAge;
pub use error::{InvalidToken, TokenError};
pub use key::{Key, KeyError, KeyOptions, MIN_SECRET_KEY_BASE};
pub use mac::Digest;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::auth::term::{EncodeError, Limits, Term};
use claims::Claims;

/// Signs and verifies tokens with one key.
///
/// Cheap to clone and to share; keep one per salt, since deriving its key is slow on purpose.
#[derive(Debug, Clone)]
pub struct Signer {
    key: Key,
    limits: Limits,
}

impl Signer {
    /// A signer with this key and the default limits.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            limits: Limits::default(),
        }
    }

    /// The same signer for payloads of another size.
    ///
    /// A token whose payload exceeds the limits is neither signed nor accepted.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Makes a token of some data, signed at that time.
    ///
    /// `data` may be a [`Term`], a `serde_json::Value`, a text or an integer. `Phoenix.Token`
    /// calls the time `signed_at`, in seconds; here it is in milliseconds since the Unix epoch.
    ///
    /// ```
    /// # use herenow::auth::token::{Key, MaxAge, Signer};
    /// # let signer = Signer::new(Key::derive("0123456789abcdef0123456789abcdef", "user socket").unwrap());
    /// # let now = 1_700_000_000_000;
    /// let claims = serde_json::json!({"user_id": 5, "rooms": ["lobby"]});
    /// let token = signer.sign(claims.clone(), now, MaxAge::default()).unwrap();
    /// assert_eq!(signer.verify(Some(&token), now, None).unwrap().to_json(), Ok(claims));
    /// ```
    pub fn sign(
        &self,
        data: impl Into<Term>,
        signed_at_ms: u64,
        max_age: MaxAge,
    ) -> Result<String, EncodeError> {
        let claims = Claims::new(data.into(), signed_at_ms, max_age);
        let payload = claims.into_term().encode(&self.limits)?;
        let mut token = format!("{}.", Digest::Sha256.header());
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = mac::sign(Digest::Sha256, self.key.as_bytes(), token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// Returns the data of a token that was signed with this key and is still good at `now_ms`.
    ///
    /// `max_age` overrides the age that the token itself allows; with `None` the token's counts.
    /// A token signed later than `now_ms` is invalid.
    pub fn verify(
        &self,
        token: Option<&str>,
        now_ms: u64,
        max_age: Option<MaxAge>,
    ) -> Result<Term, TokenError> {
        let token = token.ok_or(TokenError::Missing)?;
        let payload = self.authentic_payload(token)?;
        let term = Term::decode(&payload, &self.limits).map_err(InvalidToken::Payload)?;
        let claims = Claims::from_term(term).ok_or(InvalidToken::Claims)?;
        claims.data_at(now_ms, max_age)
    }

    /// The payload, of which nothing is looked at before its signature is found right.
    fn authentic_payload(&self, token: &str) -> Result<Vec<u8>, InvalidToken> {
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidToken::not_three_parts(token));
        };
        let digest = Digest::from_header(header).ok_or(InvalidToken::Header)?;
        // Four characters for three bytes: what is longer would be refused after its decoding.
        if payload.len() / 4 * 3 > self.limits.bytes {
            return Err(InvalidToken::TooLong);
        }
        let signed = &token[..header.len() + 1 + payload.len()];
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| InvalidToken::Base64)?;
        if !mac::verify(digest, self.key.as_bytes(), signed.as_bytes(), &signature) {
            return Err(InvalidToken::Signature);
        }
        URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| InvalidToken::Base64)
    }
}
