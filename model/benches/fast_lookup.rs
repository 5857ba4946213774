//! Lookups a second of [`stagecoach_model::FastLookup`], one core, random keys and identifiers.
//!
//! `cargo bench -p stagecoach-model`; for numbers in a few seconds, the example `lookup_rate`.

mod load;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_main};
use stagecoach_spec::Beat;
use std::hint::black_box;

fn lookups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fast_lookup");
    group.sample_size(20);
    for size in load::SIZES {
        let fast = load::fill(size);
        let requests = load::requests(size);
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
