//! The text of a meta: `{"phx_ref":"..","phx_ref_prev":"..",<fields of the application>}`.
//!
//! It is encoded once, when it is tracked, and then only copied. The two refs are always ours and
//! always first; whatever the application (or, through it, a client) put under these names is
//! dropped, because `JSON.parse` would let the later one win and a client could pose as another.

use super::{MetaError, PhxRef, ShardConfig};
use crate::protocol::json;

const REF: &str = "{\"phx_ref\":\"";
const PREVIOUS: &str = "\",\"phx_ref_prev\":\"";

/// Appends the text of a meta with the fields of `fields`, which must be the text of a JSON object.
/// On error what was appended is of no use.
pub(super) fn write(
    out: &mut String,
    phx_ref: &PhxRef,
    previous: Option<&PhxRef>,
    fields: &str,
    config: &ShardConfig,
) -> Result<(), MetaError> {
    if fields.len() > config.max_meta_bytes {
        return Err(MetaError::TooLong {
            len: fields.len(),
            max: config.max_meta_bytes,
        });
    }
    if !json::is_object(fields) {
        json::validate(fields).map_err(MetaError::Invalid)?;
        return Err(MetaError::NotAnObject);
    }
    write_refs(out, phx_ref, previous);
    write_fields(out, fields, config.max_meta_depth)?;
    out.push('}');
    Ok(())
}

/// Appends the text of a meta of another replica, which has made sure that its fields are in order.
pub(super) fn write_received(
    out: &mut String,
    phx_ref: &PhxRef,
    previous: Option<&PhxRef>,
    fields: &str,
) {
    write_refs(out, phx_ref, previous);
    if !fields.is_empty() {
        out.push(',');
        out.push_str(fields);
    }
    out.push('}');
}

fn write_refs(out: &mut String, phx_ref: &PhxRef, previous: Option<&PhxRef>) {
    out.push_str(REF);
    out.push_str(phx_ref.as_str());
    if let Some(previous) = previous {
        out.push_str(PREVIOUS);
        out.push_str(previous.as_str());
    }
    out.push('"');
}

/// Appends each field but the two names that are ours, with a comma before it and without white
/// space around it.
fn write_fields(out: &mut String, fields: &str, max_depth: usize) -> Result<(), MetaError> {
    for entry in json::entries(fields) {
        let (name, value) = entry.map_err(MetaError::Invalid)?;
        // Compared after decoding: "\u0070hx_ref" is the same name to a JSON parser.
        if name == *"phx_ref" || name == *"phx_ref_prev" {
            continue;
        }
        out.push_str(",\"");
        out.push_str(name.raw());
        out.push_str("\":");
        // The object of the fields is a level itself.
        if write_compact(out, value) >= max_depth {
            return Err(MetaError::TooDeep { max: max_depth });
        }
    }
    Ok(())
}

/// Appends a valid JSON value without its insignificant white space (every subscriber is sent it, and
/// two metas that differ in nothing else are the same meta), and returns how deep it nests.
fn write_compact(out: &mut String, value: &str) -> usize {
    if !value.starts_with(['{', '[']) {
        out.push_str(value);
        return 0;
    }
    let mut copied = 0;
    let mut in_string = false;
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = value.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            // The byte after a backslash never ends the string.
            b'\\' => _ = bytes.next(),
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth -= 1,
            b' ' | b'\t' | b'\n' | b'\r' => {
                out.push_str(&value[copied..at]);
                copied = at + 1;
            }
            _ => {}
        }
    }
    out.push_str(&value[copied..]);
    deepest
}

/// What the application put into a meta: the members of its object, without its braces.
pub(super) fn fields(meta: &str) -> &str {
    let rest = after_ref(meta);
    let rest = match rest.strip_prefix(PREVIOUS) {
        Some(previous) => previous.get(PhxRef::LEN..).unwrap_or(""),
        None => rest,
    };
    let fields = rest
        .strip_prefix("\",")
        .and_then(|rest| rest.strip_suffix('}'));
    fields.unwrap_or("")
}

/// The version that `phx_ref_prev` names, if the meta has one.
pub(super) fn previous_version(meta: &str) -> Option<u64> {
    PhxRef::version_in(after_ref(meta).strip_prefix(PREVIOUS)?)
}

fn after_ref(meta: &str) -> &str {
    meta.get(REF.len() + PhxRef::LEN..).unwrap_or("")
}
