//! Numbers compared by their digits and not in floating point: exactly, however long they are.

use alloc::vec::Vec;

/// A JSON number in the one form that all its spellings share: 0.`digits` times ten to the `exponent`.
///
/// Exact, so it tells apart what a JavaScript number, with its 17 digits, could not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Neither beginning nor ending with a zero; empty for zero itself.
    pub(super) digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// The value of a valid JSON number.
    pub(super) fn of(number: &str) -> Self {
        let (mut digits, mut exponent, mut fraction) = (Vec::new(), 0, false);
        let mut bytes = number.bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'0' if digits.is_empty() => exponent -= i64::from(fraction),
                b'0'..=b'9' => {
                    digits.push(byte);
                    exponent += i64::from(!fraction);
                }
                b'.' => fraction = true,
                b'e' | b'E' => exponent += whole(&mut bytes),
                _ => {}
            }
        }
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let zero = digits.is_empty();
        Self {
            negative: !zero && number.as_bytes().first() == Some(&b'-'),
            digits,
            exponent: if zero { 0 } else { exponent },
        }
    }
}

/// A whole number to the end of the text. It stops growing long after it is larger than any number of
/// digits could make up for.
fn whole(bytes: &mut core::str::Bytes<'_>) -> i64 {
    const MOST: i64 = i64::MAX / 256;
    let (mut value, mut sign) = (0i64, 1);
    for byte in bytes {
        match byte {
            b'-' => sign = -1,
            b'0'..=b'9' => value = (value * 10 + i64::from(byte - b'0')).min(MOST),
            _ => {}
        }
    }
    sign * value
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn spellings_of_one_number_are_equal() {
        for same in [
            &["0", "-0", "0.0", "0e5", "-0.000E-3"][..],
            &["1", "1.0", "1e0", "10e-1", "0.1E+1", "0.0100e2"],
            &["-12.5", "-125e-1", "-1.25e1"],
            &["100", "1e2", "1E+02"],
        ] {
            for number in same {
                assert_eq!(Decimal::of(number), Decimal::of(same[0]), "{number}");
            }
        }
    }

    #[test]
    fn different_numbers_differ() {
        let numbers = [
            "0",
            "1",
            "-1",
            "10",
            "0.1",
            "11",
            "9007199254740992",
            "9007199254740993",
            "1e999999999999999999999",
            "1e-999999999999999999999",
        ];
        for (i, a) in numbers.iter().enumerate() {
            for b in &numbers[..i] {
                assert_ne!(Decimal::of(a), Decimal::of(b), "{a} {b}");
            }
        }
    }
}
