//! The generated controller under bus models that are not ours: `tb/cocotb` in Icarus Verilog.

use std::path::Path;
use std::process::Command;

use stagecoach_verilator::tools;

#[test]
fn the_controller_holds_under_independent_bus_models() {
    all_pass("tiny", 4);
}

#[test]
fn the_packet_decoder_holds_under_independent_bus_models() {
    all_pass("roce-frames", 1);
}

fn all_pass(folder: &str, tests: u32) {
    let root = tools::project_root();
    let python = tools::tools_folder().join("python");
    assert!(
        python.join("cocotbext/axi").is_dir(),
        "cocotbext-axi is not in {}: `cargo xtask setup` fetches it",
        python.display()
    );
    let icarus = tools::find_iverilog().expect("`cargo xtask setup` fetches Icarus Verilog");
    let programs = Path::new(&icarus.iverilog.program).parent().map(Path::to_owned);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths(programs.into_iter().chain(std::env::split_paths(&path))).expect("no colons");
    let build = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new("python3");
    command.arg(root.join("tb/cocotb/run.py")).arg(root.join("verilog-out").join(folder)).arg(build.path());
    command.env("PYTHONPATH", &python).env("PATH", path).env("PYTHONDONTWRITEBYTECODE", "1");
    let done = command.output().expect("python3 starts");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && said.contains(&format!("PASS={tests} FAIL=0")),
        "{said}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    println!("{}", said.lines().filter(|line| line.contains("PASS")).collect::<Vec<_>>().join("\n"));
}
