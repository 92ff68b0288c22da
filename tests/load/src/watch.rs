//! What a member sees: the presences of a topic, kept as a browser keeps them.

use std::future::Future;

use herenow_core::presence::{Change, Presences};
use herenow_core::protocol::events::{PRESENCE_DIFF, PRESENCE_STATE};

use crate::error::Error;
use crate::session::{Message, Seen, Session};

/// The presences of one topic, by `presence_state` and `presence_diff`.
#[derive(Debug)]
pub(crate) struct Watch {
    topic: String,
    presences: Presences,
    /// Diffs that came before the state; `None` once that has come.
    early: Option<Vec<String>>,
    /// Bytes of the latest `presence_state`.
    state_bytes: usize,
}

impl Watch {
    pub(crate) fn new(topic: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            presences: Presences::new(),
            early: Some(Vec::new()),
            state_bytes: 0,
        }
    }

    /// The topic is joined anew: what was seen stays, as in a browser, until the new state comes.
    pub(crate) fn rejoin(&mut self) {
        self.early = Some(Vec::new());
    }

    /// Who is present, once the state has come.
    pub(crate) fn presences(&self) -> Option<&Presences> {
        self.early.is_none().then_some(&self.presences)
    }

    /// How many keys are present, once the state has come.
    pub(crate) fn len(&self) -> usize {
        match self.early {
            None => self.presences.len(),
            Some(_) => 0,
        }
    }

    /// How many bytes the latest `presence_state` had.
    pub(crate) fn state_bytes(&self) -> usize {
        self.state_bytes
    }

    /// Takes note of what a session has seen. `changed` is told of each change.
    pub(crate) fn see(
        &mut self,
        seen: &Seen<'_>,
        changed: impl FnMut(Change<'_>),
    ) -> Result<(), Error> {
        match seen {
            Seen::Message(message) if message.topic == *self.topic => self.apply(message, changed),
            _ => Ok(()),
        }
    }

    fn apply(
        &mut self,
        message: &Message<'_>,
        mut changed: impl FnMut(Change<'_>),
    ) -> Result<(), Error> {
        let presences = &mut self.presences;
        let unreadable = |error| Error::answer(&self.topic, format!("{error}"));
        if message.is(PRESENCE_STATE) {
            self.state_bytes = message.payload.len();
            let changes = presences.sync_state(message.payload);
            changes.map_err(unreadable)?.for_each(&mut changed);
            for diff in self.early.take().unwrap_or_default() {
                let changes = presences.sync_diff(&diff);
                changes.map_err(unreadable)?.for_each(&mut changed);
            }
        } else if message.is(PRESENCE_DIFF) {
            if let Some(early) = &mut self.early {
                early.push(message.payload.to_owned());
            } else {
                let changes = presences.sync_diff(message.payload);
                changes.map_err(unreadable)?.for_each(&mut changed);
            }
        }
        Ok(())
    }

    /// Reads until at least `count` keys are present. `progress` is told how many there are.
    pub(crate) fn until_present<'a>(
        &'a mut self,
        session: &'a mut Session,
        count: usize,
        mut progress: impl FnMut(usize) + 'a,
    ) -> impl Future<Output = Result<(), Error>> + 'a {
        session.until(move |seen| {
            self.see(&seen, |_| ())?;
            progress(self.len());
            Ok((self.len() >= count).then_some(()))
        })
    }
}
