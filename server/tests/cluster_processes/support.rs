//! Ways to wait that are bounded in time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// After this long, what a test waits for is not going to happen, on however busy a machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(20);

/// Looks again and again until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < end, "in time: {what}");
        sleep(POLL).await;
    }
}
