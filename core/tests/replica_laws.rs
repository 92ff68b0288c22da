//! What clients can rely on, whatever happens on a node and whenever it is polled and read.

#[path = "replica_support/client.rs"]
mod client;
#[allow(dead_code, reason = "each test crate uses a part")]
#[path = "replica_support/shards.rs"]
mod shards;
#[path = "replica_support/steps.rs"]
mod steps;

use client::{Client, Members, members, sorted};
use herenow_core::replica::{Footprint, Shard, TopicDiff};
use proptest::prelude::*;
use shards::{json, ref_of, refs, with_windows};
use std::collections::{BTreeSet, HashMap, HashSet};
use steps::{CHANNELS, KEYS, Step, TOPICS, count_up, steps};

/// A node with its subscribers.
struct World {
    shard: Shard,
    now: u64,
    subscribers: Vec<(&'static str, Client)>,
    /// For each topic the refs that its diffs add up to.
    told: HashMap<&'static str, BTreeSet<String>>,
    /// The ref of every meta that was ever listed, by topic.
    ever_listed: HashSet<(&'static str, String)>,
    diffs: usize,
}

impl World {
    fn new((window_ms, max_window_ms): (u64, u64)) -> Self {
        Self {
            shard: with_windows(window_ms, max_window_ms),
            now: 1_000,
            subscribers: Vec::new(),
            told: TOPICS.map(|topic| (topic, BTreeSet::new())).into(),
            ever_listed: HashSet::new(),
            diffs: 0,
        }
    }

    fn take(&mut self, step: Step) {
        let now = self.now;
        let shard = &mut self.shard;
        match step {
            Step::Track((topic, channel, key), fields) => {
                _ = shard.track(now, topic, channel, key, fields);
            }
            Step::Untrack((topic, channel, key)) => _ = shard.untrack(now, topic, channel, key),
            Step::UntrackAll(channel) => _ = shard.untrack_all(now, channel),
            Step::Update((topic, channel, key), fields) => {
                _ = shard.update(now, topic, channel, key, fields);
            }
            Step::UpdateWith((topic, channel, key)) => {
                _ = shard.update_with(now, topic, channel, key, count_up);
            }
            Step::Subscribe(topic) => self.subscribers.push((topic, Client::default())),
            Step::State(topic) => {
                let mut state = String::new();
                shard.write_state(topic, &mut state);
                self.give_state(topic, &state);
            }
            Step::List(topic) => {
                let mut state = String::new();
                shard.list(topic).write_json(&mut state);
                self.give_state(topic, &state);
            }
            Step::Poll => self.poll(),
            Step::Wait(milliseconds) => self.now += milliseconds,
        }
        self.note_listed();
    }

    /// Gives a state to whoever waits for one; if nobody does, to the first subscriber, as is done
    /// for a slow reader.
    fn give_state(&mut self, topic: &str, state: &str) {
        let state = json(state);
        let of_topic = self.subscribers.iter_mut().filter(|(of, _)| *of == topic);
        let clients = of_topic.map(|(_, client)| client);
        let (waiting, served): (Vec<_>, Vec<_>) =
            clients.partition(|client| client.members().is_none());
        let slow = if waiting.is_empty() { 1 } else { 0 };
        for client in waiting.into_iter().chain(served.into_iter().take(slow)) {
            client.on_state(&state);
        }
    }

    fn poll(&mut self) {
        let due = self.shard.poll_timeout().is_some_and(|at| at <= self.now);
        while let Some(diff) = self.shard.poll_diff(self.now) {
            assert!(due, "poll_timeout did not announce {diff:?}");
            self.deliver(&diff);
        }
        let next = self.shard.poll_timeout();
        assert!(
            next.is_none_or(|next| next > self.now),
            "{next:?} at {}",
            self.now
        );
    }

    fn deliver(&mut self, diff: &TopicDiff) {
        self.diffs += 1;
        let mut text = String::new();
        diff.write_payload(&mut text);
        let payload = json(&text);
        let (topic, told) = self
            .told
            .iter_mut()
            .find(|(topic, _)| ***topic == *diff.topic)
            .unwrap();
        assert!(
            !diff.joins.is_empty() || !diff.leaves.is_empty(),
            "a diff says something"
        );
        for joined in refs(&diff.joins).into_values().flatten() {
            let listed = self.ever_listed.contains(&(topic, joined.clone()));
            assert!(listed, "{joined} was never listed");
            assert!(told.insert(joined.clone()), "{joined} joined twice");
        }
        for left in refs(&diff.leaves).into_values().flatten() {
            assert!(told.remove(&left), "{left} left without having joined");
        }
        for (of, client) in &mut self.subscribers {
            if of == topic {
                client.on_diff(&payload);
            }
        }
    }

    /// Looks at everything without leaving the mark of a list.
    fn note_listed(&mut self) {
        for topic in TOPICS {
            let listed = self.listed(topic).into_iter();
            self.ever_listed
                .extend(listed.map(|listed| (topic, listed)));
        }
    }

    fn listed(&self, topic: &str) -> BTreeSet<String> {
        let metas = KEYS.map(|key| self.shard.get_by_key(topic, key)).concat();
        metas.iter().map(ref_of).collect()
    }

    /// Lets all windows close.
    fn settle(&mut self) {
        while let Some(at) = self.shard.poll_timeout() {
            self.now = self.now.max(at);
            self.poll();
        }
    }

    fn list(&mut self, topic: &str) -> Members {
        let mut text = String::new();
        self.shard.write_state(topic, &mut text);
        sorted(members(&json(&text)))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_client_ends_with_the_list_whatever_the_timing(steps in steps(60), windows in prop::sample::select(&[(0, 0), (0, 60), (25, 25), (25, 60)][..])) {
        let mut world = World::new(windows);
        for step in steps {
            world.take(step);
        }
        world.settle();
        for (topic, client) in std::mem::take(&mut world.subscribers) {
            if let Some(members) = client.members() {
                prop_assert_eq!(members, world.list(topic));
            }
        }
    }

    #[test]
    fn the_diffs_add_up_to_the_list_and_tell_nothing_that_was_never_listed(steps in steps(60)) {
        let mut world = World::new((25, 60));
        for step in steps {
            world.take(step);
            if world.shard.footprint().pending == 0 {
                for topic in TOPICS {
                    prop_assert_eq!(&world.told[topic], &world.listed(topic));
                }
            }
        }
        world.settle();
        prop_assert_eq!(world.shard.footprint().pending, 0);
    }

    #[test]
    fn when_all_have_left_nothing_is_held(steps in steps(60)) {
        let mut world = World::new((25, 60));
        for step in steps {
            world.take(step);
        }
        for channel in CHANNELS {
            world.shard.untrack_all(world.now, channel);
        }
        world.settle();
        prop_assert!(world.told.values().all(BTreeSet::is_empty));
        prop_assert_eq!(world.shard.footprint(), Footprint::default());
    }

    #[test]
    fn a_topic_sends_no_more_diffs_than_windows_fit(steps in steps(200)) {
        let mut world = World::new((25, 60));
        let begin = world.now;
        for step in steps {
            // Only one topic gets members.
            if !matches!(step, Step::Track(("u", ..), _)) {
                world.take(step);
                world.poll();
            }
        }
        let windows = (world.now - begin) / 25 + 1;
        prop_assert!(world.diffs as u64 <= windows, "{} diffs in {} windows", world.diffs, windows);
    }
}
