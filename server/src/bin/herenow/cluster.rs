//! Being one node of several: joins the cluster that the command line describes, and shows it at
//! `GET /cluster`.

use std::sync::Arc;
use std::time::Duration;

use herenow::cluster::bus::{self, Traffic};
use herenow::cluster::{Cluster, Member, MemberState, Status};
use herenow::{Presence, PubSub};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

use crate::args::ClusterPlan;

/// Joins, if there is a cluster to join. The error is one line for the person who started the server.
pub(crate) async fn join(
    plan: &ClusterPlan,
    pubsub: &PubSub,
    presence: &Presence,
) -> Result<Option<Cluster>, String> {
    if !plan.is_clustered() {
        return Ok(None);
    }
    let (bus, inbox) = bus::open(&plan.config, presence.replica().incarnation())
        .await
        .map_err(|error| error.to_string())?;
    let cluster = Cluster::join(
        Arc::clone(&bus),
        inbox,
        pubsub,
        presence,
        plan.settings.clone(),
    );
    match cluster {
        Ok(cluster) => Ok(Some(cluster)),
        Err(error) => {
            bus.close().await;
            Err(format!("cannot join the cluster: {error}"))
        }
    }
}

/// Serves how the cluster looks from here, also where there is none.
pub(crate) fn routes(presence: Presence, cluster: Option<Cluster>) -> BoxedFilter<(Response,)> {
    warp::path!("cluster")
        .and(warp::get())
        .map(move || {
            let text = view(&presence, cluster.as_ref()).to_string();
            let answer = warp::reply::with_header(text, CONTENT_TYPE, "application/json");
            warp::reply::with_header(answer, CACHE_CONTROL, "no-store").into_response()
        })
        .boxed()
}

fn view(presence: &Presence, cluster: Option<&Cluster>) -> Value {
    let stats = presence.stats();
    let mut view = json!({
        "node": **presence.replica().node(),
        "incarnation": presence.replica().incarnation(),
        "clustered": cluster.is_some(),
        "presences": stats.presences,
        "own_presences": stats.own_presences,
        "replicas": [],
    });
    if let Some(cluster) = cluster
        && let Some(fields) = view.as_object_mut()
    {
        fields.extend(of_cluster(cluster, &cluster.status()));
    }
    view
}

fn of_cluster(cluster: &Cluster, status: &Status) -> Map<String, Value> {
    let replicas: Vec<Value> = status.members.iter().map(replica).collect();
    let refused = status.bus.refused;
    let refused = bus::Reason::ALL.map(|reason| (reason.as_str().to_owned(), refused.of(reason)));
    let view = json!({
        "synced": cluster.is_synced(),
        "version": status.version,
        "shards": {
            "total": status.shards,
            "wanted": status.shards_wanted,
            "unready": status.shards_unready,
        },
        "replicas": replicas,
        "broadcasts": {
            "sent": status.broadcasts.sent,
            "received": status.broadcasts.received,
            "failed": status.broadcasts.failed,
            "lost": status.broadcasts.lost,
        },
        "bus": {
            "peers": status.bus.peers,
            "sent": traffic(status.bus.sent),
            "received": traffic(status.bus.received),
            "dropped": {
                "outgoing": status.bus.dropped.outgoing,
                "incoming": status.bus.dropped.incoming,
                "direct": status.dropped,
            },
            "refused": refused.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        },
        "refused": status.refused,
    });
    match view {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn replica(member: &Member) -> Value {
    json!({
        "node": **member.replica.node(),
        "incarnation": member.replica.incarnation(),
        "state": state(member.state),
        "version": member.version,
        "changes_behind": member.changes_behind,
        "shards_behind": member.shards_behind,
        "silent_ms": milliseconds(member.silent_for),
        "unheard_ms": member.unheard_for.map(milliseconds),
        "received": traffic(member.received),
    })
}

/// One word for a state.
pub(crate) fn state(state: MemberState) -> &'static str {
    match state {
        MemberState::Up => "up",
        MemberState::Returning => "returning",
        MemberState::Down => "down",
    }
}

fn traffic(traffic: Traffic) -> Value {
    json!({"messages": traffic.messages, "bytes": traffic.bytes})
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
