//! Yosys reads the properties and puts memories into block RAM.

use stagecoach_hdl::MemoryStyle;
use stagecoach_hdl::verilog::Family;

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

/// Blocks that are instantiated are what the depth says: of 4 bits at 4096 words, so 50 for each read port. Nothing
/// stands beside them, and they have the output register.
#[test]
fn ecp5_blocks_stand_alone() {
    for reads in [1, 2] {
        let design = designs::memory(reads, 2, 200, MemoryStyle::Block);
        let written = Written::for_family(&design, Family::Ecp5);
        let files = written.design().join(" ");
        let script = format!("read_verilog {files}; synth_ecp5 -top {}; stat", design.name);
        let log = run(written.folder.path(), "yosys", &["-p", &script]);
        assert_eq!(count(&log, "DP16KD"), 50 * reads);
        // The second port reads at the inverted address.
        let inverters = 12 * (reads - 1);
        assert_eq!(count(&log, "TRELLIS_FF"), 0, "registers beside the blocks");
        assert!(count(&log, "LUT4") <= inverters, "logic beside the blocks");
        let read = format!("read_verilog {files}; hierarchy -top {}; flatten; select", design.name);
        let registered = format!("{read} -assert-count {} t:DP16KD r:REGMODE_B=OUTREG %i", 50 * reads);
        run(written.folder.path(), "yosys", &["-p", &registered]);
    }
}

/// A block of 36 Kbit holds 4096 words of 9 bits, so 4096 words of 200 bits take 22 and one of half the size, or 23.
#[test]
fn xilinx_memories_become_block_ram() {
    for reads in [1, 2] {
        let design = designs::memory(reads, 1, 200, MemoryStyle::Block);
        let written = Written::for_family(&design, Family::Xilinx);
        let files = written.design().join(" ");
        let synthesis = format!("synth_xilinx -family xcup -flatten -top {}", design.name);
        let script = format!("read_verilog {files}; {synthesis}; stat");
        let log = run(written.folder.path(), "yosys", &["-p", &script]);
        let halves = 2 * count(&log, "RAMB36E2") + count(&log, "RAMB18E2");
        assert!((45 * reads..=50 * reads).contains(&halves), "{halves} half blocks for {reads} read ports");
        assert!(count(&log, "FDRE") <= reads, "registers emulate something");
    }
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
