use std::sync::atomic::AtomicUsize;

use tokio::sync::Semaphore;

use super::*;
use crate::cluster::bus::{BusFuture, BusStats};

/// A bus that notes what it is asked, and takes no message for a node before it is let.
#[derive(Debug)]
struct NotingBus {
    me: ReplicaId,
    notes: Mutex<Vec<String>>,
    /// Permits for messages to the node `slow`.
    slow: Semaphore,
    /// So many subscriptions fail.
    failures: AtomicUsize,
}

impl NotingBus {
    fn new(failures: usize) -> Arc<Self> {
        Arc::new(Self {
            me: ReplicaId::new("me", 1),
            notes: Mutex::default(),
            slow: Semaphore::new(0),
            failures: AtomicUsize::new(failures),
        })
    }

    fn note(&self, note: String) {
        lock(&self.notes).push(note);
    }

    fn notes(&self) -> Vec<String> {
        lock(&self.notes).clone()
    }

    async fn settle(&self, note: String) -> Result<(), SendError> {
        let fails = |left: usize| left.checked_sub(1);
        let failed = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails);
        if failed.is_ok() {
            return Err(SendError::Engine("it fails".into()));
        }
        self.note(note);
        Ok(())
    }
}

impl Bus for NotingBus {
    fn me(&self) -> &ReplicaId {
        &self.me
    }

    fn max_payload(&self) -> usize {
        usize::MAX
    }

    fn publish(&self, _: u16, _: Bytes) -> Result<(), SendError> {
        Err(SendError::Closed)
    }

    fn broadcast(&self, _: Bytes) -> Result<(), SendError> {
        Err(SendError::Closed)
    }

    fn send<'a>(
        &'a self,
        to: &'a ReplicaId,
        payload: Bytes,
    ) -> BusFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            if &**to.node() == "slow" {
                self.slow.acquire().await.unwrap().forget();
            }
            let text = String::from_utf8_lossy(&payload);
            self.note(format!("{}: {text}", to.node()));
            Ok(())
        })
    }

    fn subscribe(&self, shard: u16) -> BusFuture<'_, Result<(), SendError>> {
        Box::pin(self.settle(format!("subscribe {shard}")))
    }

    fn unsubscribe(&self, shard: u16) -> BusFuture<'_, Result<(), SendError>> {
        Box::pin(self.settle(format!("unsubscribe {shard}")))
    }

    fn stats(&self) -> BusStats {
        BusStats::default()
    }

    fn close(&self) -> BusFuture<'_, ()> {
        Box::pin(async {})
    }
}

fn start(bus: &Arc<NotingBus>, max_bytes: usize) -> Post {
    let bus: Arc<dyn Bus> = bus.clone();
    Post::start(&bus, max_bytes)
}

fn to(node: &str) -> ReplicaId {
    ReplicaId::new(node, 1)
}

/// Lets all tasks do what they can.
async fn pass() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_is_sent_after_the_subscriptions_that_were_given_before() {
    let bus = NotingBus::new(0);
    let post = start(&bus, 1_000);
    post.subscribe(7, true);
    post.send(to("a"), "question".into());
    post.subscribe(7, false);
    pass().await;
    let notes = bus.notes();
    let at = |note: &str| notes.iter().position(|noted| noted == note).unwrap();
    assert!(at("subscribe 7") < at("a: question"), "{notes:?}");
    assert!(at("subscribe 7") < at("unsubscribe 7"), "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_node_delays_no_other_and_gets_its_messages_in_order() {
    let bus = NotingBus::new(0);
    let post = start(&bus, 1_000);
    for text in ["1", "2", "3"] {
        post.send(to("slow"), text.into());
        post.send(to("fast"), text.into());
    }
    pass().await;
    assert_eq!(bus.notes(), ["fast: 1", "fast: 2", "fast: 3"]);
    bus.slow.add_permits(3);
    pass().await;
    assert_eq!(bus.notes()[3..], ["slow: 1", "slow: 2", "slow: 3"]);
    assert!(lock(&post.outgoing.queues).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_dropped_and_counted_until_there_is_room() {
    let bus = NotingBus::new(0);
    let post = start(&bus, 10);
    for text in ["12345", "67890", "x"] {
        post.send(to("slow"), text.into());
    }
    assert_eq!(post.dropped(), 1);
    bus.slow.add_permits(2);
    pass().await;
    post.send(to("fast"), "1234567890".into());
    pass().await;
    assert_eq!(
        bus.notes(),
        ["slow: 12345", "slow: 67890", "fast: 1234567890"]
    );
    assert_eq!(post.dropped(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_takes_nothing_loses_its_messages_in_the_end() {
    let bus = NotingBus::new(0);
    let post = start(&bus, 10);
    post.send(to("slow"), "1234567890".into());
    tokio::time::sleep(2 * ERRAND_TIMEOUT).await;
    assert_eq!(post.dropped(), 1);
    post.send(to("fast"), "1234567890".into());
    pass().await;
    assert_eq!(bus.notes(), ["fast: 1234567890"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_node_that_is_given_up_makes_room_for_others() {
    let bus = NotingBus::new(0);
    let post = start(&bus, 10);
    for text in ["1", "2345", "67890"] {
        post.send(to("slow"), text.into());
    }
    pass().await;
    post.give_up_on(&to("slow"));
    post.give_up_on(&to("unknown"));
    post.send(to("fast"), "123456789".into());
    pass().await;
    bus.slow.add_permits(3);
    pass().await;
    // The first one was on its way.
    assert_eq!(bus.notes(), ["fast: 123456789", "slow: 1"]);
    assert!(lock(&post.outgoing.queues).is_empty());
    assert_eq!(post.dropped(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_fails_is_tried_again_unless_it_is_not_wanted_any_more() {
    let bus = NotingBus::new(3);
    let post = start(&bus, 10);
    post.subscribe(1, true);
    post.subscribe(2, true);
    post.subscribe(2, false);
    pass().await;
    assert_eq!(bus.notes(), [""; 0]);
    tokio::time::sleep(3 * RETRY_AFTER).await;
    assert_eq!(bus.notes(), ["subscribe 1", "unsubscribe 2"]);
}
