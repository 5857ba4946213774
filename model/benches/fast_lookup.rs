//! Lookups a second of [`stagecoach_model::FastLookup`], one core, random keys and identifiers.
//!
//! `cargo bench -p stagecoach-model`; for numbers in a few seconds, the examples `lookup_rate` and
//! `lookup_curve`.

mod load;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_main};
use load::Size;
use stagecoach_spec::Beat;
use std::hint::black_box;

/// From what fits a processor's cache to what does not.
const SIZES: [Size; 3] = [
    Size { tables: 64, regions_per_table: 64 },
    Size { tables: 64, regions_per_table: 4096 },
    Size { tables: 4096, regions_per_table: 256 },
];

/// Requests that are asked in turn: enough to come back to no cache line soon.
const REQUESTS: usize = 1 << 20;

fn lookups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fast_lookup");
    group.sample_size(20);
    for size in SIZES {
        let fast = load::fill(size);
        let requests = load::requests(size, REQUESTS);
        group.throughput(Throughput::Elements(requests.len() as u64));
        group.bench_function(BenchmarkId::new("one by one", size), |bencher| {
            bencher.iter(|| requests.iter().for_each(|request| fast.lookup(request).for_each(observe)));
        });
        group.bench_function(BenchmarkId::new("lookup_each", size), |bencher| {
            bencher.iter(|| fast.lookup_each(&requests, |_, beats| beats.for_each(observe)));
        });
    }
    group.finish();
}

/// Keeps the compiler from leaving out what makes the beat.
fn observe(beat: Beat) {
    black_box(beat);
}

mod benches {
    #![allow(missing_docs)] // The macro's function has none.
    criterion::criterion_group!(benches, super::lookups);
}

criterion_main!(benches::benches);
