//! Plays random scripts in random configurations for as long as it is told, and keeps what fails.
//!
//! ```sh
//! cargo run --release -p stagecoach-cosim --bin campaign -- --minutes 60 --seed 1
//! cargo run --release -p stagecoach-cosim --bin campaign -- --replay campaign-out/failure-42.json
//! ```
//!
//! Exit code 1 if a case fails, or one that is replayed does; 2 if something else went wrong.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use stagecoach_cosim::campaign::{Campaign, Kept, Source, Summary, read_json, write_json};
use stagecoach_cosim::coverage::{Coverage, directed};
use stagecoach_cosim::{EngineKind, engine};

/// Random scripts in random configurations, checked against the golden model cycle by cycle
#[derive(Debug, Parser)]
struct Arguments {
    /// How long new cases are begun
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Seed of everything; another seed plays other cases
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for failing cases, their waveforms and the coverage, which adds up over runs
    #[arg(long, default_value = "campaign-out")]
    out: PathBuf,
    /// Cases at a time
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Leave out Verilator
    #[arg(long)]
    native: bool,
    /// Play a kept case again, and nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["minutes", "seed", "native"])]
    replay: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.replay {
        Some(path) => replay(path),
        None => run(&arguments),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Prints a line. A reader that has gone away (`| head`) is no error.
fn print(line: &str) -> io::Result<()> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Plays a kept case again; says whether it passes now.
fn replay(path: &Path) -> Result<bool, Box<dyn Error>> {
    let Kept { case, failure } = Kept::read(path)?;
    print(&format!("{} steps on {}", case.script.steps.len(), case.setup.kind))?;
    match case.outcome(&engine::describe(&case.script.config)?) {
        Ok(_) => {
            print(&format!("passes; it was kept with:\n{failure}"))?;
            Ok(true)
        }
        Err(words) => {
            let compared =
                if words == failure { "as it was kept" } else { "in another way than it was kept" };
            print(&format!("fails {compared}:\n{words}"))?;
            Ok(false)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let deadline = Instant::now() + Duration::try_from_secs_f64(arguments.minutes * 60.0)?;
    let source = Source { seed: arguments.seed };
    let bar = progress_bar(arguments.minutes);
    let lots = |number| {
        let mut lot = (Instant::now() < deadline).then(|| source.lot(number))?;
        if arguments.native {
            lot.cases.iter_mut().for_each(|case| case.setup.kind = EngineKind::Native);
        }
        Some(lot)
    };
    let campaign = Campaign {
        describe: &engine::describe,
        threads: arguments.threads,
        folder: Some(&arguments.out),
        shrink: Duration::from_secs(60),
        most_failures: 20,
    };
    let progress = |summary: &Summary| {
        let left = deadline.saturating_duration_since(Instant::now()).as_secs();
        bar.set_position(bar.length().unwrap_or(0).saturating_sub(left));
        let requests: u64 = summary.totals.requests.values().sum();
        bar.set_message(format!("{requests} requests, {} failures", summary.failures.len()));
    };
    let mut summary = campaign.run(&lots, &progress)?;
    aim_at_holes(&campaign, arguments.seed, &mut summary)?;
    bar.finish_and_clear();

    std::fs::create_dir_all(&arguments.out)?;
    let coverage = merge_coverage(&arguments.out.join("coverage.json"), &summary.totals.coverage)?;
    std::fs::write(arguments.out.join("coverage.md"), coverage.markdown())?;
    print(&format!("{}", summary.totals))?;
    for failed in &summary.failures {
        let place =
            failed.path.as_ref().map_or_else(String::new, |path| format!("kept in {}: ", path.display()));
        print(&format!("{place}{} steps: {}", failed.kept.case.script.steps.len(), failed.kept.failure))?;
    }
    let impossible = summary.totals.coverage.impossible_hits().len();
    print(&format!("{} failures, {impossible} impossible bins hit", summary.failures.len()))?;
    Ok(summary.failures.is_empty() && impossible == 0)
}

/// Plays scripts that aim at what random ones have left open.
fn aim_at_holes(campaign: &Campaign, seed: u64, summary: &mut Summary) -> Result<(), Box<dyn Error>> {
    let cases = directed::lots(&summary.totals.coverage.holes(), seed);
    let aimed = campaign.run(&|number| cases.get(number as usize).cloned(), &|_| ())?;
    summary.totals.add(&aimed.totals);
    summary.failures.extend(aimed.failures);
    Ok(())
}

/// Adds to what earlier runs have covered.
fn merge_coverage(path: &Path, new: &Coverage) -> Result<Coverage, Box<dyn Error>> {
    let mut coverage: Coverage = if path.exists() { read_json(path)? } else { Coverage::default() };
    coverage.add(new);
    write_json(path, &coverage)?;
    Ok(coverage)
}

/// On standard error; invisible where that is no terminal.
fn progress_bar(minutes: f64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {elapsed}/{len}s {msg}");
    let bar = ProgressBar::new((minutes * 60.0) as u64);
    // The template is a constant; were it wrong, the plain bar would do.
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}
