//! The JSON scanner against serde_json: what is valid, where the parts are, what strings mean.

#[path = "protocol_support/json_text.rs"]
mod json_text;
#[path = "protocol_support/noise.rs"]
mod noise;

use std::fmt;

use herenow_core::protocol::json::{self, Cursor, Error, ErrorKind, MAX_DEPTH, Str};
use json_text::{json_text, string_literal};
use noise::Noise;
use proptest::prelude::*;
use serde_json::value::RawValue;

fn serde_accepts(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// An object as serde_json cuts it up: the texts of its keys and values, in order, with duplicates.
struct RawEntries<'a>(Vec<(&'a str, &'a str)>);

impl<'de> serde::Deserialize<'de> for RawEntries<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = RawEntries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    entries.push((key.get(), value.get()));
                }
                Ok(RawEntries(entries))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Takes a text apart to the last scalar with the iterators, checking every cut against serde_json.
fn check_parts(text: &str) {
    if json::is_object(text) {
        let ours: Vec<_> = json::entries(text).collect::<Result<_, _>>().unwrap();
        let RawEntries(theirs) = serde_json::from_str(text).unwrap();
        assert_eq!(ours.len(), theirs.len());
        for ((key, value), (raw_key, raw_value)) in ours.into_iter().zip(theirs) {
            assert_eq!(format!("{key:?}"), raw_key);
            assert_eq!(value, raw_value);
            check_parts(value);
        }
    } else if json::is_array(text) {
        let ours: Vec<_> = json::elements(text).collect::<Result<_, _>>().unwrap();
        let theirs: Vec<&RawValue> = serde_json::from_str(text).unwrap();
        assert!(ours.iter().copied().eq(theirs.iter().map(|raw| raw.get())));
        ours.into_iter().for_each(check_parts);
    }
}

/// Walks through a value with a cursor, entering all that can be entered.
fn walk(cursor: &mut Cursor<'_>) -> Result<(), Error> {
    match cursor.peek() {
        Some(b'{') => {
            cursor.enter_object()?;
            while cursor.next_key()?.is_some() {
                walk(cursor)?;
            }
        }
        Some(b'[') => {
            cursor.enter_array()?;
            while cursor.next_element()? {
                walk(cursor)?;
            }
        }
        Some(b'"') => drop(cursor.string()?),
        _ => drop(cursor.value()?),
    }
    Ok(())
}

fn walk_all(text: &str) -> Result<(), Error> {
    let mut cursor = Cursor::new(text);
    walk(&mut cursor)?;
    cursor.end()
}

/// All ways to read a text agree with serde_json, and errors point into the text.
fn check_agreement(text: &str) {
    let result = json::validate(text);
    assert_eq!(result.is_ok(), serde_accepts(text), "{text:?}: {result:?}");
    assert_eq!(walk_all(text), result, "{text:?}");
    match result {
        Ok(()) => check_parts(text),
        Err(error) => {
            assert!(error.offset <= text.len(), "{text:?}: {error}");
            let at_end = error.offset == text.len();
            assert_eq!(error.kind == ErrorKind::UnexpectedEnd, at_end, "{text:?}");
        }
    }
}

proptest! {
    #[test]
    fn valid_json_is_accepted_and_cut_where_serde_json_cuts_it(text in json_text()) {
        prop_assert_eq!(json::validate(&text), Ok(()));
        check_agreement(&text);
    }

    #[test]
    fn broken_json_is_judged_as_by_serde_json(text in json_text(), seed: u64) {
        let mut noise = Noise(seed);
        for _ in 0..20 {
            let broken = noise.mutated(text.as_bytes());
            if let Ok(broken) = std::str::from_utf8(&broken) {
                check_agreement(broken);
            }
        }
    }

    #[test]
    fn json_cut_short_anywhere_is_judged_as_by_serde_json(text in json_text()) {
        for (end, _) in text.char_indices() {
            check_agreement(&text[..end]);
        }
    }

    #[test]
    fn strings_mean_what_serde_json_reads_in_them(literal in string_literal()) {
        let ours = Str::parse(&literal).unwrap();
        prop_assert_eq!(ours.is_plain(), !literal.contains('\\'));
        prop_assert_eq!(ours.raw(), &literal[1..literal.len() - 1]);
        // serde_json puts no half of a surrogate pair into a `String`.
        match serde_json::from_str::<String>(&literal) {
            Ok(theirs) => {
                prop_assert_eq!(&*ours.decode(), theirs.as_str());
                prop_assert!(ours == *theirs.as_str());
                prop_assert!(ours != *(theirs + "x").as_str());
            }
            Err(_) => prop_assert!(ours.decode().contains(char::REPLACEMENT_CHARACTER)),
        }
    }

    #[test]
    fn halves_of_surrogate_pairs_decode_as_in_utf16(
        units in prop::collection::vec(prop_oneof![any::<u16>(), 0xD800..0xE000_u16], 0..20),
    ) {
        let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        let literal = ["\"", &escapes, "\""].concat();
        let decoded = Str::parse(&literal).unwrap().decode();
        prop_assert_eq!(decoded, String::from_utf16_lossy(&units));
    }

    #[test]
    fn written_strings_are_read_back_and_are_those_of_serde_json(text: String) {
        let mut out = String::new();
        json::write_str(&mut out, &text);
        prop_assert_eq!(&out, &serde_json::to_string(&text).unwrap());
        prop_assert_eq!(Str::parse(&out).unwrap().decode(), text);
    }

    #[test]
    fn any_text_is_judged_as_by_serde_json(text in "[\\[\\]{},:\"\\\\0-9eE+.\\-untrfalse \n\u{0}é😀]{0,24}") {
        check_agreement(&text);
    }
}

#[test]
fn every_ascii_byte_in_every_place_is_judged_as_by_serde_json() {
    let texts = [
        "",
        "0",
        "-1.5e+3",
        "true",
        "\"a\\n\\u00e9\"",
        "[1,[]]",
        "{\"a\":{},\"b\":1}",
        " 1 ",
    ];
    for text in texts {
        for at in 0..=text.len() {
            for byte in 0..128_u8 {
                let (before, after) = text.split_at(at);
                let byte = char::from(byte);
                check_agreement(&format!("{before}{byte}{after}"));
                let mut rest = after.chars();
                rest.next();
                check_agreement(&format!("{before}{byte}{}", rest.as_str()));
            }
        }
    }
}

#[test]
fn the_depth_limit_holds_for_every_mix_of_objects_and_arrays_and_every_way_to_read() {
    let mut noise = Noise(1);
    let deepest = usize::from(MAX_DEPTH);
    for levels in [deepest - 1, deepest, deepest + 1, 1000] {
        for _ in 0..50 {
            let objects: Vec<bool> = (0..levels).map(|_| noise.below(2) == 0).collect();
            let opening = objects
                .iter()
                .map(|&object| if object { "{\"a\":" } else { "[" });
            let closing = objects
                .iter()
                .rev()
                .map(|&object| if object { "}" } else { "]" });
            let text: String = opening.chain(["0"]).chain(closing).collect();
            let result = json::validate(&text);
            if levels <= deepest {
                assert_eq!(result, Ok(()));
            } else {
                assert_eq!(result.unwrap_err().kind, ErrorKind::TooDeep(MAX_DEPTH));
            }
            assert_eq!(walk_all(&text), result);
        }
    }
}

#[test]
fn a_cursor_bears_any_steps_in_any_order() {
    let mut noise = Noise(2);
    for _ in 0..20_000 {
        let bytes = noise.bytes(40);
        let text = String::from_utf8_lossy(&bytes);
        let mut cursor = Cursor::with_max_depth(&text, 3);
        for _ in 0..12 {
            let _: Result<(), Error> = match noise.below(8) {
                0 => cursor.enter_array(),
                1 => cursor.enter_object(),
                2 => cursor.next_element().map(drop),
                3 => cursor.next_key().map(drop),
                4 => cursor.value().map(drop),
                5 => cursor.string().map(drop),
                6 => cursor.end(),
                _ => Ok(()),
            };
            assert!(cursor.peek().is_some() || cursor.offset() == text.len());
        }
    }
}
