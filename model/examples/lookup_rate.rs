//! Says how many lookups one core makes in a second of its time, the median of several rounds over a million random
//! requests: `cargo run --release -p stagecoach-model --example lookup_rate`.

#[path = "../benches/load/mod.rs"]
mod load;

use stagecoach_spec::{Beat, Fault, Request};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Odd, so that there is a middle one.
const ROUNDS: usize = 5;

/// A round lasts at least so long: CPU time comes in steps of some milliseconds.
const ROUND: Duration = Duration::from_millis(200);

fn main() {
    for size in load::SIZES {
        let fast = load::fill(size);
        let memory = memory();
        let requests = load::requests(size);
        let granted = requests.iter().filter(|r| fast.lookup_first(r).fault == Fault::Granted).count();
        assert_eq!(granted, requests.len(), "every request is meant to be granted");
        let single = rate(&requests, || {
            for request in &requests {
                fast.lookup(request).for_each(observe);
            }
        });
        let each = rate(&requests, || fast.lookup_each(&requests, |_, beats| beats.for_each(observe)));
        println!("{size}: {single:.1} million lookups/s one by one, {each:.1} with `lookup_each`{memory}");
    }
}

/// Keeps the compiler from leaving out what makes the beat.
fn observe(beat: Beat) {
    black_box(beat);
}

/// Millions of requests a second: the median round.
fn rate(requests: &[Request], lookups: impl Fn()) -> f64 {
    let mut rounds = [0.0; ROUNDS];
    for round in &mut rounds {
        let start = Instant::now();
        let before = cpu_time(start);
        let mut answered = 0;
        let mut spent = Duration::ZERO;
        while spent < ROUND {
            lookups();
            answered += requests.len();
            spent = cpu_time(start).saturating_sub(before);
        }
        *round = answered as f64 / spent.as_secs_f64() / 1e6;
    }
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// CPU time of this thread, which is what counts on a shared machine. Where the system does not tell it, wall time.
fn cpu_time(since: Instant) -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let spent = times.and_then(|times| times.split_whitespace().next()?.parse().ok());
    spent.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// What the process holds before it makes requests, where the system says it.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.map_or(String::new(), |held| format!("; the process holds {}", held.trim()))
}
