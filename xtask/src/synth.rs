//! `cargo xtask synth`: the region and slot pools lie in block RAM. For any device, yosys `synth_ecp5` infers it; for
//! target `ecp5` the text instantiates it, with the blocks' own output registers.

use std::fs;

use anyhow::{Context, Result, bail};
use stagecoach::design::{self, Purpose};
use stagecoach_spec::{Config, Preset, Target};

use crate::run::shown;
use crate::setup;

/// ECP5's block RAM.
const BLOCK_RAM: &str = "DP16KD";
/// Instances that hold the pools.
const POOLS: [&str; 2] = ["region_memory", "slot_memory"];
/// Inferred memories are mapped; abc is left out, as it does not touch them. All is flattened, so that a cell's name
/// tells its instance's path.
const MAPPED: &str = "synth_ecp5 -top TOP -run begin:map_ffs; select -list t:DP16KD";
/// Instances need no synthesis to be counted.
const INSTANTIATED: &str = "hierarchy -top TOP; flatten; select -list t:DP16KD r:REGMODE_B=OUTREG %i";

/// Runs the chore.
pub fn run(presets: &[Preset]) -> Result<()> {
    let presets = if presets.is_empty() { &[Preset::Tiny, Preset::Roce][..] } else { presets };
    let mut complaints = Vec::new();
    for preset in presets {
        for (target, script) in [(Target::Generic, MAPPED), (Target::Ecp5, INSTANTIATED)] {
            complaints.extend(look(&Config { target, ..preset.config() }, script)?);
        }
    }
    if !complaints.is_empty() {
        bail!("{}", complaints.join("\n"));
    }
    Ok(())
}

/// Runs a script of yosys on a configuration's design, prints what the pools take; gives the pools that are not in
/// block RAM.
fn look(config: &Config, script: &str) -> Result<Vec<String>> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut names = Vec::new();
    for file in design::files(config)? {
        if matches!(file.purpose, Purpose::Design | Purpose::Ram) {
            fs::write(folder.path().join(&file.name), &file.text).context("cannot write a temporary file")?;
            names.push(file.name);
        }
    }
    let script = script.replace("TOP", &design::module(config)?.name);
    let script = script.replace("select -list", "tee -o cells.txt select -list");
    let script = format!("read_verilog -DSYNTHESIS {}; {script}", names.join(" "));
    let mut command = setup::yosys_command()?;
    command.current_dir(folder.path()).args(["-q", "-p", &script]);
    let words = shown(&command);
    let output = command.output().with_context(|| format!("cannot start `{words}`"))?;
    if !output.status.success() {
        bail!(
            "`{words}` failed:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let cells =
        fs::read_to_string(folder.path().join("cells.txt")).context("yosys wrote no list of cells")?;
    let (name, target) = (&config.name, config.target);
    let mut complaints = Vec::new();
    for pool in POOLS {
        let count = cells.lines().filter(|cell| cell.contains(pool)).count();
        println!("{name} for {target}: {pool}: {count} {BLOCK_RAM}");
        if count == 0 {
            complaints.push(format!("{name} for {target}: {pool} is not in block RAM ({BLOCK_RAM})"));
        }
    }
    Ok(complaints)
}
