//! Long polling: sockets for clients whose network lets no WebSocket through.
//!
//! A client asks for messages with one request after another, each of which waits until there are some (a
//! *poll*), and sends its own in bodies of up to [`MAX_MESSAGES`] (a *post*). What ties the requests
//! together is a [token](token::Token). Behind it a task of its own, the [driver], owns the client's
//! session; requests reach it through channels and wait for its answers, so that nothing here is locked but
//! the list of sessions, for a look-up.
//!
//! A poll that is given up takes no messages along, and an answer whose successor token never comes back is
//! given again: see [`Mail`](mail::Mail). There are no binary messages to a client, as in Phoenix: they are
//! dropped, with a warning at the first.
//!
//! This is the transport and its bodies; which request gets which answer, the endpoint decides.

mod body;
mod driver;
mod mail;
mod requests;
mod sessions;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use body::{BodyError, read_messages};
pub(crate) use requests::{Gone, Polled, Posted, Requests};
pub(crate) use sessions::LongPolls;
pub(crate) use token::{Token, take_token};

/// How many messages of one body are handled, as in Phoenix. phoenix.js sends no more.
const MAX_MESSAGES: usize = 100;

/// How many bytes of messages one answer has, or one message that is larger. What is left comes with the
/// next, which the client asks for at once; so a slow network makes progress in steps that it can take.
const MAX_ANSWER_BYTES: usize = 256 << 10;
