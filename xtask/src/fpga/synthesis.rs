//! Yosys: from Verilog to the cells of a device family.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::cache::{Cache, Key};
use super::harness;
use super::placed_design::Design;
use super::tools::Program;
use crate::run::shown;

/// Yosys's command for ECP5.
pub const ECP5: &str = "synth_ecp5";
/// Yosys's command for Xilinx UltraScale+; `-noiopad`, as ports become no pins.
pub const XILINX: &str = "synth_xilinx -family xcup -noiopad -noclkbuf";

/// Leaves the cells by type where [`Cells::read_file`] looks.
const STATISTICS: &str = "tee -q -o cells.json stat -json";

/// Cells by type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cells(BTreeMap<String, u32>);

impl Cells {
    /// How many there are of a type.
    pub fn count(&self, cell: &str) -> u32 {
        self.0.get(cell).copied().unwrap_or(0)
    }

    /// How many there are of the types that satisfy a condition.
    pub fn count_where(&self, condition: impl Fn(&str) -> bool) -> u32 {
        self.0.iter().filter(|(cell, _)| condition(cell)).map(|(_, count)| count).sum()
    }

    /// Reads what [`STATISTICS`] left in a folder.
    fn read_file(folder: &Path) -> Result<Cells> {
        Cells::read(&fs::read_to_string(folder.join("cells.json")).context("yosys wrote no statistics")?)
    }

    /// Reads what yosys prints for `stat -json`.
    fn read(text: &str) -> Result<Cells> {
        #[derive(Deserialize)]
        struct Statistics {
            design: Total,
        }
        #[derive(Deserialize)]
        struct Total {
            num_cells_by_type: Cells,
        }
        let read: Statistics = serde_json::from_str(text).context("yosys's statistics are not understood")?;
        Ok(read.design.num_cells_by_type)
    }
}

/// The key of a design's ECP5 netlist, behind its harness.
pub fn ecp5_key(design: &Design) -> Key {
    let version = Program::Yosys.version();
    Key::of([version.as_str(), ECP5, design.key().text(), &design.harness.text])
}

/// What yosys makes of a design for ECP5, behind its harness.
#[derive(Clone, Debug)]
pub struct Netlist {
    /// In yosys's JSON.
    pub file: PathBuf,
    /// Its cells, harness contained.
    pub cells: Cells,
}

/// The netlist for ECP5.
///
/// # Errors
/// Yosys fails.
pub fn ecp5(cache: &Cache, design: &Design) -> Result<Netlist> {
    const KIND: &str = "netlist";
    let key = ecp5_key(design);
    let file = cache.path(KIND, &key);
    // The cells are kept last, so they say that the netlist is there.
    let cells = cache.get("cells", &key, |work| {
        let mut files = design.write(work)?;
        fs::write(work.join("harness.v"), &design.harness.text).context("cannot write a temporary file")?;
        files.push("harness.v".into());
        let top = harness::TOP;
        let files = files.join(" ");
        yosys(work, &format!("read_verilog {files}; {ECP5} -top {top} -json netlist.json; {STATISTICS}"))?;
        cache.keep(&work.join("netlist.json"), KIND, &key)?;
        Cells::read_file(work)
    })?;
    Ok(Netlist { file, cells })
}

/// The cells of a Xilinx UltraScale+ device that the design becomes, without harness.
///
/// # Errors
/// Yosys fails.
pub fn xilinx(cache: &Cache, design: &Design) -> Result<Cells> {
    let version = Program::Yosys.version();
    let key = Key::of([version.as_str(), XILINX, design.key().text()]);
    cache.get("xilinx", &key, |work| {
        let files = design.write(work)?.join(" ");
        let top = &design.module.name;
        yosys(work, &format!("read_verilog {files}; {XILINX} -top {top}; {STATISTICS}"))?;
        Cells::read_file(work)
    })
}

/// Runs a script in a folder.
fn yosys(folder: &Path, script: &str) -> Result<()> {
    let mut command = Program::Yosys.command();
    command.current_dir(folder).args(["-q", "-p", script]);
    let words = shown(&command);
    let output = command.output().with_context(|| format!("cannot start `{words}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        bail!("`{words}` failed:\n{said}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_read() {
        let cells = Cells::read(include_str!("samples/statistics.json")).unwrap();
        assert_eq!((cells.count("LUT6"), cells.count("RAMB18E2"), cells.count("URAM288")), (1723, 4, 0));
        assert_eq!(cells.count_where(|cell| cell.starts_with("LUT")), 1723 + 311);
        assert!(Cells::read("{}").is_err());
    }
}
