//! Words to write scenarios with.

use crate::machine::{Machine, Metas, metas};
use crate::schedule::{KEYS, TOPICS};
use crate::world::World;
use herenow_core::replica::{ChannelId, MemberState};

/// The topic of most scenarios.
pub(crate) const TOPIC: &str = TOPICS[0];

/// What the subscribers of a topic were told since they were asked last.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) joins: Vec<String>,
    pub(crate) leaves: Vec<String>,
}

impl World {
    /// Machines that all look at the topic and know each other.
    pub(crate) fn watching(hosts: usize) -> Self {
        let mut world = Self::new(hosts, 1);
        (0..hosts).for_each(|at| world.watch(at));
        world.run(1_200);
        world
    }

    pub(crate) fn machine(&mut self, at: usize) -> &mut Machine {
        self.hosts[at].machine.as_mut().expect("it runs")
    }

    pub(crate) fn watch(&mut self, at: usize) {
        self.with(at, |machine, now| machine.subscribe(now, TOPIC));
    }

    /// Somebody comes, under the key `a` and with a channel of that number.
    pub(crate) fn come(&mut self, at: usize, channel: u64, meta: &str) {
        self.with(at, |machine, now| {
            machine.change(now, TOPIC, |shard| {
                let meta = format!(r#"{{"is":"{meta}"}}"#);
                let (channel, key) = (ChannelId(channel), KEYS[0]);
                if shard.track(now, TOPIC, channel, key, &meta).is_err() {
                    shard
                        .update(now, TOPIC, channel, key, &meta)
                        .expect("it is tracked");
                }
            });
        });
    }

    pub(crate) fn go(&mut self, at: usize, channel: u64) {
        self.with(at, |machine, now| {
            machine.change(now, TOPIC, |shard| {
                shard.untrack_all(now, ChannelId(channel));
            });
        });
    }

    /// Whom a machine lists.
    pub(crate) fn seen(&self, at: usize) -> Vec<String> {
        let machine = self.hosts[at].machine.as_ref().expect("it runs");
        names(&machine.listed(TOPIC))
    }

    /// What a machine has announced since the last call.
    pub(crate) fn told(&mut self, at: usize) -> Told {
        let mut told = Told::default();
        for diff in std::mem::take(&mut self.machine(at).diffs) {
            told.joins.extend(names(&metas(&diff.joins)));
            told.leaves.extend(names(&metas(&diff.leaves)));
        }
        told
    }

    /// What state a machine sees the replica of another host in.
    pub(crate) fn state(&self, at: usize, of: usize) -> Option<MemberState> {
        let machine = self.hosts[at].machine.as_ref().expect("it runs");
        let name = &self.hosts[of].name;
        let member = machine
            .node
            .members()
            .find(|member| **member.replica.node() == **name);
        member.map(|member| member.state)
    }

    /// Lets time pass millisecond by millisecond, and looks at the world each time.
    pub(crate) fn watch_for(&mut self, milliseconds: u64, mut look: impl FnMut(&mut Self)) {
        for _ in 0..milliseconds {
            self.run(1);
            look(self);
        }
    }
}

impl Told {
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    pub(crate) fn joins(names: &[&str]) -> Self {
        Self {
            joins: owned(names),
            leaves: Vec::new(),
        }
    }

    pub(crate) fn leaves(names: &[&str]) -> Self {
        Self {
            joins: Vec::new(),
            leaves: owned(names),
        }
    }
}

pub(crate) fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What the field `is` of each meta says, sorted.
fn names(metas: &Metas) -> Vec<String> {
    let name = |meta: &std::sync::Arc<str>| {
        let rest = meta.split(r#""is":""#).nth(1).expect("a name");
        rest.trim_end_matches("\"}").to_owned()
    };
    let mut names: Vec<String> = metas.iter().map(name).collect();
    names.sort();
    names
}
