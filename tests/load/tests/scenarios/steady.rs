use herenow_load::run;
use herenow_load::scenario::Steady;

use crate::host::{Host, assert_plausible, options};

fn steady(joiners: usize) -> Steady {
    Steady {
        rate: 200,
        joins: 31,
        topics: 3,
        members: 4,
        joiners,
    }
}

#[tokio::test]
async fn every_join_is_seen_once_by_a_member_of_its_topic() {
    let host = Host::start().await;
    let outcome = run(&host.url, &options(), &steady(5))
        .await
        .unwrap()
        .outcome;
    assert_eq!((outcome.joins, outcome.topics), (31, 3));
    assert_plausible(&outcome.seen_ms, 31);
    assert_eq!(host.endpoint.stats().connections_total, 3 * 4 + 5);
}

#[tokio::test]
async fn a_join_that_has_to_wait_is_counted_from_when_it_was_due() {
    let host = Host::start().await;
    // The only joiner stays for half a second; the second join is due after a tenth.
    let slow = Steady {
        rate: 10,
        joins: 2,
        topics: 10,
        members: 1,
        joiners: 1,
    };
    let outcome = run(&host.url, &options(), &slow).await.unwrap().outcome;
    assert_plausible(&outcome.seen_ms, 2);
    assert!(outcome.seen_ms.max >= 399.0, "{:?}", outcome.seen_ms);
}

#[tokio::test]
async fn joiners_that_are_too_few_make_joins_wait_but_none_is_lost() {
    let host = Host::start().await;
    let outcome = run(&host.url, &options(), &steady(1))
        .await
        .unwrap()
        .outcome;
    assert_plausible(&outcome.seen_ms, 31);
}
