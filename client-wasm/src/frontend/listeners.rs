//! Who wants to hear of something: callbacks, until their subscription is dropped, and streams, until they
//! are.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_channel::mpsc;

/// The listeners to one kind of thing.
pub(super) struct Listeners<T: ?Sized>(RefCell<Vec<Listener<T>>>);

struct Listener<T: ?Sized> {
    hear: Rc<dyn Fn(&T)>,
    is_wanted: Box<dyn Fn() -> bool>,
}

impl<T: ?Sized> Default for Listeners<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: ?Sized + 'static> Listeners<T> {
    /// A callback that belongs to the subscription: dropping that drops it, with all that it holds on to.
    pub(super) fn subscribe(&self, callback: impl FnMut(&T) + 'static) -> Subscription {
        let callback = Rc::new(RefCell::new(callback));
        let (heard, wanted) = (Rc::downgrade(&callback), Rc::downgrade(&callback));
        self.add(
            move |thing| {
                if let Some(callback) = heard.upgrade() {
                    callback.borrow_mut()(thing);
                }
            },
            move || wanted.strong_count() > 0,
        );
        Subscription {
            _callback: callback,
        }
    }

    /// A stream of what `choose` makes of the things. It ends when the listeners are cleared or dropped.
    pub(super) fn stream<U: 'static>(
        &self,
        choose: impl Fn(&T) -> Option<U> + 'static,
    ) -> Stream<U> {
        let (sender, receiver) = mpsc::unbounded();
        let wanted = sender.clone();
        self.add(
            move |thing| {
                if let Some(chosen) = choose(thing) {
                    // It fails when the stream has just been dropped.
                    let _ = sender.unbounded_send(chosen);
                }
            },
            move || !wanted.is_closed(),
        );
        Stream(receiver)
    }

    fn add(&self, hear: impl Fn(&T) + 'static, is_wanted: impl Fn() -> bool + 'static) {
        let listener = Listener {
            hear: Rc::new(hear),
            is_wanted: Box::new(is_wanted),
        };
        self.prune();
        self.0.borrow_mut().push(listener);
    }

    /// Tells all that listen now. They may come and go meanwhile.
    pub(super) fn tell(&self, thing: &T) {
        self.prune();
        let hearing: Vec<_> = self.0.borrow().iter().map(|l| l.hear.clone()).collect();
        for hear in hearing {
            hear(thing);
        }
    }

    /// Ends the streams. Callbacks just hear nothing more.
    pub(super) fn clear(&self) {
        let listeners = self.0.take();
        drop(listeners);
    }

    fn prune(&self) {
        self.0
            .borrow_mut()
            .retain(|listener| (listener.is_wanted)());
    }
}

/// A callback's registration: dropping it ends the callback and releases what that holds.
///
/// As the callback belongs to the subscription, it may hold a [`Channel`](super::Channel) or a
/// [`Socket`](super::Socket) without keeping it for ever.
#[must_use = "the callback is never called once its subscription is dropped"]
pub struct Subscription {
    _callback: Rc<dyn Any>,
}

impl Subscription {
    /// Lets the callback be called for as long as the page lives, or until there is nothing more to hear.
    /// What it holds is never released.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription")
    }
}

/// What happens, one after the other. Works with the `StreamExt` of the `futures` crate, or by
/// [`next`](Self::next) alone.
///
/// It ends when the channel is left or closed. What has not been taken yet is kept, however much it is: drop a
/// stream that nobody reads any more.
#[derive(Debug)]
pub struct Stream<T>(mpsc::UnboundedReceiver<T>);

impl<T> Stream<T> {
    /// The next one, or `None` at the end.
    pub async fn next(&mut self) -> Option<T> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        futures_core::Stream::poll_next(Pin::new(&mut self.0), context)
    }
}

impl<T> futures_core::Stream for Stream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll(context)
    }
}
