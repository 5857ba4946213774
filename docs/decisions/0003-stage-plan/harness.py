#!/usr/bin/env python3
"""Puts a module behind shift registers: harness.py MODULE FILE > top.v

Two register levels isolate the module on each side, so that the harness is never the critical path.
"""

import re
import sys


def ports(name, source):
    """(name, width) of the inputs but for clk, and of the outputs."""
    header = re.search(r"module " + name + r"\s*(#\(.*?\)\s*)?\((.*?)\);", source, re.S)
    found = {"input": [], "output": []}
    for port in re.sub(r"//.*", "", header.group(2)).split(","):
        direction, high, port_name = re.match(
            r"\s*(input|output)\s+(?:reg|wire)?\s*(?:\[(\d+):0\])?\s*(\w+)\s*$", port
        ).groups()
        if port_name != "clk":
            found[direction].append((port_name, int(high or 0) + 1))
    return found["input"], found["output"]


def main():
    name, path = sys.argv[1:]
    inputs, outputs = ports(name, open(path).read())
    bits_in, bits_out = (sum(width for _, width in side) for side in (inputs, outputs))
    connections = [".clk(clk)"]
    for side, wire in ((inputs, "i2"), (outputs, "o1")):
        low = 0
        for port, width in side:
            connections.append(f".{port}({wire}[{low} +: {width}])")
            low += width
    print(f"""module top(input clk, input si, input sl, output reg so);
  reg a, l;
  reg [{bits_in - 1}:0] i, i2;
  reg [{bits_out - 1}:0] o, o2;
  wire [{bits_out - 1}:0] o1;
  always @(posedge clk) begin
    a <= si;
    l <= sl;
    i <= {{i[{bits_in - 2}:0], a}};
    i2 <= i;
    o2 <= o1;
    o <= l ? o2 : {{o[{bits_out - 2}:0], 1'b0}};
    so <= o[{bits_out - 1}];
  end
  {name} dut({", ".join(connections)});
endmodule""")


main()
