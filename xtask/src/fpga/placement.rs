//! nextpnr: from a netlist to places and wires on an ECP5, and the clock that they allow.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::cache::{Cache, Key};
use super::names::Names;
use super::placed_design::Design;
use super::sdf;
use super::synthesis;
use super::timing::{SlowPath, slow_paths};
use super::tools::Program;
use crate::run::shown;

/// The device, as the report calls it.
pub const DEVICE: &str = "Lattice ECP5 LFE5U-85F, speed grade 8, CABGA756";
/// Its block RAMs.
pub const DEVICE_BLOCK_RAMS: u32 = 208;
/// Its look-up tables.
pub const DEVICE_LUTS: u32 = 83_640;
/// How nextpnr is told the device.
const DEVICE_OPTIONS: [&str; 5] = ["--85k", "--speed", "8", "--package", "CABGA756"];
/// What else it is told. It aims at the frequency, and does not give up when it misses.
pub const OPTIONS: [&str; 4] = ["--freq", "350", "--placer", "static"];
/// Pins lie where nextpnr likes them.
const PIN_OPTIONS: [&str; 2] = ["--lpf-allow-unconstrained", "--timing-allow-fail"];
/// Paths that need at least this part of the clock period are kept.
const KEPT_FRACTION: f64 = 0.4;

/// What became of a placement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is on the device.
    Placed(Placement),
    /// It does not fit, or could not be routed: nextpnr's words.
    Impossible(String),
}

/// A design on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// Highest clock frequency, in MHz.
    pub mhz: f64,
    /// What it takes.
    pub used: Used,
    /// The slowest paths, slowest first; never empty.
    pub paths: Vec<SlowPath>,
}

/// What a design takes of an ECP5, its harness contained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// 4-input look-up tables (TRELLIS_COMB), also those that are half of a carry cell or hold LUT RAM.
    pub luts: u32,
    /// Flip-flops.
    pub ffs: u32,
    /// 18-kbit block RAMs (DP16KD).
    pub block_rams: u32,
    /// 16 x 4 bit LUT RAMs (DPR16X4), each of four of `luts` and a write port of two more.
    pub lut_rams: u32,
}

/// nextpnr's report.
#[derive(Deserialize)]
struct Report {
    fmax: BTreeMap<String, Clock>,
    utilization: BTreeMap<String, Utilization>,
}

#[derive(Deserialize)]
struct Clock {
    achieved: f64,
}

#[derive(Deserialize)]
struct Utilization {
    used: u32,
}

impl Report {
    /// Highest clock frequency, and what is used.
    fn read(text: &str) -> Result<(f64, Used)> {
        let report: Report = serde_json::from_str(text).context("nextpnr's report is not understood")?;
        let Some(clock) = report.fmax.values().next() else { bail!("nextpnr reports no clock") };
        let used = |cell: &str| report.utilization.get(cell).map_or(0, |cell| cell.used);
        let used = Used {
            luts: used("TRELLIS_COMB"),
            ffs: used("TRELLIS_FF"),
            block_rams: used("DP16KD"),
            lut_rams: used("TRELLIS_RAMW"),
        };
        Ok((clock.achieved, used))
    }
}

/// nextpnr's options for a seed, without names of files.
fn options(seed: u32) -> Vec<String> {
    let fixed = DEVICE_OPTIONS.into_iter().chain(OPTIONS).chain(PIN_OPTIONS);
    fixed.map(str::to_owned).chain(["--seed".into(), seed.to_string()]).collect()
}

/// The key of a placement.
fn key(design: &Design, seed: u32) -> Key {
    let (version, options) = (Program::Nextpnr.version(), options(seed).join(" "));
    Key::of([version.as_str(), &options, synthesis::ecp5_key(design).text()])
}

const KIND: &str = "placement";

/// Whether nothing remains to be done for a placement.
pub fn is_kept(cache: &Cache, design: &Design, seed: u32) -> bool {
    cache.kept::<Outcome>(KIND, &key(design, seed)).is_some()
}

/// Synthesises, places and routes a design.
///
/// # Errors
/// A tool fails for another reason than the size of the design.
pub fn place(cache: &Cache, design: &Design, seed: u32) -> Result<Outcome> {
    cache.get(KIND, &key(design, seed), |work| {
        let netlist = synthesis::ecp5(cache, design)?.file;
        let extra = ["--report", "report.json", "--sdf", "delays.sdf"];
        if let Some(problem) = nextpnr(work, &netlist, seed, &extra)? {
            return Ok(Outcome::Impossible(problem));
        }
        let report = fs::read_to_string(work.join("report.json")).context("nextpnr wrote no report")?;
        let (mhz, used) = Report::read(&report)?;
        let netlist = fs::read_to_string(&netlist).context("cannot read the netlist")?;
        let names = Names::read(&netlist, &design.module)?;
        let paths = slow_paths(&sdf::read_file(&work.join("delays.sdf"))?, &names, KEPT_FRACTION)?;
        Ok(Outcome::Placed(Placement { mhz, used, paths }))
    })
}

/// Goes on to a bitstream of seed 1; gives the file.
///
/// # Errors
/// The design does not fit, or a tool fails.
pub fn bitstream(cache: &Cache, design: &Design) -> Result<PathBuf> {
    const KIND: &str = "bitstream";
    let key = key(design, 1);
    let kept = cache.path(KIND, &key);
    if !kept.is_file() {
        let netlist = synthesis::ecp5(cache, design)?.file;
        let work = cache.work_folder()?;
        if let Some(problem) = nextpnr(work.path(), &netlist, 1, &["--textcfg", "placed.config"])? {
            bail!("no bitstream: {problem}");
        }
        let mut command = Program::Ecppack.command();
        command.current_dir(work.path()).args(["--compress", "placed.config", "unit.bit"]);
        let words = shown(&command);
        let output = command.output().with_context(|| format!("cannot start `{words}`"))?;
        if !output.status.success() {
            bail!("`{words}` failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        cache.keep(&work.path().join("unit.bit"), KIND, &key)?;
    }
    Ok(kept)
}

/// Runs nextpnr in a folder. Gives its words if the design is impossible on the device.
fn nextpnr(work: &Path, netlist: &Path, seed: u32, extra: &[&str]) -> Result<Option<String>> {
    // The tool sees its working folder alone. A link costs nothing; where there are none, a copy serves.
    let inside = work.join("netlist.json");
    if fs::hard_link(netlist, &inside).is_err() {
        fs::copy(netlist, &inside).context("cannot copy the netlist")?;
    }
    let mut command = Program::Nextpnr.command();
    command.current_dir(work).args(options(seed)).args(["--json", "netlist.json"]).args(extra);
    let words = shown(&command);
    let output = command.output().with_context(|| format!("cannot start `{words}`"))?;
    if output.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    match impossible(&said) {
        Some(problem) => Ok(Some(problem)),
        None => bail!("`{words}` failed:\n{}", said.lines().rev().take(5).collect::<Vec<_>>().join("\n")),
    }
}

/// nextpnr's words for a design that the device has no room for, if that is what it says.
fn impossible(log: &str) -> Option<String> {
    let errors = log.lines().filter_map(|line| line.trim().strip_prefix("ERROR: "));
    let mut about_room = errors.filter(|error| {
        ["Unable to place", "unable to find", "no Bels remaining", "route", "placement"]
            .iter()
            .any(|words| error.to_ascii_lowercase().contains(&words.to_ascii_lowercase()))
    });
    about_room.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read() {
        let (mhz, used) = Report::read(include_str!("samples/report.json")).unwrap();
        assert!((mhz - 141.482_742).abs() < 1e-3);
        assert_eq!(used, Used { luts: 12109, ffs: 9229, block_rams: 43, lut_rams: 430 });
        assert!(Report::read("{\"fmax\": {}, \"utilization\": {}}").is_err());
    }

    #[test]
    fn only_want_of_room_makes_a_design_impossible() {
        let log =
            "Info: Packing..\nERROR: Unable to place cell 'dut.x', no Bels remaining of type 'DP16KD'\n";
        assert_eq!(
            impossible(log).as_deref(),
            Some("Unable to place cell 'dut.x', no Bels remaining of type 'DP16KD'")
        );
        assert_eq!(impossible("ERROR: Failed to open JSON file 'netlist.json'.\n"), None);
        assert_eq!(impossible("Killed\n"), None);
    }

    #[test]
    fn seeds_and_designs_have_keys_of_their_own() {
        let config = stagecoach_spec::Preset::Tiny.config();
        let design = Design::unit(&config).unwrap();
        assert_eq!(key(&design, 1), key(&design, 1));
        assert_ne!(key(&design, 1), key(&design, 2));
        let mut other = design.clone();
        other.sources[0].text.push('\n');
        assert_ne!(key(&design, 1), key(&other, 1));
    }
}
