use super::*;
use crate::replica::wire::{Message, decode};
use crate::replica::{Footprint, Presences, ShardConfig};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const TOPICS: [&str; 2] = ["t", "u"];
const KEYS: [&str; 2] = ["a", "b"];

fn cluster() -> ClusterTag {
    ClusterTag::new("test")
}

fn shard(node: &str) -> Shard {
    let config = ShardConfig {
        max_removals: 3,
        window_ms: 25,
        ..ShardConfig::default()
    };
    Shard::new(ReplicaId::new(node, 1), 0, config)
}

fn parse(messages: &[Vec<u8>]) -> Vec<Changes> {
    let parts = messages
        .iter()
        .map(|message| match decode(cluster(), message) {
            Ok(Message::Changes(changes)) => changes,
            other => panic!("{other:?}"),
        });
    parts.collect()
}

/// All metas of a topic.
fn listed(shard: &Shard, topic: &str) -> BTreeSet<Arc<str>> {
    let metas = KEYS.map(|key| shard.get_by_key(topic, key));
    metas.into_iter().flatten().collect()
}

#[derive(Clone, Debug)]
enum Step {
    Track(usize, usize, u64, u32),
    Untrack(usize, usize, u64),
    /// The owner says what happened since some version.
    Say(prop::sample::Index, usize),
    /// An observer says what it knows.
    Relay(usize, prop::sample::Index),
    /// An observer hears something that was said at some time.
    Hear(usize, prop::sample::Index),
    Show(usize, bool),
    Forget(usize),
    Read(usize, usize),
    Wait(usize, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = (0..TOPICS.len(), 0..KEYS.len(), 0..2_u64);
    let any = any::<prop::sample::Index>;
    let bytes = prop::sample::select(&[0, 60_000][..]);
    let step = prop_oneof![
        6 => (place.clone(), 0..3_u32).prop_map(|((t, k, c), n)| Step::Track(t, k, c, n)),
        3 => place.prop_map(|(t, k, c)| Step::Untrack(t, k, c)),
        4 => (any(), bytes).prop_map(|(since, bytes)| Step::Say(since, bytes)),
        2 => (0..2_usize, any()).prop_map(|(who, since)| Step::Relay(who, since)),
        8 => (0..2_usize, any()).prop_map(|(who, what)| Step::Hear(who, what)),
        2 => (0..2_usize, proptest::bool::ANY).prop_map(|(who, shown)| Step::Show(who, shown)),
        1 => (0..2_usize).prop_map(Step::Forget),
        2 => (0..2_usize, 0..TOPICS.len()).prop_map(|(who, topic)| Step::Read(who, topic)),
        4 => (0..2_usize, 0..30_u64).prop_map(|(who, ms)| Step::Wait(who, ms)),
    ];
    prop::collection::vec(step, 0..80)
}

/// An owner and two that observe it.
struct World {
    owner: Shard,
    observers: Vec<Shard>,
    said: Vec<Vec<Changes>>,
    /// What the owner had at each version.
    facts: BTreeMap<u64, Vec<BTreeSet<Arc<str>>>>,
    told: Vec<BTreeMap<&'static str, BTreeSet<Arc<str>>>>,
    now: u64,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            owner: shard("owner"),
            observers: vec![shard("b"), shard("c")],
            said: Vec::new(),
            facts: BTreeMap::new(),
            told: vec![TOPICS.map(|topic| (topic, BTreeSet::new())).into(); 2],
            now: 0,
        };
        world.note();
        world
    }

    fn note(&mut self) {
        let fact = TOPICS.map(|topic| listed(&self.owner, topic)).to_vec();
        self.facts.insert(self.owner.version(), fact);
    }

    fn take(&mut self, step: Step) {
        let now = self.now;
        match step {
            Step::Track(topic, key, channel, n) => {
                let (topic, key, channel) = (TOPICS[topic], KEYS[key], ChannelId(channel));
                let meta = format!(r#"{{"n":{n}}}"#);
                if self.owner.track(now, topic, channel, key, &meta).is_err() {
                    self.owner.update(now, topic, channel, key, &meta).unwrap();
                }
            }
            Step::Untrack(topic, key, channel) => {
                self.owner
                    .untrack(now, TOPICS[topic], ChannelId(channel), KEYS[key]);
            }
            Step::Say(since, bytes) => {
                let since = since.index(self.owner.version() as usize + 1) as u64;
                let id = self.owner.replica().clone();
                let said = self.owner.changes_since(cluster(), &id, since, bytes);
                self.said.extend(said.map(|messages| parse(&messages)));
            }
            Step::Relay(who, since) => {
                let shard = &self.observers[who];
                let since = since.index(self.owner.version() as usize + 1) as u64;
                let said = shard.changes_since(cluster(), self.owner.replica(), since, 60_000);
                self.said.extend(said.map(|messages| parse(&messages)));
            }
            Step::Hear(who, what) if !self.said.is_empty() => {
                self.hear(who, what.index(self.said.len()));
            }
            Step::Hear(..) => {}
            Step::Show(who, shown) => {
                self.observers[who].set_shown(now, self.owner.replica(), shown);
            }
            Step::Forget(who) => {
                // A replica that may come back is forgotten long after it was hidden.
                self.observers[who].set_shown(now, self.owner.replica(), false);
                self.now += 25;
                self.poll(who);
                self.observers[who].forget(self.now, self.owner.replica());
            }
            Step::Read(who, topic) => drop(self.observers[who].list(TOPICS[topic])),
            Step::Wait(who, ms) => {
                self.now += ms;
                self.poll(who);
            }
        }
        self.note();
        for who in 0..2 {
            self.check(who);
        }
    }

    fn hear(&mut self, who: usize, what: usize) {
        let parts = &self.said[what];
        let header = &parts[0].header;
        let shard = &mut self.observers[who];
        let have = shard.have(&header.replica);
        let led_on = shard.merge(self.now, true, parts);
        assert_eq!(led_on, header.from <= have && have < header.to);
        let expected = if led_on { header.to } else { have };
        assert_eq!(shard.have(&header.replica), expected);
    }

    /// An observer lists what the owner had at the version that the observer has, or nothing if that is
    /// hidden.
    fn check(&self, who: usize) {
        let shard = &self.observers[who];
        let fact = &self.facts[&shard.have(self.owner.replica())];
        let number = shard.replicas.find(self.owner.replica());
        let shown = number.is_none_or(|number| shard.replicas[number].shown);
        for (topic, fact) in TOPICS.iter().zip(fact) {
            let fact = if shown { fact.clone() } else { BTreeSet::new() };
            assert_eq!(listed(shard, topic), fact);
        }
    }

    fn poll(&mut self, who: usize) {
        while let Some(diff) = self.observers[who].poll_diff(self.now) {
            let topic = TOPICS.iter().find(|topic| ***topic == *diff.topic).unwrap();
            let told = self.told[who].get_mut(topic).unwrap();
            let metas = |presences: &Presences| -> Vec<Arc<str>> {
                presences
                    .iter()
                    .flat_map(|(_, metas)| metas.to_vec())
                    .collect()
            };
            told.extend(metas(&diff.joins));
            for left in metas(&diff.leaves) {
                assert!(told.remove(&left), "{left} left without having joined");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn an_observer_lists_what_the_owner_had_at_the_version_it_knows(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        for who in 0..2 {
            for _ in 0..3 {
                world.now += 25;
                world.poll(who);
            }
            for topic in TOPICS {
                let told = &world.told[who][topic];
                prop_assert_eq!(told, &listed(&world.observers[who], topic));
            }
        }
    }

    #[test]
    fn nothing_is_held_when_all_are_gone_or_their_replica_is_forgotten(
        steps in steps(), untrack in any::<bool>(),
    ) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        let owner = world.owner.replica().clone();
        for channel in [0, 1] {
            world.owner.untrack_all(world.now, ChannelId(channel));
        }
        let last = world.owner.changes_since(cluster(), &owner, 0, 60_000);
        for shard in &mut world.observers {
            if untrack && let Some(last) = &last {
                shard.merge(world.now, true, &parse(last));
                let footprint = shard.footprint();
                prop_assert_eq!((footprint.presences, footprint.keys), (0, 0));
            }
            shard.forget(world.now, &owner);
        }
        for shard in world.observers.iter_mut().chain([&mut world.owner]) {
            for wait in 0..4 {
                while shard.poll_diff(world.now + wait * 25).is_some() {}
            }
            prop_assert_eq!(shard.footprint(), Footprint::default());
        }
    }
}

fn since(owner: &Shard, have: u64) -> Vec<Changes> {
    parse(
        &owner
            .changes_since(cluster(), owner.replica(), have, 60_000)
            .unwrap(),
    )
}

#[test]
fn a_received_meta_is_the_very_text_of_its_owner() {
    let (mut owner, mut other) = (shard("owner"), shard("b"));
    for meta in ["{}", r#"{"a":1}"#, r#"{"a":2,"b":[{}]}"#] {
        let tracked = owner.track(5, "t", ChannelId(1), "a", meta).is_ok();
        if !tracked {
            owner.update(6, "t", ChannelId(1), "a", meta).unwrap();
        }
        other.merge(7, true, &since(&owner, 0));
        assert_eq!(other.get_by_key("t", "a"), owner.get_by_key("t", "a"));
    }
    assert!(other.get_by_key("t", "a")[0].contains("phx_ref_prev"));
}

#[test]
fn an_update_keeps_its_key_and_its_place_among_metas() {
    let (mut owner, mut other) = (shard("owner"), shard("b"));
    for (channel, key) in [(1, "a"), (2, "a"), (3, "b")] {
        owner.track(5, "t", ChannelId(channel), key, "{}").unwrap();
    }
    other.merge(7, true, &since(&owner, 0));
    owner
        .update(9, "t", ChannelId(1), "a", r#"{"n":1}"#)
        .unwrap();
    other.merge(10, true, &since(&owner, 3));
    assert_eq!(other.list("t"), owner.list("t"));
}

#[test]
fn what_lags_behind_the_log_is_told_what_is_kept_and_needs_no_metas_again() {
    let (mut owner, mut other) = (shard("owner"), shard("b"));
    for channel in 0..10 {
        owner.track(0, "t", ChannelId(channel), "a", "{}").unwrap();
    }
    other.merge(0, true, &since(&owner, 0));
    for channel in 0..8 {
        owner.untrack(0, "t", ChannelId(channel), "a");
    }
    let changes = since(&owner, 10);
    assert_eq!(changes[0].header.basis, Basis::Kept);
    assert_eq!(
        (&changes[0].ids[..], changes[0].added().count()),
        (&[9, 10][..], 0)
    );
    other.merge(0, true, &changes);
    assert_eq!(other.list("t"), owner.list("t"));
}

#[test]
fn a_shard_with_presences_of_its_own_does_not_forget_others() {
    let (mut owner, mut other) = (shard("owner"), shard("b"));
    owner.track(0, "t", ChannelId(1), "a", "{}").unwrap();
    other.track(0, "t", ChannelId(1), "b", "{}").unwrap();
    other.merge(0, true, &since(&owner, 0));
    assert!(!other.forget_others());
    assert_eq!(other.counts("t").metas, 2);
    other.untrack_all(0, ChannelId(1));
    assert!(other.forget_others());
    assert_eq!(other.footprint(), Footprint::default());
}

#[test]
fn joins_that_are_skipped_are_those_of_others_that_nobody_has_seen() {
    let (mut owner, mut other) = (shard("owner"), shard("b"));
    for key in ["seen", "gone", "new"] {
        owner.track(0, "t", ChannelId(1), key, "{}").unwrap();
    }
    other.track(0, "t", ChannelId(9), "own", "{}").unwrap();
    other.merge(0, true, &since(&owner, 0));
    // Somebody has been given a list of this topic after all, and has to be told what became of it.
    owner.track(0, "u", ChannelId(1), "unseen", "{}").unwrap();
    other.merge(0, true, &since(&owner, 3));
    let _ = other.list("t");
    owner.untrack(1, "t", ChannelId(1), "gone");
    other.merge(1, true, &since(&owner, 4));
    other.skip_joins_of_others();

    let diff = other.poll_diff(1).expect("of the topic that was read");
    let keys = |presences: &Presences| {
        let keys = presences.iter().map(|(key, _)| key.to_string());
        keys.collect::<Vec<_>>()
    };
    assert_eq!(keys(&diff.joins), ["own", "gone"]);
    assert_eq!(keys(&diff.leaves), ["gone"]);
    assert_eq!(other.poll_diff(1), None);
    // From here on all is announced.
    owner.untrack(2, "u", ChannelId(1), "unseen");
    other.merge(30, true, &since(&owner, 5));
    let diff = other.poll_diff(30).expect("of the other topic");
    assert_eq!(keys(&diff.leaves), ["unseen"]);
}
