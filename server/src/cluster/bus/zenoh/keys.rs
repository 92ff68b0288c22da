//! Where messages go: zenoh's key expressions. A cluster's name is part of them all, so clusters that
//! share a network do not even receive each other's messages.

use herenow_core::replica::ReplicaId;

use super::super::config::check_name;

/// The key of every node's liveliness token, of any cluster.
pub(super) const ANY_TOKEN: &str = "herenow/*/live/*/*";

/// The keys of one cluster.
#[derive(Debug)]
pub(super) struct Keys {
    cluster: String,
}

/// Whose liveliness a token tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) cluster: &'a str,
    pub(super) node: &'a str,
    pub(super) incarnation: u64,
}

impl Keys {
    pub(super) fn new(cluster: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
        }
    }

    /// Of heartbeats.
    pub(super) fn all(&self) -> String {
        format!("herenow/{}/all", self.cluster)
    }

    /// Of the deltas of a shard.
    pub(super) fn shard(&self, shard: u16) -> String {
        format!("herenow/{}/shard/{shard}", self.cluster)
    }

    /// Of what is for one replica.
    pub(super) fn direct(&self, to: &ReplicaId) -> String {
        let (node, incarnation) = (to.node(), to.incarnation());
        format!("herenow/{}/to/{node}/{incarnation}", self.cluster)
    }

    /// Of what nodes say about themselves.
    pub(super) fn intro(&self) -> String {
        format!("herenow/{}/intro", self.cluster)
    }

    /// Of the question that is only answered to show that all before it has arrived.
    pub(super) fn fence(&self) -> String {
        format!("herenow/{}/fence", self.cluster)
    }

    /// Of the token that exists while there is a link to `of`.
    pub(super) fn token(&self, of: &ReplicaId) -> String {
        let (node, incarnation) = (of.node(), of.incarnation());
        format!("herenow/{}/live/{node}/{incarnation}", self.cluster)
    }

    pub(super) fn is_of(&self, token: &Token<'_>) -> bool {
        token.cluster == self.cluster
    }
}

impl<'a> Token<'a> {
    /// Reads the key of a token; `None` if no node of ours made it.
    pub(super) fn parse(key: &'a str) -> Option<Self> {
        let (cluster, rest) = key.strip_prefix("herenow/")?.split_once("/live/")?;
        let (node, incarnation) = rest.split_once('/')?;
        check_name(cluster).ok()?;
        check_name(node).ok()?;
        Some(Self {
            cluster,
            node,
            incarnation: incarnation.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_token_names_cluster_node_and_life() {
        let keys = Keys::new("prod.eu");
        let key = keys.token(&ReplicaId::new("node-1.example", 12));
        let token = Token::parse(&key).unwrap();
        assert_eq!((token.node, token.incarnation), ("node-1.example", 12));
        assert!(keys.is_of(&token));
        assert!(!Keys::new("prod").is_of(&token));
    }

    #[test]
    fn a_strange_token_is_nobody() {
        for key in [
            "",
            "herenow/a/live/b",
            "herenow/a/live/b/x",
            "herenow/a/live/b/1/2",
            "other/a/live/b/1",
            "herenow//live/b/1",
            "herenow/a/live//1",
            "herenow/a\u{1b}/live/b/1",
        ] {
            assert_eq!(Token::parse(key), None, "{key}");
        }
    }
}
