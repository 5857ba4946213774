//! No tool has anything to say about the text.

use std::sync::Arc;

use stagecoach_hdl::Module;
use stagecoach_hdl::verilog::Family;

use crate::designs;
use crate::tools::{Written, run};

/// Every design for any device, and those with memories for each family.
fn everything() -> Vec<(Arc<Module>, Family)> {
    let zoo = designs::zoo().into_iter().map(|design| (design, Family::Generic));
    let families = [Family::Ecp5, Family::Xilinx].map(|family| {
        let stores = designs::stores().into_iter().chain([designs::depths()]);
        stores.map(move |design| (design, family))
    });
    zoo.chain(families.into_iter().flatten()).collect()
}

fn silent(written: &Written, program: &str, options: &[&str], files: &[&str]) {
    let arguments: Vec<_> = options.iter().chain(files).copied().collect();
    let said = run(written.folder.path(), program, &arguments);
    let said: Vec<_> = said.lines().filter(|line| !line.starts_with("- ")).collect();
    assert!(said.is_empty(), "{program} {}:\n{}", arguments.join(" "), said.join("\n"));
}

#[test]
fn verilator_is_silent() {
    for (design, family) in everything() {
        let (written, top) = (Written::for_family(&design, family), design.name.as_str());
        let options = ["--lint-only", "-Wall", "--language", "1364-2005", "--top-module", top];
        silent(&written, "verilator", &options, &written.design());
        written.show_models();
        silent(&written, "verilator", &[&options[..], &["-DSYNTHESIS"]].concat(), &written.design());
    }
}

#[test]
fn verilator_is_silent_on_formal_files() {
    for design in designs::zoo() {
        let (written, top) = (Written::of(&design), design.name.as_str());
        if written.formal() != written.design() {
            // The file is not called like the module, since the module has a file of that name.
            let options =
                ["--lint-only", "-Wall", "-Wno-DECLFILENAME", "--assert", "-sv", "--top-module", top];
            silent(&written, "verilator", &options, &written.formal());
        }
    }
}

#[test]
fn icarus_is_silent() {
    for (design, family) in everything() {
        let (written, top) = (Written::for_family(&design, family), design.name.as_str());
        let options = ["-g2005", "-Wall", "-s", top, "-o", "out.vvp"];
        silent(&written, "iverilog", &options, &written.design());
        written.show_models();
        silent(&written, "iverilog", &[&options[..], &["-DSYNTHESIS"]].concat(), &written.design());
    }
}
