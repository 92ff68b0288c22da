//! Why a token is not accepted.

use std::fmt;

use crate::auth::term::DecodeError;

/// Why a token is not accepted: the three answers of `Phoenix.Token.verify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// There is no token.
    Missing,
    /// It is not a token that this key signed. The reason is for the server's log; a client should
    /// learn no more than that.
    Invalid(InvalidToken),
    /// It was good once.
    Expired,
}

impl TokenError {
    /// The word that Phoenix has for it, fit to be told to a client: `missing`, `invalid` or
    /// `expired`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Invalid(_) => "invalid",
            Self::Expired => "expired",
        }
    }
}

impl From<InvalidToken> for TokenError {
    fn from(reason: InvalidToken) -> Self {
        Self::Invalid(reason)
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the token is {}", self.as_str())?;
        match self {
            Self::Invalid(reason) => write!(f, ": {reason}"),
            Self::Missing | Self::Expired => Ok(()),
        }
    }
}

impl std::error::Error for TokenError {}

/// Why a token is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidToken {
    /// It does not consist of three parts with dots between them.
    Parts,
    /// It comes from `Phoenix.Token.encrypt`.
    Encrypted,
    /// Its first part names no known algorithm.
    Header,
    /// Its payload has more bytes than the signer's [limits](super::Limits) allow.
    TooLong,
    /// A part of it is not unpadded URL-safe base64.
    Base64,
    /// Its signature is not the one that the key makes.
    Signature,
    /// Its payload is not a readable term.
    Payload(DecodeError),
    /// Its payload is a term, but not of data, time and age.
    Claims,
    /// It was signed later than now.
    SignedInFuture,
}

impl InvalidToken {
    pub(super) fn not_three_parts(token: &str) -> Self {
        // `XCP` (Plug.Crypto 2) and base64 of `A128GCM` (Plug.Crypto 1).
        let encrypted = token.starts_with("XCP.") || token.starts_with("QTEyOEdDTQ.");
        if encrypted {
            Self::Encrypted
        } else {
            Self::Parts
        }
    }
}

impl fmt::Display for InvalidToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parts => "it does not have three parts",
            Self::Encrypted => "it is encrypted (make it with Phoenix.Token.sign)",
            Self::Header => "its header is not that of HMAC with SHA-256, 384 or 512",
            Self::TooLong => "it is longer than the limits of this signer allow",
            Self::Base64 => "it is not unpadded URL-safe base64",
            Self::Signature => {
                "its signature does not match (is it altered, or signed with another \
                 secret_key_base, salt or key option?)"
            }
            Self::Payload(error) => return error.fmt(f),
            Self::Claims => "its payload is not {data, signed_at, max_age}",
            Self::SignedInFuture => "it was signed in the future (do the clocks agree?)",
        })
    }
}
