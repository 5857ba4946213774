//! `wave`: a stretch of a waveform as a picture, for documents.

mod read;
mod svg;

use crate::Error;
use crate::cli::WaveArguments;
use crate::folder::{Pending, identity};

/// Most cycles that a picture shows.
const MOST_CYCLES: u64 = 400;

/// Some signals over some cycles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Number of the first cycle.
    pub first: u64,
    /// The signals; all have as many values as there are cycles, and at least one.
    pub rows: Vec<Row>,
}

/// A signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// As it was asked for.
    pub name: String,
    /// Its value in each cycle, as binary digits, the highest first; `x` where it is unknown.
    pub values: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// The waveform cannot be read, lacks a signal or a cycle, or the picture cannot be written.
pub fn run(arguments: &WaveArguments) -> Result<bool, Error> {
    let WaveArguments { input, signals, from, to, out, title } = arguments;
    if identity(input) == identity(out) {
        return Err(Error::Overwrites { flag: "--out", path: out.clone(), other: "--in" });
    }
    let trace = read::read(input, signals, *from, *to)?;
    let mut file = Pending::create(out)?;
    file.write(svg::draw(&trace, title.as_deref()).as_bytes())?;
    file.publish()?;
    Ok(true)
}
