//! V2 text: `[join_ref, ref, topic, event, payload]`.

use super::error::{DecodeError, Field};
use super::frame::{Message, Outgoing, Part, read_ref};
use super::json::{self, Cursor};
use alloc::string::String;

/// Elements after the fifth are ignored, as Phoenix does.
pub(super) fn decode(text: &str, max_depth: u8) -> Result<Message<'_>, DecodeError> {
    let mut cursor = Cursor::with_max_depth(text, max_depth);
    cursor.enter_array()?;
    element(&mut cursor, Field::JoinRef)?;
    let join_ref = read_ref(&mut cursor)?;
    element(&mut cursor, Field::Ref)?;
    let reference = read_ref(&mut cursor)?;
    element(&mut cursor, Field::Topic)?;
    let topic = Part::read(&mut cursor)?.into_string(Field::Topic)?;
    element(&mut cursor, Field::Event)?;
    let event = Part::read(&mut cursor)?.into_string(Field::Event)?;
    element(&mut cursor, Field::Payload)?;
    let payload = cursor.value()?;
    while cursor.next_element()? {
        cursor.value()?;
    }
    cursor.end()?;
    Ok(Message {
        join_ref,
        reference,
        topic,
        event,
        payload,
    })
}

fn element(cursor: &mut Cursor<'_>, field: Field) -> Result<(), DecodeError> {
    if cursor.next_element()? {
        Ok(())
    } else {
        Err(DecodeError::Missing(field))
    }
}

pub(super) fn encode(out: &mut String, message: &Outgoing<'_>, payload: impl FnOnce(&mut String)) {
    out.push('[');
    out.push_str(message.join_ref.unwrap_or("null"));
    out.push(',');
    out.push_str(message.reference.unwrap_or("null"));
    out.push(',');
    json::write_str(out, message.topic);
    out.push(',');
    json::write_str(out, message.event);
    out.push(',');
    payload(out);
    out.push(']');
}
