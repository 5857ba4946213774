//! `cargo xtask fpga curves`: what the mapping unit takes, and how fast it is, as its sizes grow.

use std::fs;
use std::num::NonZeroUsize;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use stagecoach_spec::latency::Stages;
use stagecoach_spec::{Cam, Config, Preset, Target};
use stagecoach_verilator::tools::project_root;

use super::cache::Cache;
use super::curves_page;
use super::measure::jobs_or_default;
use super::placed_design::Design;
use super::placement::{self, DEVICE_BLOCK_RAMS, DEVICE_LUTS, OPTIONS, Outcome};
use super::report::tenths;
use super::synthesis::{self, Cells};
use super::tools::Program;
use super::work::{Job, do_all};

/// Every point is placed with this seed alone.
pub const SEED: u32 = 1;

/// What to measure.
#[derive(Debug, Args)]
pub struct Arguments {
    /// How far every point is taken
    #[arg(long, value_enum, default_value_t = Depth::Clock)]
    depth: Depth,
    /// Tools that run at once; each takes up to 1 GB. Default: one for each processor
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
}

/// How far a point is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Depth {
    /// Synthesis: cycles and cells; nothing is written
    Cells,
    /// Place and route too, where the device has room
    Clock,
}

/// `curves.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// The device that was placed on.
    pub device: String,
    /// The tools' packages and versions.
    pub tools: Vec<String>,
    /// The one seed.
    pub seed: u32,
    /// nextpnr's options.
    pub placement: String,
    /// Every point.
    pub points: Vec<Point>,
}

/// The size that grows; all others are those of preset `roce`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    /// Tables, and as many bindings.
    Tables,
    /// Regions.
    Regions,
    /// Bits of a network identifier.
    NetIdBits,
}

impl Sweep {
    /// Every sweep, in the order of the page.
    pub const ALL: [Sweep; 3] = [Sweep::Tables, Sweep::Regions, Sweep::NetIdBits];

    /// Its name on the page.
    pub fn name(self) -> &'static str {
        match self {
            Sweep::Tables => "tables",
            Sweep::Regions => "regions",
            Sweep::NetIdBits => "bits of a network identifier",
        }
    }
}

/// A configuration, and what it takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// What grows.
    pub sweep: Sweep,
    /// How far it has grown.
    pub size: u32,
    /// The kind of CAM: `register` or `cuckoo`.
    pub cam: Cam,
    /// Tables, and as many bindings.
    pub tables: u32,
    /// Cycles from a request to its first beat.
    pub first_beat_cycles: u32,
    /// 4-input look-up tables after synthesis, harness contained; a carry cell counts as two, a LUT RAM as six.
    pub luts: u32,
    /// Flip-flops after synthesis, harness contained.
    pub ffs: u32,
    /// 18-kbit block RAMs.
    pub block_rams: u32,
    /// Highest clock frequency, in MHz; absent where it was not placed.
    pub mhz: Option<f64>,
    /// Why it was not placed.
    pub not_placed: Option<String>,
}

/// A point before it is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    sweep: Sweep,
    size: u32,
    config: Config,
}

/// The points, each CAM kind where it is of use.
fn cases() -> Vec<Case> {
    let config = |cam: Cam, tables: u32| Config {
        cam: Some(cam),
        bindings: tables,
        tables,
        target: Target::Ecp5,
        ..Preset::Roce.config()
    };
    let mut cases = Vec::new();
    for (cam, sizes) in [(Cam::Register, &[16, 64, 256][..]), (Cam::Cuckoo, &[64, 256, 1024, 4096])] {
        cases.extend(sizes.iter().map(|&size| Case {
            sweep: Sweep::Tables,
            size,
            config: config(cam, size),
        }));
    }
    let regions = [256, 4096, 65536].map(|size| Case {
        sweep: Sweep::Regions,
        size,
        config: Config { regions: size, ..config(Cam::Register, 64) },
    });
    cases.extend(regions);
    for (cam, tables) in [(Cam::Register, 64), (Cam::Cuckoo, 1024)] {
        let widths = [32, 128, 160].map(|size| Case {
            sweep: Sweep::NetIdBits,
            size,
            config: Config { net_id_bits: size, ..config(cam, tables) },
        });
        cases.extend(widths);
    }
    cases
}

/// Measures, and writes `docs/fpga/curves.*` if clocks were measured.
pub fn run(cache: &Cache, arguments: &Arguments) -> Result<()> {
    let jobs: Vec<Job<Case>> = cases()
        .into_iter()
        .map(|case| Job { name: format!("{} {}", case.size, case.sweep.name()), with: case })
        .collect();
    let at_once = jobs_or_default(arguments.jobs);
    let points = do_all(&jobs, at_once, |case| measure(cache, case, arguments.depth))?;
    let curves = Curves {
        device: placement::DEVICE.into(),
        tools: vec![Program::Yosys.version(), Program::Nextpnr.version()],
        seed: SEED,
        placement: OPTIONS.join(" "),
        points,
    };
    let page = curves_page::page(&curves);
    if arguments.depth == Depth::Clock {
        let folder = project_root().join("docs/fpga");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let files = [
            ("curves.json", serde_json::to_string_pretty(&curves)? + "\n"),
            ("curves.md", page.clone()),
            ("curves.svg", curves_page::picture(&curves)?),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    print!("{page}");
    Ok(())
}

/// Measures a point.
fn measure(cache: &Cache, case: &Case, depth: Depth) -> Result<Point> {
    let design = Design::unit(&case.config)?;
    let cells = synthesis::ecp5(cache, &design)?.cells;
    let mut point = Point {
        sweep: case.sweep,
        size: case.size,
        cam: case.config.cam_kind(),
        tables: case.config.tables,
        first_beat_cycles: Stages::of(&case.config).first_beat(),
        luts: luts(&cells),
        ffs: cells.count("TRELLIS_FF"),
        block_rams: cells.count("DP16KD"),
        mhz: None,
        not_placed: None,
    };
    point.not_placed = no_room(&point);
    if point.not_placed.is_none() && depth == Depth::Clock {
        match placement::place(cache, &design, SEED)? {
            Outcome::Placed(placement) => point.mhz = Some(tenths(placement.mhz)),
            Outcome::Impossible(problem) => point.not_placed = Some(problem),
        }
    }
    Ok(point)
}

/// Look-up tables that cells take.
fn luts(cells: &Cells) -> u32 {
    cells.count("LUT4") + 2 * cells.count("CCU2C") + 6 * cells.count("TRELLIS_DPR16X4")
}

/// Why a point is not even tried, if so.
fn no_room(point: &Point) -> Option<String> {
    if point.block_rams > DEVICE_BLOCK_RAMS {
        return Some(format!("does not fit: {} of {DEVICE_BLOCK_RAMS} DP16KD", point.block_rams));
    }
    if point.luts > DEVICE_LUTS {
        return Some(format!("does not fit: {} of {DEVICE_LUTS} LUT4", point.luts));
    }
    // Comparators of 256 wide registers fill half the device; the router does not come to an end with their wires.
    (point.cam == Cam::Register && point.tables > Cam::MOST_REGISTERS)
        .then(|| "not tried: so many registers cannot be routed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_a_sound_configuration_of_its_size() {
        for case in cases() {
            case.config.validate().unwrap();
            let size = match case.sweep {
                Sweep::Tables => case.config.tables,
                Sweep::Regions => case.config.regions,
                Sweep::NetIdBits => case.config.net_id_bits,
            };
            assert_eq!(size, case.size);
            assert_eq!(case.config.tables, case.config.bindings);
        }
    }

    #[test]
    fn what_cannot_fit_says_so() {
        let point = Point {
            sweep: Sweep::Regions,
            size: 65536,
            cam: Cam::Register,
            tables: 64,
            first_beat_cycles: 20,
            luts: 12_000,
            ffs: 20_000,
            block_rams: 900,
            mhz: None,
            not_placed: None,
        };
        assert_eq!(no_room(&point).as_deref(), Some("does not fit: 900 of 208 DP16KD"));
        assert_eq!(no_room(&Point { block_rams: 100, ..point.clone() }), None);
        assert!(no_room(&Point { block_rams: 100, tables: 256, ..point }).is_some());
    }
}
