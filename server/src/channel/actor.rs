//! A joined channel as an actor on demand.
//!
//! At rest a channel is its state in a mailbox. The first message takes the state out and works: within the
//! call that delivered it for as long as no callback has to wait, and from then on as a task, until nothing
//! is left. Whatever stops the work early (a panic, a cut-off task, the end of the runtime) drops the
//! [`Shift`], which ends the channel properly.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Waker};

use futures_util::FutureExt;
use futures_util::future::abortable;
use tokio::sync::oneshot;

use super::mailbox::{AnyChannel, Ended, Envelope, Incoming, Mailbox};
use super::sender::Inbox;
use super::{Channel, ChannelId, JoinError, Link, Payload, Reason, Reference, Reply, Socket, Stop};
use crate::sync::lock;
use crate::topics::Subscriber;

struct Actor<C: Channel> {
    link: Arc<Link>,
    mailbox: Mutex<Mailbox<C::Info, Live<C>>>,
}

/// The state of a channel.
struct Live<C: Channel> {
    channel: C,
    socket: Socket<C::Info>,
}

/// Joins: runs the callback, answers the client and leaves the channel at rest.
pub(super) async fn join<C: Channel>(
    make: impl FnOnce() -> C,
    link: Link,
    reference: Reference,
    params: Payload,
) {
    let link = Arc::new(link);
    match admit(make, &link, params).await {
        Ok((shift, response)) => shift.open(reference, &response),
        Err(JoinError { response }) => link.reply_to_join(reference.as_deref(), "error", &response),
    }
}

async fn admit<C: Channel>(
    make: impl FnOnce() -> C,
    link: &Arc<Link>,
    params: Payload,
) -> Result<(Shift<C>, Payload), JoinError> {
    let actor = Arc::new(Actor {
        link: Arc::clone(link),
        mailbox: Mutex::new(Mailbox::busy()),
    });
    let socket = Socket::joining(Arc::clone(link), actor.clone());
    let crashed = |panic: Box<dyn Any + Send>| {
        let (topic, panic) = (&link.topic, panic_message(&*panic));
        tracing::error!(%topic, panic, "join crashed");
        JoinError::reason("join crashed")
    };
    let channel = panic::catch_unwind(AssertUnwindSafe(make)).map_err(crashed)?;
    let mut shift = Shift {
        actor,
        live: Some(Box::new(Live { channel, socket })),
    };
    let Live { channel, socket } = shift.state();
    let join = AssertUnwindSafe(channel.join(&link.topic, params, socket));
    let response = join.catch_unwind().await.map_err(crashed)??;
    Ok((shift, response))
}

impl<C: Channel> Actor<C> {
    fn mailbox(&self) -> MutexGuard<'_, Mailbox<C::Info, Live<C>>> {
        lock(&self.mailbox)
    }

    /// The mailbox, unless the channel has ended.
    fn open_mailbox(&self) -> Option<MutexGuard<'_, Mailbox<C::Info, Live<C>>>> {
        let mailbox = self.mailbox();
        (!mailbox.ended).then_some(mailbox)
    }

    /// Works within this call for as long as nothing has to wait.
    fn work_here(self: &Arc<Self>, resting: Option<Box<Live<C>>>) {
        let Some(live) = resting else { return };
        let mut work = Box::pin(Arc::clone(self).work(live));
        // If it has to wait, the task polls it again at once, with a waker that does wake.
        let mut context = Context::from_waker(Waker::noop());
        if work.poll_unpin(&mut context).is_pending() {
            self.spawn(work);
        }
    }

    /// Works in a task: the caller may hold locks, or have no runtime.
    fn work_elsewhere(self: &Arc<Self>, resting: Option<Box<Live<C>>>) {
        if let Some(live) = resting {
            self.spawn(Arc::clone(self).work(live));
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let (work, handle) = abortable(work);
        // Before it runs, so that it cannot be over already. Not under the lock: a runtime that is shutting
        // down drops the work right here, and with it ends the channel.
        self.mailbox().task = Some(handle);
        self.link.connection.spawn(work.map(|_| ()));
    }

    async fn work(self: Arc<Self>, live: Box<Live<C>>) {
        let mut shift = Shift {
            actor: self,
            live: Some(live),
        };
        while let Some((envelope, live)) = shift.next() {
            match AssertUnwindSafe(live.handle(envelope)).catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(ending)) => return shift.end(ending),
                Err(panic) => return shift.crash(&*panic),
            }
        }
    }
}

impl<C: Channel> Live<C> {
    async fn handle(&mut self, envelope: Envelope<C::Info>) -> Result<(), Ending> {
        let Self { channel, socket } = self;
        let stop = match envelope {
            Envelope::In(message) => {
                socket.handling(message.reference);
                let result = channel
                    .handle_in(&message.event, message.payload, socket)
                    .await;
                let reference = socket.handled();
                let (reply, stop) = match result {
                    Ok(reply) => (reply, None),
                    Err(Stop { reason, reply }) => (reply, Some(reason)),
                };
                answer(socket.link(), reference.as_deref(), &reply);
                stop
            }
            Envelope::Out { event, payload } => {
                let result = channel.handle_out(&event, payload, socket).await;
                result.err().map(|stop| stop.reason)
            }
            Envelope::Info(info) => {
                let result = channel.handle_info(info, socket).await;
                result.err().map(|stop| stop.reason)
            }
            Envelope::Leave(reference) => {
                answer(
                    socket.link(),
                    reference.as_deref(),
                    &Reply::ok(Payload::empty()),
                );
                Some(Reason::Left)
            }
            Envelope::ShutDown { reason, done } => {
                channel.terminate(&reason, socket).await;
                let done = Some(done);
                return Err(Ending { reason, done });
            }
        };
        let Some(reason) = stop else { return Ok(()) };
        channel.terminate(&reason, socket).await;
        Err(Ending { reason, done: None })
    }
}

fn answer(link: &Link, reference: Option<&str>, reply: &Reply) {
    if let Some(answer) = &reply.0 {
        link.reply(reference, answer.status, &answer.response);
    }
}

/// How a channel has ended.
struct Ending {
    reason: Reason,
    /// Who waits for it.
    done: Option<oneshot::Sender<()>>,
}

/// What the client is told of the end.
enum Notice {
    Close,
    Error,
    /// Nothing: the connection is gone, or whoever ends the channel says it in its own time.
    Nothing,
}

/// Somebody's turn of working at a channel. Dropped with the state still in it, it has been cut off.
struct Shift<C: Channel> {
    actor: Arc<Actor<C>>,
    live: Option<Box<Live<C>>>,
}

impl<C: Channel> Shift<C> {
    /// Enters the channel into the connection and the topic, with the reply to the join in front of
    /// everything that comes from there.
    fn open(mut self, reference: Reference, response: &Payload) {
        let Some(mut live) = self.live.take() else {
            return;
        };
        let link = &self.actor.link;
        let held = live.socket.joined();
        let channel: Arc<dyn AnyChannel> = self.actor.clone();
        if !link.connection.enter(Arc::clone(&channel)) {
            self.live = Some(live);
            return;
        }
        let subscriber = if C::INTERCEPT.is_empty() {
            Subscriber::Channel(Arc::clone(&link.connection))
        } else {
            Subscriber::Intercepting(channel, C::INTERCEPT)
        };
        let pubsub = link.connection.pubsub();
        pubsub.subscribe_channel(&link.topic, link.id, subscriber, || {
            link.connection.forget_stale(&link.topic);
            link.reply_to_join(reference.as_deref(), "ok", response);
            for frame in held {
                link.connection.send(Some(frame));
            }
        });
        self.actor.work_here(Some(live));
    }

    /// The next message, or `None` after leaving the channel at rest.
    fn next(&mut self) -> Option<(Envelope<C::Info>, &mut Live<C>)> {
        let mut mailbox = self.actor.mailbox();
        let Some(envelope) = mailbox.queue.pop_front() else {
            mailbox.rest(self.live.take()?);
            return None;
        };
        drop(mailbox);
        self.actor.link.connection.release(envelope.cost());
        Some((envelope, self.state()))
    }

    fn state(&mut self) -> &mut Live<C> {
        let live = self.live.as_deref_mut();
        live.expect("whoever works at a channel has its state")
    }

    fn end(mut self, Ending { reason, done }: Ending) {
        let notice = match &reason {
            Reason::Left | Reason::Normal => Notice::Close,
            Reason::Closed | Reason::DuplicateJoin => Notice::Nothing,
            Reason::Error(why) => {
                tracing::warn!(topic = %self.actor.link.topic, why, "channel stopped with an error");
                Notice::Error
            }
        };
        self.finish(notice);
        if let Some(done) = done {
            // Whoever asked may have given up waiting.
            let _ = done.send(());
        }
    }

    fn crash(mut self, panic: &(dyn Any + Send)) {
        let (topic, panic) = (&self.actor.link.topic, panic_message(panic));
        tracing::error!(%topic, panic, "channel crashed");
        self.finish(Notice::Error);
    }

    /// Ends the channel. The client is told last, when a new join finds nothing of it left.
    fn finish(&mut self, notice: Notice) {
        let Some(mut live) = self.live.take() else {
            return;
        };
        let link = &self.actor.link;
        let unhandled = {
            let mut mailbox = self.actor.mailbox();
            mailbox.ended = true;
            mailbox.task = None;
            std::mem::take(&mut mailbox.queue)
        };
        link.connection
            .release(unhandled.iter().map(Envelope::cost).sum());
        link.connection.pubsub().unsubscribe(&link.topic, link.id);
        link.connection.remove(link);
        for hook in live.socket.take_hooks() {
            contain(link, "on_end hook", hook);
        }
        contain(link, "drop", || drop((live, unhandled)));
        match notice {
            Notice::Close => link.push_close(),
            Notice::Error => link.push_error(),
            Notice::Nothing => {}
        }
    }
}

impl<C: Channel> Drop for Shift<C> {
    fn drop(&mut self) {
        self.finish(Notice::Nothing);
    }
}

/// Runs code of the application whose panic must not keep the channel from ending.
fn contain(link: &Link, what: &str, run: impl FnOnce()) {
    if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(run)) {
        let (topic, panic) = (&link.topic, panic_message(&*panic));
        tracing::error!(%topic, panic, "{what} of a channel panicked");
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    if let Some(message) = panic.downcast_ref::<&str>() {
        message
    } else if let Some(message) = panic.downcast_ref::<String>() {
        message
    } else {
        "(no message)"
    }
}

impl<C: Channel> AnyChannel for Actor<C> {
    fn link(&self) -> &Arc<Link> {
        &self.link
    }

    fn deliver(self: Arc<Self>, message: Incoming) -> Result<(), Incoming> {
        let Some(mut mailbox) = self.open_mailbox() else {
            return Err(message);
        };
        let resting = mailbox.post(Envelope::In(message));
        drop(mailbox);
        self.work_here(resting);
        Ok(())
    }

    fn leave(self: Arc<Self>, reference: Reference) -> bool {
        let Some(mut mailbox) = self.open_mailbox() else {
            return false;
        };
        let resting = mailbox.post(Envelope::Leave(reference));
        drop(mailbox);
        self.work_here(resting);
        true
    }

    fn intercept(self: Arc<Self>, event: &Arc<str>, payload: &Payload) {
        let (event, payload) = (Arc::clone(event), payload.clone());
        let Some(mut mailbox) = self.open_mailbox() else {
            return;
        };
        let resting = mailbox.post(Envelope::Out { event, payload });
        drop(mailbox);
        self.work_elsewhere(resting);
    }

    fn shut_down(self: Arc<Self>, reason: Reason) -> Option<Ended> {
        let (done, ended) = oneshot::channel();
        let mut mailbox = self.open_mailbox()?;
        let resting = mailbox.post(Envelope::ShutDown { reason, done });
        drop(mailbox);
        self.work_here(resting);
        Some(ended)
    }

    fn kill(&self) {
        let task = self.mailbox().task.take();
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl<C: Channel> Inbox<C::Info> for Actor<C> {
    fn send_info(self: Arc<Self>, info: C::Info) -> Result<(), C::Info> {
        let Some(mut mailbox) = self.open_mailbox() else {
            return Err(info);
        };
        let resting = mailbox.post(Envelope::Info(info));
        drop(mailbox);
        self.work_elsewhere(resting);
        Ok(())
    }

    fn channel_id(&self) -> ChannelId {
        self.link.id
    }
}
