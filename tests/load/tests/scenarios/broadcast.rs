use herenow_load::run;
use herenow_load::scenario::Broadcast;

use crate::host::{Host, assert_plausible, options};

fn broadcast(subscribers: usize, in_flight: usize, messages: usize) -> Broadcast {
    Broadcast {
        subscribers,
        in_flight,
        messages,
        event: "shout".into(),
        bytes: 10,
    }
}

#[tokio::test]
async fn every_message_is_delivered_to_every_member_once() {
    let host = Host::start().await;
    let sizes = broadcast(9, 4, 41);
    let outcome = run(&host.url, &options(), &sizes).await.unwrap().outcome;
    assert_eq!(outcome.deliveries, 9 * 41);
    // On a busy machine, a diff of the last join may come among them.
    assert!(outcome.measured.messages_received >= 9 * 41);
    assert!(outcome.measured.bytes_received >= 9 * 41 * 40);
    assert!(outcome.seconds > 0.0 && outcome.deliveries_per_second > 0.0);
    assert_plausible(&outcome.until_all_ms, 41);
}

#[tokio::test]
async fn somebody_alone_hears_itself() {
    let host = Host::start().await;
    let sizes = broadcast(1, 1, 3);
    let outcome = run(&host.url, &options(), &sizes).await.unwrap().outcome;
    assert_eq!(outcome.deliveries, 3);
}

#[tokio::test]
async fn an_event_that_the_application_does_not_know_ends_the_run() {
    let host = Host::start().await;
    let sizes = Broadcast {
        event: "whisper".into(),
        ..broadcast(2, 1, 3)
    };
    let error = run(&host.url, &options(), &sizes).await.unwrap_err();
    assert!(error.to_string().contains("crashed"), "{error}");
}
