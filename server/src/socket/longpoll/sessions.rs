//! The sessions that are open, by their tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use herenow_core::protocol::Vsn;

use super::driver::Driver;
use super::requests::{Arriving, Requests};
use super::token::{Key, SessionId, Token, random};
use crate::endpoint::Connected;
use crate::socket::{Context, Session};
use crate::sync::lock;

/// The long poll sessions of an endpoint.
pub(crate) struct LongPolls {
    key: Key,
    /// Locked for a look-up, and when a session opens or ends.
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    by_id: HashMap<SessionId, Requests>,
    /// The limit is reached and the log has been told.
    is_full: bool,
}

impl LongPolls {
    pub(crate) fn new() -> Self {
        Self {
            key: Key::random(),
            open: Mutex::default(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.open).by_id.len()
    }

    /// The session that a client's token names, if it is open.
    pub(crate) fn find(&self, token: &str) -> Option<(Token, Requests)> {
        let token = self.key.verify(token)?;
        let requests = lock(&self.open).by_id.get(&token.session).cloned()?;
        Some((token, requests))
    }

    pub(crate) fn sign(&self, token: Token) -> String {
        self.key.sign(token)
    }

    /// Takes a place for a session, before it is known whether the client may connect: so the limit holds
    /// for those too about whom the application is still thinking. `None` if all places are taken.
    pub(crate) fn enter(context: &Arc<Context>) -> Option<Place> {
        let limit = context.limits.max_longpoll_sessions;
        let mut open = lock(&context.longpolls.open);
        if open.by_id.len() >= limit {
            let told = std::mem::replace(&mut open.is_full, true);
            drop(open);
            if !told {
                tracing::warn!(
                    limit,
                    "refuses long poll clients: Limits::max_longpoll_sessions (--max-longpoll-sessions) are connected"
                );
            }
            return None;
        }
        open.is_full = false;
        let (requests, arriving) = Requests::new();
        let id = random();
        open.by_id.insert(id, requests);
        let context = Arc::clone(context);
        let entry = Entry { context, id };
        Some(Place { entry, arriving })
    }
}

/// A place for a session that is yet to be opened, given back when dropped.
pub(crate) struct Place {
    entry: Entry,
    arriving: Arriving,
}

impl Place {
    /// Opens the session. Returns its first token; `None` if the endpoint takes no more connections.
    pub(crate) fn open(self, vsn: Vsn, connected: Connected) -> Option<String> {
        let Self { entry, arriving } = self;
        let session = Session::open(&entry.context, vsn, connected)?;
        let token = Token {
            session: entry.id,
            answer: 0,
        };
        let token = entry.context.longpolls.sign(token);
        let mut driver = Driver::new(session, entry, arriving);
        // By reference, because what is moved into a task takes its room twice.
        tokio::spawn(async move { driver.run().await });
        Some(token)
    }
}

/// A session's entry in the list. Its token names nothing any more when this is dropped.
pub(super) struct Entry {
    context: Arc<Context>,
    id: SessionId,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.context.longpolls.open).by_id.remove(&self.id);
    }
}
