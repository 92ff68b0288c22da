//! Who is in a channel: [`Presence`] listens to it, holds diffs back until the state has come, and calls back.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};

use serde::de::DeserializeOwned;

use super::channel::tell;
use super::driver::Driver;
use super::listeners::Listeners;
use super::members::{Changes, List, Member, Members, NoFields, Touched};
use super::{Channel, Payload, Problem, Stream, Subscription};

/// The events that a server sends presences with.
const STATE: &str = "presence_state";
const DIFF: &str = "presence_diff";

/// How many diffs wait for a state, if [`Presence::set_max_pending_diffs`] does not say otherwise: far more than
/// come between a join and its state, however many users there are.
pub const MAX_PENDING_DIFFS: usize = 10_000;

/// Who is in a channel, with metas of a type of yours.
///
/// `Meta` is what the server's metas are read as: name only the fields that you need, and
/// `phx_ref: String` if you want to tell metas apart. `Fields` is the same for what a server may put beside the
/// metas of each key, as `fetch` does in herenow and `fetch/2` in Phoenix. To take whatever comes, use
/// `serde_json::Value`.
///
/// It listens from when it is made, so make it before the channel joins. While it exists the channel is not
/// left. Dropping it ends its callbacks and streams, and releases the list.
pub struct Presence<Meta, Fields = NoFields> {
    room: Rc<Room<Meta, Fields>>,
    channel: Channel,
    _listens: [Subscription; 2],
}

/// The members at a moment: see [`Presence::people`].
pub struct People<Meta, Fields = NoFields>(RefCell<Members<Meta, Fields>>);

struct Room<Meta, Fields> {
    topic: String,
    driver: Weak<Driver>,
    people: People<Meta, Fields>,
    /// The join that the list belongs to, once its state has come.
    join_ref: Cell<Option<u64>>,
    /// Diffs that came before it.
    pending: RefCell<Vec<Payload>>,
    max_pending: Cell<usize>,
    syncs: Listeners<People<Meta, Fields>>,
    changes: Listeners<Changes<Meta, Fields>>,
}

impl<Meta, Fields> Presence<Meta, Fields>
where
    Meta: DeserializeOwned + 'static,
    Fields: DeserializeOwned + 'static,
{
    /// The presences of a channel, from now on.
    pub fn new(channel: &Channel) -> Self {
        Self::with_events(channel, STATE, DIFF)
    }

    /// For a server that sends presences with other events than `presence_state` and `presence_diff`.
    pub fn with_events(channel: &Channel, state: &str, diff: &str) -> Self {
        let driver = channel.driver();
        let room = Rc::new(Room {
            topic: channel.topic().to_owned(),
            driver: Rc::downgrade(driver),
            people: People(RefCell::new(Members::new(driver.seed()))),
            join_ref: Cell::default(),
            pending: RefCell::default(),
            max_pending: Cell::new(MAX_PENDING_DIFFS),
            syncs: Listeners::default(),
            changes: Listeners::default(),
        });
        let (on_state, joined) = (room.clone(), channel.join_ref());
        let (on_diff, joining) = (room.clone(), channel.join_ref());
        let listens = [
            channel.on_payload(state, move |payload| on_state.state(payload, joined())),
            channel.on_payload(diff, move |payload| on_diff.diff(payload, joining())),
        ];
        Self {
            room,
            channel: channel.clone(),
            _listens: listens,
        }
    }

    /// How many diffs may wait for the state of a join. More come only if there is none, as for a presence that is
    /// made after its channel has joined. Then the older half goes, which [`Problem::NoState`] tells. Less than one
    /// counts as one.
    pub fn set_max_pending_diffs(&self, max: usize) {
        self.room.max_pending.set(max);
    }

    /// The channel.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Who is here now.
    pub fn people(&self) -> &People<Meta, Fields> {
        &self.room.people
    }

    /// See [`People::list`].
    pub fn list(&self) -> List<Meta, Fields> {
        self.people().list()
    }

    /// See [`People::get`].
    pub fn get(&self, key: &str) -> Option<Rc<Member<Meta, Fields>>> {
        self.people().get(key)
    }

    /// Calls back after each message of the server about who is here, whether or not it changed anything.
    pub fn on_sync(&self, callback: impl FnMut(&People<Meta, Fields>) + 'static) -> Subscription {
        self.room.syncs.subscribe(callback)
    }

    /// Calls back when somebody came, went or changed: once for each message of the server. The list is by
    /// then what it is after all of it.
    pub fn on_change(
        &self,
        callback: impl FnMut(&Changes<Meta, Fields>) + 'static,
    ) -> Subscription {
        self.room.changes.subscribe(callback)
    }
}

impl<Meta, Fields> Presence<Meta, Fields>
where
    Meta: DeserializeOwned + Clone + 'static,
    Fields: DeserializeOwned + Clone + 'static,
{
    /// What [`on_change`](Self::on_change) tells, as a stream.
    pub fn changes(&self) -> Stream<Changes<Meta, Fields>> {
        self.room.changes.stream(|changes| Some(changes.clone()))
    }
}

impl<Meta: DeserializeOwned, Fields: DeserializeOwned> People<Meta, Fields> {
    /// All members, in the order of their keys in the server's messages. The same until something changes.
    pub fn list(&self) -> List<Meta, Fields> {
        self.0.borrow().list()
    }

    /// The member with this key.
    pub fn get(&self, key: &str) -> Option<Rc<Member<Meta, Fields>>> {
        self.0.borrow().get(key)
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many metas all members have together.
    pub fn connections(&self) -> usize {
        self.list().iter().map(|member| member.count).sum()
    }
}

impl<Meta: DeserializeOwned + 'static, Fields: DeserializeOwned + 'static> Room<Meta, Fields> {
    fn state(&self, payload: &Payload, join_ref: Option<u64>) {
        let mut touched = Touched::default();
        self.apply(true, payload, &mut touched);
        self.join_ref.set(join_ref);
        for diff in self.pending.take() {
            self.apply(false, &diff, &mut touched);
        }
        self.deliver(touched);
    }

    fn diff(&self, payload: &Payload, join_ref: Option<u64>) {
        if join_ref.is_none() || self.join_ref.get() != join_ref {
            self.hold(payload.clone());
            return;
        }
        let mut touched = Touched::default();
        self.apply(false, payload, &mut touched);
        self.deliver(touched);
    }

    /// Should the state come after all, it is the oldest diffs that are the most likely to be in it.
    fn hold(&self, diff: Payload) {
        let max = self.max_pending.get().max(1);
        let mut pending = self.pending.borrow_mut();
        pending.push(diff);
        let held = pending.len();
        if held > max {
            pending.drain(..held - (max / 2 + 1));
            drop(pending);
            let topic = self.topic.clone();
            tell(&self.driver, &Problem::NoState { topic, max });
        }
    }

    fn apply(&self, is_state: bool, payload: &Payload, touched: &mut Touched<Meta, Fields>) {
        let mut misfits = Vec::new();
        let mut note = |key: &str, misfit| {
            let (topic, key) = (self.topic.clone(), key.to_owned());
            misfits.push(Problem::Presence { topic, key, misfit });
        };
        let json = payload.json().unwrap_or_default();
        let synced = self
            .people
            .0
            .borrow_mut()
            .sync(is_state, json, touched, &mut note);
        if let Err(error) = synced {
            let topic = self.topic.clone();
            misfits.push(Problem::Diff { topic, error });
        }
        for problem in misfits {
            tell(&self.driver, &problem);
        }
    }

    /// By now the members are what they are after the event.
    fn deliver(&self, touched: Touched<Meta, Fields>) {
        let changes = touched.changes();
        if !changes.is_empty() {
            self.changes.tell(&changes);
        }
        self.syncs.tell(&self.people);
    }
}

impl<Meta, Fields> fmt::Debug for Presence<Meta, Fields> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Presence").field(&self.room.topic).finish()
    }
}

impl<Meta, Fields> fmt::Debug for People<Meta, Fields>
where
    Meta: DeserializeOwned + fmt::Debug,
    Fields: DeserializeOwned + fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list().iter()).finish()
    }
}
