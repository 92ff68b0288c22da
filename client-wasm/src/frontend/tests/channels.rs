//! Channels: joining, pushing, listening, and what dropping a handle does.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::super::host::Report;
use super::super::{Channel, ChannelState, JoinError, PushError, Socket};
use super::{World, log, ready};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Shout {
    body: String,
}

fn shout(body: &str) -> Shout {
    Shout { body: body.into() }
}

/// A room that has joined, its join being ref 1.
fn joined() -> (Rc<World>, Socket, Channel) {
    let (world, socket) = World::socket();
    let channel = socket.channel("room:a", &json!({})).expect("params");
    world.open();
    let join = channel.join();
    world.reply(1, 1, "ok", "{}");
    assert!(matches!(ready(join), Some(Ok(_))));
    world.sent();
    (world, socket, channel)
}

#[test]
fn a_join_goes_out_at_once_with_its_params_and_resolves_with_the_response() {
    #[derive(Deserialize)]
    struct Welcome {
        here: u32,
    }
    let (world, socket) = World::socket();
    world.open();
    let channel = socket.channel("room:a", &shout("hi")).expect("params");
    let join = channel.join();
    assert_eq!(
        world.sent(),
        [r#"["1","1","room:a","phx_join",{"body":"hi"}]"#]
    );
    assert_eq!(channel.state(), ChannelState::Joining);
    world.reply(1, 1, "ok", r#"{"here":3}"#);
    let welcome: Welcome = ready(join)
        .expect("an answer")
        .expect("ok")
        .parse()
        .expect("a welcome");
    assert_eq!(welcome.here, 3);
    assert_eq!(channel.state(), ChannelState::Joined);
}

#[test]
fn a_refused_join_says_why_and_is_tried_again() {
    let (world, socket) = World::socket();
    world.open();
    let channel = socket.channel("room:a", &()).expect("params");
    let join = channel.join();
    world.reply(1, 1, "error", r#"{"reason":"full"}"#);
    let error = ready(join).expect("an answer").expect_err("refused");
    assert_eq!(error.to_string(), "the server refused the join: full");
    world.sent();
    world.pass(1000);
    assert_eq!(world.sent(), [r#"["2","2","room:a","phx_join",null]"#]);
}

#[test]
fn a_join_that_cannot_be_answered_says_so() {
    let (world, socket) = World::socket();
    let channel = socket.channel("room:a", &()).expect("params");
    let mut join = channel.join();
    assert!(ready(&mut join).is_none());
    assert!(matches!(
        ready(channel.join()),
        Some(Err(JoinError::AlreadyJoined))
    ));
    world.pass(10_000);
    assert!(matches!(ready(join), Some(Err(JoinError::TimedOut))));

    let left = socket.channel("room:b", &()).expect("params");
    let join = left.join();
    left.leave();
    assert!(matches!(ready(join), Some(Err(JoinError::Ended))));
    assert!(matches!(ready(left.join()), Some(Err(JoinError::Ended))));
}

#[test]
fn a_push_is_answered_by_ok_error_another_word_or_time() {
    let (world, _socket, channel) = joined();
    let pushes = [(); 4].map(|()| channel.push("shout", &shout("hi")));
    assert_eq!(
        world.sent()[0],
        r#"["1","2","room:a","shout",{"body":"hi"}]"#
    );
    for (reference, status) in [(2, "ok"), (3, "error"), (4, "maybe")] {
        world.reply(1, reference, status, r#"{"body":"you"}"#);
    }
    world.pass(10_000);
    let [ok, error, other, late] = pushes.map(|push| ready(push).expect("settled"));
    assert_eq!(
        ok.expect("ok").parse::<Shout>().expect("a shout"),
        shout("you")
    );
    assert!(
        matches!(error, Err(PushError::Refused(response)) if response.parse::<Shout>().is_ok())
    );
    assert!(matches!(other, Err(PushError::Other { status, .. }) if status == "maybe"));
    assert!(matches!(late, Err(PushError::TimedOut)));
}

#[test]
fn a_push_waits_for_the_join_but_not_for_a_join_that_nobody_asked_for() {
    let (world, socket) = World::socket();
    world.open();
    let channel = socket.channel("room:a", &()).expect("params");
    assert!(matches!(
        ready(channel.push("shout", &())),
        Some(Err(PushError::NotJoined))
    ));
    channel.join();
    world.sent();
    let push = channel.push_within(Duration::from_secs(1), "shout", &shout("hi"));
    assert!(world.sent().is_empty());
    world.reply(1, 1, "ok", "{}");
    assert_eq!(
        world.sent(),
        [r#"["1","3","room:a","shout",{"body":"hi"}]"#]
    );
    world.pass(1000);
    assert!(matches!(ready(push), Some(Err(PushError::TimedOut))));
}

#[test]
fn a_payload_that_is_no_json_is_not_sent() {
    let (world, _socket, channel) = joined();
    let unwritable = std::collections::HashMap::from([((1, 2), 3)]);
    assert!(matches!(
        ready(channel.push("x", &unwritable)),
        Some(Err(PushError::Payload(_)))
    ));
    assert!(world.sent().is_empty());
}

#[test]
fn events_come_to_callbacks_and_streams_as_values() {
    let (world, _socket, channel) = joined();
    let (heard, hear) = log::<Shout>();
    let _subscription = channel.on("shout", hear);
    let mut stream = channel.events::<Shout>("shout");
    world.event("shout", r#"{"body":"grüße 😀"}"#);
    world.event(r"sh\u006fut", r#"{"body":"escaped"}"#);
    let expected = [shout("grüße 😀"), shout("escaped")];
    assert_eq!(heard.take(), expected);
    for shout in expected {
        assert_eq!(ready(stream.next()), Some(Some(shout)));
    }
    assert_eq!(ready(stream.next()), None);
    channel.leave();
    assert_eq!(ready(stream.next()), Some(None));
}

#[test]
fn what_is_of_another_type_goes_to_the_problems_and_to_nobody_else() {
    let (world, _socket, channel) = joined();
    let (heard, hear) = log::<Shout>();
    let _subscription = channel.on("shout", hear);
    world.event("shout", r#"{"body":7}"#);
    assert!(heard.take().is_empty());
    let warnings = world.warnings.take();
    assert!(warnings[0].contains(r#""shout" of room:a"#), "{warnings:?}");
    assert!(warnings[0].contains("expected a string"), "{warnings:?}");
}

#[test]
fn a_dropped_subscription_hears_nothing_and_releases_what_it_held() {
    let (world, _socket, channel) = joined();
    let (heard, hear) = log::<Shout>();
    let held = Rc::new(());
    let alive = Rc::downgrade(&held);
    let first = channel.on("shout", move |shout| {
        let _held = &held;
        hear(shout);
    });
    world.event("shout", r#"{"body":"1"}"#);
    drop(first);
    assert!(alive.upgrade().is_none());
    world.event("shout", r#"{"body":"2"}"#);
    assert_eq!(heard.take(), [shout("1")]);
}

#[test]
fn a_callback_may_end_itself_push_and_drop_the_channel() {
    let (world, _socket, channel) = joined();
    let slot = Rc::new(RefCell::new(None));
    let (own, held) = (slot.clone(), RefCell::new(Some(channel.clone())));
    let subscription = channel.on("shout", move |Shout { body }| {
        if let Some(channel) = held.take() {
            channel.push("echo", &body);
        }
        own.take();
    });
    slot.replace(Some(subscription));
    drop(channel);
    world.event("shout", r#"{"body":"1"}"#);
    world.event("shout", r#"{"body":"2"}"#);
    assert_eq!(
        world.sent(),
        [
            r#"["1","2","room:a","echo","1"]"#,
            r#"["1","3","room:a","phx_leave",{}]"#
        ]
    );
}

#[test]
fn the_last_clone_of_a_channel_leaves_it() {
    let (world, _socket, channel) = joined();
    drop(channel.clone());
    assert!(world.sent().is_empty());
    drop(channel);
    assert_eq!(world.sent(), [r#"["1","2","room:a","phx_leave",{}]"#]);
}

#[test]
fn after_a_lost_connection_the_channel_joins_again_with_the_params_of_then() {
    let (world, _socket, channel) = joined();
    let (states, note) = log();
    let _states = channel.on_state(note);
    channel
        .set_params(&json!({"status": "away"}))
        .expect("params");
    world.close();
    world.pass(10);
    world.open();
    assert_eq!(
        world.sent(),
        [r#"["2","2","room:a","phx_join",{"status":"away"}]"#]
    );
    world.reply(2, 2, "ok", "{}");
    assert_eq!(states.take(), [ChannelState::Errored, ChannelState::Joined]);
}

#[test]
fn the_end_of_a_channel_is_told_and_ends_its_streams() {
    let (world, _socket, channel) = joined();
    let (states, note) = log();
    let _states = channel.on_state(note);
    let mut stream = channel.states();
    world.receive(r#"["1","1","room:a","phx_close",{}]"#);
    assert_eq!(states.take(), [ChannelState::Closed]);
    assert_eq!(ready(stream.next()), Some(Some(ChannelState::Closed)));
    assert_eq!(ready(stream.next()), Some(None));
}

#[test]
fn bytes_go_and_come_as_they_are() {
    let (world, _socket, channel) = joined();
    let (heard, hear) = log();
    let _subscription = channel.on_payload("photo", move |payload| {
        hear((payload.bytes().to_vec(), payload.json().map(str::to_owned)));
    });
    channel.push_bytes("photo", vec![1, 2]);
    assert!(world.sent()[0].ends_with("111, 1, 2]"));
    let mut broadcast = vec![2, 6, 5];
    broadcast.extend(b"room:aphoto\x07\xFF");
    (world.wire().report)(Report::Binary(broadcast));
    assert_eq!(heard.take(), [(vec![7, 255], None)]);
}
