//! Random lives of a cluster.

use crate::network::Weather;
use crate::world::World;
use herenow_core::replica::ChannelId;
use proptest::prelude::*;

/// The first two are in the same shard of two, the third in the other.
pub(crate) const TOPICS: [&str; 3] = ["t", "v", "u"];
pub(crate) const KEYS: [&str; 2] = ["a", "b"];
pub(crate) const CHANNELS: u64 = 3;

/// How long a message is on its way, at the most, in milliseconds: longer than it takes to fall silent.
pub(crate) const LONGEST_DELAY: u64 = 5_000;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Tracks, or updates what is tracked already.
    Track(usize, Who, u32),
    Untrack(usize, Who),
    EndChannel(usize, u64),
    /// Many changes at once.
    Burst(usize, Who, u32),
    Subscribe(usize, usize),
    /// The subscriber that came first goes.
    Unsubscribe(usize),
    /// A slow reader is given the state once more.
    Read(usize, usize),
    Wait(u64),
    Cut(usize, usize),
    CutBoth(usize, usize),
    Isolate(usize),
    Mend,
    Crash(usize),
    Stop(usize),
    Start(usize),
    /// Starts with a clock that was set back.
    StartBack(usize),
    Stick(usize),
    Resume(usize, bool),
    Jump(usize, u64),
    Weather(Weather),
    /// The bus reports that a link is gone, true or not, or there again.
    Hint(usize, usize, bool),
}

/// Topic, channel and key, by their numbers.
pub(crate) type Who = (usize, u64, usize);

#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) hosts: usize,
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
    pub(crate) broken: Broken,
}

/// A link between two hosts that stays broken when all other trouble has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Broken {
    pub(crate) link: (usize, usize),
    pub(crate) both_ways: bool,
}

pub(crate) fn schedules() -> impl Strategy<Value = Schedule> {
    let hosts = prop_oneof![2 => Just(2_usize), 5 => Just(3), 1 => Just(4)];
    let steps = prop::collection::vec(step(), 1..40);
    let broken = (0..4_usize, 0..4_usize, any::<bool>());
    let broken = broken.prop_map(|(from, to, both_ways)| Broken {
        link: (from, to),
        both_ways,
    });
    (hosts, any::<u64>(), steps, broken).prop_map(|(hosts, seed, steps, broken)| Schedule {
        hosts,
        seed,
        steps,
        broken,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let host = || 0..4_usize;
    let who = || (0..TOPICS.len(), 0..CHANNELS, 0..KEYS.len());
    let wait = prop_oneof![0..30_u64, 0..600_u64, 0..5_000_u64, Just(21_000)];
    let weather = (
        0..40_u64,
        0..30_u64,
        prop_oneof![Just(1), 0..300_u64, 0..2_000_u64, 0..LONGEST_DELAY],
    );
    prop_oneof![
        12 => (host(), who(), 0..4_u32).prop_map(|(at, who, n)| Step::Track(at, who, n)),
        6 => (host(), who()).prop_map(|(at, who)| Step::Untrack(at, who)),
        2 => (host(), 0..CHANNELS).prop_map(|(at, channel)| Step::EndChannel(at, channel)),
        2 => (host(), who(), 1..12_u32).prop_map(|(at, who, n)| Step::Burst(at, who, n)),
        5 => (host(), 0..TOPICS.len()).prop_map(|(at, topic)| Step::Subscribe(at, topic)),
        1 => host().prop_map(Step::Unsubscribe),
        2 => (host(), 0..TOPICS.len()).prop_map(|(at, topic)| Step::Read(at, topic)),
        16 => wait.prop_map(Step::Wait),
        3 => (host(), host()).prop_map(|(from, to)| Step::Cut(from, to)),
        2 => (host(), host()).prop_map(|(one, other)| Step::CutBoth(one, other)),
        1 => host().prop_map(Step::Isolate),
        3 => Just(Step::Mend),
        1 => host().prop_map(Step::Crash),
        1 => host().prop_map(Step::Stop),
        3 => host().prop_map(Step::Start),
        1 => host().prop_map(Step::StartBack),
        1 => host().prop_map(Step::Stick),
        2 => (host(), any::<bool>()).prop_map(|(at, first)| Step::Resume(at, first)),
        1 => (host(), 1..40_000_u64).prop_map(|(at, by)| Step::Jump(at, by)),
        3 => weather.prop_map(|(loss, doubled, delay)| Step::Weather(Weather {
            loss,
            doubled,
            delay,
        })),
        1 => (host(), host(), any::<bool>()).prop_map(|(at, of, up)| Step::Hint(at, of, up)),
    ]
}

impl World {
    pub(crate) fn take(&mut self, step: &Step) {
        let hosts = self.hosts.len();
        match *step {
            Step::Track(at, who, n) => self.track(at % hosts, who, n),
            Step::Burst(at, who, n) => (0..n).for_each(|n| self.track(at % hosts, who, n)),
            Step::Untrack(at, (topic, channel, key)) => {
                self.with(at % hosts, |machine, now| {
                    machine.change(now, TOPICS[topic], |shard| {
                        shard.untrack(now, TOPICS[topic], ChannelId(channel), KEYS[key]);
                    });
                    machine.unwant(now);
                });
            }
            Step::EndChannel(at, channel) => self.with(at % hosts, |machine, now| {
                for topic in TOPICS {
                    machine.change(now, topic, |shard| {
                        shard.untrack_all(now, ChannelId(channel));
                    });
                }
                machine.unwant(now);
            }),
            Step::Subscribe(at, topic) => self.with(at % hosts, |machine, now| {
                machine.subscribe(now, TOPICS[topic]);
            }),
            Step::Unsubscribe(at) => self.with(at % hosts, |machine, now| {
                if !machine.clients.is_empty() {
                    machine.clients.remove(0);
                    machine.unwant(now);
                }
            }),
            Step::Read(at, topic) => self.with(at % hosts, |machine, _| {
                machine.refresh(TOPICS[topic]);
            }),
            Step::Wait(milliseconds) => self.run(milliseconds),
            Step::Cut(from, to) => self.network.cut(from % hosts, to % hosts),
            Step::CutBoth(one, other) => {
                self.network.cut(one % hosts, other % hosts);
                self.network.cut(other % hosts, one % hosts);
            }
            Step::Isolate(at) => self.isolate(at % hosts),
            Step::Mend => self.network.mend(),
            Step::Crash(at) => self.crash(at % hosts),
            Step::Stop(at) => self.stop(at % hosts),
            Step::Start(at) => self.start(at % hosts),
            Step::StartBack(at) => self.start_back(at % hosts),
            Step::Stick(at) => self.stick(at % hosts),
            Step::Resume(at, timers_first) => self.resume(at % hosts, timers_first),
            Step::Jump(at, by) => self.jump(at % hosts, by),
            Step::Weather(weather) => self.network.weather = weather,
            Step::Hint(at, of, up) => self.hint(at % hosts, of % hosts, up),
        }
    }

    pub(crate) fn track(&mut self, at: usize, (topic, channel, key): Who, n: u32) {
        let (topic, channel, key) = (TOPICS[topic], ChannelId(channel), KEYS[key]);
        let meta = format!(r#"{{"n":{n}}}"#);
        self.with(at, |machine, now| {
            machine.change(now, topic, |shard| {
                if shard.track(now, topic, channel, key, &meta).is_err() {
                    shard
                        .update(now, topic, channel, key, &meta)
                        .expect("it is tracked");
                }
            });
        });
    }

    fn hint(&mut self, at: usize, of: usize, up: bool) {
        let Some(of) = &self.hosts[of].machine else {
            return;
        };
        let of = of.node.replica().clone();
        self.with(at, |machine, now| match up {
            true => machine.node.link_up(now, &of),
            false => machine.node.link_lost(now, &of),
        });
    }
}
