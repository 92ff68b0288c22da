//! What a socket is made with.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use herenow_core::client::{Config, Schedule};
use serde::Serialize;

use super::backoff::{self, Delays, JITTER};
use super::browser::Browser;
use super::driver::Driver;
use super::host::Host;
use super::{AddressError, Problem, Socket, address};

/// Query parameters, asked for before each connection.
type Params = Box<dyn Fn() -> Vec<(String, String)>>;

/// Hears of problems.
type OnProblem = Box<dyn Fn(&Problem)>;

/// What can be set.
pub(super) struct Options {
    pub(super) endpoint: String,
    pub(super) params: Vec<Params>,
    pub(super) token: Option<Box<dyn Fn() -> String>>,
    pub(super) config: Config,
    pub(super) reconnect_after: Delays,
    pub(super) rejoin_after: Delays,
    pub(super) jitter: f64,
    pub(super) on_problem: Option<OnProblem>,
}

/// Makes a [`Socket`]: [`Socket::builder`] begins, [`connect`](Self::connect) ends.
#[must_use = "a builder does nothing before `connect`"]
pub struct SocketBuilder(Options);

impl SocketBuilder {
    pub(super) fn new(endpoint: String) -> Self {
        Self(Options {
            endpoint,
            params: Vec::new(),
            token: None,
            config: Config {
                reconnect_after: Schedule::Ask,
                rejoin_after: Schedule::Ask,
                ..Config::default()
            },
            reconnect_after: backoff::scheduled(Schedule::RECONNECT),
            rejoin_after: backoff::scheduled(Schedule::REJOIN),
            jitter: JITTER,
            on_problem: None,
        })
    }

    /// A query parameter of the connection.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let pair = (name.into(), value.into());
        self.0.params.push(Box::new(move || vec![pair.clone()]));
        self
    }

    /// Query parameters: the fields of `params`, nested ones as `a[b]=c`. What is `None` is left out.
    ///
    /// # Errors
    ///
    /// If they cannot be written as JSON, as a map whose keys are no strings.
    pub fn params(mut self, params: &impl Serialize) -> Result<Self, serde_json::Error> {
        let pairs = address::pairs(&serde_json::to_value(params)?);
        self.0.params.push(Box::new(move || pairs.clone()));
        Ok(self)
    }

    /// Query parameters that are asked for before each connection.
    pub fn params_with(mut self, params: impl Fn() -> Vec<(String, String)> + 'static) -> Self {
        self.0.params.push(Box::new(params));
        self
    }

    /// A token for the server's `auth_token`. It travels as a WebSocket subprotocol, not in the address.
    pub fn auth_token(self, token: impl Into<String>) -> Self {
        let token = token.into();
        self.auth_token_with(move || token.clone())
    }

    /// A token that is asked for before each connection, for those that expire.
    pub fn auth_token_with(mut self, token: impl Fn() -> String + 'static) -> Self {
        self.0.token = Some(Box::new(token));
        self
    }

    /// How long joins and pushes wait for an answer. 10 s if not set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.config.timeout = millis(timeout);
        self
    }

    /// How long after the last answer a heartbeat is sent, and how long it may stay unanswered. 30 s if not
    /// set.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.0.config.heartbeat_interval = millis(interval);
        self
    }

    /// How long to wait before the try with this number (the first is 1) to connect again. From 10 ms to
    /// 5 s if not set.
    pub fn reconnect_after(mut self, delay: impl Fn(u32) -> Duration + 'static) -> Self {
        self.0.reconnect_after = Box::new(delay);
        self
    }

    /// How long to wait before the try with this number to join a channel again. From 1 s to 10 s if not set.
    pub fn rejoin_after(mut self, delay: impl Fn(u32) -> Duration + 'static) -> Self {
        self.0.rejoin_after = Box::new(delay);
        self
    }

    /// By how much of itself each of those delays may be shortened, at random: [`JITTER`] if not set, at
    /// most 1, and not at all with 0.
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.0.jitter = jitter;
        self
    }

    /// Called with what goes wrong where nobody waits for an answer. If not set, it is a warning on the
    /// console.
    pub fn on_problem(mut self, tell: impl Fn(&Problem) + 'static) -> Self {
        self.0.on_problem = Some(Box::new(tell));
        self
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// If the address is of no use. That there is no server, say, is no error: the socket goes on trying.
    pub fn connect(self) -> Result<Socket, AddressError> {
        let socket = self.build();
        socket.connect()?;
        Ok(socket)
    }

    /// A socket that is not connected yet.
    #[must_use]
    pub fn build(self) -> Socket {
        self.build_in(Rc::new(Browser::new()))
    }

    pub(super) fn build_in(self, host: Rc<dyn Host>) -> Socket {
        Socket(Driver::new(host, self.0))
    }
}

impl fmt::Debug for SocketBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SocketBuilder")
            .field(&self.0.endpoint)
            .finish()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
