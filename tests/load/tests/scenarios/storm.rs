use herenow_load::run;
use herenow_load::scenario::Storm;

use crate::host::{Host, assert_plausible, json, options};

#[tokio::test]
async fn a_storm_ends_when_the_observer_has_seen_all() {
    let host = Host::start().await;
    let report = run(&host.url, &options(), &Storm { clients: 20 })
        .await
        .unwrap();
    let outcome = &report.outcome;
    assert_eq!((outcome.clients, outcome.seen), (20, 21));
    assert!(outcome.seconds > 0.0);
    assert!(outcome.seconds_until_quiet >= outcome.seconds);
    assert_plausible(&outcome.join_ms, 20);
    // Each has had a reply and a state at least.
    assert!(outcome.measured.messages_received >= 40);
    assert!(outcome.measured.bytes_received > 40 * 30);
    assert_eq!(host.endpoint.stats().connections_total, 21);
}

#[tokio::test]
async fn the_report_is_one_line_of_json_with_what_the_server_used() {
    let host = Host::start().await;
    let report = run(&host.url, &options(), &Storm { clients: 1 }).await;
    let line = json(report.unwrap());
    assert_eq!(line["bench"], "storm");
    assert_eq!(line["url"], host.url);
    assert_eq!(line["clients"], 1);
    assert_eq!(line["join_ms"]["count"], 1);
    assert!(line["server"]["peak_bytes"].as_u64() > Some(1 << 20));
    assert!(line["server"]["cpu_seconds"].as_f64() >= Some(0.0));
}
