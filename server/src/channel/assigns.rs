use std::sync::Arc;

use http::Extensions;

/// Values that belong to a socket, one of each type: who the user is, what the channel has worked out.
///
/// What [`Connected::assign`](crate::Connected::assign) stored is seen by all channels of the connection.
/// What a channel stores is its own, and hides the connection's value of the same type.
///
/// ```
/// # use herenow::Socket;
/// #[derive(Clone)]
/// struct UserId(String);
///
/// # fn example(socket: &mut Socket<()>) {
/// socket.assigns_mut().insert(UserId("1".into()));
/// let user = socket.assigns().get::<UserId>().map(|user| user.0.as_str());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Assigns {
    connection: Arc<Extensions>,
    /// Takes one pointer until something is stored.
    own: Extensions,
}

impl Assigns {
    pub(crate) fn new(connection: Arc<Extensions>) -> Self {
        let own = Extensions::new();
        Self { connection, own }
    }

    /// The value of this type.
    #[must_use]
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<&T> {
        self.own.get().or_else(|| self.connection.get())
    }

    /// Stores a value, for this channel only. Returns the channel's own previous value of the type.
    pub fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) -> Option<T> {
        self.own.insert(value)
    }
}
