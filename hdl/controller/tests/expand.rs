//! Stage `expand` alone: never more spans in flight than `max_in_flight`; with fewer than four credits counted, one span at
//! a time; none held back otherwise.

mod common {
    pub mod bench;
}

use std::collections::VecDeque;

use common::bench::Bench;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::expand;
use stagecoach_controller::widths::Widths;
use stagecoach_spec::latency::loops::{FLIGHT_RETURN_CYCLES, FLIGHT_TAKE_CYCLES};
use stagecoach_spec::{Config, Preset};

/// Cycles of each run.
const CYCLES: u32 = 6_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Traveller {
    Token,
    /// A span with bytes.
    Span,
    /// A refusal.
    Empty,
}

/// How often the cases came.
#[derive(Debug, Default)]
struct Met {
    issued: u32,
    held_back: u32,
    token_past_none_left: u32,
    two_back: u32,
    most: u32,
}

/// Travellers in a row, credits that come back after a while, and what must be issued in each cycle.
fn run(max_in_flight: u32, longest_flight: u32, seed: u64) -> Met {
    let w = Widths::of(&Config { max_in_flight, ..Preset::Tiny.config() });
    let mut bench = Bench::new(&expand::describe(&w).expect("sound"), seed);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut met = Met::default();
    let mut waiting: VecDeque<Traveller> = VecDeque::new();
    // Cycles left of each span in flight.
    let mut in_flight: Vec<u32> = Vec::new();
    // What came back and what was taken, in each of the last cycles, the latest first: not counted yet.
    let mut back_lately = [0; FLIGHT_RETURN_CYCLES as usize - 2];
    let mut taken_lately = [0; FLIGHT_TAKE_CYCLES as usize - 1];
    let mut counted = max_in_flight;
    let mut give_credit = false;
    for cycle in 0..CYCLES {
        let arrives = waiting.len() < 20 && random.random_range(0..20) > 0;
        let traveller = match random.random_range(0..12) {
            0 => Traveller::Token,
            1 => Traveller::Empty,
            _ => Traveller::Span,
        };
        bench.set("in_valid", u32::from(arrives));
        bench.set("in_token", u32::from(traveller == Traveller::Token));
        bench.set("in_empty", u32::from(traveller == Traveller::Empty));

        in_flight.iter_mut().for_each(|left| *left = left.saturating_sub(1));
        met.most = met.most.max(in_flight.len() as u32);
        let mut back = |name| {
            let over = in_flight.iter().position(|left| *left == 0);
            if let Some(over) = over {
                in_flight.swap_remove(over);
            }
            bench.set(name, u32::from(over.is_some()));
            over.is_some()
        };
        let back = [back("flight_retired"), back("flight_unused")].into_iter().map(u32::from).sum();
        met.two_back += u32::from(back == 2);
        bench.set("credit_return", u32::from(give_credit));

        let none_lately = taken_lately.iter().all(|taken| *taken == 0);
        let may_issue = counted >= FLIGHT_TAKE_CYCLES || counted > 0 && none_lately;
        let (token, request) = (bench.is("out_token"), bench.is("out_request"));
        let expected = waiting.front().copied();
        let issues = expected.is_some_and(|front| front == Traveller::Token || may_issue);
        assert_eq!(
            (token, request),
            (issues && expected == Some(Traveller::Token), issues && expected != Some(Traveller::Token)),
            "max {max_in_flight}, seed {seed}, cycle {cycle}: {expected:?} with {counted} credits"
        );
        if request {
            assert_eq!(bench.is("out_empty"), expected == Some(Traveller::Empty));
        }
        met.held_back += u32::from(expected.is_some() && !issues);
        met.token_past_none_left += u32::from(token && !may_issue);
        give_credit = request;
        counted = counted + shift(&mut back_lately, back)
            - shift(&mut taken_lately, u32::from(issues && expected == Some(Traveller::Span)));
        if issues {
            met.issued += 1;
            waiting.pop_front();
            if expected == Some(Traveller::Span) {
                in_flight.push(random.random_range(1..=longest_flight));
            }
        }
        if arrives {
            waiting.push_back(traveller);
        }
        bench.steps(1);
    }
    assert!(bench.simulator.failures().is_empty(), "{:?}", bench.simulator.failures());
    met
}

/// Puts in the latest, takes out the oldest.
fn shift<const N: usize>(lately: &mut [u32; N], latest: u32) -> u32 {
    lately.rotate_right(1);
    std::mem::replace(&mut lately[0], latest)
}

#[test]
fn no_more_spans_are_in_flight_than_configured_and_no_fewer() {
    for max_in_flight in [1, 2, 3, 4, 7, 8, 50] {
        let met = run(max_in_flight, 4 * max_in_flight, u64::from(max_in_flight));
        assert_eq!(met.most, max_in_flight, "{met:?}");
        assert!(met.held_back.min(met.issued) > 500, "{met:?}");
        assert!(met.token_past_none_left > 20, "{met:?}");
        assert!(max_in_flight == 1 || met.two_back > 20, "{met:?}");
    }
}

#[test]
fn enough_credits_hold_nothing_back() {
    let met = run(64, 60, 99);
    assert!(met.held_back == 0 && met.issued > CYCLES * 9 / 10, "{met:?}");
}
