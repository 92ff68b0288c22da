//! Where messages go: NATS subjects. A cluster's name is part of them, so clusters that share servers
//! do not receive each other's messages, except for greetings.

use herenow_core::replica::ReplicaId;

/// Who has just connected says so here, to nodes of any cluster: so that one with the wrong cluster
/// name is noticed. Only those who hear it pay for it, a few bytes per node that connects.
pub(super) const HELLO: &str = "herenow.hello";

/// Where it is answered.
pub(super) const HERE: &str = "herenow.here";

/// The subjects of one cluster.
#[derive(Debug)]
pub(super) struct Subjects {
    /// The name of the cluster, as a token of a subject.
    cluster: String,
}

impl Subjects {
    pub(super) fn new(cluster: &str) -> Self {
        Self {
            cluster: token(cluster),
        }
    }

    /// Of heartbeats.
    pub(super) fn all(&self) -> String {
        format!("herenow.{}.all", self.cluster)
    }

    /// Of the deltas of a shard.
    pub(super) fn shard(&self, shard: u16) -> String {
        format!("herenow.{}.shard.{shard}", self.cluster)
    }

    /// Of what is for one replica.
    pub(super) fn direct(&self, to: &ReplicaId) -> String {
        let (node, incarnation) = (token(to.node()), to.incarnation());
        format!("herenow.{}.to.{node}.{incarnation}", self.cluster)
    }
}

/// A name as one token of a subject. Dots, which separate tokens, become slashes, which names do not
/// have.
fn token(name: &str) -> String {
    name.replace('.', "/")
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn names_with_dots_are_one_token_and_stay_apart() {
        let subjects = Subjects::new("prod.eu");
        assert_eq!(subjects.all(), "herenow.prod/eu.all");
        assert_eq!(subjects.shard(7), "herenow.prod/eu.shard.7");
        let to = ReplicaId::new("node-1.example", 12);
        assert_eq!(subjects.direct(&to), "herenow.prod/eu.to.node-1/example.12");
        assert_ne!(Subjects::new("a").shard(1), Subjects::new("a.shard").all());
    }
}
