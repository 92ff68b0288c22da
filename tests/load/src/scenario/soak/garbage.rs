//! What is no message, in the ways in which that happens.

/// Bytes to send over an open WebSocket: some are no frames, some are frames and no messages, and some are
/// messages that no channel understands.
const GARBAGE: &[&[u8]] = &[
    // An HTTP request.
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    // A frame that is not masked.
    b"\x81\x02[]",
    // A reserved opcode.
    b"\x83\x80\0\0\0\0",
    // A frame of 2^62 bytes.
    b"\x81\xff\x40\0\0\0\0\0\0\0\0\0\0\0",
    // A fragment that continues nothing.
    b"\x80\x81\0\0\0\0x",
    // Text that is not UTF-8.
    b"\x81\x82\0\0\0\0\xff\xfe",
    // No JSON, JSON of another kind, JSON that ends early.
    b"\x81\x81\0\0\0\0!",
    b"\x81\x82\0\0\0\0{}",
    b"\x81\x89\0\0\0\0[\"1\",\"2\",",
    // Binary messages: empty, and of an unknown kind.
    b"\x82\x80\0\0\0\0",
    b"\x82\x84\0\0\0\0\xff\x01\x02\x03",
    // Only half a frame, and then nothing.
    b"\x81\xa0\0\0\0\0[",
    // A message to a topic that was not joined.
    b"\x81\xa6\0\0\0\0[\"99\",\"99\",\"room:nowhere\",\"shout\",{}] ",
];

/// Any of them.
pub(super) fn any() -> &'static [u8] {
    GARBAGE[fastrand::usize(..GARBAGE.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_among_the_garbage_has_the_length_that_its_frame_says() {
        let message = GARBAGE.last().unwrap();
        assert_eq!(usize::from(message[1] & 0x7f), message.len() - 6);
    }
}
