//! One zenoh session with the subscriptions of a node, and the slot that holds it: when a node is
//! alone, its session may be exchanged for one with other seeds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ::zenoh::Wait;
use ::zenoh::config::{Locator, ZenohId};
use ::zenoh::internal::runtime::{Runtime, RuntimeBuilder};
use ::zenoh::liveliness::LivelinessToken;
use ::zenoh::pubsub::Subscriber;
use ::zenoh::qos::{CongestionControl, Priority};
use ::zenoh::query::{QueryTarget, Queryable};
use ::zenoh::sample::{Sample, SampleKind};
use bytes::Bytes;
use herenow_core::replica::ReplicaId;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

use super::super::config::{Seed, ZenohConfig};
use super::super::gate::Hello;
use super::super::node::Node;
use super::super::{OpenError, SendError};
use super::intro::Contact;
use super::keys::{ANY_TOKEN, Keys, Token};
use super::settings::settings;

/// How many notices may wait for the mesh. Those that do not fit are lost, which delays what they
/// would have brought about until the next introductions.
const MAX_NOTICES: usize = 1024;

/// How long closing a session may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// What the session tells the mesh.
#[derive(Debug)]
pub(super) enum Notice {
    /// There is a link to this replica; nothing vouches for it yet.
    Linked(ReplicaId),
    /// A node introduced itself.
    Intro(Hello),
}

/// The place of the session.
pub(super) struct Slot {
    node: Arc<Node>,
    keys: Arc<Keys>,
    config: ZenohConfig,
    gossip: bool,
    notices: mpsc::Sender<Notice>,
    /// Held while the session or its subscriptions change.
    state: Mutex<State>,
    /// What is needed to send, to be had at once. Its lock is never held for longer than a copy.
    open: RwLock<Option<Open>>,
}

#[derive(Default)]
struct State {
    /// The subscriptions that a session must have.
    shards: BTreeSet<u16>,
    session: Option<Session>,
}

/// Handles to an open session.
#[derive(Clone)]
struct Open {
    runtime: Runtime,
    session: ::zenoh::Session,
}

/// An open session, and what ends with it.
struct Session {
    open: Open,
    shards: BTreeMap<u16, Subscriber<()>>,
    _own: Vec<Subscriber<()>>,
    _fence: Queryable<()>,
    _token: LivelinessToken,
}

impl Slot {
    /// A slot without a session, and the notices that its sessions will give.
    pub(super) fn new(
        node: &Arc<Node>,
        keys: &Arc<Keys>,
        config: &ZenohConfig,
        gossip: bool,
    ) -> (Self, mpsc::Receiver<Notice>) {
        let (sender, receiver) = mpsc::channel(MAX_NOTICES);
        let slot = Self {
            node: Arc::clone(node),
            keys: Arc::clone(keys),
            config: config.clone(),
            gossip,
            notices: sender,
            state: Mutex::default(),
            open: RwLock::default(),
        };
        (slot, receiver)
    }

    /// The session, unless there is none at the moment.
    pub(super) fn session(&self) -> Option<::zenoh::Session> {
        self.open().map(|open| open.session)
    }

    pub(super) fn runtime(&self) -> Option<Runtime> {
        self.open().map(|open| open.runtime)
    }

    fn open(&self) -> Option<Open> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.clone()
    }

    fn set_open(&self, to: Option<Open>) {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = to;
    }

    /// How others reach this node; `None` while there is no session.
    pub(super) fn contact(&self) -> Option<Contact> {
        let runtime = self.runtime()?;
        let mut locators = runtime.get_locators_noloopback();
        if locators.is_empty() {
            locators = runtime.get_locators();
        }
        Some(Contact {
            id: self.node.me.clone(),
            zid: runtime.zid(),
            locators,
        })
    }

    pub(super) fn listens_on(&self) -> Vec<String> {
        let locators = self.contact().map(|contact| contact.locators);
        let locators = locators.unwrap_or_default();
        locators.iter().map(ToString::to_string).collect()
    }

    /// The nodes and routers that it is connected to.
    pub(super) async fn connected(&self) -> BTreeSet<ZenohId> {
        let Some(session) = self.session() else {
            return BTreeSet::new();
        };
        let peers = session.info().peers_zid().await;
        let routers = session.info().routers_zid().await;
        peers.chain(routers).collect()
    }

    /// Connects to a node that is known by its identity.
    pub(super) async fn dial(&self, zid: ZenohId, locators: &[Locator]) -> bool {
        match self.runtime() {
            Some(runtime) => runtime.connect_peer(&zid.into(), locators).await,
            None => false,
        }
    }

    /// Puts in a session that connects to `seeds`, in place of the one that was there.
    pub(super) async fn renew(&self, seeds: &[Seed]) -> Result<(), OpenError> {
        let mut state = self.state.lock().await;
        self.set_open(None);
        if let Some(old) = state.session.take() {
            old.open.close().await;
        }
        let session = self.start(seeds, &state.shards).await?;
        self.set_open(Some(session.open.clone()));
        state.session = Some(session);
        Ok(())
    }

    /// Waits until all that was given to zenoh has reached the others, but for no longer than `limit`.
    ///
    /// Closing a session throws away what it still holds, and nothing tells when it holds nothing. So
    /// all others are asked a question that waits in the last of zenoh's queues.
    pub(super) async fn flush(&self, limit: Duration) {
        let Some(session) = self.session() else {
            return;
        };
        let key = self.keys.fence();
        let ask = move || {
            let ask = session.get(key).target(QueryTarget::All).timeout(limit);
            let ask = ask.priority(Priority::Background);
            ask.congestion_control(CongestionControl::Block).wait()
        };
        let answers = async {
            if let Ok(Ok(answers)) = tokio::task::spawn_blocking(ask).await {
                while answers.recv_async().await.is_ok() {}
            }
        };
        let _ = timeout(limit, answers).await;
    }

    /// Closes the session for good.
    pub(super) async fn close(&self) {
        let mut state = self.state.lock().await;
        self.set_open(None);
        if let Some(old) = state.session.take() {
            old.open.close().await;
        }
        self.node.gate.end();
    }

    pub(super) async fn subscribe(&self, shard: u16) -> Result<(), SendError> {
        let mut state = self.state.lock().await;
        let state = &mut *state;
        if let Some(session) = &mut state.session
            && !session.shards.contains_key(&shard)
        {
            let key = self.keys.shard(shard);
            let subscriber = self.listen(&session.open.session, &key).await;
            let subscriber = subscriber.map_err(SendError::Engine)?;
            session.shards.insert(shard, subscriber);
        }
        state.shards.insert(shard);
        Ok(())
    }

    pub(super) async fn unsubscribe(&self, shard: u16) -> Result<(), SendError> {
        let mut state = self.state.lock().await;
        state.shards.remove(&shard);
        let session = state.session.as_mut();
        match session.and_then(|session| session.shards.remove(&shard)) {
            Some(subscriber) => subscriber
                .undeclare()
                .await
                .map_err(|error| SendError::Engine(error.to_string())),
            None => Ok(()),
        }
    }

    async fn start(&self, seeds: &[Seed], shards: &BTreeSet<u16>) -> Result<Session, OpenError> {
        let settings = settings(&self.config, seeds, self.gossip, self.node.gate.limits())?;
        let open = Open::start(settings, &self.config).await?;
        match self.declare(&open, shards).await {
            Ok(session) => Ok(session),
            Err(error) => {
                open.close().await;
                Err(OpenError::new(format!("--cluster: zenoh refuses: {error}")))
            }
        }
    }

    /// Declares all that a session of this node has.
    async fn declare(&self, open: &Open, shards: &BTreeSet<u16>) -> Result<Session, String> {
        let session = &open.session;
        let me = &self.node.me;
        let mut own = Vec::new();
        for key in [self.keys.all(), self.keys.intro(), self.keys.direct(me)] {
            own.push(self.listen(session, &key).await?);
        }
        own.push(self.watch(session).await?);
        // A query that is dropped is answered: with nothing.
        let fence = session.declare_queryable(self.keys.fence()).callback(drop);
        let fence = fence.await.map_err(|error| error.to_string())?;
        let mut subscribed = BTreeMap::new();
        for &shard in shards {
            let subscriber = self.listen(session, &self.keys.shard(shard)).await?;
            subscribed.insert(shard, subscriber);
        }
        // Last: whoever sees the token may rely on the rest.
        let token = session.liveliness().declare_token(self.keys.token(me));
        let token = token.await.map_err(|error| error.to_string())?;
        Ok(Session {
            open: open.clone(),
            shards: subscribed,
            _own: own,
            _fence: fence,
            _token: token,
        })
    }

    /// Hands all that comes by a key to the gate.
    async fn listen(
        &self,
        session: &::zenoh::Session,
        key: &str,
    ) -> Result<Subscriber<()>, String> {
        let (node, notices) = (Arc::clone(&self.node), self.notices.clone());
        let receive = move |sample: Sample| {
            let bytes = Bytes::from(sample.payload().to_bytes().into_owned());
            if let Some(hello) = node.gate.accept(&bytes) {
                let _ = notices.try_send(Notice::Intro(hello));
            }
        };
        let subscriber = session.declare_subscriber(key.to_owned()).callback(receive);
        subscriber.await.map_err(|error| error.to_string())
    }

    /// Follows the tokens of nodes: they come and go with the links to them.
    async fn watch(&self, session: &::zenoh::Session) -> Result<Subscriber<()>, String> {
        let (node, keys) = (Arc::clone(&self.node), Arc::clone(&self.keys));
        let notices = self.notices.clone();
        let see = move |sample: Sample| {
            let Some(token) = Token::parse(sample.key_expr().as_str()) else {
                return;
            };
            match sample.kind() {
                SampleKind::Put if !keys.is_of(&token) => node.gate.foreign(token.node),
                SampleKind::Put => {
                    let id = ReplicaId::new(token.node, token.incarnation);
                    let _ = notices.try_send(Notice::Linked(id));
                }
                SampleKind::Delete if keys.is_of(&token) => {
                    node.gate.lost(token.node, token.incarnation);
                }
                SampleKind::Delete => {}
            }
        };
        let liveliness = session.liveliness();
        let subscriber = liveliness.declare_subscriber(ANY_TOKEN).history(true);
        let subscriber = subscriber.callback(see);
        subscriber.await.map_err(|error| error.to_string())
    }
}

/// An error of zenoh, which says where in its source it comes from, without that.
fn brief(error: &str) -> &str {
    if error.contains("in use") {
        return "another program does; stop that one, or choose another port";
    }
    error.split(" at /").next().unwrap_or(error)
}

impl Open {
    async fn start(settings: ::zenoh::Config, config: &ZenohConfig) -> Result<Self, OpenError> {
        let cannot = |error: ::zenoh::Error| {
            let listen = &config.listen;
            let error = error.to_string();
            let why = brief(&error);
            OpenError::new(format!(
                "--cluster-listen: {listen:?}: cannot listen there: {why}"
            ))
        };
        let builder = RuntimeBuilder::new(settings);
        let mut runtime = builder.build().await.map_err(cannot)?;
        let session = ::zenoh::session::init(runtime.clone().into()).await;
        let open = Self {
            runtime: runtime.clone(),
            session: session.map_err(cannot)?,
        };
        if let Err(error) = runtime.start().await {
            open.close().await;
            return Err(cannot(error));
        }
        Ok(open)
    }

    async fn close(&self) {
        // Either may find the other end gone already; there is nothing to be done about it.
        let _ = timeout(CLOSE_TIMEOUT, self.session.close()).await;
        let _ = timeout(CLOSE_TIMEOUT, self.runtime.close()).await;
    }
}
