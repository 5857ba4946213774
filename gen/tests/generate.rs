//! `generate`, `check` and `describe`, as a user runs them.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use stagecoach_spec::{Preset, Stages};
use support::{Run, stagecoach_in};
use tempfile::tempdir;

fn generate(folder: &Path, arguments: &[&str]) -> Run {
    let mut all = vec!["generate"];
    all.extend(arguments);
    stagecoach_in(folder, &all)
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn the_same_configuration_gives_the_same_bytes() {
    let folder = tempdir().unwrap();
    assert_eq!(generate(folder.path(), &["--preset", "tiny"]).code, 0);
    assert_eq!(generate(folder.path(), &["--preset", "tiny", "--out", "again/deep"]).code, 0);
    let first = contents(&folder.path().join("verilog-out/tiny"));
    assert_eq!(first, contents(&folder.path().join("again/deep")));
    assert!(
        first.contains_key("mapping_unit.v") && first.contains_key("manifest.json"),
        "{:?}",
        first.keys()
    );
    // The written configuration gives the same design.
    let configuration = ["--config", "verilog-out/tiny/configuration.toml", "--out", "third"];
    assert_eq!(generate(folder.path(), &configuration).code, 0);
    assert_eq!(first, contents(&folder.path().join("third")));
}

#[test]
fn a_target_changes_the_wrappers_and_says_so() {
    let folder = tempdir().unwrap();
    assert_eq!(generate(folder.path(), &["--preset", "tiny"]).code, 0);
    assert_eq!(generate(folder.path(), &["--preset", "tiny", "--target", "ecp5"]).code, 0);
    let generic = contents(&folder.path().join("verilog-out/tiny"));
    let ecp5 = contents(&folder.path().join("verilog-out/tiny-ecp5"));
    let designs = |files: &BTreeMap<String, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
        files.clone().into_iter().filter(|(name, _)| name.starts_with("mapping_")).collect()
    };
    assert_eq!(designs(&generic), designs(&ecp5));
    assert_ne!(generic["ram_block_one_read.v"], ecp5["ram_block_one_read.v"]);
    let manifest: Value = serde_json::from_slice(&ecp5["manifest.json"]).unwrap();
    assert_eq!(manifest["configuration"]["target"], "ecp5");
    let purpose = |wanted: &str| -> Vec<&str> {
        let files = manifest["files"].as_array().unwrap().iter();
        files.filter(|file| file["purpose"] == wanted).map(|file| file["name"].as_str().unwrap()).collect()
    };
    assert_eq!(purpose("simulation"), ["DP16KD.v"]);
    assert!(purpose("ram").contains(&"ram_dp16kd_one_read.v"));
    // The folder is as fresh as a preset's, and its configuration gives it again.
    let again =
        ["--config", "verilog-out/tiny-ecp5/configuration.toml", "--target", "ecp5", "--out", "again"];
    assert_eq!(generate(folder.path(), &again).code, 0);
    assert_eq!(ecp5, contents(&folder.path().join("again")));
    let unknown = generate(folder.path(), &["--preset", "tiny", "--target", "ice40"]);
    assert_ne!(unknown.code, 0);
    assert!(unknown.err.contains("generic, ecp5, xilinx"), "{}", unknown.err);
}

#[test]
fn the_manifest_tells_what_the_folder_holds() {
    let folder = tempdir().unwrap();
    assert_eq!(generate(folder.path(), &["--preset", "tiny", "--out", "out"]).code, 0);
    let files = contents(&folder.path().join("out"));
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["configuration"]["net_id_bits"], 32);
    let listed: Vec<&str> =
        manifest["files"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(listed.len() + 1, files.len());
    assert!(listed.iter().all(|name| files.contains_key(*name)));
    // Ports stand in the Verilog as they stand in the manifest.
    let top = manifest["top"].as_str().unwrap();
    let verilog = String::from_utf8(files[&format!("{top}.v")].clone()).unwrap();
    let ports = manifest["ports"].as_array().unwrap();
    for port in ports {
        let (name, width) = (port["name"].as_str().unwrap(), port["width"].as_u64().unwrap());
        let declared = verilog.lines().find(|line| {
            let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            line.trim().starts_with(port["direction"].as_str().unwrap()) && words.any(|word| word == name)
        });
        let declared = declared.unwrap_or_else(|| panic!("no port {name}"));
        let range = format!("[{}:0]", width - 1);
        assert!(if width == 1 { !declared.contains('[') } else { declared.contains(&range) }, "{declared}");
    }
    assert!(ports.iter().any(|port| port["name"] == "req_net_id" && port["width"] == 32));
    let latency = &manifest["latency"];
    let stages = latency["stages"].as_array().unwrap().iter();
    let sum: u64 = stages.map(|stage| stage["cycles"].as_u64().unwrap()).sum();
    assert_eq!(latency["first_beat_cycles"].as_u64(), Some(sum));
    let bits = manifest["memories"].as_array().unwrap().iter().map(|memory| memory["bits"].as_u64().unwrap());
    assert_eq!(manifest["memory_bits"].as_u64(), Some(bits.sum()));
}

#[test]
fn a_folder_with_a_foreign_file_is_left_alone() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    // An empty folder may be taken.
    assert_eq!(generate(folder.path(), &["--preset", "tiny", "--out", "out"]).code, 0);
    fs::write(out.join("notes.txt"), "mine").unwrap();
    let before = contents(&out);
    let run = generate(folder.path(), &["--preset", "roce", "--out", "out"]);
    assert_eq!(run.code, 2, "{}", run.out);
    assert!(run.err.contains("notes.txt") && run.err.contains("--out"), "{}", run.err);
    assert_eq!(contents(&out), before);
    fs::remove_file(out.join("notes.txt")).unwrap();
    assert_eq!(generate(folder.path(), &["--preset", "roce", "--out", "out"]).code, 0);
    assert_ne!(contents(&out), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something temporary was left");
}

#[test]
fn a_folder_that_nobody_generated_is_left_alone() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "mine").unwrap();
    let out = folder.path().display().to_string();
    let run = generate(Path::new("/"), &["--preset", "tiny", "--out", &out]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("thesis.tex"), "{}", run.err);
    assert_eq!(fs::read(folder.path().join("thesis.tex")).unwrap(), b"mine");
}

#[test]
fn check_finds_what_is_stale_missing_and_extra() {
    let folder = tempdir().unwrap();
    let check = || stagecoach_in(folder.path(), &["check"]);
    let run = check();
    assert_eq!(run.code, 1, "nothing is there yet");
    assert!(run.out.contains("missing  verilog-out/roce/mapping_unit.v"), "{}", run.out);
    for preset in Preset::all().map(Preset::name) {
        assert_eq!(generate(folder.path(), &["--preset", preset]).code, 0);
    }
    let run = check();
    assert_eq!(run.code, 0, "{}", run.out);

    let tiny = folder.path().join("verilog-out/tiny");
    let unit = fs::read_to_string(tiny.join("mapping_unit.v")).unwrap();
    fs::write(tiny.join("mapping_unit.v"), unit.replacen("endmodule", "// changed\nendmodule", 1)).unwrap();
    fs::remove_file(tiny.join("mapping_table.v")).unwrap();
    fs::write(tiny.join("more.v"), "").unwrap();
    fs::write(folder.path().join("verilog-out/notes.txt"), "").unwrap();
    let run = check();
    assert_eq!(run.code, 1);
    let line = unit.lines().count();
    for words in [
        &format!("stale    verilog-out/tiny/mapping_unit.v (from line {line})"),
        "missing  verilog-out/tiny/mapping_table.v",
        "extra    verilog-out/tiny/more.v",
        "extra    verilog-out/notes.txt",
        "fresh    verilog-out/roce",
        "cargo run --release -- generate --preset tiny",
    ] {
        assert!(run.out.contains(words), "no `{words}` in:\n{}", run.out);
    }
    assert!(!run.out.contains("generate --preset roce"), "{}", run.out);
}

#[test]
fn check_renews_what_was_made_from_a_file() {
    let folder = tempdir().unwrap();
    fs::write(
        folder.path().join("mine.toml"),
        "name = \"mine\"\nnet_id_bits = 32\ntables = 4\nbindings = 4\n",
    )
    .unwrap();
    for arguments in [
        ["--preset", "tiny"],
        ["--preset", "roce"],
        ["--preset", "cloud"],
        ["--preset", "cloud-ecp5"],
        ["--config", "mine.toml"],
    ] {
        assert_eq!(generate(folder.path(), &arguments).code, 0);
    }
    assert_eq!(stagecoach_in(folder.path(), &["check"]).code, 0);
    fs::write(folder.path().join("verilog-out/mine/mapping_unit.v"), "").unwrap();
    let run = stagecoach_in(folder.path(), &["check"]);
    assert_eq!(run.code, 1);
    let command = "generate --config verilog-out/mine/configuration.toml --out verilog-out/mine";
    assert!(run.out.contains(command), "{}", run.out);
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(stagecoach_in(folder.path(), &words).code, 0);
    assert_eq!(stagecoach_in(folder.path(), &["check"]).code, 0);
}

#[test]
fn describe_tells_pipeline_ports_and_memories() {
    let folder = tempdir().unwrap();
    let latency =
        format!("request to first beat: {} cycles", Stages::of(&Preset::Cloud.config()).first_beat());
    let run = stagecoach_in(folder.path(), &["describe", "--preset", "cloud"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for words in [latency.as_str(), "req_net_id        152", "region_memory", "65,536 x", "KiB)"] {
        assert!(run.out.contains(words), "no `{words}` in:\n{}", run.out);
    }
}

#[test]
fn blocks_for_rust_hdl_are_written_if_asked_for_and_check_knows_them() {
    let folder = tempdir().unwrap();
    for preset in Preset::all().map(Preset::name).into_iter().filter(|name| *name != "tiny") {
        assert_eq!(generate(folder.path(), &["--preset", preset]).code, 0);
    }
    assert_eq!(generate(folder.path(), &["--preset", "tiny", "--rust-hdl"]).code, 0);
    let check = || stagecoach_in(folder.path(), &["check"]);
    assert_eq!(check().code, 0, "{}", check().out);

    let tiny = folder.path().join("verilog-out/tiny");
    let blocks = fs::read_to_string(tiny.join("rust_hdl.rs")).unwrap();
    let manifest: Value = serde_json::from_slice(&fs::read(tiny.join("manifest.json")).unwrap()).unwrap();
    let of_controller = blocks.split("pub struct ").find(|text| text.starts_with("Controller {")).unwrap();
    for port in manifest["controller"]["ports"].as_array().unwrap() {
        let (name, width) = (port["name"].as_str().unwrap(), port["width"].as_u64().unwrap());
        let kind = match (name, width) {
            ("clk", _) => "Clock".to_owned(),
            (_, 1) => "Bit".to_owned(),
            _ => format!("Bits<{width}>"),
        };
        let direction = if port["direction"] == "input" { "In" } else { "Out" };
        let field = format!("    pub {name}: Signal<{direction}, {kind}>,");
        assert!(of_controller.lines().any(|line| line == field), "no `{field}`");
    }

    fs::write(tiny.join("rust_hdl.rs"), "").unwrap();
    let run = check();
    assert_eq!(run.code, 1);
    let command = "generate --preset tiny --rust-hdl";
    assert!(run.out.contains(command), "{}", run.out);
    assert_eq!(stagecoach_in(folder.path(), &command.split(' ').collect::<Vec<_>>()).code, 0);
    assert_eq!(check().code, 0);
    // Without the flag they go again.
    assert_eq!(generate(folder.path(), &["--preset", "tiny"]).code, 0);
    assert!(!tiny.join("rust_hdl.rs").exists());
    assert_eq!(check().code, 0);
}
