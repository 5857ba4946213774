//! Lattice ECP5: block RAM as instances of the primitive DP16KD, whose output register yosys never infers.

use super::GENERATED;
use crate::verilog::{FileKind, VerilogFile};

/// The text of the wrapper over blocks.
pub(super) fn block() -> String {
    signed(include_str!("ram_block_one_read.v"))
}

/// What the wrapper stands on: blocks side by side and in banks, and the model of a block.
pub(super) fn primitives() -> Vec<VerilogFile> {
    let file = |name: &str, text: &str, kind| VerilogFile { name: name.into(), text: signed(text), kind };
    vec![
        file("DP16KD.v", include_str!("DP16KD.v"), FileKind::Simulation),
        file("ram_dp16kd_one_read.v", include_str!("ram_dp16kd_one_read.v"), FileKind::Ram),
    ]
}

/// The text, its first comment with the line that says where it comes from.
fn signed(text: &str) -> String {
    text.replacen("\n\n", &format!("\n//\n// {GENERATED}\n\n"), 1)
}
