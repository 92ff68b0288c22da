//! The socket as its users have it.

use std::fmt;
use std::rc::Rc;

use herenow_core::client::{Close, ConnectionState};
use serde::Serialize;

use super::driver::Driver;
use super::{AddressError, Channel, SocketBuilder, Stream, Subscription};

/// A connection to a server, shared by any number of channels. It is made again whenever it is lost.
///
/// A clone is the same socket. The connection closes when the last clone and the last channel are gone.
#[derive(Clone)]
pub struct Socket(pub(super) Rc<Driver>);

impl Socket {
    /// A socket for this address: `wss://example.com/socket` in full, or `/socket` for the host of the page.
    pub fn builder(endpoint: impl Into<String>) -> SocketBuilder {
        SocketBuilder::new(endpoint.into())
    }

    /// Connects, where [`disconnect`](Self::disconnect) was called or nothing yet. Does nothing otherwise.
    ///
    /// # Errors
    ///
    /// If the address is of no use.
    pub fn connect(&self) -> Result<(), AddressError> {
        self.0.connect()
    }

    /// Closes the connection, and does not make it again before [`connect`](Self::connect). Channels then
    /// join again.
    pub fn disconnect(&self) {
        self.0
            .step(|client, now| client.disconnect(now, Close::default()));
    }

    /// How the connection is.
    pub fn state(&self) -> ConnectionState {
        self.0.read(|client| client.connection_state())
    }

    /// Calls back when the connection has opened, failed or closed, with its state then.
    pub fn on_state(&self, mut callback: impl FnMut(ConnectionState) + 'static) -> Subscription {
        self.0.states().subscribe(move |state| callback(*state))
    }

    /// The states that [`on_state`](Self::on_state) tells, as a stream.
    pub fn states(&self) -> Stream<ConnectionState> {
        self.0.states().stream(|state| Some(*state))
    }

    /// A channel for this topic, which is not joined yet. `params` go out with each of its joins.
    ///
    /// # Errors
    ///
    /// If the params cannot be written as JSON, as a map whose keys are no strings.
    pub fn channel(
        &self,
        topic: &str,
        params: &(impl Serialize + ?Sized),
    ) -> Result<Channel, serde_json::Error> {
        let params = serde_json::to_string(params)?;
        Ok(Channel::new(&self.0, topic, params))
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Socket").field(&self.state()).finish()
    }
}
