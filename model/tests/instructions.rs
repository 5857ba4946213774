//! Instructions per lookup stay within bounds, counted by valgrind's callgrind: unlike times, counts do not depend on
//! the machine's load.
//!
//! The bounds hold for the release profile on x86-64, and a little for the compiler's version.
//!
//! Callgrind runs this very program, twice, with few lookups and with many: the difference is the lookups' alone. That
//! needs valgrind and nothing else, where iai-callgrind needs a runner of its own version to be installed first.
#![cfg(all(not(debug_assertions), target_arch = "x86_64", target_os = "linux"))]

#[path = "../benches/load/mod.rs"]
mod load;

use load::Size;
use stagecoach_model::{FastLookup, Golden};
use stagecoach_spec::{Beat, Fault, Request};
use std::hint::black_box;
use std::process::Command;

/// As many as preset `roce` has.
const SIZE: Size = Size { tables: 64, regions_per_table: 64 };

/// Requests that are asked in every round.
const REQUESTS: usize = 1000;

/// How often they are asked, in this environment variable; once without it.
const ROUNDS: &str = "STAGECOACH_COUNTED_ROUNDS";

/// So many more rounds in the second run.
const MORE: u64 = 20;

/// A count may lie so much below its bound, in percent. With less than 10, nobody can make lookups 10 % slower unseen;
/// who makes them faster lowers the bound.
const SLACK: u64 = 8;

/// Instructions per request for what the test of this name asks, at most.
fn assert_instructions(test: &str, bound: u64) {
    let few = instructions(test, 1);
    let many = instructions(test, 1 + MORE);
    let per_request = (many - few) / (MORE * REQUESTS as u64);
    println!("{test}: {per_request} instructions per request, bound {bound}");
    assert!(per_request <= bound, "{test} takes {per_request} instructions per request, more than {bound}");
    let least = bound - bound * SLACK / 100;
    assert!(
        per_request >= least,
        "{test} takes {per_request} instructions per request: lower the bound of {bound} to some 4 % above that"
    );
}

/// What callgrind counts in a run of one of the tests below.
fn instructions(test: &str, rounds: u64) -> u64 {
    let this = std::env::current_exe().expect("the path of this program");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(this);
    valgrind.args(["--exact", test, "--test-threads=1"]).env(ROUNDS, rounds.to_string());
    let output = valgrind.output().expect("valgrind can be started; `cargo xtask setup` fetches it");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    // "==123== Collected : 456"
    let collected = report.lines().find_map(|line| line.split_once("Collected :"));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    count.unwrap_or_else(|| panic!("callgrind tells no count: {report}"))
}

#[test]
fn one_by_one_stays_within_its_bound() {
    assert_instructions("counted_one_by_one", 204);
}

#[test]
fn lookup_each_stays_within_its_bound() {
    assert_instructions("counted_lookup_each", 242);
}

#[test]
fn the_golden_model_stays_within_its_bound() {
    assert_instructions("counted_golden", 2680);
}

/// Asks all requests in as many rounds as the environment says, and checks that all were granted.
fn ask_all(mut ask: impl FnMut(&[Request]) -> usize) {
    let rounds = std::env::var(ROUNDS).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let requests = load::requests(SIZE, REQUESTS);
    for _ in 0..rounds {
        assert_eq!(ask(black_box(&requests)), REQUESTS);
    }
}

/// Whether it is a request's last and grants it.
fn ends_granted(beat: Beat) -> bool {
    black_box(beat).last && beat.fault == Fault::Granted
}

fn fast() -> FastLookup {
    load::fill(SIZE)
}

#[test]
fn counted_one_by_one() {
    let fast = fast();
    ask_all(|requests| requests.iter().filter(|request| fast.lookup(request).any(ends_granted)).count());
}

#[test]
fn counted_lookup_each() {
    let fast = fast();
    ask_all(|requests| {
        let mut granted = 0;
        fast.lookup_each(requests, |_, mut beats| granted += usize::from(beats.any(ends_granted)));
        granted
    });
}

#[test]
fn counted_golden() {
    let mut golden = Golden::new(&SIZE.config());
    load::updates(SIZE, |update| assert_eq!(golden.update(&update), Ok(0), "{update:?}"));
    ask_all(|requests| {
        requests.iter().filter(|request| golden.request(request).into_iter().any(ends_granted)).count()
    });
}
