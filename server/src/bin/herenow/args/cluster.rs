//! The flags by which a server becomes one node of several.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use herenow::cluster::Settings;
use herenow::cluster::bus::{ClusterConfig, ClusterOptions, Engine, check_engine};

use super::name_both;
use crate::{node_name, units};

/// Being one node of several.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct Cluster {
    /// Name of this node. No two nodes of a cluster may have the same; a node that is started again
    /// should keep its own [default: the host's name and some random letters, new at every start].
    #[arg(long, env = "HERENOW_NODE", value_name = "NAME")]
    node: Option<String>,

    /// How to reach the cluster: addresses of some of its nodes, like `tcp/10.0.0.7:7447,tcp/node-2:7447`
    /// (`multicast` among them also looks for nodes on the local network), or NATS servers, like
    /// `nats://10.0.0.7:4222`.
    #[arg(long, env = "HERENOW_CLUSTER", value_name = "ADDRESSES")]
    cluster: Option<String>,

    /// Where other nodes reach this one, if they do not use NATS; alone it starts a cluster [default:
    /// tcp/0.0.0.0:7447].
    #[arg(long, env = "HERENOW_CLUSTER_LISTEN", value_name = "ADDRESS")]
    cluster_listen: Option<String>,

    /// Name of the cluster. Nodes of clusters with other names are ignored [default: herenow].
    #[arg(long, env = "HERENOW_CLUSTER_NAME", value_name = "NAME")]
    cluster_name: Option<String>,

    /// File with a secret of at least 16 bytes that all nodes of the cluster have. Without it, whoever
    /// reaches a node can join.
    #[arg(long, env = "HERENOW_CLUSTER_SECRET_FILE", value_name = "FILE")]
    cluster_secret_file: Option<PathBuf>,

    /// PEM file of the authorities whose certificates other nodes, or NATS servers, must have.
    #[arg(long, env = "HERENOW_CLUSTER_TLS_CA", value_name = "FILE")]
    cluster_tls_ca: Option<PathBuf>,

    /// PEM file of this node's certificate. With it, links between nodes are encrypted (`tls/…`).
    #[arg(long, env = "HERENOW_CLUSTER_TLS_CERT", value_name = "FILE")]
    cluster_tls_cert: Option<PathBuf>,

    /// PEM file of the key to that certificate.
    #[arg(long, env = "HERENOW_CLUSTER_TLS_KEY", value_name = "FILE")]
    cluster_tls_key: Option<PathBuf>,

    /// Accept any name in a certificate of that authority, which then has to be the cluster's own.
    #[arg(
        long,
        env = "HERENOW_CLUSTER_TLS_ANY_NAME",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    cluster_tls_any_name: bool,

    /// File with credentials for NATS, as `nsc` writes it.
    #[arg(long, env = "HERENOW_CLUSTER_CREDENTIALS_FILE", value_name = "FILE")]
    cluster_credentials_file: Option<PathBuf>,

    /// Silence after which the users of another node leave the lists, e.g. 3500ms. The same on all
    /// nodes, which speak three times as often.
    #[arg(long, env = "HERENOW_DOWN_AFTER", value_name = "TIME", default_value = "3500ms", value_parser = units::duration)]
    down_after: Duration,

    /// Silence after which another node is forgotten, e.g. 20m. Until then its users are kept, hidden,
    /// in case it comes back.
    #[arg(long, env = "HERENOW_PERMDOWN_AFTER", value_name = "TIME", default_value = "20m", value_parser = units::duration)]
    permdown_after: Duration,

    /// How long a node that starts waits for word of others before it wants traffic (/readyz) all the
    /// same, e.g. 5s: it may be the first.
    #[arg(long, env = "HERENOW_JOIN_TIMEOUT", value_name = "TIME", default_value = "5s", value_parser = units::duration)]
    join_timeout: Duration,
}

/// What [`Cluster`] says, checked.
pub(crate) struct ClusterPlan {
    /// This node, and what it is to join. The engine `Local` stands for no cluster.
    pub(crate) config: ClusterConfig,
    pub(crate) settings: Settings,
}

/// What a broadcast adds to the frame that it came in, at most.
const BROADCAST_OVERHEAD: usize = 1024;

impl Cluster {
    /// Makes sense of the flags together. What clients broadcast may have `max_frame_size`. The error is
    /// one line for the person who started the server.
    pub(crate) fn plan(&self, max_frame_size: usize) -> Result<ClusterPlan, String> {
        let is_alone = self.cluster.is_none() && self.cluster_listen.is_none();
        let node = self.node.clone();
        let options = ClusterOptions {
            node: node.or_else(|| (!is_alone).then(node_name::unique)),
            cluster: self.cluster.clone(),
            listen: self.cluster_listen.clone(),
            name: self.cluster_name.clone(),
            secret_file: self.cluster_secret_file.clone(),
            tls_ca: self.cluster_tls_ca.clone(),
            tls_cert: self.cluster_tls_cert.clone(),
            tls_key: self.cluster_tls_key.clone(),
            tls_any_name: self.cluster_tls_any_name,
            credentials_file: self.cluster_credentials_file.clone(),
        };
        let mut config = ClusterConfig::from_options(&options)
            .map_err(|error| format!("{}: {}", name_both(error.flag), error.problem))?;
        check_engine(&config.engine).map_err(|error| error.to_string())?;
        let defaults = Settings::default();
        let max_broadcast_bytes = max_frame_size.saturating_add(BROADCAST_OVERHEAD);
        let max_broadcast_bytes = max_broadcast_bytes.max(defaults.max_broadcast_bytes);
        let limits = &mut config.limits;
        limits.outbox_bytes = max_broadcast_bytes
            .saturating_mul(2)
            .max(limits.outbox_bytes);
        // Whole where the engine takes it, which cuts it better than in messages of its own.
        limits.max_payload = limits.max_payload.max(max_frame_size + BROADCAST_OVERHEAD);
        let settings = Settings {
            name: config.name.clone(),
            down_after: self.down_after,
            permdown_after: self.permdown_after,
            join_timeout: self.join_timeout,
            max_broadcast_bytes,
            ..defaults
        };
        if self.permdown_after <= self.down_after {
            return Err(format!(
                "{}: give more than {} has, like 20m",
                name_both("--permdown-after"),
                name_both("--down-after")
            ));
        }
        Ok(ClusterPlan { config, settings })
    }
}

impl ClusterPlan {
    /// Whether there is a cluster to join.
    pub(crate) fn is_clustered(&self) -> bool {
        self.config.engine != Engine::Local
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn plan(arguments: &[&str]) -> Result<ClusterPlan, String> {
        let cli = Cli::try_parse_from([&["herenow", "serve"], arguments].concat()).unwrap();
        let Command::Serve(serve) = cli.command else {
            panic!("it is not about serving");
        };
        serve.cluster.plan(serve.limits.max_frame_size)
    }

    #[test]
    fn without_flags_there_is_no_cluster() {
        let plan = plan(&[]).unwrap();
        assert!(!plan.is_clustered());
        assert_eq!(plan.settings, Settings::default());
    }

    #[cfg(feature = "zenoh")]
    #[test]
    fn flags_make_a_node_of_a_cluster() {
        let flags = [
            ["--node", "node-1"],
            ["--cluster", "tcp/10.0.0.7:7447"],
            ["--cluster-name", "blue"],
            ["--down-after", "600ms"],
            ["--permdown-after", "1m"],
            ["--join-timeout", "2s"],
        ];
        let plan = plan(flags.as_flattened()).unwrap();
        assert!(plan.is_clustered());
        assert_eq!(plan.config.node, "node-1");
        assert_eq!((&*plan.config.name, &*plan.settings.name), ("blue", "blue"));
        assert_eq!(plan.settings.down_after, Duration::from_millis(600));
        assert_eq!(plan.settings.permdown_after, Duration::from_secs(60));
        assert_eq!(plan.settings.join_timeout, Duration::from_secs(2));
    }

    #[test]
    fn what_a_client_may_send_may_be_broadcast_to_all_nodes() {
        let plan = plan(&["--max-frame-size", "20MiB"]).unwrap();
        let largest = plan.settings.max_broadcast_bytes;
        assert!(largest > 20 << 20);
        assert!(plan.config.limits.outbox_bytes > largest);
    }

    #[cfg(feature = "nats")]
    #[test]
    fn a_node_that_was_given_no_name_has_another_at_every_start() {
        let start = || plan(&["--cluster", "nats://10.0.0.7"]).unwrap().config.node;
        assert_ne!(start(), start());
    }

    #[cfg(not(feature = "zenoh"))]
    #[test]
    fn a_build_without_the_engine_says_which_feature_is_missing() {
        let line = plan(&["--cluster", "tcp/10.0.0.7:7447"])
            .map(|_| ())
            .unwrap_err();
        assert!(line.contains("--features zenoh"), "{line}");
    }

    #[test]
    fn what_cannot_work_is_one_line_that_names_flag_variable_and_remedy() {
        let cases: &[(&[&str], &str, &str)] = &[
            (&["--node", "my node"], "--node (HERENOW_NODE): ", "node-1"),
            (
                &["--cluster", "10.0.0.7"],
                "--cluster (HERENOW_CLUSTER): ",
                "tcp/",
            ),
            (
                &["--cluster-secret-file", "/dev/null"],
                "--cluster-secret-file (HERENOW_CLUSTER_SECRET_FILE): ",
                "--cluster",
            ),
            (
                &["--permdown-after", "1s"],
                "--permdown-after (HERENOW_PERMDOWN_AFTER): ",
                "20m",
            ),
        ];
        for (arguments, start, remedy) in cases {
            let line = plan(arguments).map(|_| ()).unwrap_err();
            assert!(line.starts_with(start), "{line}");
            assert!(line.contains(remedy) && !line.contains('\n'), "{line}");
        }
    }
}
