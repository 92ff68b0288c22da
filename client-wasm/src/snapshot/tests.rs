use super::{
    Call, LONGEST, REFUSED, SNAPSHOTS, Snapshot, hash, snapshot_call, snapshot_free, snapshot_new,
};

/// Writes these bytes where there is room.
fn write(snapshot: &mut Snapshot, bytes: &[u8]) {
    snapshot.room(bytes.len());
    let filled = snapshot.unread.end;
    snapshot.text[filled..filled + bytes.len()].copy_from_slice(bytes);
}

/// Reads a state, so many bytes at a time. Returns the number of members, or `REFUSED`, and all JSON.
fn read(snapshot: &mut Snapshot, text: &str, step: usize, begin: u8) -> (i32, String) {
    snapshot.call(begin, text.len());
    let mut json = String::new();
    for part in text.as_bytes().chunks(step) {
        write(snapshot, part);
        match usize::try_from(snapshot.call(Call::READ, part.len())) {
            Err(_) => return (REFUSED, json),
            Ok(length) => {
                json.push_str(core::str::from_utf8(&snapshot.text[..length]).expect("UTF-8"))
            }
        }
    }
    (snapshot.call(Call::END, 0), json)
}

fn whole(snapshot: &mut Snapshot, text: &str) -> (i32, String) {
    read(snapshot, text, 1 << 16, Call::BEGIN)
}

const ADA: &str = r#""ada":{"metas":[{"phx_ref":"1","is":{"a":["}]"]}}]}"#;
const BOB: &str = r#""bob":{"metas":[{"phx_ref":"2"},{"phx_ref":"3"}]}"#;
const DAN: &str = r#""dan":{"metas":[{"phx_ref":"5"}]}"#;
const EVE: &str = r#""eve":{"user":"\"","metas":[{"phx_ref":"4"}]}"#;

#[test]
fn an_only_meta_goes_by_itself_and_several_as_an_array() {
    let state = format!("{{{ADA},{BOB}}}");
    let json = concat!(
        r#"[[{"phx_ref":"1","is":{"a":["}]"]}},"#,
        r#"[{"phx_ref":"2"},{"phx_ref":"3"}]],"#,
        r#"["ada","bob"]]"#,
    );
    assert_eq!(whole(&mut Snapshot::default(), &state), (2, json.into()));
    for metas in ["[]", "[[{}]]", "[7]", "[{},{}]"] {
        let state = format!(r#"{{"a":{{"metas":{metas}}}}}"#);
        let json = format!(r#"[[{metas}],["a"]]"#);
        assert_eq!(whole(&mut Snapshot::default(), &state), (1, json));
    }
}

#[test]
fn presences_with_more_than_metas_go_as_they_are() {
    let state = format!("{{{EVE},{ADA}}}");
    let json = concat!(
        r#"[[{"user":"\"","metas":[{"phx_ref":"4"}]},"#,
        r#"{"metas":[{"phx_ref":"1","is":{"a":["}]"]}}]}],"#,
        r#"["eve","ada"],0]"#,
    );
    assert_eq!(whole(&mut Snapshot::default(), &state), (2, json.into()));
    for more in [
        r#"{"metas":[{}],"user":7}"#,
        r#"{"metas":[{}],"metas":[{}]}"#,
        r#"{"user":[[]],"metas":[{}]}"#,
        r#"{"metas":{}}"#,
        "{}",
    ] {
        let state = format!(r#"{{"a":{more}}}"#);
        let json = format!(r#"[[{more}],["a"],0]"#);
        assert_eq!(whole(&mut Snapshot::default(), &state), (1, json));
    }
    // When it is too late to say so.
    let mut snapshot = Snapshot::default();
    assert_eq!(whole(&mut snapshot, &format!("{{{ADA},{EVE}}}")).0, REFUSED);
}

#[test]
fn however_it_comes_in_parts_it_says_the_same() {
    for state in [format!("{{{ADA},{BOB}}}"), format!("{{{EVE},{ADA}}}")] {
        for step in 1..state.len() {
            let mut snapshot = Snapshot::default();
            let (members, json) = read(&mut snapshot, &state, step, Call::BEGIN);
            assert_eq!(members, 2);
            for text in [
                "ada",
                "phx_ref\":\"1",
                if state.contains("bob") { "bob" } else { "eve" },
            ] {
                assert_eq!(json.matches(text).count(), 1, "{step}: {json}");
            }
            assert_eq!(whole(&mut snapshot, &state), (2, String::new()));
        }
    }
}

#[test]
fn only_what_changed_or_was_forgotten_is_told_again() {
    let mut snapshot = Snapshot::default();
    whole(&mut snapshot, &format!("{{{ADA},{BOB}}}"));
    let bob = r#""bob":{"metas":[{"phx_ref":"3"}]}"#;
    let changed = format!("{{{bob},{ADA},{DAN}}}");
    let (members, json) = whole(&mut snapshot, &changed);
    assert_eq!(members, 3);
    assert!(json.ends_with(r#"["bob","dan"]]"#), "{json}");
    snapshot.call(Call::BEGIN_KEYS, 0);
    write(&mut snapshot, b"ada");
    snapshot.call(Call::FORGET, 3);
    let (_, json) = whole(&mut snapshot, &changed);
    assert!(json.ends_with(r#"["ada"]]"#), "{json}");
    assert_eq!(whole(&mut snapshot, &changed), (3, String::new()));
}

#[test]
fn what_counts_is_the_refs_in_their_order() {
    let state = |metas: &str| format!(r#"{{"a":{{"metas":[{metas}]}}}}"#);
    let one = r#"{"phx_ref":"1","at":"x"}"#;
    let same = [
        r#"{"phx_ref":"1"}"#,
        r#"{"phx_ref":"1","is":{"phx_ref":7,"a":[{},{}]}}"#,
    ];
    let other = [
        r#"{"phx_ref":"2"}"#,
        r#"{"phx_ref":1}"#,
        r#"{"phx_ref":null}"#,
        r#"{"phx_ref":"1"},{}"#,
        r#"{},{"phx_ref":"1"}"#,
        r#"{"phx_ref":"1"},{"phx_ref":"1"}"#,
        r#"{"is":{"phx_ref":"1"}}"#,
        "{}",
        "",
    ];
    let mut without = Snapshot::default();
    whole(&mut without, &state("{}"));
    for metas in ["", "{},{}"] {
        assert!(!whole(&mut without, &state(metas)).1.is_empty());
    }
    for (metas, is_same) in same
        .iter()
        .map(|m| (m, true))
        .chain(other.iter().map(|m| (m, false)))
    {
        let mut snapshot = Snapshot::default();
        whole(&mut snapshot, &state(one));
        let (_, json) = whole(&mut snapshot, &state(metas));
        assert_eq!(json.is_empty(), is_same, "{metas}: {json}");
    }
}

#[test]
fn what_is_beside_the_metas_does_not_make_up_for_them() {
    let one = r#""metas":[{"phx_ref":"1"}]"#;
    for [before, after] in [
        [
            format!(r#"{one},"tabs":[]"#),
            r#""tabs":[{"phx_ref":"1"}],"metas":[]"#.into(),
        ],
        [
            format!(r#"{one},"user":{{"a":1,"b":2}}"#),
            r#""metas":[{"phx_ref":"1"},{}],"user":{}"#.into(),
        ],
    ] {
        let mut snapshot = Snapshot::default();
        whole(&mut snapshot, &format!(r#"{{"a":{{{before}}}}}"#));
        assert_ne!(
            whole(&mut snapshot, &format!(r#"{{"a":{{{after}}}}}"#)).1,
            "",
            "{after}"
        );
    }
}

#[test]
fn a_member_that_is_as_long_as_a_part_is_refused() {
    let state = |length| {
        format!(
            r#"{{"a":{{"metas":[{{"text":"{}"}}]}}}}"#,
            "x".repeat(length)
        )
    };
    let read = |length, step| read(&mut Snapshot::default(), &state(length), step, Call::BEGIN).0;
    assert_eq!(read(LONGEST / 2, LONGEST / 5), 1);
    assert_eq!(read(LONGEST * 2, LONGEST / 5), REFUSED);
    assert_eq!(read(LONGEST * 2, LONGEST * 3), 1);
}

#[test]
fn the_keys_can_be_had_alone_and_nothing_is_noted_then() {
    let mut snapshot = Snapshot::default();
    let keys = (2, r#"[[],["ada","bob"]]"#.into());
    let state = format!("{{{ADA},{BOB}}}");
    assert_eq!(read(&mut snapshot, &state, 1 << 16, Call::BEGIN_KEYS), keys);
    let (_, json) = whole(&mut snapshot, &state);
    assert!(json.contains("ada"));
    assert_eq!(read(&mut snapshot, &state, 1 << 16, Call::BEGIN_KEYS), keys);
    assert_eq!(whole(&mut snapshot, &state), (2, String::new()));
}

#[test]
fn who_was_only_noted_is_known() {
    let mut snapshot = Snapshot::default();
    let state = format!("{{{ADA},{BOB}}}");
    let nothing = (2, String::new());
    assert_eq!(read(&mut snapshot, &state, 7, Call::BEGIN_NOTE), nothing);
    assert_eq!(whole(&mut snapshot, &state), nothing);
    assert!(
        whole(&mut snapshot, &format!("{{{BOB},{ADA},{DAN}}}"))
            .1
            .ends_with(r#"["dan"]]"#)
    );
}

#[test]
fn many_members_are_told_apart() {
    let member = |i: usize, reference: usize| {
        format!(r#""user {i}":{{"metas":[{{"phx_ref":"{reference}"}}]}}"#)
    };
    let state = |changed: usize| {
        let members: Vec<_> = (0..5_000)
            .map(|i| member(i, if i % 100 == changed { i + 1 } else { i }))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    let mut snapshot = Snapshot::default();
    // Less room than is needed in the end.
    snapshot.call(Call::BEGIN, 100);
    assert_eq!(whole(&mut snapshot, &state(100)).0, 5_000);
    assert_eq!(whole(&mut snapshot, &state(100)), (5_000, String::new()));
    let (members, json) = whole(&mut snapshot, &state(7));
    assert_eq!((members, json.matches("user").count()), (5_000, 50));
}

#[test]
fn room_for_those_who_left_is_used_again() {
    let state = |from: usize| {
        let member = |i| format!(r#""user {i}":{{"metas":[{{"phx_ref":"1"}}]}}"#);
        let members: Vec<_> = (from..from + 500).map(member).collect();
        format!("{{{}}}", members.join(","))
    };
    let mut snapshot = Snapshot::default();
    whole(&mut snapshot, &state(0));
    let room = snapshot.known.room();
    for from in (0..20_000).step_by(500) {
        for i in from..from + 500 {
            let key = format!("user {i}");
            write(&mut snapshot, key.as_bytes());
            snapshot.call(Call::FORGET, key.len());
        }
        assert_eq!(whole(&mut snapshot, &state(from + 500)).0, 500);
    }
    assert!(snapshot.known.room() <= room * 2);
}

#[test]
fn what_runs_out_of_memory_is_refused_from_then_on() {
    let number = snapshot_new(1, 2);
    assert_eq!(snapshot_call(number, Call::BEGIN, 100), 0);
    SNAPSHOTS.with(|snapshots| {
        let _lent = snapshots.borrow_mut();
        for call in [Call::BEGIN, Call::ROOM, Call::READ, Call::OUT, Call::END] {
            assert_eq!(snapshot_call(number, call, 10), REFUSED);
        }
        assert_eq!(snapshot_call(snapshot_new(1, 2), Call::ROOM, 10), REFUSED);
    });
    snapshot_free(number);
}

#[test]
fn words_that_differ_in_their_highest_bits_do_not_make_up_for_each_other() {
    for seed in 0..200 {
        let mut hashes = std::collections::BTreeSet::new();
        for first in [0, 1, 2, 3_u64] {
            for second in 0..1 << 8 {
                let second = (second & 3) << 62 | (second >> 2 & 7) << 29 | second >> 5 << 58;
                let words = [(first << 62).to_le_bytes(), u64::to_le_bytes(second)];
                hashes.insert((hash(seed, &words.concat()), words));
            }
        }
        let mut distinct: Vec<_> = hashes.iter().map(|(hash, _)| hash).collect();
        distinct.dedup();
        assert_eq!(distinct.len(), hashes.len());
    }
}

#[test]
fn nobody_is_a_state_too() {
    let mut snapshot = Snapshot::default();
    assert_eq!(whole(&mut snapshot, "{}"), (0, String::new()));
    assert_eq!(
        read(&mut snapshot, "{}", 1, Call::BEGIN),
        (0, String::new())
    );
}

#[test]
fn what_servers_do_not_write_is_refused() {
    for text in [
        "",
        "{",
        "[]",
        "{}x",
        " {}",
        "{,}",
        r#"{"a":7}"#,
        r#"{"a":{"metas":[]}"#,
        r#"{"a":{"metas":[]},}"#,
        r#"{"a":{"metas":[]}}}"#,
        r#"{"a":{"metas":[]},"a":{"metas":[{}]}}"#,
        r#"{"a\n":{"metas":[]}}"#,
        r#"{"a":{"metas": []}}"#,
        r#"{"a" :{"metas":[]}}"#,
        r#"{"a":{"met\u0061s":[]}}"#,
        r#"{"a":{"metas":[{"phx_ref":{}}]}}"#,
        r#"{"a":{"metas":[{"phx_ref":[]}]}}"#,
        r#"{"a":{"metas":[{"phx_ref": 1}]}}"#,
        r#"{"a":{"metas":[{"phx_ref":1 }]}}"#,
        r#"{"a":{"metas":[{"phx_ref":}]}}"#.trim_end_matches('}'),
    ] {
        let mut snapshot = Snapshot::default();
        assert_eq!(whole(&mut snapshot, text).0, REFUSED, "{text}");
    }
}
