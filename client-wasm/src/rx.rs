//! How text comes in. JavaScript asks for room, writes UTF-8 into it (`TextEncoder.encodeInto`, straight
//! into wasm memory) and says how much it was.
//!
//! There are two buffers. *Frame* holds the frame that the socket is just handling, for as long as its
//! listeners run; the socket says which part of it is the payload. *Scratch* is for everything else, so
//! that a listener cannot overwrite the frame under the others.

use alloc::vec::Vec;
use core::ops::Range;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::local::local;

/// The least room that a buffer has, so that JavaScript seldom has to ask for more.
const MIN_BYTES: usize = 1 << 14;

/// A buffer with more room than this gives it back when it is asked for much less.
const KEEP_BYTES: usize = 1 << 20;

/// Text on its way in.
struct Buffer {
    /// As long as there is room. It stays where it is until more room is asked for.
    bytes: Vec<u8>,
    /// How much of it is the text.
    len: usize,
    payload: Range<usize>,
}

impl Buffer {
    const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            len: 0,
            payload: 0..0,
        }
    }

    fn reserve(&mut self, bytes: usize) -> *mut u8 {
        let room = self.bytes.len();
        if room > KEEP_BYTES && bytes < room / 4 {
            self.bytes = Vec::new();
        }
        if bytes > self.bytes.len() || self.bytes.is_empty() {
            self.bytes.resize(bytes.max(MIN_BYTES), 0);
        }
        self.bytes.as_mut_ptr()
    }

    fn commit(&mut self, len: usize) {
        self.len = len;
        self.payload = 0..len;
    }

    /// What an encoder wrote is UTF-8. Anything else counts as no text, and no parser will like that.
    fn text(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    fn payload(&self) -> &str {
        self.text().get(self.payload.clone()).unwrap_or_default()
    }
}

local! {
    static FRAME: Buffer = Buffer::new();
    static SCRATCH: Buffer = Buffer::new();
}

/// Makes room for `bytes` in the frame buffer and returns where that is. What was written before is kept,
/// and stays where it is if there was room enough.
#[wasm_bindgen]
pub fn rx_reserve(bytes: usize) -> *mut u8 {
    FRAME.with_borrow_mut(|frame| frame.reserve(bytes))
}

/// How much room the frame buffer has.
#[wasm_bindgen]
pub fn rx_room() -> usize {
    FRAME.with_borrow(|frame| frame.bytes.len())
}

/// Says that the first `len` bytes are the frame. Until the socket knows better, all of it is payload.
#[wasm_bindgen]
pub fn rx_commit(len: usize) {
    FRAME.with_borrow_mut(|frame| frame.commit(len));
}

/// [`rx_reserve`] for the scratch buffer.
#[wasm_bindgen]
pub fn scratch_reserve(bytes: usize) -> *mut u8 {
    SCRATCH.with_borrow_mut(|scratch| scratch.reserve(bytes))
}

/// [`rx_room`] for the scratch buffer.
#[wasm_bindgen]
pub fn scratch_room() -> usize {
    SCRATCH.with_borrow(|scratch| scratch.bytes.len())
}

/// [`rx_commit`] for the scratch buffer.
#[wasm_bindgen]
pub fn scratch_commit(len: usize) {
    SCRATCH.with_borrow_mut(|scratch| scratch.commit(len));
}

/// Where the frame's payload is in memory.
#[wasm_bindgen]
pub fn rx_payload_ptr() -> *const u8 {
    FRAME.with_borrow(|frame| frame.payload().as_ptr())
}

/// How many bytes the frame's payload has.
#[wasm_bindgen]
pub fn rx_payload_len() -> usize {
    FRAME.with_borrow(|frame| frame.payload().len())
}

/// The frame that is being handled.
pub(crate) fn with_frame<R>(read: impl FnOnce(&str) -> R) -> R {
    FRAME.with_borrow(|frame| read(frame.text()))
}

/// Says which part of the frame is its payload.
pub(crate) fn set_payload(range: Range<usize>) {
    FRAME.with_borrow_mut(|frame| frame.payload = range);
}

/// The frame's payload.
pub(crate) fn with_payload<R>(read: impl FnOnce(&str) -> R) -> R {
    FRAME.with_borrow(|frame| read(frame.payload()))
}

/// The text in the scratch buffer.
pub(crate) fn with_scratch<R>(read: impl FnOnce(&str) -> R) -> R {
    SCRATCH.with_borrow(|scratch| read(scratch.text()))
}

#[cfg(test)]
mod tests {
    use super::{Buffer, KEEP_BYTES, MIN_BYTES};

    fn write(buffer: &mut Buffer, at: usize, text: &str) {
        buffer.bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
    }

    #[test]
    fn a_text_may_be_written_in_steps_and_is_all_payload() {
        let mut buffer = Buffer::new();
        buffer.reserve(3);
        write(&mut buffer, 0, "her");
        buffer.reserve(MIN_BYTES * 2);
        write(&mut buffer, 3, "enow");
        buffer.commit(7);
        assert_eq!(buffer.payload(), "herenow");
    }

    #[test]
    fn the_buffer_stays_where_it_is_while_there_is_room() {
        let mut buffer = Buffer::new();
        let before = buffer.reserve(1);
        buffer.commit(1);
        assert_eq!(buffer.reserve(MIN_BYTES), before);
    }

    #[test]
    fn what_is_no_utf8_is_no_text() {
        let mut buffer = Buffer::new();
        buffer.reserve(1);
        buffer.bytes[0] = 0xFF;
        buffer.commit(1);
        assert_eq!(buffer.payload(), "");
    }

    #[test]
    fn a_large_buffer_is_given_back_when_little_room_is_asked_for() {
        let mut buffer = Buffer::new();
        buffer.reserve(KEEP_BYTES * 10);
        buffer.reserve(100);
        assert!(buffer.bytes.capacity() < KEEP_BYTES);
    }
}
