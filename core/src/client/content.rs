//! What messages are made of, as far as the client has to hold it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Debug;

/// What a driver hands to its client and gets back in [`Frame`](super::Frame)s. [`Text`] is for drivers that want
/// frames to write; one that keeps topics and payloads in a form of its own can put numbers in their place, or
/// nothing at all, and the client is the smaller for it.
pub trait Content {
    /// Of a topic. The default is never sent.
    type Topic: Clone + Debug + Default + Eq;
    /// Of an event that is pushed.
    type Event: Debug + Clone + Eq;
    /// Of the payload of a join or a push. The default is that of leaves and heartbeats.
    type Payload: Clone + Debug + Default + Eq;
    /// Of the code and the reason with which a connection is closed. With the default they are up to the transport.
    type Close: Clone + Debug + Default + Eq;

    /// How a connection is closed on which a heartbeat stayed unanswered.
    const HEARTBEAT_TIMEOUT: Self::Close;
}

/// Topics, events and payloads as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text;

impl Content for Text {
    type Topic = Arc<str>;
    type Event = Cow<'static, str>;
    type Payload = Payload;
    type Close = Close;

    const HEARTBEAT_TIMEOUT: Close = Close::HEARTBEAT_TIMEOUT;
}

/// How to close a transport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Close {
    /// The close code; `None` leaves it to the transport.
    pub code: Option<u16>,
    /// The reason in words.
    pub reason: Cow<'static, str>,
}

impl Close {
    /// How a connection is closed on which a heartbeat stayed unanswered.
    pub const HEARTBEAT_TIMEOUT: Self = Self {
        code: Some(1000),
        reason: Cow::Borrowed("heartbeat timeout"),
    };
}

/// A payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// JSON text, taken as it is: it must be valid.
    Json(Cow<'static, str>),
    /// Any bytes, which go out as a binary frame.
    Binary(Vec<u8>),
}

impl Default for Payload {
    /// `{}`
    fn default() -> Self {
        Self::Json(Cow::Borrowed("{}"))
    }
}

impl From<&'static str> for Payload {
    fn from(json: &'static str) -> Self {
        Self::Json(Cow::Borrowed(json))
    }
}

impl From<String> for Payload {
    fn from(json: String) -> Self {
        Self::Json(Cow::Owned(json))
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}
