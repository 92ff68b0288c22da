//! Round trips: what one end encodes is what the other end decodes.

#[path = "protocol_support/json_text.rs"]
mod json_text;

use herenow_core::protocol::binary::{self, MAX_STRING, Push, ServerMessage};
use herenow_core::protocol::{Field, Outgoing, Reply, Vsn, decode, encode, encode_reply, events};
use json_text::json_text;
use proptest::prelude::*;

fn vsn() -> impl Strategy<Value = Vsn> {
    prop::sample::select(vec![Vsn::V1, Vsn::V2])
}

/// Any text, more often than not one that needs escapes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z:]{0,30}",
        "[\"\\\\/\u{0}-\u{1f}\u{7f}\u{2028}é😀a]{0,20}",
    ]
}

/// A ref: nothing, or any value other than `null`, which is nothing too.
fn reference() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        "\"[0-9]{1,6}\"".prop_map(Some),
        json_text().prop_map(|text| Some(text).filter(|text| text != "null")),
    ]
}

fn short_text() -> impl Strategy<Value = String> {
    text().prop_filter("fits a length byte", |text| text.len() <= MAX_STRING)
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..300)
}

/// A message to be written, its strings owned so that a strategy can make it.
type Strings = [String; 4];

fn strings(text: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = Strings> {
    [text.clone(), text.clone(), text.clone(), text]
}

fn server_messages<'a>(strings: &'a Strings, data: &'a [u8]) -> [ServerMessage<'a>; 3] {
    let [join_ref, reference, topic, event] = strings.each_ref().map(String::as_str);
    [
        ServerMessage::Push {
            join_ref,
            topic,
            event,
            data,
        },
        ServerMessage::Reply {
            join_ref,
            reference,
            topic,
            status: event,
            data,
        },
        ServerMessage::Broadcast { topic, event, data },
    ]
}

proptest! {
    #[test]
    fn an_encoded_message_is_decoded_as_it_was(
        vsn in vsn(),
        join_ref in reference(),
        reference in reference(),
        topic in text(),
        event in text(),
        payload in json_text(),
    ) {
        let outgoing = Outgoing {
            join_ref: join_ref.as_deref(),
            reference: reference.as_deref(),
            topic: &topic,
            event: &event,
            payload: &payload,
        };
        let mut frame = String::new();
        encode(vsn, &mut frame, &outgoing);
        let message = decode(vsn, &frame).unwrap();
        let expected_join_ref = if vsn == Vsn::V1 { None } else { outgoing.join_ref };
        prop_assert_eq!(message.join_ref, expected_join_ref);
        prop_assert_eq!(message.reference, outgoing.reference);
        prop_assert_eq!(message.topic.decode(), topic);
        prop_assert_eq!(message.event.decode(), event);
        prop_assert_eq!(message.payload, payload);
    }

    #[test]
    fn an_encoded_reply_is_decoded_as_it_was(
        vsn in vsn(),
        join_ref in reference(),
        reference in reference(),
        topic in text(),
        status in text(),
        response in json_text(),
    ) {
        let mut frame = String::new();
        let (join_ref, reference) = (join_ref.as_deref(), reference.as_deref());
        encode_reply(vsn, &mut frame, join_ref, reference, &topic, &status, &response);
        let message = decode(vsn, &frame).unwrap();
        prop_assert_eq!(message.reference, reference);
        prop_assert!(message.event == events::PHX_REPLY);
        prop_assert_eq!(message.topic.decode(), topic);
        let reply = Reply::parse(message.payload).unwrap();
        prop_assert_eq!(reply.status.decode(), status);
        prop_assert_eq!(reply.response, response);
    }

    #[test]
    fn a_v1_frame_means_the_same_with_its_keys_in_any_order(
        order in Just(vec!["topic", "event", "payload", "ref", "join_ref", "other"]).prop_shuffle(),
    ) {
        let entries: Vec<_> = order.iter().map(|key| format!("\"{key}\" : \"of {key}\"")).collect();
        let frame = ["{", &entries.join(" , "), "}"].concat();
        let message = decode(Vsn::V1, &frame).unwrap();
        prop_assert!(message.topic == "of topic" && message.event == "of event");
        prop_assert_eq!(message.payload, "\"of payload\"");
        prop_assert_eq!(message.reference, Some("\"of ref\""));
        prop_assert_eq!(message.join_ref, Some("\"of join_ref\""));
    }

    #[test]
    fn a_binary_push_is_decoded_as_it_was(strings in strings(short_text().boxed()), data in data()) {
        let [join_ref, reference, topic, event] = strings.each_ref().map(String::as_str);
        let push = Push { join_ref, reference, topic, event, data: &data };
        let mut frame = Vec::new();
        binary::encode_push(&mut frame, &push).unwrap();
        prop_assert_eq!(binary::decode_push(&frame), Ok(push));
    }

    #[test]
    fn a_binary_server_message_is_decoded_as_it_was(
        strings in strings(short_text().boxed()),
        data in data(),
    ) {
        for message in server_messages(&strings, &data) {
            let mut frame = Vec::new();
            binary::encode_server(&mut frame, &message).unwrap();
            prop_assert_eq!(binary::decode_server(&frame), Ok(message));
        }
    }

    #[test]
    fn a_binary_frame_cut_short_within_its_strings_is_truncated(
        strings in strings(short_text().boxed()),
    ) {
        for message in server_messages(&strings, b"") {
            let mut frame = Vec::new();
            binary::encode_server(&mut frame, &message).unwrap();
            for len in 1..frame.len() {
                let error = binary::decode_server(&frame[..len]).unwrap_err();
                prop_assert!(matches!(error, binary::Error::Truncated(_)), "{}", error);
            }
        }
    }

    #[test]
    fn what_exceeds_a_length_byte_is_refused_by_its_name(which in 0..4_usize, excess in 1..300_usize) {
        let fields = [Field::JoinRef, Field::Ref, Field::Topic, Field::Event];
        let mut strings = fields.map(|field| field.name().to_owned());
        strings[which] = "x".repeat(MAX_STRING + excess);
        let [join_ref, reference, topic, event] = strings.each_ref().map(String::as_str);
        let push = Push { join_ref, reference, topic, event, data: b"data" };
        let mut frame = Vec::new();
        let result = binary::encode_push(&mut frame, &push);
        prop_assert_eq!(result, Err(binary::Error::TooLong(fields[which])));
        prop_assert!(frame.is_empty());
    }

    #[test]
    fn a_ref_survives_the_way_through_a_binary_frame(text in text()) {
        let json = binary::ref_to_json(&text);
        prop_assert_eq!(binary::ref_from_json(json.as_deref()), text);
    }
}
