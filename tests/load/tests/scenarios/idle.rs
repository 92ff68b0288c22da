use herenow_load::run;
use herenow_load::scenario::Idle;

use crate::host::{Host, assert_plausible, options};

const FEW: Idle = Idle {
    clients: 30,
    per_topic: 7,
    topics_each: 1,
    seconds: 0,
    joins: 0,
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

#[tokio::test]
async fn clients_can_be_in_many_topics_and_others_join_beside_them() {
    let host = Host::start().await;
    let many = Idle {
        per_topic: 1,
        topics_each: 4,
        joins: 10,
        ..FEW
    };
    let outcome = run(&host.url, &options(), &many).await.unwrap().outcome;
    assert_eq!((outcome.memberships, outcome.topics), (120, 120));
    assert!(outcome.bytes_per_topic >= Some(0.0));
    assert_plausible(&outcome.seen_ms.unwrap(), 10);
}

#[tokio::test]
async fn fewer_topics_than_each_is_to_join_are_refused() {
    let host = Host::start().await;
    let few = Idle {
        topics_each: 8,
        per_topic: 100,
        ..FEW
    };
    let refused = run(&host.url, &options(), &few).await.unwrap_err();
    assert!(refused.to_string().contains("--topics-each"), "{refused}");
    assert_eq!(host.endpoint.stats().connections_total, 0);
}
