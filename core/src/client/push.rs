//! Pushes: which wait for their channel to be joined, which for a reply, and for how long.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;

use super::output::{ChannelId, Event, Output, PushId};
use super::{Client, Frame, FrameEvent, Outcome};

/// A push came before `join` was called: there is nothing yet that it could wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJoined;

impl fmt::Display for NotJoined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel has not been joined: call join before pushing")
    }
}

impl std::error::Error for NotJoined {}

#[derive(Debug)]
struct Push<P> {
    id: PushId,
    /// The ref under which it was sent, or under which it waits: sending it takes another one.
    reference: u64,
    channel: ChannelId,
    timeout: u64,
    /// What to send, while it waits for the channel to be joined.
    buffered: Option<(Cow<'static, str>, P)>,
}

/// The pushes that have not been settled, in the order of their refs.
#[derive(Debug)]
pub(super) struct Pushes<P> {
    list: VecDeque<Push<P>>,
    /// Deadlines with the refs of the pushes that they are for. A settled push leaves its deadline here,
    /// until that is found at the top or they are too many.
    deadlines: BinaryHeap<Reverse<(u64, u64)>>,
}

impl<P> Default for Pushes<P> {
    fn default() -> Self {
        Self {
            list: VecDeque::new(),
            deadlines: BinaryHeap::new(),
        }
    }
}

impl<P> Pushes<P> {
    /// `push` has a higher ref than all that are here.
    fn add(&mut self, now: u64, push: Push<P>) {
        let deadline = now.saturating_add(push.timeout);
        self.deadlines.push(Reverse((deadline, push.reference)));
        self.list.push_back(push);
    }

    fn index(&self, reference: u64) -> Option<usize> {
        self.list
            .binary_search_by_key(&reference, |push| push.reference)
            .ok()
    }

    fn take(&mut self, reference: u64) -> Option<Push<P>> {
        let push = self.list.remove(self.index(reference)?);
        if self.deadlines.len() > 2 * self.list.len() + 64 {
            let Self { list, deadlines } = self;
            deadlines.retain(|Reverse((_, reference))| {
                list.binary_search_by_key(reference, |push| push.reference)
                    .is_ok()
            });
        }
        push
    }

    /// The push that `channel` sent with this ref is answered.
    pub(super) fn take_sent(&mut self, channel: ChannelId, reference: u64) -> Option<PushId> {
        let push = self.list.get(self.index(reference)?)?;
        if push.channel != channel || push.buffered.is_some() {
            return None;
        }
        self.take(reference).map(|push| push.id)
    }

    pub(super) fn deadline(&mut self) -> Option<u64> {
        while let Some(&Reverse((deadline, reference))) = self.deadlines.peek() {
            if self.index(reference).is_some() {
                return Some(deadline);
            }
            self.deadlines.pop();
        }
        None
    }

    /// One push whose time is over.
    fn take_due(&mut self, now: u64) -> Option<Push<P>> {
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            let Reverse((_, reference)) = self.deadlines.pop()?;
            if let Some(push) = self.take(reference) {
                return Some(push);
            }
        }
        None
    }
}

impl<P: Clone + Default> Client<P> {
    /// Sends an event to the server, as soon as the channel is joined. [`Event::PushSettled`] tells what
    /// became of it: the reply, or that there was none in time. That is counted from now and again from
    /// when it is sent.
    ///
    /// `timeout`: how long to wait, if not as long as the channel's joins. On a channel that has ended a
    /// push can only time out. Poll for outputs and the timeout afterwards.
    pub fn push(
        &mut self,
        now: u64,
        channel: ChannelId,
        event: impl Into<Cow<'static, str>>,
        payload: impl Into<P>,
        timeout: Option<u64>,
    ) -> Result<PushId, NotJoined> {
        let own = match self.channels.get(channel) {
            Some(channel) if !channel.joined_once => return Err(NotJoined),
            Some(channel) => channel.timeout,
            None => self.config.timeout,
        };
        let reference = self.next_ref();
        let mut push = Push {
            id: PushId(reference),
            reference,
            channel,
            timeout: timeout.unwrap_or(own),
            buffered: Some((event.into(), payload.into())),
        };
        if self.can_push(channel) {
            self.send_push(&mut push);
        }
        self.pushes.add(now, push);
        Ok(PushId(reference))
    }

    /// The channel has joined: what waited for that goes out, with new refs and the time counted anew.
    pub(super) fn send_buffered(&mut self, now: u64, channel: ChannelId) {
        let end = self.last_ref;
        let mut index = 0;
        while let Some(push) = self.pushes.list.get(index) {
            // Those sent in this very loop are behind `end`.
            if push.reference > end {
                break;
            }
            if push.channel != channel || push.buffered.is_none() {
                index += 1;
                continue;
            }
            let reference = push.reference;
            if let Some(mut push) = self.pushes.take(reference) {
                push.reference = self.next_ref();
                self.send_push(&mut push);
                self.pushes.add(now, push);
            }
        }
    }

    fn send_push(&mut self, push: &mut Push<P>) {
        let Some(channel) = self.channels.get(push.channel) else {
            return;
        };
        let Some((event, payload)) = push.buffered.take() else {
            return;
        };
        self.outputs.push_back(Output::Send(Frame {
            channel: Some(push.channel),
            push: Some(push.id),
            join_ref: channel.join_ref,
            reference: Some(push.reference),
            topic: channel.topic.clone(),
            event: FrameEvent::Named(event),
            payload,
        }));
    }

    pub(super) fn handle_push_timeouts(&mut self, now: u64) {
        while let Some(push) = self.pushes.take_due(now) {
            self.event(Event::PushSettled {
                channel: push.channel,
                push: push.id,
                outcome: Outcome::Timeout,
            });
        }
    }
}
