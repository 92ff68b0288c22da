//! The presence handle itself, without a client: who is tracked, and what is broadcast of it.

use std::time::Duration;

use herenow::{
    Broadcast, Channel, ChannelId, Counts, InfoResult, JoinResult, MetaError, Payload, Presence,
    PubSub, Socket, Subscription, TrackError, UpdateError,
};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::client::{Client, Frame};
use crate::host::Host;
use crate::people::People;

const TOPIC: &str = "room:1";

fn presence(pubsub: &PubSub) -> Presence {
    Presence::builder(pubsub).window(Duration::ZERO).start()
}

fn track(presence: &Presence, key: &str) -> ChannelId {
    let channel = ChannelId::next();
    presence.track_as(TOPIC, channel, key, json!({})).unwrap();
    channel
}

async fn next_diff(broadcasts: &mut Subscription) -> Value {
    let Broadcast { event, payload, .. } = broadcasts.recv().await.unwrap();
    assert_eq!(&*event, "presence_diff");
    payload.json().unwrap()
}

fn keys(presences: &Value) -> Vec<&str> {
    presences
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn what_is_tracked_is_listed_by_topic_and_key_with_its_fields_as_they_were_written() {
    let presence = presence(&PubSub::new());
    let text = Payload::from_json_text(r#"{"b":1.0, "a":12345678901234567890123}"#).unwrap();
    let channel = ChannelId::next();
    let phx_ref = presence.track_as(TOPIC, channel, "alice", text).unwrap();
    let meta = format!(r#"{{"phx_ref":"{phx_ref}","b":1.0,"a":12345678901234567890123}}"#);
    assert_eq!(
        format!("{:?}", presence.list(TOPIC).await),
        format!(r#"{{"alice":{{"metas":[{meta}]}}}}"#)
    );
    let entry = presence.get_by_key(TOPIC, "alice").await.unwrap();
    assert_eq!(entry.metas().collect::<Vec<_>>(), [meta]);
    assert!(presence.get_by_key(TOPIC, "bob").await.is_none());
    assert!(presence.list("room:2").await.is_empty());
    assert_eq!(presence.counts(TOPIC), Counts { keys: 1, metas: 1 });
}

#[tokio::test]
async fn every_refusal_says_what_was_wrong_and_changes_nothing() {
    let presence = Presence::builder(&PubSub::new())
        .max_topic_bytes(8)
        .max_key_bytes(5)
        .max_meta_bytes(10)
        .start();
    let channel = track(&presence, "alice");
    let track = |topic, key, meta: Value| presence.track_as(topic, channel, key, meta).unwrap_err();
    assert!(matches!(
        track(TOPIC, "alice", json!({})),
        TrackError::AlreadyTracked { .. }
    ));
    assert_eq!(
        track("room:1234", "bob", json!({})),
        TrackError::TopicTooLong { len: 9, max: 8 }
    );
    assert_eq!(
        track(TOPIC, "barbara", json!({})),
        TrackError::KeyTooLong { len: 7, max: 5 }
    );
    assert_eq!(
        track(TOPIC, "bob", json!([])),
        MetaError::NotAnObject.into()
    );
    let too_long = MetaError::TooLong { len: 13, max: 10 };
    assert_eq!(
        track(TOPIC, "bob", json!({"a": "12345"})),
        too_long.clone().into()
    );
    assert_eq!(
        too_long.to_string(),
        "the presence meta has 13 bytes, 10 are allowed"
    );
    let binary = presence.track_as(TOPIC, channel, "bob", Payload::binary(vec![1]));
    assert_eq!(binary.unwrap_err(), MetaError::NotAnObject.into());

    let update = |key, meta: Value| presence.update_as(TOPIC, channel, key, meta).unwrap_err();
    assert_eq!(update("bob", json!({})), UpdateError::NotTracked);
    assert_eq!(update("alice", json!(null)), MetaError::NotAnObject.into());
    assert_eq!(presence.counts(TOPIC), Counts { keys: 1, metas: 1 });
}

#[tokio::test]
async fn a_check_answers_as_track_would_and_tracks_nothing() {
    let presence = presence(&PubSub::new());
    assert_eq!(presence.check(TOPIC, "alice", json!({})), Ok(()));
    assert_eq!(
        presence.check(TOPIC, "alice", json!(1)),
        Err(MetaError::NotAnObject.into())
    );
    assert_eq!(presence.counts(TOPIC), Counts::default());
}

#[tokio::test]
async fn an_update_is_one_diff_that_joins_the_new_meta_and_leaves_the_old() {
    let pubsub = PubSub::new();
    let presence = presence(&pubsub);
    let mut broadcasts = pubsub.subscribe(TOPIC);
    let channel = track(&presence, "alice");
    let joined = next_diff(&mut broadcasts).await;
    let old = &joined["joins"]["alice"]["metas"][0];
    let new = presence
        .update_as(TOPIC, channel, "alice", json!({"status": "away"}))
        .unwrap();
    let expected = json!({
        "joins": {"alice": {"metas": [
            {"phx_ref": new.as_str(), "phx_ref_prev": old["phx_ref"], "status": "away"}
        ]}},
        "leaves": {"alice": {"metas": [old]}},
    });
    assert_eq!(next_diff(&mut broadcasts).await, expected);
}

#[tokio::test]
async fn an_update_by_function_sees_the_meta_with_its_refs_and_cannot_change_them() {
    let presence = presence(&PubSub::new());
    let channel = ChannelId::next();
    let first = presence
        .track_as(TOPIC, channel, "alice", json!({"count": 1}))
        .unwrap();
    let update = |meta: Value| json!({"count": 2, "saw": meta["phx_ref"], "phx_ref": "forged"});
    let second = presence
        .update_with_as(TOPIC, channel, "alice", update)
        .unwrap();
    let entry = presence
        .get_by_key(TOPIC, "alice")
        .await
        .unwrap()
        .to_value();
    let (first, second) = (first.as_str(), second.as_str());
    let meta = json!({"phx_ref": second, "phx_ref_prev": first, "count": 2, "saw": first});
    assert_eq!(entry, json!({"metas": [meta]}));
    let missing = presence.update_with_as(TOPIC, channel, "bob", |meta| meta);
    assert_eq!(missing, Err(UpdateError::NotTracked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_by_function_from_many_threads_lose_none() {
    let presence = presence(&PubSub::new());
    let channel = ChannelId::next();
    presence
        .track_as(TOPIC, channel, "alice", json!({"count": 0}))
        .unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let presence = presence.clone();
            tokio::task::spawn_blocking(move || {
                for _ in 0..250 {
                    let count = |meta: Value| json!({"count": meta["count"].as_u64().unwrap() + 1});
                    presence
                        .update_with_as(TOPIC, channel, "alice", count)
                        .unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.await.unwrap();
    }
    let entry = presence
        .get_by_key(TOPIC, "alice")
        .await
        .unwrap()
        .to_value();
    assert_eq!(entry["metas"][0]["count"], 1000);
}

#[tokio::test]
async fn untrack_ends_one_presence_and_untrack_all_those_of_every_topic() {
    let pubsub = PubSub::new();
    let presence = presence(&pubsub);
    let mut broadcasts = pubsub.subscribe(TOPIC);
    let channel = track(&presence, "alice");
    presence.track_as(TOPIC, channel, "bob", json!({})).unwrap();
    for topic in 0..10 {
        presence
            .track_as(&format!("room:far:{topic}"), channel, "alice", json!({}))
            .unwrap();
    }
    assert!(presence.untrack_as(TOPIC, channel, "bob"));
    assert!(!presence.untrack_as(TOPIC, channel, "bob"));
    assert_eq!(presence.counts(TOPIC), Counts { keys: 1, metas: 1 });
    assert_eq!(presence.untrack_all(channel), 11);
    assert_eq!(presence.untrack_all(channel), 0);
    assert_eq!(presence.stats().presences, 0);
    let mut people = People::default();
    people.apply(&state(&json!({})));
    for left in [false, false, false, true] {
        let diff = next_diff(&mut broadcasts).await;
        people.apply(&frame("presence_diff", diff));
        assert_eq!(!people.is_present("alice"), left);
    }
    assert!(broadcasts.try_recv().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_first_change_is_sent_at_once_and_what_follows_in_the_window_as_one_diff() {
    let pubsub = PubSub::new();
    let presence = Presence::builder(&pubsub)
        .window(Duration::from_secs(3600))
        .start();
    let mut broadcasts = pubsub.subscribe(TOPIC);
    track(&presence, "first");
    let first = broadcasts
        .try_recv()
        .expect("it is sent within the call")
        .payload
        .json()
        .unwrap();
    assert_eq!(keys(&first["joins"]), ["first"]);

    let gone = track(&presence, "gone");
    track(&presence, "second");
    track(&presence, "third");
    presence.untrack_all(gone);
    assert!(broadcasts.try_recv().is_none(), "the window is open");
    let gathered = next_diff(&mut broadcasts).await;
    assert_eq!(keys(&gathered["joins"]), ["second", "third"]);
    assert_eq!(keys(&gathered["leaves"]), Vec::<&str>::new());

    track(&presence, "fourth");
    assert!(broadcasts.try_recv().is_none(), "the next window is open");
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    assert_eq!(keys(&next_diff(&mut broadcasts).await["joins"]), ["fourth"]);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    track(&presence, "fifth");
    assert!(broadcasts.try_recv().is_some(), "the topic was quiet");
    assert_eq!(presence.stats().diffs, 4);
}

#[tokio::test(start_paused = true)]
async fn a_large_topic_gathers_longer_but_no_longer_than_it_may() {
    for (max, gathers) in [(250, 100), (60, 60), (0, 25)] {
        let pubsub = PubSub::new();
        let presence = Presence::builder(&pubsub)
            .max_window(Duration::from_millis(max))
            .start();
        let mut broadcasts = pubsub.subscribe(TOPIC);
        for number in 0..4_000 {
            track(&presence, &number.to_string());
        }
        for joined in [1, 3_999] {
            let diff = next_diff(&mut broadcasts).await;
            assert_eq!(keys(&diff["joins"]).len(), joined);
        }
        let sent = Instant::now();
        track(&presence, "one more");
        assert_eq!(
            keys(&next_diff(&mut broadcasts).await["joins"]),
            ["one more"]
        );
        // By the virtual clock, whose timers are a millisecond fine.
        let waited = sent.elapsed().as_millis();
        assert!(
            (gathers..=gathers + 1).contains(&waited),
            "{waited} ms, not {gathers}"
        );
    }
}

#[tokio::test]
async fn without_a_window_every_change_is_sent_by_itself_within_the_call() {
    let pubsub = PubSub::new();
    let presence = presence(&pubsub);
    let mut broadcasts = pubsub.subscribe(TOPIC);
    for key in ["a", "b", "c"] {
        track(&presence, key);
        let diff = broadcasts.try_recv().unwrap().payload.json().unwrap();
        assert_eq!(keys(&diff["joins"]), [key]);
    }
}

#[tokio::test]
async fn a_topic_without_subscribers_costs_no_diff_and_who_comes_later_gets_the_next() {
    let pubsub = PubSub::new();
    let presence = presence(&pubsub);
    track(&presence, "a");
    assert_eq!(presence.stats().diffs, 0);
    let mut broadcasts = pubsub.subscribe(TOPIC);
    assert_eq!(presence.list(TOPIC).await.len(), 1);
    track(&presence, "b");
    assert_eq!(keys(&next_diff(&mut broadcasts).await["joins"]), ["b"]);
    assert_eq!(presence.stats().diffs, 1);
}

#[tokio::test]
async fn more_changes_than_are_sent_at_once_are_all_sent() {
    let pubsub = PubSub::new();
    let presence = Presence::builder(&pubsub)
        .window(Duration::ZERO)
        .shards(1)
        .start();
    let channel = ChannelId::next();
    let topics: Vec<_> = (0..200).map(|topic| format!("room:{topic}")).collect();
    for topic in &topics {
        presence
            .track_as(topic, channel, "alice", json!({}))
            .unwrap();
    }
    let mut broadcasts: Vec<_> = topics.iter().map(|topic| pubsub.subscribe(topic)).collect();
    presence.untrack_all(channel);
    for broadcasts in &mut broadcasts {
        assert_eq!(keys(&next_diff(broadcasts).await["leaves"]), ["alice"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn diffs_of_a_topic_keep_their_order_when_many_threads_change_it() {
    for window in [Duration::ZERO, Duration::from_millis(1)] {
        let pubsub = PubSub::new();
        let presence = Presence::builder(&pubsub).window(window).start();
        let mut broadcasts = pubsub.subscribe(TOPIC);
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let presence = presence.clone();
                tokio::task::spawn_blocking(move || churn(&presence, thread))
            })
            .collect();
        // The last diff is the one that leaves nobody but those who stay.
        let mut people = People::default();
        people.apply(&state(&json!({})));
        for thread in threads {
            thread.await.unwrap();
        }
        track(&presence, "last");
        while !people.is_present("last") {
            people.apply(&frame("presence_diff", next_diff(&mut broadcasts).await));
        }
        let list = presence.list(TOPIC).await;
        let list: Value = list
            .iter()
            .map(|(key, entry)| (key.to_owned(), entry.to_value()))
            .collect();
        assert_eq!(people, People::of(&list));
        assert_eq!(presence.counts(TOPIC).keys, 5);
    }
}

fn churn(presence: &Presence, thread: usize) {
    for round in 0..60 {
        let channel = track(presence, &format!("{thread}"));
        presence
            .update_as(
                TOPIC,
                channel,
                &format!("{thread}"),
                json!({"round": round}),
            )
            .unwrap();
        if round < 59 {
            presence.untrack_all(channel);
        }
    }
}

#[tokio::test]
async fn its_tasks_end_with_the_last_handle() {
    let presence = presence(&PubSub::new());
    track(&presence, "alice");
    assert!(Handle::current().metrics().num_alive_tasks() > 0);
    drop(presence);
    while Handle::current().metrics().num_alive_tasks() > 0 {
        tokio::task::yield_now().await;
    }
}

/// Tracks its user in its own topic and in `users`.
struct FarChannel(Presence);

impl Channel for FarChannel {
    type Info = ();

    async fn join(&mut self, _: &str, _: Payload, socket: &mut Socket<()>) -> JoinResult {
        self.0.track(socket, "near", json!({}))?;
        self.0.track_in("users", socket, "far", json!({}))?;
        socket.send_info(());
        Ok(Payload::empty())
    }

    async fn handle_info(&mut self, (): (), socket: &mut Socket<()>) -> InfoResult {
        socket.push("presence_state", self.0.list("users").await);
        Ok(())
    }
}

#[tokio::test]
async fn the_end_of_a_channel_ends_its_presences_in_other_topics_too() {
    let host = Host::start(|presence| presence, FarChannel).await;
    let mut client = Client::connect(&host.address, "").await;
    client.join(TOPIC, json!({})).await;
    let state = client.wait_for(TOPIC, "presence_state").await;
    assert_eq!(keys(&state), ["far"]);
    assert_eq!(host.presence.stats().presences, 2);
    client.leave(TOPIC).await;
    assert_eq!(host.presence.stats().presences, 0);
}

fn state(presences: &Value) -> Frame {
    frame("presence_state", presences.clone())
}

fn frame(event: &str, payload: Value) -> Frame {
    let (topic, event) = (TOPIC.to_owned(), event.to_owned());
    Frame {
        join_ref: Value::Null,
        reference: Value::Null,
        topic,
        event,
        payload,
    }
}
