use std::sync::Arc;

use herenow_core::client::{ChannelState, Event, Incoming, JoinRef, Kind, Output};
use herenow_core::protocol::DecodeError;

use crate::driver::Driver;

#[test]
fn a_message_goes_to_the_channel_of_its_topic() {
    let (mut driver, _) = Driver::joined("room:1");
    driver.receive(r#"[null,null,"room:1","shout",{"a": 1}]"#);
    driver.receive(r#"["1",null,"room:1","say \"hi\"",[]]"#);
    driver.receive(r#"[null,null,"room:2","shout",{}]"#);
    let expected = [r#"1: shout {"a": 1} (,)"#, r#"1: say \"hi\" [] ("1",)"#];
    assert_eq!(driver.told(), expected);
}

#[test]
fn a_topic_is_compared_by_what_it_means() {
    let (mut driver, _) = Driver::joined("room:1");
    driver.receive(r#"[null,null,"room\u003a1","shout",{}]"#);
    assert_eq!(driver.told(), ["1: shout {} (,)"]);
}

#[test]
fn a_message_of_an_earlier_or_foreign_join_is_dropped() {
    let (mut driver, _) = Driver::joined("room:1");
    for stale in [r#""2""#, r#""01""#, r#""+1""#, "1", r#""x""#, "{}"] {
        driver.receive(&format!(r#"[{stale},null,"room:1","shout",{{}}]"#));
        assert_eq!(driver.told(), [""; 0], "{stale}");
    }
}

#[test]
fn the_messages_of_the_old_join_still_arrive_until_the_rejoin() {
    let (mut driver, _) = Driver::joined("room:1");
    driver.receive(r#"["1","1","room:1","phx_error",{}]"#);
    driver.forget();
    driver.receive(r#"["1",null,"room:1","shout",{}]"#);
    assert_eq!(driver.told(), [r#"1: shout {} ("1",)"#]);
    driver.advance(1000);
    driver.receive(r#"["1",null,"room:1","shout",{}]"#);
    assert_eq!(driver.told(), [""; 0]);
}

#[test]
fn a_broadcast_reaches_every_channel_object_of_the_topic() {
    let (mut driver, _) = Driver::joined("room:1");
    driver.channel("room:1");
    driver.receive(r#"[null,null,"room:1","shout",{}]"#);
    assert_eq!(driver.told(), ["1: shout {} (,)", "2: shout {} (,)"]);
}

#[test]
fn a_broadcast_is_told_whatever_the_clock_says_and_ends_and_begins_no_wait() {
    let (mut driver, room) = Driver::joined("room:1");
    driver.channel("room:2");
    driver.push(room, "ask");
    driver.advance(7);
    driver.forget();
    let connection = driver.connection.unwrap();
    let timeout = driver.client.poll_timeout();
    for now in [0, driver.now, u64::MAX] {
        for join_ref in [JoinRef::Any, JoinRef::Ours(1), JoinRef::Foreign] {
            let incoming = Incoming {
                join_ref,
                reference: None,
                topic: Arc::<str>::from("room:1"),
                kind: Kind::Other,
            };
            assert!(driver.client.deliver(now, connection, &incoming));
            let told = Some(Output::Event(Event::Message { channel: room }));
            let expected = told.filter(|_| join_ref != JoinRef::Foreign);
            assert_eq!(driver.client.poll_output(), expected);
            assert_eq!(driver.client.poll_output(), None);
            assert_eq!(driver.client.poll_timeout(), timeout);
        }
    }
}

#[test]
fn a_message_for_one_channel_is_the_only_output_until_it_is_polled_and_one_for_two_is_not() {
    let (mut driver, room) = Driver::joined("room:1");
    let connection = driver.connection.unwrap();
    let frame = r#"[null,null,"room:1","shout",{}]"#;
    assert_eq!(driver.client.only_message(), None);
    driver.client.received(0, connection, frame).unwrap();
    assert_eq!(driver.client.only_message(), Some(room));
    assert!(driver.client.poll_output().is_some());
    assert_eq!(driver.client.only_message(), None);
    driver.channel("room:1");
    driver.client.received(0, connection, frame).unwrap();
    assert_eq!(driver.client.only_message(), None);
}

#[test]
fn the_parts_of_every_message_are_told_even_if_it_is_for_nobody() {
    let mut driver = Driver::open();
    let connection = driver.connection.unwrap();
    let text = r#"["1",null, "t\"t","e\u0065",{"a":1}]"#;
    let spans = driver.client.received(0, connection, text).unwrap();
    let spans = spans.expect("the connection is open");
    let parts = [spans.join_ref, spans.topic, spans.event, spans.payload];
    let expected = [r#""1""#, r#"t\"t"#, r"e\u0065", r#"{"a":1}"#];
    assert_eq!(parts.map(|span| span.text(text)), expected);
    assert!(spans.reference.is_empty());

    let frame = b"\x02\x01\x02tevdata";
    let spans = driver.client.received_binary(0, connection, frame);
    let spans = spans.unwrap().expect("the connection is open");
    let parts = [spans.topic, spans.event, spans.payload];
    assert_eq!(
        parts.map(|span| span.bytes(frame)),
        [b"t" as &[u8], b"ev", b"data"]
    );
}

#[test]
fn binary_messages_arrive_like_text() {
    let (mut driver, channel) = Driver::joined("room:1");
    driver.receive_binary(b"\x00\x01\x06\x031room:1bin\x01\x02");
    driver.receive_binary(b"\x02\x06\x03room:1bin\x01");
    driver.receive_binary(b"\x00\x01\x06\x032room:1bin\x01\x02");
    let expected = ["1: bin \u{1}\u{2} (1,)", "1: bin \u{1} (,)"];
    assert_eq!(driver.told(), expected);
    driver.receive_binary(b"\x00\x01\x06\x091room:1phx_error");
    assert_eq!(driver.client.channel_state(channel), ChannelState::Errored);
    driver.forget();
    driver.receive_binary(b"\x01\x01\x01\x06\x0219room:1oknobody");
    assert_eq!(driver.told(), ["1: reply ok nobody (1,9)"]);
}

#[test]
fn a_frame_that_is_no_message_is_an_error_and_changes_nothing() {
    let (mut driver, _) = Driver::joined("room:1");
    let connection = driver.connection.unwrap();
    let error = driver.client.received(0, connection, "[1,2]").unwrap_err();
    assert!(matches!(error, DecodeError::Missing(_)), "{error}");
    assert!(driver.client.received_binary(0, connection, &[9]).is_err());
    assert_eq!(driver.client.poll_output(), None);
}

#[test]
fn messages_of_a_connection_that_is_not_open_are_dropped() {
    let (mut driver, _) = Driver::joined("room:1");
    driver.disconnect();
    driver.forget();
    driver.receive(r#"[null,null,"room:1","shout",{}]"#);
    driver.receive("not even a message");
    assert_eq!(driver.told(), [""; 0]);
}
