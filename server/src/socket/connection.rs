use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use herenow_core::protocol::Vsn;
use http::Extensions;
use tokio::runtime::Handle;

use super::outbox::Outbox;
use super::{Close, Context, Frame};
use crate::PubSub;
use crate::channel::{AnyChannel, ChannelId, Link};
use crate::sync::lock;

/// A client as the rest of the node sees it.
pub(crate) struct Connection {
    /// From the same sequence as the channels', because a socket with an id is a subscriber too.
    id: ChannelId,
    vsn: Vsn,
    assigns: Arc<Extensions>,
    context: Arc<Context>,
    /// Where channels work that have to wait; messages to them also come from threads without a runtime.
    runtime: Handle,
    /// A lock of its own, since every broadcast takes it.
    outbox: Mutex<Outbox>,
    /// The joined channels; `None` when the connection has ended.
    channels: Mutex<Option<Channels>>,
    /// Bytes of the client's messages that wait for a channel.
    unhandled: AtomicUsize,
}

type Channels = HashMap<Arc<str>, Arc<dyn AnyChannel>>;

impl Connection {
    /// # Panics
    /// Outside a tokio runtime.
    pub(super) fn new(context: &Arc<Context>, vsn: Vsn, assigns: Extensions) -> Self {
        Self {
            id: ChannelId::next(),
            vsn,
            assigns: Arc::new(assigns),
            runtime: Handle::current(),
            outbox: Mutex::new(Outbox::new(context.limits.max_queue_bytes)),
            channels: Mutex::new(Some(Channels::new())),
            unhandled: AtomicUsize::new(0),
            context: Arc::clone(context),
        }
    }

    pub(crate) fn id(&self) -> ChannelId {
        self.id
    }

    pub(crate) fn vsn(&self) -> Vsn {
        self.vsn
    }

    pub(crate) fn assigns(&self) -> Arc<Extensions> {
        Arc::clone(&self.assigns)
    }

    pub(crate) fn pubsub(&self) -> &PubSub {
        &self.context.pubsub
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.runtime.spawn(work));
    }

    // The way out.

    /// Queues a frame; `None` (a message that cannot be encoded) is nothing.
    pub(crate) fn send(&self, frame: Option<Frame>) {
        let Some(frame) = frame else { return };
        let mut outbox = self.outbox();
        let wake = outbox.push(frame);
        let dropped = outbox.take_dropped();
        drop(outbox);
        wake.wake();
        if dropped > 0 {
            self.context.counters.dropped_diffs.add(dropped.into());
        }
    }

    /// Has the transport close the connection.
    pub(crate) fn close(&self, close: Close) {
        let wake = self.outbox().close(close);
        wake.wake();
    }

    /// The connection is gone: whatever is still sent goes nowhere.
    pub(super) fn discard(&self) {
        self.close(Close::GONE);
    }

    pub(crate) fn forget_stale(&self, topic: &str) {
        self.outbox().forget_stale(topic);
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.outbox)
    }

    // The channels.

    /// Adds a channel that has been joined. `false` if the connection has ended.
    pub(crate) fn enter(&self, channel: Arc<dyn AnyChannel>) -> bool {
        let mut channels = lock(&self.channels);
        let Some(channels) = &mut *channels else {
            return false;
        };
        let topic = Arc::clone(&channel.link().topic);
        channels.insert(topic, channel);
        self.context.counters.channels.add(1);
        true
    }

    /// Forgets a channel that has ended.
    pub(crate) fn remove(&self, link: &Link) {
        let mut channels = lock(&self.channels);
        let Some(channels) = &mut *channels else {
            return;
        };
        if let Entry::Occupied(entry) = channels.entry(Arc::clone(&link.topic))
            && entry.get().link().id == link.id
        {
            entry.remove();
            self.context.counters.channels.sub(1);
        }
    }

    pub(super) fn channel(&self, topic: &str) -> Option<Arc<dyn AnyChannel>> {
        lock(&self.channels).as_ref()?.get(topic).cloned()
    }

    pub(super) fn channel_count(&self) -> usize {
        lock(&self.channels).as_ref().map_or(0, HashMap::len)
    }

    /// Takes all channels, and no more from now on.
    pub(super) fn end_channels(&self) -> Vec<Arc<dyn AnyChannel>> {
        let channels = lock(&self.channels).take().unwrap_or_default();
        self.context.counters.channels.sub(channels.len() as u64);
        channels.into_values().collect()
    }

    // The limit of what a client may send ahead of its channels.

    pub(super) fn admit(&self, cost: usize) {
        self.unhandled.fetch_add(cost, Ordering::AcqRel);
    }

    pub(crate) fn release(&self, cost: usize) {
        if cost == 0 {
            return;
        }
        let limit = self.context.limits.max_inbox_bytes;
        let before = self.unhandled.fetch_sub(cost, Ordering::AcqRel);
        if before > limit && before - cost <= limit {
            let wake = self.outbox().wake();
            wake.wake();
        }
    }

    /// Whether the transport should stop reading until channels have caught up.
    pub(super) fn is_backlogged(&self) -> bool {
        self.unhandled.load(Ordering::Acquire) > self.context.limits.max_inbox_bytes
    }
}
