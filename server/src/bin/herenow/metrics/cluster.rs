//! What a node of a cluster counts besides.

use herenow::cluster::bus::Reason;
use herenow::cluster::{MemberState, Status};

use super::{Exposition, count};
use crate::cluster;

const STATES: [MemberState; 3] = [MemberState::Up, MemberState::Returning, MemberState::Down];

/// Appends the cluster's metrics.
pub(super) fn write(text: &mut Exposition, status: &Status) {
    replicas(text, status);
    text.gauge(
        "cluster_shards_wanted",
        "Shards in which this node keeps what other nodes have.",
        count(status.shards_wanted),
    );
    text.gauge(
        "cluster_shards_unready",
        "Shards of these that still wait for other nodes.",
        count(status.shards_unready),
    );
    broadcasts(text, status);
    traffic(text, status);
}

fn replicas(text: &mut Exposition, status: &Status) {
    let of_state = |state| {
        status
            .members
            .iter()
            .filter(move |member| member.state == state)
    };
    text.gauges(
        "cluster_replicas",
        "Other nodes, by their state.",
        STATES.map(|state| {
            (
                label("state", cluster::state(state)),
                count(of_state(state).count()),
            )
        }),
    );
    let node = |member: &herenow::cluster::Member| label("node", member.replica.node());
    let members = || status.members.iter();
    text.gauges(
        "cluster_replica_up",
        "1 if the users of a node are listed here.",
        members().map(|member| (node(member), u64::from(member.state == MemberState::Up))),
    );
    text.gauges(
        "cluster_replica_incarnation",
        "Which life of a node it is: when it was started, in microseconds since 1970.",
        members().map(|member| (node(member), member.replica.incarnation())),
    );
    text.gauges(
        "cluster_replica_version",
        "Changes of presences that a node is known to have made in this life.",
        members().map(|member| (node(member), member.version)),
    );
    text.gauges(
        "cluster_replica_changes_behind",
        "Changes that a node is known to have made and that are not here yet.",
        members().map(|member| (node(member), member.changes_behind)),
    );
    text.gauges(
        "cluster_replica_silence_milliseconds",
        "For how long nobody has heard of a node.",
        members().map(|member| {
            let silent = u64::try_from(member.silent_for.as_millis());
            (node(member), silent.unwrap_or(u64::MAX))
        }),
    );
    text.counters(
        "cluster_replica_received_bytes_total",
        "Bytes of replication received of a node itself.",
        members().map(|member| (node(member), member.received.bytes)),
    );
}

fn broadcasts(text: &mut Exposition, status: &Status) {
    let broadcasts = status.broadcasts;
    text.counters(
        "cluster_broadcasts_total",
        "Broadcasts of topics sent to other nodes, received of them, too large to be sent, and received in part.",
        [
            (label("direction", "sent"), broadcasts.sent),
            (label("direction", "received"), broadcasts.received),
            (label("direction", "failed"), broadcasts.failed),
            (label("direction", "lost"), broadcasts.lost),
        ],
    );
}

fn traffic(text: &mut Exposition, status: &Status) {
    let bus = &status.bus;
    text.gauge(
        "cluster_links",
        "Other nodes to which there is a way, as far as the bus can tell.",
        count(bus.peers),
    );
    let directions = |sent, received| {
        [
            (label("direction", "sent"), sent),
            (label("direction", "received"), received),
        ]
    };
    text.counters(
        "cluster_messages_total",
        "Messages between nodes, each counted once whatever the number of its readers.",
        directions(bus.sent.messages, bus.received.messages),
    );
    text.counters(
        "cluster_bytes_total",
        "Bytes of messages between nodes.",
        directions(bus.sent.bytes, bus.received.bytes),
    );
    text.counters(
        "cluster_dropped_messages_total",
        "Messages lost to full queues. What they said is asked for again.",
        [
            (label("queue", "outgoing"), bus.dropped.outgoing),
            (label("queue", "incoming"), bus.dropped.incoming),
            (label("queue", "direct"), status.dropped),
        ],
    );
    let reasons =
        Reason::ALL.map(|reason| (label("reason", reason.as_str()), bus.refused.of(reason)));
    let replication = (label("reason", "replication"), status.refused);
    text.counters(
        "cluster_refused_messages_total",
        "Messages received and refused.",
        reasons.into_iter().chain([replication]),
    );
}

/// Values need no quoting: they are ours, or names of nodes.
fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{value}\"")
}
