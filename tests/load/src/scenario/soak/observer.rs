//! Observers: in every topic and on every node one who keeps who is present, and speaks now and then.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::time::Duration;

use herenow_core::client::ChannelId;
use herenow_core::presence::{Change, Presences};
use herenow_core::protocol::events::PRESENCE_DIFF;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Soak;
use super::roll::{Difference, Roll};
use super::world::World;
use crate::error::Error;
use crate::run::Run;
use crate::session::{Opening, Seen, Session};
use crate::watch::Watch;

/// Bytes of text in a message.
const TEXT_BYTES: usize = 32;

/// From one update to the next of an observer in the topic of the slow readers.
const UPDATE_EVERY: Duration = Duration::from_millis(333);

/// A slow reader's receive buffer: what does not fit waits at the server.
const SLOW_BUFFER: u32 = 4096;

/// For how long a slow reader does not read, at most. Its connection must stay alive.
const STALL: Duration = Duration::from_secs(20);

/// For how long it reads then.
const READ: Duration = Duration::from_secs(3);

/// When its node is not there, how long until the next attempt.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// The place of an observer, which sits down there again whenever its connection is lost.
pub(super) struct Seat {
    pub(super) topic: usize,
    pub(super) node: usize,
    user: String,
    slow: bool,
    online: Cell<bool>,
    watch: RefCell<Watch>,
}

impl Seat {
    pub(super) fn all(run: &Run, sizes: &Soak) -> Vec<Self> {
        let mut seats = Vec::new();
        for node in 0..run.nodes() {
            let slow = (0..sizes.slow).map(|_| (sizes.topics - 1, true));
            for (topic, slow) in (0..sizes.topics).map(|topic| (topic, false)).chain(slow) {
                let number = sizes.members + sizes.wave + seats.len();
                seats.push(Self {
                    topic,
                    node,
                    user: run.user(number),
                    slow,
                    online: Cell::new(false),
                    watch: RefCell::new(Watch::new(&run.topic(topic))),
                });
            }
        }
        seats
    }

    /// Whether the observer is there, with a state.
    pub(super) fn is_online(&self) -> bool {
        self.online.get() && self.watch.borrow().presences().is_some()
    }

    /// How what it sees differs from what is true.
    pub(super) fn difference(&self, roll: &Roll) -> Option<Difference> {
        let watch = self.watch.borrow();
        let nothing = Presences::new();
        roll.compare(self.topic, watch.presences().unwrap_or(&nothing))
    }

    pub(super) async fn live(&self, world: &World<'_>) -> Infallible {
        loop {
            let mut session = self.connect(world).await;
            let error = match session.join(&world.run.topic(self.topic)) {
                Ok(channel) => {
                    self.watch.borrow_mut().rejoin();
                    world.roll.come(self.topic, &self.user);
                    self.online.set(true);
                    let error = match self.slow {
                        true => self.read_slowly(world, &mut session).await,
                        false => self.observe(world, &mut session, channel).await,
                    };
                    self.online.set(false);
                    world.roll.go(self.topic, &self.user);
                    error
                }
                Err(error) => error,
            };
            let closed_with = session.closed_with();
            drop(session);
            match self.slow && matches!(error, Error::Connection { .. }) {
                // A server may give up who reads too slowly.
                true => world.tally.count(|counts| counts.given_up += 1),
                false => world.lost(self.node, closed_with, &error).await,
            }
        }
    }

    /// Connects to its node as soon as that is there.
    async fn connect(&self, world: &World<'_>) -> Session {
        loop {
            let opening = Opening {
                buffer: self.slow.then_some(SLOW_BUFFER),
                ..Opening::new(self.node, self.user.clone())
            };
            match world.run.open(opening).await {
                Ok(session) => return session,
                Err(_) => sleep(TRY_AGAIN).await,
            }
        }
    }

    /// Reads all that comes, and says something whenever that is due. Returns when the connection is
    /// lost.
    async fn observe(&self, world: &World<'_>, session: &mut Session, channel: ChannelId) -> Error {
        let speakers = world.sizes.topics * world.run.nodes();
        let interval = match self.is_among_slow(world) {
            true => UPDATE_EVERY,
            false => Duration::from_secs_f64(speakers as f64 / world.sizes.shouts as f64),
        };
        let mut due = Instant::now() + interval.mul_f64(fastrand::f64());
        loop {
            let speaking =
                session.staying_while(world.turn(due, interval), |seen| self.see(world, &seen));
            let was_due = match speaking.await {
                Ok(was_due) => was_due,
                Err(error) => return error,
            };
            let said = match self.is_among_slow(world) {
                true => session.push(channel, "update", meta(world.sizes.meta_bytes)),
                false => session.push(channel, "shout", message(world, was_due)),
            };
            if let Err(error) = said {
                return error;
            }
            world.tally.count(|counts| match self.is_among_slow(world) {
                true => counts.updates += 1,
                false => counts.shouts += 1,
            });
            due = was_due + interval;
        }
    }

    /// Whether it is in the topic of the slow readers. There it makes much to read.
    fn is_among_slow(&self, world: &World<'_>) -> bool {
        self.topic + 1 == world.sizes.topics
    }

    /// Does not read for a while, reads for a while, and so on; while all hold still, it reads.
    async fn read_slowly(&self, world: &World<'_>, session: &mut Session) -> Error {
        loop {
            let stall = STALL.mul_f64(fastrand::f64());
            tokio::select! {
                () = sleep_until(Instant::now() + stall) => {}
                () = world.until_hold_is(true) => {}
            }
            let until = async {
                sleep(READ).await;
                world.until_hold_is(false).await;
            };
            let reading = session.staying_while(until, |seen| self.see(world, &seen));
            if let Err(error) = reading.await {
                return error;
            }
        }
    }

    fn see(&self, world: &World<'_>, seen: &Seen<'_>) -> Result<(), Error> {
        let Seen::Message(message) = seen else {
            return Ok(());
        };
        if message.is("shout") {
            if let Some(due) = message.number("due").filter(|_| !self.slow) {
                let due = Duration::from_micros(u64::try_from(due).unwrap_or(0));
                world
                    .tally
                    .has_heard(world.start.elapsed().saturating_sub(due));
            }
            return Ok(());
        }
        // Whoever is in a state may have come long ago.
        let is_diff = message.is(PRESENCE_DIFF) && !self.slow;
        self.watch.borrow_mut().see(seen, |change| {
            if let Change::Join { member, .. } = change
                && is_diff
            {
                world.has_appeared(&member.key(), self.node);
            }
        })
    }
}

/// A message that says when it was due.
fn message(world: &World<'_>, due: Instant) -> String {
    let microseconds = due.saturating_duration_since(world.start).as_micros();
    let text = "x".repeat(TEXT_BYTES);
    format!(r#"{{"due":{microseconds},"text":"{text}"}}"#)
}

/// A meta of about this size, which is not that of before.
fn meta(bytes: usize) -> String {
    let mood = fastrand::u32(..);
    format!(r#"{{"mood":{mood},"text":"{}"}}"#, "x".repeat(bytes))
}

/// Somebody new looks into a topic on a node, until what is seen is true.
pub(super) async fn look(
    world: &World<'_>,
    topic: usize,
    node: usize,
    user: String,
    within: Duration,
) -> Result<(), String> {
    let opening = Opening::new(node, user.clone());
    let session = world.run.open(opening).await;
    let mut session = session.map_err(|error| error.to_string())?;
    let mut watch = Watch::new(&world.run.topic(topic));
    world.roll.come(topic, &user);
    let looking = async {
        session.join(&world.run.topic(topic))?;
        session
            .until(|seen| {
                watch.see(&seen, |_| ())?;
                let presences = watch.presences();
                let difference = presences.map(|seen| world.roll.compare(topic, seen));
                Ok(matches!(difference, Some(None)).then_some(()))
            })
            .await
    };
    let looked = timeout(within, looking).await;
    world.roll.go(topic, &user);
    match looked {
        Ok(Ok(())) => session.close().await.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => {
            world.roll.come(topic, &user);
            let nothing = Presences::new();
            let difference = world
                .roll
                .compare(topic, watch.presences().unwrap_or(&nothing));
            world.roll.go(topic, &user);
            Err(difference.map_or_else(String::new, |difference| difference.to_string()))
        }
    }
}
