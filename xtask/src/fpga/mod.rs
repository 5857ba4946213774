//! `cargo xtask fpga`: what the mapping unit takes of a small FPGA, and how fast it runs there.
//!
//! ```text
//! Config ─▶ Verilog ─▶ harness ─▶ yosys ─▶ netlist ─▶ nextpnr, a seed each ─▶ report + delays ─▶ paths by register
//! ```
//!
//! | module | idea |
//! | --- | --- |
//! | [`tools`] | the programs, fetched at fixed versions |
//! | [`placed_design`], [`harness`] | what is synthesised |
//! | [`synthesis`], [`placement`] | running yosys and nextpnr |
//! | [`sdf`], [`timing`], [`names`] | all slow paths, by the names of the description |
//! | [`cache`], [`work`] | never the same work twice; several tools at once |
//! | [`report`], [`markdown`], [`picture`], [`readme`] | what is written to `docs/fpga` and to README |
//! | [`measure`] | making the report |
//! | [`curves`], [`curves_page`] | cost as sizes grow |

mod cache;
mod curves;
mod curves_page;
mod harness;
mod markdown;
mod measure;
mod names;
mod picture;
mod placed_design;
mod placement;
mod readme;
mod report;
mod sdf;
mod synthesis;
mod timing;
mod tools;
mod work;

use std::num::NonZeroU32;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use stagecoach_spec::{Cam, Config, Preset, Protection, Target};

use cache::Cache;
use placed_design::Design;
use placement::{Outcome, Placement};

/// Arguments of the chore.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    measured: measure::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the paths of a whole mapping unit that are slower than a clock, by register
    Paths {
        #[command(flatten)]
        choice: Choice,
    },
    /// Measure cycles, clock and cells as tables, regions and identifiers grow, and write docs/fpga/curves.*
    Curves(curves::Arguments),
    /// Place one module of the controller alone (`controller` itself too) and list its slow paths
    Block {
        /// The module: `mapping_bounds`, or `bounds` for short
        module: String,
        #[command(flatten)]
        choice: Choice,
    },
}

/// One placement.
#[derive(Debug, Args)]
struct Choice {
    /// A configuration that ships
    #[arg(long, default_value = "roce")]
    preset: Preset,
    /// Guard against flipped bits: none, parity or secded
    #[arg(long, default_value = "none", value_parser = parse_protection)]
    protection: Protection,
    /// Match identifiers so: register or cuckoo. Default: as in the report
    #[arg(long, value_parser = parse_cam)]
    cam: Option<Cam>,
    /// Where the placer begins
    #[arg(long, default_value = "1")]
    seed: NonZeroU32,
    /// List what misses this clock
    #[arg(long, default_value_t = 300.0)]
    mhz: f64,
    /// List at most this many pairs of registers
    #[arg(long, default_value_t = 40)]
    top: usize,
}

/// Runs the chore.
///
/// # Errors
/// A tool is missing or fails, or a file cannot be written.
pub fn run(arguments: &Arguments) -> Result<()> {
    tools::install()?;
    let cache = Cache::open()?;
    match &arguments.command {
        None => measure::run(&cache, &arguments.measured),
        Some(Command::Curves(arguments)) => curves::run(&cache, arguments),
        Some(Command::Paths { choice }) => list_paths(&cache, &Design::unit(&choice.config())?, choice),
        Some(Command::Block { module, choice }) => {
            list_paths(&cache, &Design::block(&choice.config(), module)?, choice)
        }
    }
}

impl Choice {
    fn config(&self) -> Config {
        let config = placed_config(self.preset, self.protection);
        Config { cam: self.cam.or(config.cam), ..config }
    }
}

/// The configuration that is placed: memories in the form of the device's family, and the kind of CAM that suits it best.
///
/// 64 identifiers of 128 bits, which `roce` compares in registers unless told otherwise, cost an ECP5 more tables and more time
/// than a cuckoo table in its block RAM.
fn placed_config(preset: Preset, protection: Protection) -> Config {
    let config = preset.config();
    let cam = if preset == Preset::Roce { Some(Cam::Cuckoo) } else { config.cam };
    Config { protection, cam, target: Target::Ecp5, ..config }
}

/// Prints what misses a clock.
fn list_paths(cache: &Cache, design: &Design, choice: &Choice) -> Result<()> {
    let seed = choice.seed.get();
    let job = work::Job { name: format!("{} seed {seed}", design.module.name), with: seed };
    let outcome = work::do_all(&[job], 1, |&seed| placement::place(cache, design, seed))?.pop();
    match outcome {
        Some(Outcome::Placed(placement)) => print!("{}", slow_list(&placement, choice)),
        Some(Outcome::Impossible(problem)) => bail!("{}: {problem}", design.module.name),
        None => {}
    }
    Ok(())
}

/// The slow paths as a table to read in a terminal.
fn slow_list(placement: &Placement, choice: &Choice) -> String {
    let period = 1000.0 / choice.mhz;
    let slow: Vec<_> = placement.paths.iter().filter(|path| path.ns > period).collect();
    let pins: u32 = slow.iter().map(|path| path.pins).sum();
    let used = &placement.used;
    let mut text = format!(
        "{:.1} MHz; {} LUT4, {} FF, {} DP16KD, {} DPR16X4 with the harness\n\
         {pins} pins of {} pairs of registers miss {} MHz\n   ns  logic  wires levels pins  from -> to\n",
        placement.mhz,
        used.luts,
        used.ffs,
        used.block_rams,
        used.lut_rams,
        slow.len(),
        choice.mhz
    );
    for path in slow.iter().take(choice.top) {
        text += &format!(
            "{:5.2}  {:5.2}  {:5.2} {:6} {:4}  {} -> {}{}\n",
            path.ns,
            path.logic_ns,
            path.routing_ns,
            path.levels,
            path.pins,
            path.from,
            path.to,
            path.input.suffix()
        );
    }
    text
}

/// A protection by the name that it has in a configuration file.
fn parse_protection(text: &str) -> Result<Protection, String> {
    let text: StrDeserializer<'_, ValueError> = text.into_deserializer();
    Protection::deserialize(text).map_err(|error| error.to_string())
}

/// A kind of CAM by the name that it has in a configuration file.
fn parse_cam(text: &str) -> Result<Cam, String> {
    let text: StrDeserializer<'_, ValueError> = text.into_deserializer();
    Cam::deserialize(text).map_err(|error| error.to_string())
}

/// The name of a kind of CAM in a configuration file.
fn cam_name(cam: Cam) -> &'static str {
    match cam {
        Cam::Register => "register",
        Cam::Cuckoo => "cuckoo",
    }
}

/// The name of a protection in a configuration file.
fn protection_name(protection: Protection) -> &'static str {
    match protection {
        Protection::None => "none",
        Protection::Parity => "parity",
        Protection::Secded => "secded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protections_have_the_names_of_configuration_files() {
        for protection in [Protection::None, Protection::Parity, Protection::Secded] {
            assert_eq!(parse_protection(protection_name(protection)), Ok(protection));
        }
        assert!(parse_protection("ecc").unwrap_err().contains("secded"));
        for cam in [Cam::Register, Cam::Cuckoo] {
            assert_eq!(parse_cam(cam_name(cam)), Ok(cam));
        }
    }
}
