//! `cargo xtask test`: the README's test command.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::run::shown;
use crate::setup;

/// Sums of the runner's `test result:` lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    binaries: u64,
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Totals {
    /// Adds a line if it is one of the runner's totals.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.split_once("test result: ") else { return };
        let count_of = |what: &str| {
            let words: Vec<&str> = counts.split([' ', ';']).filter(|word| !word.is_empty()).collect();
            words
                .windows(2)
                .find(|pair| pair[1] == what)
                .and_then(|pair| pair[0].parse::<u64>().ok())
                .unwrap_or(0)
        };
        self.binaries += 1;
        self.passed += count_of("passed");
        self.failed += count_of("failed");
        self.ignored += count_of("ignored");
    }
}

/// Runs the chore.
pub fn run(arguments: &[String]) -> Result<()> {
    setup::for_tests();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["test", "--release", "--no-fail-fast"]);
    if !arguments.iter().any(|argument| argument == "-p" || argument.starts_with("--package")) {
        command.arg("--workspace");
    }
    command.args(arguments);
    // Histograms and counts are part of what the tests say.
    if !arguments.iter().any(|argument| argument == "--") {
        command.args(["--", "--show-output"]);
    }
    setup::with_tools(&mut command)?;
    let words = shown(&command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{words}`"))?;
    let mut totals = Totals::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("cannot read the runner's output")?;
            let line = String::from_utf8_lossy(&line);
            totals.add(&line);
            // A reader that went away must not end the tests.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }
    let status = child.wait().with_context(|| format!("`{words}` was lost"))?;
    let Totals { binaries, passed, failed, ignored } = totals;
    println!("{binaries} test binaries");
    println!("total: {passed} passed, {failed} failed, {ignored} skipped");
    if !status.success() {
        bail!("`{words}` failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Totals;

    #[test]
    fn the_runners_lines_are_summed() {
        let mut totals = Totals::default();
        for line in [
            "running 2 tests",
            "test result: ok. 41 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ] {
            totals.add(line);
        }
        assert_eq!(totals, Totals { binaries: 2, passed: 43, failed: 3, ignored: 1 });
    }
}
