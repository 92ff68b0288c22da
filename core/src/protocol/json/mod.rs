//! JSON read where it lies: a scanner that validates a text completely, finds the parts that are asked
//! for, and leaves them as slices of it.
//!
//! It builds no tree, allocates nothing, does not convert numbers and keeps no duplicate keys apart:
//! whoever needs values rather than text parses the slice with serde_json or `JSON.parse`. It accepts
//! exactly what serde_json accepts as a raw value, up to [`MAX_DEPTH`] levels of nesting. Because it runs
//! in every visitor's browser, there are no formatting machinery and no panics on its paths.

mod cursor;
mod error;
mod scan;
mod strings;
#[cfg(test)]
mod tests;

pub use cursor::Cursor;
pub use error::{Error, ErrorKind};
pub use scan::MAX_DEPTH;
pub use strings::{Chars, Str, write_str};

use core::ops::Range;

/// Checks that `text` is exactly one JSON value, with nothing but whitespace around it.
pub fn validate(text: &str) -> Result<(), Error> {
    let mut cursor = Cursor::new(text);
    cursor.value()?;
    cursor.end()
}

/// The keys and values of the object that `text` is, one level deep. See [`Entries`].
pub fn entries(text: &str) -> Entries<'_> {
    Entries {
        items: Items::new(text),
    }
}

/// The elements of the array that `text` is, one level deep. See [`Elements`].
pub fn elements(text: &str) -> Elements<'_> {
    Elements {
        items: Items::new(text),
    }
}

/// Whether a text known to be valid is an object.
pub fn is_object(text: &str) -> bool {
    Cursor::new(text).peek() == Some(b'{')
}

/// Whether a text known to be valid is an array.
pub fn is_array(text: &str) -> bool {
    Cursor::new(text).peek() == Some(b'[')
}

/// The value of `key` in the object that `text` is, if it is an object and has that key. Of several it is
/// the last, as in `JSON.parse`.
pub fn get<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut found = None;
    for entry in entries(text) {
        let (name, value) = entry.ok()?;
        if name == *key {
            found = Some(value);
        }
    }
    found
}

/// Where `part`, a slice of `text`, stands in it; `None` if it is no slice of it.
pub fn range_of(text: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= text.len()).then_some(start..end)
}

/// Iterator over an object's keys and the exact text of their values, in the order of the text,
/// duplicates included. The text is validated as it goes on; the first error (also what follows the
/// object) is the last item.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    items: Items<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<(Str<'a>, &'a str), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.items.next(Cursor::enter_object, |cursor| {
            let Some(key) = cursor.next_key()? else {
                return Ok(None);
            };
            Ok(Some((key, cursor.value()?)))
        })
    }
}

/// Iterator over the exact texts of an array's elements. The text is validated as it goes on; the first
/// error (also what follows the array) is the last item.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    items: Items<'a>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<&'a str, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.items.next(Cursor::enter_array, |cursor| {
            if !cursor.next_element()? {
                return Ok(None);
            }
            cursor.value().map(Some)
        })
    }
}

/// What both iterators share: enter, go on, end once.
#[derive(Clone, Debug)]
struct Items<'a> {
    cursor: Cursor<'a>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Outside,
    Inside,
    Done,
}

impl<'a> Items<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            cursor: Cursor::new(text),
            state: State::Outside,
        }
    }

    #[inline]
    fn next<T>(
        &mut self,
        enter: impl FnOnce(&mut Cursor<'a>) -> Result<(), Error>,
        read: impl FnOnce(&mut Cursor<'a>) -> Result<Option<T>, Error>,
    ) -> Option<Result<T, Error>> {
        let entered = match self.state {
            State::Outside => enter(&mut self.cursor),
            State::Inside => Ok(()),
            State::Done => return None,
        };
        self.state = State::Done;
        match entered.and_then(|()| read(&mut self.cursor)) {
            Ok(Some(item)) => {
                self.state = State::Inside;
                Some(Ok(item))
            }
            Ok(None) => self.cursor.end().err().map(Err),
            Err(error) => Some(Err(error)),
        }
    }
}
