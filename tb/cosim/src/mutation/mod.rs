//! Whether the random stimulus would notice a mistake: wrong variants of the mapping unit, each played until something
//! says that it is wrong.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`pool`] | the configurations that mutants are played in, and all mutations of these |
//! | [`choice`] | a fair choice of mutations: every rule, every module, every kind |
//! | [`kind`] | the kinds of mistake that this design invites |
//! | [`trial`] | one mutant, played until it is caught or its time is up |
//! | [`explained`] | the list of mutants that may survive, each with the reason |
//! | [`report`] | all that as a page |
//!
//! Nothing here knows a mutant: scripts come from [`crate::stimulus`], judgement from [`crate::session`], as for the
//! sound design.

pub mod choice;
pub mod explained;
pub mod kind;
pub mod pool;
pub mod report;
pub mod trial;

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub use explained::Explained;
pub use kind::Kind;
pub use pool::{Pool, Subject};
pub use trial::{Catch, Finding, Trial, TrialError};

/// The most that a mutant gets before all have had a turn.
const FIRST_TURN: Duration = Duration::from_secs(5);

/// How much work may go into a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Time for all mutants together.
    pub total: Duration,
    /// Mutants at a time.
    pub threads: usize,
}

/// Tries mutants side by side; `seen` is told of each as it is caught or given up. The answers are in the order of
/// `subjects`.
///
/// Each has a short turn first, which is enough for most; those that survive it share the time that is left, except
/// those of which `explained` knows that it would be wasted.
///
/// # Errors
/// The sound design fails a script.
pub fn try_all(
    pool: &Pool,
    subjects: &[&Subject],
    explained: &Explained,
    effort: Effort,
    seen: impl Fn(&Subject, &Trial) + Sync,
) -> Result<Vec<Trial>, TrialError> {
    let deadline = Instant::now() + effort.total;
    let share = |time: Duration, mutants: usize| time * effort.threads.max(1) as u32 / mutants.max(1) as u32;
    let may_survive = |number: usize| explained.reason(subjects[number]).is_some();
    let mut trials = vec![Trial::default(); subjects.len()];
    let first = share(effort.total / 2, subjects.len()).min(FIRST_TURN);
    let all: Vec<usize> = (0..subjects.len()).collect();
    turn(pool, subjects, &all, &mut trials, first, effort.threads, |number, trial| {
        if trial.catch.is_some() || may_survive(number) {
            seen(subjects[number], trial);
        }
    })?;
    let open: Vec<usize> =
        all.into_iter().filter(|number| trials[*number].catch.is_none() && !may_survive(*number)).collect();
    let second = share(deadline.saturating_duration_since(Instant::now()), open.len());
    turn(pool, subjects, &open, &mut trials, second, effort.threads, |number, trial| {
        seen(subjects[number], trial);
    })?;
    Ok(trials)
}

/// Goes on with some of the trials, each for at most `limit`.
fn turn(
    pool: &Pool,
    subjects: &[&Subject],
    numbers: &[usize],
    trials: &mut [Trial],
    limit: Duration,
    threads: usize,
    seen: impl Fn(usize, &Trial) + Sync,
) -> Result<(), TrialError> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let before: &[Trial] = trials;
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = trial::resume(pool, subjects[*number], before[*number].clone(), limit);
                    if let Ok(trial) = &outcome {
                        seen(*number, trial);
                    }
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((*number, outcome));
                }
            });
        }
    });
    for (number, outcome) in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
        trials[number] = outcome?;
    }
    Ok(())
}
