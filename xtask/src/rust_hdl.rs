//! `cargo xtask rust-hdl`: the blocks that `generate --rust-hdl` writes, in a rust-hdl design.
//!
//! Not part of the tests: rust-hdl and what comes with it, and the simulator's compiler with other features, are
//! minutes of compiling for what changes with the ports alone.

use std::process::Command;

use anyhow::{Context, Result};
use stagecoach::design::Extra;
use stagecoach::generate::generate_with;
use stagecoach_spec::Preset;
use stagecoach_verilator::tools;

use crate::run::run as run_program;
use crate::setup;

/// Generates preset `tiny` with its blocks, then tests the design around them.
pub fn run() -> Result<()> {
    let folder = tools::project_root().join("tb/rust-hdl");
    let generated = folder.join("generated");
    let files = generate_with(&Preset::Tiny.config(), Extra::RustHdl, &generated)
        .with_context(|| format!("cannot generate {}", generated.display()))?;
    println!("{}: {} files", generated.display(), files.len());
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(&folder).args(["test", "--release", "--locked"]);
    setup::with_tools(&mut command)?;
    run_program(&mut command)
}
