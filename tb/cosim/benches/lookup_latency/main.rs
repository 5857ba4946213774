//! Latency of one lookup: the mapping unit's, in cycles and in ns at the clocks that place and route reached, beside
//! software lookups that make the same checks over the same tables, and published figures:
//! `cargo bench -p stagecoach-cosim --bench lookup_latency`.
//!
//! Writes `docs/performance/latency.md` and `latency.svg`. The clocks are those of `docs/fpga/report.json`; without that
//! file the unit is told in cycles alone.
//!
//! The software's latency is measured with a dependent chain of lookups: the next is chosen by the last one's answer. Its
//! tables are warm, no lock is taken and no packet parsed, so it is a lower bound of what a driver takes.

mod fpga;
mod load;
mod measure;
mod page;
mod picture;
mod published;
mod software;

use std::path::{Path, PathBuf};

use measure::{Asked, Measured};
use software::{Fast, OneMap, Trees, TwoLevel};
use stagecoach_cosim::{EngineKind, Options, Unit};
use stagecoach_model::Golden;
use stagecoach_spec::{Config, Fault, Preset, Request, Stages, Update};

/// What a page and a picture are made of.
pub struct Comparison {
    /// First beat of preset `roce`, in cycles.
    pub cycles: u32,
    /// Least and most cycles of a first beat that the native engine measured.
    pub measured_cycles: (u64, u64),
    /// The unit on a device; empty without a report.
    pub unit: Vec<fpga::Placed>,
    /// Software, the fast model first.
    pub software: Vec<Measured>,
    /// What ran the software.
    pub processor: String,
}

/// Cycles from request to first beat on the native engine: least and most.
fn measured_cycles(config: &Config, updates: &[Update], requests: &[Request]) -> (u64, u64) {
    let mut unit = Unit::new(EngineKind::Native, config, Options::default()).expect("the native engine");
    for update in updates {
        assert_eq!(unit.update(update).expect("the unit runs"), Ok(0), "{update:?}");
    }
    let mut latencies: Vec<u64> = Vec::new();
    for request in requests.iter().take(2_000) {
        let reply = unit.request(request).expect("the unit runs");
        assert_eq!(reply.beats[0].fault, Fault::Granted);
        latencies.extend(reply.latency);
    }
    let least = latencies.iter().min().copied().unwrap_or(0);
    (least, latencies.iter().max().copied().unwrap_or(0))
}

/// Every candidate gives the golden model's first beats, then is measured.
fn measure_all(config: &Config, updates: &[Update], requests: &[Request]) -> Vec<Measured> {
    let mut golden = Golden::new(config);
    let mut fast = Fast::new(config);
    for update in updates {
        assert_eq!(golden.update(update), Ok(0));
        fast.update(update);
    }
    let expected: Vec<(Fault, u64)> = requests
        .iter()
        .map(|request| {
            let beat = golden.request(request)[0];
            (beat.fault, beat.pa)
        })
        .collect();
    let registered = load::registered(updates);
    let asked = Asked { requests, expected: &expected };
    vec![
        asked.measure(&fast),
        asked.measure(&software::filled::<TwoLevel>(config, &registered)),
        asked.measure(&software::filled::<OneMap<foldhash::fast::FixedState>>(config, &registered)),
        asked.measure(&software::filled::<OneMap<std::hash::RandomState>>(config, &registered)),
        asked.measure(&software::filled::<Trees>(config, &registered)),
    ]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let config = Preset::Roce.config();
    let updates = load::updates(&config);
    // So few that they stay in a core's own cache, and what is measured is the lookup.
    let requests: Vec<Request> = (0..1 << 12).map(|n| load::request(&config, n)).collect();

    let stages = Stages::of(&config);
    let comparison = Comparison {
        cycles: stages.first_beat(),
        measured_cycles: measured_cycles(&config, &updates, &requests),
        unit: fpga::read(&docs.join("fpga/report.json"))?,
        software: measure_all(&config, &updates, &requests),
        processor: measure::processor(),
    };
    let page = page::write(&comparison);
    print!("{page}");
    let folder: PathBuf = docs.join("performance");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("latency.md"), page)?;
    std::fs::write(folder.join("latency.svg"), picture::draw(&comparison)?)?;
    Ok(())
}
