//! One timer for everything that waits.

use super::Client;
use super::content::Content;

/// The deadline of what does not wait.
pub(super) const NEVER: u64 = u64::MAX;

impl<C: Content> Client<C> {
    /// When [`handle_timeout`](Self::handle_timeout) is to be called; `None`: nothing waits. Ask again
    /// after each call of a method that says so, and after `handle_timeout` itself. It may be too early, when
    /// what waited has been settled meanwhile.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        let channels = self.channels.iter().map(|channel| channel.deadline());
        let others = [self.connection_deadline(), self.pushes.deadline()];
        channels.chain(others).min().filter(|at| *at != NEVER)
    }

    /// Does what is due. Calling it too early or too often does no harm. Each timer fires at most once in
    /// a call, however late that is. Poll for outputs and the timeout afterwards.
    pub fn handle_timeout(&mut self, now: u64) {
        self.handle_connection_timeouts(now);
        self.handle_heartbeat(now);
        self.handle_channel_timeouts(now);
        self.handle_push_timeouts(now);
    }
}
