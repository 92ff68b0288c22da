use herenow_load::run;
use herenow_load::scenario::Bigroom;

use crate::host::{Host, assert_plausible, options};

fn bigroom(members: usize, sockets: usize) -> Bigroom {
    Bigroom {
        members,
        sockets,
        newcomers: 3,
        event: "track".into(),
    }
}

#[tokio::test]
async fn few_sockets_stand_for_many_members_and_newcomers_are_sent_all_of_them() {
    let host = Host::start_with_crowds().await;
    let sizes = bigroom(2_003, 2);
    let outcome = run(&host.url, &options(), &sizes).await.unwrap().outcome;
    assert_eq!((outcome.members, outcome.sockets), (2_003, 2));
    assert!(outcome.seconds_to_fill > 0.0);
    assert!(outcome.bytes_per_member >= Some(0.0));
    // A member takes its key and a meta with phx_ref at least.
    assert!((2_003 * 40..2_003 * 140).contains(&outcome.list_bytes));
    assert_plausible(&outcome.list_ms, 3);
    assert_plausible(&outcome.seen_ms, 3);
    assert_eq!(host.endpoint.stats().connections_total, 2 + 1 + 3);
}

#[tokio::test]
async fn an_application_that_tracks_only_who_joins_is_found_out() {
    let host = Host::start().await;
    let error = run(&host.url, &options(), &bigroom(10, 2)).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("crashed"), "{error}");
}
