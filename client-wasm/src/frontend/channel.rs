//! A topic that is joined, or will be.

use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;

use herenow_core::client::{self, CannotJoin, ChannelId, ChannelState};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{Join, JoinError, Push, PushError};
use super::driver::{Driver, Ears};
use super::{Payload, Problem, Socket, Stream, Subscription};

/// A topic that is joined, or will be: [`Socket::channel`] makes these.
///
/// A clone is the same channel. It is left when the last clone, and the last
/// [`Presence`](super::Presence) of it, is gone.
#[derive(Clone)]
pub struct Channel(Rc<Membership>);

/// What all clones share. Dropping it leaves the channel.
struct Membership {
    driver: Rc<Driver>,
    id: ChannelId,
    ears: Rc<Ears>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.driver.drop_channel(self.id);
    }
}

impl Channel {
    pub(super) fn new(driver: &Rc<Driver>, topic: &str, params: String) -> Self {
        let (id, ears) = driver.add_channel(topic, params);
        Self(Rc::new(Membership {
            driver: driver.clone(),
            id,
            ears,
        }))
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.0.ears.topic
    }

    /// The socket that the channel is on.
    pub fn socket(&self) -> Socket {
        Socket(self.0.driver.clone())
    }

    /// Where the channel stands.
    pub fn state(&self) -> ChannelState {
        self.0.driver.read(|client| client.channel_state(self.0.id))
    }

    /// Calls back when the channel has joined, failed, lost its connection or ended, with its state then.
    pub fn on_state(&self, mut callback: impl FnMut(ChannelState) + 'static) -> Subscription {
        self.0.ears.states.subscribe(move |state| callback(*state))
    }

    /// The states that [`on_state`](Self::on_state) tells, as a stream.
    pub fn states(&self) -> Stream<ChannelState> {
        self.0.ears.states.stream(|state| Some(*state))
    }

    /// Joins, as soon as there is a connection, and from then on again by itself whenever that is needed.
    /// The future is the first answer: `channel.join().await?.parse::<Welcome>()?`.
    pub fn join(&self) -> Join {
        // Who waits for the answer is noted before anything is sent.
        let joined = self.0.driver.step(|client, now| {
            client.join(now, self.0.id, None)?;
            Ok(self.0.ears.wait_for_join())
        });
        match joined {
            Ok(answer) => Join::waiting(answer),
            Err(CannotJoin::AlreadyJoined) => Join::failed(JoinError::AlreadyJoined),
            Err(CannotJoin::Ended) => Join::failed(JoinError::Ended),
        }
    }

    /// What goes out with the joins from now on, those after a lost connection among them.
    ///
    /// # Errors
    ///
    /// If the params cannot be written as JSON.
    pub fn set_params(&self, params: &(impl Serialize + ?Sized)) -> Result<(), serde_json::Error> {
        let params = serde_json::to_string(params)?;
        self.0
            .driver
            .step(|client, _| client.set_params(self.0.id, params));
        Ok(())
    }

    /// Leaves the channel, for good and at once. Streams of its events end.
    pub fn leave(&self) {
        self.0.driver.step(|client, _| client.leave(self.0.id));
    }

    /// Sends an event, as soon as the channel is joined. The future is the reply, if the server gives one:
    /// `channel.push("ping", &json!({})).await?.parse::<Pong>()?`.
    pub fn push(&self, event: &str, payload: &(impl Serialize + ?Sized)) -> Push {
        match serde_json::to_string(payload) {
            Ok(json) => self.send(event, json.into(), None),
            Err(error) => Push::failed(PushError::Payload(error.to_string())),
        }
    }

    /// [`push`](Self::push) with a timeout of its own for the reply.
    pub fn push_within(
        &self,
        timeout: Duration,
        event: &str,
        payload: &(impl Serialize + ?Sized),
    ) -> Push {
        let timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        match serde_json::to_string(payload) {
            Ok(json) => self.send(event, json.into(), Some(timeout)),
            Err(error) => Push::failed(PushError::Payload(error.to_string())),
        }
    }

    /// Sends bytes, as a binary frame.
    pub fn push_bytes(&self, event: &str, bytes: Vec<u8>) -> Push {
        self.send(event, bytes.into(), None)
    }

    fn send(&self, event: &str, payload: client::Payload, timeout: Option<u64>) -> Push {
        let Membership { driver, id, .. } = &*self.0;
        // Who waits for the reply is noted before anything is sent.
        let pushed = driver.step(|client, now| {
            let push = client.push(now, *id, event.to_owned(), payload, timeout)?;
            Ok(driver.wait_for_push(push))
        });
        match pushed {
            Ok(answer) => Push::waiting(answer),
            Err(client::NotJoined) => Push::failed(PushError::NotJoined),
        }
    }

    /// Calls back with each event of this name that the server sends. A payload that is no `T` goes to
    /// [`on_problem`](super::SocketBuilder::on_problem) instead.
    pub fn on<T: DeserializeOwned + 'static>(
        &self,
        event: &str,
        mut callback: impl FnMut(T) + 'static,
    ) -> Subscription {
        let read = self.reader(event);
        self.on_payload(event, move |payload| {
            if let Some(value) = read(payload) {
                callback(value);
            }
        })
    }

    /// The events of this name, as a stream. A payload that is no `T` goes to
    /// [`on_problem`](super::SocketBuilder::on_problem) instead.
    pub fn events<T: DeserializeOwned + 'static>(&self, event: &str) -> Stream<T> {
        self.0.ears.to(event).stream(self.reader(event))
    }

    /// Calls back with each event of this name as it came: for binary payloads, or to parse only some.
    pub fn on_payload(
        &self,
        event: &str,
        callback: impl FnMut(&Payload) + 'static,
    ) -> Subscription {
        self.0.ears.to(event).subscribe(callback)
    }

    /// Makes payloads of an event into values, and tells of those that it cannot.
    fn reader<T: DeserializeOwned>(&self, event: &str) -> impl Fn(&Payload) -> Option<T> + 'static {
        let driver = Rc::downgrade(&self.0.driver);
        let (topic, event) = (self.topic().to_owned(), event.to_owned());
        move |payload| match payload.parse() {
            Ok(value) => Some(value),
            Err(misfit) => {
                let (topic, event) = (topic.clone(), event.clone());
                tell(
                    &driver,
                    &Problem::Payload {
                        topic,
                        event,
                        misfit,
                    },
                );
                None
            }
        }
    }

    pub(super) fn driver(&self) -> &Rc<Driver> {
        &self.0.driver
    }

    /// Asks for the ref of the join in force, and keeps nothing alive.
    pub(super) fn join_ref(&self) -> impl Fn() -> Option<u64> + 'static {
        let (driver, id) = (Rc::downgrade(&self.0.driver), self.0.id);
        move || driver.upgrade()?.read(|client| client.join_ref(id))
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_tuple("Channel")
            .field(&self.topic())
            .field(&state)
            .finish()
    }
}

/// Tells of a problem, if the socket is still there.
pub(super) fn tell(driver: &Weak<Driver>, problem: &Problem) {
    if let Some(driver) = driver.upgrade() {
        driver.tell_problem(problem);
    }
}
