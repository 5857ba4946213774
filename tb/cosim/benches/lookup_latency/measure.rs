//! Time of software lookups.

use std::hint::black_box;
use std::time::{Duration, Instant};

use stagecoach_spec::{Fault, Request};

use crate::software::Candidate;

/// Odd, so that there is a middle one.
const ROUNDS: usize = 7;

/// A round lasts at least so long: CPU time comes in steps of some milliseconds.
const ROUND: Duration = Duration::from_millis(150);

/// What a software table takes for a lookup, in ns of its core's time, medians.
#[derive(Clone, Debug)]
pub struct Measured {
    pub name: &'static str,
    /// Each lookup waits for the answer to the one before.
    pub dependent: f64,
    /// No lookup waits for another.
    pub independent: f64,
    /// Many at once, where there is a way to ask so.
    pub batched: Option<f64>,
}

/// Requests, and the fault and address of each one's first beat.
pub struct Asked<'a> {
    pub requests: &'a [Request],
    pub expected: &'a [(Fault, u64)],
}

impl Asked<'_> {
    /// Checks every answer, then measures.
    pub fn measure(&self, candidate: &impl Candidate) -> Measured {
        let name = candidate.name();
        for (request, expected) in self.requests.iter().zip(self.expected) {
            assert_eq!(candidate.answer(request), *expected, "{name}: {request:?}");
        }
        let count = self.requests.len();
        let dependent = nanoseconds(count, || {
            let mut at = 0_u64;
            for n in 0..count as u64 {
                let (fault, pa) = candidate.answer(&self.requests[at as usize % count]);
                at = n.wrapping_add(pa >> 12).wrapping_add(fault as u64).wrapping_mul(7);
            }
            black_box(at);
        });
        let independent = nanoseconds(count, || {
            for request in self.requests {
                black_box(candidate.answer(request));
            }
        });
        let batched = candidate.answer_all(&self.requests[..0]);
        let batched = batched.then(|| {
            nanoseconds(count, || {
                candidate.answer_all(self.requests);
            })
        });
        Measured { name, dependent, independent, batched }
    }
}

/// What a lookup takes: the median round.
fn nanoseconds(count: usize, lookups: impl Fn()) -> f64 {
    let mut rounds = [0.0; ROUNDS];
    for round in &mut rounds {
        let start = Instant::now();
        let before = cpu_time(start);
        let mut answered = 0;
        let mut spent = Duration::ZERO;
        while spent < ROUND {
            lookups();
            answered += count;
            spent = cpu_time(start).saturating_sub(before);
        }
        *round = spent.as_secs_f64() * 1e9 / answered as f64;
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

/// What the processor calls itself, where Linux says it.
pub fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(": ")).map_or("a processor", |(_, name)| name).to_owned()
}
