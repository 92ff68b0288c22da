//! Durations and sizes as a person types them: `25ms`, `60s`, `14d`, `64KiB`, `8MB`.
//!
//! Each parser says in its error what would have been right, because that text is all that the
//! person sees.

use std::time::Duration;

/// What a duration may end in, and its milliseconds. Longer names first: `ms` also ends in `s`.
const TIMES: &[(&str, u64)] = &[
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// What a size may end in, and its bytes. Longer names first: every one of them ends in `b`.
const SIZES: &[(&str, u64)] = &[
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("b", 1),
];

/// Reads a duration; a number without a unit is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    scaled(text, TIMES, 1_000)
        .filter(|milliseconds| *milliseconds > 0)
        .map(Duration::from_millis)
        .ok_or_else(|| {
            "give a duration above zero, like 500ms, 60s, 2m or 14d; without a unit it is seconds"
                .into()
        })
}

/// Reads a size; a number without a unit is bytes.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    scaled(text, SIZES, 1)
        .filter(|bytes| *bytes > 0)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| "give a size above zero, like 65536, 64KiB or 8MB".into())
}

/// Reads a count of at least one.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "give a whole number of at least 1".into())
}

fn scaled(text: &str, units: &[(&str, u64)], unit_when_none: u64) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let (number, unit) = units
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))
        .unwrap_or((&text, unit_when_none));
    let number: u64 = number.trim_end().parse().ok()?;
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_unit_and_default_to_seconds() {
        let read = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(read("25ms"), Ok(25));
        assert_eq!(read("60s"), Ok(60_000));
        assert_eq!(read("60"), Ok(60_000));
        assert_eq!(read("2 m"), Ok(120_000));
        assert_eq!(read("14D"), Ok(1_209_600_000));
    }

    #[test]
    fn sizes_know_powers_of_two_from_powers_of_ten() {
        assert_eq!(size("65536"), Ok(65_536));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("64kb"), Ok(64_000));
        assert_eq!(size("8 MiB"), Ok(8 << 20));
        assert_eq!(size("12b"), Ok(12));
    }

    #[test]
    fn nonsense_zero_and_overflow_are_refused_with_an_example() {
        for text in [
            "",
            "s",
            "0",
            "0ms",
            "-1s",
            "1.5s",
            "10 lightyears",
            "18446744073709551615d",
        ] {
            assert!(duration(text).unwrap_err().contains("60s"), "{text:?}");
        }
        for text in [
            "",
            "KiB",
            "0",
            "-1",
            "1.5MB",
            "99999999999999999999",
            "18446744073709551615gib",
        ] {
            assert!(size(text).unwrap_err().contains("64KiB"), "{text:?}");
        }
        assert!(count("0").is_err());
        assert_eq!(count("100"), Ok(100));
    }
}
