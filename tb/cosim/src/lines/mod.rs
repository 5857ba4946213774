//! Which lines of the generated Verilog the random session executes, and which bits of its signals toggle if that is counted.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `reason` | [`Reasons`]: why lines may stay without execution |
//! | `report` | [`Lines`] as a page of Markdown |
//!
//! A module's text may depend on the protection. Configurations in which it is the same share its counts.

mod reason;
mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stagecoach_hdl::Module;
use stagecoach_hdl::native::PortLayout;
use stagecoach_hdl::verilog::Family;
use stagecoach_spec::{Config, Preset, Protection};
use stagecoach_verilator::{CoverageData, FileCoverage, build};

pub use reason::{Reason, Reasons, ReasonsError};

use crate::campaign::{Case, Lot};
use crate::engine::{self, CodeCoverage, EngineOptions, Verilated};
use crate::session::{self, Failure, Outcome};
use crate::stimulus::Shape;
use crate::{EngineKind, Error, PortEngine};

/// A module of the generated Verilog, in one of its texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// File name, e.g. `mapping_slice.v`; a file holds one module.
    pub file: String,
    /// What the file says.
    pub text: String,
}

/// What was executed of a [`Source`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Executed {
    /// Where the text was met.
    pub protections: Vec<Protection>,
    /// The counts of all runs.
    pub counts: FileCoverage,
}

/// What several runs have executed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// By module and text.
    pub sources: BTreeMap<Source, Executed>,
}

/// A line that was never executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unhit<'l> {
    /// Where.
    pub source: &'l Source,
    /// With which protections the module has this text.
    pub protections: &'l [Protection],
    /// The line's number, from 1.
    pub number: u32,
}

impl<'l> Unhit<'l> {
    /// What the line says.
    pub fn text(&self) -> &'l str {
        self.source.text.lines().nth(self.number as usize - 1).unwrap_or_default().trim()
    }
}

/// How much is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// All else follows from it.
    pub seed: u64,
    /// Requests for each protection, about as many in each of several scripts; a third of those is played without
    /// stalls.
    pub requests: usize,
    /// What is counted. Toggles make models that take minutes to build.
    pub coverage: CodeCoverage,
}

/// Every protection.
const PROTECTIONS: [Protection; 3] = [Protection::None, Protection::Parity, Protection::Secded];
/// Scripts for each protection: enough that every port stalls in some of them.
const SCRIPTS: u64 = 9;

impl Lines {
    /// Plays random scripts with random stalls in preset `tiny` with each protection under Verilator. Verilator's own
    /// files go into `folder`.
    ///
    /// # Errors
    /// The first thing that is wrong in a run, or with its data.
    pub fn cover(effort: Effort, folder: &Path) -> Result<Lines, Failure> {
        let mut lines = Lines::default();
        let shape =
            Shape { requests: effort.requests.div_ceil(SCRIPTS as usize), most_between: 40, fills: 1 };
        for protection in PROTECTIONS {
            let config = Config { protection, ..Preset::Tiny.config() };
            let module = engine::describe(&config)?;
            for case in &Lot::of(&config, EngineKind::Verilator, effort.seed, shape, SCRIPTS).cases {
                let (_, data) = play(case, &module, effort.coverage, &folder.join("lines.dat"))?;
                lines.add(&module, protection, &data);
            }
        }
        Ok(lines)
    }

    /// Adds what a run of `module` has executed.
    pub fn add(&mut self, module: &Arc<Module>, protection: Protection, data: &CoverageData) {
        for build::SourceFile { name, text } in build::sources(module, Family::Generic, false) {
            // A module without statements, only wires and instances, may have nothing to count.
            let Some(counts) = data.files.get(&name) else { continue };
            self.add_source(Source { file: name, text }, protection, counts);
        }
    }

    fn add_source(&mut self, source: Source, protection: Protection, counts: &FileCoverage) {
        let executed = self.sources.entry(source).or_default();
        executed.counts.add(counts);
        if !executed.protections.contains(&protection) {
            executed.protections.push(protection);
        }
    }

    /// Every line with statements that was never executed.
    pub fn unhit(&self) -> Vec<Unhit<'_>> {
        let of_source = |(source, executed): (_, &'_ Executed)| -> Vec<_> {
            let unhit = executed.counts.unhit_lines().into_iter();
            unhit.map(|number| (source, number)).collect()
        };
        let all = self.sources.iter().flat_map(of_source);
        all.map(|(source, number)| Unhit { source, protections: &self.sources[source].protections, number })
            .collect()
    }
}

/// Plays a case under Verilator, counting; `file` is where Verilator's own data goes.
///
/// # Errors
/// The first thing that is wrong in the run, or with the data.
pub fn play(
    case: &Case,
    module: &Arc<Module>,
    coverage: CodeCoverage,
    file: &Path,
) -> Result<(Outcome, CoverageData), Failure> {
    let options = EngineOptions { seed: case.setup.engine_seed, coverage, ..EngineOptions::default() };
    // Else an older run's file could be taken for this one's.
    let _ = std::fs::remove_file(file);
    let engine = Box::new(Counting { engine: Verilated::new(module, options)?, file: file.to_owned() });
    let outcome = session::play_on(engine, &case.script, &case.setup)?;
    let data = CoverageData::read(file).map_err(Error::from)?;
    Ok((outcome, data))
}

/// An engine that writes what it has counted when it goes.
struct Counting {
    engine: Verilated,
    file: PathBuf,
}

impl Drop for Counting {
    fn drop(&mut self) {
        // Who reads the file finds it missing.
        let _ = self.engine.write_coverage(&self.file);
    }
}

impl PortEngine for Counting {
    fn kind(&self) -> EngineKind {
        self.engine.kind()
    }

    fn layout(&self) -> &PortLayout {
        self.engine.layout()
    }

    fn cycle(&mut self, inputs: &[u64], outputs: &mut [u64]) -> Result<(), Error> {
        self.engine.cycle(inputs, outputs)
    }

    fn open_wave(&mut self, path: &Path) -> Result<(), Error> {
        self.engine.open_wave(path)
    }

    fn close_wave(&mut self) -> Result<(), Error> {
        self.engine.close_wave()
    }

    fn failures(&self) -> Vec<String> {
        self.engine.failures()
    }
}
