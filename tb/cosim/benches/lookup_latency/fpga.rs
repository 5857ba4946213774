//! The clocks that `cargo xtask fpga` reached.

use std::path::Path;

use serde::Deserialize;

/// What of the report is needed here.
#[derive(Deserialize)]
struct Report {
    presets: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    preset: String,
    protection: String,
    cam: String,
    target: String,
    first_beat_cycles: u32,
    mhz: Clock,
}

#[derive(Deserialize)]
struct Clock {
    /// Of the seeds.
    median: f64,
    seeds: Vec<f64>,
}

/// A preset without protection, placed and routed.
#[derive(Clone, Debug)]
pub struct Placed {
    pub preset: String,
    /// The kind of CAM.
    pub cam: String,
    /// The family that memories are written for.
    pub target: String,
    pub cycles: u32,
    /// Median of the seeds.
    pub mhz: f64,
    pub seeds: usize,
}

impl Placed {
    /// From a request to its first beat.
    pub fn latency(&self) -> f64 {
        f64::from(self.cycles) * self.interval()
    }

    /// Between two requests: a cycle, in ns.
    pub fn interval(&self) -> f64 {
        1e3 / self.mhz
    }
}

/// The presets of the report; none, with a word on standard error, when there is no report.
pub fn read(path: &Path) -> Result<Vec<Placed>, Box<dyn std::error::Error>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{}: {error}; without clocks, until `cargo xtask fpga` has written it", path.display());
            return Ok(Vec::new());
        }
    };
    let report: Report =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let rows = report.presets.into_iter().filter(|row| row.protection == "none");
    let placed = rows.map(|row| Placed {
        preset: row.preset,
        cam: row.cam,
        target: row.target,
        cycles: row.first_beat_cycles,
        mhz: row.mhz.median,
        seeds: row.mhz.seeds.len(),
    });
    Ok(placed.collect())
}
