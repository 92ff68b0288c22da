use super::super::Inbox;
use super::super::envelope::Sealer;
use super::super::inbox::inbox;
use super::*;

struct Setup {
    gate: Gate,
    inbox: Inbox,
}

fn setup(limits: Limits) -> Setup {
    let (sender, inbox) = inbox(limits.inbox_bytes);
    let gate = Gate::new(key(), "test", ReplicaId::new("me", 5), limits, sender);
    Setup { gate, inbox }
}

fn key() -> ClusterKey {
    ClusterKey::new("test", None)
}

fn sealer(node: &str, incarnation: u64) -> Sealer {
    Sealer::new(key(), &ReplicaId::new(node, incarnation))
}

impl Setup {
    fn refused(&self, reason: Reason) -> u64 {
        self.gate.stats().refused.of(reason)
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.inbox.try_recv()).collect()
    }

    /// The payloads of the messages that came through.
    fn payloads(&mut self) -> Vec<Bytes> {
        let payload = |event| match event {
            Event::Message(message) => Some(message.payload),
            _ => None,
        };
        self.events().into_iter().filter_map(payload).collect()
    }
}

#[test]
fn the_first_message_of_a_replica_is_preceded_by_the_news_that_it_is_up() {
    let mut setup = setup(Limits::default());
    let a = sealer("a", 1);
    setup.gate.accept(&a.seal(Address::Shard(7), b"x"));
    setup.gate.accept(&a.seal(Address::All, b"y"));
    let from = ReplicaId::new("a", 1);
    let message = |channel, payload: &'static [u8]| {
        Event::Message(Message {
            from: from.clone(),
            channel,
            payload: Bytes::from_static(payload),
        })
    };
    let expected = [
        Event::PeerUp(from.clone()),
        message(Channel::Shard(7), b"x"),
        message(Channel::All, b"y"),
    ];
    assert_eq!(setup.events(), expected);
    assert_eq!(setup.gate.stats().peers, 1);
}

#[test]
fn a_copy_is_refused_in_each_kind_and_kinds_are_numbered_apart() {
    let mut setup = setup(Limits::default());
    let a = sealer("a", 1);
    let me = ReplicaId::new("me", 5);
    let frames = [
        a.seal(Address::All, b"1"),
        a.seal(Address::Shard(1), b"2"),
        a.seal(Address::direct(&me), b"3"),
    ];
    for _ in 0..3 {
        for frame in &frames {
            setup.gate.accept(frame);
        }
    }
    assert_eq!(setup.payloads(), ["1", "2", "3"]);
    assert_eq!(setup.refused(Reason::Replayed), 6);
}

#[test]
fn a_new_life_of_a_node_ends_the_old_one_and_starts_counting_anew() {
    let mut setup = setup(Limits::default());
    let (old, new) = (sealer("a", 1), sealer("a", 2));
    setup.gate.accept(&old.seal(Address::All, b"old"));
    setup.gate.accept(&new.seal(Address::All, b"new"));
    setup.gate.accept(&old.seal(Address::All, b"ghost"));
    assert_eq!(setup.payloads(), ["old", "new"]);
    assert_eq!(setup.refused(Reason::Replayed), 1);
    assert_eq!(setup.gate.stats().peers, 1);
}

#[tokio::test(start_paused = true)]
async fn that_an_earlier_life_speaks_is_told_once_a_second() {
    let mut setup = setup(Limits::default());
    let old = sealer("a", 1);
    setup
        .gate
        .accept(&sealer("a", 2).seal(Address::All, b"new"));
    setup.events();
    for count in [1, 0] {
        for _ in 0..10 {
            setup.gate.accept(&old.seal(Address::All, b"ghost"));
        }
        let outlived = Event::Outlived {
            replica: ReplicaId::new("a", 1),
            later: 2,
        };
        assert_eq!(setup.events(), vec![outlived; count]);
        tokio::time::advance(OUTLIVED_EVERY / 2).await;
    }
    setup.gate.accept(&old.seal(Address::All, b"ghost"));
    assert_eq!(setup.events().len(), 1);
}

#[test]
fn what_is_meant_for_another_replica_or_life_is_refused() {
    let mut setup = setup(Limits::default());
    let a = sealer("a", 1);
    for (node, incarnation) in [("me", 4), ("me", 6), ("you", 5)] {
        let to = ReplicaId::new(node, incarnation);
        setup.gate.accept(&a.seal(Address::direct(&to), b"x"));
    }
    assert_eq!(setup.events(), []);
    assert_eq!(setup.refused(Reason::Misdirected), 3);
}

#[test]
fn own_messages_are_ignored_but_another_life_under_the_own_name_is_heard() {
    let mut setup = setup(Limits::default());
    setup.gate.accept(&sealer("me", 5).seal(Address::All, b"x"));
    assert_eq!(setup.events(), []);
    setup
        .gate
        .accept(&sealer("me", 9).seal(Address::All, b"twin"));
    assert_eq!(setup.payloads(), ["twin"]);
    assert_eq!(setup.gate.stats().refused.total(), 0);
}

#[test]
fn a_lost_link_is_told_once_and_only_of_the_life_that_was_heard() {
    let mut setup = setup(Limits::default());
    let a = sealer("a", 2);
    setup.gate.accept(&a.seal(Address::All, b"x"));
    setup.events();
    setup.gate.lost("a", 1);
    setup.gate.lost("b", 2);
    assert_eq!(setup.events(), []);
    setup.gate.lost("a", 2);
    setup.gate.lost("a", 2);
    assert_eq!(setup.events(), [Event::PeerDown(ReplicaId::new("a", 2))]);
    assert_eq!(setup.gate.stats().peers, 0);
    setup.gate.accept(&a.seal(Address::All, b"y"));
    assert_eq!(setup.events()[0], Event::PeerUp(ReplicaId::new("a", 2)));
}

#[test]
fn what_is_late_of_a_replica_that_left_is_heard_but_does_not_bring_it_back() {
    let mut setup = setup(Limits::default());
    let a = sealer("a", 1);
    setup.gate.accept(&a.seal(Address::All, b"x"));
    setup.gate.left(&ReplicaId::new("a", 1));
    setup.events();
    setup.gate.accept(&a.seal(Address::Shard(1), b"late"));
    assert_eq!(setup.events().len(), 1);
    assert_eq!(setup.gate.stats().peers, 0);
    setup.gate.accept(&sealer("a", 2).seal(Address::All, b"x"));
    assert_eq!(setup.gate.stats().peers, 1);
}

#[test]
fn a_hello_goes_to_the_engine_and_not_to_the_inbox() {
    let mut setup = setup(Limits::default());
    let hello = setup
        .gate
        .accept(&sealer("a", 1).seal(Address::Hello, b"x"));
    let expected = Hello {
        from: ReplicaId::new("a", 1),
        payload: Bytes::from_static(b"x"),
    };
    assert_eq!(hello, Some(expected));
    assert_eq!(setup.events(), [Event::PeerUp(ReplicaId::new("a", 1))]);
}

#[test]
fn what_does_not_fit_into_the_inbox_is_dropped_and_counted() {
    let limits = Limits {
        inbox_bytes: 300,
        ..Limits::default()
    };
    let mut setup = setup(limits);
    let a = sealer("a", 1);
    for _ in 0..3 {
        setup.gate.accept(&a.seal(Address::All, &[0; 100]));
    }
    assert_eq!(setup.payloads().len(), 1);
    let stats = setup.gate.stats();
    assert_eq!((stats.received.messages, stats.dropped.incoming), (1, 2));
}

#[test]
fn the_node_heard_longest_ago_is_forgotten_when_there_are_too_many() {
    let limits = Limits {
        max_peers: 2,
        ..Limits::default()
    };
    let mut setup = setup(limits);
    let (a, b, c) = (sealer("a", 1), sealer("b", 1), sealer("c", 1));
    let first = a.seal(Address::All, b"a");
    setup.gate.accept(&first);
    setup.gate.accept(&b.seal(Address::All, b"b"));
    setup.gate.accept(&a.seal(Address::All, b"a"));
    setup.gate.accept(&c.seal(Address::All, b"c"));
    assert_eq!(setup.payloads(), ["a", "b", "a", "c"]);
    assert_eq!(setup.gate.stats().peers, 2);
    setup.gate.accept(&first);
    assert_eq!(setup.refused(Reason::Replayed), 1, "a is still known");
}

#[test]
fn each_reason_is_logged_once_per_sender_and_counted_always() {
    let setup = setup(Limits::default());
    let other = Sealer::new(ClusterKey::new("other", None), &ReplicaId::new("x", 1));
    for _ in 0..3 {
        setup.gate.accept(&other.seal(Address::All, b""));
    }
    assert_eq!(setup.refused(Reason::Cluster), 3);
    assert!(!setup.gate.log_now("x", Reason::Cluster));
    assert!(setup.gate.log_now("x", Reason::Secret));
    assert!(setup.gate.log_now("y", Reason::Cluster));
    for invented in 0..2 * MAX_LOGGED {
        setup.gate.log_now(&invented.to_string(), Reason::Cluster);
    }
    let logged = setup.gate.logged.lock().unwrap().len();
    assert_eq!(logged, MAX_LOGGED);
}
