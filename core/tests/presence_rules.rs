//! The rules of the presence map by example, each the way phoenix.js was seen to behave.

use herenow_core::presence::{Change, Error, Presences};

/// The changes as lines: `+key joined | before` and `-key left | after`.
fn lines<'a>(changes: impl Iterator<Item = Change<'a>>) -> Vec<String> {
    let line = |change| match change {
        Change::Join {
            member,
            current: Some(current),
            joined,
        } => format!("+{} {joined} | {current}", member.key()),
        Change::Join { member, joined, .. } => format!("+{} {joined}", member.key()),
        Change::Leave {
            member,
            current,
            left,
        } => format!("-{} {left} | {current}", member.key()),
    };
    changes.map(line).collect()
}

fn keys(room: &Presences) -> Vec<String> {
    room.iter().map(|(member, _)| member.key().into()).collect()
}

fn state(room: &mut Presences, payload: &str) -> Vec<String> {
    lines(room.sync_state(payload).expect("a valid state"))
}

fn diff(room: &mut Presences, joins: &str, leaves: &str) -> Vec<String> {
    let payload = format!("{{\"joins\":{joins},\"leaves\":{leaves}}}");
    lines(room.sync_diff(&payload).expect("a valid diff"))
}

fn room_with(payload: &str) -> Presences {
    let mut room = Presences::new();
    state(&mut room, payload);
    room
}

#[test]
fn a_state_reports_what_came_and_what_went_and_keeps_known_metas() {
    let mut room = room_with(r#"{"a":{"metas":[{"phx_ref":"1"},{"phx_ref":"2"}]}}"#);
    let changes = state(
        &mut room,
        r#"{"a":{"metas":[{"phx_ref":"1","x":9},{"phx_ref":"3"}],"user":"n"}}"#,
    );
    assert_eq!(
        changes,
        [
            r#"+a {"metas":[{"phx_ref":"3"}],"user":"n"} | {"metas":[{"phx_ref":"1"},{"phx_ref":"2"}]}"#,
            r#"-a {"metas":[{"phx_ref":"2"}]} | {"metas":[{"phx_ref":"1"},{"phx_ref":"3"}],"user":"n"}"#,
        ]
    );
}

#[test]
fn a_state_with_the_same_refs_changes_nothing_not_even_other_fields() {
    let before = r#"{"a":{"metas":[{"phx_ref":"1"}],"user":"old"}}"#;
    let mut room = room_with(before);
    let changes = state(
        &mut room,
        r#"{"a":{"metas":[{"phx_ref":"1","x":1}],"user":"new"}}"#,
    );
    assert!(changes.is_empty());
    let presence = room.get("a").expect("a is here");
    assert_eq!(presence.field("user"), Some("\"old\""));
    assert_eq!(
        presence.to_json(),
        r#"{"metas":[{"phx_ref":"1"}],"user":"old"}"#
    );
}

#[test]
fn those_whom_a_state_does_not_name_leave() {
    let mut room =
        room_with(r#"{"b":{"metas":[{"phx_ref":"2"}]},"1":{"metas":[{"phx_ref":"1"}]}}"#);
    let changes = state(&mut room, r#"{"c":{"metas":[{"phx_ref":"3"}]}}"#);
    assert_eq!(
        changes,
        [
            r#"+c {"metas":[{"phx_ref":"3"}]}"#,
            r#"-1 {"metas":[{"phx_ref":"1"}]} | {"metas":[]}"#,
            r#"-b {"metas":[{"phx_ref":"2"}]} | {"metas":[]}"#,
        ]
    );
    assert_eq!(keys(&room), ["c"]);
}

#[test]
fn an_update_joins_before_it_leaves() {
    let mut room = room_with(r#"{"a":{"metas":[{"phx_ref":"1","s":"old"}],"u":1}}"#);
    let changes = diff(
        &mut room,
        r#"{"a":{"metas":[{"phx_ref":"2","s":"new"}],"u":2}}"#,
        r#"{"a":{"metas":[{"phx_ref":"1","s":"old"}],"u":1}}"#,
    );
    let (old, new) = (
        r#"{"metas":[{"phx_ref":"1","s":"old"}],"u":1}"#,
        r#"{"metas":[{"phx_ref":"2","s":"new"}],"u":2}"#,
    );
    assert_eq!(
        changes,
        [format!("+a {new} | {old}"), format!("-a {old} | {new}")]
    );
}

#[test]
fn a_join_with_a_known_ref_replaces_that_meta_and_is_reported() {
    let mut room = room_with(r#"{"a":{"metas":[{"phx_ref":"1"}]}}"#);
    let changes = diff(
        &mut room,
        r#"{"a":{"metas":[{"phx_ref":"1","x":2}],"user":"U"}}"#,
        "{}",
    );
    let new = r#"{"metas":[{"phx_ref":"1","x":2}],"user":"U"}"#;
    assert_eq!(
        changes,
        [format!(r#"+a {new} | {{"metas":[{{"phx_ref":"1"}}]}}"#)]
    );
    assert_eq!(room.get("a").map(|a| a.to_json()).as_deref(), Some(new));
}

#[test]
fn metas_that_stay_come_before_those_that_join() {
    let mut room = room_with(r#"{"a":{"metas":[{"phx_ref":"2"},{"phx_ref":"3"}]}}"#);
    diff(&mut room, r#"{"a":{"metas":[{"phx_ref":"1"}]}}"#, "{}");
    let metas: Vec<_> = room.get("a").expect("a is here").metas().collect();
    assert_eq!(
        metas,
        [
            r#"{"phx_ref":"2"}"#,
            r#"{"phx_ref":"3"}"#,
            r#"{"phx_ref":"1"}"#
        ]
    );
}

#[test]
fn a_leave_of_an_unknown_key_is_silent_and_of_an_unknown_ref_is_not() {
    let mut room = room_with(r#"{"a":{"metas":[{"phx_ref":"1"}]}}"#);
    let unknown = r#"{"metas":[{"phx_ref":"nope"}]}"#;
    assert!(diff(&mut room, "{}", &format!("{{\"b\":{unknown}}}")).is_empty());
    assert_eq!(
        diff(&mut room, "{}", &format!("{{\"a\":{unknown}}}")),
        [format!(r#"-a {unknown} | {{"metas":[{{"phx_ref":"1"}}]}}"#)]
    );
    assert_eq!(keys(&room), ["a"]);
}

#[test]
fn keys_that_are_array_indices_come_first_and_one_that_returns_comes_last() {
    let one = r#"{"metas":[{"phx_ref":"1"}]}"#;
    let mut room = room_with(&format!(
        r#"{{"b":{one},"10":{one},"a":{one},"2":{one},"01":{one}}}"#
    ));
    assert_eq!(keys(&room), ["2", "10", "b", "a", "01"]);
    diff(&mut room, "{}", &format!(r#"{{"b":{one},"2":{one}}}"#));
    assert_eq!(keys(&room), ["10", "a", "01"]);
    diff(&mut room, &format!(r#"{{"b":{one},"2":{one}}}"#), "{}");
    assert_eq!(keys(&room), ["2", "10", "a", "01", "b"]);
    room.settle();
    assert_eq!(keys(&room), ["2", "10", "a", "01", "b"]);
}

#[test]
fn the_last_of_two_equal_keys_counts_at_the_place_of_the_first() {
    let room = room_with(
        r#"{"a":{"metas":[{"phx_ref":"1"}]},"b":{"metas":[]},"\u0061":{"metas":[{"phx_ref":"2"}]}}"#,
    );
    assert_eq!(keys(&room), ["a", "b"]);
    assert_eq!(
        room.get("a").map(|a| a.to_json()).as_deref(),
        Some(r#"{"metas":[{"phx_ref":"2"}]}"#)
    );
}

#[test]
fn halves_of_surrogate_pairs_are_keys_like_others() {
    let room =
        room_with(r#"{"\ud800":{"metas":[1]},"\ud801":{"metas":[2]},"\ufffd":{"metas":[3]}}"#);
    let keys: Vec<_> = room.iter().map(|(member, _)| member.key_json()).collect();
    assert_eq!(keys, [r#""\ud800""#, r#""\ud801""#, r#""\ufffd""#]);
}

#[test]
fn a_presence_tells_whether_it_is_a_single_meta_and_nothing_else() {
    let room = room_with(r#"{"a":{"metas":[ 7 ]},"b":{"metas":[1,2]},"c":{"metas":[1],"u":1}}"#);
    let sole = |key| room.get(key).and_then(|presence| presence.sole_meta());
    assert_eq!((sole("a"), sole("b"), sole("c")), (Some("7"), None, None));
}

#[test]
fn what_is_no_presence_payload_is_refused_and_changes_nothing() {
    let mut room = room_with(r#"{"a":{"metas":[{"phx_ref":"1"}]}}"#);
    for payload in ["", "[]", "7", "{", r#"{"a":null}"#, r#"{"a":{}} x"#] {
        let error = room.sync_state(payload).expect_err(payload);
        assert!(matches!(error, Error::Json(_)), "{payload}: {error}");
    }
    for (payload, missing) in [(r#"{"leaves":{}}"#, "joins"), (r#"{"joins":{}}"#, "leaves")] {
        let error = room.sync_diff(payload).expect_err(payload);
        assert_eq!(error, Error::Missing(missing));
        assert!(error.to_string().contains(missing));
    }
    assert_eq!(keys(&room), ["a"]);
}

#[test]
fn more_text_than_the_limit_is_refused_and_what_is_unused_does_not_count() {
    let mut room = Presences::new().with_max_bytes(120);
    let member = |key: &str| format!(r#"{{"{key}":{{"metas":[{{"phx_ref":"{key}"}}]}}}}"#);
    for round in 0..50 {
        state(&mut room, &member(&round.to_string()));
    }
    let large = format!(r#"{{"x":{{"metas":["{}"]}}}}"#, "x".repeat(100));
    assert_eq!(
        room.sync_state(&large).expect_err("too large"),
        Error::TooLarge
    );
    assert_eq!(keys(&room), ["49"]);
}

#[test]
fn changes_of_a_large_room_do_not_pile_up_text() {
    let pad = "p".repeat(1_000);
    let member = |n: usize| format!(r#"{{"m":{{"metas":[{{"phx_ref":"{n}","pad":"{pad}"}}]}}}}"#);
    // What ten updates hold, and what the map is allowed before it looks for unused text.
    let mut room = Presences::new().with_max_bytes(100_000);
    diff(&mut room, &member(0), "{}");
    for n in 1..1_000 {
        diff(&mut room, &member(n), &member(n - 1));
    }
    assert!(room.get("m").is_some_and(|m| m.to_json().contains("999")));
}

#[test]
fn a_key_with_very_many_metas_is_one_change_as_any_other() {
    let metas = |from: usize| {
        let metas: Vec<_> = (from..from + 100_000)
            .map(|n| format!("{{\"phx_ref\":\"{n}\"}}"))
            .collect();
        format!(r#"{{"a":{{"metas":[{}]}}}}"#, metas.join(","))
    };
    let mut room = room_with(&metas(0));
    assert_eq!(state(&mut room, &metas(1)).len(), 2);
    assert_eq!(diff(&mut room, &metas(50_000), &metas(0)).len(), 2);
    assert_eq!(room.get("a").map(|a| a.metas().count()), Some(50_000));
}
