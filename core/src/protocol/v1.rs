//! V1 text: `{"topic", "event", "payload", "ref"}`, from clients optionally with `join_ref`.

use super::error::{DecodeError, Field};
use super::frame::{Message, Outgoing, Part, Ref, read_ref};
use super::json::{self, Cursor};
use alloc::string::String;

/// Keys may come in any order, others are ignored, and of duplicates the last one counts.
pub(super) fn decode(text: &str, max_depth: u8) -> Result<Message<'_>, DecodeError> {
    let mut join_ref: Ref<'_> = None;
    let mut reference: Option<Ref<'_>> = None;
    let mut topic = Part::Missing;
    let mut event = Part::Missing;
    let mut payload = None;

    let mut cursor = Cursor::with_max_depth(text, max_depth);
    cursor.enter_object()?;
    while let Some(key) = cursor.next_key()? {
        if key == "topic" {
            topic = Part::read(&mut cursor)?;
        } else if key == "event" {
            event = Part::read(&mut cursor)?;
        } else if key == "payload" {
            payload = Some(cursor.value()?);
        } else if key == "ref" {
            reference = Some(read_ref(&mut cursor)?);
        } else if key == "join_ref" {
            join_ref = read_ref(&mut cursor)?;
        } else {
            cursor.value()?;
        }
    }
    cursor.end()?;

    Ok(Message {
        join_ref,
        reference: reference.ok_or(DecodeError::Missing(Field::Ref))?,
        topic: topic.into_string(Field::Topic)?,
        event: event.into_string(Field::Event)?,
        payload: payload.ok_or(DecodeError::Missing(Field::Payload))?,
    })
}

/// Never writes a join_ref: V1 clients do not know of it.
pub(super) fn encode(out: &mut String, message: &Outgoing<'_>, payload: impl FnOnce(&mut String)) {
    out.push_str("{\"event\":");
    json::write_str(out, message.event);
    out.push_str(",\"payload\":");
    payload(out);
    out.push_str(",\"ref\":");
    out.push_str(message.reference.unwrap_or("null"));
    out.push_str(",\"topic\":");
    json::write_str(out, message.topic);
    out.push('}');
}
