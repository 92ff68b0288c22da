//! How long the hot paths take: `cargo bench -p herenow-core --bench paths`.
//!
//! Criterion compares each with the run before. On a machine that does other things too, `cargo xtask
//! instructions` is the better witness.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

mod work;

fn paths(criterion: &mut Criterion) {
    for work in work::ALL {
        criterion.bench_function(work.name, |bencher| {
            bencher.iter_batched(work.prepare, |run| run(), BatchSize::SmallInput);
        });
    }
}

criterion_group!(benches, paths);
criterion_main!(benches);
