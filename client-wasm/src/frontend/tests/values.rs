//! What needs no world: addresses, delays, words.

use std::time::Duration;

use super::super::address::{pairs, protocols, url};
use super::super::backoff::shortened;
use super::super::{AddressError, JoinError, Misfit, Problem, PushError};
use serde_json::json;

#[test]
fn params_are_flattened_as_servers_read_them() {
    let params = json!({"a": {"b": 1, "c": [true, "x"]}, "none": null, "text": "ü&="});
    let expected = [
        ("a[b]", "1"),
        ("a[c][0]", "true"),
        ("a[c][1]", "x"),
        ("text", "ü&="),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(pairs(&params), expected);
    assert_eq!(
        url("https://h/socket", &expected[3..], None).as_deref(),
        Ok("wss://h/socket/websocket?text=%C3%BC%26%3D&vsn=2.0.0")
    );
}

#[test]
fn an_address_keeps_its_own_query_and_a_host_without_scheme_takes_that_of_the_page() {
    let page = super::Location {
        is_secure: false,
        host: "page".into(),
    };
    let address = url("//other/socket?a=1", &[], Some(page));
    assert_eq!(
        address.as_deref(),
        Ok("ws://other/socket/websocket?a=1&vsn=2.0.0")
    );
}

#[test]
fn a_token_travels_beside_the_protocol_that_the_server_chooses() {
    assert_eq!(
        protocols(Some("a?b")),
        ["phoenix", "base64url.bearer.phx.YT9i"]
    );
    assert!(protocols(None).is_empty());
}

#[test]
fn jitter_takes_off_at_most_its_part_of_a_delay() {
    let delay = Duration::from_secs(1);
    assert_eq!(shortened(delay, 0.5, 0.0), 1000);
    assert_eq!(shortened(delay, 0.5, 0.998), 501);
    assert_eq!(shortened(delay, 0.0, 0.999), 1000);
    assert_eq!(
        shortened(delay, 7.0, 0.999),
        1,
        "it is never more than all of it"
    );
}

#[test]
fn errors_can_be_carried_across_threads_as_any_error_of_rust() {
    fn is_an_error<T: std::error::Error + Send + Sync + 'static>() {}
    is_an_error::<JoinError>();
    is_an_error::<PushError>();
    is_an_error::<AddressError>();
    is_an_error::<Misfit>();
    is_an_error::<Problem>();
}
