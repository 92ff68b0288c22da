use herenow_load::run;
use herenow_load::scenario::Cluster;

use crate::host::{Host, assert_plausible, json, listen, options};

#[tokio::test]
async fn every_join_is_seen_once_on_every_other_node() {
    let host = Host::start().await;
    // To a client, a node is a URL: here all of them lead to the same server.
    let cluster = Cluster {
        nodes: vec![listen(&host.endpoint).await, listen(&host.endpoint).await],
        rate: 200,
        joins: 32,
        topics: 4,
        joiners: 6,
    };
    let report = run(&host.url, &options(), &cluster).await.unwrap();
    assert_eq!((report.outcome.nodes, report.outcome.joins), (3, 32));
    assert_plausible(&report.outcome.seen_ms, 32 * 2);
    assert_eq!(json(report)["bench"], "cluster");
}

#[tokio::test]
async fn further_nodes_on_other_machines_are_refused_too() {
    let host = Host::start().await;
    let cluster = Cluster {
        nodes: vec!["http://192.0.2.1:4000".into()],
        rate: 1,
        joins: 1,
        topics: 1,
        joiners: 1,
    };
    let refused = run(&host.url, &options(), &cluster).await.unwrap_err();
    assert!(refused.to_string().contains("--allow-remote"), "{refused}");
    assert_eq!(host.endpoint.stats().connections_total, 0);
}
