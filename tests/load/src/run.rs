//! One run of a scenario: its targets, its names, its clock, its deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use herenow_core::client::ChannelId;
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout};

use crate::error::Error;
use crate::measure::Traffic;
use crate::options::Options;
use crate::process::Process;
use crate::progress::Progress;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::session::{Opening, Session};
use crate::system::{self, Sources};
use crate::target::Target;

/// Connections that are being opened, and clients that are joining, at a time: enough to keep a server
/// busy, and less than any server's backlog.
pub(crate) const AT_ONCE: usize = 64;

/// No message for so long: whatever the server had to send has been sent.
const QUIET: Duration = Duration::from_millis(250);

/// What the clients of a run share.
#[derive(Debug)]
pub struct Run {
    nodes: Vec<Target>,
    options: Options,
    /// A word that no other run has, so that what an earlier one left behind is not counted.
    name: String,
    clock: Instant,
    traffic: Arc<Traffic>,
    progress: Arc<Progress>,
    servers: Vec<Process>,
    sources: Sources,
    opened: AtomicUsize,
    /// Is given what a long run has to say before its end: lines of JSON.
    news: fn(&str),
}

/// Runs a scenario against the socket at `url` and says nothing until it has ended.
///
/// # Errors
///
/// If the target is refused or not reached, the server does not answer as a run needs, or the time is over.
pub async fn run<S: Scenario>(
    url: &str,
    options: &Options,
    scenario: &S,
) -> Result<Report<S::Outcome>, Error> {
    Run::prepare(url, options, scenario)
        .await?
        .carry_out(scenario)
        .await
}

impl Run {
    pub(crate) async fn prepare<S: Scenario>(
        url: &str,
        options: &Options,
        scenario: &S,
    ) -> Result<Self, Error> {
        options.check()?;
        scenario.check()?;
        let mut nodes = Vec::new();
        for url in std::iter::once(url).chain(scenario.more_urls()) {
            nodes.push(Target::resolve(url, options.allow_remote).await?);
        }
        if scenario.topics() > 1 && !options.topic.contains("{number}") {
            return Err(Error::settings(format!(
                "--topic {:?}: this run takes {} topics, so there must be {{number}} in it",
                options.topic,
                scenario.topics()
            )));
        }
        let sources = Sources::new();
        sources.check(nodes[0].address, scenario.sockets())?;
        let servers = options.server_pids.iter().copied().map(Process::new);
        Ok(Self {
            nodes,
            options: options.clone(),
            name: unique_name(),
            clock: Instant::now(),
            traffic: Arc::default(),
            progress: Arc::default(),
            servers: servers.collect::<Result<_, _>>()?,
            sources,
            opened: AtomicUsize::new(0),
            news: |_| (),
        })
    }

    /// Has what a long run says before its end handed to `news`, line by line.
    pub(crate) fn with_news(self, news: fn(&str)) -> Self {
        Self { news, ..self }
    }

    /// Says something before the end.
    pub(crate) fn tell(&self, line: &impl Serialize) {
        if let Ok(line) = serde_json::to_string(line) {
            (self.news)(&line);
        }
    }

    pub(crate) async fn carry_out<S: Scenario>(
        &self,
        scenario: &S,
    ) -> Result<Report<S::Outcome>, Error> {
        if let Some(note) = system::allow_sockets(scenario.sockets())? {
            eprintln!("{}: {note}", S::NAME);
        }
        self.progress.stage("connected", scenario.sockets());
        let limit = Duration::from_secs(self.options.timeout) + scenario.lasts();
        let outcome = timeout(limit, scenario.run(self)).await;
        let outcome = outcome.map_err(|_| {
            let (seconds, progress) = (limit.as_secs(), &self.progress);
            Error::Late(format!(
                "not done within {seconds} s (--timeout): {progress}"
            ))
        })??;
        Ok(Report::new(S::NAME, &self.nodes[0].url, outcome))
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    pub(crate) fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    pub(crate) fn servers(&self) -> &[Process] {
        &self.servers
    }

    pub(crate) fn sources(&self) -> Sources {
        self.sources
    }

    /// What the clients' clocks count from.
    pub(crate) fn clock(&self) -> Instant {
        self.clock
    }

    /// The name of a client, which is also the key under which it will be present.
    pub(crate) fn user(&self, number: usize) -> String {
        format!("{}-{number}", self.name)
    }

    pub(crate) fn topic(&self, number: usize) -> String {
        let topic = self.options.topic.replace("{run}", &self.name);
        topic.replace("{number}", &number.to_string())
    }

    /// How many nodes there are to connect to.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The node that a client connects to: they go to the nodes in turn.
    pub(crate) fn node_of(&self, number: usize) -> usize {
        number % self.nodes.len()
    }

    /// Connects the client with this number.
    pub(crate) async fn connect(&self, number: usize) -> Result<Session, Error> {
        let opening = Opening::new(self.node_of(number), self.user(number));
        self.open(opening).await
    }

    /// Opens a connection.
    pub(crate) async fn open(&self, opening: Opening) -> Result<Session, Error> {
        let opened = self.opened.fetch_add(1, Ordering::Relaxed);
        Session::connect(self, &self.nodes[opening.node], opened, opening).await
    }

    /// Whether a node accepts connections.
    pub(crate) async fn is_reachable(&self, node: usize) -> bool {
        let opened = self.opened.fetch_add(1, Ordering::Relaxed);
        let address = self.nodes[node].address;
        self.sources.connect(address, opened, None).await.is_ok()
    }

    /// Connects the clients with these numbers, several at a time. They come out in
    /// their order.
    pub(crate) async fn connect_all(
        &self,
        numbers: std::ops::Range<usize>,
    ) -> Result<Vec<Session>, Error> {
        self.progress.stage("connected", numbers.len());
        let connecting = numbers.map(async |number| {
            let session = self.connect(number).await;
            self.progress.step();
            session
        });
        stream::iter(connecting)
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Has clients join, several at a time and each in the next of so many topics, and wait until they have
    /// been sent `presence_state`. They come out in their order; until somebody polls them again, what is
    /// sent to them waits in the system's buffers.
    pub(crate) fn join_all(
        &self,
        clients: Vec<Session>,
        topics: usize,
    ) -> impl Stream<Item = Result<(Session, ChannelId), Error>> {
        self.progress.stage("joined", clients.len());
        let joining = clients.into_iter().enumerate();
        let joining = joining.map(move |(number, mut client)| async move {
            let channel = client.enter(&self.topic(number % topics)).await?;
            self.progress.step();
            Ok((client, channel))
        });
        stream::iter(joining).buffered(AT_ONCE)
    }

    /// Returns when the server has not sent anything for a while.
    pub(crate) async fn quiet(&self) {
        let mut before = self.traffic.messages();
        loop {
            sleep(QUIET).await;
            let now = self.traffic.messages();
            if now == before {
                return;
            }
            before = now;
        }
    }
}

fn unique_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = now.unwrap_or_default().as_nanos();
    let process = u128::from(std::process::id());
    // The lower digits differ between runs; a name is part of every key, so it should be short.
    let mut rest = (nanoseconds ^ (process << 20)) % 36_u128.pow(7);
    let mut name = String::new();
    for _ in 0..7 {
        let digit = u32::try_from(rest % 36).unwrap_or_default();
        name.extend(char::from_digit(digit, 36));
        rest /= 36;
    }
    name
}
