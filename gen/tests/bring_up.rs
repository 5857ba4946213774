//! The worked example of README and docs runs on the committed Verilog and shows what they say.

use std::path::Path;
use std::process::Command;

use stagecoach_verilator::tools;

/// Runs a tool; gives what it printed.
fn output(command: &mut Command) -> String {
    let done = command.output().expect("the tool starts");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("the tools print text")
}

#[test]
fn the_worked_example_shows_the_documented_figures() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("gen lies in the workspace");
    let icarus = tools::find_iverilog().expect("`cargo xtask setup` fetches Icarus Verilog");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = folder.path().join("bring_up.vvp");
    let mut compile = icarus.iverilog.command();
    compile.args(["-g2005", "-Wall", "-s", "bring_up", "-o"]).arg(&program);
    compile.arg(root.join("docs/examples/bring_up.v"));
    for entry in std::fs::read_dir(root.join("verilog-out/roce")).expect("the preset is committed") {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|extension| extension == "v") {
            compile.arg(path);
        }
    }
    output(&mut compile);
    let said = output(icarus.vvp.command().arg(&program));
    let page = |name: &str| std::fs::read_to_string(root.join("docs").join(name)).expect("the page is there");
    // What the page says that the bench prints.
    let bring_up = page("bring-up.md");
    let foretold: Vec<&str> =
        bring_up.split(['`', '\n']).map(str::trim).filter(|text| is_printed(text)).collect();
    assert_eq!(foretold.len(), 5, "{foretold:?}");
    for line in foretold {
        assert!(said.lines().any(|said| said == line), "`{line}` is missing in:\n{said}");
    }
    // The update port's page has a row for each: cycles from offering an update to its answer.
    let update_port = page("update-port.md");
    for name in ["stage", "set_table", "install", "bind"] {
        let op = stagecoach_spec::UpdateOp::ALL.iter().find(|known| known.name() == name).expect("it exists");
        let rows = update_port.lines().map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
        let cycles = rows
            .filter(|cells| cells.len() == 4 && cells[1] == format!("`{name}`"))
            .find_map(|cells| cells[2].parse::<u32>().ok())
            .unwrap_or_else(|| panic!("no row of the page gives the cycles of {name}"));
        let line = format!("update {} answered after {cycles} cycles", op.code());
        assert!(said.lines().any(|said| said == line), "`{line}` is missing in:\n{said}");
    }
}

/// Whether the bench prints such lines with figures.
fn is_printed(text: &str) -> bool {
    ["init_done after ", "update ", "limit ", "beat "].iter().any(|start| text.starts_with(start))
        && (text.ends_with(" cycles") || text.ends_with(|last: char| last.is_ascii_digit()))
}
