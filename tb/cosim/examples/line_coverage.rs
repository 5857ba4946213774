//! Plays random scripts in preset `tiny` with each protection under Verilator, and says which lines of the generated
//! Verilog they execute.
//!
//! ```sh
//! cargo run --release -p stagecoach-cosim --example line_coverage -- --report docs/line-coverage.md
//! ```
//!
//! Exit code 1 if a line is never executed and the list of reasons has none for it; 2 if something else went wrong.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use stagecoach_cosim::engine::CodeCoverage;
use stagecoach_cosim::lines::{Effort, Lines, Reasons};
use stagecoach_verilator::tools;

/// Which lines of the generated Verilog random scripts execute.
#[derive(Debug, Parser)]
struct Arguments {
    /// Seed of the scripts and stalls
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Requests for each protection
    #[arg(long, default_value_t = 90_000)]
    requests: usize,
    /// Besides, count the bits of signals that toggle; building such models takes minutes
    #[arg(long)]
    toggles: bool,
    /// The list of lines that may stay without execution
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/unexecuted.toml"), hide_default_value = true)]
    reasons: PathBuf,
    /// Write a page of Markdown
    #[arg(long)]
    report: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let reasons = Reasons::read(&arguments.reasons)?;
    let tool = tools::find_verilator()?.version;
    let coverage = if arguments.toggles { CodeCoverage::LinesAndToggles } else { CodeCoverage::Lines };
    let effort = Effort { seed: arguments.seed, requests: arguments.requests, coverage };
    let folder = tempfile::tempdir()?;
    let lines = Lines::cover(effort, folder.path())?;
    if let Some(path) = &arguments.report {
        std::fs::write(path, lines.markdown(effort, &tool, &reasons))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    let unhit = lines.unhit();
    let unexplained: Vec<_> = unhit.iter().filter(|line| reasons.of(line).is_none()).collect();
    for line in &unexplained {
        println!("{}:{}: never executed: {}", line.source.file, line.number, line.text());
    }
    println!("{} lines never executed, {} of them without a reason", unhit.len(), unexplained.len());
    Ok(unexplained.is_empty())
}
