//! What a token says: its data, when it was signed, and how long it is good for.

use std::time::Duration;

use super::{InvalidToken, TokenError};
use crate::auth::term::Term;

/// How long a token is good after its signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxAge {
    /// So many seconds. With none or fewer, it has expired when it is signed.
    Seconds(i64),
    /// For ever.
    Infinity,
}

/// One day, as in Phoenix.
impl Default for MaxAge {
    fn default() -> Self {
        Self::Seconds(86_400)
    }
}

/// Whole seconds; a fraction counts as one more.
impl From<Duration> for MaxAge {
    fn from(age: Duration) -> Self {
        let seconds = age
            .as_secs()
            .saturating_add(u64::from(age.subsec_nanos() > 0));
        Self::Seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

const INFINITY: &str = "infinity";

impl From<MaxAge> for Term {
    fn from(max_age: MaxAge) -> Self {
        match max_age {
            MaxAge::Seconds(seconds) => seconds.into(),
            MaxAge::Infinity => Self::atom(INFINITY),
        }
    }
}

/// [`MaxAge`] as a token may spell it, where fractions of seconds and great integers occur.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Lifetime {
    Millis(i128),
    Infinity,
}

impl From<MaxAge> for Lifetime {
    fn from(max_age: MaxAge) -> Self {
        match max_age {
            MaxAge::Seconds(seconds) => Self::Millis(i128::from(seconds) * 1000),
            MaxAge::Infinity => Self::Infinity,
        }
    }
}

impl Lifetime {
    fn from_term(term: &Term) -> Option<Self> {
        match term {
            Term::Int(seconds) => Some(Self::Millis(seconds.saturating_mul(1000))),
            // Both truncate, as Elixir's `trunc` does.
            Term::Float(seconds) => Some(Self::Millis((seconds * 1000.0) as i128)),
            infinity if infinity.is_atom(INFINITY) => Some(Self::Infinity),
            _ => None,
        }
    }
}

pub(super) struct Claims {
    data: Term,
    signed_at_ms: i128,
    max_age: Term,
}

impl Claims {
    pub(super) fn new(data: Term, signed_at_ms: u64, max_age: MaxAge) -> Self {
        Self {
            data,
            signed_at_ms: signed_at_ms.into(),
            max_age: max_age.into(),
        }
    }

    pub(super) fn into_term(self) -> Term {
        Term::Tuple(vec![self.data, Term::Int(self.signed_at_ms), self.max_age])
    }

    /// Reads the payload of `Plug.Crypto` (`{data, signed_at, max_age}`) or one of its forerunners:
    /// `{data, signed_at}` and `%{data: data, signed: signed_at}`, which allow the default age.
    pub(super) fn from_term(term: Term) -> Option<Self> {
        let (data, signed_at, max_age) = match term {
            Term::Tuple(elements) => {
                let mut elements = elements.into_iter();
                let (data, signed_at) = (elements.next()?, elements.next()?);
                let max_age = elements.next().unwrap_or_else(|| MaxAge::default().into());
                if elements.next().is_some() {
                    return None;
                }
                (data, signed_at, max_age)
            }
            Term::Map(mut entries) => {
                let mut take = |name| {
                    let index = entries.iter().position(|(key, _)| key.is_atom(name))?;
                    Some(entries.swap_remove(index).1)
                };
                (take("data")?, take("signed")?, MaxAge::default().into())
            }
            _ => return None,
        };
        Some(Self {
            data,
            signed_at_ms: signed_at.as_int()?,
            max_age,
        })
    }

    /// The data, unless the token is from the future or has expired.
    pub(super) fn data_at(self, now_ms: u64, max_age: Option<MaxAge>) -> Result<Term, TokenError> {
        let now = i128::from(now_ms);
        if self.signed_at_ms > now {
            return Err(InvalidToken::SignedInFuture.into());
        }
        let lifetime = match max_age {
            Some(max_age) => max_age.into(),
            None => Lifetime::from_term(&self.max_age).ok_or(InvalidToken::Claims)?,
        };
        let expired = match lifetime {
            Lifetime::Infinity => false,
            Lifetime::Millis(millis) => {
                millis <= 0 || self.signed_at_ms.saturating_add(millis) < now
            }
        };
        if expired {
            Err(TokenError::Expired)
        } else {
            Ok(self.data)
        }
    }
}
