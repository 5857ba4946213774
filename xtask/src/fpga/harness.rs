//! A module behind shift registers, so that a handful of pins carries all its ports and no pin is on a timed path.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use stagecoach_hdl::netlist::{Direction, Module};

/// Name of the module that stands around the one measured.
pub const TOP: &str = "top";
/// Name of the measured module's instance in it.
pub const MEASURED: &str = "dut";
/// Output bits that one register's load command reaches.
const BITS_PER_LOAD: u32 = 32;

/// What a harness itself takes: contained in the counts of what is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Look-up tables.
    pub luts: u32,
    /// Flip-flops.
    pub ffs: u32,
}

/// A harness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harness {
    /// Verilog of module [`TOP`].
    pub text: String,
    /// What it takes.
    pub size: Size,
}

/// Puts a module behind shift registers, two levels on each side. The command to load the outputs moves along with
/// the shift register, a register for every few bits, lest its fan-out be the critical path.
pub fn around(module: &Module) -> Harness {
    let reset = module.has_reset.then_some(("rst", 1));
    let side = |wanted: Direction| {
        let ports = module.ports.iter().filter(move |port| port.direction == wanted);
        ports.map(|port| (port.name.as_str(), port.width))
    };
    let inputs: Vec<_> = reset.into_iter().chain(side(Direction::Input)).collect();
    let outputs: Vec<_> = side(Direction::Output).collect();
    let width = |ports: &[(&str, u32)]| ports.iter().map(|(_, width)| width).sum::<u32>();
    // One spare bit each keeps every range sound for a module without inputs or without outputs.
    let (bits_in, bits_out) = (width(&inputs) + 1, width(&outputs) + 1);
    let loads = bits_out.div_ceil(BITS_PER_LOAD);

    let mut connections: Vec<String> = Vec::new();
    if module.has_clock {
        connections.push(".clk(clk)".into());
    }
    for (ports, wire) in [(&inputs, "settled"), (&outputs, "result")] {
        let mut low = 0;
        for (name, width) in ports {
            connections.push(format!(".{name}({wire}[{low} +: {width}])"));
            low += width;
        }
    }
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "module {TOP}(input clk, input data_in, input load_in, output reg data_out);
  reg data;
  reg [{bits_in}-1:0] shifted, settled;
  reg [{bits_out}-1:0] taken, leaving;
  reg [{loads}-1:0] load;
  wire [{bits_out}-1:0] result;
  assign result[{bits_out}-1] = 1'b0;
  integer n;
  always @(posedge clk) begin
    data <= data_in;
    load <= {{load, load_in}};
    shifted <= {{shifted, data}};
    settled <= shifted;
    taken <= result;
    for (n = 0; n < {bits_out}; n = n + 1)
      leaving[n] <= load[n / {BITS_PER_LOAD}] ? taken[n] : n > 0 ? leaving[n - 1] : 1'b0;
    data_out <= leaving[{bits_out}-1];
  end
  {} {MEASURED}({});
endmodule
",
        module.name,
        connections.join(", ")
    );
    // The spare bits go in synthesis.
    let size = Size { luts: bits_out - 1, ffs: 2 * (bits_in - 1) + 2 * (bits_out - 1) + loads + 2 };
    Harness { text, size }
}

#[cfg(test)]
mod tests {
    use stagecoach_hdl::ModuleBuilder;

    use super::*;

    #[test]
    fn every_port_is_connected_once() {
        let module = stagecoach::design::module(&stagecoach_spec::Preset::Tiny.config()).unwrap();
        let harness = around(&module);
        for port in &module.ports {
            assert_eq!(harness.text.matches(&format!(".{}(", port.name)).count(), 1, "{}", port.name);
        }
        assert!(harness.text.contains(".clk(clk), .rst(settled[0 +: 1])"));
        let bits: u32 = module.ports.iter().map(|port| port.width).sum();
        assert!(harness.size.ffs > 2 * bits && harness.size.ffs < 2 * bits + 50);
    }

    #[test]
    fn a_module_without_state_has_no_clock() {
        let builder = ModuleBuilder::new("inverter", "Turns bits over.");
        let input = builder.input("a", 3);
        builder.output("z", !input);
        builder.combinational_path("a", "z");
        let module = builder.finish().unwrap();
        let text = around(&module).text;
        assert!(text.contains("inverter dut(.a(settled[0 +: 3]), .z(result[0 +: 3]));"), "{text}");
    }
}
