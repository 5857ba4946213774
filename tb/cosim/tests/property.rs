//! The property: under random tables, updates and requests that race with stalls, every engine gives every field of
//! every beat, and every answer, as the golden model does, in the cycles that the contract's table of stages says.
//!
//! `STAGECOACH_CASES` sets the number of random configurations (default 200), `STAGECOACH_SEED` the first seed. The volume
//! is in `tests/campaign.rs`; here each script is played on several engines, or with several first contents.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use stagecoach_cosim::cycle_check::Counts;
use stagecoach_cosim::driver::{Event, Timed};
use stagecoach_cosim::session::{self, Outcome, Setup};
use stagecoach_cosim::stimulus::{Script, Shape, configuration};
use stagecoach_cosim::{EngineKind, Histogram, Stalls, engine};
use stagecoach_hdl::Module;
use stagecoach_spec::{Config, Counter, Preset, UpdateOp};

/// What a number of scripts has shown. How often everything must have been met is `tests/campaign.rs`'s to ask.
#[derive(Default)]
struct Totals {
    histogram: Histogram,
    timing: Counts,
}

impl Totals {
    fn add(&mut self, outcome: &Outcome) {
        self.histogram.add(&outcome.histogram);
        self.timing += outcome.timing;
    }

    fn print(&self, title: &str) {
        println!("{title}: {:?}\n{}", self.timing, self.histogram);
        assert!(self.timing.beats > 0 && self.timing.answers > 0, "{title}: nothing was foretold");
    }
}

/// Plays a script, and says what is needed to see a failure again, after making it smaller.
fn play(script: &Script, module: &Arc<Module>, setup: &Setup) -> Result<Outcome, String> {
    session::play(script, module, setup).map_err(|failure| {
        let native = Setup { kind: EngineKind::Native, ..*setup };
        let fails_natively = session::play(script, module, &native).is_err();
        let again = if fails_natively { native } else { *setup };
        let fails = |smaller: &Script| session::play(smaller, module, &again).is_err();
        let smallest = session::smallest(script, Duration::from_secs(60), fails);
        let words =
            session::play(&smallest, module, &again).err().map_or_else(String::new, |f| f.to_string());
        format!("{failure}\nwith {setup:?}\nsmaller, with {again:?}:\n{words}\n{smallest}")
    })
}

/// Whether two runs show the same in entry `at` of their traces. Under protection a counter of flipped words may have
/// counted more in one of them, where a pipeline slot that carried no request read such a word.
fn agree(one: &[Timed], other: &[Timed], at: usize) -> bool {
    let (Some(a), Some(b)) = (one.get(at), other.get(at)) else { return false };
    let last_command = one[..at].iter().rev().find_map(|timed| match timed.event {
        Event::Commanded(command) => Some(command),
        _ => None,
    });
    let counts_at_least = last_command.is_some_and(|command| {
        let counter = Counter::of(command.index);
        command.op == UpdateOp::ReadCounter.code()
            && matches!(counter, Some(Counter::Corrected | Counter::Uncorrectable))
    });
    match (a.event, b.event) {
        (Event::Answered(Ok(_)), Event::Answered(Ok(_))) if counts_at_least => a.cycle == b.cycle,
        _ => a == b,
    }
}

/// Plays a script on several engines or with several seeds; nothing at the ports may differ, nor any cycle.
fn play_all(script: &Script, module: &Arc<Module>, setups: &[Setup]) -> Result<Outcome, String> {
    let mut outcomes = Vec::new();
    for setup in setups {
        outcomes.push(play(script, module, setup)?);
    }
    for (other, setup) in outcomes.iter().zip(setups).skip(1) {
        let (one, other) = (&outcomes[0].trace, &other.trace);
        if let Some(at) = (0..one.len().max(other.len())).find(|at| !agree(one, other, *at)) {
            return Err(format!(
                "{setup:?} differs from {:?}:\n{:?}\n{:?}\n{script}",
                setups[0],
                other.get(at),
                one.get(at)
            ));
        }
    }
    Ok(outcomes.swap_remove(0))
}

fn seed_of_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn every_configuration_can_be_described() {
    let mut random = ChaCha8Rng::seed_from_u64(seed_of_environment("STAGECOACH_SEED", 1));
    let one =
        |bindings, tables, regions, slots| Config { bindings, tables, regions, slots, ..Config::default() };
    let mut configs = vec![
        one(1, 1, 1, 1),
        one(1, 4096, 1, 1 << 24),
        one(5, 2, 3, 1),
        one(2, 5, 1 << 24, 2),
        Config { page_shifts: vec![12], physical_address_bits: 13, net_id_bits: 1, ..one(1, 1, 1, 1) },
        Config {
            page_shifts: (12..=27).collect(),
            physical_address_bits: 64,
            net_id_bits: 160,
            ..one(9, 9, 9, 9)
        },
        Config { pd_bits: 0, stream_bits: 0, tag_bits: 0, max_request_bytes: 64, ..one(3, 3, 3, 3) },
        Config { pd_bits: 32, stream_bits: 32, tag_bits: 32, max_request_bytes: 65536, ..one(3, 3, 3, 3) },
    ];
    configs.extend((0..120).map(|_| configuration::random(&mut random)));
    let mut problems = Vec::new();
    for config in configs {
        if let Err(error) = engine::describe(&config) {
            problems.push(format!("{error}\n{}", config.to_toml()));
        }
    }
    assert!(problems.is_empty(), "{} configurations: {}", problems.len(), problems.join("\n"));
}

#[test]
fn random_configurations_equal_the_model() {
    let first_seed = seed_of_environment("STAGECOACH_SEED", 1);
    let cases = seed_of_environment("STAGECOACH_CASES", 200) as u32;
    // Seeds do not get simpler by getting smaller: scripts are made smaller step by step instead.
    let settings = Cases { cases, max_shrink_iters: 0, failure_persistence: None, ..Cases::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&first_seed.to_le_bytes());
    let seeds = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(settings, seeds);
    let totals = std::cell::RefCell::new(Totals::default());
    let outcome = runner.run(&any::<u64>().no_shrink(), |seed| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let config = configuration::random(&mut random);
        let module = engine::describe(&config).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let shape = Shape { requests: 2_000, most_between: 50, fills: 1 };
        let script = Script::random(&config, seed, shape);
        let stalls = if seed % 3 == 0 { Stalls::NONE } else { Stalls::random(&mut random) };
        let setup = Setup { kind: EngineKind::Native, engine_seed: seed, driver_seed: seed, stalls };
        let other = Setup { engine_seed: !seed, ..setup };
        let outcome = play_all(&script, &module, &[setup, other]).map_err(TestCaseError::fail)?;
        totals.borrow_mut().add(&outcome);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    totals.borrow().print("random configurations");
}

/// A preset on the native engine with two seeds of first contents and on Verilator.
fn preset(preset: Preset, shape: Shape, scripts: u64) {
    let config: Config = preset.config();
    let module = engine::describe(&config).expect("presets can be described");
    let mut totals = Totals::default();
    let started = Instant::now();
    let seed = seed_of_environment("STAGECOACH_SEED", 1);
    for number in 0..scripts {
        let seed = seed * 1_000 + number;
        let script = Script::random(&config, seed, shape);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let stalls = if number == 0 { Stalls::NONE } else { Stalls::random(&mut random) };
        let native = Setup { kind: EngineKind::Native, engine_seed: seed, driver_seed: seed, stalls };
        let reseeded = Setup { engine_seed: !seed, ..native };
        let verilator = Setup { kind: EngineKind::Verilator, engine_seed: seed ^ 0x5555, ..native };
        match play_all(&script, &module, &[native, reseeded, verilator]) {
            Ok(outcome) => totals.add(&outcome),
            Err(words) => panic!("preset {preset}: {words}"),
        }
    }
    println!("preset {preset}: {:.1} s", started.elapsed().as_secs_f64());
    totals.print(&format!("preset {preset}"));
}

#[test]
fn preset_tiny_equals_the_model() {
    preset(Preset::Tiny, Shape { requests: 5_000, most_between: 60, fills: 2 }, 4);
}

#[test]
fn preset_roce_equals_the_model() {
    preset(Preset::Roce, Shape { requests: 6_000, most_between: 80, fills: 1 }, 3);
}

#[test]
fn preset_cloud_equals_the_model() {
    preset(Preset::Cloud, Shape { requests: 5_000, most_between: 120, fills: 1 }, 1);
}
