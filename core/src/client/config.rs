//! What can be set, and what it is when it is not.

use alloc::borrow::Cow;

use super::timeout::NEVER;

/// How long a join or a push waits for its reply, in ms.
pub const TIMEOUT: u64 = 10_000;

/// How long after the connection opened, and after each answered heartbeat, the next one is sent, in ms.
/// It is also how long that one may stay unanswered.
pub const HEARTBEAT_INTERVAL: u64 = 30_000;

/// How long a transport that was told to close is waited for before it is given up, in ms.
pub const CLOSE_WAIT: u64 = 1_500;

/// The delays of a [`Client`](super::Client), all in milliseconds. The default is that of phoenix.js.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long joins and pushes wait for a reply when they do not say so themselves: [`TIMEOUT`].
    pub timeout: u64,
    /// See [`HEARTBEAT_INTERVAL`].
    pub heartbeat_interval: u64,
    /// See [`CLOSE_WAIT`].
    pub close_wait: u64,
    /// When to connect again after the connection was lost: [`Schedule::RECONNECT`].
    pub reconnect_after: Schedule,
    /// When to join again after a join failed or a channel crashed: [`Schedule::REJOIN`].
    pub rejoin_after: Schedule,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: TIMEOUT,
            heartbeat_interval: HEARTBEAT_INTERVAL,
            close_wait: CLOSE_WAIT,
            reconnect_after: Schedule::RECONNECT,
            rejoin_after: Schedule::REJOIN,
        }
    }
}

/// The delay before each try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// `steps[0]` before the first try, `steps[1]` before the second, and so on; `then` before all that
    /// have no step.
    Steps {
        /// The delays of the first tries, in ms.
        steps: Cow<'static, [u64]>,
        /// The delay of all further tries, in ms.
        then: u64,
    },
    /// The driver decides each time: it is asked through
    /// [`Output::AskDelay`](super::Output::AskDelay) and answers with
    /// [`Client::set_delay`](super::Client::set_delay). This is the way to random delays, by which a
    /// crowd of clients does not come back all at once.
    Ask,
}

impl Schedule {
    /// phoenix.js's `reconnectAfterMs`.
    pub const RECONNECT: Self = Self::Steps {
        steps: Cow::Borrowed(&[10, 50, 100, 150, 200, 250, 500, 1000, 2000]),
        then: 5000,
    };

    /// phoenix.js's `rejoinAfterMs`.
    pub const REJOIN: Self = Self::Steps {
        steps: Cow::Borrowed(&[1000, 2000, 5000]),
        then: 10_000,
    };

    /// The delay before try number `tries` (the first is 1), if the schedule knows it itself.
    fn delay(&self, tries: u32) -> Option<u64> {
        match self {
            Self::Steps { steps, then } => {
                let index = tries.saturating_sub(1) as usize;
                Some(steps.get(index).copied().unwrap_or(*then))
            }
            Self::Ask => None,
        }
    }
}

/// A timer that counts how often it has fired since its last success.
#[derive(Debug)]
pub(super) struct Retry {
    tries: u32,
    at: u64,
    /// The driver has been asked for the delay.
    asked: bool,
}

impl Retry {
    pub(super) fn new() -> Self {
        Self {
            tries: 0,
            at: NEVER,
            asked: false,
        }
    }

    /// Starts the timer anew. If the driver has to be asked for the delay, this returns the number of
    /// the try to ask for.
    #[must_use]
    pub(super) fn schedule(&mut self, now: u64, schedule: &Schedule) -> Option<u32> {
        let tries = self.tries.saturating_add(1);
        self.cancel();
        match schedule.delay(tries) {
            Some(delay) => {
                self.at = now.saturating_add(delay);
                None
            }
            None => {
                self.asked = true;
                Some(tries)
            }
        }
    }

    /// The driver's answer. It counts only while it is waited for.
    pub(super) fn answer(&mut self, now: u64, delay: u64) {
        if core::mem::take(&mut self.asked) {
            self.at = now.saturating_add(delay);
        }
    }

    /// Stops the timer and keeps the count.
    pub(super) fn cancel(&mut self) {
        self.at = NEVER;
        self.asked = false;
    }

    /// Stops the timer and forgets the count.
    pub(super) fn reset(&mut self) {
        self.cancel();
        self.tries = 0;
    }

    pub(super) fn deadline(&self) -> u64 {
        self.at
    }

    /// Whether the time has come; if so, this counts as a try.
    pub(super) fn fire(&mut self, now: u64) -> bool {
        let due = self.at <= now;
        if due {
            self.tries = self.tries.saturating_add(1);
            self.cancel();
        }
        due
    }
}
