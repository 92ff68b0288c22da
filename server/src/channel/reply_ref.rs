use std::fmt;
use std::sync::Arc;

use super::{Link, Reference, Reply};

/// A message from the client that is to be answered later, perhaps by another task: what `socket_ref` is
/// in Phoenix. Made by [`Socket::reply_ref`](super::Socket::reply_ref).
#[must_use = "the client waits for the reply"]
pub struct ReplyRef {
    link: Arc<Link>,
    reference: Reference,
}

impl ReplyRef {
    pub(super) fn new(link: Arc<Link>, reference: Reference) -> Self {
        Self { link, reference }
    }

    /// Answers. If the channel has ended meanwhile, the client ignores it, since the join it belongs to is
    /// over; if the connection has, it goes nowhere.
    pub fn reply(self, reply: Reply) {
        if let Some(answer) = reply.0 {
            let reference = self.reference.as_deref();
            self.link.reply(reference, answer.status, &answer.response);
        }
    }
}

impl fmt::Debug for ReplyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyRef")
            .field("topic", &self.link.topic)
            .field("ref", &self.reference)
            .finish()
    }
}
