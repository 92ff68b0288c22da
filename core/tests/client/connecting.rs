use herenow_core::client::{Close, Config, ConnectionState, Schedule, Timer};

use crate::driver::Driver;

/// When each lost connection is followed by a new one, which is lost again at once.
fn reconnect_delays(driver: &mut Driver, times: usize) -> Vec<u64> {
    let mut delays = Vec::new();
    for _ in 0..times {
        let lost = driver.now;
        driver.closed();
        driver.forget();
        while driver
            .told()
            .iter()
            .all(|told| !told.starts_with("connect"))
        {
            driver.advance(1);
        }
        delays.push(driver.now - lost);
    }
    delays
}

#[test]
fn connecting_twice_opens_one_transport() {
    let mut driver = Driver::new();
    assert_eq!(driver.client.connection_state(), ConnectionState::Closed);
    driver.connect();
    assert_eq!(
        driver.client.connection_state(),
        ConnectionState::Connecting
    );
    driver.connect();
    driver.opened();
    driver.connect();
    assert_eq!(driver.client.connection_state(), ConnectionState::Open);
    assert_eq!(driver.told(), ["connect 1", "opened"]);
}

#[test]
fn a_lost_connection_is_replaced_after_growing_delays() {
    let mut driver = Driver::open();
    let delays = reconnect_delays(&mut driver, 11);
    let expected = [10, 50, 100, 150, 200, 250, 500, 1000, 2000, 5000, 5000];
    assert_eq!(delays, expected);
}

#[test]
fn an_open_connection_begins_the_delays_anew() {
    let mut driver = Driver::open();
    assert_eq!(reconnect_delays(&mut driver, 2), [10, 50]);
    driver.opened();
    assert_eq!(reconnect_delays(&mut driver, 1), [10]);
}

#[test]
fn the_delays_can_be_set() {
    let mut driver = Driver::with(Config {
        reconnect_after: Schedule::Steps {
            steps: vec![3, 4].into(),
            then: 7,
        },
        ..Config::default()
    });
    driver.connect();
    assert_eq!(reconnect_delays(&mut driver, 4), [3, 4, 7, 7]);
}

#[test]
fn the_driver_can_be_asked_for_each_delay() {
    let mut driver = Driver::with(Config {
        reconnect_after: Schedule::Ask,
        ..Config::default()
    });
    driver.connect();
    for tries in 1..4 {
        driver.closed();
        assert_eq!(driver.asked.pop(), Some((Timer::Reconnect, tries)));
        assert_eq!(driver.client.poll_timeout(), None);
        driver.client.set_delay(driver.now, Timer::Reconnect, 42);
        assert_eq!(driver.client.poll_timeout(), Some(driver.now + 42));
        driver.advance(42);
    }
    // Nobody waits for this answer: a transport is being opened.
    driver.client.set_delay(driver.now, Timer::Reconnect, 1);
    assert_eq!(driver.client.poll_timeout(), None);
}

#[test]
fn a_connection_that_waits_to_be_replaced_is_not_replaced_at_once_by_connect() {
    let mut driver = Driver::open();
    driver.closed();
    driver.forget();
    driver.connect();
    assert_eq!(driver.told(), [""; 0]);
    driver.advance(10);
    assert_eq!(driver.told(), ["connect 2"]);
}

#[test]
fn disconnecting_closes_the_transport_and_reconnects_no_more() {
    let mut driver = Driver::open();
    assert_eq!(driver.disconnect(), driver.connection);
    assert_eq!(driver.client.connection_state(), ConnectionState::Closing);
    assert_eq!(driver.told(), ["close 1"]);
    driver.closed();
    assert_eq!(driver.told(), ["closed", "disconnected 1"]);
    assert_eq!(driver.client.connection_state(), ConnectionState::Closed);
    assert_eq!(driver.client.poll_timeout(), None);
}

#[test]
fn disconnecting_says_the_code_and_the_reason() {
    let mut driver = Driver::open();
    let close = Close {
        code: Some(4001),
        reason: "bye".into(),
    };
    driver.client.disconnect(driver.now, close);
    driver.pump();
    assert_eq!(driver.told(), ["close 1 4001 bye"]);
}

#[test]
fn disconnecting_stops_the_wait_for_the_next_connection() {
    let mut driver = Driver::open();
    driver.closed();
    driver.forget();
    assert_eq!(driver.disconnect(), None);
    driver.advance(100_000);
    assert_eq!(driver.told(), [""; 0]);
}

#[test]
fn disconnecting_without_a_connection_is_done_at_once() {
    assert_eq!(Driver::new().disconnect(), None);
}

#[test]
fn a_transport_that_does_not_close_is_given_up_after_the_close_wait() {
    let mut driver = Driver::with(Config {
        close_wait: 700,
        ..Config::default()
    });
    driver.connect();
    driver.disconnect();
    driver.forget();
    driver.advance(699);
    assert_eq!(driver.told(), [""; 0]);
    driver.advance(1);
    assert_eq!(driver.told(), ["disconnected 1"]);
    driver.closed();
    assert_eq!(driver.told(), [""; 0]);
}

#[test]
fn connecting_while_the_old_transport_closes_opens_another_one() {
    let mut driver = Driver::open();
    driver.disconnect();
    let old = driver.connection.unwrap();
    driver.forget();
    driver.connect();
    driver.opened();
    assert_eq!(driver.told(), ["connect 2", "opened"]);
    // The end of the old one is of interest only to who disconnected it.
    driver.client.transport_closed(driver.now, old);
    driver.client.transport_closed(driver.now, old);
    driver.pump();
    assert_eq!(driver.told(), ["disconnected 1"]);
    assert!(driver.client.is_connected());
}

#[test]
fn a_replaced_transport_that_does_not_close_is_given_up_too() {
    let mut driver = Driver::open();
    driver.disconnect();
    driver.connect();
    driver.forget();
    driver.advance(1_500);
    assert_eq!(driver.told(), ["disconnected 1"]);
    assert_eq!(driver.client.poll_timeout(), None);
}

#[test]
fn news_of_a_replaced_transport_changes_nothing() {
    let mut driver = Driver::open();
    let old = driver.connection.unwrap();
    driver.closed();
    driver.advance(10);
    driver.forget();
    driver.client.transport_opened(driver.now, old);
    driver.client.transport_errored(driver.now, old);
    driver.client.transport_closing(old);
    driver.client.transport_closed(driver.now, old);
    driver.client.transport_refused(old);
    driver.pump();
    assert_eq!(driver.told(), [""; 0]);
    assert_eq!(
        driver.client.connection_state(),
        ConnectionState::Connecting
    );
}

#[test]
fn a_close_that_is_reported_twice_counts_once() {
    let mut driver = Driver::open();
    driver.closed();
    driver.closed();
    assert_eq!(driver.told(), ["closed"]);
}

#[test]
fn a_transport_that_could_not_be_made_is_not_tried_again() {
    let mut driver = Driver::new();
    driver.connect();
    driver.client.transport_refused(driver.connection.unwrap());
    assert_eq!(driver.client.connection_state(), ConnectionState::Closed);
    assert_eq!(driver.client.poll_timeout(), None);
    driver.connect();
    assert_eq!(driver.told(), ["connect 1", "connect 2"]);
}

#[test]
fn an_error_and_its_close_are_told_apart() {
    let mut driver = Driver::new();
    driver.connect();
    driver.errored();
    driver.closed();
    driver.advance(10);
    assert_eq!(
        driver.told(),
        ["connect 1", "failed", "closed", "connect 2"]
    );
}

#[test]
fn an_error_of_a_transport_that_we_close_is_of_our_own_making() {
    let mut driver = Driver::new();
    driver.connect();
    driver.disconnect();
    driver.errored();
    assert_eq!(driver.told(), ["connect 1", "close 1"]);
}

#[test]
fn messages_of_no_channel_wait_for_the_connection_in_order() {
    let mut driver = Driver::new();
    driver.client.send("a", "x", Some(5), "{}");
    driver.client.send("b", "y", None, "[1]");
    driver.connect();
    assert_eq!(driver.sent(), [""; 0]);
    driver.opened();
    driver.client.send("c", "z", None, "{}");
    driver.pump();
    let expected = [
        r#"[null,"5","a","x",{}]"#,
        r#"[null,null,"b","y",[1]]"#,
        r#"[null,null,"c","z",{}]"#,
    ];
    assert_eq!(driver.sent(), expected);
}

#[test]
fn nothing_is_sent_while_the_transport_closes() {
    let mut driver = Driver::open();
    driver.client.transport_closing(driver.connection.unwrap());
    assert_eq!(driver.client.connection_state(), ConnectionState::Closing);
    driver.client.send("a", "x", None, "{}");
    driver.pump();
    assert_eq!(driver.sent(), [""; 0]);
    driver.closed();
    driver.advance(10);
    driver.opened();
    assert_eq!(driver.sent(), [r#"[null,null,"a","x",{}]"#]);
}
