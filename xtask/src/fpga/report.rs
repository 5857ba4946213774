//! The report: what every preset takes and reaches, as data.

use serde::{Deserialize, Serialize};

use super::harness::Size;
use super::timing::SlowPath;

/// `report.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The device that was placed on.
    pub device: String,
    /// The tools' packages and versions.
    pub tools: Vec<String>,
    /// Yosys's command for the device that was placed on.
    pub synthesis: String,
    /// Yosys's command for the counts of Xilinx UltraScale+.
    pub xilinx_synthesis: String,
    /// nextpnr's options.
    pub placement: String,
    /// What was placed.
    pub presets: Vec<Row>,
    /// What could not be placed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impossible: Vec<ImpossibleRow>,
    /// The bitstream that one preset was carried on to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bitstream: Option<Bitstream>,
}

impl Report {
    /// Takes over what another report has and this one has not, row by row, if the tools are the same: figures of others
    /// cannot stand beside these.
    pub fn keep_rows_of(&mut self, other: Option<Report>) {
        let Some(other) = other else { return };
        let conditions = |report: &Report| {
            (report.device.clone(), report.tools.clone(), report.synthesis.clone(), report.placement.clone())
        };
        if conditions(self) != conditions(&other) {
            return;
        }
        let here: Vec<(String, String)> = self
            .presets
            .iter()
            .map(|row| (row.preset.clone(), row.protection.clone()))
            .chain(self.impossible.iter().map(|row| (row.preset.clone(), row.protection.clone())))
            .collect();
        let is_here =
            |preset: &String, protection: &String| here.contains(&(preset.clone(), protection.clone()));
        self.presets.extend(other.presets.into_iter().filter(|row| !is_here(&row.preset, &row.protection)));
        self.impossible
            .extend(other.impossible.into_iter().filter(|row| !is_here(&row.preset, &row.protection)));
        let order = |preset: &str, protection: &str| {
            let place = |names: &[&str], name: &str| {
                names.iter().position(|known| *known == name).unwrap_or(names.len())
            };
            (place(&["tiny", "roce", "cloud-ecp5"], preset), place(&["none", "parity", "secded"], protection))
        };
        self.presets.sort_by_key(|row| order(&row.preset, &row.protection));
        self.impossible.sort_by_key(|row| order(&row.preset, &row.protection));
        self.bitstream = self.bitstream.take().or(other.bitstream);
    }
}

/// A preset with a protection on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The preset's name.
    pub preset: String,
    /// `none`, `parity` or `secded`.
    pub protection: String,
    /// The kind of CAM: `register` or `cuckoo`.
    pub cam: String,
    /// The device family that memories are written for.
    pub target: String,
    /// Key of the Verilog that was measured.
    pub sources: String,
    /// Cycles from a request to its first beat.
    pub first_beat_cycles: u32,
    /// The same in ns at the median clock.
    pub first_beat_ns: f64,
    /// Highest clock frequency, in MHz.
    pub mhz: Clock,
    /// 4-input look-up tables, harness contained.
    pub luts: u32,
    /// Flip-flops, harness contained.
    pub ffs: u32,
    /// 18-kbit block RAMs.
    pub block_rams: u32,
    /// 16 x 4 bit LUT RAMs, whose tables `luts` contains.
    pub lut_rams: u32,
    /// What of that is the harness's.
    pub harness: Size,
    /// The path that sets the clock, in the seed that is the median (the slower of two).
    pub critical_path: SlowPath,
    /// What it would take of a Xilinx UltraScale+, harness not contained.
    pub xilinx: XilinxCounts,
}

/// Highest clock frequencies, in MHz.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// Median of the seeds: of an even number the mean of the middle two.
    pub median: f64,
    /// Seed 1, 2 and so on.
    pub seeds: Vec<f64>,
}

impl Clock {
    /// The clock of these seeds, to a tenth of a MHz. At least one is needed.
    pub fn of(seeds: &[f64]) -> Clock {
        let seeds: Vec<f64> = seeds.iter().map(|mhz| tenths(*mhz)).collect();
        let order = by_clock(&seeds);
        let middle = |place: usize| seeds[order[place]];
        let median = tenths((middle((seeds.len() - 1) / 2) + middle(seeds.len() / 2)) / 2.0);
        Clock { median, seeds }
    }
}

/// The place of the median among clocks; of an even number the slower of the middle two.
pub fn median_place(seeds: &[f64]) -> usize {
    by_clock(seeds)[(seeds.len() - 1) / 2]
}

/// Places, slowest first.
fn by_clock(seeds: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..seeds.len()).collect();
    order.sort_by(|&a, &b| seeds[a].total_cmp(&seeds[b]));
    order
}

/// Rounded to tenths.
pub fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Cells of a Xilinx UltraScale+.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct XilinxCounts {
    /// Look-up tables of one to six inputs.
    pub luts: u32,
    /// Flip-flops.
    pub ffs: u32,
    /// Carry chains of eight bits.
    pub carries: u32,
    /// Look-up tables that serve as RAM or as shift registers (primitives).
    pub lut_rams: u32,
    /// 36-kbit block RAMs.
    pub ramb36: u32,
    /// 18-kbit block RAMs.
    pub ramb18: u32,
}

/// A preset that did not fit or could not be routed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImpossibleRow {
    /// The preset's name.
    pub preset: String,
    /// `none`, `parity` or `secded`.
    pub protection: String,
    /// nextpnr's words.
    pub problem: String,
}

/// A bitstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bitstream {
    /// The preset's name.
    pub preset: String,
    /// The seed.
    pub seed: u32,
    /// Size of the file, which is compressed.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_seeds() {
        assert_eq!(Clock::of(&[300.04]).median, 300.0);
        assert_eq!(Clock::of(&[301.0, 290.0, 310.0, 299.0, 305.0]).median, 301.0);
        let even = Clock::of(&[310.0, 300.0, 290.0, 301.0]);
        assert_eq!((even.median, even.seeds), (300.5, vec![310.0, 300.0, 290.0, 301.0]));
    }

    #[test]
    fn the_median_seed_is_the_slower_of_two() {
        assert_eq!(median_place(&[310.0, 300.0, 290.0, 301.0]), 1);
        assert_eq!(median_place(&[310.0, 300.0, 305.0]), 2);
    }
}
