//! Payloads of all kinds that a server could send, and some that none would.

use proptest::prelude::*;
use serde_json::Value;

use crate::model::Entries;

/// A payload as text, and what stands in it.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    State {
        text: String,
        entries: Entries,
    },
    Diff {
        text: String,
        joins: Entries,
        leaves: Entries,
    },
}

/// An object of presences: as text, and parsed. Duplicate keys are in both.
type Object = (String, Entries);

pub(crate) fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        1 => object().prop_map(|(text, entries)| Payload::State { text, entries }),
        3 => (object(), object(), space(), any::<bool>()).prop_map(
            |((joins_text, joins), (leaves_text, leaves), space, swapped)| {
                let mut fields = [
                    format!("\"joins\":{space}{joins_text}"),
                    format!("\"leaves\":{space}{leaves_text}"),
                ];
                if swapped {
                    fields.reverse();
                }
                let text = format!("{{{space}{}}}", fields.join(","));
                Payload::Diff { text, joins, leaves }
            }
        ),
    ]
}

fn object() -> impl Strategy<Value = Object> {
    prop::collection::vec((key(), presence(), space()), 0..6).prop_map(|entries| {
        let mut texts = Vec::new();
        let mut parsed = Entries::new();
        for (key, presence, space) in entries {
            texts.push(format!("{space}{key}{space}:{presence}"));
            let key = serde_json::from_str(&key).expect("keys are JSON strings");
            let presence = serde_json::from_str(&presence).expect("presences are JSON");
            parsed.push((key, presence));
        }
        (format!("{{{}}}", texts.join(",")), parsed)
    })
}

/// A key as a JSON string. Few, so that they meet; each spelling of one is the same key.
fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        r#""ada""#,
        r#""\u0061da""#,
        r#""bob""#,
        r#""2""#,
        r#""10""#,
        r#""\u0032""#,
        r#""02""#,
        r#""4294967295""#,
        r#""__proto__""#,
        r#""constructor""#,
        r#""""#,
        r#""Zoë 🦀""#,
        r#""Zo\u00eb \ud83e\udd80""#,
        r#""a\"b\\c\nd""#,
        r#""a\u0022b\u005cc\u000Ad""#,
        r#""metas""#,
    ])
    .prop_map(str::to_owned)
}

fn presence() -> impl Strategy<Value = String> {
    let metas = prop::collection::vec(meta(), 0..4);
    let many = prop::collection::vec(meta(), 20..30);
    let metas = prop_oneof![9 => metas, 1 => many];
    let extra = prop::option::of(prop::sample::select(vec![
        r#""user":{"name":"Ada","metas":[]}"#,
        r#""user":null"#,
        r#""metas":[{"phx_ref":"not the last metas"}]"#,
    ]));
    // After the metas there is never another `metas`: the last one would count.
    let after = prop::option::of(Just(r#""at":[1,{"x":"]}"}]"#));
    let with_metas = (extra, metas, after, space()).prop_map(|(before, metas, after, space)| {
        let metas = format!("\"metas\"{space}:[{space}{}]", metas.join(","));
        let fields = [
            before.map(str::to_owned),
            Some(metas),
            after.map(str::to_owned),
        ];
        let fields: Vec<String> = fields.into_iter().flatten().collect();
        format!("{{{}{space}}}", fields.join(","))
    });
    prop_oneof![
        20 => with_metas,
        1 => prop::sample::select(vec!["{}", r#"{"user":1}"#, r#"{ "metas": null }"#])
            .prop_map(str::to_owned),
    ]
}

fn meta() -> impl Strategy<Value = String> {
    let spelling = prop::sample::select(vec![
        "",
        r#""phx_ref":"1","#,
        r#""phx_ref":"\u0031","#,
        r#""phx_ref":"2","#,
        r#""phx_ref":"2","phx_ref":"3","#,
        r#""phx_ref":"quo\"te","#,
        r#""phx_ref":"quo\u0022te","#,
        r#""phx_\u0072ef":"4","#,
        r#""phx_ref":1,"#,
        r#""phx_ref":1.0,"#,
        r#""phx_ref":10e-1,"#,
        r#""phx_ref":-0.5,"#,
        r#""phx_ref":null,"#,
        r#""phx_ref":true,"#,
        r#""phx_ref":{"a":1},"#,
        r#""phx_ref":[],"#,
    ]);
    // Long ones make the map tidy up.
    let padding = prop_oneof![4 => 0usize..3, 1 => Just(2_000)];
    let object = (spelling, 0..3, padding, space()).prop_map(|(reference, n, padding, space)| {
        let padding = "é".repeat(padding);
        format!("{{{space}{reference}\"n\":{space}{n},\"pad\":\"{padding}\"}}")
    });
    prop_oneof![
        20 => object,
        1 => prop::sample::select(vec!["7", "null", "\"meta\"", "[]"]).prop_map(str::to_owned),
    ]
}

fn space() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", " ", "\n\t"])
}

/// `text`, which is known to be JSON.
pub(crate) fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}
