//! What must hold in every life of a cluster.

use crate::machine::Metas;
use crate::network::Weather;
use crate::schedule::{Broken, CHANNELS, LONGEST_DELAY, TOPICS};
use crate::world::World;
use herenow_core::replica::{ChannelId, Footprint, MemberState, NodeFootprint};

/// Long enough for what is on its way to arrive, and then to notice who is silent, to ask again and again,
/// and to wait for windows.
const QUIET_MS: u64 = LONGEST_DELAY + 12_000;

impl World {
    /// Ends all trouble, but for a link that stays broken if there is a way around it. The machines that
    /// do not run stay as they are.
    pub(crate) fn calm_down(&mut self, broken: Broken) {
        self.network.mend();
        let (from, to) = broken.link;
        let has_way_around = self.running().any(|(at, _)| at != from && at != to);
        if has_way_around {
            self.network.cut(from, to);
            if broken.both_ways {
                self.network.cut(to, from);
            }
        }
        self.network.weather = Weather::FAIR;
        for at in 0..self.hosts.len() {
            self.resume(at, true);
        }
        self.run(QUIET_MS);
    }

    /// What the owners of presences hold.
    fn held(&self, topic: &str) -> Metas {
        let own = self
            .running()
            .flat_map(|(_, machine)| machine.own(machine.shard_of(topic)));
        own.filter(|(of, _)| **of == *topic)
            .map(|(_, meta)| meta)
            .collect()
    }

    /// After quiet, every machine lists in the topics that it looks at exactly what the owners hold,
    /// and so does every client.
    pub(crate) fn check_convergence(&mut self) {
        for topic in TOPICS {
            let held = self.held(topic);
            for at in 0..self.hosts.len() {
                let Some(machine) = &mut self.hosts[at].machine else {
                    continue;
                };
                let shard = machine.shard_of(topic);
                if !machine.subscriptions.contains(&shard) {
                    assert_eq!(machine.listed(topic), Metas::new(), "host {at} looks away");
                    continue;
                }
                assert_eq!(machine.listed(topic), held, "host {at} lists {topic}");
                assert_eq!(machine.told(topic), held, "host {at} told of {topic}");
                assert!(
                    machine.node.is_ready(shard),
                    "host {at} is ready for {topic}"
                );
                let list = machine.list(topic);
                let clients = machine
                    .clients
                    .iter()
                    .filter(|client| client.topic == topic);
                for client in clients {
                    assert_eq!(
                        client.client.members().as_ref(),
                        Some(&list),
                        "client at {at}"
                    );
                }
            }
        }
        let running: Vec<_> = self
            .running()
            .map(|(_, machine)| machine.node.replica())
            .collect();
        for (at, machine) in self.running() {
            let up = machine
                .node
                .members()
                .filter(|member| member.state == MemberState::Up);
            let up: Vec<_> = up.map(|member| member.replica).collect();
            let mut others = running.clone();
            others.retain(|other| *other != machine.node.replica());
            assert_eq!(
                up.iter().collect::<Vec<_>>(),
                others,
                "host {at} sees these up"
            );
        }
    }

    /// When everybody has left and long enough has passed, nothing is held any more.
    pub(crate) fn check_memory(&mut self) {
        for at in 0..self.hosts.len() {
            self.with(at, |machine, now| {
                for (topic, channel) in TOPICS
                    .iter()
                    .flat_map(|t| (0..CHANNELS).map(move |c| (t, c)))
                {
                    machine.change(now, topic, |shard| {
                        shard.untrack_all(now, ChannelId(channel));
                    });
                }
                machine.clients.clear();
                machine.unwant(now);
            });
        }
        self.run(2 * self.config.permdown_after_ms + QUIET_MS);
        let running = self.running().count();
        for (at, machine) in self.running() {
            for shard in &machine.shards {
                assert_eq!(shard.footprint(), Footprint::default(), "host {at}");
            }
            let expected = NodeFootprint {
                members: running - 1,
                ..NodeFootprint::default()
            };
            assert_eq!(machine.node.footprint(), expected, "host {at}");
        }
    }
}
