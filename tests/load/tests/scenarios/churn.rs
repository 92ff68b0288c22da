use herenow_load::run;
use herenow_load::scenario::Churn;

use crate::host::{Host, assert_plausible, options};

#[tokio::test]
async fn everybody_is_back_after_the_churn_and_every_cycle_is_counted() {
    let host = Host::start().await;
    let churn = Churn {
        clients: 7,
        topics: 3,
        seconds: 60,
        cycles: 50,
    };
    let outcome = run(&host.url, &options(), &churn).await.unwrap().outcome;
    assert_eq!((outcome.clients, outcome.topics), (7, 3));
    assert_eq!((outcome.cycles, outcome.seen), (50, 7));
    assert!(outcome.seconds > 0.0);
    let rate = 50.0 / outcome.seconds;
    assert!((outcome.cycles_per_second - rate).abs() < 1e-6 * rate);
    assert_plausible(&outcome.cycle_ms, 50);
    // Each cycle brings a reply and a state.
    assert!(outcome.measured.messages_received >= 100);
}

#[tokio::test]
async fn the_churn_ends_with_its_time() {
    let host = Host::start().await;
    let churn = Churn {
        clients: 2,
        topics: 1,
        seconds: 1,
        cycles: 1 << 24,
    };
    let outcome = run(&host.url, &options(), &churn).await.unwrap().outcome;
    assert!(outcome.seconds >= 1.0 && outcome.cycles > 0);
    assert_eq!(outcome.seen, 2);
}
