use super::binary::{self, Push, ServerMessage};
use super::*;

const HEARTBEAT: Outgoing<'static> = Outgoing {
    join_ref: None,
    reference: Some("\"1\""),
    topic: PHOENIX_TOPIC,
    event: events::HEARTBEAT,
    payload: "{}",
};

fn encoded(vsn: Vsn, message: &Outgoing<'_>) -> String {
    let mut out = String::new();
    encode(vsn, &mut out, message);
    out
}

#[test]
fn a_missing_vsn_is_v1_and_others_must_be_1_0_x_or_2_0_x() {
    assert_eq!(Vsn::negotiate(None), Ok(Vsn::V1));
    for v1 in ["1.0.0", "1.0.7", "1.0.10"] {
        assert_eq!(Vsn::negotiate(Some(v1)), Ok(Vsn::V1), "{v1}");
    }
    for v2 in ["2.0.0", "2.0.7", "2.0.99999999999999999999999"] {
        assert_eq!(Vsn::negotiate(Some(v2)), Ok(Vsn::V2), "{v2}");
    }
    for bad in [
        "", "abc", "1", "2", "2.0", "2.0.", "2.1.0", "3.0.0", "1.1.0", "0.9.0", "2.0.0.0", "2.0.x",
        "2.0.-1", "2.0.+1", " 2.0.0", "2.0.0 ", "v2.0.0", "02.0.0", "2.0.07", "2.0.٣",
    ] {
        assert_eq!(Vsn::negotiate(Some(bad)), Err(UnsupportedVsn), "{bad}");
    }
    for vsn in [Vsn::V1, Vsn::V2] {
        assert_eq!(Vsn::negotiate(Some(vsn.as_str())), Ok(vsn));
    }
}

#[test]
fn v2_frames_are_arrays_whose_extra_elements_are_ignored() {
    let text = " [ \"1\" , 2, \"room:\\u0061\", \"shout\", { \"a\": [1] } , \"extra\", [] ] ";
    let message = decode(Vsn::V2, text).unwrap();
    assert_eq!(message.join_ref, Some("\"1\""));
    assert_eq!(message.reference, Some("2"));
    assert_eq!(message.topic, "room:a");
    assert_eq!(message.event, "shout");
    assert_eq!(message.payload, "{ \"a\": [1] }");
}

#[test]
fn v2_refs_may_be_any_value_and_null_is_none() {
    for (text, expected) in [
        ("null", None),
        ("\"null\"", Some("\"null\"")),
        ("40", Some("40")),
        ("{\"a\":[]}", Some("{\"a\":[]}")),
    ] {
        let frame = ["[", text, ",", text, ",\"t\",\"e\",0]"].concat();
        let message = decode(Vsn::V2, &frame).unwrap();
        assert_eq!(message.join_ref, expected);
        assert_eq!(message.reference, expected);
    }
}

#[test]
fn broken_v2_frames_say_what_they_lack() {
    use DecodeError::*;
    let error = |text| decode(Vsn::V2, text).unwrap_err();
    assert_eq!(error("[]"), Missing(Field::JoinRef));
    assert_eq!(error("[1]"), Missing(Field::Ref));
    assert_eq!(error("[\"1\",\"2\"]"), Missing(Field::Topic));
    assert_eq!(error("[1,2,\"t\"]"), Missing(Field::Event));
    assert_eq!(error("[1,2,\"t\",\"e\"]"), Missing(Field::Payload));
    assert_eq!(error("[1,2,3,\"e\",{}]"), NotAString(Field::Topic));
    assert_eq!(error("[1,2,\"t\",null,{}]"), NotAString(Field::Event));
    for text in [
        "",
        "{nope",
        "{}",
        "[1,2,\"t\",\"e\",{}",
        "[1,2,\"t\",\"e\",{}] x",
        "1",
    ] {
        assert!(matches!(error(text), Json(_)), "{text}");
    }
    assert_eq!(
        error("[1,2,3,\"e\",{}]").to_string(),
        "not a message: its topic is not a string"
    );
}

#[test]
fn v1_frames_are_objects_with_keys_in_any_order_of_which_the_last_counts() {
    let text = r#"{"x":[], "topic":7, "ref":"1", "payload":1, "event":"e", "payload":{"a":2}, "top\u0069c":"t"}"#;
    let message = decode(Vsn::V1, text).unwrap();
    assert_eq!((message.join_ref, message.reference), (None, Some("\"1\"")));
    assert_eq!(message.topic, "t");
    assert_eq!(message.event, "e");
    assert_eq!(message.payload, "{\"a\":2}");

    let with_join_ref = r#"{"join_ref":"4","topic":"t","event":"e","payload":null,"ref":null}"#;
    let message = decode(Vsn::V1, with_join_ref).unwrap();
    assert_eq!((message.join_ref, message.reference), (Some("\"4\""), None));
    assert_eq!(message.payload, "null");
}

#[test]
fn broken_v1_frames_say_what_they_lack() {
    use DecodeError::*;
    let error = |text| decode(Vsn::V1, text).unwrap_err();
    assert_eq!(error("{\"topic\":\"room:2\"}"), Missing(Field::Ref));
    assert_eq!(
        error(r#"{"event":"e","payload":{},"ref":null}"#),
        Missing(Field::Topic)
    );
    assert_eq!(
        error(r#"{"topic":"e","payload":{},"ref":null}"#),
        Missing(Field::Event)
    );
    assert_eq!(
        error(r#"{"topic":"e","event":"e","ref":1}"#),
        Missing(Field::Payload)
    );
    let not_a_string = r#"{"topic":"t","topic":{},"event":"e","payload":{},"ref":1}"#;
    assert_eq!(error(not_a_string), NotAString(Field::Topic));
    let trailing = r#"{"topic":"t","event":"e","payload":{},"ref":1} x"#;
    assert!(matches!(error(trailing), Json(_)));
    assert!(matches!(
        error("[null,\"1\",\"phoenix\",\"heartbeat\",{}]"),
        Json(_)
    ));
}

#[test]
fn frames_are_written_as_phoenix_writes_them() {
    assert_eq!(
        encoded(Vsn::V2, &HEARTBEAT),
        r#"[null,"1","phoenix","heartbeat",{}]"#
    );
    assert_eq!(
        encoded(Vsn::V1, &HEARTBEAT),
        r#"{"event":"heartbeat","payload":{},"ref":"1","topic":"phoenix"}"#
    );
    let quoted = Outgoing {
        join_ref: Some("\"2\""),
        topic: "room:\"é\"",
        ..HEARTBEAT
    };
    assert_eq!(
        encoded(Vsn::V2, &quoted),
        r#"["2","1","room:\"é\"","heartbeat",{}]"#
    );
    assert!(!encoded(Vsn::V1, &quoted).contains("join_ref"));
}

#[test]
fn replies_are_written_as_phoenix_writes_them() {
    let reply = |vsn| {
        let mut out = String::from("before ");
        encode_reply(
            vsn,
            &mut out,
            Some("40"),
            Some("\"3\""),
            "room:1",
            "ok",
            "{\"a\":1}",
        );
        out
    };
    assert_eq!(
        reply(Vsn::V2),
        r#"before [40,"3","room:1","phx_reply",{"response":{"a":1},"status":"ok"}]"#
    );
    assert_eq!(
        reply(Vsn::V1),
        r#"before {"event":"phx_reply","payload":{"response":{"a":1},"status":"ok"},"ref":"3","topic":"room:1"}"#
    );
}

#[test]
fn a_reply_has_a_status_and_a_response() {
    let reply = Reply::parse(r#"{"response":{"a":1},"status":"ok","more":[]}"#).unwrap();
    assert_eq!(reply.status, "ok");
    assert_eq!(reply.response, "{\"a\":1}");
    assert_eq!(Reply::parse(r#"{"status":"ok"}"#).unwrap().response, "null");
    let missing = DecodeError::Missing(Field::Status);
    assert_eq!(Reply::parse("{\"response\":{}}"), Err(missing));
    assert!(Reply::parse("[]").is_err());
    assert!(Reply::parse(r#"{"status":"ok"} x"#).is_err());
}

#[test]
fn a_frame_from_a_client_leaves_room_for_wrapping() {
    let frame = |levels: usize| {
        let payload = ["[".repeat(levels), "]".repeat(levels)].concat();
        ["[null,null,\"t\",\"e\",", &payload, "]"].concat()
    };
    let deepest = usize::from(MAX_CLIENT_DEPTH) - 1;
    assert!(decode_within(Vsn::V2, &frame(deepest), MAX_CLIENT_DEPTH).is_ok());
    let error = decode_within(Vsn::V2, &frame(deepest + 1), MAX_CLIENT_DEPTH).unwrap_err();
    let DecodeError::Json(error) = error else {
        panic!("{error}");
    };
    assert_eq!(error.kind, json::ErrorKind::TooDeep(MAX_CLIENT_DEPTH));
    assert!(decode(Vsn::V2, &frame(deepest + 1)).is_ok());
}

#[test]
fn binary_frames_go_both_ways() {
    let frame = b"\x00\x02\x02\x06\x033233room:1bin\x01\x02\xff";
    let push = binary::decode_push(frame).unwrap();
    let expected = Push {
        join_ref: "32",
        reference: "33",
        topic: "room:1",
        event: "bin",
        data: &[1, 2, 255],
    };
    assert_eq!(push, expected);
    let mut out = Vec::new();
    binary::encode_push(&mut out, &push).unwrap();
    assert_eq!(out, frame);

    let server_frames: [&[u8]; 3] = [
        b"\x00\x02\x06\x0732room:1binpush\x01\x02\xff",
        b"\x01\x02\x02\x06\x023233room:1ok\x01\x02\xff",
        b"\x02\x06\x07room:1bincast\x01\x02\xff",
    ];
    for frame in server_frames {
        let message = binary::decode_server(frame).unwrap();
        let mut out = Vec::new();
        binary::encode_server(&mut out, &message).unwrap();
        assert_eq!(out, frame);
    }
}

#[test]
fn broken_binary_frames_say_what_is_wrong() {
    use binary::Error::*;
    let error = |frame: &[u8]| binary::decode_push(frame).unwrap_err();
    assert_eq!(error(b""), Empty);
    assert_eq!(error(b"\x09\x09"), UnknownKind(9));
    assert_eq!(error(b"\x01\x00\x00\x00\x00"), UnknownKind(1));
    assert_eq!(error(b"\x00\x01"), Truncated(Field::Ref));
    assert_eq!(error(b"\x00\x01\x01\x01\x01abc"), Truncated(Field::Event));
    assert_eq!(error(b"\x00\x00\x00\x01\x00\xff"), NotUtf8(Field::Topic));
    assert_eq!(binary::decode_server(b"\x03"), Err(UnknownKind(3)));
}

#[test]
fn what_is_too_long_for_a_binary_frame_is_named_and_leaves_nothing_written() {
    let longest = "x".repeat(binary::MAX_STRING);
    let too_long = "x".repeat(binary::MAX_STRING + 1);
    let message = |event| ServerMessage::Broadcast {
        topic: "t",
        event,
        data: b"",
    };
    let mut out = b"before".to_vec();
    let result = binary::encode_server(&mut out, &message(&too_long));
    assert_eq!(result, Err(binary::Error::TooLong(Field::Event)));
    assert_eq!(out, b"before");
    assert_eq!(binary::encode_server(&mut out, &message(&longest)), Ok(()));
}

#[test]
fn refs_of_text_and_binary_frames_stand_for_each_other() {
    assert_eq!(binary::ref_from_json(None), "");
    assert_eq!(binary::ref_from_json(Some("\"1\"")), "1");
    assert_eq!(binary::ref_from_json(Some("40")), "40");
    assert_eq!(binary::ref_from_json(Some("\"\\u0031\"")), "1");
    assert_eq!(binary::ref_to_json(""), None);
    assert_eq!(binary::ref_to_json("1").as_deref(), Some("\"1\""));
    assert_eq!(binary::ref_to_json("\"").as_deref(), Some("\"\\\"\""));
}
