//! One timer for everything that waits.

use super::Client;

/// The earliest of all deadlines that it has seen.
pub(super) struct Earliest(Option<u64>);

impl Earliest {
    pub(super) fn see(&mut self, deadline: Option<u64>) {
        if let Some(deadline) = deadline {
            self.0 = Some(self.0.map_or(deadline, |earliest| earliest.min(deadline)));
        }
    }
}

impl<P: Clone + Default> Client<P> {
    /// When [`handle_timeout`](Self::handle_timeout) is to be called; `None`: nothing waits. Ask again
    /// after each call of a method that says so, and after `handle_timeout` itself. It may be too early, when
    /// what waited has been settled meanwhile.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        let mut earliest = Earliest(self.pushes.deadline());
        self.connection_deadlines(&mut earliest);
        for channel in self.channels.iter() {
            channel.deadlines(&mut earliest);
        }
        earliest.0
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
