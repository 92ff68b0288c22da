//! Which cluster a node belongs to and how it reaches it, as the command line says it.

mod options;
mod seed;
#[cfg(test)]
mod tests;

pub use options::{ClusterOptions, ConfigError};
pub(crate) use seed::Seed;

use std::fmt;
use std::path::PathBuf;

/// The longest name of a node or a cluster, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// The shortest secret that is accepted, in bytes: what 128 random bits need.
pub const MIN_SECRET_BYTES: usize = 16;

/// The longest secret that is accepted, in bytes; what is longer is the wrong file.
pub const MAX_SECRET_BYTES: usize = 4096;

/// The port that zenoh nodes listen on unless told otherwise.
pub const DEFAULT_ZENOH_PORT: u16 = 7447;

/// Which cluster a node belongs to, and how it reaches it.
///
/// ```
/// use herenow::cluster::bus::{ClusterConfig, ClusterOptions};
///
/// let options = ClusterOptions {
///     node: Some("node-1".into()),
///     cluster: Some("tcp/10.0.0.7:7447,tcp/herenow.internal:7447".into()),
///     ..ClusterOptions::default()
/// };
/// let config = ClusterConfig::from_options(&options).unwrap();
/// assert_eq!(config.node, "node-1");
///
/// let alone = ClusterConfig::from_options(&ClusterOptions::default()).unwrap();
/// assert_eq!(alone, ClusterConfig::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// The name of this node, unique in its cluster.
    pub node: String,
    /// The name of the cluster. Nodes of clusters with different names ignore each other, though they
    /// share a network or a broker.
    pub name: String,
    /// What only nodes of this cluster know. Without one, whoever reaches the bus can join.
    pub secret: Option<Secret>,
    /// What carries the messages.
    pub engine: Engine,
    /// What it may cost.
    pub limits: Limits,
}

impl Default for ClusterConfig {
    /// One node alone.
    fn default() -> Self {
        Self {
            node: "local".into(),
            name: DEFAULT_CLUSTER.into(),
            secret: None,
            engine: Engine::Local,
            limits: Limits::default(),
        }
    }
}

const DEFAULT_CLUSTER: &str = "herenow";

/// What carries the messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// Nothing leaves the process.
    Local,
    /// Nodes connect to each other.
    Zenoh(ZenohConfig),
    /// Nodes connect to NATS servers.
    Nats(NatsConfig),
}

/// How zenoh nodes find and reach each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZenohConfig {
    /// Where other nodes can be reached, like `tcp/10.0.0.7:7447`. One that answers is enough; a name
    /// stands for all the addresses that it resolves to. A node may well be among its own seeds.
    pub seeds: Vec<String>,
    /// Where this node listens for others; port 0 takes a free one.
    pub listen: String,
    /// Whether nodes also look for each other by multicast on the local network. Off unless asked for.
    pub multicast: bool,
    /// With this, links are encrypted, and both ends prove who they are.
    pub tls: Option<Tls>,
}

/// The files of mutual TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of the authorities whose certificates other nodes (or the NATS server) must have.
    pub ca: PathBuf,
    /// PEM file of this node's certificate, shown when it connects and when it is connected to, and PEM
    /// file of the key to it. A zenoh node needs both; without, a NATS server is not shown one.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Whether any name in a certificate of that authority will do. Zenoh nodes find each other by
    /// address, so unless certificates name the nodes' addresses, only this lets them connect. Use an
    /// authority of the cluster's own then: whoever has a certificate of it is a member.
    pub any_name: bool,
}

/// Where the NATS servers are.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsConfig {
    /// Their URLs, like `nats://user:password@10.0.0.7:4222`; `tls://` insists on TLS.
    pub servers: Vec<String>,
    /// A credentials file, as `nsc` writes them.
    pub credentials: Option<PathBuf>,
    /// Who must have signed the servers' certificates, if not an authority that the system trusts.
    pub tls: Option<Tls>,
}

impl NatsConfig {
    /// These servers, with what their URLs say and nothing else.
    pub fn new(servers: &[impl AsRef<str>]) -> Self {
        Self {
            servers: servers.iter().map(|url| url.as_ref().to_owned()).collect(),
            credentials: None,
            tls: None,
        }
    }
}

impl fmt::Debug for NatsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.servers.iter().map(|url| without_password(url));
        f.debug_struct("NatsConfig")
            .field("servers", &servers.collect::<Vec<_>>())
            .field("credentials", &self.credentials)
            .field("tls", &self.tls)
            .finish()
    }
}

/// What may stand before the host of a URL is not for logs.
pub(crate) fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        (None, Some((_, host))) => format!("***@{host}"),
        (_, None) => url.to_owned(),
    }
}

/// A cluster's secret. Its bytes appear in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A secret of these bytes, which ought to be random and at least [`MIN_SECRET_BYTES`].
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What a bus may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest payload that is sent or accepted, in bytes (256 KiB). A NATS server has a limit of
    /// its own (1 MiB unless configured), and the smaller one counts.
    pub max_payload: usize,
    /// What may wait to be read, in bytes (32 MiB).
    pub inbox_bytes: usize,
    /// What may wait to be sent to channels, in bytes (8 MiB).
    pub outbox_bytes: usize,
    /// How many messages to one replica may wait for it (64).
    pub direct_queue: usize,
    /// How many other nodes are remembered (4096). Beyond, those heard longest ago are forgotten.
    pub max_peers: usize,
    /// How long [`close`](super::Bus::close) may take to send what is queued, in milliseconds (2000).
    pub close_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_payload: 256 * 1024,
            inbox_bytes: 32 * 1024 * 1024,
            outbox_bytes: 8 * 1024 * 1024,
            direct_queue: 64,
            max_peers: 4096,
            close_ms: 2000,
        }
    }
}

/// Whether `name` may be a node's or a cluster's: it becomes part of the engines' addresses.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(allowed) {
        return Err(format!(
            "give 1 to {MAX_NAME_BYTES} letters, digits, dots, hyphens or underscores, like node-1"
        ));
    }
    Ok(())
}
