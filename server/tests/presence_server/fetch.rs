//! The fetch hook: what it adds, and what it costs when it fails.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use herenow::{ChannelId, FetchError, Presence, PresenceBuilder, PubSub, Subscription};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

type Added = Result<HashMap<String, Value>, FetchError>;

const TOPIC: &str = "room:1";

struct Hooked {
    pubsub: PubSub,
    presence: Presence,
    broadcasts: Subscription,
}

impl Hooked {
    fn with(build: impl FnOnce(PresenceBuilder) -> PresenceBuilder) -> Self {
        let pubsub = PubSub::new();
        let presence = build(Presence::builder(&pubsub).window(Duration::ZERO)).start();
        let broadcasts = pubsub.subscribe(TOPIC);
        Self {
            pubsub,
            presence,
            broadcasts,
        }
    }

    fn track(&self, topic: &str, key: &str) -> ChannelId {
        let channel = ChannelId::next();
        self.presence
            .track_as(topic, channel, key, json!({"i": 1}))
            .unwrap();
        channel
    }

    /// The next diff of the topic, without refs.
    async fn diff(&mut self) -> Value {
        diff(&mut self.broadcasts).await
    }

    async fn list(&self) -> Value {
        let list = self.presence.list(TOPIC).await;
        without_refs(
            list.iter()
                .map(|(key, entry)| (key.to_owned(), entry.to_value()))
                .collect(),
        )
    }
}

async fn diff(broadcasts: &mut Subscription) -> Value {
    without_refs(broadcasts.recv().await.unwrap().payload.json().unwrap())
}

fn without_refs(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.starts_with("phx_ref"));
            fields
                .values_mut()
                .for_each(|value| *value = without_refs(value.take()));
        }
        Value::Array(elements) => elements
            .iter_mut()
            .for_each(|value| *value = without_refs(value.take())),
        _ => {}
    }
    value
}

fn names(keys: Vec<String>) -> Added {
    Ok(keys
        .into_iter()
        .map(|key| (key.clone(), json!({"user": {"name": key}})))
        .collect())
}

fn plain(key: &str) -> Value {
    json!({key: {"metas": [{"i": 1}]}})
}

fn named(key: &str) -> Value {
    json!({key: {"metas": [{"i": 1}], "user": {"name": key}}})
}

#[tokio::test]
async fn what_it_adds_is_in_joins_leaves_lists_and_entries_alike() {
    let mut hooked = Hooked::with(|presence| presence.fetch(|_, keys| async { names(keys) }));
    let channel = hooked.track(TOPIC, "zed");
    assert_eq!(
        hooked.diff().await,
        json!({"joins": named("zed"), "leaves": {}})
    );
    assert_eq!(hooked.list().await, named("zed"));
    let entry = hooked
        .presence
        .get_by_key(TOPIC, "zed")
        .await
        .unwrap()
        .to_value();
    assert_eq!(without_refs(entry), named("zed")["zed"]);
    hooked.presence.untrack_all(channel);
    assert_eq!(
        hooked.diff().await,
        json!({"joins": {}, "leaves": named("zed")})
    );
}

#[tokio::test]
async fn it_is_asked_once_for_each_batch_with_each_key_once() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&calls);
    let mut hooked = Hooked::with(|presence| {
        presence.fetch(move |topic, keys: Vec<String>| {
            record.lock().unwrap().push((topic, keys.clone()));
            async { names(keys) }
        })
    });
    let channel = hooked.track(TOPIC, "a");
    hooked.diff().await;
    hooked
        .presence
        .update_as(TOPIC, channel, "a", json!({"i": 2}))
        .unwrap();
    hooked.diff().await;
    hooked.track(TOPIC, "a");
    hooked.track(TOPIC, "b");
    hooked.diff().await;
    hooked.diff().await;
    hooked.list().await;
    assert!(hooked.presence.list("room:empty").await.is_empty());
    let call = |keys: &[&str]| {
        (
            TOPIC.to_owned(),
            keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>(),
        )
    };
    let expected = [
        call(&["a"]),
        call(&["a"]),
        call(&["a", "b"]),
        call(&["a", "b"]),
    ];
    assert_eq!(*calls.lock().unwrap(), expected);
}

#[tokio::test]
async fn an_error_or_a_panic_costs_what_it_would_have_added_and_nothing_else() {
    let mut hooked = Hooked::with(|presence| {
        presence.fetch(|_, keys: Vec<String>| async move {
            match keys[0].as_str() {
                "error" => Err("the database is away".into()),
                "panic" => panic!("as it was asked to"),
                _ => names(keys),
            }
        })
    });
    for key in ["error", "panic"] {
        let channel = hooked.track(TOPIC, key);
        assert_eq!(
            hooked.diff().await,
            json!({"joins": plain(key), "leaves": {}})
        );
        assert_eq!(hooked.list().await, plain(key));
        hooked.presence.untrack_all(channel);
        assert_eq!(
            hooked.diff().await,
            json!({"joins": {}, "leaves": plain(key)})
        );
    }
    hooked.track(TOPIC, "zed");
    assert_eq!(
        hooked.diff().await,
        json!({"joins": named("zed"), "leaves": {}})
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_never_answers_is_given_up_after_its_time() {
    let mut hooked = Hooked::with(|presence| {
        presence
            .fetch_timeout(Duration::from_secs(3600))
            .fetch(|_, keys: Vec<String>| async move {
                match keys[0].as_str() {
                    "slow" => pending().await,
                    _ => names(keys),
                }
            })
    });
    hooked.track(TOPIC, "slow");
    hooked.track(TOPIC, "zed");
    assert_eq!(
        hooked.diff().await,
        json!({"joins": plain("slow"), "leaves": {}})
    );
    assert_eq!(
        hooked.diff().await,
        json!({"joins": plain("zed"), "leaves": {}})
    );
}

#[tokio::test]
async fn a_topic_keeps_its_order_behind_a_slow_one_and_others_do_not_wait_for_it() {
    let gate = Arc::new(Semaphore::new(0));
    let hold = Arc::clone(&gate);
    let mut hooked = Hooked::with(|presence| {
        presence.fetch(move |topic, keys| {
            let hold = Arc::clone(&hold);
            async move {
                if topic == TOPIC {
                    hold.acquire().await?.forget();
                }
                names(keys)
            }
        })
    });
    let mut others = hooked.pubsub.subscribe("room:2");
    let channel = hooked.track(TOPIC, "a");
    hooked.track("room:2", "elsewhere");
    hooked.presence.untrack_all(channel);
    hooked.track(TOPIC, "b");
    assert_eq!(
        diff(&mut others).await,
        json!({"joins": named("elsewhere"), "leaves": {}})
    );
    assert!(hooked.broadcasts.try_recv().is_none());
    gate.add_permits(2);
    let expected = [
        (named("a"), json!({})),
        (json!({}), named("a")),
        (named("b"), json!({})),
    ];
    for (joins, leaves) in expected {
        assert_eq!(
            hooked.diff().await,
            json!({"joins": joins, "leaves": leaves})
        );
    }
}
