//! The protocol against the frames recorded from a running Phoenix.

#[path = "protocol_support/golden.rs"]
mod golden;

use golden::{Data, Frame, Sender, frames};
use herenow_core::protocol::{
    DecodeError, Message, Outgoing, Reply, Vsn, binary, decode, encode, encode_reply, events,
};
use serde_json::Value;

fn text_frames(sender: Sender) -> Vec<(Vsn, &'static str)> {
    frames()
        .into_iter()
        .filter(|frame| frame.sender == sender && !frame.refused)
        .filter_map(|frame| match frame.data {
            Data::Text(text) => Some((frame.vsn, text)),
            Data::Binary(_) => None,
        })
        .collect()
}

fn reencoded(vsn: Vsn, message: &Message<'_>) -> String {
    let mut out = String::new();
    let outgoing = Outgoing {
        join_ref: message.join_ref,
        reference: message.reference,
        topic: &message.topic.decode(),
        event: &message.event.decode(),
        payload: message.payload,
    };
    encode(vsn, &mut out, &outgoing);
    out
}

/// What a client's frame means: extra elements of V2 are ignored, and V1 does not write join_refs.
fn significant(vsn: Vsn, text: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap();
    match (vsn, &mut value) {
        (Vsn::V1, Value::Object(entries)) => drop(entries.remove("join_ref")),
        (Vsn::V2, Value::Array(elements)) => elements.truncate(5),
        (_, other) => panic!("{other}"),
    }
    value
}

#[test]
fn the_recordings_hold_frames_of_every_sort() {
    let count = |wanted: fn(&Frame) -> bool| frames().into_iter().filter(wanted).count();
    assert!(count(|frame| frame.vsn == Vsn::V1) > 20);
    assert!(count(|frame| frame.vsn == Vsn::V2) > 300);
    assert!(count(|frame| matches!(frame.data, Data::Binary(_))) >= 9);
    assert!(count(|frame| frame.refused) >= 10);
}

#[test]
fn frames_of_a_server_are_reencoded_to_the_same_bytes() {
    for (vsn, text) in text_frames(Sender::Server) {
        let message = decode(vsn, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(reencoded(vsn, &message), text);
    }
}

#[test]
fn frames_of_a_client_are_reencoded_to_an_equal_value() {
    for (vsn, text) in text_frames(Sender::Client) {
        let message = decode(vsn, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let again: Value = serde_json::from_str(&reencoded(vsn, &message)).unwrap();
        assert_eq!(again, significant(vsn, text));
    }
}

#[test]
fn replies_are_reencoded_to_the_same_bytes_from_their_status_and_response() {
    let mut replies = 0;
    for (vsn, text) in text_frames(Sender::Server) {
        let message = decode(vsn, text).unwrap();
        if message.event != events::PHX_REPLY {
            continue;
        }
        let reply = Reply::parse(message.payload).unwrap();
        let (topic, status) = (message.topic.decode(), reply.status.decode());
        let mut out = String::new();
        encode_reply(
            vsn,
            &mut out,
            message.join_ref,
            message.reference,
            &topic,
            &status,
            reply.response,
        );
        assert_eq!(out, text);
        replies += 1;
    }
    assert!(replies > 50);
}

#[test]
fn binary_frames_are_reencoded_byte_for_byte() {
    for frame in frames() {
        let Data::Binary(bytes) = &frame.data else {
            continue;
        };
        if frame.refused {
            continue;
        }
        let mut out = Vec::new();
        match frame.sender {
            Sender::Client => {
                let push = binary::decode_push(bytes).unwrap();
                binary::encode_push(&mut out, &push).unwrap();
            }
            Sender::Server => {
                let message = binary::decode_server(bytes).unwrap();
                binary::encode_server(&mut out, &message).unwrap();
            }
        }
        assert_eq!(&out, bytes);
    }
}

#[test]
fn what_phoenix_refuses_is_refused() {
    for frame in frames().into_iter().filter(|frame| frame.refused) {
        match frame.data {
            Data::Text(text) => {
                let result: Result<_, DecodeError> = decode(frame.vsn, text);
                assert!(result.is_err(), "{text}");
            }
            Data::Binary(bytes) => assert!(binary::decode_push(&bytes).is_err(), "{bytes:?}"),
        }
    }
}
