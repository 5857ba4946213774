//! Asks Verilator and Icarus Verilog for warnings; any is an error.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::{Error, SourceFile, process, tools};

/// `verilator --lint-only -Wall` on `files` with module `top` at the top. `allowed` names warnings to leave
/// out (`UNSIGNED`…): none for a design that somebody wrote.
///
/// # Errors
/// [`Error::ToolFailed`] with the warnings; [`Error::ToolMissing`].
pub fn verilator(files: &[SourceFile], top: &str, allowed: &[&str]) -> Result<(), Error> {
    let verilator = tools::find_verilator()?;
    let work = laid_out(files)?;
    let mut command = verilator.command();
    command.current_dir(work.path()).args(["--lint-only", "-Wall", "--top-module", top]);
    command.args(allowed.iter().map(|warning| format!("-Wno-{warning}")));
    command.args(files.iter().map(|file| &file.name));
    process::run(&format!("Verilator has warnings for module {top}"), &mut command).map(|_| ())
}

/// `iverilog -g2005 -Wall` on `files` (`-g2012` if one is SystemVerilog) with module `top` at the top.
///
/// # Errors
/// [`Error::ToolFailed`] with the warnings; [`Error::ToolMissing`].
pub fn iverilog(files: &[SourceFile], top: &str) -> Result<(), Error> {
    let icarus = tools::find_iverilog()?;
    let work = laid_out(files)?;
    let mut command = icarus.iverilog.command();
    command.current_dir(work.path()).args([dialect(files), "-Wall", "-t", "null", "-s", top]);
    command.args(files.iter().map(|file| &file.name));
    let what = format!("Icarus Verilog has warnings for module {top}");
    let output = process::run(&what, &mut command)?;
    let words =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    if words.trim().is_empty() {
        return Ok(());
    }
    Err(Error::ToolFailed { what, command: process::shown(&command), words })
}

/// The language that `files` are written in, as an option of `iverilog`.
pub(crate) fn dialect(files: &[SourceFile]) -> &'static str {
    if files.iter().any(|file| file.name.ends_with(".sv")) { "-g2012" } else { "-g2005" }
}

/// The files in a directory of their own.
pub(crate) fn laid_out(files: &[SourceFile]) -> Result<TempDir, Error> {
    let work =
        tempfile::tempdir().map_err(Error::io("cannot create a directory in", std::env::temp_dir()))?;
    for file in files {
        write(work.path(), &file.name, &file.text)?;
    }
    Ok(work)
}

pub(crate) fn write(directory: &Path, name: &str, text: &str) -> Result<(), Error> {
    let path = directory.join(name);
    fs::write(&path, text).map_err(Error::io("cannot write", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Vec<SourceFile> {
        vec![SourceFile { name: "narrow.v".to_owned(), text: text.to_owned() }]
    }

    #[test]
    fn a_clean_file_passes_and_a_warning_is_shown() {
        let clean =
            file("module narrow(input wire [3:0] a, output wire [3:0] b);\n  assign b = ~a;\nendmodule\n");
        verilator(&clean, "narrow", &[]).unwrap();
        iverilog(&clean, "narrow").unwrap();
        let wide =
            file("module narrow(input wire [4:0] a, output wire [3:0] b);\n  assign b = ~a;\nendmodule\n");
        let error = verilator(&wide, "narrow", &[]).unwrap_err().to_string();
        assert!(error.contains("WIDTH") && error.contains("--lint-only"), "{error}");
        let implicit = file(
            "module narrow(input wire a, output wire b);\n  assign c = a;\n  assign b = c;\nendmodule\n",
        );
        let error = iverilog(&implicit, "narrow").unwrap_err().to_string();
        assert!(error.contains("implicit"), "{error}");
    }
}
