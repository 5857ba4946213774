//! One mutant, played until something says that it is wrong.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use stagecoach_hdl::Module;
use stagecoach_hdl::mutate;
use stagecoach_hdl::native::PortLayout;

use super::pool::{Entry, Pool, Subject};
use crate::engine::{EngineKind, EngineOptions, Native, PortEngine};
use crate::session::{self, Failure, Setup};
use crate::stimulus::{Script, Shape};
use crate::{Error, Stalls};

/// Requests of a mutant's scripts: short ones first, as most mutants do not need more.
const SHAPES: [Shape; 3] = [
    Shape { requests: 300, most_between: 20, fills: 0 },
    Shape { requests: 1_000, most_between: 40, fills: 1 },
    Shape { requests: 3_000, most_between: 60, fills: 1 },
];

/// Cycles between two looks at the clock.
const CLOCK_INTERVAL: u64 = 4096;

/// What said that a mutant is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finding {
    /// A field of a beat differs from the golden model's.
    WrongBeat,
    /// The answer to an update differs.
    WrongAnswer,
    /// A beat came in another cycle than the contract says.
    OffTime,
    /// A fence answered too early, or too many spans were in flight.
    Fence,
    /// A rule of the ports was broken.
    Protocol,
    /// Nothing moved any more.
    Hang,
    /// An assertion of the hardware, and nothing at the ports.
    Assertion,
    /// The engine or the bench could not go on.
    Broken,
}

impl Finding {
    /// Every finding.
    pub const ALL: [Finding; 8] = [
        Finding::WrongBeat,
        Finding::WrongAnswer,
        Finding::OffTime,
        Finding::Fence,
        Finding::Protocol,
        Finding::Hang,
        Finding::Assertion,
        Finding::Broken,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Finding::WrongBeat => "wrong beat",
            Finding::WrongAnswer => "wrong answer",
            Finding::OffTime => "off time",
            Finding::Fence => "fence",
            Finding::Protocol => "protocol",
            Finding::Hang => "hang",
            Finding::Assertion => "assertion",
            Finding::Broken => "broken",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a mutant was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catch {
    /// What said so.
    pub finding: Finding,
    /// In which cycle of the script.
    pub cycle: u64,
    /// The configuration's name.
    pub config: String,
    /// Seed of the script, its stalls and its noise.
    pub seed: u64,
    /// The first line of the failure.
    pub words: String,
    /// All of it.
    pub details: String,
    /// The first assertion that failed until then: cycle and words.
    pub assertion: Option<(u64, String)>,
}

/// What became of a mutant so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// How it was caught, unless it survived.
    pub catch: Option<Catch>,
    /// Scripts played.
    pub scripts: u64,
    /// Cycles that they took.
    pub cycles: u64,
    /// Time that it took.
    pub time: Duration,
}

/// A script fails on the sound design too, so it says nothing of mutants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sound design fails too, in configuration {config} with seed {seed} and {requests} requests: {words}"
)]
pub struct TrialError {
    /// The configuration's name.
    pub config: String,
    /// The script's seed.
    pub seed: u64,
    /// The requests that its shape asks for.
    pub requests: usize,
    /// The failure.
    pub words: String,
}

/// Plays further scripts on a mutant, in all configurations that have it in turn, until it is caught or has had its
/// time.
///
/// # Errors
/// A script that catches it fails on the sound design too.
pub fn resume(pool: &Pool, subject: &Subject, from: Trial, limit: Duration) -> Result<Trial, TrialError> {
    let started = Instant::now();
    let mut trial = from;
    let catch = search(pool, subject, &mut trial, started + limit);
    trial.time += started.elapsed();
    trial.catch = catch?;
    Ok(trial)
}

fn search(
    pool: &Pool,
    subject: &Subject,
    trial: &mut Trial,
    deadline: Instant,
) -> Result<Option<Catch>, TrialError> {
    let mutants: Vec<(&Entry, Arc<Module>)> = subject
        .sites
        .iter()
        .map(|(entry, mutation)| {
            let entry = &pool.entries[*entry];
            (entry, mutate::apply(&entry.module, mutation))
        })
        .filter(|(entry, mutant)| !mutate::is_provably_same(&entry.module, mutant))
        .collect();
    while !mutants.is_empty() && Instant::now() < deadline {
        let seed = trial.scripts;
        let round = seed as usize / mutants.len();
        let (entry, mutant) = &mutants[seed as usize % mutants.len()];
        let stimulus = Stimulus::new(entry, seed, SHAPES[round.min(SHAPES.len() - 1)]);
        let (catch, cycles) = stimulus.play(mutant, Some(deadline));
        trial.scripts += 1;
        trial.cycles += cycles;
        if catch.is_none() {
            continue;
        }
        return match stimulus.play(&entry.module, None) {
            (None, _) => Ok(catch),
            (Some(sound), _) => {
                let (config, requests) = (entry.name.clone(), stimulus.shape.requests);
                Err(TrialError { config, seed, requests, words: sound.details })
            }
        };
    }
    Ok(None)
}

/// A script with all that is needed to play it again.
struct Stimulus<'e> {
    entry: &'e Entry,
    shape: Shape,
    script: Script,
    setup: Setup,
}

impl<'e> Stimulus<'e> {
    fn new(entry: &'e Entry, seed: u64, shape: Shape) -> Stimulus<'e> {
        let script = Script::random(&entry.config, seed, shape);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let stalls = if seed.is_multiple_of(3) { Stalls::NONE } else { Stalls::random(&mut random) };
        let setup = Setup { kind: EngineKind::Native, engine_seed: seed, driver_seed: seed, stalls };
        Stimulus { entry, shape, script, setup }
    }

    /// Plays it; gives the catch, if there is one, and the cycles.
    fn play(&self, module: &Arc<Module>, deadline: Option<Instant>) -> (Option<Catch>, u64) {
        let options = EngineOptions { seed: self.setup.engine_seed, ..EngineOptions::default() };
        let watch = Rc::new(RefCell::new(Watch { cycles: 0, assertion: None, deadline, is_late: false }));
        let engine = Watched { inner: Native::new(module, options), watch: watch.clone() };
        // A mutant may do what the bench does not expect of any design.
        let played =
            catch_unwind(AssertUnwindSafe(|| session::play_on(Box::new(engine), &self.script, &self.setup)));
        let watch = watch.borrow();
        let failure = match played {
            Ok(Ok(_)) => None,
            Ok(Err(_)) if watch.is_late => None,
            Ok(Err(failure)) => Some(self.catch(&failure, &watch)),
            Err(_) => {
                let words = "the bench panicked".to_owned();
                Some(self.caught(Finding::Broken, watch.cycles, words, &watch))
            }
        };
        (failure, watch.cycles)
    }

    fn catch(&self, failure: &Failure, watch: &Watch) -> Catch {
        let first = watch.assertion.as_ref().map_or(watch.cycles, |(cycle, _)| *cycle);
        let (finding, cycle) = match failure {
            Failure::Wrong(mismatch) => {
                let is_answer = mismatch.fields.iter().any(|field| field.starts_with("upd"));
                (if is_answer { Finding::WrongAnswer } else { Finding::WrongBeat }, mismatch.cycle)
            }
            Failure::OffTime(off) => (Finding::OffTime, off.cycle),
            Failure::Fence(broken) => (Finding::Fence, broken.cycle()),
            Failure::Broken(Error::Protocol { cycle, .. }) => (Finding::Protocol, *cycle),
            Failure::Broken(Error::Hang { cycle, .. }) => (Finding::Hang, *cycle),
            Failure::Broken(Error::Assertions(_)) => (Finding::Assertion, first),
            Failure::Broken(_) => (Finding::Broken, watch.cycles),
        };
        self.caught(finding, cycle, failure.to_string(), watch)
    }

    fn caught(&self, finding: Finding, cycle: u64, details: String, watch: &Watch) -> Catch {
        let (config, seed) = (self.entry.name.clone(), self.script.seed);
        let first_line = details.lines().next().unwrap_or_default();
        let words = first_line.strip_prefix(&format!("cycle {cycle}: ")).unwrap_or(first_line).to_owned();
        Catch { finding, cycle, config, seed, words, details, assertion: watch.assertion.clone() }
    }
}

/// What is seen of an engine from outside, also after it is gone.
struct Watch {
    cycles: u64,
    assertion: Option<(u64, String)>,
    deadline: Option<Instant>,
    is_late: bool,
}

/// An engine that is stopped when time is up, and whose first failing assertion is noted with its cycle.
struct Watched {
    inner: Native,
    watch: Rc<RefCell<Watch>>,
}

impl PortEngine for Watched {
    fn kind(&self) -> EngineKind {
        self.inner.kind()
    }

    fn layout(&self) -> &PortLayout {
        self.inner.layout()
    }

    fn cycle(&mut self, inputs: &[u64], outputs: &mut [u64]) -> Result<(), Error> {
        self.inner.cycle(inputs, outputs)?;
        let mut watch = self.watch.borrow_mut();
        if watch.assertion.is_none()
            && let Some(words) = self.inner.failures().into_iter().next()
        {
            watch.assertion = Some((watch.cycles, words));
        }
        watch.cycles += 1;
        let cycle = watch.cycles;
        if cycle.is_multiple_of(CLOCK_INTERVAL) && watch.deadline.is_some_and(|end| Instant::now() > end) {
            watch.is_late = true;
            let waiting = "the trial, whose time is up".to_owned();
            return Err(Error::Hang { cycle, cycles: 0, waiting });
        }
        Ok(())
    }

    fn open_wave(&mut self, path: &Path) -> Result<(), Error> {
        self.inner.open_wave(path)
    }

    fn close_wave(&mut self) -> Result<(), Error> {
        self.inner.close_wave()
    }

    fn failures(&self) -> Vec<String> {
        self.inner.failures()
    }
}
