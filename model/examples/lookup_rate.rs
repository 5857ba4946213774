//! Says how many lookups a second one core makes, the median of several rounds over a million random requests:
//! `cargo run --release -p stagecoach-model --example lookup_rate`.

#[path = "../benches/load/mod.rs"]
mod load;

use stagecoach_model::FastLookup;
use stagecoach_spec::{Fault, Request};
use std::hint::black_box;
use std::time::Instant;

/// Odd, so that there is a middle one.
const ROUNDS: usize = 7;

fn main() {
    for size in load::SIZES {
        let (fast, requests) = load::fill(size);
        let granted = requests.iter().filter(|r| fast.lookup_first(r).fault == Fault::Granted).count();
        assert_eq!(granted, requests.len(), "every request is meant to be granted");
        let first = rate(&requests, |request| {
            black_box(fast.lookup_first(request));
        });
        let all = rate(&requests, |request| all_beats(&fast, request));
        println!("{size}: {first:.1} million lookups/s (first beat), {all:.1} (all beats){}", memory());
    }
}

fn all_beats(fast: &FastLookup, request: &Request) {
    for beat in fast.lookup(request) {
        black_box(beat);
    }
}

/// Millions of requests a second: the median round.
fn rate(requests: &[Request], lookup: impl Fn(&Request)) -> f64 {
    let mut rounds = [0.0; ROUNDS];
    for round in &mut rounds {
        let start = Instant::now();
        requests.iter().for_each(&lookup);
        *round = requests.len() as f64 / start.elapsed().as_secs_f64() / 1e6;
    }
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// What the process holds, where the system says it.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.map_or(String::new(), |held| format!("; the process holds {}, requests included", held.trim()))
}
