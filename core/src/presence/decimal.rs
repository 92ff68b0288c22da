//! Numbers compared without floating point, whose parsing would outweigh all the rest of the wasm.

/// A JSON number in the one form that all its spellings share: 0.`digits` times ten to the `exponent`.
///
/// Exact, so it tells apart what a JavaScript number, with its 17 digits, could not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Neither beginning nor ending with a zero; empty for zero itself.
    pub(super) digits: String,
    exponent: i64,
}

impl Decimal {
    /// The value of a valid JSON number.
    pub(super) fn of(number: &str) -> Self {
        let unsigned = number.trim_start_matches('-');
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));

        let mut digits = String::from(whole);
        digits.push_str(fraction);
        let significant = digits.trim_start_matches('0');
        let exponent =
            whole.len() as i64 - (digits.len() - significant.len()) as i64 + saturating(exponent);
        let digits = String::from(significant.trim_end_matches('0'));
        let zero = digits.is_empty();
        Self {
            negative: !zero && unsigned.len() < number.len(),
            digits,
            exponent: if zero { 0 } else { exponent },
        }
    }
}

/// A whole number, as near as a range allows that a text's length cannot leave.
fn saturating(number: &str) -> i64 {
    const MOST: i64 = 1 << 60;
    let digits = number.trim_start_matches(['+', '-']).bytes();
    let value = digits.fold(0i64, |value, digit| {
        (value * 10 + i64::from(digit.wrapping_sub(b'0'))).min(MOST / 16)
    });
    if number.starts_with('-') {
        -value
    } else {
        value
    }
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
