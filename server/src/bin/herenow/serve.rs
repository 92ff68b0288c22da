//! `herenow serve`, from the first port to the last connection.

use std::env;
use std::future::pending;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use herenow::cluster::Cluster;
use herenow::cluster::bus::QUIET_LOGS;
use herenow::{Endpoint, Limits, Presence, PubSub, RoomChannel};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tracing_subscriber::EnvFilter;
use warp::Filter;

use crate::access::Access;
use crate::args::{self, ClusterPlan, Serve};
use crate::cluster;
use crate::health::{self, Readiness};
use crate::http;
use crate::listener;
use crate::metrics;
use crate::open_files;
use crate::signals::Signals;
use crate::site;

/// What a shell expects of a command that was ended by Ctrl-C: 128 and the signal's number.
const EXIT_INTERRUPTED: i32 = 130;

/// Where the socket is, as phoenix.js's examples have it.
const SOCKET_PATH: &str = "socket";

/// Why a server stops.
enum End {
    /// Somebody wanted it.
    Asked,
    /// The cluster listens to another node of its name, of this incarnation.
    Superseded(u64),
}

/// Where the server is reached.
struct Listeners {
    public: TcpListener,
    operators: Option<TcpListener>,
}

impl Listeners {
    async fn open(public: &str, operators: Option<&str>) -> Result<Self, String> {
        Ok(Self {
            public: listener::listen("--listen", public).await?,
            operators: match operators {
                Some(address) => Some(listener::listen("--operator-listen", address).await?),
                None => None,
            },
        })
    }

    fn addresses(&self) -> Result<(SocketAddr, Option<SocketAddr>), String> {
        let address = |listener: &TcpListener| {
            let address = listener.local_addr();
            address.map_err(|error| error.to_string())
        };
        let operators = self.operators.as_ref().map(address).transpose()?;
        Ok((address(&self.public)?, operators))
    }
}

/// A server as the command line wants it.
pub(crate) struct Server {
    options: Serve,
    plan: ClusterPlan,
    access: Arc<Access>,
}

impl Server {
    /// Makes sense of the flags together. The error is one line for the person who gave them.
    pub(crate) fn new(options: Serve) -> Result<Self, String> {
        log_to_stderr(&options.operation.log);
        Ok(Self {
            plan: options.cluster.plan(options.limits.max_frame_size)?,
            access: Arc::new(Access::new(&options.access)?),
            options,
        })
    }

    /// Serves until a signal says otherwise. The error is one line for the person who started it.
    pub(crate) async fn serve(self) -> Result<(), String> {
        let Self { options, plan, .. } = &self;
        let mut signals =
            Signals::new().map_err(|error| format!("cannot listen for Ctrl-C: {error}"))?;
        let listeners =
            Listeners::open(&options.listen, options.operator_listen.as_deref()).await?;
        let (address, for_operators) = listeners.addresses()?;

        // Programs that start a server on port 0 read the ports from these lines, so they come first.
        eprintln!("listening on http://{address}");
        if let Some(address) = for_operators {
            eprintln!("listening for operators on http://{address}");
        }
        open_files::allow_all();
        warn_of_open_access(&self.access, address);
        warn_of_unknown_variables();

        let started = Instant::now();
        let mut end = self.live(listeners, &mut signals, 0).await?;
        // So soon after the start it was the clock, which had been set back; or two were started together.
        if let End::Superseded(later) = end
            && started.elapsed() < plan.settings.join_timeout
        {
            tracing::warn!("starts again as a later life of the same name");
            let for_operators = for_operators.map(|address| address.to_string());
            let listeners = Listeners::open(&address.to_string(), for_operators.as_deref()).await?;
            end = self.live(listeners, &mut signals, later).await?;
        }
        match end {
            End::Asked => Ok(()),
            End::Superseded(_) => Err(format!(
                "another node named {} has started since, and two of one name cannot be told apart: give \
                 each a name of its own with --node (HERENOW_NODE)",
                plan.config.node
            )),
        }
    }

    /// Serves from joining the cluster, as a life later than `earlier`, until all connections are closed.
    async fn live(
        &self,
        listeners: Listeners,
        signals: &mut Signals,
        earlier: u64,
    ) -> Result<End, String> {
        let Self { options, plan, .. } = self;
        let pubsub = PubSub::new();
        let presence = Presence::builder(&pubsub)
            .node(plan.config.node.as_str())
            .later_than(earlier)
            .window(options.window_ms)
            .max_window(options.max_window_ms)
            .start();
        let cluster = cluster::join(plan, &pubsub, &presence).await?;
        let endpoint = endpoint(options, &self.access, &pubsub, &presence);
        let readiness = Readiness::new(cluster.clone());
        let operation = health::routes(readiness.clone())
            .or(cluster::routes(presence.clone(), cluster.clone()))
            .unify()
            .or(metrics::routes(endpoint.clone(), presence, cluster.clone()))
            .unify()
            .boxed();
        let for_public = match listeners.operators {
            Some(_) => health::routes(readiness.clone()),
            None => operation.clone(),
        };
        let routes = endpoint
            .routes(SOCKET_PATH)
            .or(for_public)
            .unify()
            .or(site::pages(options.www.clone(), options.client.clone()))
            .unify()
            .boxed();
        let header_timeout = options.limits.header_timeout;
        let serve = |listener, routes| {
            let (stop, stopped) = watch::channel(false);
            let server = http::serve(listener, routes, header_timeout, stopped);
            (tokio::spawn(server), stop)
        };
        let (server, stop) = serve(listeners.public, routes);
        // To the end: it is while the server stops that operators look.
        let for_operators = listeners
            .operators
            .map(|listener| serve(listener, operation));

        let end = tokio::select! {
            signal = signals.next() => {
                tracing::info!("{signal}: closing the connections; once more stops at once");
                End::Asked
            }
            later = superseded(cluster.as_ref()) => End::Superseded(later),
        };
        readiness.stop();
        stop.send_replace(true);
        let close = async {
            drain(&endpoint, server, options.operation.shutdown_grace).await;
            // Last, so that the lists of others name each user for as long as the connection is open.
            if let Some(cluster) = cluster {
                cluster.leave().await;
            }
            if let Some((server, _stop)) = for_operators {
                server.abort();
                // For its port, which the next life wants.
                _ = server.await;
            }
        };
        tokio::select! {
            () = close => Ok(end),
            _ = signals.next() => process::exit(EXIT_INTERRUPTED),
        }
    }
}

/// Waits until the cluster listens to another node of this one's name.
async fn superseded(cluster: Option<&Cluster>) -> u64 {
    match cluster {
        Some(cluster) => cluster.superseded().await,
        None => pending().await,
    }
}

fn endpoint(
    options: &Serve,
    access: &Arc<Access>,
    pubsub: &PubSub,
    presence: &Presence,
) -> Endpoint {
    let access = Arc::clone(access);
    let presence = presence.clone();
    let defaults = Limits::default();
    let max_frame_size = options.limits.max_frame_size;
    let endpoint = Endpoint::builder(pubsub)
        .connect(move |request| {
            let access = Arc::clone(&access);
            async move { access.connect(&request) }
        })
        .channel("room:*", move || RoomChannel::new(presence.clone()))
        .longpoll(!options.longpoll.no_longpoll)
        .limits(Limits {
            max_message_bytes: max_frame_size,
            max_channels_per_transport: options.limits.max_channels,
            max_connections: options.limits.max_connections,
            max_queue_bytes: options.limits.max_queue_bytes,
            idle_timeout: options.limits.idle_timeout,
            longpoll_window: options.longpoll.longpoll_window,
            max_longpoll_sessions: options.longpoll.max_longpoll_sessions,
            // Whatever a message may have, a body may have too.
            max_longpoll_body_bytes: defaults.max_longpoll_body_bytes.max(max_frame_size),
            ..defaults
        });
    match &options.access.check_origin {
        Some(check) => endpoint.check_origin(check.clone()),
        None => endpoint,
    }
    .build()
}

/// Closes all connections, those of the socket first; what is left after `grace` is cut off.
async fn drain(endpoint: &Endpoint, server: JoinHandle<()>, grace: Duration) {
    let deadline = Instant::now() + grace;
    endpoint.shutdown(grace).await;
    if timeout_at(deadline, server).await.is_err() {
        tracing::warn!("requests were still open after {grace:?}; they are cut off");
    }
}

/// Says who may connect, if that may not be what was wanted.
fn warn_of_open_access(access: &Access, address: SocketAddr) {
    if matches!(access, Access::Open) && !address.ip().is_loopback() {
        tracing::warn!(
            "whoever reaches this server may connect as any user; --secret-key-base-file has it ask for tokens"
        );
    }
}

fn warn_of_unknown_variables() {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in args::unknown_variables(names) {
        tracing::warn!("{name} is set, and no flag has it: see `herenow serve --help`");
    }
}

fn log_to_stderr(filter: &str) {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("{QUIET_LOGS},{filter}")))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}
