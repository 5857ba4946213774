//! Lookups a second of [`stagecoach_model::FastLookup`], one core, random keys and identifiers.
//!
//! `cargo bench -p stagecoach-model`; for numbers in a few seconds, the example `lookup_rate`.

mod load;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn lookups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fast lookup");
    group.sample_size(20);
    for size in load::SIZES {
        let (fast, requests) = load::fill(size);
        group.throughput(Throughput::Elements(requests.len() as u64));
        group.bench_with_input(BenchmarkId::new("first beat", size), &requests, |bencher, requests| {
            bencher.iter(|| requests.iter().fold(0, |sum: u64, r| sum.wrapping_add(fast.lookup_first(r).pa)));
        });
        group.bench_with_input(BenchmarkId::new("all beats", size), &requests, |bencher, requests| {
            bencher.iter(|| {
                for request in requests {
                    fast.lookup(request).for_each(|beat| {
                        black_box(beat);
                    });
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, lookups);
criterion_main!(benches);
