use herenow::{
    Channel, HandleResult, InfoResult, JoinResult, Payload, Presence, RoomChannel, Socket,
};
use herenow_load::scenario::{Scenario, Soak};
use herenow_load::{Error, run};
use serde_json::json;

use crate::host::{Host, assert_plausible, json, listen, options};

fn soak(nodes: Vec<String>) -> Soak {
    Soak {
        seconds: 3,
        nodes,
        members: 30,
        actions: 60,
        topics: 3,
        wave: 20,
        slow: 1,
        shouts: 20,
        meta_bytes: 4096,
        check_every: 1,
        settle: 10,
        sample_every: 1,
    }
}

#[tokio::test]
async fn whatever_clients_do_all_that_is_seen_is_true() {
    let host = Host::start().await;
    // To a client, a node is a URL: here both lead to the same server.
    let soak = soak(vec![listen(&host.endpoint).await]);
    let report = run(&host.url, &options(), &soak).await.unwrap();
    let outcome = &report.outcome;
    assert_eq!(outcome.first_errors, [""; 0]);
    assert!(soak.verdict(outcome).is_ok());
    let counts = outcome.counts;
    assert!(counts.joins > 50 && counts.leaves > 0 && counts.shouts > 0);
    assert!(counts.checks >= 2);
    // In each topic an observer on each node, and a slow one on each in the first; and newcomers.
    assert_eq!(counts.states_compared, counts.checks * 2 * (3 + 1));
    assert_eq!(counts.lists_compared, counts.checks * 2 * 3);
    assert_plausible(&outcome.settled_ms, counts.checks);
    assert!(outcome.seen_ms.count > 0);
    assert_eq!(outcome.shout_ms.count, counts.heard);
    assert_eq!(json(report)["bench"], "soak");
}

#[tokio::test]
async fn somebody_who_is_listed_and_not_there_is_found_out() {
    let host = Host::start_with(|presence| Haunted {
        presence: presence.clone(),
        room: RoomChannel::new(presence),
    })
    .await;
    let soak = Soak {
        seconds: 1,
        settle: 1,
        members: 1,
        wave: 0,
        slow: 0,
        topics: 1,
        ..soak(Vec::new())
    };
    let outcome = run(&host.url, &options(), &soak).await.unwrap().outcome;
    let error = outcome.first_errors.first().unwrap();
    assert!(error.contains("node 0, topic 0"), "{error}");
    assert!(error.contains("ghosts (casper)"), "{error}");
    let verdict = soak.verdict(&outcome).unwrap_err();
    assert!(matches!(verdict, Error::Failed(_)), "{verdict}");
}

/// A room in which somebody is listed who is not there.
struct Haunted {
    presence: Presence,
    room: RoomChannel,
}

impl Channel for Haunted {
    type Info = <RoomChannel as Channel>::Info;

    async fn join(
        &mut self,
        topic: &str,
        params: Payload,
        socket: &mut Socket<Self::Info>,
    ) -> JoinResult {
        self.room.join(topic, params, socket).await
    }

    async fn handle_info(
        &mut self,
        info: Self::Info,
        socket: &mut Socket<Self::Info>,
    ) -> InfoResult {
        self.presence.track(socket, "casper", json!({}))?;
        self.room.handle_info(info, socket).await
    }

    async fn handle_in(
        &mut self,
        event: &str,
        payload: Payload,
        socket: &mut Socket<Self::Info>,
    ) -> HandleResult {
        self.room.handle_in(event, payload, socket).await
    }
}
