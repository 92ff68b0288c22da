//! The engine for those who run NATS already: nodes are clients of its servers.
//!
//! NATS carries messages to whoever subscribed and remembers nothing, which is all that is needed. Nodes
//! start and go on without a server and are together again when one is there; what is published in the
//! meantime is dropped, for it would be old news.
//!
//! NATS does not tell who else is connected. So nodes greet each other as they connect and say goodbye
//! as they leave; a node that dies just falls silent, which replication notices by its heartbeats.

mod link;
mod subjects;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use herenow_core::replica::ReplicaId;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{info, warn};

use self::subjects::{HELLO, HERE, Subjects};
use super::config::{ClusterConfig, NatsConfig};
use super::envelope::{Address, MAX_OVERHEAD};
use super::node::Node;
use super::outbox::{Outbox, Outgoing, outbox};
use super::{Bus, BusFuture, BusStats, Inbox, OpenError, SendError};

/// How long the client may take for what it is asked. It is asked nothing while it is not connected,
/// so that only a server that takes nothing makes it wait.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Greetings are answered after this long, so that many that come together get one answer.
const ANSWER_AFTER: Duration = Duration::from_millis(100);

/// What a greeting says when it is a goodbye.
const BYE: &[u8] = b"bye";

/// Connects to the servers.
pub(super) async fn open(
    config: &ClusterConfig,
    settings: &NatsConfig,
    incarnation: u64,
) -> Result<(Arc<dyn Bus>, Inbox), OpenError> {
    let (node, inbox) = Node::new(config, incarnation);
    let (client, connected) = link::connect(config, settings, &node).await?;
    if config.secret.is_none() {
        warn!(
            "cluster: whoever can use these NATS servers can join: give all nodes a --cluster-secret-file"
        );
    }
    info!("cluster: {} of {:?} uses NATS", node.me, config.name);
    let (outbox, outgoing) = outbox(config.limits.outbox_bytes);
    let (leave, leaving) = watch::channel(false);
    let link = Arc::new(Link {
        node,
        subjects: Subjects::new(&config.name),
        client,
        leaving,
    });
    for subject in [link.subjects.all(), link.subjects.direct(&link.node.me)] {
        link.listen(subject).await?;
    }
    let greetings = (
        link.subscriber(HELLO.into()).await?,
        link.subscriber(HERE.into()).await?,
    );
    tokio::spawn(Arc::clone(&link).greet(greetings, connected));
    tokio::spawn(Arc::clone(&link).publish(outgoing));
    let bus = NatsBus {
        link,
        outbox,
        shards: Mutex::default(),
        leave,
    };
    Ok((Arc::new(bus), inbox))
}

struct NatsBus {
    link: Arc<Link>,
    /// Where to, and what.
    outbox: Outbox<String>,
    /// The tasks that receive for a shard; ended, they unsubscribe.
    shards: Mutex<BTreeMap<u16, JoinHandle<()>>>,
    /// Set to true when all tasks shall end; dropped, it means the same.
    leave: watch::Sender<bool>,
}

/// What the bus and its tasks share.
struct Link {
    node: Arc<Node>,
    subjects: Subjects,
    client: Client,
    leaving: watch::Receiver<bool>,
}

impl Link {
    async fn subscriber(&self, subject: String) -> Result<Subscriber, OpenError> {
        self.try_subscribe(subject)
            .await
            .map_err(|error| OpenError::new(format!("--cluster: NATS: {error}")))
    }

    async fn try_subscribe(&self, subject: String) -> Result<Subscriber, SendError> {
        match timeout(CLIENT_TIMEOUT, self.client.subscribe(subject)).await {
            Ok(Ok(subscriber)) => Ok(subscriber),
            Ok(Err(error)) => Err(SendError::Engine(error.to_string())),
            Err(_) => Err(SendError::Busy),
        }
    }

    /// Hands all that comes by a subject to the gate.
    async fn listen(self: &Arc<Self>, subject: String) -> Result<(), OpenError> {
        let subscriber = self.subscriber(subject).await?;
        tokio::spawn(Arc::clone(self).receive(subscriber));
        Ok(())
    }

    async fn receive(self: Arc<Self>, mut subscriber: Subscriber) {
        let mut leaving = self.leaving.clone();
        loop {
            tokio::select! {
                () = told(&mut leaving) => break,
                message = subscriber.next() => match message {
                    Some(message) => drop(self.node.gate.accept(&message.payload)),
                    None => break,
                },
            }
        }
    }

    /// Greets whenever a connection was made, answers greetings, and notes goodbyes.
    async fn greet(
        self: Arc<Self>,
        (mut hello, mut here): (Subscriber, Subscriber),
        mut connected: watch::Receiver<bool>,
    ) {
        let mut leaving = self.leaving.clone();
        let mut answer_at: Option<Instant> = None;
        if *connected.borrow_and_update() {
            self.say(HELLO, &[]).await;
        }
        loop {
            tokio::select! {
                () = told(&mut leaving) => break,
                Ok(()) = connected.changed() => {
                    if *connected.borrow_and_update() {
                        self.say(HELLO, &[]).await;
                    }
                }
                Some(message) = hello.next() => {
                    self.heard(&message.payload);
                    answer_at.get_or_insert(Instant::now() + ANSWER_AFTER);
                }
                Some(message) = here.next() => self.heard(&message.payload),
                () = sleep_until(answer_at.unwrap_or_else(Instant::now)), if answer_at.is_some() => {
                    answer_at = None;
                    self.say(HERE, &[]).await;
                }
            }
        }
    }

    fn heard(&self, frame: &Bytes) {
        if let Some(hello) = self.node.gate.accept(frame)
            && hello.payload == BYE
        {
            self.node.gate.left(&hello.from);
        }
    }

    async fn say(&self, subject: &str, what: &[u8]) {
        let frame = self.node.sealer.seal(Address::Hello, what);
        // A greeting that is lost costs a hint.
        let _ = self.hand_over(subject.to_owned(), frame).await;
    }

    async fn publish(self: Arc<Self>, mut outgoing: Outgoing<String>) {
        while let Some((subject, frame)) = outgoing.next().await {
            // Counted; publishing promises no more.
            let _ = self.hand_over(subject, frame).await;
        }
    }

    /// Gives a frame to the client, or drops it.
    async fn hand_over(&self, subject: String, frame: Bytes) -> Result<(), SendError> {
        let bytes = frame.len();
        let counters = self.node.gate.counters();
        // The client would keep it until there is a connection, and deliver old news.
        let sent = if self.client.connection_state() == State::Connected {
            match timeout(CLIENT_TIMEOUT, self.client.publish(subject, frame)).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(SendError::Engine(error.to_string())),
                Err(_) => Err(SendError::Busy),
            }
        } else {
            Err(SendError::Busy)
        };
        match sent {
            Ok(()) => counters.sent(bytes),
            Err(_) => counters.dropped_outgoing(),
        }
        sent
    }
}

/// Waits until the tasks shall end, or nobody is there to say so any more.
async fn told(leaving: &mut watch::Receiver<bool>) {
    let _ = leaving.wait_for(|leave| *leave).await;
}

impl NatsBus {
    fn node(&self) -> &Node {
        &self.link.node
    }

    fn queue(&self, to: Address<'_>, subject: String, payload: &Bytes) -> Result<(), SendError> {
        self.node().check(payload, self.max_payload())?;
        if self
            .outbox
            .push(subject, self.node().sealer.seal(to, payload))
        {
            return Ok(());
        }
        self.node().gate.counters().dropped_outgoing();
        Err(SendError::Busy)
    }

    async fn leave(&self) {
        if !self.node().close() {
            return;
        }
        let limit = Duration::from_millis(self.node().gate.limits().close_ms);
        let flush = async {
            self.outbox.flush(limit).await;
            self.link.say(HELLO, BYE).await;
            let _ = self.link.client.flush().await;
        };
        let _ = timeout(limit, flush).await;
        let _ = self.leave.send(true);
        self.shards.lock().await.clear();
        // An error means that the connection's task has ended already.
        let _ = self.link.client.drain().await;
        self.node().gate.end();
    }
}

impl Bus for NatsBus {
    fn me(&self) -> &ReplicaId {
        &self.link.node.me
    }

    fn max_payload(&self) -> usize {
        let server = self.link.client.max_payload().saturating_sub(MAX_OVERHEAD);
        self.node().max_payload().min(server)
    }

    fn publish(&self, shard: u16, payload: Bytes) -> Result<(), SendError> {
        self.queue(
            Address::Shard(shard),
            self.link.subjects.shard(shard),
            &payload,
        )
    }

    fn broadcast(&self, payload: Bytes) -> Result<(), SendError> {
        self.queue(Address::All, self.link.subjects.all(), &payload)
    }

    fn send<'a>(
        &'a self,
        to: &'a ReplicaId,
        payload: Bytes,
    ) -> BusFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            self.node().check(&payload, self.max_payload())?;
            let frame = self.node().sealer.seal(Address::direct(to), &payload);
            self.link
                .hand_over(self.link.subjects.direct(to), frame)
                .await
        })
    }

    fn subscribe(&self, shard: u16) -> BusFuture<'_, Result<(), SendError>> {
        Box::pin(async move {
            self.node().check_open()?;
            let mut shards = self.shards.lock().await;
            if let std::collections::btree_map::Entry::Vacant(vacant) = shards.entry(shard) {
                let subject = self.link.subjects.shard(shard);
                let subscriber = self.link.try_subscribe(subject).await?;
                vacant.insert(tokio::spawn(Arc::clone(&self.link).receive(subscriber)));
            }
            Ok(())
        })
    }

    fn unsubscribe(&self, shard: u16) -> BusFuture<'_, Result<(), SendError>> {
        Box::pin(async move {
            self.node().check_open()?;
            if let Some(task) = self.shards.lock().await.remove(&shard) {
                task.abort();
                // An error says that it was aborted, which is what is waited for.
                let _ = task.await;
            }
            Ok(())
        })
    }

    fn stats(&self) -> BusStats {
        self.node().gate.stats()
    }

    fn close(&self) -> BusFuture<'_, ()> {
        Box::pin(self.leave())
    }
}

impl Drop for NatsBus {
    fn drop(&mut self) {
        self.node().gate.end();
    }
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBus")
            .field("me", &self.node().me)
            .finish_non_exhaustive()
    }
}
