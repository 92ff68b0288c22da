//! What it takes to merge what another node tells, by how much is there already: `cargo bench -p herenow-core
//! --bench merge`.

#[path = "../replica/site.rs"]
#[allow(dead_code, reason = "shared with a benchmark that uses more of it")]
mod site;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use site::{Site, pair};
use std::time::{Duration, Instant};

const DELTA: u64 = 100;

/// What one says to the other, and how long that takes to hear it.
fn tell(now: u64, from: &mut Site, to: &mut Site) -> Duration {
    let said = from.say(now);
    let started = Instant::now();
    to.hear(now, &from.id, &said);
    started.elapsed()
}

/// A hundred come, and go again before the next hundred do.
fn delta(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a delta of 100 into");
    for members in [20_000, 100_000, 400_000] {
        let (mut owner, mut copy) = pair(members);
        tell(0, &mut owner, &mut copy);
        assert_eq!(copy.members(), members);
        let (mut now, coming) = (0, members..members + DELTA);
        let mut round = || {
            now += 100;
            owner.track(now, coming.clone());
            let took = tell(now, &mut owner, &mut copy);
            assert_eq!(copy.members(), members + DELTA);
            now += 100;
            owner.untrack(now, coming.clone());
            tell(now, &mut owner, &mut copy);
            tell(now, &mut copy, &mut owner);
            took
        };
        group.bench_function(BenchmarkId::from_parameter(members), |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| round()).sum());
        });
    }
}

/// A node begins to look at a shard in which another has many presences.
fn snapshot(criterion: &mut Criterion) {
    const MEMBERS: u64 = 100_000;
    let round = || {
        let (mut owner, mut copy) = pair(MEMBERS);
        let took = tell(0, &mut owner, &mut copy);
        assert_eq!(copy.members(), MEMBERS);
        took
    };
    criterion.bench_function("a snapshot of 100000", |bencher| {
        bencher.iter_custom(|rounds| (0..rounds).map(|_| round()).sum());
    });
}

/// What is measured needs much longer to be set up.
fn few_rounds() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! {
    name = merge;
    config = few_rounds();
    targets = delta, snapshot
}
criterion_main!(merge);
