//! Runs the command as a user does.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run left.
pub struct Run {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs `stagecoach` in a folder.
pub fn stagecoach_in<S: AsRef<std::ffi::OsStr>>(folder: &Path, arguments: &[S]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stagecoach"));
    let output = command.current_dir(folder).args(arguments).output().unwrap();
    Run {
        code: output.status.code().expect("no signal ended it"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs `stagecoach` in the repository.
#[allow(dead_code, reason = "not every test file that shares this module needs it")]
pub fn stagecoach<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Run {
    stagecoach_in(&repository(), arguments)
}

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A file of a bundled machine.
#[allow(dead_code, reason = "not every test file that shares this module needs it")]
pub fn bundled(file: &str) -> String {
    repository().join("tb/captures/data/roce").join(file).display().to_string()
}

/// The `--vm` of a bundled machine.
#[allow(dead_code, reason = "not every test file that shares this module needs it")]
pub fn vm(name: &str, address: &str) -> String {
    format!(
        "--vm={address}={},{}",
        bundled(&format!("{name}.pcap.gz")),
        bundled(&format!("{name}.events.jsonl"))
    )
}
