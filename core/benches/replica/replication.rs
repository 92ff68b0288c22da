//! What replication costs on the wire.

use crate::site::{Site, bytes, pair};
use herenow_core::replica::To;

/// What Phoenix's tracker sends for a presence in its full state, in bytes.
const PHOENIX_BYTES: f64 = 209.0;
const DELTA: u64 = 100;

pub(crate) fn run() {
    for members in [20_000, 100_000, 400_000] {
        delta(members);
    }
    snapshot(100_000);
    for nodes in [3, 10, 30, 100] {
        idle(nodes);
    }
}

/// A hundred come where many are present.
fn delta(members: u64) {
    let (mut owner, mut copy) = pair(members);
    let said = owner.say(0);
    copy.hear(0, &owner.id, &said);
    assert_eq!(copy.members(), members);
    owner.track(100, members..members + DELTA);
    let said = owner.say(100);
    copy.hear(100, &owner.id, &said);
    assert_eq!(copy.members(), members + DELTA);
    report_bytes("delta of 100", members, bytes(&said) as f64 / DELTA as f64);
}

/// A node begins to look at a shard in which another has many presences.
fn snapshot(members: u64) {
    let (mut owner, mut copy) = pair(members);
    let said = owner.say(0);
    copy.hear(0, &owner.id, &said);
    assert_eq!(copy.members(), members);
    report_bytes("snapshot", members, bytes(&said) as f64 / members as f64);
}

/// What a node of an idle cluster sends to each of the others, in bytes a second.
fn idle(nodes: u64) {
    let mut sites: Vec<Site> = (0..nodes)
        .map(|at| Site::new(&format!("node-{at}.example.org")))
        .collect();
    let mut last = 0;
    for second in 0..4 {
        let now = second * 1_000;
        for from in 0..sites.len() {
            let said = sites[from].say(now);
            let id = sites[from].id.clone();
            let digests: Vec<_> = said.into_iter().filter(|(to, _)| *to == To::All).collect();
            last = bytes(&digests);
            for (to, site) in sites.iter_mut().enumerate() {
                if to != from {
                    site.hear(now, &id, &digests);
                }
            }
        }
    }
    println!(
        r#"{{"bench":"replication","what":"heartbeat","nodes":{nodes},"bytes":{last},"bytes_per_second_and_node":{}}}"#,
        last as u64 * (nodes - 1)
    );
}

fn report_bytes(what: &str, members: u64, bytes: f64) {
    println!(
        r#"{{"bench":"replication","what":"{what}","members":{members},"bytes_per_entry":{bytes:.1},"of_phoenix":{:.2}}}"#,
        bytes / PHOENIX_BYTES
    );
}
