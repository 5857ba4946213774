//! Verilog-2005 writer.
