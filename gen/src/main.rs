//! The `stagecoach` command; everything it does is in the library beside it.

use std::process::ExitCode;

use clap::Parser;
use stagecoach::cli::{Arguments, Command};
use stagecoach::{check, demo, describe, generate, migrate, replay, wave};

/// Exit code of a comparison that found a difference: stale files, or verdicts that disagree.
const DIFFERENT: u8 = 1;
/// Exit code of bad input, or of a failure on the way. (Also clap's, for arguments that it cannot read.)
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Describe(arguments) => describe::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Wave(arguments) => wave::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Demo => demo::run(),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(DIFFERENT),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(FAILED)
        }
    }
}
