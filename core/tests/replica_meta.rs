//! What becomes of an application's meta: its text as clients get it, and what is refused.

#[allow(dead_code, reason = "each test crate uses a part")]
#[path = "replica_support/shards.rs"]
mod shards;

use herenow_core::protocol::json::ErrorKind;
use herenow_core::replica::{ChannelId, MetaError, TrackError};
use proptest::prelude::*;
use serde_json::{Map, Value};
use shards::{json, poll, shard};

const A: ChannelId = ChannelId(1);

/// The text that clients get, without the refs.
fn tracked(meta: &str) -> String {
    let mut shard = shard();
    let phx_ref = shard.track(0, "t", A, "k", meta).unwrap();
    let text = shard.get("t", A, "k").unwrap();
    let start = format!(r#"{{"phx_ref":"{phx_ref}""#);
    let fields = text.strip_prefix(&start).expect("the ref comes first");
    format!("{{{}", fields.trim_start_matches(','))
}

#[test]
fn a_meta_keeps_its_text_but_for_white_space() {
    assert_eq!(tracked("{}"), "{}");
    assert_eq!(tracked(" { } "), "{}");
    assert_eq!(tracked(r#"{"a":1.50,"b":"x"}"#), r#"{"a":1.50,"b":"x"}"#);
    assert_eq!(
        tracked("{ \"a b\" : [ 1 , \"c  d\" ],\n\"e\":{\"f\" : \"\\\" ,\\\\\" } }"),
        r#"{"a b":[1,"c  d"],"e":{"f":"\" ,\\"}}"#
    );
}

#[test]
fn refs_that_a_client_made_up_are_dropped_however_they_are_written() {
    for name in [
        "phx_ref",
        "phx_ref_prev",
        r"\u0070hx_ref",
        r"phx\u005Fref_prev",
        r"p\u0068x_re\u0066",
    ] {
        assert_eq!(
            tracked(&format!(r#"{{"{name}":"mine","a":1}}"#)),
            r#"{"a":1}"#,
            "{name}"
        );
        assert_eq!(
            tracked(&format!(r#"{{"a":1,"{name}":{{"x":[]}}}}"#)),
            r#"{"a":1}"#,
            "{name}"
        );
        assert_eq!(
            tracked(&format!(r#"{{"{name}":1,"{name}":2}}"#)),
            "{}",
            "{name}"
        );
    }
}

#[test]
fn fields_that_only_resemble_refs_stay() {
    for meta in [
        r#"{"phx_ref_":1}"#,
        r#"{"PHX_REF":1}"#,
        r#"{"x":{"phx_ref":"inner"}}"#,
        r#"{"phx_ref ":1}"#,
    ] {
        assert_eq!(tracked(meta), meta);
    }
}

#[test]
fn what_is_no_object_is_refused_and_leaves_no_trace() {
    let mut shard = shard();
    for text in ["[]", "1", "null", "\"{}\"", " true "] {
        let refused = Err(TrackError::Meta(MetaError::NotAnObject));
        assert_eq!(shard.track(0, "t", A, "k", text), refused, "{text}");
    }
    for (text, offset, kind) in [
        ("", 0, ErrorKind::UnexpectedEnd),
        ("{", 1, ErrorKind::UnexpectedEnd),
        ("{} x", 3, ErrorKind::TrailingCharacters),
        (r#"{"a":1,}"#, 7, ErrorKind::ExpectedKey),
        (r#"{"phx_ref":nope}"#, 12, ErrorKind::InvalidLiteral),
        ("[1", 2, ErrorKind::UnexpectedEnd),
    ] {
        match shard.track(0, "t", A, "k", text) {
            Err(TrackError::Meta(MetaError::Invalid(error))) => {
                assert_eq!((error.offset, error.kind), (offset, kind), "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(shard.version(), 0);
    assert_eq!(shard.footprint(), shards::shard().footprint());
}

#[test]
fn an_update_that_says_the_same_changes_nothing() {
    let mut shard = shard();
    let phx_ref = shard.track(0, "t", A, "k", r#"{"a":[1,2]}"#).unwrap();
    let phx_ref_of_twin = shard
        .track(0, "t", ChannelId(2), "k", r#"{"a":[1,2]}"#)
        .unwrap();
    assert_ne!(phx_ref, phx_ref_of_twin);
    assert_eq!(poll(&mut shard, 0).len(), 1);

    for same in [
        r#"{"a":[1,2]}"#,
        r#" { "a" : [ 1, 2 ] } "#,
        r#"{"phx_ref":"x","a":[1,2]}"#,
    ] {
        assert_eq!(
            shard.update(100, "t", A, "k", same).unwrap(),
            phx_ref,
            "{same}"
        );
    }
    assert_eq!(
        shard.update_with(100, "t", A, "k", str::to_owned).unwrap(),
        phx_ref
    );
    assert!(poll(&mut shard, 100).is_empty());

    let second = shard.update(100, "t", A, "k", r#"{"a":[1,3]}"#).unwrap();
    assert_ne!(second, phx_ref);
    assert_eq!(
        shard.update_with(100, "t", A, "k", str::to_owned).unwrap(),
        second
    );
    assert_eq!(shard.version(), 3);
}

#[test]
fn a_payload_escapes_its_keys() {
    let mut shard = shard();
    let key = "a\"b\\c\n\u{2028}é💚\u{1}";
    let phx_ref = shard.track(0, "t", A, key, "{}").unwrap();
    let mut state = String::new();
    shard.write_state("t", &mut state);
    assert_eq!(json(&state)[key]["metas"][0]["phx_ref"], phx_ref.as_str());
}

#[test]
fn an_error_says_what_is_wrong_and_what_to_do() {
    let mut shard = shard();
    let error = shard.track(0, "t", A, "k", r#"{"a":}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the presence meta is not valid JSON: expected a JSON value at byte 5"
    );
    let error = shard
        .track(0, "t", A, &"k".repeat(1_025), "{}")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the presence key has 1025 bytes, 1024 are allowed"
    );
    let error = shard.update(0, "t", A, "k", "{}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "this channel does not track this key in this topic: track it first"
    );
}

/// Any JSON value, of few and mean ingredients.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            object(inner).prop_map(Value::from),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("phx_ref".to_owned()),
        Just("phx_ref_prev".to_owned()),
        "[ \\\\\"{}:,a\\[\\]\n]{0,6}",
        "\\PC{0,4}",
    ]
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((text(), value), 0..5).prop_map(Map::from_iter)
}

proptest! {
    #[test]
    fn a_meta_means_what_it_meant_and_its_refs_are_ours(fields in object(value()), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&fields) } else { serde_json::to_string(&fields) };
        let text = text.unwrap();
        let mut shard = shard();
        let first = shard.track(0, "t", A, "k", &text).unwrap();
        let mut expected = fields.clone();
        expected.remove("phx_ref_prev");
        expected.insert("phx_ref".into(), first.as_str().into());
        let meta = shard.get("t", A, "k").unwrap();
        prop_assert_eq!(json(&meta), Value::from(expected.clone()));

        let second = shard.update_with(0, "t", A, "k", |meta| format!("{},\"new\":1}}", &meta[..meta.len() - 1])).unwrap();
        expected.insert("phx_ref".into(), second.as_str().into());
        expected.insert("phx_ref_prev".into(), first.as_str().into());
        expected.insert("new".into(), 1.into());
        prop_assert_eq!(json(&shard.get("t", A, "k").unwrap()), Value::from(expected));
    }
}
