//! What a message carries: JSON text that is parsed only if somebody asks, or bytes.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use herenow_core::protocol::json;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The payload of a message. Cheap to clone.
///
/// JSON is kept as the text that came or that will be sent, so that passing a payload on (as a `shout`
/// does) never parses it. Binary payloads travel only over V2 WebSockets, and only where topic, event and
/// refs are at most 255 bytes long; a frame that cannot be written is dropped and logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Json(Arc<str>),
    Binary(Bytes),
}

impl Payload {
    /// `{}`
    #[must_use]
    pub fn empty() -> Self {
        Self::from_valid_json("{}")
    }

    /// JSON text as it is, after a check that it is one JSON value.
    pub fn from_json_text(text: impl Into<Arc<str>>) -> Result<Self, PayloadError> {
        let text = text.into();
        json::validate(&text).map_err(|error| PayloadError::NotJson(error.to_string()))?;
        Ok(Self::from_valid_json(text))
    }

    /// JSON text that this crate has written or checked itself.
    pub(crate) fn from_valid_json(text: impl Into<Arc<str>>) -> Self {
        Self(Kind::Json(text.into()))
    }

    /// Bytes, to be sent in a binary frame.
    #[must_use]
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self(Kind::Binary(data.into()))
    }

    /// The JSON text; `None` for a binary payload.
    #[must_use]
    pub fn as_json(&self) -> Option<&str> {
        match &self.0 {
            Kind::Json(text) => Some(text),
            Kind::Binary(_) => None,
        }
    }

    /// The bytes of a binary payload; `None` for JSON.
    #[must_use]
    pub fn as_binary(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Json(_) => None,
            Kind::Binary(data) => Some(data),
        }
    }

    /// Reads the JSON as a value of type `T`.
    ///
    /// Both results of the handlers take its error with `?`: a join is then refused, and a channel
    /// crashes, as in Phoenix when no clause matches.
    ///
    /// ```
    /// use herenow::Payload;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Typing { on: bool }
    ///
    /// let payload = Payload::from_json_text(r#"{"on": true}"#)?;
    /// assert!(payload.parse::<Typing>()?.on);
    /// assert!(payload.parse::<Vec<u8>>().is_err());
    /// # Ok::<(), herenow::PayloadError>(())
    /// ```
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        let text = self.as_json().ok_or(PayloadError::Binary)?;
        serde_json::from_str(text).map_err(|error| PayloadError::Unexpected(error.to_string()))
    }

    /// Reads the JSON as a value of any shape. Short for [`parse`](Self::parse).
    pub fn json(&self) -> Result<serde_json::Value, PayloadError> {
        self.parse()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Json(text) => f.write_str(text),
            Kind::Binary(data) => write!(f, "{} bytes", data.len()),
        }
    }
}

/// Whatever can be the payload of an outgoing message: every [`Serialize`] (such as the result of
/// `serde_json::json!`), or a [`Payload`] to be passed on as it is.
pub trait IntoPayload {
    /// Makes the payload.
    ///
    /// # Panics
    /// If the value cannot be written as JSON, such as a map whose keys are no strings. Within a channel
    /// that crashes the channel and nothing else, as the same mistake does in Phoenix.
    fn into_payload(self) -> Payload;
}

impl IntoPayload for Payload {
    fn into_payload(self) -> Payload {
        self
    }
}

impl IntoPayload for &Payload {
    fn into_payload(self) -> Payload {
        self.clone()
    }
}

impl<T: Serialize> IntoPayload for T {
    fn into_payload(self) -> Payload {
        match serde_json::to_string(&self) {
            Ok(text) => Payload::from_valid_json(text),
            Err(error) => panic!(
                "a payload of type {} cannot be written as JSON: {error}",
                std::any::type_name::<T>()
            ),
        }
    }
}

/// As [`IntoPayload`]. A string becomes a JSON string; for text that is JSON already there is
/// [`Payload::from_json_text`].
impl<T: Serialize> From<T> for Payload {
    fn from(value: T) -> Self {
        value.into_payload()
    }
}

/// Why a payload is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadError {
    /// The payload is binary, and JSON was asked for.
    Binary,
    /// The JSON is of another shape.
    Unexpected(String),
    /// The text is not one JSON value.
    NotJson(String),
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary => f.write_str("the payload is binary, expected JSON"),
            Self::Unexpected(why) => write!(f, "the payload has another shape: {why}"),
            Self::NotJson(why) => write!(f, "the text is not JSON: {why}"),
        }
    }
}

impl std::error::Error for PayloadError {}
