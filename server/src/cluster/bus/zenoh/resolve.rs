//! From seeds to addresses: a name stands for all the addresses that it resolves to, as the name of a
//! Kubernetes headless service does.
//!
//! zenoh by itself takes the first address of a name that answers, which may well be this node's own,
//! for ever.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::super::config::Seed;

/// How long a name may take.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);

/// At most this many addresses of one name are used.
const MAX_ADDRESSES: usize = 64;

type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Asks for the addresses of a host and port.
pub(super) type Resolver = Arc<dyn Fn(String, u16) -> Addresses + Send + Sync>;

/// The system's resolver.
pub(super) fn system() -> Resolver {
    Arc::new(|host, port| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, port)).await?;
            Ok(found.collect())
        })
    })
}

/// The seeds of a node and how to resolve them.
pub(super) struct Seeds {
    seeds: Vec<Seed>,
    /// Where the node listens, which is no seed for it.
    listen: Seed,
    /// Whether names must be kept, because certificates are checked against them.
    keep_names: bool,
    resolver: Resolver,
}

impl Seeds {
    pub(super) fn new(
        seeds: Vec<Seed>,
        listen: Seed,
        keep_names: bool,
        resolver: Resolver,
    ) -> Self {
        Self {
            seeds,
            listen,
            keep_names,
            resolver,
        }
    }

    /// Whether there are any but this node itself.
    pub(super) fn are_others(&self) -> bool {
        self.seeds.iter().any(|seed| !self.is_own(seed))
    }

    /// Whether resolving again might bring other addresses.
    pub(super) fn have_names(&self) -> bool {
        self.seeds.iter().any(|seed| seed.address().is_none())
    }

    /// All addresses that the seeds stand for now, without this node's own. Names that cannot be
    /// resolved now are left out, to be tried later.
    pub(super) async fn resolve(&self) -> Vec<Seed> {
        let all = join_all(self.seeds.iter().map(|seed| self.expand(seed))).await;
        let mut found = all.concat();
        found.retain(|seed| !self.is_own(seed));
        found.sort();
        found.dedup();
        found
    }

    async fn expand(&self, seed: &Seed) -> Vec<Seed> {
        if seed.address().is_some() {
            return vec![seed.clone()];
        }
        let addresses = self.addresses(seed).await;
        let name = self.keep_names.then(|| seed.clone());
        addresses
            .into_iter()
            .map(|at| seed.at(at))
            .chain(name)
            .collect()
    }

    async fn addresses(&self, seed: &Seed) -> Vec<SocketAddr> {
        let asked = (self.resolver)(seed.host.clone(), seed.port);
        let answer = match timeout(RESOLVE_TIMEOUT, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        match answer {
            Ok(mut addresses) => {
                if addresses.len() > MAX_ADDRESSES {
                    warn!(
                        "cluster: {seed}: has too many addresses; {MAX_ADDRESSES} of them are used"
                    );
                    addresses.truncate(MAX_ADDRESSES);
                }
                addresses
            }
            Err(error) => {
                debug!("cluster: {seed}: cannot be resolved now: {error}");
                Vec::new()
            }
        }
    }

    fn is_own(&self, seed: &Seed) -> bool {
        let Some(address) = seed.address() else {
            return false;
        };
        // Only an address of this machine can be bound.
        seed.port == self.listen.port
            && match self.listen.address() {
                Some(listen) if !listen.is_unspecified() => listen == address,
                _ => UdpSocket::bind((address, 0)).is_ok(),
            }
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, seed) in self.seeds.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{seed}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    fn seeds(seeds: &[&str], listen: &str, keep_names: bool) -> Seeds {
        let answers: Resolver = Arc::new(|host, port| {
            Box::pin(async move {
                match host.as_str() {
                    "three" => Ok((1..4).map(|n| ([192, 0, 2, n], port).into()).collect()),
                    "self" => Ok(vec![
                        ([127, 0, 0, 1], port).into(),
                        ([192, 0, 2, 1], port).into(),
                    ]),
                    "many" => Ok((0..250).map(|n| ([192, 0, 2, n], port).into()).collect()),
                    _ => Err(io::ErrorKind::NotFound.into()),
                }
            })
        });
        let seeds = seeds.iter().map(|seed| seed.parse().unwrap()).collect();
        Seeds::new(seeds, listen.parse().unwrap(), keep_names, answers)
    }

    async fn resolved(seeds: &Seeds) -> Vec<String> {
        let found = seeds.resolve().await;
        found.iter().map(ToString::to_string).collect()
    }

    const ELSEWHERE: &str = "tcp/0.0.0.0:9";

    #[tokio::test]
    async fn a_name_stands_for_all_its_addresses() {
        let seeds = seeds(&["tcp/three:7", "tls/192.0.2.9:8"], ELSEWHERE, false);
        let expected = [
            "tcp/192.0.2.1:7",
            "tcp/192.0.2.2:7",
            "tcp/192.0.2.3:7",
            "tls/192.0.2.9:8",
        ];
        assert_eq!(resolved(&seeds).await, expected);
        assert!(seeds.have_names());
    }

    #[tokio::test]
    async fn a_node_is_no_seed_of_its_own() {
        let any = seeds(&["tcp/self:7"], "tcp/0.0.0.0:7", false);
        assert_eq!(resolved(&any).await, ["tcp/192.0.2.1:7"]);
        let one = seeds(&["tcp/self:7"], "tcp/127.0.0.1:7", false);
        assert_eq!(resolved(&one).await, ["tcp/192.0.2.1:7"]);
        let other_port = seeds(&["tcp/self:7"], ELSEWHERE, false);
        assert_eq!(resolved(&other_port).await.len(), 2);
    }

    #[tokio::test]
    async fn what_cannot_be_resolved_is_left_out_and_what_is_named_twice_is_used_once() {
        let seeds = seeds(
            &["tcp/nowhere:7", "tcp/three:7", "tcp/192.0.2.2:7"],
            ELSEWHERE,
            false,
        );
        assert_eq!(resolved(&seeds).await.len(), 3);
        let addresses = super::unit::seeds(&["tcp/192.0.2.2:7"], ELSEWHERE, false);
        assert!(!addresses.have_names());
    }

    #[tokio::test]
    async fn names_are_kept_where_certificates_are_checked_against_them() {
        let seeds = seeds(&["tls/three:7"], ELSEWHERE, true);
        assert!(resolved(&seeds).await.contains(&"tls/three:7".to_owned()));
        assert_eq!(resolved(&seeds).await.len(), 4);
    }

    #[tokio::test]
    async fn the_addresses_of_a_name_are_bounded() {
        let seeds = seeds(&["tcp/many:7"], ELSEWHERE, false);
        assert_eq!(resolved(&seeds).await.len(), MAX_ADDRESSES);
    }
}
