//! Who is expected in a topic, and who has seen it come.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use herenow_core::presence::Change;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::Error;
use crate::session::Session;
use crate::watch::Watch;

/// The newcomers of one topic that have not been seen by all who watch.
#[derive(Debug, Default)]
pub(super) struct Board {
    newcomers: Mutex<HashMap<String, Newcomer>>,
}

#[derive(Debug)]
struct Newcomer {
    /// When its join was due.
    since: Instant,
    /// The nodes whose watching members have yet to see it.
    unseen_on: Vec<usize>,
    seen_by_all: oneshot::Sender<()>,
}

impl Board {
    /// `user` is about to join, and is to be seen on these nodes. The receiver is told when it has been.
    pub(super) fn expect(
        &self,
        user: &str,
        since: Instant,
        nodes: impl Iterator<Item = usize>,
    ) -> oneshot::Receiver<()> {
        let (seen_by_all, receiver) = oneshot::channel();
        let newcomer = Newcomer {
            since,
            unseen_on: nodes.collect(),
            seen_by_all,
        };
        self.lock().insert(user.to_owned(), newcomer);
        receiver
    }

    /// A key has appeared on a node. Returns since when it was to be seen there, if it was and for the first
    /// time.
    fn seen(&self, key: &str, node: usize) -> Option<Instant> {
        let mut newcomers = self.lock();
        let newcomer = newcomers.get_mut(key)?;
        let index = newcomer.unseen_on.iter().position(|on| *on == node)?;
        newcomer.unseen_on.swap_remove(index);
        let since = newcomer.since;
        if newcomer.unseen_on.is_empty()
            && let Some(newcomer) = newcomers.remove(key)
        {
            // The newcomer may have gone, when somebody has failed.
            let _ = newcomer.seen_by_all.send(());
        }
        Some(since)
    }

    /// Watches for a member on a node, for good. `record` is given the time since when each newcomer was to be
    /// seen. It returns why that has ended.
    pub(super) async fn watch(
        &self,
        mut member: Session,
        mut watch: Watch,
        node: usize,
        record: impl Fn(Instant),
    ) -> Error {
        let watching = member.until(|event| {
            watch.see(&event, |change| {
                if let Change::Join { member, .. } = change
                    && let Some(since) = self.seen(&member.key(), node)
                {
                    record(since);
                }
            })?;
            Ok(None::<Infallible>)
        });
        match watching.await {
            Err(error) => error,
            Ok(never) => match never {},
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Newcomer>> {
        self.newcomers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sight_counts_once_for_each_node_where_it_is_expected() {
        let board = Board::default();
        let since = Instant::now();
        let mut all = board.expect("ada", since, [0, 2].into_iter());
        assert_eq!(board.seen("bob", 0), None);
        assert_eq!(board.seen("ada", 1), None);
        assert_eq!(board.seen("ada", 0), Some(since));
        assert_eq!(board.seen("ada", 0), None);
        assert!(all.try_recv().is_err());
        assert_eq!(board.seen("ada", 2), Some(since));
        assert_eq!(all.try_recv(), Ok(()));
        assert_eq!(board.seen("ada", 2), None);
    }
}
