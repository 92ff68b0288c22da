//! Terms for property tests.

use proptest::collection::vec;
use proptest::prelude::*;

use super::Term;

/// Integers of every encoded size, and those at the borders between two sizes.
fn int() -> impl Strategy<Value = i128> {
    let borders = [0, 8, 31, 32, 63, 64, 127].map(|bits| (1_u128 << bits) as i128);
    let near_border = (
        proptest::sample::select(borders.to_vec()),
        -2..=2_i128,
        any::<bool>(),
    )
        .prop_map(|(border, offset, negative)| {
            let int = border.wrapping_add(offset);
            if negative { int.wrapping_neg() } else { int }
        });
    prop_oneof![
        near_border,
        any::<i128>(),
        any::<i64>().prop_map(i128::from)
    ]
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |float| float.is_finite())
}

fn leaf() -> impl Strategy<Value = Term> {
    prop_oneof![
        int().prop_map(Term::Int),
        finite().prop_map(Term::Float),
        prop_oneof!["nil", "true", "false", "[a-z_]{1,9}", ".{0,255}"].prop_map(Term::Atom),
        ".{0,20}".prop_map(Term::from),
        vec(any::<u8>(), 0..300).prop_map(Term::Binary),
        vec(any::<u8>(), 0..20)
            .prop_map(|bytes| Term::List(bytes.into_iter().map(|b| Term::Int(b.into())).collect())),
    ]
}

/// Any term within the default limits that Erlang can hold.
pub(in crate::auth) fn term() -> impl Strategy<Value = Term> {
    leaf().prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Term::Tuple),
            vec(inner.clone(), 0..8).prop_map(Term::List),
            vec((inner.clone(), inner), 0..6).prop_map(Term::Map),
        ]
    })
}

/// Any JSON value, its integers within what a number of `serde_json` holds.
pub(in crate::auth) fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        finite().prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Into::into),
            vec((".{0,6}", inner), 0..8)
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}
