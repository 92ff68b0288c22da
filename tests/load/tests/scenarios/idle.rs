use herenow_load::run;
use herenow_load::scenario::Idle;

use crate::host::{Host, options};

const FEW: Idle = Idle {
    clients: 30,
    per_topic: 7,
    seconds: 0,
};

#[tokio::test]
async fn idle_clients_are_all_there_and_cost_memory() {
    let host = Host::start().await;
    let outcome = run(&host.url, &options(), &FEW).await.unwrap().outcome;
    assert_eq!((outcome.clients, outcome.topics), (30, 5));
    assert_eq!(host.endpoint.stats().connections_total, 30);
    assert!(outcome.seconds_to_join > 0.0);
    assert!(outcome.bytes_per_client >= Some(0.0));
    let server = outcome.measured.server.unwrap();
    assert!(server.peak_bytes >= server.resident_after_bytes);
}

#[tokio::test]
async fn without_the_servers_process_nothing_is_said_about_its_memory() {
    let host = Host::start().await;
    let options = herenow_load::Options::default();
    let report = run(&host.url, &options, &FEW).await.unwrap();
    let line = crate::host::json(report);
    assert_eq!(line["clients"], 30);
    assert_eq!(line.get("bytes_per_client"), None);
    assert_eq!(line.get("server"), None);
}
