use herenow_core::client::Config;

use crate::driver::Driver;

#[test]
fn a_heartbeat_follows_each_interval_after_the_last_answer() {
    let mut driver = Driver::open();
    driver.advance(29_999);
    assert_eq!(driver.sent(), [""; 0]);
    driver.advance(1);
    assert_eq!(driver.sent(), [r#"[null,"1","phoenix","heartbeat",{}]"#]);
    driver.advance(500);
    driver.reply("", "1", "phoenix", "ok");
    driver.advance(29_999);
    assert_eq!(driver.sent(), [""; 0]);
    driver.advance(1);
    assert_eq!(driver.sent(), [r#"[null,"2","phoenix","heartbeat",{}]"#]);
}

#[test]
fn an_unanswered_heartbeat_closes_the_connection_and_makes_a_new_one() {
    let (mut driver, _) = Driver::joined("room:1");
    driver.advance(60_000);
    let expected = [
        "close 1 1000 heartbeat timeout",
        "1 errored: heartbeat timeout",
    ];
    assert_eq!(driver.told(), expected);
    driver.closed();
    assert_eq!(driver.told(), ["closed"]);
    driver.advance(10);
    assert_eq!(driver.told(), ["connect 2"]);
}

#[test]
fn a_dead_transport_that_does_not_close_is_replaced_all_the_same() {
    let mut driver = Driver::open();
    driver.advance(60_000);
    driver.forget();
    driver.advance(1_509);
    assert_eq!(driver.told(), [""; 0]);
    driver.advance(1);
    assert_eq!(driver.told(), ["connect 2"]);
}

#[test]
fn disconnecting_during_the_close_after_a_heartbeat_ends_it() {
    let mut driver = Driver::open();
    driver.advance(60_000);
    assert_eq!(driver.disconnect(), driver.connection);
    driver.closed();
    driver.forget();
    driver.advance(100_000);
    assert_eq!(driver.told(), [""; 0]);
}

#[test]
fn a_closing_transport_that_never_closes_is_found_by_the_heartbeat() {
    let mut driver = Driver::open();
    driver.client.transport_closing(driver.connection.unwrap());
    driver.advance(60_000);
    assert_eq!(driver.sent(), [""; 0]);
    assert_eq!(driver.told(), ["close 1 1000 heartbeat timeout"]);
}

#[test]
fn heartbeats_stop_with_the_connection() {
    let mut driver = Driver::open();
    driver.disconnect();
    driver.closed();
    assert_eq!(driver.client.poll_timeout(), None);

    let mut driver = Driver::open();
    driver.closed();
    driver.advance(10);
    driver.forget();
    driver.advance(1_000_000);
    assert_eq!((driver.sent(), driver.told()), (vec![], vec![]));
}

#[test]
fn a_transport_can_do_without_heartbeats() {
    let mut driver = Driver::open();
    driver.client.skip_heartbeats();
    assert_eq!(driver.client.poll_timeout(), None);
    driver.closed();
    driver.advance(10);
    driver.opened();
    assert_eq!(
        driver.client.poll_timeout(),
        Some(30_010),
        "the next one may need them"
    );
}

#[test]
fn the_interval_can_be_set() {
    let mut driver = Driver::with(Config {
        heartbeat_interval: 5,
        ..Config::default()
    });
    driver.connect();
    driver.opened();
    driver.advance(9);
    driver.told();
    driver.advance(1);
    assert_eq!(driver.told(), ["close 1 1000 heartbeat timeout"]);
}

#[test]
fn a_ping_measures_the_way_there_and_back() {
    let mut driver = Driver::new();
    assert_eq!(driver.client.ping(0), None);
    driver.connect();
    driver.opened();
    driver.forget();
    assert_eq!(driver.client.ping(driver.now), Some(1));
    driver.pump();
    assert_eq!(driver.sent(), [r#"[null,"1","phoenix","heartbeat",{}]"#]);
    driver.advance(7);
    driver.reply("", "1", "phoenix", "ok");
    driver.reply("", "1", "phoenix", "ok");
    assert_eq!(driver.told(), ["pong 1 after 7"]);
}

#[test]
fn a_ping_is_forgotten_with_its_connection() {
    let mut driver = Driver::open();
    driver.client.ping(driver.now);
    driver.pump();
    driver.closed();
    driver.advance(10);
    driver.opened();
    driver.forget();
    driver.reply("", "1", "phoenix", "ok");
    assert_eq!(driver.told(), [""; 0]);
}
