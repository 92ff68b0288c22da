use crate::driver::Driver;

#[test]
fn a_hidden_page_does_not_reconnect_until_it_is_shown() {
    let mut driver = Driver::open();
    driver.client.page_hidden(true);
    driver.closed();
    driver.advance(100_000);
    assert_eq!(driver.told(), ["closed"]);
    driver.client.page_shown(driver.now);
    driver.pump();
    assert_eq!(driver.told(), ["connect 2"]);
}

#[test]
fn a_page_that_is_no_longer_hidden_reconnects_in_its_time() {
    let mut driver = Driver::open();
    driver.client.page_hidden(true);
    driver.closed();
    driver.client.page_hidden(false);
    driver.advance(10);
    assert_eq!(driver.told(), ["closed", "connect 2"]);
}

#[test]
fn a_page_that_is_shown_does_not_wait_for_the_delay() {
    let mut driver = Driver::open();
    for _ in 0..8 {
        driver.closed();
        driver.advance(1_000);
    }
    driver.closed();
    driver.client.page_hidden(true);
    driver.forget();
    driver.client.page_shown(driver.now);
    driver.pump();
    assert_eq!(driver.told(), ["connect 10"]);
    driver.closed();
    driver.advance(10);
    assert_eq!(
        driver.told(),
        ["closed", "connect 11"],
        "the delays begin anew"
    );
}

#[test]
fn showing_a_page_twice_keeps_the_connection_that_is_being_made() {
    let mut driver = Driver::open();
    driver.client.page_hidden(true);
    driver.closed();
    driver.client.page_shown(driver.now);
    driver.client.page_shown(driver.now);
    driver.pump();
    assert_eq!(driver.told(), ["closed", "connect 2"]);
}

#[test]
fn a_connection_that_hangs_while_the_page_is_hidden_is_replaced_when_it_is_shown() {
    let mut driver = Driver::new();
    driver.connect();
    driver.client.page_hidden(true);
    driver.client.page_shown(driver.now);
    driver.pump();
    assert_eq!(driver.told(), ["connect 1", "close 1"]);
    driver.closed();
    assert_eq!(driver.told(), ["closed", "connect 2"]);
}

#[test]
fn showing_a_page_does_not_wait_for_the_delay_after_a_heartbeat_timeout() {
    let mut driver = Driver::open();
    driver.advance(60_000);
    driver.client.page_shown(driver.now);
    driver.forget();
    driver.closed();
    assert_eq!(driver.told(), ["closed", "connect 2"]);
}

#[test]
fn showing_a_page_does_not_connect_what_is_not_wanted() {
    let mut driver = Driver::new();
    driver.client.page_hidden(true);
    driver.client.page_shown(driver.now);
    driver.pump();
    driver.connect();
    driver.disconnect();
    driver.closed();
    driver.forget();
    driver.client.page_shown(driver.now);
    driver.pump();
    assert_eq!(driver.told(), [""; 0]);
}

#[test]
fn a_page_that_is_left_disconnects_and_one_that_returns_connects() {
    let mut driver = Driver::open();
    driver.client.page_left(driver.now);
    driver.pump();
    assert_eq!(driver.told(), ["close 1"]);
    driver.client.page_returned();
    driver.pump();
    assert_eq!(driver.told(), ["connect 2"]);
}

#[test]
fn a_page_that_returns_does_not_undo_what_the_application_did() {
    let mut driver = Driver::open();
    driver.client.page_left(driver.now);
    driver.disconnect();
    driver.forget();
    driver.client.page_returned();
    driver.pump();
    assert_eq!(driver.told(), [""; 0]);

    let mut driver = Driver::new();
    driver.client.page_left(driver.now);
    driver.client.page_returned();
    driver.pump();
    assert_eq!(driver.told(), [""; 0], "there was nothing to disconnect");
}
