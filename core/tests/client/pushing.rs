use herenow_core::client::{NotJoined, Payload};
use herenow_core::protocol::binary;

use crate::driver::Driver;

#[test]
fn a_push_is_sent_and_its_reply_settles_it() {
    let (mut driver, channel) = Driver::joined("room:1");
    let push = driver.push(channel, "shout");
    assert_eq!(push.get(), 2);
    assert_eq!(driver.sent(), [r#"["1","2","room:1","shout",{}]"#]);
    driver.receive(r#"["1","2","room:1","phx_reply",{"status":"late","response":[1]}]"#);
    assert_eq!(driver.told(), ["push 2: late [1]"]);
}

#[test]
fn a_push_needs_a_join_first() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    let push = driver.client.push(0, channel, "shout", "{}", None);
    assert_eq!(push, Err(NotJoined));
    assert!(NotJoined.to_string().contains("call join"));
}

#[test]
fn a_push_without_a_reply_times_out_once() {
    let (mut driver, channel) = Driver::joined("room:1");
    driver.push(channel, "shout");
    driver.advance(9_999);
    assert_eq!(driver.told(), [""; 0]);
    driver.advance(1);
    assert_eq!(driver.told(), ["push 2: timeout"]);
    driver.reply("1", "2", "room:1", "ok");
    assert_eq!(
        driver.told(),
        [r#"1: reply phx_reply {"status":"ok","response":{}} ("1","2")"#]
    );
}

#[test]
fn an_answered_push_does_not_time_out() {
    let (mut driver, channel) = Driver::joined("room:1");
    driver.push(channel, "shout");
    driver.reply("1", "2", "room:1", "ok");
    driver.reply("1", "2", "room:1", "ok");
    assert_eq!(driver.told()[0], "push 2: ok {}");
    driver.advance(20_000);
    assert_eq!(driver.told(), [""; 0]);
}

#[test]
fn a_push_waits_as_long_as_it_says_or_else_as_its_channel() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.client.join(0, channel, Some(500)).unwrap();
    driver.pump();
    driver.reply("1", "1", "room:1", "ok");
    driver.forget();
    driver.push(channel, "a");
    driver
        .client
        .push(0, channel, "b", "{}", Some(100))
        .unwrap();
    driver.advance(100);
    assert_eq!(driver.told(), ["push 3: timeout"]);
    driver.advance(400);
    assert_eq!(driver.told(), ["push 2: timeout"]);
}

#[test]
fn pushes_wait_for_the_join_and_go_out_in_order_with_new_refs() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.join(channel);
    let pushes = ["a", "b", "c"].map(|event| driver.push(channel, event).get());
    assert_eq!(pushes, [2, 3, 4]);
    driver.forget();
    driver.reply("1", "1", "room:1", "ok");
    let expected = [
        r#"["1","5","room:1","a",{}]"#,
        r#"["1","6","room:1","b",{}]"#,
        r#"["1","7","room:1","c",{}]"#,
    ];
    assert_eq!(driver.sent(), expected);
    driver.reply("1", "6", "room:1", "ok");
    assert_eq!(driver.told(), ["join of 1: ok {}", "push 3: ok {}"]);
}

#[test]
fn a_push_that_waits_too_long_is_never_sent() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.client.push(0, channel, "a", "{}", Some(20)).unwrap();
    driver.forget();
    driver.advance(20);
    assert_eq!(driver.told(), ["push 2: timeout"]);
    driver.reply("1", "1", "room:1", "ok");
    assert_eq!(driver.sent(), [""; 0]);
}

#[test]
fn the_time_of_a_push_counts_anew_when_it_is_sent() {
    let mut driver = Driver::open();
    let channel = driver.channel("room:1");
    driver.join(channel);
    driver.push(channel, "a");
    driver.advance(6_000);
    driver.reply("1", "1", "room:1", "ok");
    driver.forget();
    driver.advance(9_999);
    assert_eq!(driver.told(), [""; 0]);
    driver.advance(1);
    assert_eq!(driver.told(), ["push 2: timeout"]);
}

#[test]
fn a_push_made_while_the_channel_is_in_error_goes_out_after_the_rejoin() {
    let (mut driver, channel) = Driver::joined("room:1");
    driver.closed();
    driver.push(channel, "a");
    driver.advance(10);
    driver.opened();
    assert_eq!(driver.sent(), [r#"["3","3","room:1","phx_join",{}]"#]);
    driver.reply("3", "3", "room:1", "ok");
    assert_eq!(driver.sent(), [r#"["3","4","room:1","a",{}]"#]);
}

#[test]
fn a_push_that_was_under_way_when_the_connection_was_lost_times_out() {
    let (mut driver, channel) = Driver::joined("room:1");
    driver.push(channel, "a");
    driver.closed();
    driver.advance(10);
    driver.opened();
    driver.reply("3", "3", "room:1", "ok");
    driver.forget();
    driver.advance(9_990);
    assert_eq!(driver.told(), ["push 2: timeout"]);
}

#[test]
fn pushes_of_a_channel_that_has_ended_time_out() {
    let (mut driver, channel) = Driver::joined("room:1");
    driver.push(channel, "a");
    driver.leave(channel);
    driver.push(channel, "b");
    driver.forget();
    driver.advance(10_000);
    assert_eq!(driver.told(), ["push 2: timeout", "push 4: timeout"]);
    assert_eq!(driver.sent(), [""; 0]);
}

#[test]
fn a_reply_settles_a_push_of_its_own_channel_only() {
    let (mut driver, channel) = Driver::joined("room:1");
    let other = driver.channel("room:2");
    driver.join(other);
    driver.push(channel, "a");
    driver.forget();
    driver.receive(r#"[null,"3","room:2","phx_reply",{"status":"ok","response":{}}]"#);
    assert!(driver.told()[0].starts_with("2: reply"));
    driver.receive(r#"[null,"3","room:1","phx_reply",{"status":"ok"}]"#);
    assert_eq!(
        driver.told(),
        ["push 3: ok "],
        "a missing response is empty"
    );
}

#[test]
fn binary_goes_out_and_comes_back_as_it_is() {
    let (mut driver, channel) = Driver::joined("room:1");
    let data = Payload::Binary(vec![1, 2, 255]);
    driver.client.push(0, channel, "bin", data, None).unwrap();
    driver.pump();
    let mut expected = vec![0, 1, 1, 6, 3];
    expected.extend(b"12room:1bin");
    expected.extend([1, 2, 255]);
    assert_eq!(driver.sent(), [format!("{expected:?}")]);
    driver.receive_binary(b"\x01\x01\x01\x06\x0212room:1okabc");
    assert_eq!(driver.told(), ["push 2: ok abc"]);
}

#[test]
fn a_binary_push_with_an_overlong_event_says_so() {
    let mut driver = Driver::open();
    let long = "x".repeat(256);
    driver.client.send("t", long, None, vec![1]);
    let Some(herenow_core::client::Output::Send(frame)) = driver.client.poll_output() else {
        panic!("nothing was sent");
    };
    let error = frame.encode().unwrap_err();
    assert!(matches!(error, binary::Error::TooLong(_)), "{error}");
}

#[test]
fn settled_pushes_leave_nothing_behind() {
    let (mut driver, channel) = Driver::joined("room:1");
    for reference in 2..1000 {
        driver.push(channel, "a");
        driver.reply("1", &reference.to_string(), "room:1", "ok");
    }
    let heartbeat = driver.client.poll_timeout();
    assert_eq!(heartbeat, Some(30_000), "no push waits any more");
}
