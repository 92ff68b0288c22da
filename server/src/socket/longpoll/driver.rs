//! The task of a long poll session: takes requests, answers them and watches the clock, all in one poll.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::str;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::body::Received;
use super::mail::Mail;
use super::requests::{self, Arriving, Post, Posted, Reply};
use super::sessions::Entry;
use crate::Limits;
use crate::socket::session::{Busy, Resync};
use crate::socket::{Close, Connection, Session};

pub(super) struct Driver {
    session: Session,
    /// Given up before the channels end, so that no request comes too late to be answered.
    entry: Option<Entry>,
    arriving: Arriving,
    /// The client's poll, if it waits.
    poll: Option<requests::Poll>,
    /// When the last poll ended, or the session began. What matters while there is no poll.
    last_poll: Instant,
    /// The post that is being handled.
    post: Option<Handling>,
    /// A join that goes on. No message is handled meanwhile.
    busy: Option<Busy>,
    /// A state that is being made for a client that missed diffs, and since when. It goes out before
    /// anything that is still queued.
    resync: Option<(Resync, Instant)>,
    mail: Mail,
}

struct Handling {
    messages: std::vec::IntoIter<Received>,
    reply: oneshot::Sender<Posted>,
    /// Since when it has waited for the message in progress.
    since: Instant,
}

impl Driver {
    pub(super) fn new(session: Session, entry: Entry, arriving: Arriving) -> Self {
        Self {
            session,
            entry: Some(entry),
            arriving,
            poll: None,
            last_poll: Instant::now(),
            post: None,
            busy: None,
            resync: None,
            mail: Mail::default(),
        }
    }

    /// Runs until the session has ended.
    pub(super) async fn run(&mut self) {
        let close = self.until_closed().await;
        // On the heap, since it needs more room than all that goes before and that lasts so much longer.
        Box::pin(self.end(close)).await;
    }

    async fn until_closed(&mut self) -> Close {
        let mut timer = pin!(sleep_until(self.deadline()));
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(close) = self.poll(cx) {
                    return Poll::Ready(close);
                }
                // Deadlines mostly move away. The timer learns of that when it fires.
                let deadline = self.deadline();
                if timer.is_elapsed() || deadline < timer.deadline() {
                    timer.as_mut().reset(deadline);
                }
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                if let Some(close) = self.overdue() {
                    return Poll::Ready(close);
                }
            }
        })
        .await
    }

    /// Ends the channels. Requests that wait learn that the session is gone.
    async fn end(&mut self, close: Close) {
        close.log(self.connection().id());
        self.entry = None;
        self.arriving.refuse();
        self.poll = None;
        self.post = None;
        // A join that was going on is cut off: there is nobody left to join.
        self.busy = None;
        self.resync = None;
        self.session.end().await;
    }

    fn connection(&self) -> &Connection {
        self.session.connection()
    }

    fn limits(&self) -> &Limits {
        &self.connection().context().limits
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Close> {
        loop {
            if let Some(close) = self.connection().outbox().closing() {
                return Poll::Ready(close);
            }
            self.take_polls(cx);
            if let Err(close) = self.handle_posts(cx) {
                return Poll::Ready(close);
            }
            self.answer(cx);
            let was_backlogged = self.busy.is_none() && self.connection().is_backlogged();
            let can_send = self.poll.is_some() && self.resync.is_none();
            let parked = self.connection().outbox().park(cx.waker(), can_send);
            // Now that a wake would arrive, what was in the way may be gone already.
            let is_free_again = was_backlogged && !self.connection().is_backlogged();
            if parked && !is_free_again {
                return Poll::Pending;
            }
        }
    }

    /// The newest poll is the one that is answered: an older one may be that of a lost connection.
    fn take_polls(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(poll)) = self.arriving.polls.poll_recv(cx) {
            self.mail.acknowledge(poll.seen);
            if let Some(older) = self.poll.replace(poll) {
                // Its client may be gone.
                let _ = older.reply.send(Reply::Superseded);
            }
        }
        if let Some(poll) = &mut self.poll
            && poll.reply.poll_closed(cx).is_ready()
        {
            self.poll = None;
            self.last_poll = Instant::now();
        }
    }

    /// Handles messages, one after another, as far as joins and channels let it.
    fn handle_posts(&mut self, cx: &mut Context<'_>) -> Result<(), Close> {
        loop {
            if self.post.is_none()
                && let Poll::Ready(Some(post)) = self.arriving.posts.poll_recv(cx)
            {
                self.post = Some(Handling::new(post));
            }
            self.poll_busy(cx);
            if self.busy.is_some() || self.connection().is_backlogged() {
                return Ok(());
            }
            let Some(post) = &mut self.post else {
                return Ok(());
            };
            match post.messages.next() {
                Some(message) => {
                    post.since = Instant::now();
                    self.handle(&message)?;
                }
                None => self.reply_to_post(Posted::Handled),
            }
        }
    }

    fn poll_busy(&mut self, cx: &mut Context<'_>) {
        if let Some(busy) = &mut self.busy
            && busy.as_mut().poll(cx).is_ready()
        {
            self.busy = None;
        }
    }

    fn handle(&mut self, message: &Received) -> Result<(), Close> {
        let (Received::Text(bytes) | Received::Binary(bytes)) = message;
        let counters = &self.connection().context().counters;
        counters.frames_in.add(1);
        counters.bytes_in.add(bytes.len() as u64);
        let handled = match message {
            Received::Text(bytes) => {
                let text = str::from_utf8(bytes).map_err(|_| Close::NOT_UTF8)?;
                self.session.receive_text(text)
            }
            Received::Binary(bytes) => self.session.receive_binary(bytes),
        };
        self.busy = handled.map_err(|error| {
            let connection = self.connection().id();
            tracing::warn!(%connection, %error, "received no valid message");
            Close::BAD_FRAME
        })?;
        Ok(())
    }

    fn reply_to_post(&mut self, result: Posted) {
        if let Some(post) = self.post.take() {
            // Its client may be gone.
            let _ = post.reply.send(result);
        }
    }

    /// Answers the poll, if there is one and something to answer it with.
    fn answer(&mut self, cx: &mut Context<'_>) {
        if self.poll.is_none() {
            return self.poll_resync(cx);
        }
        self.collect(cx);
        if self.mail.is_empty() {
            return;
        }
        let delivery = self.mail.next_answer();
        let sizes = delivery.frames.iter().map(|frame| frame.wire().len());
        let (frames, bytes) = (sizes.len() as u64, sizes.sum::<usize>() as u64);
        if self.reply_to_poll(Reply::Messages(delivery)) {
            self.mail.sent();
            let counters = &self.connection().context().counters;
            counters.frames_out.add(frames);
            counters.bytes_out.add(bytes);
        }
    }

    /// Collects what is queued, and then the states of topics whose diffs were withheld.
    fn collect(&mut self, cx: &mut Context<'_>) {
        loop {
            self.poll_resync(cx);
            if self.resync.is_some() {
                return;
            }
            let stale = {
                let mut outbox = self.session.connection().outbox();
                self.mail.add_from(&mut outbox);
                if self.mail.is_full() {
                    return;
                }
                outbox.next_stale()
            };
            let Some(topic) = stale else { return };
            let resync = self.session.resync(&topic);
            self.resync = resync.map(|resync| (resync, Instant::now()));
        }
    }

    fn poll_resync(&mut self, cx: &mut Context<'_>) {
        if let Some((resync, _)) = &mut self.resync
            && let Poll::Ready(state) = resync.as_mut().poll(cx)
        {
            self.resync = None;
            state.into_iter().for_each(|state| self.mail.add(state));
        }
    }

    /// Returns `false` if the client had gone away.
    fn reply_to_poll(&mut self, reply: Reply) -> bool {
        self.last_poll = Instant::now();
        let poll = self.poll.take();
        poll.is_some_and(|poll| poll.reply.send(reply).is_ok())
    }

    fn window(&self) -> Duration {
        self.limits().longpoll_window
    }

    /// When the session ends, unless it is polled before. Phoenix looks every 1.5 windows whether there was
    /// a poll in the 1.5 windows before.
    fn expiry(&self) -> Instant {
        self.last_poll + self.window() + self.window() / 2
    }

    fn deadline(&self) -> Instant {
        let poll = self.poll.as_ref().map_or(self.expiry(), |poll| poll.until);
        let post = self.post.as_ref().map(|post| post.since + self.window());
        let resync = self.resync_deadline();
        [post, resync]
            .into_iter()
            .flatten()
            .fold(poll, Instant::min)
    }

    fn resync_deadline(&self) -> Option<Instant> {
        let (_, since) = self.resync.as_ref()?;
        Some(*since + self.limits().write_timeout)
    }

    fn overdue(&mut self) -> Option<Close> {
        let now = Instant::now();
        let window = self.window();
        if self
            .post
            .as_ref()
            .is_some_and(|post| now >= post.since + window)
        {
            self.reply_to_post(Posted::TimedOut);
        }
        if self
            .resync_deadline()
            .is_some_and(|deadline| now >= deadline)
        {
            return Some(Close::NO_STATE);
        }
        match &self.poll {
            Some(poll) if now >= poll.until => {
                self.reply_to_poll(Reply::Nothing);
                None
            }
            Some(_) => None,
            None => (now >= self.expiry()).then_some(Close::EXPIRED),
        }
    }
}

impl Handling {
    fn new(post: Post) -> Self {
        Self {
            messages: post.messages.into_iter(),
            reply: post.reply,
            since: Instant::now(),
        }
    }
}
