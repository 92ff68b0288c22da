//! Payloads as they came: text or bytes, made into types when somebody asks.

use std::fmt;
use std::sync::Arc;

use herenow_core::client::Span;
use serde::de::DeserializeOwned;

/// A frame. Payloads are parts of it, without a copy.
#[derive(Clone)]
pub(super) enum Frame {
    Text(Arc<String>),
    Binary(Arc<Vec<u8>>),
}

impl Frame {
    /// A part that is the inside of a JSON string, or bare in a binary frame.
    pub(super) fn name(&self, span: Span) -> String {
        match self {
            Self::Text(text) => {
                let inside = span.text(text);
                let quoted = format!("\"{inside}\"");
                match inside.contains('\\') {
                    true => serde_json::from_str(&quoted).unwrap_or_default(),
                    false => inside.to_owned(),
                }
            }
            Self::Binary(bytes) => String::from_utf8_lossy(span.bytes(bytes)).into_owned(),
        }
    }
}

/// What came with an event or a reply: JSON, or bytes if the server sent a binary frame.
///
/// A payload is a view of the frame that it came in, so a clone costs nothing, and parsing it makes values of
/// the very text that the server sent.
#[derive(Clone)]
pub struct Payload {
    frame: Frame,
    span: Span,
}

impl Payload {
    pub(super) fn new(frame: &Frame, span: Span) -> Self {
        Self {
            frame: frame.clone(),
            span,
        }
    }

    /// The payload as a value.
    ///
    /// ```no_run
    /// # use herenow_client::frontend::{Misfit, Payload};
    /// # fn read(payload: Payload) -> Result<(), Misfit> {
    /// #[derive(serde::Deserialize)]
    /// struct Shout { body: String }
    ///
    /// let Shout { body } = payload.parse()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If it is of another shape, or binary.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Misfit> {
        let json = self.json().ok_or(Misfit::Binary)?;
        Ok(serde_json::from_str(json)?)
    }

    /// The text of a JSON payload.
    pub fn json(&self) -> Option<&str> {
        match &self.frame {
            Frame::Text(text) => Some(self.span.text(text)),
            Frame::Binary(_) => None,
        }
    }

    /// The payload as it came: the bytes of a binary one, or those of the JSON.
    pub fn bytes(&self) -> &[u8] {
        match &self.frame {
            Frame::Text(text) => self.span.text(text).as_bytes(),
            Frame::Binary(bytes) => self.span.bytes(bytes),
        }
    }

    /// The field `reason`, by which servers say why they refuse something.
    pub fn reason(&self) -> Option<String> {
        let value: serde_json::Value = self.parse().ok()?;
        Some(value.get("reason")?.as_str()?.to_owned())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.json() {
            Some(json) => f.write_str(json),
            None => write!(f, "{} bytes", self.bytes().len()),
        }
    }
}

/// Why something is not of the type that was asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Misfit {
    /// It is JSON of another shape: what was expected, and where in the text.
    Shape(Arc<serde_json::Error>),
    /// It is binary.
    Binary,
}

impl From<serde_json::Error> for Misfit {
    fn from(error: serde_json::Error) -> Self {
        Self::Shape(Arc::new(error))
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(error) => fmt::Display::fmt(error, f),
            Self::Binary => f.write_str("it is binary, and no JSON"),
        }
    }
}

impl std::error::Error for Misfit {}
