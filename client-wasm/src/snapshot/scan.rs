//! Finds the members of a state in its text, in one pass.

use super::known::{absorb, mix};

/// How a presence begins that has metas and nothing else.
const PLAIN: &[u8] = b"{\"metas\":[";

/// How deep the metas of a presence stand in it.
const META_DEPTH: usize = 2;

pub(super) enum Stop {
    /// The rest has yet to come.
    Incomplete,
    /// The text is not as servers write it.
    Refused,
}

/// Where the parts of a member are: `"key":{..}` and the byte after it.
pub(super) struct Member {
    pub(super) start: usize,
    /// The closing quote.
    pub(super) key_end: usize,
    /// The presence begins two bytes after that, and ends before this.
    pub(super) end: usize,
    /// If the presence has metas and nothing else: where the only one of them is, or the array.
    pub(super) metas: Option<(usize, usize)>,
}

/// The member that begins at `start`. Of the presence this checks that brackets and strings end, and what would be
/// read otherwise than it looks; the rest is up to `JSON.parse`. Into `refs` goes each `phx_ref` of its metas.
pub(super) fn member(text: &[u8], start: usize, refs: &mut u64) -> Result<Member, Stop> {
    if byte(text, start)? != b'"' {
        return Err(Stop::Refused);
    }
    let key_end = name(text, start)?;
    let body = key_end + 2;
    if byte(text, key_end + 1)? != b':' || byte(text, body)? != b'{' {
        return Err(Stop::Refused);
    }
    let (mut at, mut depth) = (body, 0);
    let (mut first_end, mut metas_end) = (0, 0);
    let mut is_in_metas = false;
    loop {
        match byte(text, at)? {
            b'"' => {
                let (close, escaped) = string(text, at)?;
                if byte(text, close + 1)? != b':' {
                    at = close;
                } else if escaped {
                    return Err(Stop::Refused);
                } else if is_in_metas
                    && depth == META_DEPTH + 1
                    && part(text, at, close) == b"\"phx_ref"
                {
                    at = value(text, close + 2)?;
                    *refs = absorb(*refs, part(text, close + 2, at + 1));
                } else {
                    if depth == 1 {
                        is_in_metas = part(text, at, close) == b"\"metas";
                    }
                    at = close + 1;
                }
            }
            b'{' | b'[' => {
                depth += 1;
                // No meta is not the same as one without a ref.
                if is_in_metas && depth == META_DEPTH && byte(text, at + 1)? == b']' {
                    *refs = mix(*refs ^ 2);
                }
            }
            b'}' | b']' => {
                depth -= 1;
                match depth {
                    0 => break,
                    1 if metas_end == 0 => metas_end = at + 1,
                    META_DEPTH if first_end == 0 => first_end = at + 1,
                    _ => {}
                }
            }
            // Another meta.
            b',' if is_in_metas && depth == META_DEPTH => *refs = mix(*refs ^ 1),
            0..=b' ' => return Err(Stop::Refused),
            _ => {}
        }
        at += 1;
    }
    let end = at + 1;
    if !matches!(byte(text, end)?, b',' | b'}') {
        return Err(Stop::Refused);
    }
    let array = body + PLAIN.len() - 1;
    let is_plain = metas_end == at && part(text, body, end).starts_with(PLAIN);
    let is_only = first_end + 1 == metas_end && byte(text, array + 1)? == b'{';
    let metas = match is_only {
        true => (array + 1, first_end),
        false => (array, metas_end),
    };
    Ok(Member {
        start,
        key_end,
        end,
        metas: is_plain.then_some(metas),
    })
}

/// The last byte of a value that is no object or array.
fn value(text: &[u8], start: usize) -> Result<usize, Stop> {
    match byte(text, start)? {
        b'"' => return Ok(string(text, start)?.0),
        b'{' | b'[' => return Err(Stop::Refused),
        _ => {}
    }
    let mut at = start;
    loop {
        match byte(text, at)? {
            b',' | b'}' | b']' => return Ok(at - 1),
            b'"' | 0..=b' ' => return Err(Stop::Refused),
            _ => at += 1,
        }
    }
}

/// The closing quote of a string without escapes, whose opening quote is at `open`.
fn name(text: &[u8], open: usize) -> Result<usize, Stop> {
    match string(text, open)? {
        (close, false) => Ok(close),
        (_, true) => Err(Stop::Refused),
    }
}

/// The closing quote of a string, and whether there are escapes in it.
#[inline(never)]
fn string(text: &[u8], open: usize) -> Result<(usize, bool), Stop> {
    let (mut at, mut escaped) = (open + 1, false);
    loop {
        while let Some(word) = text.get(at..).and_then(|rest| rest.first_chunk()) {
            let word = u64::from_le_bytes(*word);
            let found = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES);
            if found != 0 {
                at += found.trailing_zeros() as usize / 8;
                break;
            }
            at += 8;
        }
        match byte(text, at)? {
            b'"' => return Ok((at, escaped)),
            b'\\' => {
                escaped = true;
                at += 2;
            }
            _ => at += 1,
        }
    }
}

/// 1 in each byte of a word.
const EACH: u64 = u64::MAX / 0xff;

const QUOTES: u64 = EACH * b'"' as u64;
const BACKSLASHES: u64 = EACH * b'\\' as u64;

/// Has the highest bit of the first byte that is zero, perhaps of some after that, and no bit before it.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(EACH) & !word & (EACH << 7)
}

#[inline]
fn byte(text: &[u8], at: usize) -> Result<u8, Stop> {
    text.get(at).copied().ok_or(Stop::Incomplete)
}

/// Of positions that a scan has found; `get` leaves the panic out of the wasm.
pub(super) fn part(text: &[u8], start: usize, end: usize) -> &[u8] {
    text.get(start..end).unwrap_or_default()
}
