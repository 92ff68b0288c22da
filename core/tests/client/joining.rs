use herenow_core::client::{CannotJoin, ChannelState, Config, Payload, Schedule, Timer};

use crate::driver::Driver;

#[test]
fn a_join_is_sent_and_its_reply_settles_it() {
    let mut driver = Driver::open();
    let channel = driver.client.channel("room:1", r#"{"token":"x"}"#);
    assert_eq!(driver.client.channel_state(channel), ChannelState::Closed);
    driver.join(channel);
    assert_eq!(driver.client.channel_state(channel), ChannelState::Joining);
    assert_eq!(driver.client.join_ref(channel), Some(1));
    let frame = r#"["1","1","room:1","phx_join",{"token":"x"}]"#;
    assert_eq!(driver.sent(), [frame]);
    driver.receive(r#"["1","1","room:1","phx_reply",{"response":{"n":1},"status":"ok"}]"#);
    assert_eq!(driver.told(), [r#"join of 1: ok {"n":1}"#]);
    assert_eq!(driver.client.channel_state(channel), ChannelState::Joined);
    assert_eq!(driver.client.topic(channel), Some("room:1"));
}

#[test]
fn a_channel_can_be_joined_once() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.join(channel);
    let again = driver.client.join(0, channel, None);
    assert_eq!(again, Err(CannotJoin::AlreadyJoined));
    let text = CannotJoin::AlreadyJoined.to_string();
    assert!(text.contains("joined before"), "{text}");
}

#[test]
fn a_channel_that_was_left_or_removed_has_ended_whether_it_was_joined_or_not() {
    let mut driver = Driver::open();
    let [left, removed] = ["room:1", "room:2"].map(|topic| driver.channel(topic));
    driver.join(left);
    driver.leave(left);
    driver.client.remove(removed);
    for channel in [left, removed] {
        let ended = driver.client.join(0, channel, None);
        assert_eq!(ended, Err(CannotJoin::Ended));
    }
    let text = CannotJoin::Ended.to_string();
    assert!(text.contains("make another channel"), "{text}");
}

#[test]
fn a_join_waits_for_the_connection() {
    let mut driver = Driver::new();
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.connect();
    assert_eq!(driver.sent(), [""; 0]);
    driver.opened();
    assert_eq!(driver.sent(), [r#"["1","1","room:1","phx_join",{}]"#]);
}

#[test]
fn a_waiting_join_that_has_been_superseded_is_not_sent() {
    let mut driver = Driver::new();
    let [failed, left, replaced, new] =
        ["failed", "left", "room", "room"].map(|topic| driver.channel(topic));
    driver.join(failed);
    driver.connect();
    driver.errored();
    driver.join(left);
    driver.join(replaced);
    driver.leave(left);
    driver.join(new);
    driver.opened();
    let expected = [
        r#"["6","6","room","phx_join",{}]"#,
        r#"["7","7","failed","phx_join",{}]"#,
    ];
    assert_eq!(driver.sent(), expected);
}

#[test]
fn a_refused_join_is_tried_again_after_growing_delays() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.join(channel);
    let mut delays = Vec::new();
    for join_ref in 1..6 {
        driver.reply(
            &join_ref.to_string(),
            &join_ref.to_string(),
            "room:1",
            "error",
        );
        assert_eq!(driver.told(), ["join of 1: error {}"]);
        assert_eq!(driver.client.channel_state(channel), ChannelState::Errored);
        let refused = driver.now;
        driver.forget();
        while driver.sent().is_empty() {
            driver.advance(1);
        }
        delays.push(driver.now - refused);
        assert_eq!(driver.client.join_ref(channel), Some(join_ref + 1));
    }
    assert_eq!(delays, [1000, 2000, 5000, 10_000, 10_000]);
    driver.reply("6", "6", "room:1", "ok");
    driver.receive(r#"["6","6","room:1","phx_error",{}]"#);
    driver.forget();
    driver.advance(1000);
    let frame = r#"["7","7","room:1","phx_join",{}]"#;
    assert_eq!(
        driver.sent(),
        [frame],
        "a join that succeeds begins the delays anew"
    );
}

#[test]
fn the_driver_can_be_asked_for_the_delay_of_each_rejoin() {
    let mut driver = Driver::with(Config {
        rejoin_after: Schedule::Ask,
        ..Config::default()
    });
    driver.connect();
    driver.opened();
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.reply("1", "1", "room:1", "error");
    assert_eq!(driver.asked.pop(), Some((Timer::Rejoin(channel), 1)));
    driver.forget();
    driver
        .client
        .set_delay(driver.now, Timer::Rejoin(channel), 3);
    driver.advance(3);
    assert_eq!(driver.sent(), [r#"["2","2","room:1","phx_join",{}]"#]);
}

#[test]
fn a_reply_that_is_neither_ok_nor_error_does_not_leave_the_channel_joining_for_ever() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.receive(r#"["1","1","room:1","phx_reply",[]]"#);
    assert_eq!(driver.told(), ["join of 1:  []"]);
    driver.sent();
    driver.advance(1000);
    assert_eq!(driver.sent(), [r#"["2","2","room:1","phx_join",{}]"#]);
}

#[test]
fn a_join_without_a_reply_is_undone_and_tried_again() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.client.join(0, channel, Some(300)).unwrap();
    driver.pump();
    driver.forget();
    driver.advance(300);
    assert_eq!(driver.sent(), [r#"["1","2","room:1","phx_leave",{}]"#]);
    assert_eq!(driver.told(), ["join of 1: timeout"]);
    assert_eq!(driver.client.join_ref(channel), None);
    // Too late.
    driver.reply("1", "1", "room:1", "ok");
    assert_eq!(driver.client.channel_state(channel), ChannelState::Errored);
    driver.advance(1000);
    assert_eq!(driver.sent(), [r#"["3","3","room:1","phx_join",{}]"#]);
    driver.advance(300);
    assert_eq!(
        driver.told(),
        ["join of 1: timeout"],
        "rejoins wait as long"
    );
}

#[test]
fn joins_wait_for_ten_seconds_unless_set_otherwise() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.advance(9_999);
    assert_eq!(driver.told(), [""; 0]);
    driver.advance(1);
    assert_eq!(driver.told(), ["join of 1: timeout"]);

    let mut driver = Driver::with(Config {
        timeout: 50,
        ..Config::default()
    });
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.advance(50);
    assert_eq!(driver.told(), ["join of 1: timeout"]);
    assert_eq!(
        driver.sent(),
        [""; 0],
        "nothing to undo without a connection"
    );
}

#[test]
fn a_crashed_channel_joins_again() {
    let (mut driver, channel) = Driver::joined("room:1");
    driver.receive(r#"["1","1","room:1","phx_error",{"reason":"channel_crash"}]"#);
    let told = r#"1 errored: phx_error {"reason":"channel_crash"} ("1","1")"#;
    assert_eq!(driver.told(), [told]);
    assert_eq!(driver.client.channel_state(channel), ChannelState::Errored);
    driver.advance(1000);
    assert_eq!(driver.sent(), [r#"["2","2","room:1","phx_join",{}]"#]);
}

#[test]
fn a_channel_that_crashes_while_joining_forgets_that_join() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.receive(r#"["1","1","room:1","phx_error",{}]"#);
    driver.forget();
    driver.reply("1", "1", "room:1", "ok");
    assert_eq!(driver.told(), [""; 0]);
    assert_eq!(driver.client.channel_state(channel), ChannelState::Errored);
}

#[test]
fn a_channel_that_the_server_closes_has_ended() {
    let (mut driver, channel) = Driver::joined("room:1");
    driver.receive(r#"["1","1","room:1","phx_close",{}]"#);
    assert_eq!(driver.told(), [r#"1 closed: phx_close {} ("1","1")"#]);
    assert_eq!(driver.client.channel_state(channel), ChannelState::Closed);
    assert_eq!(driver.client.topic(channel), None);
    driver.closed();
    driver.advance(10);
    driver.opened();
    assert_eq!(driver.sent(), [""; 0]);
}

#[test]
fn a_channel_closed_while_joining_is_not_joined_again() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.receive(r#"["1","1","room:1","phx_close",{}]"#);
    driver.forget();
    driver.advance(20_000);
    assert_eq!((driver.sent(), driver.told()), (vec![], vec![]));
}

#[test]
fn a_channel_that_was_never_joined_is_not_joined_by_an_error() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.receive(r#"[null,null,"room:1","phx_error",{}]"#);
    driver.receive(r#"[null,null,"room:1","phx_close",{}]"#);
    assert_eq!(driver.client.topic(channel), Some("room:1"));
    driver.forget();
    driver.advance(20_000);
    assert_eq!(driver.sent(), [""; 0]);
}

#[test]
fn leaving_ends_the_channel_at_once() {
    let (mut driver, channel) = Driver::joined("room:1");
    driver.leave(channel);
    assert_eq!(driver.sent(), [r#"["1","2","room:1","phx_leave",{}]"#]);
    assert_eq!(driver.told(), ["1 closed: left"]);
    assert_eq!(driver.client.channel_state(channel), ChannelState::Closed);
    driver.reply("1", "2", "room:1", "ok");
    driver.receive(r#"["1","1","room:1","phx_close",{}]"#);
    driver.leave(channel);
    assert_eq!((driver.sent(), driver.told()), (vec![], vec![]));
}

#[test]
fn leaving_without_a_connection_says_nothing_to_anybody_later() {
    let mut driver = Driver::new();
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.leave(channel);
    assert_eq!(driver.told(), ["1 closed: left"]);
    driver.connect();
    driver.opened();
    assert_eq!(driver.sent(), [""; 0]);
    driver.disconnect();
    driver.closed();
    assert_eq!(driver.client.poll_timeout(), None);
}

#[test]
fn leaving_stops_the_rejoins() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.reply("1", "1", "room:1", "error");
    driver.leave(channel);
    driver.forget();
    driver.advance(20_000);
    assert_eq!(driver.sent(), [""; 0]);
}

#[test]
fn leaving_a_channel_does_not_take_the_topic_from_another() {
    let (mut driver, failed) = Driver::joined("room:1");
    let [new, unused] = ["room:1", "room:1"].map(|topic| driver.channel(topic));
    driver.receive(r#"["1","1","room:1","phx_error",{}]"#);
    driver.join(new);
    driver.reply("2", "2", "room:1", "ok");
    driver.forget();
    driver.leave(failed);
    driver.leave(unused);
    assert_eq!(driver.sent(), [r#"["1","3","room:1","phx_leave",{}]"#]);
}

#[test]
fn a_second_channel_on_a_topic_takes_it_over() {
    let (mut driver, old) = Driver::joined("room:1");
    let [new, other] = ["room:1", "room:2"].map(|topic| driver.channel(topic));
    driver.join(new);
    driver.join(other);
    let expected = [
        r#"["1","2","room:1","phx_leave",{}]"#,
        r#"["3","3","room:1","phx_join",{}]"#,
        r#"["4","4","room:2","phx_join",{}]"#,
    ];
    assert_eq!(driver.sent(), expected);
    assert_eq!(driver.told(), ["1 closed: left"]);
    assert_eq!(driver.client.channel_state(old), ChannelState::Closed);
}

#[test]
fn every_channel_joins_again_over_a_new_connection() {
    let (mut driver, channel) = Driver::joined("room:1");
    let joining = driver.channel("room:2");
    driver.join(joining);
    driver.forget();
    driver.closed();
    let expected = [
        "1 errored: connection closed",
        "2 errored: connection closed",
        "closed",
    ];
    assert_eq!(driver.told(), expected);
    assert_eq!(driver.client.channel_state(channel), ChannelState::Errored);
    driver.advance(5);
    assert_eq!(driver.client.poll_timeout(), Some(10), "only the reconnect");
    driver.advance(5);
    driver.opened();
    let expected = [
        r#"["3","3","room:1","phx_join",{}]"#,
        r#"["4","4","room:2","phx_join",{}]"#,
    ];
    assert_eq!(driver.sent(), expected);
}

#[test]
fn an_error_and_the_close_after_it_are_one_error_for_a_channel() {
    let (mut driver, _) = Driver::joined("room:1");
    driver.client.transport_closing(driver.connection.unwrap());
    driver.errored();
    driver.closed();
    let expected = ["failed", "1 errored: connection error", "closed"];
    assert_eq!(driver.told(), expected);
}

#[test]
fn an_error_of_a_transport_that_stays_open_does_not_stop_the_rejoins() {
    let (mut driver, crashed) = Driver::joined("room:1");
    let refused = driver.channel("room:2");
    driver.join(refused);
    driver.reply("2", "2", "room:2", "error");
    driver.forget();
    driver.errored();
    assert_eq!(driver.told(), ["failed", "1 errored: connection error"]);
    driver.advance(1000);
    let joined = [crashed, refused].map(|channel| driver.client.channel_state(channel));
    assert_eq!(joined, [ChannelState::Joining; 2]);
}

#[test]
fn a_channel_joined_between_an_error_and_the_close_is_not_concerned() {
    let (mut driver, _) = Driver::joined("room:1");
    driver.client.transport_closing(driver.connection.unwrap());
    driver.errored();
    let channel = driver.channel("room:2");
    driver.join(channel);
    driver.closed();
    assert_eq!(driver.client.channel_state(channel), ChannelState::Joining);
}

#[test]
fn disconnecting_puts_channels_in_error_and_connecting_joins_them_again() {
    let (mut driver, _) = Driver::joined("room:1");
    driver.disconnect();
    assert_eq!(driver.told(), ["close 1", "1 errored: connection closed"]);
    driver.connect();
    driver.opened();
    assert_eq!(driver.sent(), [r#"["2","2","room:1","phx_join",{}]"#]);
}

#[test]
fn each_join_takes_the_params_of_its_time() {
    let (mut driver, channel) = Driver::joined("room:1");
    driver.client.set_params(channel, r#"{"token":"new"}"#);
    driver.closed();
    driver.advance(10);
    driver.opened();
    let frame = r#"["2","2","room:1","phx_join",{"token":"new"}]"#;
    assert_eq!(driver.sent(), [frame]);
}

#[test]
fn params_can_be_binary() {
    let mut driver = Driver::open();
    let channel = driver.client.channel("r", Payload::from(vec![7]));
    driver.join(channel);
    let mut expected = vec![0, 1, 1, 1, 8];
    expected.extend(b"11rphx_join");
    expected.push(7);
    assert_eq!(driver.sent(), [format!("{expected:?}")]);
}

#[test]
fn a_removed_channel_leaves_no_trace() {
    let mut driver = Driver::new();
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.client.remove(channel);
    driver.connect();
    driver.opened();
    assert_eq!(driver.sent(), [""; 0]);
    driver.disconnect();
    driver.closed();
    assert_eq!(driver.client.poll_timeout(), None);
}
