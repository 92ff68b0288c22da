//! How fast a shard is, and what replication costs, as JSON lines: `cargo bench -p herenow-core --bench replica`.
//!
//! Each figure is the best of several rounds, so that what else the machine does counts little. What a merge
//! takes is told by the benchmark `merge`.

mod replication;
#[allow(dead_code, reason = "shared with a benchmark that uses more of it")]
mod site;

use herenow_core::replica::{ChannelId, ReplicaId, Shard, ShardConfig};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const META: &str = r#"{"online_at":"1764000000","device":"phone","name":"Somebody or other"}"#;

fn main() {
    for members in [10_000, 100_000] {
        track(members);
        churn(members);
        read(members);
    }
    replication::run();
}

fn shard() -> Shard {
    Shard::new(ReplicaId::new("node", 1), 0, ShardConfig::default())
}

fn keys(members: u64) -> Vec<String> {
    (0..members)
        .map(|number| format!("user:{number}"))
        .collect()
}

/// Everybody comes into one topic, then everybody leaves.
fn track(members: u64) {
    let keys = keys(members);
    let (mut coming, mut leaving) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let mut shard = shard();
        coming = coming.min(time(|| fill(&mut shard, &keys)));
        leaving = leaving.min(time(|| {
            for number in 0..members {
                shard.untrack_all(1_000, ChannelId(number));
            }
            while black_box(shard.poll_diff(1_000)).is_some() {}
        }));
    }
    report("track", members, members, coming);
    report("untrack_all", members, members, leaving);
}

/// In a full topic, each member in turn updates its meta, leaves and comes again, polled each time.
fn churn(members: u64) {
    let keys = keys(members);
    let mut shard = shard();
    fill(&mut shard, &keys);
    let mut now = 1_000;
    let mut best = Duration::MAX;
    for round in 0..ROUNDS {
        let meta = format!(r#"{{"round":{round},"online_at":"1764000000"}}"#);
        best = best.min(time(|| {
            for (number, key) in keys.iter().enumerate() {
                let channel = ChannelId(number as u64);
                now += u64::from(number % 10 == 0);
                shard
                    .update(now, "room:lobby", channel, key, &meta)
                    .expect("is tracked");
                shard.untrack(now, "room:lobby", channel, key);
                shard
                    .track(now, "room:lobby", channel, key, META)
                    .expect("is not tracked");
                black_box(shard.poll_diff(now));
            }
        }));
    }
    report("update, untrack, track", members, 3 * members, best);
}

fn read(members: u64) {
    let keys = keys(members);
    let mut shard = shard();
    fill(&mut shard, &keys);
    let by_key = best(|| {
        for key in keys.iter().step_by(10) {
            black_box(shard.get_by_key("room:lobby", key));
        }
    });
    report("get_by_key", members, members / 10, by_key);
    let list = best(|| drop(black_box(shard.list("room:lobby"))));
    report("list", members, 1, list);
    let state = best(|| {
        let mut out = String::new();
        shard.write_state("room:lobby", &mut out);
        black_box(out);
    });
    report("write_state", members, 1, state);
}

fn fill(shard: &mut Shard, keys: &[String]) {
    for (number, key) in keys.iter().enumerate() {
        let channel = ChannelId(number as u64);
        shard
            .track(0, "room:lobby", channel, key, META)
            .expect("is not tracked");
    }
    while black_box(shard.poll_diff(0)).is_some() {}
}

fn best(mut run: impl FnMut()) -> Duration {
    (0..ROUNDS)
        .map(|_| time(&mut run))
        .min()
        .unwrap_or_default()
}

fn time(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn report(name: &str, members: u64, count: u64, took: Duration) {
    let each = took.as_secs_f64() / count as f64;
    println!(
        r#"{{"bench":"replica","what":"{name}","members":{members},"microseconds":{:.3},"per_second":{:.0}}}"#,
        each * 1e6,
        1.0 / each
    );
}
