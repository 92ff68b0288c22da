//! Channels: joining, joining again, and leaving.

use alloc::vec::Vec;
use core::fmt;

use super::config::Retry;
use super::content::Content;
use super::output::{ChannelId, CloseCause, ConnectionId, ErrorCause, Event, Output, Timer};
use super::timeout::NEVER;
use super::{Client, Frame, FrameEvent, Outcome};

/// Where a channel stands. (phoenix.js has a fifth state, `leaving`, which nobody can see: leaving is
/// done at once.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelState {
    /// Not joined yet, or ended for good.
    Closed,
    /// The last join failed, the channel crashed or the connection was lost: it will join again.
    Errored,
    /// The join has been sent, or waits for the connection.
    Joining,
    /// The server has answered `ok`.
    Joined,
}

/// Why a channel cannot be joined. `join` is called once for each; rejoining is the client's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotJoin {
    /// It was joined before.
    AlreadyJoined,
    /// It was left or removed, or the server closed it.
    Ended,
}

impl fmt::Display for CannotJoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyJoined => {
                "the channel was joined before: it joins again by itself, or make another channel"
            }
            Self::Ended => "the channel has ended: make another channel",
        })
    }
}

impl core::error::Error for CannotJoin {}

#[derive(Debug)]
pub(super) struct Channel<C: Content> {
    pub(super) id: ChannelId,
    pub(super) topic: C::Topic,
    params: C::Payload,
    pub(super) state: ChannelState,
    /// How long its joins and pushes wait.
    pub(super) timeout: u64,
    pub(super) joined_once: bool,
    /// The ref of the join in force. None: messages with a join_ref cannot be meant for it.
    pub(super) join_ref: Option<u64>,
    /// Until when the join must be answered, while joining.
    join_deadline: u64,
    /// The latest join, when it was sent: over which connection, and its ref.
    pub(super) sent: Option<(ConnectionId, u64)>,
    pub(super) rejoin: Retry,
}

/// All channels that have not ended, in the order in which they were made, which is that of their ids.
#[derive(Debug)]
pub(super) struct Channels<C: Content> {
    list: Vec<Channel<C>>,
    last_id: u32,
}

impl<C: Content> Channels<C> {
    pub(super) const fn new() -> Self {
        Self {
            list: Vec::new(),
            last_id: 0,
        }
    }

    fn index(&self, id: ChannelId) -> Option<usize> {
        self.list
            .binary_search_by_key(&id, |channel| channel.id)
            .ok()
    }

    pub(super) fn get(&self, id: ChannelId) -> Option<&Channel<C>> {
        self.list.get(self.index(id)?)
    }

    pub(super) fn get_mut(&mut self, id: ChannelId) -> Option<&mut Channel<C>> {
        let index = self.index(id)?;
        self.list.get_mut(index)
    }

    fn remove(&mut self, id: ChannelId) {
        if let Some(index) = self.index(id) {
            self.list.remove(index);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Channel<C>> {
        self.list.iter()
    }

    /// The first channel made after `id` that satisfies `wanted`. Walking the channels like this, one may
    /// remove any of them on the way.
    pub(super) fn next_after(
        &self,
        id: ChannelId,
        wanted: impl Fn(&Channel<C>) -> bool,
    ) -> Option<ChannelId> {
        let start = self.list.partition_point(|channel| channel.id <= id);
        let rest = self.list.get(start..)?;
        rest.iter().find(|channel| wanted(channel)).map(|c| c.id)
    }

    pub(super) fn reset_rejoins(&mut self) {
        for channel in &mut self.list {
            channel.rejoin.reset();
        }
    }
}

/// Before the first channel.
pub(super) const NONE: ChannelId = ChannelId(0);

impl<C: Content> Channel<C> {
    pub(super) fn deadline(&self) -> u64 {
        self.join_deadline.min(self.rejoin.deadline())
    }

    /// Forgets the join in force: no reply to it counts any more.
    fn forget_join(&mut self) {
        self.join_ref = None;
        self.join_deadline = NEVER;
    }
}

impl Client {
    /// The channel's topic, until it ends.
    pub fn topic(&self, id: ChannelId) -> Option<&str> {
        self.channels.get(id).map(|channel| &*channel.topic)
    }
}

impl<C: Content> Client<C> {
    /// Makes a channel, which does nothing before [`join`](Self::join). `params` go out with each join;
    /// [`set_params`](Self::set_params) changes them.
    pub fn channel(
        &mut self,
        topic: impl Into<C::Topic>,
        params: impl Into<C::Payload>,
    ) -> ChannelId {
        self.channels.last_id += 1;
        let id = ChannelId(self.channels.last_id);
        self.channels.list.push(Channel {
            id,
            topic: topic.into(),
            params: params.into(),
            state: ChannelState::Closed,
            timeout: self.config.timeout,
            joined_once: false,
            join_ref: None,
            join_deadline: NEVER,
            sent: None,
            rejoin: Retry::new(),
        });
        id
    }

    /// What goes out with the joins from now on.
    pub fn set_params(&mut self, id: ChannelId, params: impl Into<C::Payload>) {
        if let Some(channel) = self.channels.get_mut(id) {
            channel.params = params.into();
        }
    }

    /// Joins, once there is a connection; another channel that has joined the topic leaves it first.
    /// From then on the channel joins again by itself after whatever happens, until it is left or the
    /// server closes it.
    ///
    /// `timeout` is how long its joins and pushes wait for replies: [`Config::timeout`] if not given.
    /// Poll for outputs and the timeout afterwards.
    ///
    /// [`Config::timeout`]: super::Config::timeout
    pub fn join(
        &mut self,
        now: u64,
        id: ChannelId,
        timeout: Option<u64>,
    ) -> Result<(), CannotJoin> {
        let Some(channel) = self.channels.get_mut(id) else {
            return Err(CannotJoin::Ended);
        };
        if core::mem::replace(&mut channel.joined_once, true) {
            return Err(CannotJoin::AlreadyJoined);
        }
        channel.timeout = timeout.unwrap_or(channel.timeout);
        self.rejoin(now, id);
        Ok(())
    }

    /// Leaves the channel: it is closed at once, whatever the server says to it. Pushes that still wait
    /// time out. Leaving it again does nothing. Poll for outputs afterwards.
    pub fn leave(&mut self, id: ChannelId) {
        if self.channels.get(id).is_none() {
            return;
        }
        self.send_leave(id);
        self.end_channel(id, CloseCause::Left);
    }

    /// Forgets a channel without a word to the server: for one that was never joined.
    pub fn remove(&mut self, id: ChannelId) {
        self.withdraw_join(id);
        self.channels.remove(id);
    }

    /// Where the channel stands.
    pub fn channel_state(&self, id: ChannelId) -> ChannelState {
        let channel = self.channels.get(id);
        channel.map_or(ChannelState::Closed, |channel| channel.state)
    }

    /// The ref of the join in force.
    pub fn join_ref(&self, id: ChannelId) -> Option<u64> {
        self.channels.get(id)?.join_ref
    }

    /// Whether a push would go out at once.
    pub(super) fn can_push(&self, id: ChannelId) -> bool {
        self.is_connected() && self.channel_state(id) == ChannelState::Joined
    }

    /// Sends a join with a new ref.
    fn rejoin(&mut self, now: u64, id: ChannelId) {
        self.leave_open_topic(id);
        self.withdraw_join(id);
        let reference = self.next_ref();
        let carrier = self.open_connection();
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        channel.state = ChannelState::Joining;
        channel.join_ref = Some(reference);
        channel.join_deadline = now.saturating_add(channel.timeout);
        channel.sent = carrier.map(|connection| (connection, reference));
        let frame = Frame {
            channel: Some(id),
            push: None,
            join_ref: Some(reference),
            reference: Some(reference),
            topic: channel.topic.clone(),
            event: FrameEvent::Join,
            payload: channel.params.clone(),
        };
        self.send_or_wait(frame);
    }

    /// A topic can be joined once on a connection, so another channel that has it makes room.
    fn leave_open_topic(&mut self, id: ChannelId) {
        let Some(topic) = self.channels.get(id).map(|channel| channel.topic.clone()) else {
            return;
        };
        let open = |state| matches!(state, ChannelState::Joined | ChannelState::Joining);
        let duplicate = |c: &Channel<C>| c.id != id && open(c.state) && c.topic == topic;
        if let Some(duplicate) = self.channels.next_after(NONE, duplicate) {
            self.leave(duplicate);
        }
    }

    /// Takes back a join that has not gone out: it must not arrive after what supersedes it.
    fn withdraw_join(&mut self, id: ChannelId) {
        self.waiting.retain(|frame| frame.channel != Some(id));
    }

    /// Sends a leave for the latest join, if that went over this connection. It always names the join: one
    /// that does not would end whatever has the topic, which may be another channel by now.
    fn send_leave(&mut self, id: ChannelId) {
        let reference = self.next_ref();
        let connection = self.open_connection();
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        let Some((carrier, join_ref)) = channel.sent.take() else {
            return;
        };
        let frame = Frame {
            channel: Some(id),
            push: None,
            join_ref: Some(join_ref),
            reference: Some(reference),
            topic: channel.topic.clone(),
            event: FrameEvent::Leave,
            payload: C::Payload::default(),
        };
        if connection == Some(carrier) {
            self.outputs.push_back(Output::Send(frame));
        }
    }

    /// Removes the channel for good.
    pub(super) fn end_channel(&mut self, channel: ChannelId, cause: CloseCause) {
        let join_ref = self.join_ref(channel);
        self.remove(channel);
        self.event(Event::ChannelClosed {
            channel,
            cause,
            join_ref,
        });
    }

    /// The join in force was answered.
    pub(super) fn join_answered(&mut self, now: u64, id: ChannelId, outcome: Outcome) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        channel.join_deadline = NEVER;
        if outcome.is_ok() {
            channel.state = ChannelState::Joined;
            channel.rejoin.reset();
            self.send_buffered(now, id);
        } else {
            channel.state = ChannelState::Errored;
            self.schedule_rejoin(now, id);
        }
        self.event(Event::JoinSettled {
            channel: id,
            outcome,
        });
    }

    pub(super) fn error_channel(&mut self, now: u64, id: ChannelId, cause: ErrorCause) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        if channel.state == ChannelState::Joining {
            channel.forget_join();
            self.withdraw_join(id);
        }
        self.errored(now, id);
        self.event(Event::ChannelErrored { channel: id, cause });
    }

    /// Those that have joined or are joining are in error now: all, or those whose join went over
    /// `carrier`.
    pub(super) fn error_joined_channels(
        &mut self,
        now: u64,
        carrier: Option<ConnectionId>,
        cause: ErrorCause,
    ) {
        let concerned = |channel: &Channel<C>| {
            matches!(channel.state, ChannelState::Joined | ChannelState::Joining)
                && (carrier.is_none() || channel.sent.map(|(connection, _)| connection) == carrier)
        };
        let mut last = NONE;
        while let Some(id) = self.channels.next_after(last, concerned) {
            self.error_channel(now, id, cause);
            last = id;
        }
    }

    /// The connection is open: what was in error joins again.
    pub(super) fn rejoin_errored(&mut self, now: u64) {
        self.channels.reset_rejoins();
        let errored = |channel: &Channel<C>| channel.state == ChannelState::Errored;
        let mut last = NONE;
        while let Some(id) = self.channels.next_after(last, errored) {
            self.rejoin(now, id);
            last = id;
        }
    }

    fn errored(&mut self, now: u64, id: ChannelId) {
        if let Some(channel) = self.channels.get_mut(id) {
            channel.state = ChannelState::Errored;
            channel.join_deadline = NEVER;
        }
        if self.is_connected() {
            self.schedule_rejoin(now, id);
        }
    }

    /// Without a connection there is no need for this: all join again when there is one.
    fn schedule_rejoin(&mut self, now: u64, id: ChannelId) {
        if let Some(channel) = self.channels.get_mut(id) {
            let ask = channel.rejoin.schedule(now, &self.config.rejoin_after);
            self.ask_delay(Timer::Rejoin(id), ask);
        }
    }

    pub(super) fn handle_channel_timeouts(&mut self, now: u64) {
        let mut last = NONE;
        while let Some(id) = self.channels.next_after(last, |c| c.deadline() <= now) {
            self.handle_channel_timeout(now, id);
            last = id;
        }
    }

    fn handle_channel_timeout(&mut self, now: u64, id: ChannelId) {
        let connected = self.is_connected();
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        if channel.join_deadline <= now {
            self.join_timed_out(now, id);
        } else if channel.rejoin.fire(now) && connected {
            self.rejoin(now, id);
        }
    }

    /// The server may still be at the join, or its reply be lost: the leave undoes it, so that the next
    /// join begins from nothing.
    fn join_timed_out(&mut self, now: u64, id: ChannelId) {
        self.send_leave(id);
        if let Some(channel) = self.channels.get_mut(id) {
            channel.forget_join();
        }
        self.withdraw_join(id);
        self.errored(now, id);
        self.event(Event::JoinSettled {
            channel: id,
            outcome: Outcome::Timeout,
        });
    }
}
