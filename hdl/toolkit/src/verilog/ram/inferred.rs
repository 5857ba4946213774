//! A memory that tools infer: plain Verilog, guided by an attribute.

use super::{GENERATED, Style, Wrapper, port_suffix};
use crate::verilog::Family;

/// The text of a wrapper whose memory `family`'s tools infer.
pub(super) fn text(wrapper: Wrapper, family: Family) -> String {
    let ports: Vec<String> = (0..wrapper.reads).map(|port| port_suffix(wrapper.reads, port)).collect();
    let each = |template: &str| -> String { ports.iter().map(|port| template.replace('~', port)).collect() };
    TEMPLATE
        .replace("NAME", &wrapper.name())
        .replace("READS", if wrapper.reads == 1 { "one read port" } else { "two read ports" })
        .replace("NOTE", note(wrapper, family))
        .replace("GENERATED", GENERATED)
        .replace("ATTRIBUTE", attribute(wrapper.style, family))
        .replace("PORTS", each(PORTS).trim_end_matches('\n').trim_end_matches(','))
        .replace("WORDS", each("  reg [WIDTH-1:0] word~;\n").trim_end_matches('\n'))
        .replace("NOISES", each(NOISE).trim_end_matches('\n'))
        .replace("GARBAGES", &garbage(&ports))
        .replace("ACCESSES", each(ACCESS).trim_end_matches('\n'))
        .replace("OUTPUTS", each("      reg [WIDTH-1:0] output_word~;\n").trim_end_matches('\n'))
        .replace("LOADS", each("        output_word~ <= word~;\n").trim_end_matches('\n'))
        .replace("SHOWN", each("      assign read_data~ = output_word~;\n").trim_end_matches('\n'))
        .replace("DIRECT", each("      assign read_data~ = word~;\n").trim_end_matches('\n'))
}

/// What a reader should know besides.
fn note(wrapper: Wrapper, family: Family) -> &'static str {
    match (family, wrapper.style) {
        (Family::Xilinx, Style::Block) => {
            "Vivado takes the output word for the block RAM's own output register (DOB_REG)."
        }
        (Family::Ecp5 | Family::Xilinx, _) => "Look-up tables hold the words.",
        (Family::Generic, _) => {
            "This file is the one to replace for a device family that needs another template."
        }
    }
}

/// `no_rw_check` is yosys's, `rw_addr_collision` Vivado's word for: no logic for reads that meet a write.
fn attribute(style: Style, family: Family) -> &'static str {
    match (style, family) {
        (Style::Auto, _) => "(* no_rw_check *)",
        (Style::Block, Family::Xilinx) => {
            "(* ram_style = \"block\", rw_addr_collision = \"no\", no_rw_check *)"
        }
        (Style::Block, Family::Generic | Family::Ecp5) => "(* ram_style = \"block\", no_rw_check *)",
        (Style::Distributed, _) => "(* ram_style = \"distributed\", no_rw_check *)",
    }
}

fn garbage(ports: &[String]) -> String {
    let assigns = |value: &str| -> String {
        ports
            .iter()
            .map(|port| format!("      assign garbage{port} = {};\n", value.replace('~', port)))
            .collect()
    };
    let (narrow, even, odd) = (
        assigns("noise~[WIDTH-1:0]"),
        assigns("{(WIDTH / 32){noise~}}"),
        assigns("{noise~[WIDTH%32-1:0], {(WIDTH / 32){noise~}}}"),
    );
    format!(
        "  generate\n    if (WIDTH < 32) begin : narrow_garbage\n{narrow}    end else if (WIDTH % 32 == 0) begin : \
         even_garbage\n{even}    end else begin : odd_garbage\n{odd}    end\n  endgenerate"
    )
}

const PORTS: &str = "  input  wire                     read_enable~,
  input  wire [ADDRESS_WIDTH-1:0] read_address~,
  output wire [WIDTH-1:0]         read_data~,
";

const NOISE: &str = "  reg  [31:0]      noise~;
  wire [WIDTH-1:0] garbage~;
  wire             collision~ = write_enable && read_enable~ && (write_address == read_address~);
  initial noise~ = (`STAGECOACH_NOISE_SEED == 32'd0) ? 32'd1 : `STAGECOACH_NOISE_SEED;
";

const ACCESS: &str = "  always @(posedge clk) begin
    if (read_enable~) word~ <= memory[read_address~];
`ifndef SYNTHESIS
    if (collision~) begin
      word~  <= garbage~;
      noise~ <= {1'b0, noise~[31:1]} ^ (noise~[0] ? 32'h80200003 : 32'd0);
    end
`endif
  end

";

const TEMPLATE: &str = "// A memory of 2**ADDRESS_WIDTH words with one write port and READS.
//
// A word shows one clock edge after its address, or two with OUTPUT_REGISTER = 1. A read of the very address
// that is written in the same cycle loads garbage: designs bypass such reads and never look at it. The garbage
// (an LFSR that steps at each collision, repeated over the word) is the same in every simulator.
//
// NOTE
//
// GENERATED

`ifndef SYNTHESIS
`ifndef STAGECOACH_NOISE_SEED
`define STAGECOACH_NOISE_SEED 32'h5eedc0de
`endif
`endif

module NAME #(
  parameter WIDTH           = 8,
  parameter ADDRESS_WIDTH   = 8,
  parameter OUTPUT_REGISTER = 0
) (
  input  wire                     clk,
  input  wire                     write_enable,
  input  wire [ADDRESS_WIDTH-1:0] write_address,
  input  wire [WIDTH-1:0]         write_data,
PORTS
);

  ATTRIBUTE
  reg [WIDTH-1:0] memory [0:(1<<ADDRESS_WIDTH)-1];
WORDS

`ifndef SYNTHESIS
NOISES

GARBAGES
`endif

  always @(posedge clk)
    if (write_enable) memory[write_address] <= write_data;

ACCESSES

  generate
    if (OUTPUT_REGISTER != 0) begin : with_output_register
OUTPUTS
      always @(posedge clk) begin
LOADS
      end
SHOWN
    end else begin : without_output_register
DIRECT
    end
  endgenerate

endmodule
";
