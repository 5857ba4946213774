//! Mutated logs, as many as are asked for: none may be accepted as another than was written, and nothing may panic.
//!
//! `cargo run --release -p stagecoach-log --example mutate_logs -- --count 10000000`

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use clap::Parser;
use indicatif::ProgressBar;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_log::{binary, json};
use support::{EPOCH, log, mutate};

/// Reads mutated registration logs, and counts how many are refused
#[derive(Parser)]
struct Arguments {
    /// How many
    #[arg(long, default_value_t = 10_000_000)]
    count: u64,
    /// Seed of all that is random
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let Arguments { count, seed } = Arguments::parse();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let progress = ProgressBar::new(count);
    let (mut refused, mut same) = (0_u64, 0_u64);
    for round in 0..count {
        let changes = random.random_range(0..6);
        let original = log(&mut random, changes);
        let result = if round % 2 == 0 {
            binary::read(&mutate(&mut random, &binary::write(&original)), EPOCH)
        } else {
            let mutated = mutate(&mut random, json::write(&original).as_bytes());
            json::read(&String::from_utf8_lossy(&mutated), EPOCH)
        };
        match result {
            Err(_) => refused += 1,
            Ok(read) if read == original => same += 1,
            Ok(read) => {
                eprintln!("mutation {round} of seed {seed} was accepted as another log: {read:?}");
                return ExitCode::FAILURE;
            }
        }
        if round % 4096 == 0 {
            progress.set_position(round);
        }
    }
    progress.finish_and_clear();
    println!(
        "{count} mutated logs: {refused} refused, {same} unchanged in meaning, none accepted as another"
    );
    ExitCode::SUCCESS
}
