//! The device family that a configuration asks for.

use stagecoach_hdl::verilog::Family;
use stagecoach_spec::Target;

/// The family that memories are written for.
pub const fn family(target: Target) -> Family {
    match target {
        Target::Generic => Family::Generic,
        Target::Ecp5 => Family::Ecp5,
        Target::Xilinx => Family::Xilinx,
    }
}
