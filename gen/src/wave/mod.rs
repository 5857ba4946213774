//! `wave`: a stretch of a waveform as a picture, for documents.

mod read;
mod svg;

use std::path::Path;

use crate::Error;
use crate::cli::WaveArguments;
use crate::folder::{Pending, identity};

/// Most cycles that a picture shows.
const MOST_CYCLES: u64 = 400;

/// Some signals over some cycles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Number of the first cycle.
    pub first: i64,
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

impl Trace {
    /// Reads cycles `from` to `to` of `signals` from a waveform (FST); without them from its first, to its last.
    ///
    /// # Errors
    /// The waveform cannot be read, or lacks a signal or a cycle.
    pub fn read(path: &Path, signals: &[String], from: Option<u64>, to: Option<u64>) -> Result<Trace, Error> {
        read::read(path, signals, from, to)
    }

    /// The picture, as the text of an SVG file.
    pub fn draw(&self, title: Option<&str>) -> String {
        svg::draw(self, title)
    }
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
    let trace = Trace::read(input, signals, *from, *to)?;
    let mut file = Pending::create(out)?;
    file.write(trace.draw(title.as_deref()).as_bytes())?;
    file.publish()?;
    Ok(true)
}
