//! Wrappers made of others.

use super::{GENERATED, Style, Wrapper};

/// Words up to which look-up tables hold a memory that asks for no storage; a block RAM deeper than this costs
/// less and is as fast.
const MOST_DISTRIBUTED_BITS: u32 = 5;

/// One read port, no storage asked for: the depth decides.
pub(super) fn by_depth(wrapper: Wrapper) -> String {
    let of = |style| Wrapper { style, ..wrapper }.name();
    let (block, distributed) = (of(Style::Block), of(Style::Distributed));
    let most = 1u32 << MOST_DISTRIBUTED_BITS;
    let head =
        head(wrapper, &format!("in block RAM if there are\n// more than {most}, else in look-up tables"));
    let part = |name: &str| instance("      ", name, "words", "");
    format!(
        "{head}\n  generate\n    if (ADDRESS_WIDTH > {MOST_DISTRIBUTED_BITS}) begin : deep\n{}    end else begin : \
         shallow\n{}    end\n  endgenerate\n\nendmodule\n",
        part(&block),
        part(&distributed)
    )
}

/// Two read ports: two memories that are written alike.
pub(super) fn two_copies(wrapper: Wrapper) -> String {
    let one = Wrapper { reads: 1, ..wrapper }.name();
    let copies = [0, 1].map(|port| instance("  ", &one, &format!("copy_{port}"), &format!("_{port}")));
    format!("{}\n{}\n{}\nendmodule\n", head(wrapper, "kept\n// once for each"), copies[0], copies[1])
}

/// Comment, name, parameters and ports.
fn head(wrapper: Wrapper, what: &str) -> String {
    let (reads, suffixes) = match wrapper.reads {
        1 => ("one read port", &[""][..]),
        _ => ("two read ports", &["_0", "_1"][..]),
    };
    let ports: Vec<String> = suffixes.iter().map(|suffix| READ_PORT.replace('~', suffix)).collect();
    format!(
        "// A memory of 2**ADDRESS_WIDTH words with one write port and {reads}, {what}.\n//\n// {GENERATED}\n\n\
         module {} #(\n{PARAMETERS}) (\n{WRITE_PORT}{}\n);\n",
        wrapper.name(),
        ports.join(",\n")
    )
}

/// An instance of the wrapper `name` with one read port, which is the one called `read_…SUFFIX` outside.
fn instance(indent: &str, name: &str, instance: &str, suffix: &str) -> String {
    let text = INSTANCE.replace("NAME", name).replace("INSTANCE", instance).replace('~', suffix);
    text.lines().map(|line| format!("{indent}{line}\n")).collect()
}

const PARAMETERS: &str = "  parameter WIDTH           = 8,
  parameter ADDRESS_WIDTH   = 8,
  parameter OUTPUT_REGISTER = 0
";

const WRITE_PORT: &str = "  input  wire                     clk,
  input  wire                     write_enable,
  input  wire [ADDRESS_WIDTH-1:0] write_address,
  input  wire [WIDTH-1:0]         write_data,
";

const READ_PORT: &str = "  input  wire                     read_enable~,
  input  wire [ADDRESS_WIDTH-1:0] read_address~,
  output wire [WIDTH-1:0]         read_data~";

const INSTANCE: &str = "NAME #(
  .WIDTH          (WIDTH),
  .ADDRESS_WIDTH  (ADDRESS_WIDTH),
  .OUTPUT_REGISTER(OUTPUT_REGISTER)
) INSTANCE (
  .clk          (clk),
  .write_enable (write_enable),
  .write_address(write_address),
  .write_data   (write_data),
  .read_enable  (read_enable~),
  .read_address (read_address~),
  .read_data    (read_data~)
);
";
