//! `check`: whether generated folders are what today's sources give.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use stagecoach_spec::{Config, Preset};

use crate::Error;
use crate::cli::CheckArguments;
use crate::design::{self, CONFIGURATION, Extra, OutputFile};
use crate::generate::DEFAULT_FOLDER;
use crate::manifest::Manifest;
use crate::output::{counted, print, spinner};
use crate::rust_hdl;

/// How a folder differs from what the sources give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A file has other bytes.
    Stale {
        /// The file.
        path: PathBuf,
        /// First line that differs, counted from 1.
        line: usize,
    },
    /// A file is not there.
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Something is there that the sources do not give.
    Extra {
        /// The file or folder.
        path: PathBuf,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Stale { path, line } => write!(f, "stale    {} (from line {line})", path.display()),
            Difference::Missing { path } => write!(f, "missing  {}", path.display()),
            Difference::Extra { path } => write!(f, "extra    {}", path.display()),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// A folder cannot be read.
pub fn run(arguments: &CheckArguments) -> Result<bool, Error> {
    let folder = &arguments.dir;
    let mut report = String::new();
    let mut commands = Vec::new();
    for (config, path, mut command) in expected(folder)? {
        if extra_of(&path) == Extra::RustHdl {
            command += " --rust-hdl";
        }
        let differences = check_folder(&path, &config)?;
        if differences.is_empty() {
            report += &format!("fresh    {}\n", path.display());
        } else {
            commands.push(command);
        }
        for difference in differences {
            report += &format!("{difference}\n");
        }
    }
    let strangers = strangers(folder)?;
    for path in &strangers {
        report += &format!("{}\n", Difference::Extra { path: path.clone() });
    }
    if !commands.is_empty() {
        report += "\nRenew with:\n";
        for command in &commands {
            report += &format!("  {command}\n");
        }
    }
    if !strangers.is_empty() {
        let what = counted(strangers.len() as u64, "path", "paths");
        report += &format!("\nRemove {what} that `generate` did not write, or keep them elsewhere.\n");
    }
    print(&report)?;
    Ok(commands.is_empty() && strangers.is_empty())
}

/// Compares a folder with what a configuration gives, byte for byte.
///
/// # Errors
/// The folder cannot be read.
pub fn check_folder(folder: &Path, config: &Config) -> Result<Vec<Difference>, Error> {
    let busy = spinner(format!("checking {}", config.name));
    let files = design::files_with(config, extra_of(folder))?;
    let differences = compare(folder, &files);
    busy.finish_and_clear();
    differences
}

/// What else was asked for when a folder was generated: its manifest says so.
fn extra_of(folder: &Path) -> Extra {
    let has_blocks = Manifest::read(folder).is_some_and(|manifest| manifest.names(rust_hdl::NAME));
    if has_blocks { Extra::RustHdl } else { Extra::Nothing }
}

fn compare(folder: &Path, files: &[OutputFile]) -> Result<Vec<Difference>, Error> {
    let mut differences = Vec::new();
    for file in files {
        let path = folder.join(&file.name);
        match fs::read(&path) {
            Ok(bytes) if bytes == file.text.as_bytes() => {}
            Ok(bytes) => {
                let (there, here) =
                    (bytes.split(|b| *b == b'\n'), file.text.as_bytes().split(|b| *b == b'\n'));
                let line = 1 + there.zip(here).take_while(|(there, here)| there == here).count();
                differences.push(Difference::Stale { path, line });
            }
            Err(error) if is_absent(&error) => differences.push(Difference::Missing { path }),
            Err(error) => return Err(Error::io("cannot read", path)(error)),
        }
    }
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !files.iter().any(|file| file.name == name) {
            differences.push(Difference::Extra { path });
        }
    }
    Ok(differences)
}

/// The configurations whose folders are checked, where each lies, and the command that renews it: every preset, and
/// whatever else was generated from a configuration file.
fn expected(folder: &Path) -> Result<Vec<(Config, PathBuf, String)>, Error> {
    let is_default = folder == Path::new(DEFAULT_FOLDER);
    let mut all = Vec::new();
    for preset in Preset::all() {
        let path = folder.join(preset.name());
        let mut command = format!("cargo run --release -- generate --preset {preset}");
        if !is_default {
            command += &format!(" --out {}", path.display());
        }
        all.push((preset.config(), path, command));
    }
    for path in entries(folder)? {
        if is_preset(&path) {
            continue;
        }
        if let Some(manifest) = Manifest::read(&path) {
            manifest.configuration.validate()?;
            let file = path.join(CONFIGURATION);
            let (file, out) = (file.display(), path.display());
            let command = format!("cargo run --release -- generate --config {file} --out {out}");
            all.push((manifest.configuration, path.clone(), command));
        }
    }
    Ok(all)
}

/// What lies in the folder and is no generated folder.
fn strangers(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let is_stranger = |path: &PathBuf| !is_preset(path) && Manifest::read(path).is_none();
    Ok(entries(folder)?.into_iter().filter(is_stranger).collect())
}

fn is_preset(path: &Path) -> bool {
    Preset::all().iter().any(|preset| path.file_name().is_some_and(|name| name == preset.name()))
}

/// What a folder holds, in order; nothing if it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = || Error::io("cannot read folder", folder);
    let listing = match fs::read_dir(folder) {
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        listing => listing.map_err(failed())?,
    };
    let mut paths = Vec::new();
    for entry in listing {
        paths.push(entry.map_err(failed())?.path());
    }
    paths.sort();
    Ok(paths)
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
