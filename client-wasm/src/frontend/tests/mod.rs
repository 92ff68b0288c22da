//! The whole front end against a made-up host: its clock stands still until a test moves it, and its transports are
//! lists of what was sent.

mod channels;
mod connections;
#[cfg(not(target_arch = "wasm32"))]
mod histories;
mod presences;
mod values;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use super::host::{Host, Kept, Location, OnPage, OnReport, PageEvent, Report, Transport};
use super::{Socket, SocketBuilder};

/// What a transport did and was told.
struct Wire {
    url: String,
    protocols: Vec<String>,
    sent: RefCell<Vec<String>>,
    closed: Cell<bool>,
    report: OnReport,
    /// Whether the socket still has it.
    is_held: Weak<()>,
}

struct FakeTransport {
    wire: Rc<Wire>,
    _held: Rc<()>,
}

/// Something that wakes when the clock gets there, unless it was dropped.
struct Alarm {
    at: u64,
    wake: RefCell<Option<Box<dyn FnOnce()>>>,
}

#[derive(Default)]
struct World {
    now: Cell<u64>,
    random: Cell<f64>,
    is_hidden: Cell<bool>,
    location: RefCell<Option<Location>>,
    refuses: Cell<bool>,
    wires: RefCell<Vec<Rc<Wire>>>,
    alarms: RefCell<Vec<Weak<Alarm>>>,
    page: RefCell<Option<OnPage>>,
    warnings: RefCell<Vec<String>>,
}

/// The world, as a socket sees it.
struct FakeHost(Rc<World>);

impl Host for FakeHost {
    fn now(&self) -> u64 {
        self.0.now.get()
    }

    fn random(&self) -> f64 {
        self.0.random.get()
    }

    fn location(&self) -> Option<Location> {
        self.0.location.borrow().clone()
    }

    fn is_hidden(&self) -> bool {
        self.0.is_hidden.get()
    }

    fn wake_after(&self, delay: u64, wake: Box<dyn FnOnce()>) -> Kept {
        let alarm = Rc::new(Alarm {
            at: self.now() + delay,
            wake: RefCell::new(Some(wake)),
        });
        self.0.alarms.borrow_mut().push(Rc::downgrade(&alarm));
        Box::new(alarm)
    }

    fn watch_page(&self, tell: OnPage) -> Kept {
        self.0.page.replace(Some(tell));
        struct Watch(Rc<World>);
        impl Drop for Watch {
            fn drop(&mut self) {
                self.0.page.take();
            }
        }
        Box::new(Watch(self.0.clone())) as Box<dyn Any>
    }

    fn open(
        &self,
        url: &str,
        protocols: &[String],
        report: OnReport,
    ) -> Result<Box<dyn Transport>, String> {
        if self.0.refuses.get() {
            return Err("no such scheme".to_owned());
        }
        let held = Rc::new(());
        let wire = Rc::new(Wire {
            url: url.to_owned(),
            protocols: protocols.to_vec(),
            sent: RefCell::default(),
            closed: Cell::new(false),
            report,
            is_held: Rc::downgrade(&held),
        });
        self.0.wires.borrow_mut().push(wire.clone());
        Ok(Box::new(FakeTransport { wire, _held: held }))
    }

    fn warn(&self, text: &str) {
        self.0.warnings.borrow_mut().push(text.to_owned());
    }
}

impl Transport for FakeTransport {
    fn send_text(&self, text: &str) -> Result<(), String> {
        self.wire.sent.borrow_mut().push(text.to_owned());
        Ok(())
    }

    fn send_binary(&self, bytes: &[u8]) -> Result<(), String> {
        self.wire.sent.borrow_mut().push(format!("{bytes:?}"));
        Ok(())
    }

    fn close(&self, _code: Option<u16>, _reason: &str) {
        self.wire.closed.set(true);
    }

    fn is_closing(&self) -> bool {
        self.wire.closed.get()
    }
}

impl World {
    /// Connects a socket in a world of its own. Its builder can be changed first.
    fn socket_with(change: impl FnOnce(SocketBuilder) -> SocketBuilder) -> (Rc<Self>, Socket) {
        let world = Rc::new(Self::default());
        let builder = change(Socket::builder("ws://here/socket").param("user_id", "alice"));
        let socket = builder.build_in(Rc::new(FakeHost(world.clone())));
        socket.connect().expect("the world takes any address");
        (world, socket)
    }

    fn socket() -> (Rc<Self>, Socket) {
        Self::socket_with(|builder| builder)
    }

    /// The connection made last.
    fn wire(&self) -> Rc<Wire> {
        self.wires
            .borrow()
            .last()
            .expect("it has connected")
            .clone()
    }

    fn open(&self) {
        (self.wire().report)(Report::Opened);
    }

    fn close(&self) {
        let wire = self.wire();
        wire.closed.set(true);
        (wire.report)(Report::Closed);
    }

    fn receive(&self, frame: &str) {
        (self.wire().report)(Report::Text(frame.to_owned()));
    }

    /// The server answers a join or push.
    fn reply(&self, join_ref: u64, reference: u64, status: &str, response: &str) {
        self.receive(&format!(
            r#"["{join_ref}","{reference}","room:a","phx_reply",{{"status":"{status}","response":{response}}}]"#
        ));
    }

    /// The server sends an event to the room.
    fn event(&self, event: &str, payload: &str) {
        self.receive(&format!(r#"[null,null,"room:a","{event}",{payload}]"#));
    }

    /// What was sent and not looked at yet.
    fn sent(&self) -> Vec<String> {
        self.wire().sent.take()
    }

    fn page(&self, event: PageEvent) {
        let tell = self.page.borrow().clone().expect("the page is watched");
        tell(event);
    }

    /// Lets so much time pass, with everything that is due on the way.
    fn pass(&self, ms: u64) {
        let end = self.now.get() + ms;
        loop {
            let alarms: Vec<_> = self
                .alarms
                .borrow()
                .iter()
                .filter_map(Weak::upgrade)
                .collect();
            let due = alarms
                .iter()
                .filter(|alarm| alarm.at <= end && alarm.wake.borrow().is_some());
            let Some(alarm) = due.min_by_key(|alarm| alarm.at).cloned() else {
                break;
            };
            drop(alarms);
            self.now.set(self.now.get().max(alarm.at));
            let wake = alarm.wake.take();
            drop(alarm);
            wake.expect("it was there")();
        }
        self.now.set(end);
    }
}

/// What a future has come to, if it has.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// A list that callbacks write to.
fn log<T: 'static>() -> (Rc<RefCell<Vec<T>>>, impl Fn(T) + Clone + 'static) {
    let log = Rc::new(RefCell::new(Vec::new()));
    let written = log.clone();
    (log, move |line| written.borrow_mut().push(line))
}
