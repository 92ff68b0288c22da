//! A shard against a model of it that is too simple to be wrong: vectors, searched from end to end.

#[allow(dead_code, reason = "each test crate uses a part")]
#[path = "replica_support/shards.rs"]
mod shards;
#[path = "replica_support/steps.rs"]
mod steps;

use herenow_core::replica::{ChannelId, Counts, Presences, Shard, TrackError, UpdateError};
use proptest::prelude::*;
use serde_json::Value;
use shards::{json, with_windows};
use std::collections::{BTreeMap, BTreeSet};
use steps::{CHANNELS, FIELDS, Identity, KEYS, Step, TOPICS, count_up, steps};

/// The least and the greatest length of a window.
const WINDOWS: (u64, u64) = (25, 60);

/// A meta: its ref, and the whole of it.
type Meta = (String, Value);

#[derive(Default)]
struct Model {
    /// In the order of tracking.
    presences: Vec<(Identity, Meta)>,
    /// (topic, key) in the order in which the keys appeared.
    keys: Vec<(&'static str, &'static str)>,
    topics: BTreeMap<&'static str, Topic>,
    version: u64,
}

/// What the subscribers of a topic know.
#[derive(Default)]
struct Topic {
    announced: BTreeSet<String>,
    /// What lists have shown since the last diff.
    shown: BTreeSet<String>,
    window_closes: Option<u64>,
}

impl Model {
    fn position(&self, who: &Identity) -> Option<usize> {
        self.presences.iter().position(|(other, _)| other == who)
    }

    fn track(&mut self, who: Identity, meta: Meta) {
        self.version += 1;
        self.presences.push((who, meta));
        let key = (who.0, who.2);
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
    }

    fn untrack(&mut self, at: usize) {
        self.version += 1;
        let ((topic, _, key), _) = self.presences.remove(at);
        if self.metas(topic, key).is_empty() {
            self.keys.retain(|other| *other != (topic, key));
        }
    }

    fn metas(&self, topic: &str, key: &str) -> Vec<Meta> {
        let same = |(who, _): &&(Identity, Meta)| who.0 == topic && who.2 == key;
        let metas = self.presences.iter().filter(same);
        metas.map(|(_, meta)| meta.clone()).collect()
    }

    fn list(&self, topic: &str) -> Vec<(String, Vec<Value>)> {
        let keys = self.keys.iter().filter(|(other, _)| *other == topic);
        let values = |key| {
            self.metas(topic, key)
                .into_iter()
                .map(|(_, value)| value)
                .collect()
        };
        keys.map(|(_, key)| ((*key).to_owned(), values(key)))
            .collect()
    }

    fn refs(&self, topic: &str) -> BTreeSet<String> {
        let of_topic = self.presences.iter().filter(|(who, _)| who.0 == topic);
        of_topic.map(|(_, meta)| meta.0.clone()).collect()
    }

    /// What a poll must send: (topic, joins, leaves).
    fn poll(&mut self, now: u64) -> BTreeSet<(String, BTreeSet<String>, BTreeSet<String>)> {
        let mut diffs = BTreeSet::new();
        for name in TOPICS {
            let listed = self.refs(name);
            let topic = self.topics.entry(name).or_default();
            if topic.window_closes.is_some_and(|closes| closes > now) {
                continue;
            }
            let ended = &(&topic.shown - &topic.announced) - &listed;
            let joins = &(&listed - &topic.announced) | &ended;
            let leaves = &(&topic.announced - &listed) | &ended;
            let says_something = !joins.is_empty() || !leaves.is_empty();
            let window = (listed.len() as u64 * 10).clamp(WINDOWS.0, WINDOWS.1);
            topic.window_closes = says_something.then_some(now + window);
            topic.shown.clear();
            topic.announced = listed;
            if says_something {
                diffs.insert((name.to_owned(), joins, leaves));
            }
        }
        diffs
    }
}

struct Pair {
    shard: Shard,
    model: Model,
    now: u64,
}

impl Pair {
    fn take(&mut self, step: Step) {
        match step {
            Step::Track(who, fields) => self.track(who, fields),
            Step::Untrack(who) => self.untrack(who),
            Step::UntrackAll(channel) => self.untrack_all(channel),
            Step::Update(who, fields) => {
                let (topic, channel, key) = who;
                let updated = self.shard.update(self.now, topic, channel, key, fields);
                self.update(who, updated.map(|phx_ref| phx_ref.to_string()), |_| {
                    json(fields)
                });
            }
            Step::UpdateWith(who) => {
                let (topic, channel, key) = who;
                let updated = self
                    .shard
                    .update_with(self.now, topic, channel, key, count_up);
                self.update(who, updated.map(|phx_ref| phx_ref.to_string()), |old| {
                    json(&count_up(&old.to_string()))
                });
            }
            Step::Subscribe(topic) | Step::State(topic) | Step::List(topic) => self.read(topic),
            Step::Poll => self.poll(),
            Step::Wait(milliseconds) => self.now += milliseconds,
        }
    }

    fn track(&mut self, who: Identity, fields: &str) {
        let (topic, channel, key) = who;
        let tracked = self.shard.track(self.now, topic, channel, key, fields);
        match self.model.position(&who) {
            Some(at) => match tracked {
                Err(TrackError::AlreadyTracked { phx_ref }) => {
                    assert_eq!(phx_ref.as_str(), self.model.presences[at].1.0);
                }
                other => panic!("{who:?} is tracked already: {other:?}"),
            },
            None => {
                let phx_ref = tracked.unwrap().to_string();
                let mut meta = json(fields);
                meta["phx_ref"] = phx_ref.as_str().into();
                self.model.track(who, (phx_ref, meta));
            }
        }
    }

    fn untrack(&mut self, who: Identity) {
        let (topic, channel, key) = who;
        let at = self.model.position(&who);
        assert_eq!(
            self.shard.untrack(self.now, topic, channel, key),
            at.is_some()
        );
        if let Some(at) = at {
            self.model.untrack(at);
        }
    }

    fn untrack_all(&mut self, channel: ChannelId) {
        let mut ended = 0;
        while let Some(at) = self
            .model
            .presences
            .iter()
            .position(|(who, _)| who.1 == channel)
        {
            self.model.untrack(at);
            ended += 1;
        }
        assert_eq!(self.shard.untrack_all(self.now, channel), ended);
    }

    fn update(
        &mut self,
        who: Identity,
        updated: Result<String, UpdateError>,
        new: impl FnOnce(&Value) -> Value,
    ) {
        let Some(at) = self.model.position(&who) else {
            assert_eq!(updated, Err(UpdateError::NotTracked));
            return;
        };
        let phx_ref = updated.unwrap();
        let (old_ref, old) = &mut self.model.presences[at].1;
        let mut meta = new(old);
        meta["phx_ref"] = old["phx_ref"].clone();
        if let Some(previous) = old.get("phx_ref_prev") {
            meta["phx_ref_prev"] = previous.clone();
        }
        if meta == *old {
            assert_eq!(
                phx_ref, *old_ref,
                "an update that says the same keeps the ref"
            );
            return;
        }
        meta["phx_ref"] = phx_ref.as_str().into();
        meta["phx_ref_prev"] = old_ref.as_str().into();
        (*old_ref, *old) = (phx_ref, meta);
        self.model.version += 1;
    }

    fn read(&mut self, topic: &'static str) {
        let list = self.shard.list(topic);
        let metas = |metas: &[_]| {
            metas
                .iter()
                .map(|meta: &std::sync::Arc<str>| json(meta))
                .collect()
        };
        let list: Vec<(String, Vec<Value>)> = list
            .iter()
            .map(|(key, of_key)| (key.to_string(), metas(of_key)))
            .collect();
        assert_eq!(list, self.model.list(topic));
        let shown = self.model.refs(topic);
        self.model
            .topics
            .entry(topic)
            .or_default()
            .shown
            .extend(shown);
    }

    fn poll(&mut self) {
        let sent = shards::poll(&mut self.shard, self.now);
        let refs =
            |presences: &Presences| shards::refs(presences).into_values().flatten().collect();
        let diffs = sent.iter().map(|diff| {
            (
                diff.topic.to_string(),
                refs(&diff.joins),
                refs(&diff.leaves),
            )
        });
        assert_eq!(diffs.collect::<BTreeSet<_>>(), self.model.poll(self.now));
        assert!(sent.len() <= TOPICS.len(), "a topic has one diff at most");
    }

    fn compare(&self) {
        assert_eq!(self.shard.version(), self.model.version);
        assert_eq!(self.shard.footprint().presences, self.model.presences.len());
        for topic in TOPICS {
            let list = self.model.list(topic);
            let metas = list.iter().map(|(_, metas)| metas.len()).sum();
            assert_eq!(
                self.shard.counts(topic),
                Counts {
                    keys: list.len(),
                    metas
                }
            );
            for key in KEYS {
                let metas = self.shard.get_by_key(topic, key);
                let metas: Vec<Value> = metas.iter().map(|meta| json(meta)).collect();
                let expected: Vec<Value> = self
                    .model
                    .metas(topic, key)
                    .into_iter()
                    .map(|(_, meta)| meta)
                    .collect();
                assert_eq!(metas, expected);
            }
        }
        for channel in CHANNELS {
            let of_channel = self.shard.get_by_channel(channel);
            let of_channel: Vec<_> = of_channel
                .map(|(topic, key, meta)| (&**topic, &**key, json(meta)))
                .collect();
            let expected = self
                .model
                .presences
                .iter()
                .filter(|(who, _)| who.1 == channel);
            let expected: Vec<_> = expected
                .map(|(who, meta)| (who.0, who.2, meta.1.clone()))
                .collect();
            assert_eq!(of_channel, expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_shard_does_what_its_model_does(steps in steps(80)) {
        let mut pair = Pair { shard: with_windows(WINDOWS.0, WINDOWS.1), model: Model::default(), now: 1_000 };
        for step in steps {
            pair.take(step);
            pair.compare();
        }
        pair.now += WINDOWS.1;
        pair.poll();
        pair.now += WINDOWS.1;
        pair.poll();
        prop_assert_eq!(pair.shard.poll_timeout(), None);
    }
}

#[test]
fn the_fields_of_the_steps_are_written_as_the_shard_writes_them() {
    // Or else the model could take two of them for the same that the shard tells apart.
    for fields in FIELDS {
        assert_eq!(json(fields).to_string(), fields);
    }
}
