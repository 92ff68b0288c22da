//! JSON as text, with all that the grammar allows and no serializer would write: odd whitespace,
//! needless escapes, halves of surrogate pairs, numbers beyond any range, duplicate keys.

use proptest::collection::vec;
use proptest::prelude::*;

/// A JSON value of any kind, a few levels deep.
pub(crate) fn json_text() -> impl Strategy<Value = String> {
    scalar().prop_recursive(5, 48, 6, |inner| {
        prop_oneof![array(inner.clone()), object(inner)]
    })
}

/// A string literal, quotes included.
pub(crate) fn string_literal() -> impl Strategy<Value = String> {
    vec(string_piece(), 0..8).prop_map(|pieces| ["\"", &pieces.concat(), "\""].concat())
}

fn string_piece() -> impl Strategy<Value = String> {
    let plain = "[^\"\\\\\u{0}-\u{1f}]{0,20}";
    let short = prop::sample::select(vec![
        "\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t",
    ]);
    let unit = any::<u16>().prop_map(|unit| format!("\\u{unit:04x}"));
    let surrogate = (0xD800u16..0xE000).prop_map(|unit| format!("\\u{unit:04X}"));
    prop_oneof![
        4 => plain,
        2 => short.prop_map(str::to_owned),
        1 => unit,
        1 => surrogate,
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["null", "true", "false"]).prop_map(str::to_owned),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,4})?",
        string_literal(),
    ]
}

fn whitespace() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => "[ \t\r\n]{1,9}"]
}

/// `value` with whitespace on both sides.
fn spaced(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (whitespace(), value, whitespace()).prop_map(|(before, value, after)| before + &value + &after)
}

fn array(element: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let elements = vec(spaced(element), 0..6);
    (whitespace(), elements).prop_map(|(empty, elements)| {
        let inside = if elements.is_empty() {
            empty
        } else {
            elements.join(",")
        };
        ["[", &inside, "]"].concat()
    })
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let entry =
        (spaced(string_literal()), spaced(value)).prop_map(|(key, value)| key + ":" + &value);
    let entries = vec(entry, 0..6);
    (whitespace(), entries).prop_map(|(empty, entries)| {
        let inside = if entries.is_empty() {
            empty
        } else {
            entries.join(",")
        };
        ["{", &inside, "}"].concat()
    })
}
