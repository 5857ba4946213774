//! Plays lots on several threads.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stagecoach_hdl::Module;
use stagecoach_spec::Config;

use super::case::Case;
use super::file::{FileError, Kept};
use super::lot::Lot;
use super::totals::Totals;
use crate::Error;

/// Makes the design of a configuration: [`crate::engine::describe`], or a wrong variant.
pub type Describe<'a> = dyn Fn(&Config) -> Result<Arc<Module>, Error> + Sync + 'a;

/// How lots are played.
pub struct Campaign<'a> {
    /// Makes the design.
    pub describe: &'a Describe<'a>,
    /// Threads.
    pub threads: usize,
    /// The folder for failing cases; without one they are only told.
    pub folder: Option<&'a Path>,
    /// Longest time for making a failing case smaller.
    pub shrink: Duration,
    /// No further lots after so many failures.
    pub most_failures: usize,
}

/// A failing case.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Words of the failure of the case as it was made.
    pub first: String,
    /// The smallest case, with the words of its failure.
    pub kept: Kept,
    /// Its file, if there is a folder.
    pub path: Option<PathBuf>,
}

/// What a campaign came to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Sums over the cases that passed.
    pub totals: Totals,
    /// Those that failed.
    pub failures: Vec<Failed>,
}

impl Campaign<'_> {
    /// Plays the lots of numbers 0, 1, … until there is none, or there were enough failures. `progress` is told the sums
    /// after each case.
    ///
    /// # Errors
    /// A failing case cannot be kept.
    pub fn run(
        &self,
        lots: &(dyn Fn(u64) -> Option<Lot> + Sync),
        progress: &(dyn Fn(&Summary) + Sync),
    ) -> Result<Summary, FileError> {
        let next = AtomicU64::new(0);
        let summary = Mutex::new(Summary::default());
        let work = || -> Result<(), FileError> {
            loop {
                if lock(&summary).failures.len() >= self.most_failures {
                    return Ok(());
                }
                let Some(lot) = lots(next.fetch_add(1, Ordering::Relaxed)) else { return Ok(()) };
                self.play(&lot, &summary, progress)?;
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads.max(1)).map(|_| scope.spawn(work)).collect();
            // Cases catch their own panics.
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Ok(())))
        })?;
        Ok(summary.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn play(
        &self,
        lot: &Lot,
        summary: &Mutex<Summary>,
        progress: &(dyn Fn(&Summary) + Sync),
    ) -> Result<(), FileError> {
        let module = (self.describe)(&lot.config);
        lock(summary).totals.configurations += 1;
        for case in &lot.cases {
            let outcome = match &module {
                Ok(module) => case.outcome(module),
                Err(error) => Err(error.to_string()),
            };
            match outcome {
                Ok(outcome) => lock(summary).totals.add_outcome(case.setup.kind, &outcome),
                Err(first) => {
                    let failed = self.keep(case, module.as_ref().ok(), first)?;
                    lock(summary).failures.push(failed);
                }
            }
            progress(&lock(summary));
            if module.is_err() || lock(summary).failures.len() >= self.most_failures {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Makes a failing case smaller and writes its files.
    fn keep(&self, case: &Case, module: Option<&Arc<Module>>, first: String) -> Result<Failed, FileError> {
        let smallest = module.map_or_else(|| case.clone(), |module| case.smallest(module, self.shrink));
        let failure = match module.map(|module| smallest.outcome(module)) {
            Some(Err(words)) => words,
            _ => first.clone(),
        };
        let kept = Kept { case: smallest, failure };
        let mut failed = Failed { first, kept, path: None };
        let Some(folder) = self.folder else { return Ok(failed) };
        fs::create_dir_all(folder).map_err(FileError::io("create", folder))?;
        let name = |ending: &str| folder.join(format!("failure-{}.{ending}", case.script.seed));
        let (path, text) = (name("json"), name("txt"));
        failed.kept.write(&path)?;
        fs::write(&text, failed.kept.readable()).map_err(FileError::io("write", &text))?;
        if let Some(module) = module {
            let wave = name("fst");
            failed
                .kept
                .case
                .write_wave(module, &wave)
                .map_err(|error| FileError::Format { path: wave.clone(), problem: error.to_string() })?;
        }
        failed.path = Some(path);
        Ok(failed)
    }
}

/// Sums stay sums, whatever a thread that held them did.
fn lock(summary: &Mutex<Summary>) -> MutexGuard<'_, Summary> {
    summary.lock().unwrap_or_else(PoisonError::into_inner)
}
