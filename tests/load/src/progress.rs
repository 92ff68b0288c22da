//! How far a run has come: for the person who waits for it, and for the error when it never arrives.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

/// How often news are printed.
const INTERVAL: Duration = Duration::from_secs(1);

/// The stage that a run is in, and how much of it is done. Shared by all tasks of a run.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    stage: Mutex<Stage>,
    done: AtomicUsize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stage {
    name: &'static str,
    total: usize,
}

impl Progress {
    /// The next stage begins.
    pub(crate) fn stage(&self, name: &'static str, total: usize) {
        *self.lock() = Stage { name, total };
        self.set(0);
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// So many are done.
    pub(crate) fn set(&self, done: usize) {
        self.done.store(done, Ordering::Relaxed);
    }

    /// Prints news to stderr for as long as it is polled.
    pub(crate) async fn print(&self, scenario: &str) -> std::convert::Infallible {
        let mut last = String::new();
        loop {
            sleep(INTERVAL).await;
            let now = self.to_string();
            if now != last {
                eprintln!("{scenario}: {now}");
                last = now;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stage { name, total } = *self.lock();
        let done = self.done.load(Ordering::Relaxed);
        write!(f, "{name}: {done} of {total}")
    }
}
