//! Who may connect to the binary, and as whom.
//!
//! With a secret, only holders of a token that was signed with it, as the user that the token names.
//! Without one, anybody, as whoever they say they are: for development, and for networks in which
//! everybody is trusted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use herenow::auth::term::Term;
use herenow::auth::token::{Key, MIN_SECRET_KEY_BASE, MaxAge, Signer, TokenError};
use herenow::{ConnectRequest, ConnectResult, Connected, Refused, UserId};

use crate::args;

/// How the binary tells who a client is.
pub(crate) enum Access {
    /// By its param `user_id`.
    Open,
    /// By a signed token.
    Token {
        signer: Signer,
        /// `None` for the age that the token itself allows.
        max_age: Option<MaxAge>,
        refusals: Refusals,
    },
}

impl Access {
    /// The error is one line for the person who started the server.
    pub(crate) fn new(options: &args::Access) -> Result<Self, String> {
        let Some(path) = &options.secret_key_base_file else {
            return match options.of_tokens() {
                None => Ok(Self::Open),
                // Who believes that tokens are asked for must not learn otherwise from strangers.
                Some(flag) => Err(format!(
                    "{flag}: without a secret no tokens are asked for, and anyone may connect; give \
                     --secret-key-base-file too"
                )),
            };
        };
        let secret = read_secret(path).map_err(|problem| {
            format!("--secret-key-base-file (HERENOW_SECRET_KEY_BASE_FILE): {path:?}: {problem}")
        })?;
        let salt = options.token_salt.as_deref().unwrap_or(args::TOKEN_SALT);
        let key = Key::derive(&secret, salt).map_err(|error| error.to_string())?;
        Ok(Self::Token {
            signer: Signer::new(key),
            max_age: options.token_max_age.map(MaxAge::from),
            refusals: Refusals::default(),
        })
    }

    /// Lets a client in, or not.
    pub(crate) fn connect(&self, request: &ConnectRequest) -> ConnectResult {
        match self {
            Self::Open => Ok(match text_param(request, "user_id") {
                // The channel tells a client that did not say; it hears nothing from a refusal.
                None => Connected::new(),
                Some(user) => connected(user.to_owned()),
            }),
            Self::Token {
                signer,
                max_age,
                refusals,
            } => {
                let token = request.auth_token.as_deref();
                let token = token.or_else(|| text_param(request, "token"));
                let claims = signer.verify(token, now_ms(), *max_age).map_err(|error| {
                    refusals.tell(&error);
                    Refused::new()
                })?;
                user_of(&claims).map(connected).ok_or_else(|| {
                    tracing::warn!("connection refused: a valid token without a user_id");
                    Refused::new()
                })
            }
        }
    }
}

/// What the log says of refused tokens: not all of it, for anybody can send such.
#[derive(Default)]
pub(crate) struct Refusals {
    /// When it was told last, by the word for what was wrong.
    told: Mutex<BTreeMap<&'static str, Instant>>,
}

impl Refusals {
    /// How often one kind is told of, unless more is asked for (`debug`).
    const EVERY: Duration = Duration::from_secs(60);

    fn tell(&self, error: &TokenError) {
        if self.is_due(error.as_str(), Instant::now()) {
            tracing::warn!(
                "connection refused: {error} (told once a minute; of each at --log debug)"
            );
        } else {
            tracing::debug!("connection refused: {error}");
        }
    }

    fn is_due(&self, what: &'static str, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let last = told.get(what).copied();
        let is_due = last.is_none_or(|last| now.duration_since(last) >= Self::EVERY);
        if is_due {
            told.insert(what, now);
        }
        is_due
    }
}

fn connected(user: String) -> Connected {
    Connected::new()
        .id(format!("user:{user}"))
        .assign(UserId(user))
}

fn text_param<'a>(request: &'a ConnectRequest, name: &str) -> Option<&'a str> {
    request
        .params
        .get(name)?
        .as_str()
        .filter(|text| !text.is_empty())
}

/// The user that a token is about: a string, an integer, or a map with such a `user_id`.
fn user_of(claims: &Term) -> Option<String> {
    let id = claims.get("user_id").unwrap_or(claims);
    let text = id.as_str().map(str::to_owned);
    text.or_else(|| Some(id.as_int()?.to_string()))
        .filter(|id| !id.is_empty())
}

fn read_secret(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{error}; give a file that holds the secret_key_base"))?;
    let secret = text.trim();
    if secret.len() < MIN_SECRET_KEY_BASE {
        return Err(format!(
            "it holds {} characters; a secret_key_base has at least {MIN_SECRET_KEY_BASE} (`mix phx.gen.secret` makes one)",
            secret.len()
        ));
    }
    Ok(secret.to_owned())
}

fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_refusal_is_told_once_a_minute() {
        let refusals = Refusals::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(refusals.is_due("missing", start));
        assert!(!refusals.is_due("missing", after(59)));
        assert!(refusals.is_due("invalid", after(59)));
        assert!(refusals.is_due("missing", after(60)));
        assert!(!refusals.is_due("missing", after(61)));
    }
}
