//! `generate`: Verilog and a manifest, in a folder.

use std::path::{Path, PathBuf};

use stagecoach_spec::{Config, Target};

use crate::Error;
use crate::cli::GenerateArguments;
use crate::design::{self, Extra, OutputFile};
use crate::folder;
use crate::output::{counted, print, spinner};

/// Folder below which `generate` writes and `check` looks.
pub const DEFAULT_FOLDER: &str = "verilog-out";

/// Runs the command.
///
/// # Errors
/// The configuration or the folder cannot be used; then nothing was written.
pub fn run(arguments: &GenerateArguments) -> Result<bool, Error> {
    let own = arguments.choice.config()?;
    let config = Config { target: arguments.target.unwrap_or(own.target), ..own };
    let out = arguments.out.clone().unwrap_or_else(|| default_out(&config, own.target));
    let extra = if arguments.rust_hdl { Extra::RustHdl } else { Extra::Nothing };
    let files = generate_with(&config, extra, &out)?;
    let count = counted(files.len() as u64, "file", "files");
    print(&format!("{}: {count} for configuration {config}\n", out.display()))?;
    Ok(true)
}

/// Writes a configuration's folder and tells what it holds.
///
/// # Errors
/// The folder cannot be used; then it is as it was.
pub fn generate(config: &Config, out: &Path) -> Result<Vec<OutputFile>, Error> {
    generate_with(config, Extra::Nothing, out)
}

/// [`generate`], with what else is asked for.
///
/// # Errors
/// As [`generate`].
pub fn generate_with(config: &Config, extra: Extra, out: &Path) -> Result<Vec<OutputFile>, Error> {
    let busy = spinner(format!("generating {}", config.name));
    let files = design::files_with(config, extra)?;
    folder::publish(out, &files)?;
    busy.finish_and_clear();
    Ok(files)
}

/// Where a configuration's files go unless told otherwise; those for another target than the configuration's `own`
/// stand beside, since the preset's folder is the preset's.
pub fn default_out(config: &Config, own: Target) -> PathBuf {
    let name = &config.name;
    let folder = if config.target == own { name.clone() } else { format!("{name}-{}", config.target) };
    Path::new(DEFAULT_FOLDER).join(folder)
}
