//! Finds Verilator, Icarus Verilog and the C++ compiler.
//!
//! For each: an environment variable, then `PATH`, then the project's `.tools` folder, which
//! `cargo xtask setup` fills.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use sha2::{Digest, Sha256};

use crate::{Error, process};

/// Directories below `.tools` that are searched for a program.
const SEARCH_DEPTH: u32 = 8;

/// A program that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// The program.
    pub program: PathBuf,
    /// What it says of its version; a hash of the program where it says nothing of use.
    pub version: String,
    /// It lies in the project's own `.tools`, so settings meant for another installation must not reach it.
    pub is_private: bool,
}

impl Tool {
    /// A command that runs it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if self.is_private {
            command.env_remove("VERILATOR_ROOT").env_remove("VERILATOR_BIN");
        }
        command
    }
}

/// Verilator, version 5.0 or later: `STAGECOACH_VERILATOR`, then `verilator` on `PATH`, then `.tools`.
///
/// # Errors
/// [`Error::ToolMissing`], which says where it looked and names `cargo xtask setup`.
pub fn find_verilator() -> Result<Tool, Error> {
    let mut tried = Vec::new();
    if let Some(program) = chosen("STAGECOACH_VERILATOR") {
        return match version_of(&program, "--version", Some("verilator_bin")) {
            Some(version) if is_verilator_5(&version) => Ok(Tool { program, version, is_private: false }),
            Some(version) => Err(missing("Verilator 5", format!("STAGECOACH_VERILATOR is {version}"))),
            None => Err(missing(
                "Verilator 5",
                format!("STAGECOACH_VERILATOR={} does not run", program.display()),
            )),
        };
    }
    match on_path("verilator") {
        Some(program) => match version_of(&program, "--version", Some("verilator_bin")) {
            Some(version) if is_verilator_5(&version) => {
                return Ok(Tool { program, version, is_private: false });
            }
            Some(version) => tried.push(format!("the one on PATH is {version}")),
            None => tried.push("the one on PATH does not run".to_owned()),
        },
        None => tried.push("not on PATH".to_owned()),
    }
    let folder = tools_folder();
    if let Some(program) = below(&folder, "verilator") {
        if let Some(version) = version_of(&program, "--version", Some("verilator_bin")) {
            return Ok(Tool { program, version, is_private: true });
        }
        tried.push(format!("{} does not run; it needs perl", program.display()));
    } else {
        tried.push(format!("not in {}", folder.display()));
    }
    Err(missing("Verilator 5", tried.join(", ")))
}

/// Icarus Verilog's compiler and its simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icarus {
    /// `iverilog`.
    pub iverilog: Tool,
    /// `vvp`.
    pub vvp: Tool,
}

/// Icarus Verilog: `STAGECOACH_IVERILOG` (its `vvp` lies beside it), then `PATH`, then `.tools`.
///
/// # Errors
/// [`Error::ToolMissing`], which says where it looked and names `cargo xtask setup`.
pub fn find_iverilog() -> Result<Icarus, Error> {
    let folder = tools_folder();
    let candidates = [
        chosen("STAGECOACH_IVERILOG").map(|program| (program, false)),
        on_path("iverilog").map(|program| (program, false)),
        below(&folder, "iverilog").map(|program| (program, true)),
    ];
    for (program, is_private) in candidates.into_iter().flatten() {
        let vvp = program.with_file_name("vvp");
        let Some(version) = version_of(&program, "-V", None) else { continue };
        let Some(vvp_version) = version_of(&vvp, "-V", None) else { continue };
        return Ok(Icarus {
            iverilog: Tool { program, version, is_private },
            vvp: Tool { program: vvp, version: vvp_version, is_private },
        });
    }
    Err(missing(
        "Icarus Verilog",
        format!("no iverilog with vvp beside it on PATH or in {}", folder.display()),
    ))
}

/// The C++ compiler: `CXX`, then `g++`, `clang++`, `c++`.
///
/// # Errors
/// [`Error::ToolMissing`] with the package that has one.
pub fn find_compiler() -> Result<Tool, Error> {
    let candidates = [chosen("CXX"), on_path("g++"), on_path("clang++"), on_path("c++")];
    for program in candidates.into_iter().flatten() {
        if let Some(version) = version_of(&program, "--version", None) {
            return Ok(Tool { program, version, is_private: false });
        }
    }
    Err(Error::ToolMissing {
        program: "a C++ compiler",
        tried: "CXX, g++, clang++, c++".to_owned(),
        remedy: "Verilator's output needs one; install the packages g++ and make".to_owned(),
    })
}

/// `make`, which Verilator's output is built with.
///
/// # Errors
/// [`Error::ToolMissing`] with the package that has it.
pub fn find_make() -> Result<PathBuf, Error> {
    on_path("make").ok_or_else(|| Error::ToolMissing {
        program: "make",
        tried: "not on PATH".to_owned(),
        remedy: "Verilator's output needs it; install the packages g++ and make".to_owned(),
    })
}

/// The project's folder for tools that it fetched itself: `.tools` below [`project_root`].
pub fn tools_folder() -> PathBuf {
    project_root().join(".tools")
}

/// The project's directory: the nearest one above the current directory that contains this crate, else the
/// one in which this crate was compiled, else the current directory.
pub fn project_root() -> PathBuf {
    let is_root = |directory: &Path| directory.join("tb/verilator/Cargo.toml").is_file();
    let here = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    if let Some(found) = here.ancestors().find(|directory| is_root(directory)) {
        return found.to_owned();
    }
    let compiled = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    compiled.filter(|directory| is_root(directory)).map_or(here, Path::to_owned)
}

fn missing(program: &'static str, tried: String) -> Error {
    let remedy = "run `cargo xtask setup`, which fetches it for this project".to_owned();
    Error::ToolMissing { program, tried, remedy }
}

/// The program that an environment variable names, looked up on `PATH` if it is a bare name.
fn chosen(variable: &str) -> Option<PathBuf> {
    let value: OsString = env::var_os(variable).filter(|value| !value.is_empty())?;
    let path = PathBuf::from(&value);
    if path.components().count() == 1 {
        Some(on_path(&value.to_string_lossy()).unwrap_or(path))
    } else {
        Some(path)
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(name))
        .find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// `bin/<name>` somewhere below `folder`; the first in order of paths.
fn below(folder: &Path, name: &str) -> Option<PathBuf> {
    fn search(directory: &Path, name: &str, depth: u32) -> Option<PathBuf> {
        let candidate = directory.join("bin").join(name);
        if is_program(&candidate) && !is_python_launcher(&candidate) {
            return Some(candidate);
        }
        if depth == 0 {
            return None;
        }
        let mut entries: Vec<_> = fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path()).collect();
        entries.sort();
        entries.iter().filter(|path| path.is_dir()).find_map(|path| search(path, name, depth - 1))
    }
    search(folder, name, SEARCH_DEPTH)
}

/// Package installers put small launchers into `bin`, which run whatever is on `PATH` first.
fn is_python_launcher(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| {
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        first.starts_with(b"#!") && String::from_utf8_lossy(first).contains("python")
    })
}

fn is_verilator_5(version: &str) -> bool {
    // "Verilator 5.006 2023-01-22 rev …"; one that tells no number is recent.
    match version.strip_prefix("Verilator ").and_then(|rest| rest.split('.').next()).map(str::parse::<u32>) {
        Some(Ok(major)) => major >= 5,
        _ => true,
    }
}

/// The first line that `program` prints about its version, remembered for the life of the process.
fn version_of(program: &Path, flag: &str, real_name: Option<&str>) -> Option<String> {
    static KNOWN: OnceLock<Mutex<HashMap<PathBuf, String>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    if let Some(version) = known.lock().unwrap_or_else(PoisonError::into_inner).get(program) {
        return Some(version.clone());
    }
    let output = process::run("asking for a version", Command::new(program).arg(flag)).ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next().unwrap_or_default().trim().to_owned();
    let says_nothing = !line.chars().any(|c| c.is_ascii_digit()) || line.contains("UNKNOWN");
    let version = if says_nothing {
        let real = real_name.map(|name| program.with_file_name(name)).filter(|real| real.is_file());
        let bytes = fs::read(real.as_deref().unwrap_or(program)).ok()?;
        format!("{line} sha256 {}", &hex(&Sha256::digest(&bytes))[..16]).trim().to_owned()
    } else {
        line
    };
    known.lock().unwrap_or_else(PoisonError::into_inner).insert(program.to_owned(), version.clone());
    Some(version)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn script(path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn old_verilators_are_refused_and_unnumbered_ones_taken() {
        assert!(is_verilator_5("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)"));
        assert!(!is_verilator_5("Verilator 4.038 2020-07-11 rev v4.036-114-g0cd4a57ad"));
        assert!(is_verilator_5("rev vUNKNOWN-built20260516 sha256 0011223344556677"));
    }

    #[cfg(unix)]
    #[test]
    fn the_private_folder_is_searched_for_the_real_program() {
        let folder = tempfile::tempdir().unwrap();
        script(&folder.path().join("bin/verilator"), "#!/usr/bin/python3\n");
        assert_eq!(below(folder.path(), "verilator"), None);
        let real = folder.path().join("lib/python3/site-packages/verilator/bin/verilator");
        script(&real, "#!/bin/sh\necho 'rev vUNKNOWN-built1'\n");
        assert_eq!(below(folder.path(), "verilator"), Some(real.clone()));
        let version = version_of(&real, "--version", Some("verilator_bin")).unwrap();
        assert!(version.contains("sha256 "), "{version}");
    }

    #[test]
    fn a_missing_tool_names_the_remedy() {
        let text = missing("Verilator 5", "not on PATH".to_owned()).to_string();
        assert!(text.contains("cargo xtask setup") && text.contains("not on PATH"), "{text}");
    }

    #[test]
    fn the_project_is_found_from_inside_it() {
        assert!(project_root().join("tb/verilator/src/tools.rs").is_file());
    }
}
