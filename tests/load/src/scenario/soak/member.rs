//! A client that comes and goes, in every way in which clients do.

use std::convert::Infallible;
use std::time::Duration;

use herenow_core::client::ChannelId;
use tokio::time::{Instant, sleep, timeout};

use super::garbage;
use super::world::World;
use crate::error::Error;
use crate::session::{Opening, Session};

/// How long one thing that a client does may take, with all connecting and waiting.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a client stays away, at most.
const AWAY: Duration = Duration::from_secs(2);

/// From one wave to the next.
const WAVE_EVERY: Duration = Duration::from_secs(20);

/// After garbage, how long the client waits for what the server makes of it.
const AFTER_GARBAGE: Duration = Duration::from_millis(300);

/// When no node accepts connections, how long until the next attempt.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// Of so many members, two are the same user with two connections.
const PAIR_EVERY: usize = 10;

pub(super) struct Member<'a> {
    world: &'a World<'a>,
    number: usize,
    topic: usize,
    /// Whether it comes and goes with others, all at once.
    in_wave: bool,
    /// Each connection is that of a new user, so that nothing can hide behind names that come again.
    connections: usize,
    user: String,
    connected: Option<Connected>,
}

struct Connected {
    session: Session,
    node: usize,
    channel: Option<ChannelId>,
}

impl<'a> Member<'a> {
    pub(super) fn new(world: &'a World<'a>, number: usize) -> Self {
        let in_wave = number >= world.sizes.members;
        Self {
            world,
            number,
            topic: if in_wave {
                0
            } else {
                number / PAIR_EVERY % world.sizes.topics
            },
            in_wave,
            connections: 0,
            user: String::new(),
            connected: None,
        }
    }

    pub(super) async fn live(mut self) -> Infallible {
        let mut due = self.next_due(Instant::now());
        loop {
            match self.rest_until(due).await {
                Ok(was_due) => {
                    let _busy = self.world.busy();
                    match timeout(PATIENCE, self.act(was_due)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => self.lost(error).await,
                        Err(_) => self.unanswered(),
                    }
                    due = self.next_due(was_due);
                }
                Err(error) => {
                    let _busy = self.world.busy();
                    self.lost(error).await;
                    due = self.next_due(Instant::now());
                }
            }
        }
    }

    /// Stays connected until it is time to do something.
    async fn rest_until(&mut self, due: Instant) -> Result<Instant, Error> {
        let spread = if self.in_wave {
            Duration::ZERO
        } else {
            self.interval()
        };
        let turn = self.world.turn(due, spread);
        match &mut self.connected {
            Some(connected) => connected.session.staying(turn).await,
            None => Ok(turn.await),
        }
    }

    /// The mean time between two things that it does.
    fn interval(&self) -> Duration {
        let sizes = self.world.sizes;
        Duration::from_secs_f64(sizes.members as f64 / sizes.actions as f64)
    }

    /// When the next thing is due if this one was due at `last`.
    fn next_due(&self, last: Instant) -> Instant {
        let is_there = self.is_there();
        if self.in_wave && is_there {
            let waves = self.world.start.elapsed().as_secs() / WAVE_EVERY.as_secs();
            let wave = u32::try_from(waves).unwrap_or(u32::MAX).saturating_add(1);
            return self.world.start + WAVE_EVERY * wave;
        }
        if self.in_wave {
            return last + AWAY;
        }
        let mean = match is_there {
            true => self.interval(),
            false => self.interval().min(AWAY / 2),
        };
        // Times between independent events are distributed like this.
        last + mean.mul_f64(-(1.0 - fastrand::f64()).ln()).min(mean * 4)
    }

    fn is_there(&self) -> bool {
        let connected = self.connected.as_ref();
        connected.is_some_and(|connected| connected.channel.is_some())
    }

    /// Whether it is one of two that are the same user.
    fn is_paired(&self) -> bool {
        !self.in_wave && self.number % PAIR_EVERY >= PAIR_EVERY - 2
    }

    async fn act(&mut self, due: Instant) -> Result<(), Error> {
        let Some(connected) = &mut self.connected else {
            self.connect().await;
            return self.join(None).await;
        };
        if connected.channel.is_none() {
            return self.join(Some(due)).await;
        }
        match fastrand::u8(..100) {
            _ if self.in_wave => self.leave(),
            0..50 => self.leave(),
            50..65 => self.update(),
            65..80 => self.close().await,
            80..92 => {
                self.vanish();
                self.world.tally.count(|counts| counts.dropped += 1);
                Ok(())
            }
            _ => {
                self.send_garbage().await;
                Ok(())
            }
        }
    }

    /// Connects to its own node, or to another while that is not there.
    async fn connect(&mut self) {
        self.connections += 1;
        self.user = match self.is_paired() {
            true => self.world.run.user(self.number - self.number % PAIR_EVERY),
            false => format!("{}-{}", self.world.run.user(self.number), self.connections),
        };
        let (nodes, own) = (self.world.run.nodes(), self.world.run.node_of(self.number));
        loop {
            for node in (own..own + nodes).map(|node| node % nodes) {
                let opening = Opening::new(node, self.user.clone());
                if let Ok(session) = self.world.run.open(opening).await {
                    let channel = None;
                    self.connected = Some(Connected {
                        session,
                        node,
                        channel,
                    });
                    return;
                }
            }
            sleep(TRY_AGAIN).await;
        }
    }

    /// Joins; from when it was due, it is to be seen.
    async fn join(&mut self, due: Option<Instant>) -> Result<(), Error> {
        if let Some(due) = due.filter(|_| !self.in_wave && !self.is_paired()) {
            self.world.expect(&self.user, due);
        }
        let Some(connected) = &mut self.connected else {
            return Ok(());
        };
        let topic = self.world.run.topic(self.topic);
        connected.channel = Some(connected.session.enter(&topic).await?);
        self.world.roll.come(self.topic, &self.user);
        self.world.tally.count(|counts| counts.joins += 1);
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Error> {
        self.gone();
        if let Some(connected) = &mut self.connected
            && let Some(channel) = connected.channel.take()
        {
            connected.session.leave(channel)?;
        }
        self.world.tally.count(|counts| counts.leaves += 1);
        Ok(())
    }

    fn update(&mut self) -> Result<(), Error> {
        if let Some(connected) = &mut self.connected
            && let Some(channel) = connected.channel
        {
            let meta = format!(r#"{{"mood":{}}}"#, fastrand::u16(..));
            connected.session.push(channel, "update", meta)?;
        }
        self.world.tally.count(|counts| counts.updates += 1);
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Error> {
        self.world.tally.count(|counts| counts.closed += 1);
        if let Some(connected) = self.vanish()
            && let Err(error) = connected.session.close().await
        {
            self.world.lost(connected.node, None, &error).await;
        }
        Ok(())
    }

    async fn send_garbage(&mut self) {
        self.world.tally.count(|counts| counts.garbage += 1);
        if let Some(mut connected) = self.vanish() {
            connected.session.send_raw(garbage::any());
            // Whatever the server makes of it is right.
            let _ = timeout(AFTER_GARBAGE, connected.session.stay()).await;
        }
    }

    /// Is gone without a word, as a process that is killed.
    fn vanish(&mut self) -> Option<Connected> {
        self.gone();
        self.connected.take()
    }

    fn gone(&self) {
        if self.is_there() {
            self.world.roll.go(self.topic, &self.user);
            self.world.no_longer_expect(&self.user);
        }
    }

    async fn lost(&mut self, error: Error) {
        if let Some(connected) = self.vanish() {
            let closed_with = connected.session.closed_with();
            self.world.lost(connected.node, closed_with, &error).await;
        }
    }

    fn unanswered(&mut self) {
        let there = self.vanish().map_or("no node".into(), |connected| {
            format!("node {}", connected.node)
        });
        let (user, patience) = (&self.user, PATIENCE.as_secs());
        self.world.error(format!(
            "{there}: {user} was not answered within {patience} s"
        ));
    }
}
