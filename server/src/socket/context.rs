//! What all connections of an endpoint share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::longpoll::LongPolls;
use super::{Connection, Counters, Stats};
use crate::channel::{ChannelId, Routes};
use crate::sync::lock;
use crate::{Limits, PubSub};

pub(crate) struct Context {
    pub(crate) pubsub: PubSub,
    pub(crate) routes: Routes,
    pub(crate) limits: Limits,
    pub(crate) counters: Counters,
    pub(crate) connections: Connections,
    pub(crate) longpolls: LongPolls,
}

impl Context {
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            longpoll_sessions: self.longpolls.count() as u64,
            ..self.counters.stats()
        }
    }
}

/// The open connections, to be found when all of them are to be closed.
#[derive(Default)]
pub(crate) struct Connections {
    /// Locked when one opens or closes, and for a copy of the list; never for a message.
    open: Mutex<Open>,
    emptied: tokio::sync::Notify,
}

#[derive(Default)]
struct Open {
    by_id: HashMap<ChannelId, Arc<Connection>>,
    draining: bool,
    /// Whether it has been said that there are as many as there may be.
    is_full: bool,
}

impl Connections {
    /// Returns `false` if the endpoint takes no more connections, as it does beyond `limit`.
    pub(super) fn insert(&self, connection: &Arc<Connection>, limit: usize) -> bool {
        let mut open = lock(&self.open);
        let has_room = !open.draining && open.by_id.len() < limit;
        if has_room {
            open.by_id.insert(connection.id(), Arc::clone(connection));
        }
        has_room
    }

    pub(super) fn remove(&self, id: ChannelId) {
        let mut open = lock(&self.open);
        let removed = open.by_id.remove(&id);
        if open.by_id.is_empty() {
            self.emptied.notify_waiters();
        }
        drop(open);
        drop(removed);
    }

    /// Whether one more would be refused, so that a client can be told before it is upgraded.
    pub(crate) fn are_refused(&self, limit: usize) -> bool {
        let mut open = lock(&self.open);
        let is_full = open.by_id.len() >= limit;
        let was_full = std::mem::replace(&mut open.is_full, is_full);
        let are_refused = open.draining || is_full;
        drop(open);
        if is_full && !was_full {
            tracing::warn!(
                limit,
                "refuses clients: Limits::max_connections (--max-connections) are connected"
            );
        }
        are_refused
    }

    /// Takes no more connections from now on. Returns those that are open.
    pub(crate) fn refuse(&self) -> Vec<Arc<Connection>> {
        let mut open = lock(&self.open);
        open.draining = true;
        open.by_id.values().cloned().collect()
    }

    /// Waits until no connection is open.
    pub(crate) async fn all_closed(&self) {
        loop {
            let emptied = self.emptied.notified();
            if lock(&self.open).by_id.is_empty() {
                return;
            }
            emptied.await;
        }
    }
}
