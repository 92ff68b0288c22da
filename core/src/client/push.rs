//! Pushes: which wait for their channel to be joined, which for a reply, and for how long.

use alloc::vec::Vec;
use core::fmt;

use super::content::Content;
use super::output::{ChannelId, Event, Output, PushId};
use super::timeout::NEVER;
use super::{Client, Frame, FrameEvent, Outcome};

/// A push came before `join` was called: there is nothing yet that it could wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJoined;

impl fmt::Display for NotJoined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel has not been joined: call join before pushing")
    }
}

impl core::error::Error for NotJoined {}

#[derive(Debug)]
struct Push<C: Content> {
    id: PushId,
    /// The ref under which it was sent, or under which it waits: sending it takes another one.
    reference: u64,
    channel: ChannelId,
    timeout: u64,
    deadline: u64,
    /// What to send, while it waits for the channel to be joined.
    buffered: Option<(C::Event, C::Payload)>,
}

/// The pushes that have not been settled, in the order of their refs.
#[derive(Debug)]
pub(super) struct Pushes<C: Content> {
    list: Vec<Push<C>>,
    /// No deadline is before this. It is not moved when a push is settled, which most are long before their
    /// deadline, but only when its time has come: that is one needless call at most where a search for
    /// the next deadline would cost something with each reply.
    no_deadline_before: u64,
}

impl<C: Content> Pushes<C> {
    pub(super) const fn new() -> Self {
        Self {
            list: Vec::new(),
            no_deadline_before: NEVER,
        }
    }

    /// `push` has a higher ref than all that are here. Its time counts from now.
    fn add(&mut self, now: u64, mut push: Push<C>) {
        push.deadline = now.saturating_add(push.timeout);
        self.no_deadline_before = self.no_deadline_before.min(push.deadline);
        self.list.push(push);
    }

    fn index(&self, reference: u64) -> Option<usize> {
        self.list
            .binary_search_by_key(&reference, |push| push.reference)
            .ok()
    }

    fn take(&mut self, index: usize) -> Push<C> {
        let push = self.list.remove(index);
        if self.list.is_empty() {
            self.no_deadline_before = NEVER;
        }
        push
    }

    /// The push that `channel` sent with this ref is answered.
    pub(super) fn take_sent(&mut self, channel: ChannelId, reference: u64) -> Option<PushId> {
        let index = self.index(reference)?;
        let push = self.list.get(index)?;
        if push.channel != channel || push.buffered.is_some() {
            return None;
        }
        Some(self.take(index).id)
    }

    /// When to look for pushes whose time is over.
    pub(super) fn deadline(&self) -> u64 {
        self.no_deadline_before
    }

    /// Whether there may be pushes whose time is over.
    fn may_be_due(&self, now: u64) -> bool {
        self.no_deadline_before <= now
    }

    /// Where, from `start` on, a push is whose time is over.
    fn next_due(&self, now: u64, start: usize) -> Option<usize> {
        let mut rest = self.list.iter().skip(start);
        Some(start + rest.position(|push| push.deadline <= now)?)
    }

    /// Those whose time was over have been taken.
    fn look_for_next_deadline(&mut self) {
        let next = self.list.iter().map(|push| push.deadline).min();
        self.no_deadline_before = next.unwrap_or(NEVER);
    }
}

impl<C: Content> Client<C> {
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
        event: impl Into<C::Event>,
        payload: impl Into<C::Payload>,
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
            deadline: 0,
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
            let mut push = self.pushes.take(index);
            push.reference = self.next_ref();
            self.send_push(&mut push);
            self.pushes.add(now, push);
        }
    }

    fn send_push(&mut self, push: &mut Push<C>) {
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
        if !self.pushes.may_be_due(now) {
            return;
        }
        let mut start = 0;
        while let Some(index) = self.pushes.next_due(now, start) {
            start = index;
            let Push { channel, id, .. } = self.pushes.take(index);
            self.event(Event::PushSettled {
                channel,
                push: id,
                outcome: Outcome::Timeout,
            });
        }
        self.pushes.look_for_next_deadline();
    }
}
