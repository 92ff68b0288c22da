//! The body of a post.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::HeaderValue;

use super::MAX_MESSAGES;
use crate::Limits;

/// A client's message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Text(Bytes),
    Binary(Bytes),
}

/// Why nothing of a body is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// The body is over [`Limits::max_longpoll_body_bytes`], or a message in it over
    /// [`Limits::max_message_bytes`].
    TooLarge,
    /// It did not come to its end, or a line is neither JSON nor base64.
    Unreadable,
}

/// The type of a body with one message on each line; any other body is one message.
const NDJSON: &str = "application/x-ndjson";

/// Reads a body, no more of it than the limit.
pub(crate) async fn read_messages<B: Buf, E>(
    body: impl Stream<Item = Result<B, E>>,
    content_type: Option<&HeaderValue>,
    limits: &Limits,
) -> Result<Vec<Received>, BodyError> {
    let body = read(body, limits.max_longpoll_body_bytes).await?;
    messages(&body, is_ndjson(content_type), limits.max_message_bytes)
}

async fn read<B: Buf, E>(
    body: impl Stream<Item = Result<B, E>>,
    limit: usize,
) -> Result<Bytes, BodyError> {
    let mut body = std::pin::pin!(body);
    let mut whole = BytesMut::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| BodyError::Unreadable)?;
        if whole.len() + part.remaining() > limit {
            return Err(BodyError::TooLarge);
        }
        bytes::BufMut::put(&mut whole, part);
    }
    Ok(whole.freeze())
}

fn is_ndjson(content_type: Option<&HeaderValue>) -> bool {
    let text = content_type.and_then(|value| value.to_str().ok());
    // Some browsers add a charset of their own.
    let essence = text.and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(NDJSON))
}

fn messages(body: &Bytes, is_ndjson: bool, limit: usize) -> Result<Vec<Received>, BodyError> {
    if !is_ndjson {
        return Ok(vec![text(body.clone(), limit)?]);
    }
    let lines = body.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines
        .filter(|line| !line.is_empty())
        .take(MAX_MESSAGES)
        .map(|line| match line {
            // V1 has objects, which Phoenix takes for base64 and rejects.
            [b'[' | b'{', ..] => text(body.slice_ref(line), limit),
            _ => binary(line, limit),
        })
        .collect()
}

fn text(message: Bytes, limit: usize) -> Result<Received, BodyError> {
    if message.len() > limit {
        return Err(BodyError::TooLarge);
    }
    Ok(Received::Text(message))
}

fn binary(line: &[u8], limit: usize) -> Result<Received, BodyError> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&STANDARD, CONFIG);
    let message = engine.decode(line).map_err(|_| BodyError::Unreadable)?;
    if message.len() > limit {
        return Err(BodyError::TooLarge);
    }
    Ok(Received::Binary(message.into()))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::FutureExt;
    use futures_util::stream;

    use super::*;

    fn read_parts(
        parts: &[&'static str],
        content_type: &'static str,
        limits: &Limits,
    ) -> Result<Vec<Received>, BodyError> {
        let parts = parts
            .iter()
            .map(|part| Ok::<_, Infallible>(Bytes::from_static(part.as_bytes())));
        let content_type = HeaderValue::from_static(content_type);
        let reading = read_messages(stream::iter(parts), Some(&content_type), limits);
        reading.now_or_never().expect("it is all there")
    }

    fn lines(body: &'static str) -> Result<Vec<Received>, BodyError> {
        read_parts(&[body], NDJSON, &Limits::default())
    }

    fn text(text: &'static str) -> Received {
        Received::Text(Bytes::from_static(text.as_bytes()))
    }

    fn binary(bytes: &'static [u8]) -> Received {
        Received::Binary(Bytes::from_static(bytes))
    }

    #[test]
    fn each_line_is_a_message() {
        let both = [text("[1]"), text("[2]")];
        assert_eq!(lines("[1]\n[2]").unwrap(), both);
        assert_eq!(lines("[1]\r\n\n[2]\n").unwrap(), both);
        assert_eq!(
            lines(r#"{"topic":"t"}"#).unwrap(),
            [text(r#"{"topic":"t"}"#)]
        );
        assert_eq!(lines("").unwrap(), []);
    }

    #[test]
    fn a_line_that_is_no_json_is_base64() {
        assert_eq!(
            lines("AAEC\n[1]\n/w==\n/w").unwrap(),
            [
                binary(b"\x00\x01\x02"),
                text("[1]"),
                binary(b"\xff"),
                binary(b"\xff"),
            ]
        );
        for neither in ["?", "[1]\nno json", "AAE*", "a"] {
            assert_eq!(lines(neither), Err(BodyError::Unreadable), "{neither}");
        }
    }

    #[test]
    fn no_more_lines_are_used_than_the_limit() {
        let body: &'static str = "[1]\n".repeat(MAX_MESSAGES + 1).leak();
        assert_eq!(lines(body).unwrap().len(), MAX_MESSAGES);
    }

    #[test]
    fn a_body_of_another_type_is_one_message() {
        for content_type in ["application/json", "text/plain;charset=UTF-8", ""] {
            let messages = read_parts(&["[1]", "\n[2]"], content_type, &Limits::default());
            assert_eq!(messages.unwrap(), [text("[1]\n[2]")], "{content_type}");
        }
        let messages = read_parts(
            &["[1]\n[2]"],
            "Application/X-NDJSON; charset=utf-8",
            &Limits::default(),
        );
        assert_eq!(messages.unwrap().len(), 2);
    }

    #[test]
    fn bodies_and_messages_at_the_limit_are_read_and_larger_ones_are_not() {
        let limits = Limits {
            max_longpoll_body_bytes: 9,
            max_message_bytes: 4,
            ..Limits::default()
        };
        let read = |parts: &[&'static str]| read_parts(parts, NDJSON, &limits).map(|m| m.len());
        assert_eq!(read(&["[12]\n", "[34]"]), Ok(2));
        assert_eq!(read(&["[12]\n", "[34]", "\n"]), Err(BodyError::TooLarge));
        assert_eq!(read(&["[123]"]), Err(BodyError::TooLarge));
        assert_eq!(read(&["AAECAw=="]), Ok(1));
        assert_eq!(read(&["AAECAwQ="]), Err(BodyError::TooLarge));
        let single = read_parts(&["[123]"], "text/plain", &limits);
        assert_eq!(single, Err(BodyError::TooLarge));
    }

    #[test]
    fn a_body_that_breaks_off_is_not_handled() {
        let parts = [Ok(Bytes::from_static(b"[1]\n")), Err(())];
        let content_type = HeaderValue::from_static(NDJSON);
        let limits = Limits::default();
        let reading = read_messages(stream::iter(parts), Some(&content_type), &limits);
        assert_eq!(reading.now_or_never(), Some(Err(BodyError::Unreadable)));
    }
}
