//! Yosys reads the properties and puts memories into block RAM.

use stagecoach_hdl::MemoryStyle;

use crate::designs;
use crate::tools::{Written, run};

#[test]
fn yosys_reads_the_properties() {
    for (design, cells) in [
        (designs::decide(), ["$assert", "$cover"]),
        (designs::combinational(), ["$assert", "$assert"]),
        (designs::shadow(), ["$cover", "$cover"]),
    ] {
        let written = Written::of(&design);
        let script = format!(
            "read_verilog -sv -formal {}; prep -top {}; stat",
            written.formal().join(" "),
            design.name
        );
        let said = run(written.folder.path(), "yosys", &["-p", &script]);
        for cell in cells {
            assert!(said.contains(cell), "no {cell} in {}:\n{said}", design.name);
        }
    }
}

/// The cells of one kind in the last statistics of a log.
fn count(log: &str, cell: &str) -> u32 {
    let last = log.rsplit("statistics").next().unwrap_or_default();
    // Older versions write "cell count", newer ones "count cell".
    let line = last.lines().find(|line| line.split_whitespace().any(|word| word == cell));
    line.and_then(|line| line.split_whitespace().find_map(|word| word.parse().ok())).unwrap_or(0)
}

/// 4096 words of 200 bits fill 46 to 50 blocks, depending on how the tool cuts them. It may choose between two
/// blocks by a look-up table per bit and a stored address bit, but nothing must hold or compare whole words.
#[test]
fn memories_become_block_ram_without_emulation() {
    for reads in [1, 2] {
        let design = designs::memory(reads, 1, 200, MemoryStyle::Block);
        let written = Written::of(&design);
        let files = written.design().join(" ");
        let script = format!("read_verilog {files}; synth_ecp5 -top {}; stat", design.name);
        let log = run(written.folder.path(), "yosys", &["-p", &script]);
        let blocks = count(&log, "DP16KD");
        assert!((46 * reads..=50 * reads).contains(&blocks), "{blocks} blocks for {reads} read ports");
        let registers = count(&log, "TRELLIS_FF");
        assert!(registers <= reads, "{registers} registers emulate something");
        let tables = count(&log, "LUT4");
        assert!(tables <= 210 * reads, "{tables} look-up tables emulate something");
    }
}
