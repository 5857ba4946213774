//! Makes wrong variants of the mapping unit and has the random session find each.
//!
//! ```sh
//! cargo run --release -p stagecoach-cosim --example mutations -- --count 60 --seed 1 --minutes 5
//! ```
//!
//! Exit code 1 if a mutant survives that is not on the list of explained survivors.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use stagecoach_cosim::mutation::report::Campaign;
use stagecoach_cosim::mutation::{Effort, Explained, Pool, Subject, Trial, choice, try_all};
use stagecoach_spec::Cam;

/// Wrong variants of the mapping unit, and whether the random session notices them.
#[derive(Debug, Parser)]
struct Arguments {
    /// Mutants to try; more where it takes more to have every rule and module among them
    #[arg(long, default_value_t = 60)]
    count: usize,
    /// Seed of the choice and of the configurations
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Longest time for all together
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Random configurations beside preset tiny
    #[arg(long, default_value_t = 7)]
    configurations: usize,
    /// Configurations with this kind of CAM alone: register or cuckoo
    #[arg(long, value_parser = parse_cam)]
    cam: Option<Cam>,
    /// Mutants at a time
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Try only mutants whose description holds this
    #[arg(long, default_value = "")]
    only: String,
    /// The list of explained survivors
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/mutations.toml"), hide_default_value = true)]
    explained: PathBuf,
    /// Write a page of Markdown
    #[arg(long)]
    report: Option<PathBuf>,
}

fn parse_cam(text: &str) -> Result<Cam, String> {
    match text {
        "register" => Ok(Cam::Register),
        "cuckoo" => Ok(Cam::Cuckoo),
        _ => Err("there are `register` and `cuckoo`".to_owned()),
    }
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
    let explained = Explained::read(&arguments.explained)?;
    let pool = Pool::new(arguments.seed, arguments.configurations, arguments.cam)?;
    let is_wanted = |subject: &Subject| subject.mutation().to_string().contains(&arguments.only);
    let subjects = choice::choose(&pool, arguments.count, arguments.seed, is_wanted);
    println!(
        "{} of {} possible mutants, in {} configurations",
        subjects.len(),
        pool.subjects.len(),
        pool.entries.len()
    );
    let started = Instant::now();
    let total = Duration::try_from_secs_f64(arguments.minutes * 60.0)?;
    let effort = Effort { total, threads: arguments.threads };
    let trials = try_all(&pool, &subjects, &explained, effort, print)?;
    let kind = match arguments.cam {
        None => "",
        Some(Cam::Register) => " --cam register",
        Some(Cam::Cuckoo) => " --cam cuckoo",
    };
    let command = format!(
        "cargo run --release -p stagecoach-cosim --example mutations -- --count {} --seed {} --minutes {} \\\n    \
         --configurations {}{kind} --report docs/mutations.md",
        arguments.count, arguments.seed, arguments.minutes, arguments.configurations
    );
    let (subjects, trials) = (&subjects[..], &trials[..]);
    let campaign = Campaign { pool: &pool, subjects, trials, explained: &explained, command: &command };
    if let Some(path) = &arguments.report {
        std::fs::write(path, campaign.markdown())
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    let caught = trials.iter().filter(|trial| trial.catch.is_some()).count();
    println!("{caught} of {} caught in {:.0} s", trials.len(), started.elapsed().as_secs_f64());
    let (unexplained, stale) = (campaign.unexplained(), explained.stale(&pool));
    for subject in &unexplained {
        println!("survived, not explained: {}", subject.mutation());
    }
    for entry in &stale {
        println!("explained, but there is no such mutation: {} of {}", entry.rule, entry.place);
    }
    Ok(unexplained.is_empty() && stale.is_empty())
}

fn print(subject: &Subject, trial: &Trial) {
    let (mutation, seconds) = (subject.mutation(), trial.time.as_secs_f64());
    match &trial.catch {
        Some(catch) => println!(
            "{seconds:5.1} s  {mutation}\n         {}: configuration {}, seed {}, cycle {}: {}",
            catch.finding, catch.config, catch.seed, catch.cycle, catch.words
        ),
        None => println!("{seconds:5.1} s  {mutation}\n         SURVIVED {} scripts", trial.scripts),
    }
}
