//! Drives [`Client`]: tells it what happens, carries out what it wants, and passes on what it has to say.
//!
//! A callback of the application may call anything, and so may what runs when a handle is dropped. So nothing is
//! borrowed while one runs, and what is asked for meanwhile is carried out when those before it are through.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::{Rc, Weak};

use futures_channel::oneshot;
use herenow_core::client::{
    ChannelId, ChannelState, Client, Close, ConnectionId, ConnectionState, Encoded, Event,
    Frame as Outgoing, MessageSpans, Outcome, Output, PushId, Timer,
};

use super::address::{self, AddressError};
use super::answer::Answer;
use super::backoff;
use super::builder::Options;
use super::host::{Host, Kept, PageEvent, Report, Transport};
use super::listeners::Listeners;
use super::payload::{Frame, Payload};
use super::problem::Problem;

/// One socket: its state machine, its connection, and whoever listens.
pub(super) struct Driver {
    me: Weak<Driver>,
    host: Rc<dyn Host>,
    options: Options,
    client: RefCell<Client>,
    transport: RefCell<Option<(ConnectionId, Rc<dyn Transport>)>>,
    /// For when it is set, and what keeps it going.
    timer: RefCell<Option<(u64, Kept)>>,
    _page: Kept,
    /// Frames that have not been read yet: one, unless a transport brings more while one is handled.
    inbox: RefCell<VecDeque<(ConnectionId, Frame)>>,
    /// Whether outputs are being carried out, further up the stack.
    is_busy: Cell<bool>,
    /// Why the latest connection could not even be tried.
    refused: RefCell<Option<AddressError>>,
    channels: RefCell<BTreeMap<ChannelId, Rc<Ears>>>,
    pushes: RefCell<HashMap<PushId, oneshot::Sender<Answer>>>,
    states: Listeners<ConnectionState>,
}

/// Who listens to a channel.
pub(super) struct Ears {
    pub(super) topic: String,
    /// The answer to the first join.
    joined: RefCell<Option<oneshot::Sender<Answer>>>,
    events: RefCell<HashMap<String, Rc<Listeners<Payload>>>>,
    pub(super) states: Listeners<ChannelState>,
}

impl Driver {
    pub(super) fn new(host: Rc<dyn Host>, options: Options) -> Rc<Self> {
        Rc::new_cyclic(|me: &Weak<Self>| {
            let told = me.clone();
            let page = host.watch_page(Rc::new(move |event| {
                if let Some(driver) = told.upgrade() {
                    driver.page(event);
                }
            }));
            Self {
                me: me.clone(),
                client: RefCell::new(Client::new(options.config.clone())),
                host,
                options,
                transport: RefCell::default(),
                timer: RefCell::default(),
                _page: page,
                inbox: RefCell::default(),
                is_busy: Cell::default(),
                refused: RefCell::default(),
                channels: RefCell::default(),
                pushes: RefCell::default(),
                states: Listeners::default(),
            }
        })
    }

    /// Looks something up.
    pub(super) fn read<R>(&self, read: impl FnOnce(&Client) -> R) -> R {
        read(&self.client.borrow())
    }

    /// Tells the client something, with the time, and carries out what it wants then.
    pub(super) fn step<R>(&self, tell: impl FnOnce(&mut Client, u64) -> R) -> R {
        let result = {
            let mut client = self.client.borrow_mut();
            // A transport may know that it is closing before it says so: what is sent then would be lost.
            if let Some((connection, transport)) = &*self.transport.borrow()
                && transport.is_closing()
            {
                client.transport_closing(*connection);
            }
            tell(&mut client, self.host.now())
        };
        self.settle();
        result
    }

    /// Connects. Fails if the address is wrong.
    pub(super) fn connect(&self) -> Result<(), AddressError> {
        self.step(|client, _| client.connect());
        self.refused.take().map_or(Ok(()), Err)
    }

    pub(super) fn states(&self) -> &Listeners<ConnectionState> {
        &self.states
    }

    pub(super) fn tell_problem(&self, problem: &Problem) {
        match &self.options.on_problem {
            Some(tell) => tell(problem),
            None => self.host.warn(&format!("herenow: {problem}")),
        }
    }

    /// A seed that nobody can guess.
    pub(super) fn seed(&self) -> u64 {
        let half = || (self.host.random() * f64::from(u32::MAX)) as u64;
        half() << 32 | half()
    }

    // Channels and pushes.

    pub(super) fn add_channel(&self, topic: &str, params: String) -> (ChannelId, Rc<Ears>) {
        let id = self.client.borrow_mut().channel(topic, params);
        let ears = Rc::new(Ears {
            topic: topic.to_owned(),
            joined: RefCell::default(),
            events: RefCell::default(),
            states: Listeners::default(),
        });
        self.channels.borrow_mut().insert(id, ears.clone());
        (id, ears)
    }

    /// Leaves the channel and forgets who listens to it.
    pub(super) fn drop_channel(&self, id: ChannelId) {
        self.step(|client, _| {
            client.leave(id);
            client.remove(id);
        });
        self.channels.borrow_mut().remove(&id);
    }

    pub(super) fn wait_for_push(&self, id: PushId) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.pushes.borrow_mut().insert(id, sender);
        receiver
    }

    // What happens outside.

    fn page(&self, event: PageEvent) {
        let is_hidden = self.host.is_hidden();
        self.step(|client, now| match event {
            PageEvent::Hidden => client.page_hidden(true),
            PageEvent::Online if is_hidden => {}
            PageEvent::Shown | PageEvent::Online => client.page_shown(now),
            PageEvent::Left => client.page_left(now),
            PageEvent::Returned => client.page_returned(),
        });
    }

    fn report(&self, connection: ConnectionId, report: Report) {
        let frame = match report {
            Report::Opened => {
                return self.step(|client, now| client.transport_opened(now, connection));
            }
            Report::Errored => {
                return self.step(|client, now| client.transport_errored(now, connection));
            }
            Report::Closed => {
                return self.step(|client, now| client.transport_closed(now, connection));
            }
            Report::Text(text) => Frame::Text(text.into()),
            Report::Binary(bytes) => Frame::Binary(bytes.into()),
        };
        self.inbox.borrow_mut().push_back((connection, frame));
        self.settle();
    }

    fn woken(&self) {
        self.timer.take();
        let is_hidden = self.host.is_hidden();
        self.step(|client, now| {
            client.page_hidden(is_hidden);
            client.handle_timeout(now);
        });
    }

    // What the client wants.

    /// Carries out all outputs, reads what came, and sets the timer.
    fn settle(&self) {
        if self.is_busy.replace(true) {
            return;
        }
        self.carry_out_all(None);
        while let Some((connection, frame)) = self.next_frame() {
            let spans = self.read_frame(connection, &frame);
            // What is said of the frame is used up before the next one.
            self.carry_out_all(Some((&frame, spans)));
        }
        self.is_busy.set(false);
        self.set_timer();
    }

    fn next_frame(&self) -> Option<(ConnectionId, Frame)> {
        self.inbox.borrow_mut().pop_front()
    }

    /// Tells the client of a frame. Returns where its parts stand.
    fn read_frame(&self, connection: ConnectionId, frame: &Frame) -> MessageSpans {
        let now = self.host.now();
        let mut client = self.client.borrow_mut();
        let received = match frame {
            Frame::Text(text) => {
                let received = client.received(now, connection, text);
                received.map_err(|error| error.to_string())
            }
            Frame::Binary(bytes) => {
                let received = client.received_binary(now, connection, bytes);
                received.map_err(|error| error.to_string())
            }
        };
        drop(client);
        match received {
            Ok(spans) => spans.unwrap_or_default(),
            Err(error) => {
                self.tell_problem(&Problem::Frame { error });
                MessageSpans::default()
            }
        }
    }

    fn carry_out_all(&self, frame: Option<(&Frame, MessageSpans)>) {
        while let Some(output) = self.next_output() {
            match output {
                Output::Connect(connection) => self.open(connection),
                Output::Send(frame) => self.send(&frame),
                Output::Close(connection, close) => self.close(connection, &close),
                Output::AskDelay(timer, tries) => self.answer_delay(timer, tries),
                Output::Event(event) => self.event(event, frame),
            }
        }
    }

    fn next_output(&self) -> Option<Output> {
        self.client.borrow_mut().poll_output()
    }

    fn open(&self, connection: ConnectionId) {
        // What is left of another connection is of no more interest.
        self.transport.take();
        self.refused.take();
        if let Err(error) = self.try_open(connection) {
            self.client.borrow_mut().transport_refused(connection);
            self.tell_problem(&Problem::Address(error.clone()));
            self.refused.replace(Some(error));
        }
    }

    fn try_open(&self, connection: ConnectionId) -> Result<(), AddressError> {
        let Options {
            endpoint,
            params,
            token,
            ..
        } = &self.options;
        let pairs = params.iter().flat_map(|params| params());
        let url = address::url(endpoint, &pairs.collect::<Vec<_>>(), self.host.location())?;
        let token = token.as_ref().map(|token| token());
        let protocols = address::protocols(token.as_deref());
        let me = self.me.clone();
        let report = Rc::new(move |report| {
            if let Some(driver) = me.upgrade() {
                driver.report(connection, report);
            }
        });
        let transport = self.host.open(&url, &protocols, report);
        let transport = transport.map_err(AddressError::Refused)?;
        self.transport.replace(Some((connection, transport.into())));
        Ok(())
    }

    fn send(&self, frame: &Outgoing) {
        let sent = match (frame.encode(), self.current_transport()) {
            (_, None) => Ok(()),
            (Ok(Encoded::Text(text)), Some(transport)) => transport.send_text(&text),
            (Ok(Encoded::Binary(bytes)), Some(transport)) => transport.send_binary(&bytes),
            (Err(error), Some(_)) => Err(error.to_string()),
        };
        if let Err(error) = sent {
            let (topic, event) = (frame.topic().to_owned(), frame.event.name().to_owned());
            self.tell_problem(&Problem::Send {
                topic,
                event,
                error,
            });
        }
    }

    fn current_transport(&self) -> Option<Rc<dyn Transport>> {
        let transport = self.transport.borrow();
        transport.as_ref().map(|(_, transport)| transport.clone())
    }

    fn close(&self, connection: ConnectionId, close: &Close) {
        let transport = self.transport.borrow();
        let transport = transport
            .as_ref()
            .filter(|(current, _)| *current == connection);
        if let Some((_, transport)) = transport.cloned() {
            transport.close(close.code, &close.reason);
        }
    }

    fn answer_delay(&self, timer: Timer, tries: u32) {
        let Options {
            reconnect_after,
            rejoin_after,
            jitter,
            ..
        } = &self.options;
        let delay = match timer {
            Timer::Reconnect => reconnect_after(tries),
            Timer::Rejoin(_) => rejoin_after(tries),
        };
        let delay = backoff::shortened(delay, *jitter, self.host.random());
        let now = self.host.now();
        self.client.borrow_mut().set_delay(now, timer, delay);
    }

    fn set_timer(&self) {
        let at = self.client.borrow().poll_timeout();
        let Some(at) = at else {
            self.timer.take();
            return;
        };
        if self
            .timer
            .borrow()
            .as_ref()
            .is_some_and(|(set, _)| *set == at)
        {
            return;
        }
        let me = self.me.clone();
        let wake = Box::new(move || {
            if let Some(driver) = me.upgrade() {
                driver.woken();
            }
        });
        let delay = at.saturating_sub(self.host.now());
        self.timer
            .replace(Some((at, self.host.wake_after(delay, wake))));
    }

    // What the client tells.

    fn event(&self, event: Event, frame: Option<(&Frame, MessageSpans)>) {
        match event {
            Event::Opened | Event::Failed | Event::Closed | Event::Disconnected(_) => {
                let state = self.client.borrow().connection_state();
                self.states.tell(&state);
            }
            Event::PushSettled { push, outcome, .. } => {
                let waiting = self.pushes.borrow_mut().remove(&push);
                if let Some(waiting) = waiting {
                    // It fails when nobody waits for the answer any more.
                    let _ = waiting.send(answer(outcome, frame));
                }
            }
            Event::JoinSettled { channel, outcome } => {
                self.with_ears(channel, |ears| ears.join_settled(answer(outcome, frame)));
                self.tell_state(channel);
            }
            Event::ChannelErrored { channel, .. } => self.tell_state(channel),
            Event::ChannelClosed { channel, .. } => {
                self.tell_state(channel);
                self.with_ears(channel, Ears::end);
            }
            Event::Message { channel } => {
                if let Some((frame, spans)) = frame {
                    self.with_ears(channel, |ears| ears.hear(frame, spans));
                }
            }
            Event::UnclaimedReply { .. } | Event::Pong { .. } => {}
        }
    }

    fn tell_state(&self, channel: ChannelId) {
        let state = self.client.borrow().channel_state(channel);
        self.with_ears(channel, |ears| ears.states.tell(&state));
    }

    fn with_ears(&self, channel: ChannelId, tell: impl FnOnce(&Ears)) {
        let ears = self.channels.borrow().get(&channel).cloned();
        if let Some(ears) = ears {
            tell(&ears);
        }
    }
}

impl Ears {
    pub(super) fn wait_for_join(&self) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.joined.replace(Some(sender));
        receiver
    }

    /// Those who listen to an event.
    pub(super) fn to(&self, event: &str) -> Rc<Listeners<Payload>> {
        let mut events = self.events.borrow_mut();
        events.entry(event.to_owned()).or_default().clone()
    }

    fn join_settled(&self, answer: Answer) {
        if let Some(waiting) = self.joined.take() {
            // It fails when nobody waits for the answer any more.
            let _ = waiting.send(answer);
        }
    }

    fn hear(&self, frame: &Frame, message: MessageSpans) {
        let event = frame.name(message.event);
        let listeners = self.events.borrow().get(&event).cloned();
        if let Some(listeners) = listeners {
            listeners.tell(&Payload::new(frame, message.payload));
        }
    }

    /// There will be nothing more to hear.
    fn end(&self) {
        self.joined.take();
        let events = self.events.take();
        for listeners in events.values() {
            listeners.clear();
        }
        self.states.clear();
    }
}

fn answer(outcome: Outcome, frame: Option<(&Frame, MessageSpans)>) -> Answer {
    match (outcome, frame) {
        (Outcome::Reply(status), Some((frame, spans))) => Answer::Reply {
            status,
            word: frame.name(spans.status),
            response: Payload::new(frame, spans.response),
        },
        _ => Answer::Timeout,
    }
}
