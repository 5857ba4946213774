//! Several tools at once, with progress.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// A thing to do, and what to call it while it is being done.
pub struct Job<T> {
    /// Shown with the progress.
    pub name: String,
    /// What it is done with.
    pub with: T,
}

/// Does `act` with every job, at most `at_once` at a time. The results are in the order of the jobs.
///
/// # Errors
/// The first error ends the work; jobs that have begun are finished.
pub fn do_all<T: Sync, R: Send>(
    jobs: &[Job<T>],
    at_once: usize,
    act: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let screen = MultiProgress::new();
    let total = screen.add(ProgressBar::new(jobs.len() as u64));
    // The template is a constant; were it wrong, the plain bar would do.
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {elapsed_precise}") {
        total.set_style(style);
    }
    total.enable_steady_tick(Duration::from_secs(1));
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results: Vec<Mutex<Option<Result<R>>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..at_once.clamp(1, jobs.len().max(1)) {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed)
                    && let Some((job, slot)) = {
                        let place = next.fetch_add(1, Ordering::Relaxed);
                        jobs.get(place).zip(results.get(place))
                    }
                {
                    let spinner = screen.add(ProgressBar::new_spinner().with_message(job.name.clone()));
                    spinner.enable_steady_tick(Duration::from_millis(200));
                    let result = act(&job.with);
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    if let Ok(mut slot) = slot.lock() {
                        *slot = Some(result.map_err(|error| error.context(job.name.clone())));
                    }
                    spinner.finish_and_clear();
                    total.inc(1);
                }
            });
        }
    });
    total.finish_and_clear();
    let mut all = Vec::new();
    let mut unfinished = false;
    for slot in results {
        match slot.into_inner() {
            Ok(Some(result)) => all.push(result?),
            // Behind an error, which the loop meets if it has not yet.
            Ok(None) | Err(_) => unfinished = true,
        }
    }
    if unfinished { Err(anyhow!("not every job was done")) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn jobs(count: u32) -> Vec<Job<u32>> {
        (0..count).map(|with| Job { name: format!("job {with}"), with }).collect()
    }

    #[test]
    fn results_keep_the_order_of_the_jobs() {
        let squares = do_all(&jobs(50), 4, |n| {
            thread::sleep(Duration::from_micros(u64::from(50 - n) * 20));
            Ok(n * n)
        });
        assert_eq!(squares.unwrap(), (0..50).map(|n| n * n).collect::<Vec<_>>());
        assert_eq!(do_all(&jobs(0), 4, |n| Ok(*n)).unwrap(), Vec::<u32>::new());
    }

    #[test]
    fn an_error_names_its_job_and_ends_the_work() {
        let begun = AtomicUsize::new(0);
        let result = do_all(&jobs(50), 1, |&n| {
            begun.fetch_add(1, Ordering::Relaxed);
            if n == 3 { bail!("broken") } else { Ok(n) }
        });
        assert_eq!(format!("{:#}", result.unwrap_err()), "job 3: broken");
        assert_eq!(begun.into_inner(), 4);
    }
}
