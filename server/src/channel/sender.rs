use std::fmt;
use std::sync::Arc;

use super::ChannelId;

/// Sends messages to a channel's [`handle_info`](super::Channel::handle_info), from anywhere: other channels,
/// tasks, threads without a runtime. Cheap to clone.
///
/// It does not keep the channel going: once that has ended, [`send`](Self::send) gives the message back.
pub struct Sender<Info>(Arc<dyn Inbox<Info>>);

/// A channel as seen by those who send it messages.
pub(super) trait Inbox<Info>: Send + Sync {
    fn send_info(self: Arc<Self>, info: Info) -> Result<(), Info>;
    fn channel_id(&self) -> ChannelId;
}

impl<Info> Sender<Info> {
    pub(super) fn new(inbox: Arc<dyn Inbox<Info>>) -> Self {
        Self(inbox)
    }

    /// Sends `info`. It never waits; a channel that has ended gives the message back.
    pub fn send(&self, info: Info) -> Result<(), Info> {
        Arc::clone(&self.0).send_info(info)
    }

    /// The channel that gets the messages.
    #[must_use]
    pub fn channel_id(&self) -> ChannelId {
        self.0.channel_id()
    }
}

impl<Info> Clone for Sender<Info> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Info> fmt::Debug for Sender<Info> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.channel_id()).finish()
    }
}
