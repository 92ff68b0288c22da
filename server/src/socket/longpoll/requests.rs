//! How a request reaches the session that it is about, and how the answer comes back.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::body::Received;
use super::mail::Delivery;
use crate::socket::Frame;

/// The way to a session. When the session has ended, everything comes back [`Gone`].
#[derive(Clone)]
pub(crate) struct Requests {
    polls: mpsc::Sender<Poll>,
    /// Holds one, and a place in it is taken before the body is read: so a session has two bodies in
    /// memory at most, this one and the one being handled.
    posts: mpsc::Sender<Post>,
}

/// The session's end of it.
pub(super) struct Arriving {
    pub(super) polls: mpsc::Receiver<Poll>,
    pub(super) posts: mpsc::Receiver<Post>,
}

/// A client that waits for messages.
pub(super) struct Poll {
    /// The last answer that it has got.
    pub(super) seen: u32,
    /// How long it waits.
    pub(super) until: Instant,
    pub(super) reply: oneshot::Sender<Reply>,
}

pub(super) enum Reply {
    Messages(Delivery),
    /// The time is over.
    Nothing,
    /// A later poll has taken the place of this one.
    Superseded,
}

/// The messages of a client.
pub(super) struct Post {
    pub(super) messages: Vec<Received>,
    pub(super) reply: oneshot::Sender<Posted>,
}

/// What has become of the messages of a post.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    /// All have been taken.
    Handled,
    /// One took longer than the window. It goes on; those behind it are dropped.
    TimedOut,
}

/// What a poll comes to.
#[derive(Debug)]
pub(crate) enum Polled {
    /// There are messages, in the answer with this number.
    Messages(u32, Vec<Frame>),
    Nothing,
}

/// The session has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gone;

impl Requests {
    pub(super) fn new() -> (Self, Arriving) {
        let (polls, arriving_polls) = mpsc::channel(1);
        let (posts, arriving_posts) = mpsc::channel(1);
        let arriving = Arriving {
            polls: arriving_polls,
            posts: arriving_posts,
        };
        (Self { polls, posts }, arriving)
    }

    /// Waits for messages, up to `window`. Dropped before it is ready, it takes none.
    pub(crate) async fn poll(&self, seen: u32, window: Duration) -> Result<Polled, Gone> {
        let until = Instant::now() + window;
        let (reply, answer) = oneshot::channel();
        let poll = Poll { seen, until, reply };
        self.polls.send(poll).await.map_err(|_| Gone)?;
        match answer.await.map_err(|_| Gone)? {
            Reply::Messages(Delivery { answer, frames }) => Ok(Polled::Messages(answer, frames)),
            Reply::Nothing => Ok(Polled::Nothing),
            Reply::Superseded => {
                // Not answered at once: two pollers of one session would then chase each other.
                let ended = timeout_at(until, self.ended()).await;
                if ended.is_ok() {
                    Err(Gone)
                } else {
                    Ok(Polled::Nothing)
                }
            }
        }
    }

    /// Waits until the session has ended.
    pub(super) async fn ended(&self) {
        self.polls.closed().await;
    }

    /// Waits until the session can take another post.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, Gone> {
        self.posts.reserve().await.map(Turn).map_err(|_| Gone)
    }
}

impl Arriving {
    /// Takes no more requests, and has those that wait learn that the session is gone.
    pub(super) fn refuse(&mut self) {
        self.polls.close();
        self.posts.close();
        while self.polls.try_recv().is_ok() {}
        while self.posts.try_recv().is_ok() {}
    }
}

/// A place for a post, given back when dropped.
pub(crate) struct Turn<'a>(mpsc::Permit<'a, Post>);

impl Turn<'_> {
    /// Has the messages handled, whether or not the client waits for the result.
    pub(crate) async fn post(self, messages: Vec<Received>) -> Result<Posted, Gone> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Post { messages, reply });
        answer.await.map_err(|_| Gone)
    }
}
