//! Lookups a second of one core, and what the process holds in memory.

use crate::load::{self, Size};
use stagecoach_model::FastLookup;
use stagecoach_spec::{Beat, Fault, Request};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Requests that are asked in turn: enough to come back to no cache line soon.
const REQUESTS: usize = 1 << 20;

/// Odd, so that there is a middle one.
const ROUNDS: usize = 5;

/// A round lasts at least so long: CPU time comes in steps of some milliseconds.
const ROUND: Duration = Duration::from_millis(200);

/// What was measured with tables of a size.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Measured {
    /// Millions of lookups a second, `FastLookup::lookup` for one request after the other.
    pub one_by_one: f64,
    /// Millions of lookups a second, `FastLookup::lookup_each` for all.
    pub each: f64,
    /// MB (10^6 bytes) that the process holds with the tables full, before it makes requests; 0 where the system does
    /// not say it.
    pub megabytes: f64,
}

/// Measures with full tables: random keys, identifiers and places; every beat of every answer is made.
pub fn measure(size: Size) -> Measured {
    let fast = load::fill(size);
    let megabytes = megabytes();
    let requests = load::requests(size, REQUESTS);
    let granted =
        requests.iter().filter(|request| fast.lookup_first(request).fault == Fault::Granted).count();
    assert_eq!(granted, requests.len(), "every request is meant to be granted");
    let one_by_one = rate(&requests, || one_by_one(&fast, &requests));
    let each = rate(&requests, || fast.lookup_each(&requests, |_, beats| beats.for_each(observe)));
    Measured { one_by_one, each, megabytes }
}

fn one_by_one(fast: &FastLookup, requests: &[Request]) {
    for request in requests {
        fast.lookup(request).for_each(observe);
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

/// What the process holds: Linux says it in KiB.
fn megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes.unwrap_or(0.0) * 1024.0 / 1e6
}
