//! The client against a small model of a server, over a network and with an application that do whatever
//! they like, and then behave.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use herenow_core::client::{
    ChannelId, ChannelState, Client, Close, Config, ConnectionId, ConnectionState, Event, Frame,
    FrameEvent, Output, PushId,
};
use proptest::prelude::*;

const TOPICS: [&str; 3] = ["a", "b", "c"];

/// One thing that happens. Numbers choose among what there is, modulo its count.
#[derive(Clone, Debug)]
enum Step {
    // the application
    Connect,
    Disconnect,
    Join { topic: usize },
    Leave { nth: usize },
    Push { nth: usize, timeout: u64 },
    Ping,
    // the page
    Hidden,
    Shown,
    Left,
    Returned,
    // the network
    Open,
    Fail,
    Closing,
    Lose,
    // the server
    Answer { fate: Fate },
    Crash { topic: usize },
    Close { topic: usize },
    Broadcast { topic: usize },
    // the clock
    Wait { ms: u64 },
}

/// What becomes of a frame that the server has received.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Ok,
    Refused,
    /// Nothing, and no reply.
    Ignored,
    /// What `Ok` does, but no reply.
    Unheard,
}

fn step() -> impl Strategy<Value = Step> {
    let topic = 0..TOPICS.len();
    let fate = prop_oneof![
        4 => Just(Fate::Ok),
        1 => Just(Fate::Refused),
        1 => Just(Fate::Ignored),
        1 => Just(Fate::Unheard),
    ];
    prop_oneof![
        2 => Just(Step::Connect),
        1 => Just(Step::Disconnect),
        4 => topic.clone().prop_map(|topic| Step::Join { topic }),
        2 => any::<usize>().prop_map(|nth| Step::Leave { nth }),
        6 => (any::<usize>(), 1..20_000u64).prop_map(|(nth, timeout)| Step::Push { nth, timeout }),
        1 => Just(Step::Ping),
        1 => Just(Step::Hidden),
        1 => Just(Step::Shown),
        1 => Just(Step::Left),
        1 => Just(Step::Returned),
        6 => Just(Step::Open),
        1 => Just(Step::Fail),
        1 => Just(Step::Closing),
        2 => Just(Step::Lose),
        12 => fate.prop_map(|fate| Step::Answer { fate }),
        1 => topic.clone().prop_map(|topic| Step::Crash { topic }),
        1 => topic.clone().prop_map(|topic| Step::Close { topic }),
        2 => topic.prop_map(|topic| Step::Broadcast { topic }),
        6 => prop_oneof![1..100u64, 1..3_000u64, 1..40_000u64].prop_map(|ms| Step::Wait { ms }),
    ]
}

/// The client, the application's view of it, and the rest of the world.
struct World {
    client: Client,
    now: u64,
    /// Whether it has a transport, and which.
    transport: Option<(ConnectionId, Transport)>,
    /// What the server has received and not yet answered, over the transport in use.
    inbox: VecDeque<Frame>,
    /// Topic and ref of the joins that the server has granted.
    joined: BTreeMap<String, u64>,
    refs: HashSet<u64>,
    /// Channels that were joined and have not ended.
    wanted: BTreeSet<ChannelId>,
    unsettled: BTreeSet<PushId>,
    disconnecting: BTreeSet<ConnectionId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Opening,
    Open,
    Closing,
}

impl World {
    fn new() -> Self {
        Self {
            client: Client::new(Config::default()),
            now: 0,
            transport: None,
            inbox: VecDeque::new(),
            joined: BTreeMap::new(),
            refs: HashSet::new(),
            wanted: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            disconnecting: BTreeSet::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Connect => self.client.connect(),
            Step::Disconnect => {
                let closing = self.client.disconnect(self.now, Close::default());
                self.disconnecting.extend(closing);
            }
            Step::Join { topic } => {
                let channel = self.client.channel(TOPICS[topic], "{}");
                self.wanted.insert(channel);
                self.client.join(self.now, channel, None).unwrap();
            }
            Step::Leave { nth } => {
                if let Some(channel) = self.nth(nth) {
                    self.client.leave(channel);
                }
            }
            Step::Push { nth, timeout } => {
                if let Some(channel) = self.nth(nth) {
                    let push = self
                        .client
                        .push(self.now, channel, "x", "{}", Some(timeout));
                    assert!(self.unsettled.insert(push.unwrap()), "a push id came twice");
                }
            }
            Step::Ping => {
                self.client.ping(self.now);
            }
            Step::Hidden => self.client.page_hidden(true),
            Step::Shown => self.client.page_shown(self.now),
            Step::Left => self.client.page_left(self.now),
            Step::Returned => self.client.page_returned(),
            Step::Open => self.open_transport(),
            Step::Fail => {
                if let Some((id, _)) = self.transport {
                    self.client.transport_errored(self.now, id);
                }
            }
            Step::Closing => {
                if let Some((id, transport)) = &mut self.transport {
                    *transport = Transport::Closing;
                    self.client.transport_closing(*id);
                }
            }
            Step::Lose => self.close_transport(),
            Step::Answer { fate } => self.answer(fate),
            Step::Crash { topic } => self.end(TOPICS[topic], "phx_error"),
            Step::Close { topic } => self.end(TOPICS[topic], "phx_close"),
            Step::Broadcast { topic } => {
                self.deliver(&format!(r#"[null,null,"{}","shout",{{}}]"#, TOPICS[topic]));
            }
            Step::Wait { ms } => self.wait(ms),
        }
        self.pump();
        self.check();
    }

    fn nth(&self, nth: usize) -> Option<ChannelId> {
        let count = self.wanted.len().max(1);
        self.wanted.iter().nth(nth % count).copied()
    }

    fn open_transport(&mut self) {
        if let Some((id, transport @ Transport::Opening)) = &mut self.transport {
            *transport = Transport::Open;
            self.client.transport_opened(self.now, *id);
        }
    }

    fn close_transport(&mut self) {
        if let Some((id, _)) = self.transport.take() {
            self.forget_server();
            self.client.transport_closed(self.now, id);
        }
    }

    fn forget_server(&mut self) {
        self.inbox.clear();
        self.joined.clear();
    }

    fn deliver(&mut self, text: &str) {
        if let Some((id, Transport::Open)) = self.transport {
            self.client.received(self.now, id, text).unwrap();
            self.pump();
        }
    }

    /// The server handles the oldest frame that it has.
    fn answer(&mut self, fate: Fate) {
        let Some(frame) = self.inbox.pop_front() else {
            return;
        };
        let topic = frame.topic().to_owned();
        let joined = self.joined.get(&topic).copied();
        match frame.event {
            // Whatever becomes of a join, it ends the one before it.
            FrameEvent::Join => {
                self.joined.remove(&topic);
                if matches!(fate, Fate::Ok | Fate::Unheard) {
                    self.joined.insert(topic.clone(), frame.reference.unwrap());
                }
                self.reply(&frame, fate);
                if let Some(old) = joined {
                    let close = format!(r#"["{old}","{old}","{topic}","phx_close",{{}}]"#);
                    self.deliver(&close);
                }
            }
            // A leave that was sent over a living connection is always carried out.
            FrameEvent::Leave if frame.join_ref == joined => {
                self.reply(&frame, fate);
                self.end(&topic, "phx_close");
            }
            // What belongs to another join than the present one is ignored.
            FrameEvent::Leave => {}
            FrameEvent::Named(_) if frame.join_ref != joined => {}
            _ => self.reply(&frame, fate),
        }
    }

    fn reply(&mut self, frame: &Frame, fate: Fate) {
        let status = match fate {
            Fate::Ok => "ok",
            Fate::Refused => "error",
            Fate::Ignored | Fate::Unheard => return,
        };
        let join_ref = frame.join_ref.map_or("null".into(), |r| format!("\"{r}\""));
        let (reference, topic) = (frame.reference.unwrap(), frame.topic());
        self.deliver(&format!(
            r#"[{join_ref},"{reference}","{topic}","phx_reply",{{"response":{{}},"status":"{status}"}}]"#
        ));
    }

    fn end(&mut self, topic: &str, event: &str) {
        if let Some(join_ref) = self.joined.remove(topic) {
            self.deliver(&format!(
                r#"["{join_ref}","{join_ref}","{topic}","{event}",{{}}]"#
            ));
        }
    }

    fn wait(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(at) = self.client.poll_timeout().filter(|at| *at <= end) {
            assert!(at >= self.now, "a timer was left behind");
            self.now = at;
            self.client.handle_timeout(at);
            let next = self.client.poll_timeout();
            assert_ne!(next, Some(at), "a timer was not handled");
            self.pump();
        }
        self.now = end;
    }

    fn pump(&mut self) {
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Connect(id) => {
                    self.forget_server();
                    self.transport = Some((id, Transport::Opening));
                }
                Output::Send(frame) => self.send(frame),
                Output::Close(id, _) => {
                    // Whether and when it closes is up to `Lose`.
                    if let Some((current, transport)) = &mut self.transport {
                        assert_eq!(*current, id);
                        *transport = Transport::Closing;
                    }
                }
                Output::AskDelay(..) => unreachable!("the schedules are tables"),
                Output::Event(event) => self.event(event),
            }
        }
    }

    fn send(&mut self, frame: Frame) {
        assert!(
            self.refs.insert(frame.reference.unwrap()),
            "a ref was used twice: {frame:?}"
        );
        if let Some((_, Transport::Open)) = self.transport {
            self.inbox.push_back(frame);
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::PushSettled { push, .. } => {
                assert!(self.unsettled.remove(&push), "{push:?} was settled twice");
            }
            Event::ChannelClosed { channel, .. } => {
                assert!(self.wanted.remove(&channel), "{channel:?} ended twice");
            }
            Event::JoinSettled { channel, .. }
            | Event::ChannelErrored { channel, .. }
            | Event::Message { channel, .. } => {
                assert!(self.wanted.contains(&channel), "{channel:?} has ended");
            }
            Event::Disconnected(id) => {
                self.disconnecting.remove(&id);
            }
            _ => {}
        }
    }

    fn check(&self) {
        let open = |channel: &ChannelId| {
            let state = self.client.channel_state(*channel);
            matches!(state, ChannelState::Joined | ChannelState::Joining)
        };
        let topics: Vec<_> = self
            .wanted
            .iter()
            .filter(|channel| open(channel))
            .map(|channel| self.client.topic(*channel).unwrap())
            .collect();
        let distinct: HashSet<_> = topics.iter().collect();
        assert_eq!(topics.len(), distinct.len(), "two channels have a topic");
    }

    /// From now on the network works, the server answers at once, and the page is there.
    fn behave(&mut self) {
        self.client.page_shown(self.now);
        self.client.connect();
        self.pump();
        // Long enough for the longest that anything waits: a heartbeat and its timeout, then the close,
        // the reconnect, a join that is lost with it, and the rejoin.
        for _ in 0..600 {
            if let Some((_, Transport::Closing)) = self.transport {
                self.close_transport();
            }
            self.open_transport();
            self.pump();
            while !self.inbox.is_empty() {
                self.answer(Fate::Ok);
            }
            self.pump();
            self.wait(200);
        }
        self.check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn in_the_end_everything_wanted_is_joined_and_every_push_was_settled_once(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.behave();

        prop_assert_eq!(world.client.connection_state(), ConnectionState::Open);
        prop_assert!(world.unsettled.is_empty(), "unsettled: {:?}", world.unsettled);
        prop_assert!(world.disconnecting.is_empty());
        let mut expected = BTreeMap::new();
        for channel in &world.wanted {
            prop_assert_eq!(world.client.channel_state(*channel), ChannelState::Joined);
            let topic = world.client.topic(*channel).unwrap().to_owned();
            expected.insert(topic, world.client.join_ref(*channel).unwrap());
        }
        prop_assert_eq!(&world.joined, &expected, "server and client must agree");
    }

    #[test]
    fn when_everything_has_ended_no_timer_is_left(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        for channel in world.wanted.clone() {
            world.client.leave(channel);
        }
        world.client.disconnect(world.now, Close::default());
        world.pump();
        prop_assert!(world.wanted.is_empty());
        // The longest that a push or a close waits.
        world.wait(20_000);
        prop_assert_eq!(world.client.poll_timeout(), None);
        prop_assert!(world.unsettled.is_empty() && world.disconnecting.is_empty());
        prop_assert_eq!(world.client.connection_state(), ConnectionState::Closed);
    }
}
