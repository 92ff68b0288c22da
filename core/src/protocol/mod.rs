//! The Phoenix Channels wire protocol: frames to messages and back, for both ends of a socket.
//!
//! [`decode`] splits a text frame of either version into topic, event, refs and payload without copying
//! or allocating; it validates the whole frame, so that whatever is a [`Message`] can be passed on as it
//! is. Payloads stay JSON text: what is in them is the application's business. [`encode`] and
//! [`encode_reply`] write the frames that Phoenix writes. Binary frames are in [`binary`].
//!
//! What a message *means* (who has joined what, which ref is stale) is not decided here.

use alloc::string::String;

pub mod binary;
mod error;
pub mod events;
mod frame;
pub mod json;
#[cfg(test)]
mod tests;
mod v1;
mod v2;
mod vsn;

pub use error::{DecodeError, Field};
pub use events::PHOENIX_TOPIC;
pub use frame::{Message, Outgoing, Ref, Reply};
pub use json::Str;
pub use vsn::{UnsupportedVsn, Vsn};

/// How deep a frame *from a client* may nest, to be given to [`decode_within`] by a server.
///
/// It is less than [`json::MAX_DEPTH`], which is what a client accepts, because a server wraps what it
/// passes on: a meta from a join's payload is five levels down in a `presence_diff`. Without the margin
/// one client could send what makes the frames to all the others unreadable.
pub const MAX_CLIENT_DEPTH: u8 = json::MAX_DEPTH - 28;

/// Takes a text frame apart. It may come from either end: both write the same layout.
///
/// The frame may nest [`json::MAX_DEPTH`] levels deep, its own array or object included.
///
/// ```
/// use herenow_core::protocol::{Vsn, decode};
///
/// let message = decode(Vsn::V2, r#"["1","7","room:a","shout",{"body": "hi"}]"#)?;
/// assert_eq!(message.topic, "room:a");
/// assert_eq!(message.event, "shout");
/// assert_eq!((message.join_ref, message.reference), (Some("\"1\""), Some("\"7\"")));
/// assert_eq!(message.payload, r#"{"body": "hi"}"#);
/// # Ok::<(), herenow_core::protocol::DecodeError>(())
/// ```
pub fn decode(vsn: Vsn, text: &str) -> Result<Message<'_>, DecodeError> {
    decode_within(vsn, text, json::MAX_DEPTH)
}

/// [`decode`] with a depth limit of its own, such as [`MAX_CLIENT_DEPTH`].
pub fn decode_within(vsn: Vsn, text: &str, max_depth: u8) -> Result<Message<'_>, DecodeError> {
    match vsn {
        Vsn::V1 => v1::decode(text, max_depth),
        Vsn::V2 => v2::decode(text, max_depth),
    }
}

/// Appends `message` to `out` as one text frame. V1 has no place for the join_ref and leaves it out.
///
/// The refs and the payload are written as they are and must be valid JSON.
pub fn encode(vsn: Vsn, out: &mut String, message: &Outgoing<'_>) {
    let Outgoing { payload, .. } = *message;
    // The quotes, commas and key names of a frame are less than 64 bytes.
    out.reserve(message.topic.len() + message.event.len() + payload.len() + 64);
    encode_with(vsn, out, message, |out| out.push_str(payload));
}

/// Appends the `phx_reply` to the message that came with `reference`. `response` must be valid JSON.
pub fn encode_reply(
    vsn: Vsn,
    out: &mut String,
    join_ref: Ref<'_>,
    reference: Ref<'_>,
    topic: &str,
    status: &str,
    response: &str,
) {
    let message = Outgoing {
        join_ref,
        reference,
        topic,
        event: events::PHX_REPLY,
        payload: "",
    };
    encode_with(vsn, out, &message, |out| {
        out.push_str("{\"response\":");
        out.push_str(response);
        out.push_str(",\"status\":");
        json::write_str(out, status);
        out.push('}');
    });
}

fn encode_with(
    vsn: Vsn,
    out: &mut String,
    message: &Outgoing<'_>,
    payload: impl FnOnce(&mut String),
) {
    match vsn {
        Vsn::V1 => v1::encode(out, message, payload),
        Vsn::V2 => v2::encode(out, message, payload),
    }
}
