//! The campaign of the test run: a million requests on the native engine and a hundred thousand under Verilator, every
//! race often enough, and no kind of request left out. And that a failing case is kept so that it fails again.
//!
//! Every Verilator model here is built with `--x-assign unique --x-initial unique`: what has no value gets a random one.
//! `STAGECOACH_SEED` sets another seed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use stagecoach_cosim::campaign::{Campaign, Case, Kept, Lot, Source, Summary, Totals};
use stagecoach_cosim::coverage::{Coverage, directed};
use stagecoach_cosim::races::Race;
use stagecoach_cosim::session::Setup;
use stagecoach_cosim::stimulus::{Script, Shape, Step};
use stagecoach_cosim::{EngineKind, Stalls, engine};
use stagecoach_hdl::mutate::{self, Rule};
use stagecoach_spec::{Config, Fault, NetId, Op, Preset, Request, UpdateError, UpdateOp};

/// Random configurations on the native engine.
const CONFIGURATIONS: u64 = 48;

fn seed() -> u64 {
    std::env::var("STAGECOACH_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Where failing cases of this run go.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn campaign(folder: &Path) -> Campaign<'_> {
    Campaign {
        describe: &engine::describe,
        threads: 2,
        folder: Some(folder),
        shrink: Duration::from_secs(30),
        most_failures: 3,
    }
}

/// Plays all lots; any failure fails the test with its words and its file.
fn play(title: &str, lots: &[Lot]) -> Totals {
    let started = Instant::now();
    let folder = folder("campaign");
    let lot = |number: u64| lots.get(number as usize).cloned();
    let Summary { totals, failures } = campaign(&folder).run(&lot, &|_| ()).expect("failures can be kept");
    println!("{title}, {:.1} s: {totals}", started.elapsed().as_secs_f64());
    if let Some(failed) = failures.first() {
        let place = failed.path.as_ref().map_or_else(String::new, |path| path.display().to_string());
        panic!(
            "{title}: {} cases fail; the first is kept in {place}\n{}",
            failures.len(),
            failed.kept.readable()
        );
    }
    totals
}

/// Everything that has a name was met so often at least.
fn require(title: &str, totals: &Totals, least: u64) {
    let histogram = &totals.histogram;
    let require = |name: &str, count: u64| {
        assert!(count >= least, "{title}: {name} only {count} times, wanted {least}");
    };
    for fault in Fault::ALL {
        if !fault.is_of_processing_unit() {
            require(fault.name(), histogram.fault(fault));
        }
    }
    for op in &Op::ALL[..5] {
        require(op.name(), histogram.granted.get(op).copied().unwrap_or(0));
    }
    UpdateError::ALL.iter().for_each(|error| require(error.name(), histogram.error(*error)));
    UpdateOp::ALL.iter().for_each(|op| require(op.name(), histogram.command(*op)));
    Race::ALL.iter().for_each(|race| require(race.name(), histogram.race(*race)));
    require("fences that waited", totals.waiting_fences);
    require("requests with several beats", histogram.several_beats);
}

#[test]
fn a_million_requests_natively_meet_everything() {
    let seed = seed();
    let shape = |requests| Shape { requests, most_between: 50, fills: 2 };
    let native = EngineKind::Native;
    let preset =
        |preset: Preset, requests, cases| Lot::of(&preset.config(), native, seed, shape(requests), cases);
    // The largest first, so that no thread is left alone with it.
    let mut lots = vec![
        preset(Preset::Cloud, 40_000, 1),
        preset(Preset::Roce, 20_000, 5),
        preset(Preset::Tiny, 20_000, 6),
    ];
    lots.extend(
        (0..CONFIGURATIONS).map(|number| Lot::random(seed * 1_000 + number, native, shape(8_000), 2)),
    );
    let mut totals = play("native", &lots);
    let requests = totals.requests_on(native);
    assert!(requests >= 1_000_000, "only {requests} requests");
    assert!(totals.configurations >= 40);
    require("native", &totals, 200);
    close_holes(&mut totals.coverage, seed);
    println!("{}", totals.coverage);
    std::fs::write(folder("coverage.md"), totals.coverage.markdown()).expect("a report");
}

/// Aims at what random stimulus has not met: then there must be no hole, and nothing impossible.
fn close_holes(coverage: &mut Coverage, seed: u64) {
    for round in 0..8 {
        let holes = coverage.holes();
        if holes.is_empty() {
            break;
        }
        coverage.add(&play("directed", &directed::lots(&holes, seed + round)).coverage);
    }
    assert!(coverage.holes().is_empty(), "{coverage}");
    assert!(coverage.impossible_hits().is_empty(), "{coverage}");
}

#[test]
fn a_hundred_thousand_requests_under_verilator_meet_every_race() {
    let configs = Source::verilator_configs();
    let shape = Shape { requests: 9_000, most_between: 50, fills: 1 };
    let lot = |(config, number)| Lot::of(config, EngineKind::Verilator, seed() * 1_000 + number, shape, 3);
    let lots: Vec<Lot> = configs.iter().zip(0..).map(lot).collect();
    let totals = play("Verilator, --x-assign unique", &lots);
    let requests = totals.requests_on(EngineKind::Verilator);
    assert!(requests >= 100_000, "only {requests} requests");
    require("Verilator", &totals, 10);
    assert!(totals.coverage.impossible_hits().is_empty(), "{}", totals.coverage);
}

/// A wrong comparison in the stage that holds an access against its region.
#[test]
fn what_a_wrong_design_does_is_kept_and_happens_again() {
    let config = Preset::Tiny.config();
    let sound = engine::describe(&config).expect("a sound configuration");
    let mutations = mutate::enumerate(&sound);
    let swapped = |mutation: &&mutate::Mutation| {
        mutation.rule == Rule::ComparisonSwapped && mutation.module.ends_with("bounds")
    };
    let mutation = mutations.iter().find(swapped).expect("bounds compares");
    let wrong = mutate::apply(&sound, mutation);

    let folder = tempfile::tempdir().expect("a folder");
    let described = wrong.clone();
    let describe = move |_: &Config| Ok(described.clone());
    let campaign = Campaign { describe: &describe, most_failures: 1, ..campaign(folder.path()) };
    let shape = Shape { requests: 2_000, most_between: 30, fills: 0 };
    let lots = |number| (number < 20).then(|| Lot::of(&config, EngineKind::Native, number, shape, 1));
    let summary = campaign.run(&lots, &|_| ()).expect("failures can be kept");

    let path = summary.failures[0].path.as_ref().expect("there is a folder");
    let kept = Kept::read(path).expect("its own file");
    assert_eq!(kept, summary.failures[0].kept);
    let steps = kept.case.script.steps.len();
    assert!(steps < 20, "{steps} steps are not small: {}", kept.readable());
    assert_eq!(kept.case.outcome(&wrong).expect_err("it failed"), kept.failure);
    assert!(kept.case.outcome(&sound).is_ok(), "the sound design is right");
    let wave = std::fs::metadata(path.with_extension("fst")).expect("a waveform");
    assert!(wave.len() > 1_000, "a waveform of {} bytes", wave.len());
    assert_eq!(std::fs::read_to_string(path.with_extension("txt")).expect("a text"), kept.readable());
}

fn command(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_campaign")).args(arguments).output().expect("it can be started")
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A case that fails on the sound design, for what it asks does not fit the ports.
#[test]
fn the_command_plays_a_kept_case_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("case.json");
    let file = path.to_str().expect("a plain path");
    let config = Preset::Tiny.config();
    let request = |tag| Request {
        net_id: NetId::from_u128(1),
        key: 0,
        pd: 0,
        op: Op::LocalRead,
        va: 0,
        length: 8,
        bound: 8,
        stream: 0,
        tag,
    };
    let setup = Setup { kind: EngineKind::Native, engine_seed: 1, driver_seed: 2, stalls: Stalls::NONE };
    let case = |tag| {
        let script = Script { config: config.clone(), seed: 3, steps: vec![Step::Request(request(tag))] };
        Case { setup, script }
    };
    let sound = engine::describe(&config).expect("a sound configuration");
    let failure = case(1 << 8).outcome(&sound).expect_err("tiny has tags of 8 bits");

    Kept { case: case(1 << 8), failure: failure.clone() }.write(&path).expect("written");
    let output = command(&["--replay", file]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert!(words(&output).contains(&format!("fails as it was kept:\n{failure}")), "{}", words(&output));

    Kept { case: case(1), failure }.write(&path).expect("written");
    let output = command(&["--replay", file]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert!(words(&output).contains("passes; it was kept with:"), "{}", words(&output));

    std::fs::write(&path, "{}").expect("written");
    let output = command(&["--replay", file]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("case.json: missing field"), "{}", words(&output));
}

#[test]
fn the_command_adds_coverage_to_that_of_earlier_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a plain path");
    let mut before = 0;
    for seed in ["1", "2"] {
        let output = command(&["--minutes", "0.02", "--native", "--seed", seed, "--out", out]);
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        let file = folder.path().join("coverage.json");
        let coverage: Coverage = stagecoach_cosim::campaign::read_json(&file).expect("its own file");
        assert!(coverage.total() > before, "{} after {before}", coverage.total());
        before = coverage.total();
    }
    let page = std::fs::read_to_string(folder.path().join("coverage.md")).expect("a page");
    assert!(page.starts_with("# Functional coverage"), "{page}");
}
