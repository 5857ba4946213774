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
    for line in [
        "init_done after 16386 cycles",
        "beat 20 cycles after the request: fault 0, pa 000040200f80, span 128, table 3, first 1, last 0",
        "beat 21 cycles after the request: fault 0, pa 000040055000, span 128, table 3, first 0, last 1",
    ] {
        assert!(said.lines().any(|said| said == line), "`{line}` is missing in:\n{said}");
    }
    // The update port's page has a row for each: cycles from offering an update to its answer.
    let page = std::fs::read_to_string(root.join("docs/update-port.md")).expect("the page is there");
    for (op, cycles) in [("set_table", 123), ("set_slot", 54), ("install", 54), ("bind", 123)] {
        let code = stagecoach_spec::UpdateOp::ALL.iter().find(|known| known.name() == op).expect("it exists");
        let line = format!("update {} answered after {cycles} cycles", code.code());
        assert!(said.contains(&line), "`{line}` is missing in:\n{said}");
        let is_row = |row: &str| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let starts = |cell: &&str| {
                cell.strip_prefix(&cycles.to_string()).is_some_and(|rest| !rest.starts_with(char::is_numeric))
            };
            cells.len() > 2 && cells[1].contains(&format!("`{op}`")) && starts(&cells[2])
        };
        assert!(page.lines().any(is_row), "no row of the page says {cycles} cycles for {op}");
    }
}
