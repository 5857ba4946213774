//! `cargo xtask synth`: yosys `synth_ecp5` puts the region and slot pools into block RAM.

use std::fs;

use anyhow::{Context, Result, bail};
use stagecoach::design::{self, Purpose};
use stagecoach_spec::Preset;

use crate::run::shown;
use crate::setup;

/// ECP5's block RAM.
const BLOCK_RAM: &str = "DP16KD";
/// Instances that hold the pools.
const POOLS: [&str; 2] = ["region_memory", "slot_memory"];

/// Runs the chore.
pub fn run(presets: &[Preset]) -> Result<()> {
    let presets = if presets.is_empty() { &[Preset::Tiny, Preset::Roce][..] } else { presets };
    let mut complaints = Vec::new();
    for preset in presets {
        complaints.extend(synthesise(*preset)?);
    }
    if !complaints.is_empty() {
        bail!("{}", complaints.join("\n"));
    }
    Ok(())
}

/// Synthesises a preset, prints what it takes; gives the pools that are not in block RAM.
fn synthesise(preset: Preset) -> Result<Vec<String>> {
    let config = preset.config();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut names = Vec::new();
    for file in design::files(&config)? {
        if matches!(file.purpose, Purpose::Design | Purpose::Ram) {
            fs::write(folder.path().join(&file.name), &file.text).context("cannot write a temporary file")?;
            names.push(file.name);
        }
    }
    let top = &design::module(&config)?.name;
    let read = format!("read_verilog -DSYNTHESIS {}", names.join(" "));
    // Flattened, so that a cell's name tells its instance's path; abc is left out, as it does not touch memories.
    let script = format!(
        "{read}; synth_ecp5 -top {top} -run begin:map_ffs; tee -o cells.txt select -list t:{BLOCK_RAM}; stat"
    );
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
    let mut complaints = Vec::new();
    for pool in POOLS {
        let count = cells.lines().filter(|cell| cell.contains(pool)).count();
        println!("{preset}: {pool}: {count} {BLOCK_RAM}");
        if count == 0 {
            complaints.push(format!("{preset}: {pool} is not in block RAM ({BLOCK_RAM})"));
        }
    }
    Ok(complaints)
}
