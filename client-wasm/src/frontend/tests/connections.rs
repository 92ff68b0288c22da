//! Connecting, losing the connection, and what the page does to it.

use std::time::Duration;

use super::super::host::{Location, PageEvent, Report};
use super::super::{AddressError, ConnectionState, Socket};
use super::{FakeHost, World, log};
use std::rc::Rc;

#[test]
fn the_address_has_the_params_and_the_version() {
    let (world, _socket) = World::socket();
    assert_eq!(
        world.wire().url,
        "ws://here/socket/websocket?user_id=alice&vsn=2.0.0"
    );
    assert!(world.wire().protocols.is_empty());
}

#[test]
fn params_and_token_are_asked_for_before_each_connection() {
    let count = std::cell::Cell::new(0);
    let (world, _socket) = World::socket_with(|builder| {
        builder
            .params_with(move || {
                count.set(count.get() + 1);
                vec![("try".into(), count.get().to_string())]
            })
            .auth_token("secret")
    });
    world.close();
    world.pass(100);
    let urls: Vec<_> = world
        .wires
        .borrow()
        .iter()
        .map(|wire| wire.url.clone())
        .collect();
    assert!(
        urls[0].contains("try=1") && urls[1].contains("try=2"),
        "{urls:?}"
    );
    assert_eq!(
        world.wire().protocols,
        ["phoenix", "base64url.bearer.phx.c2VjcmV0"]
    );
}

#[test]
fn a_path_takes_the_host_and_scheme_of_the_page_and_is_refused_without_one() {
    let world = Rc::new(World::default());
    let connect = || {
        let socket = Socket::builder("/socket").build_in(Rc::new(FakeHost(world.clone())));
        socket.connect()
    };
    assert_eq!(connect(), Err(AddressError::NoPage("/socket".into())));
    world.location.replace(Some(Location {
        is_secure: true,
        host: "example.com:8443".into(),
    }));
    assert_eq!(connect(), Ok(()));
    assert_eq!(
        world.wire().url,
        "wss://example.com:8443/socket/websocket?vsn=2.0.0"
    );
}

#[test]
fn an_address_that_the_browser_refuses_is_an_error_of_connect_and_is_not_tried_again() {
    let world = Rc::new(World::default());
    world.refuses.set(true);
    let socket = Socket::builder("ftp://x").build_in(Rc::new(FakeHost(world.clone())));
    let refused = AddressError::Refused("no such scheme".into());
    assert_eq!(socket.connect(), Err(refused));
    world.refuses.set(false);
    world.pass(60_000);
    assert!(world.wires.borrow().is_empty());
    assert_eq!(socket.connect(), Ok(()));
}

#[test]
fn a_lost_connection_is_made_again_after_the_delay_less_jitter() {
    let (world, socket) = World::socket_with(|builder| {
        builder
            .reconnect_after(|tries| Duration::from_millis(100 * u64::from(tries)))
            .jitter(0.5)
    });
    let (states, note) = log();
    let _states = socket.on_state(note);
    world.open();
    world.random.set(0.5);
    for wait in [75, 150] {
        world.close();
        world.pass(wait - 1);
        assert!(world.wire().closed.get(), "it waits {wait} ms");
        world.pass(1);
        assert!(
            !world.wire().closed.get(),
            "it waits no longer than {wait} ms"
        );
    }
    world.open();
    use ConnectionState::{Closed, Open};
    assert_eq!(states.take(), [Open, Closed, Closed, Open]);
}

#[test]
fn without_jitter_the_delays_are_those_of_the_schedule() {
    let (world, _socket) = World::socket_with(|builder| builder.jitter(0.0));
    world.random.set(0.9);
    for wait in [10, 50, 100, 150, 200, 250, 500, 1000, 2000, 5000, 5000] {
        world.close();
        world.pass(wait - 1);
        assert!(world.wire().closed.get());
        world.pass(1);
        assert!(!world.wire().closed.get(), "after {wait} ms");
    }
}

#[test]
fn an_unanswered_heartbeat_ends_the_connection() {
    let (world, _socket) =
        World::socket_with(|builder| builder.heartbeat_interval(Duration::from_secs(5)));
    world.open();
    world.pass(5000);
    assert_eq!(world.sent(), [r#"[null,"1","phoenix","heartbeat",{}]"#]);
    world.pass(5000);
    assert!(world.wire().closed.get());
}

#[test]
fn a_hidden_page_does_not_reconnect_and_a_shown_one_does_at_once() {
    let (world, _socket) = World::socket();
    world.open();
    world.is_hidden.set(true);
    world.page(PageEvent::Hidden);
    world.close();
    world.pass(60_000);
    assert_eq!(world.wires.borrow().len(), 1);
    world.is_hidden.set(false);
    world.page(PageEvent::Shown);
    assert_eq!(world.wires.borrow().len(), 2);
}

#[test]
fn when_the_network_is_back_the_socket_does_not_wait_out_its_delay() {
    let (world, _socket) = World::socket();
    for _ in 0..10 {
        world.close();
        world.pass(5000);
    }
    world.close();
    let before = world.wires.borrow().len();
    world.is_hidden.set(true);
    world.page(PageEvent::Online);
    assert_eq!(
        world.wires.borrow().len(),
        before,
        "nobody looks at the page"
    );
    world.is_hidden.set(false);
    world.page(PageEvent::Online);
    assert_eq!(world.wires.borrow().len(), before + 1);
}

#[test]
fn a_page_that_is_put_away_disconnects_and_comes_back_connected() {
    let (world, socket) = World::socket();
    world.open();
    world.page(PageEvent::Left);
    assert!(world.wire().closed.get());
    world.close();
    assert_eq!(socket.state(), ConnectionState::Closed);
    world.page(PageEvent::Returned);
    assert!(!world.wire().closed.get());
}

#[test]
fn the_last_handle_closes_the_connection_and_stops_watching_the_page() {
    let (world, socket) = World::socket();
    world.open();
    let channel = socket.channel("room:a", &()).expect("params");
    drop(socket);
    assert!(
        world.wire().is_held.upgrade().is_some(),
        "the channel needs it"
    );
    drop(channel);
    assert!(world.wire().is_held.upgrade().is_none());
    assert!(world.page.borrow().is_none());
    assert!(
        world
            .alarms
            .borrow()
            .iter()
            .all(|alarm| alarm.upgrade().is_none())
    );
}

#[test]
fn a_frame_that_is_no_message_is_told_as_a_problem_and_changes_nothing() {
    let (world, socket) = World::socket();
    world.open();
    world.receive("what?");
    (world.wire().report)(Report::Binary(vec![9]));
    let warnings = world.warnings.take();
    assert_eq!(warnings.len(), 2);
    assert!(
        warnings.iter().all(|text| text.contains("no message")),
        "{warnings:?}"
    );
    assert_eq!(socket.state(), ConnectionState::Open);
}
