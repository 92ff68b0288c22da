//! How zenoh is set up for one node.

use serde_json::{Value, json};

use super::super::OpenError;
use super::super::config::{Limits, Seed, Tls, ZenohConfig};
use super::super::envelope::MAX_OVERHEAD;

/// A link over which nothing comes for this long is given up, in milliseconds. Replication notices a
/// silent node by its heartbeats and much earlier; this is for closing what is dead.
const LEASE_MS: u64 = 6000;

/// Between attempts to reach a seed, in milliseconds: the first and the longest.
const RETRY_MS: (u64, u64) = (250, 4000);

/// How long a direct message may wait for a link that takes nothing before zenoh gives up the link, in
/// microseconds. The node behind it is stuck; it will connect again.
const WAIT_BEFORE_CLOSE_US: u64 = 3_000_000;

/// How long a published message may wait for room before it is dropped, in microseconds.
const WAIT_BEFORE_DROP_US: u64 = 1000;

/// What zenoh adds to a message, generously.
const ZENOH_OVERHEAD: usize = 4096;

/// zenoh's configuration for a node that connects to `seeds`, and to whom it hears of by `gossip`.
pub(super) fn settings(
    config: &ZenohConfig,
    seeds: &[Seed],
    gossip: bool,
    limits: &Limits,
) -> Result<::zenoh::Config, OpenError> {
    let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    let json = json!({
        "mode": "peer",
        "connect": {
            "endpoints": seeds,
            "timeout_ms": -1,
            "exit_on_failure": false,
            "retry": {
                "period_init_ms": RETRY_MS.0,
                "period_max_ms": RETRY_MS.1,
                "period_increase_factor": 2,
            },
        },
        "listen": { "endpoints": [config.listen], "timeout_ms": 0, "exit_on_failure": true },
        // A cluster starts with its first node, so nobody is waited for.
        "open": { "return_conditions": { "connect_scouted": false, "declares": false } },
        "scouting": {
            "multicast": { "enabled": config.multicast },
            "gossip": { "enabled": gossip },
        },
        "timestamping": { "enabled": false },
        "adminspace": { "enabled": false },
        "transport": {
            "unicast": { "max_sessions": limits.max_peers },
            "link": {
                "tx": {
                    "lease": LEASE_MS,
                    "queue": {
                        "congestion_control": {
                            "drop": { "wait_before_drop": WAIT_BEFORE_DROP_US },
                            "block": { "wait_before_close": WAIT_BEFORE_CLOSE_US },
                        },
                    },
                },
                "rx": { "max_message_size": limits.max_payload + MAX_OVERHEAD + ZENOH_OVERHEAD },
                "tls": config.tls.as_ref().map_or_else(|| json!({}), tls),
            },
        },
    });
    ::zenoh::Config::from_json5(&json.to_string())
        .map_err(|error| OpenError::new(format!("--cluster: zenoh refuses its settings: {error}")))
}

/// Links are mutual TLS: every node listens and connects, so every node has a certificate.
fn tls(tls: &Tls) -> Value {
    let mut json = json!({
        "root_ca_certificate": tls.ca,
        "enable_mtls": true,
        "verify_name_on_connect": !tls.any_name,
        "close_link_on_expiration": true,
    });
    if let Some((cert, key)) = &tls.identity {
        json["listen_certificate"] = json!(cert);
        json["listen_private_key"] = json!(key);
        json["connect_certificate"] = json!(cert);
        json["connect_private_key"] = json!(key);
    }
    json
}

#[cfg(test)]
mod unit {
    use super::*;

    /// What zenoh made of the settings, at a path.
    fn made(config: &ZenohConfig, path: &str) -> String {
        let seeds = ["tls/192.0.2.1:7".parse().unwrap()];
        let settings = settings(config, &seeds, true, &Limits::default()).unwrap();
        settings.get_json(path).unwrap()
    }

    #[test]
    fn zenoh_understands_its_settings() {
        let quiet = ZenohConfig {
            seeds: vec![],
            listen: "tls/0.0.0.0:0".into(),
            multicast: false,
            tls: Some(Tls {
                ca: "ca.pem".into(),
                identity: Some(("node.pem".into(), "node.key".into())),
                any_name: true,
            }),
        };
        let tls = "transport/link/tls";
        assert_eq!(made(&quiet, "mode"), "\"peer\"");
        assert_eq!(made(&quiet, "connect/endpoints"), "[\"tls/192.0.2.1:7\"]");
        assert_eq!(made(&quiet, "scouting/multicast/enabled"), "false");
        assert_eq!(made(&quiet, "scouting/gossip/enabled"), "true");
        assert_eq!(made(&quiet, &format!("{tls}/enable_mtls")), "true");
        assert_eq!(
            made(&quiet, &format!("{tls}/verify_name_on_connect")),
            "false"
        );
        assert_eq!(
            made(&quiet, &format!("{tls}/connect_private_key")),
            "\"node.key\""
        );
        let looking = ZenohConfig {
            multicast: true,
            tls: None,
            ..quiet
        };
        assert_eq!(made(&looking, "scouting/multicast/enabled"), "true");
        assert_eq!(
            made(&looking, &format!("{tls}/root_ca_certificate")),
            "null"
        );
    }
}
