//! What a machine has shown of the others so far, and what it must not show any more.

use crate::facts::{Facts, Place};
use crate::machine::Machine;
use crate::schedule::{LONGEST_DELAY, TOPICS};
use herenow_core::replica::{MemberState, NodeConfig, Output, ReplicaId};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Default)]
pub(crate) struct Witness {
    /// How recent what is listed of others is, by its place in their history.
    seen: BTreeMap<Place, usize>,
    /// The latest life of each node that was listed, and when it last was.
    lives: BTreeMap<Arc<str>, (u64, u64)>,
    /// Replicas that have fallen silent, and since when they are heard of again.
    silent: BTreeMap<ReplicaId, Option<u64>>,
    /// When replicas were forgotten that had said goodbye.
    buried: BTreeMap<ReplicaId, u64>,
    /// How many of the machine's events were looked at.
    events: usize,
}

/// The time in the world, and that of a machine's clock.
#[derive(Clone, Copy)]
pub(crate) struct Now {
    pub(crate) world: u64,
    pub(crate) local: u64,
}

impl Witness {
    /// Looks at a machine after each of its steps.
    pub(crate) fn look(&mut self, now: Now, facts: &Facts, machine: &Machine, config: &NodeConfig) {
        self.look_at_events(now, facts, machine, config);
        self.look_at_lists(now, facts, machine, config);
    }

    /// Of each replica what it had at some time is listed, all of it or nothing, and never less recent
    /// than before, unless it was forgotten. As long as a later life is remembered, nothing of an earlier one is; and nothing of
    /// one that said goodbye, as long as that is.
    fn look_at_lists(&mut self, now: Now, facts: &Facts, machine: &Machine, config: &NodeConfig) {
        let is_recent = |at: u64| now.local - at < config.permdown_after_ms;
        for topic in TOPICS {
            // Of a shard that nobody has looked at for long all is forgotten. What is asked for anew may come from a
            // third machine, which knows less.
            if !machine.subscriptions.contains(&machine.shard_of(topic)) {
                self.seen.retain(|(_, of), _| *of != topic);
            }
            for (replica, metas) in facts.listed(machine, topic) {
                let place = (replica.clone(), topic);
                let last = self.seen.entry(place.clone()).or_default();
                *last = facts.find(&place, *last, &metas);

                let life = replica.incarnation();
                let lives = self.lives.entry(Arc::clone(replica.node()));
                let (latest, at) = lives.or_insert((life, now.local));
                assert!(life >= *latest || !is_recent(*at), "{replica} is over");
                (*latest, *at) = (life, now.local);
                let buried = self.buried.get(replica);
                assert!(
                    !buried.is_some_and(|at| is_recent(*at)),
                    "{replica} has left"
                );
            }
        }
    }

    fn look_at_events(&mut self, now: Now, facts: &Facts, machine: &Machine, config: &NodeConfig) {
        for event in machine.events.iter().skip(self.events) {
            match event {
                Output::Down(replica) => _ = self.silent.insert(replica.clone(), None),
                Output::Up(replica) => {
                    if let Some(heard) = self.silent.remove(replica) {
                        check_return(heard.unwrap_or(now.world), facts, machine, config, replica);
                    }
                }
                Output::Forgotten(replica) => {
                    // Should it return after all, it is new.
                    self.seen.retain(|(of, _), _| of != replica);
                    let was_silent = self.silent.remove(replica).is_some();
                    if facts.gone.contains(replica) && !was_silent {
                        self.buried.insert(replica.clone(), now.local);
                    }
                }
                _ => {}
            }
        }
        self.events = machine.events.len();
        for member in machine.node.members() {
            if member.state == MemberState::Returning
                && let Some(heard) = self.silent.get_mut(&member.replica)
            {
                heard.get_or_insert(now.world);
            }
        }
    }
}

/// When a replica is back that was silent, what is listed of it is no older than the heartbeat by which it
/// was heard of again: nobody flickers up who had left before.
fn check_return(
    heard: u64,
    facts: &Facts,
    machine: &Machine,
    config: &NodeConfig,
    replica: &ReplicaId,
) {
    if facts.has_hung {
        return;
    }
    // A greeting says what the last heartbeat did. It may have come through a third machine, which passes
    // it on as long as it is a sign of life.
    let oldest = config.heartbeat_ms + config.down_after_ms + 2 * (LONGEST_DELAY + 1);
    for topic in TOPICS {
        if machine.subscriptions.contains(&machine.shard_of(topic)) {
            let mut listed = facts.listed(machine, topic);
            let metas = listed.remove(replica).unwrap_or_default();
            let place = (replica.clone(), topic);
            assert!(
                facts.had_since(&place, heard.saturating_sub(oldest), &metas),
                "{replica} returns with {metas:?}, which is out of date"
            );
        }
    }
}
