//! The clock of the presence shards.

use tokio::time::{Duration, Instant};

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, read from the system once and then advanced by a monotonic
/// clock: comparable between nodes to order metas, and never set back while the node runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: Instant,
    started_at: Duration,
}

/// More than any node lives, and little enough to be added to any instant.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

impl Clock {
    pub(super) fn start() -> Self {
        // A system clock before 1970 costs nothing but the order of metas.
        let started_at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            started_at,
        }
    }

    /// When the node started, in microseconds: a number that a later start exceeds.
    pub(super) fn incarnation(&self) -> u64 {
        u64::try_from(self.started_at.as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn now(&self) -> u64 {
        milliseconds(self.started_at + self.started.elapsed())
    }

    /// The moment at which [`now`](Self::now) reaches `at`, or one in the far future.
    pub(super) fn instant(&self, at: u64) -> Instant {
        let since_start = Duration::from_millis(at).saturating_sub(self.started_at);
        self.started + since_start.min(FAR)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sleeping_until_an_instant_reaches_that_millisecond() {
        let clock = Clock::start();
        for ahead in [0, 1, 25, 1_000] {
            let at = clock.now() + ahead;
            tokio::time::sleep_until(clock.instant(at)).await;
            assert!(clock.now() >= at, "{ahead} ms");
        }
    }

    #[tokio::test]
    async fn the_end_of_time_is_an_instant_too() {
        let clock = Clock::start();
        assert!(clock.instant(u64::MAX) > clock.instant(clock.now()));
    }
}
