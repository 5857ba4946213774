//! Makes the report: every preset, every seed.

use std::fs;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use clap::Args;
use sha2::{Digest, Sha256};
use stagecoach_spec::latency::Stages;
use stagecoach_spec::{Config, Preset, Protection, Target};
use stagecoach_verilator::tools::project_root;

use super::cache::Cache;
use super::placed_design::Design;
use super::placement::{self, Outcome};
use super::report::{Bitstream, Clock, ImpossibleRow, Report, Row, XilinxCounts, median_place, tenths};
use super::synthesis::{self, Cells};
use super::tools::Program;
use super::work::{Job, do_all};
use super::{cam_name, markdown, parse_protection, picture, placed_config, protection_name, readme};

/// The presets that fit on the device.
const PRESETS: [Preset; 3] = [Preset::Tiny, Preset::Roce, Preset::CloudEcp5];
/// The preset that goes on to a bitstream.
const BITSTREAM: Preset = Preset::Tiny;
/// Seeds without protection, unless told otherwise.
const SEEDS: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// What to measure.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only these configurations that ship; then the result is printed, and docs/fpga stays as it is without --record
    #[arg(long)]
    preset: Vec<Preset>,
    /// Only this guard against flipped bits: none, parity or secded; then the result is only printed
    #[arg(long, value_parser = parse_protection)]
    protection: Option<Protection>,
    /// Place with seeds 1 to this; then the result is only printed. Default 5 without protection, 1 with it
    #[arg(long)]
    seeds: Option<NonZeroU32>,
    /// Write docs/fpga and README's table although not everything was measured: rows that were not stay as they were
    #[arg(long)]
    record: bool,
    /// Tools that run at once; each takes up to 1 GB. Default: one for each processor
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
}

/// A row to measure.
struct Case {
    preset: Preset,
    protection: Protection,
    seeds: u32,
    design: Design,
    /// The same with memories as a Xilinx device has them.
    for_xilinx: Design,
}

/// Tools that run at once unless told otherwise.
pub fn jobs_or_default(jobs: Option<NonZeroUsize>) -> usize {
    jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}

/// Measures, and writes `docs/fpga` and README's table if everything was measured.
pub fn run(cache: &Cache, arguments: &Arguments) -> Result<()> {
    let jobs = jobs_or_default(arguments.jobs);
    let cases = cases(arguments)?;
    let whole = arguments.preset.is_empty() && arguments.protection.is_none() && arguments.seeds.is_none();

    let outcomes = place_all(cache, &cases, jobs)?;
    let counted: Vec<Job<&Case>> = cases
        .iter()
        .map(|case| Job { name: format!("{}, Xilinx UltraScale+", case.name()), with: case })
        .collect();
    let xilinx = do_all(&counted, jobs, |case| synthesis::xilinx(cache, &case.for_xilinx))?;

    let mut presets = Vec::new();
    let mut impossible = Vec::new();
    for ((case, outcomes), xilinx) in cases.iter().zip(&outcomes).zip(&xilinx) {
        match row(case, outcomes, xilinx) {
            Ok(row) => presets.push(row),
            Err(row) => impossible.push(row),
        }
    }
    let records = whole || arguments.record;
    let bitstream = if records { bitstream(cache, &cases)? } else { None };
    let mut report = Report {
        device: placement::DEVICE.into(),
        tools: vec![Program::Yosys.version(), Program::Nextpnr.version()],
        synthesis: synthesis::ECP5.into(),
        xilinx_synthesis: synthesis::XILINX.into(),
        placement: placement::OPTIONS.join(" "),
        presets,
        impossible,
        bitstream,
    };
    if records {
        let folder = project_root().join("docs/fpga");
        if !whole {
            report.keep_rows_of(committed(&folder.join("report.json"))?);
        }
        let json = serde_json::to_string_pretty(&report)? + "\n";
        let files = [
            ("report.json", json),
            ("report.md", markdown::page(&report)),
            ("report.svg", picture::clocks(&report)?),
        ];
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for (name, text) in files {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let path = project_root().join("README.md");
        let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        match readme::with_table(&old, &report) {
            Some(new) => {
                fs::write(&path, new).with_context(|| format!("cannot write {}", path.display()))?;
            }
            None => eprintln!("README.md has no marks for its table; it stays as it is"),
        }
    }
    print!("{}", markdown::table(&report));
    Ok(())
}

/// The report that is there, if one is.
fn committed(path: &Path) -> Result<Option<Report>> {
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let read = serde_json::from_str(&text);
    read.map(Some).with_context(|| format!("{} is not understood; measure everything anew", path.display()))
}

/// What the arguments ask for.
fn cases(arguments: &Arguments) -> Result<Vec<Case>> {
    let presets = if arguments.preset.is_empty() { &PRESETS[..] } else { &arguments.preset };
    let protections = match &arguments.protection {
        Some(protection) => vec![*protection],
        None => vec![Protection::None, Protection::Parity, Protection::Secded],
    };
    let mut cases = Vec::new();
    for &preset in presets {
        for &protection in &protections {
            let usual = if protection == Protection::None { SEEDS } else { NonZeroU32::MIN };
            let config = placed_config(preset, protection);
            cases.push(Case {
                preset,
                protection,
                seeds: arguments.seeds.unwrap_or(usual).get(),
                design: Design::unit(&config)?,
                for_xilinx: Design::unit(&Config { target: Target::Xilinx, ..config })?,
            });
        }
    }
    Ok(cases)
}

impl Case {
    fn name(&self) -> String {
        format!("{} {}", self.preset, protection_name(self.protection))
    }
}

/// Places every case with every seed.
fn place_all(cache: &Cache, cases: &[Case], jobs: usize) -> Result<Vec<Vec<Outcome>>> {
    // Netlists first, so that two seeds do not synthesise the same design side by side.
    let unfinished =
        |case: &&Case| (1..=case.seeds).any(|seed| !placement::is_kept(cache, &case.design, seed));
    let netlists: Vec<Job<&Case>> = cases
        .iter()
        .filter(unfinished)
        .map(|case| Job { name: format!("{}, ECP5", case.name()), with: case })
        .collect();
    do_all(&netlists, jobs, |case| synthesis::ecp5(cache, &case.design))?;
    let placements: Vec<Job<(&Case, u32)>> = cases
        .iter()
        .flat_map(|case| (1..=case.seeds).map(move |seed| (case, seed)))
        .map(|(case, seed)| Job { name: format!("{} seed {seed}", case.name()), with: (case, seed) })
        .collect();
    let mut placed =
        do_all(&placements, jobs, |(case, seed)| placement::place(cache, &case.design, *seed))?.into_iter();
    Ok(cases.iter().map(|case| placed.by_ref().take(case.seeds as usize).collect()).collect())
}

/// The row of a case: an impossible one if any seed was.
fn row(case: &Case, outcomes: &[Outcome], xilinx: &Cells) -> Result<Row, ImpossibleRow> {
    let mut placed = Vec::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Placed(placement) => placed.push(placement),
            Outcome::Impossible(problem) => {
                return Err(ImpossibleRow {
                    preset: case.preset.to_string(),
                    protection: protection_name(case.protection).into(),
                    problem: problem.clone(),
                });
            }
        }
    }
    let seeds: Vec<f64> = placed.iter().map(|placement| placement.mhz).collect();
    let (mhz, median) = (Clock::of(&seeds), placed[median_place(&seeds)]);
    let config = placed_config(case.preset, case.protection);
    let cycles = Stages::of(&config).first_beat();
    Ok(Row {
        preset: case.preset.to_string(),
        protection: protection_name(case.protection).into(),
        cam: cam_name(config.cam_kind()).into(),
        target: "ecp5".into(),
        sources: case.design.key().text().into(),
        first_beat_cycles: cycles,
        first_beat_ns: tenths(f64::from(cycles) * 1000.0 / mhz.median),
        mhz,
        luts: median.used.luts,
        ffs: median.used.ffs,
        block_rams: median.used.block_rams,
        lut_rams: median.used.lut_rams,
        harness: case.design.harness.size,
        critical_path: median.paths[0].clone(),
        xilinx: xilinx_counts(xilinx),
    })
}

/// What counts as what on a Xilinx UltraScale+.
fn xilinx_counts(cells: &Cells) -> XilinxCounts {
    XilinxCounts {
        luts: cells.count_where(|cell| cell.starts_with("LUT")),
        ffs: cells.count_where(|cell| cell.starts_with("FD")),
        carries: cells.count("CARRY8"),
        lut_rams: cells.count_where(|cell| {
            cell.starts_with("SRL") || (cell.starts_with("RAM") && !cell.starts_with("RAMB"))
        }),
        ramb36: cells.count("RAMB36E2"),
        ramb18: cells.count("RAMB18E2"),
    }
}

/// Carries a preset on to a bitstream, and copies it to where a user looks.
fn bitstream(cache: &Cache, cases: &[Case]) -> Result<Option<Bitstream>> {
    let Some(case) =
        cases.iter().find(|case| case.preset == BITSTREAM && case.protection == Protection::None)
    else {
        return Ok(None);
    };
    let job = Job { name: format!("{} bitstream", case.name()), with: () };
    let made = do_all(&[job], 1, |()| placement::bitstream(cache, &case.design))?;
    let Some(kept) = made.first() else { return Ok(None) };
    let bits = fs::read(kept).context("cannot read the bitstream")?;
    let folder = project_root().join("target/fpga");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(format!("{BITSTREAM}.bit"));
    fs::write(&path, &bits).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("bitstream: {} ({} bytes)", path.display(), bits.len());
    Ok(Some(Bitstream {
        preset: BITSTREAM.to_string(),
        seed: 1,
        bytes: bits.len() as u64,
        sha256: format!("{:x}", Sha256::digest(&bits)),
    }))
}
