//! How text comes in. JavaScript asks for room, writes UTF-8 into it (`TextEncoder.encodeInto`, straight
//! into wasm memory) and says how much it was. Whatever the text is for is called next: it is good until
//! another one is written.

use alloc::vec::Vec;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::local::local;

/// The least room that there is, so that JavaScript seldom has to ask for more.
const MIN_BYTES: usize = 1 << 10;

/// Text on its way in.
struct Buffer {
    /// As long as there is room. It stays where it is until more room is asked for.
    bytes: Vec<u8>,
    /// How much of it is the text.
    len: usize,
}

impl Buffer {
    const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            len: 0,
        }
    }

    fn reserve(&mut self, bytes: usize) -> *mut u8 {
        if bytes > self.bytes.len() {
            self.bytes.resize(bytes.max(MIN_BYTES), 0);
        }
        self.bytes.as_mut_ptr()
    }

    /// What an encoder wrote is UTF-8. Anything else counts as no text, and no parser will like that.
    fn text(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }
}

local! {
    static TEXT: Buffer = Buffer::new();
}

/// Makes room for `bytes` and returns where that is. It stays there until more is asked for.
#[wasm_bindgen]
pub fn rx_reserve(bytes: usize) -> *mut u8 {
    TEXT.with_borrow_mut(|text| text.reserve(bytes))
}

/// Says that the first `len` bytes are the text.
#[wasm_bindgen]
pub fn rx_commit(len: usize) {
    TEXT.with_borrow_mut(|text| text.len = len);
}

/// The text that was written last.
pub(crate) fn with_text<R>(read: impl FnOnce(&str) -> R) -> R {
    TEXT.with_borrow(|text| read(text.text()))
}

#[cfg(test)]
mod tests {
    use super::{Buffer, MIN_BYTES};

    #[test]
    fn the_room_stays_where_it_is_while_it_is_enough() {
        let mut buffer = Buffer::new();
        let before = buffer.reserve(1);
        assert_eq!(buffer.reserve(MIN_BYTES), before);
    }

    #[test]
    fn what_was_written_is_the_text_if_it_is_one() {
        let mut buffer = Buffer::new();
        buffer.reserve(7);
        buffer.bytes[..7].copy_from_slice(b"herenow");
        buffer.len = 4;
        assert_eq!(buffer.text(), "here");
        buffer.bytes[0] = 0xFF;
        assert_eq!(buffer.text(), "");
    }
}
