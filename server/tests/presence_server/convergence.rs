//! Whatever many clients do at the same time, whoever applies the state and the diffs has the list.

use std::time::Duration;

use herenow::{ChannelId, Counts, Limits};
use serde_json::json;

use crate::client::Client;
use crate::host::Host;
use crate::people::People;

const TOPIC: &str = "room:busy";
const LAST: &str = "the-last-to-join";
const OBSERVERS: usize = 6;
const VISITORS: usize = 12;
const VISITS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_observer_ends_with_the_servers_list_with_windows() {
    observers_agree_with(&Host::rooms(|presence| presence.window(Duration::from_millis(5))).await)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_observer_ends_with_the_servers_list_without_windows() {
    observers_agree_with(&Host::rooms(|presence| presence.window(Duration::ZERO)).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_observer_ends_with_the_servers_list_with_a_fetch_hook() {
    let host = Host::rooms(|presence| {
        presence
            .window(Duration::from_millis(5))
            .fetch(|_, keys| async move {
                tokio::task::yield_now().await;
                let named = keys.into_iter().map(|key| (key, json!({"named": true})));
                Ok(named.collect())
            })
    })
    .await;
    observers_agree_with(&host).await;
}

#[tokio::test]
async fn a_reader_that_was_too_slow_ends_with_the_list_after_fewer_diffs() {
    // However slow this machine is, the reader is not given up.
    let patient = Limits {
        max_queue_bytes: 64 << 10,
        write_timeout: Duration::from_secs(24 * 60 * 60),
        ..Limits::default()
    };
    let host = Host::rooms_within(patient).await;
    let mut slow = Client::connect_narrowly(&host.address, "user_id=observer-0").await;
    slow.join(TOPIC, json!({})).await;
    let mut busy = Client::join_as(&host.address, "busy", TOPIC).await;
    // At 16 KB each, more than the sockets hold together with the server's queue.
    let updates = 1_000;
    let channel = ChannelId::next();
    let text = "x".repeat(8_000);
    host.presence
        .track_as(TOPIC, channel, "large", json!({}))
        .unwrap();
    for update in 0..updates {
        let meta = json!({"update": update, "text": text});
        host.presence
            .update_as(TOPIC, channel, "large", meta)
            .unwrap();
        // The other reader keeps up, which gives the server its turn as well.
        busy.wait_for(TOPIC, "presence_diff").await;
    }
    let _last = Client::join_as(&host.address, LAST, TOPIC).await;

    let (mut people, mut diffs) = (People::default(), 0);
    while !people.is_present(LAST) {
        let frame = slow.next().await;
        diffs += usize::from(frame.event == "presence_diff");
        people.apply(&frame);
    }
    assert!(diffs < updates, "{diffs} diffs");
    assert_eq!(host.endpoint.stats().resyncs, 1);
    assert_eq!(people, servers_list(&host).await);
}

async fn observers_agree_with(host: &Host) {
    let visits: Vec<_> = (0..VISITORS)
        .map(|visitor| tokio::spawn(visit(host.address.clone(), visitor)))
        .collect();
    let observers: Vec<_> = (0..OBSERVERS)
        .map(|number| tokio::spawn(observe(host.address.clone(), number)))
        .collect();
    for visit in visits {
        visit.await.unwrap();
    }
    everybody_but_observers_has_left(host).await;
    let _last = Client::join_as(&host.address, LAST, TOPIC).await;

    let mut believes = Vec::new();
    for observer in observers {
        believes.push(observer.await.unwrap());
    }
    let list = servers_list(host).await;
    for (_connection, people) in &believes {
        assert_eq!(*people, list);
    }
}

async fn servers_list(host: &Host) -> People {
    let list = host.presence.list(TOPIC).await;
    let entries = list
        .iter()
        .map(|(key, entry)| (key.to_owned(), entry.to_value()));
    People::of(&entries.collect())
}

/// Some have hung up without a word, which the server notices when it does.
async fn everybody_but_observers_has_left(host: &Host) {
    let mut broadcasts = host.pubsub.subscribe(TOPIC);
    let only_observers = Counts {
        keys: OBSERVERS,
        metas: OBSERVERS,
    };
    while host.presence.counts(TOPIC) != only_observers {
        broadcasts.recv().await.expect("a change is broadcast");
    }
}

/// Joins in the middle of it all and keeps up, until the last one has joined.
async fn observe(address: String, number: usize) -> (Client, People) {
    let mut client = Client::join_as(&address, &format!("observer-{number}"), TOPIC).await;
    let mut people = People::default();
    people
        .follow(&mut client, TOPIC, |people| people.is_present(LAST))
        .await;
    (client, people)
}

/// Comes, changes its mind, and goes again in one of the ways there are.
async fn visit(address: String, visitor: usize) {
    let user = format!("visitor-{}", visitor % (VISITORS / 2));
    for visit in 0..VISITS {
        let mut client = Client::join_as(&address, &user, TOPIC).await;
        for change in 0..visit % 3 {
            let (status, _) = client.ask(TOPIC, "update", json!({"change": change})).await;
            assert_eq!(status, "ok");
        }
        match (visitor + visit) % 4 {
            0 => client.leave(TOPIC).await,
            1 => {
                client.send(TOPIC, "no such event", json!({})).await;
                client.wait_for(TOPIC, "phx_error").await;
            }
            2 => {
                client.join(TOPIC, json!({"meta": {"again": true}})).await;
                client.close().await;
            }
            _ => drop(client),
        }
    }
}
