"""Runs the tests of this folder on a generated folder's controller, in Icarus Verilog: `run.py FOLDER BUILD`."""

import json
import os
import sys
from pathlib import Path

from cocotb_tools.runner import get_runner

folder, build = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
manifest = json.loads((folder / "manifest.json").read_text())
purposes = {"ram", "design", "controller", "simulation"}
sources = [folder / file["name"] for file in manifest["files"] if file["purpose"] in purposes]
top = manifest["controller"]["top"]
os.environ["REGISTERS_JSON"] = str(folder / "registers.json")

takes_frames = manifest["configuration"]["processing"].get("frontend") == "roce"
tests = "test_frames" if takes_frames else "test_control"

runner = get_runner("icarus")
runner.build(sources=sources, hdl_toplevel=top, build_dir=build, build_args=["-g2005"], timescale=("1ns", "1ps"))
results = runner.test(
    hdl_toplevel=top, test_module=tests, test_dir=Path(__file__).parent, build_dir=build,
    results_xml=str(build / "results.xml"),
)
failed = "<failure" in Path(results).read_text() or "<error" in Path(results).read_text()
sys.exit(1 if failed else 0)
