//! The wrapper with AMBA's clock and reset, as a bus and a reset line see it.

use std::fmt::Write;
use std::process::Command;

use stagecoach::design::{self, OutputFile, Purpose};
use stagecoach::manifest::{MANIFEST, Manifest};
use stagecoach_spec::registers::ID;
use stagecoach_spec::{Config, Preset, Target};
use stagecoach_verilator::{SourceFile, lint, tools};

/// What a simulator reads of a configuration, wrapper and all.
fn sources(files: &[OutputFile]) -> Vec<SourceFile> {
    let wanted = [Purpose::Simulation, Purpose::Ram, Purpose::Design, Purpose::Controller, Purpose::Wrapper];
    let read = files.iter().filter(|file| wanted.contains(&file.purpose));
    read.map(|file| SourceFile { name: file.name.clone(), text: file.text.clone() }).collect()
}

fn manifest(files: &[OutputFile]) -> Manifest {
    let text = &files.iter().find(|file| file.name == MANIFEST).expect("it is there").text;
    serde_json::from_str(text).expect("it is a manifest")
}

#[test]
fn the_wrapper_is_silent_under_lint_for_every_preset_and_target() {
    for (preset, target) in Preset::all()
        .map(|preset| (preset, Target::Generic))
        .into_iter()
        .chain([(Preset::Tiny, Target::Ecp5), (Preset::Tiny, Target::Xilinx)])
    {
        let files = design::files(&Config { target, ..preset.config() }).unwrap();
        let top = manifest(&files).controller_axi.top;
        assert_eq!(top, "controller_axi");
        lint::verilator(&sources(&files), &top, &[]).unwrap_or_else(|error| panic!("{preset}: {error}"));
        lint::iverilog(&sources(&files), &top).unwrap_or_else(|error| panic!("{preset}: {error}"));
    }
}

/// Reads `id` over AXI4-Lite after a reset, resets again by two cycles of a low `aresetn`, and reads once more.
const BENCH: &str = "
  always #5 aclk = !aclk;
  integer waited;
  // A wrapper that never gets going ends here.
  initial begin #5000000 $display(\"too late\"); $finish; end
  task read_id;
    begin
      @(negedge aclk); s_axil_arvalid = 1; s_axil_araddr = 0; s_axil_rready = 1;
      while (!s_axil_arready) @(negedge aclk);
      @(negedge aclk); s_axil_arvalid = 0;
      while (!s_axil_rvalid) @(negedge aclk);
      $display(\"id %h\", s_axil_rdata);
      @(negedge aclk); s_axil_rready = 0;
    end
  endtask
  task wait_for_init;
    begin
      waited = 0;
      while (init_done !== 1 && waited < 100000) begin @(negedge aclk); waited = waited + 1; end
      $display(\"init_done %b\", init_done);
    end
  endtask
  initial begin
    repeat (3) @(negedge aclk);
    $display(\"in reset: init_done %b, s_axis_request_tready %b, rvalid %b\", init_done, s_axis_request_tready, s_axil_rvalid);
    aresetn = 1;
    wait_for_init; read_id;
    // Between two rising edges a low aresetn is not seen.
    @(negedge aclk); #1 aresetn = 0; #2 aresetn = 1;
    repeat (3) @(negedge aclk);
    $display(\"after a glitch: init_done %b\", init_done);
    @(negedge aclk); aresetn = 0;
    repeat (2) @(negedge aclk);
    $display(\"in reset: init_done %b, s_axis_request_tready %b, rvalid %b\", init_done, s_axis_request_tready, s_axil_rvalid);
    aresetn = 1;
    wait_for_init; read_id;
    $finish;
  end
";

#[test]
fn the_wrapper_resets_by_aresetn_and_passes_everything_else_through() {
    let files = design::files(&Preset::Tiny.config()).unwrap();
    let top = manifest(&files).controller_axi;
    let mut bench = "`timescale 1ns / 1ps\nmodule bench;\n".to_owned();
    for port in &top.ports {
        let (kind, value) = if port.direction == "input" { ("reg", " = 0") } else { ("wire", "") };
        let _ = writeln!(bench, "  {kind} [{}:0] {}{value};", port.width - 1, port.name);
    }
    let connected: Vec<String> = top.ports.iter().map(|port| format!(".{0}({0})", port.name)).collect();
    let _ = writeln!(bench, "  {} under_test ({});{BENCH}endmodule", top.top, connected.join(", "));

    let folder = tempfile::tempdir().expect("a temporary folder");
    let icarus = tools::find_iverilog().expect("`cargo xtask setup` fetches Icarus Verilog");
    let program = folder.path().join("bench.vvp");
    let mut compile = icarus.iverilog.command();
    compile.args(["-g2005", "-s", "bench", "-o"]).arg(&program);
    for file in sources(&files).into_iter().chain([SourceFile { name: "bench.v".into(), text: bench }]) {
        let path = folder.path().join(&file.name);
        std::fs::write(&path, &file.text).expect("the folder can be written");
        compile.arg(path);
    }
    output(&mut compile);
    let said = output(icarus.vvp.command().arg(&program));
    let said: Vec<&str> = said.lines().filter(|line| !line.contains("$finish")).collect();
    let id = format!("id {ID:08x}");
    let in_reset = "in reset: init_done 0, s_axis_request_tready 0, rvalid 0";
    assert_eq!(
        said,
        [in_reset, "init_done 1", &id, "after a glitch: init_done 1", in_reset, "init_done 1", &id]
    );
}

/// Runs a tool; gives what it printed.
fn output(command: &mut Command) -> String {
    let done = command.output().expect("the tool starts");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("the tools print text")
}
