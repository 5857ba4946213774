//! `replay` on the bundled captures, as a user runs it.

mod support;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use serde_json::Value;
use stagecoach::demo::MACHINES;
use stagecoach_spec::{Preset, Stages};
use support::{Run, bundled, stagecoach, vm};
use tempfile::tempdir;

fn replay_all(engine: &str, verdicts: &Path) -> Run {
    let mut arguments = vec!["replay".to_owned(), format!("--engine={engine}")];
    arguments.extend(MACHINES.iter().map(|(name, address)| vm(name, address)));
    arguments.push(format!("--verdicts={}", verdicts.display()));
    stagecoach(&arguments)
}

/// The engine agrees with every captured verdict, and its verdict file is the golden model's.
fn agrees(engine: &str) -> Run {
    let folder = tempdir().unwrap();
    let (golden, own) = (folder.path().join("golden.jsonl"), folder.path().join("own.jsonl"));
    assert_eq!(replay_all("golden", &golden).code, 0);
    let run = replay_all(engine, &own);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("agreement 5,423 of 5,423 (100.00 %)\n"), "every code too:\n{}", run.out);
    assert_eq!(fs::read(&own).unwrap(), fs::read(&golden).unwrap(), "physical addresses differ");
    run
}

/// One request after another: nothing delays any, so every latency is the contract's.
fn constant_latency() -> String {
    let cycles = Stages::of(&Preset::Roce.config()).first_beat();
    format!("latency min {cycles}, median {cycles}, max {cycles} cycles")
}

#[test]
fn the_golden_model_agrees_with_every_captured_verdict() {
    let run = agrees("golden");
    assert!(run.out.contains("latency not measured"), "{}", run.out);
}

#[test]
fn the_native_engine_agrees_with_every_captured_verdict() {
    let run = agrees("native");
    assert!(run.out.contains(&constant_latency()), "{}", run.out);
    assert!(run.out.contains("lookups/s"), "{}", run.out);
}

#[test]
fn verilator_agrees_with_every_captured_verdict() {
    let run = agrees("verilator");
    assert!(run.out.contains(&constant_latency()), "{}", run.out);
}

/// The raw frames of every capture, in one card; what it prints.
fn frames_agree(engine: &str, machines: &[(&str, &str)]) -> Run {
    let mut arguments = vec!["replay".to_owned(), "--frames".to_owned(), format!("--engine={engine}")];
    arguments.extend(machines.iter().map(|(name, address)| vm(name, address)));
    let run = stagecoach(&arguments);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    run
}

/// What a replay of all frames says of them.
const ALL_FRAMES: &str = "\
15,807 frames: 14,946 became accesses
  861 dropped, of an operation that is not decoded
8,513,561 bytes written at the registered page frames; of 1,501,180 bytes of memory, 0 differ
";

#[test]
fn frames_of_six_machines_agree_with_verdicts_and_memory_in_the_golden_model() {
    let run = frames_agree("golden", &MACHINES);
    assert!(run.out.contains("agreement 5,423 of 5,423 (100.00 %)\n"), "{}", run.out);
    assert!(run.out.contains(ALL_FRAMES), "{}", run.out);
}

#[test]
fn frames_of_six_machines_agree_with_verdicts_and_memory_in_the_native_engine() {
    let run = frames_agree("native", &MACHINES);
    assert!(run.out.contains("agreement 5,423 of 5,423 (100.00 %)\n"), "{}", run.out);
    assert!(run.out.contains(ALL_FRAMES), "{}", run.out);
    assert!(run.out.contains("simulated cycles"), "{}", run.out);
}

#[test]
fn frames_with_tags_and_of_ipv6_agree_in_verilator() {
    let run = frames_agree("verilator", &MACHINES[2..]);
    assert!(run.out.contains("agreement 1,873 of 1,873 (100.00 %)\n"), "{}", run.out);
    assert!(run.out.contains(" of memory, 0 differ\n"), "{}", run.out);
}

#[test]
fn frames_need_a_decoder() {
    let arguments =
        ["replay".to_owned(), "--frames".into(), "--preset=roce".into(), vm("vma-vlan", "10.100.1.2")];
    let run = stagecoach(&arguments);
    assert_eq!(run.code, 2, "{}", run.out);
    assert!(run.err.contains("frontend = \"roce\""), "{}", run.err);
}

#[test]
fn the_verdict_file_has_the_fields_of_the_contract() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("verdicts.jsonl");
    assert_eq!(replay_all("golden", &path).code, 0);
    let text = fs::read_to_string(&path).unwrap();
    let mut faults: BTreeMap<String, u64> = BTreeMap::new();
    let mut networks: HashMap<String, u64> = HashMap::new();
    // Frame that each virtual page of a key lies in, per machine: every machine has a window of its own.
    let mut windows: HashMap<String, (u64, u64)> = HashMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let object = line.as_object().unwrap();
        let mut fields: Vec<&str> = object.keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            ["fault", "key", "length", "network", "op", "packet", "psn", "qpn", "spans", "va"],
            "{line}"
        );
        let network = line["network"].as_str().unwrap().to_owned();
        let fault = line["fault"].as_str().unwrap();
        let spans = line["spans"].as_array().unwrap();
        let mut bytes = 0;
        for (place, span) in spans.iter().enumerate() {
            let (pa, length) = (span[0].as_u64().unwrap(), span[1].as_u64().unwrap());
            assert!(length > 0 && pa % 4096 + length <= 4096, "{line}");
            // The pages of these captures are of 4 KiB, so the offset in a page is the virtual address's.
            assert_eq!(pa % 4096, (line["va"].as_u64().unwrap() + bytes) % 4096, "span {place} of {line}");
            bytes += length;
            let window = windows.entry(network.clone()).or_insert((pa, pa));
            *window = (window.0.min(pa), window.1.max(pa));
        }
        assert_eq!(bytes, if fault == "granted" { line["length"].as_u64().unwrap() } else { 0 }, "{line}");
        *faults.entry(fault.to_owned()).or_default() += 1;
        *networks.entry(network).or_default() += 1;
    }
    assert_eq!((networks["10.0.1.2"], networks["fd00:2::2"], networks.len()), (1779, 472, 6));
    assert_eq!(faults["granted"], 2212);
    let mut windows: Vec<(u64, u64)> = windows.into_values().collect();
    windows.sort_unstable();
    assert!(windows.windows(2).all(|pair| pair[0].1 < pair[1].0), "windows overlap: {windows:x?}");
}

#[test]
fn smaller_pieces_give_the_same_verdicts_and_bytes() {
    let folder = tempdir().unwrap();
    let config = folder.path().join("pieces.toml");
    fs::write(&config, "name = \"pieces\"\nmax_request_bytes = 256\n").unwrap();
    let config = format!("--config={}", config.display());
    let run = stagecoach(&["replay", &vm("vma", "10.0.1.2"), "--engine=golden", &config]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("agreement 1,779 of 1,779"), "{}", run.out);
}

/// The events of a bundled machine, changed line by line, in a file.
fn changed_events(folder: &Path, change: impl Fn(usize, &str) -> String) -> String {
    let text = fs::read_to_string(bundled("vma-ipv6.events.jsonl")).unwrap();
    let lines: Vec<String> = text.lines().enumerate().map(|(number, line)| change(number, line)).collect();
    let path = folder.join("events.jsonl");
    fs::write(&path, lines.join("\n")).unwrap();
    format!("--vm=fd00:1::2={},{}", bundled("vma-ipv6.pcap.gz"), path.display())
}

#[test]
fn a_disagreement_is_shown_and_exits_with_1() {
    let folder = tempdir().unwrap();
    let grants_everything = changed_events(folder.path(), |_, line| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        if event["event"] == "register" {
            event["access"] = 15.into();
        }
        event.to_string()
    });
    let verdicts = folder.path().join("verdicts.jsonl");
    let verdicts_argument = format!("--verdicts={}", verdicts.display());
    let run = stagecoach(&["replay", &grants_everything, &verdicts_argument]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.out.contains("captured refused with syndrome 0x62, answered granted"), "{}", run.out);
    assert!(!run.out.contains("100.00 %"), "{}", run.out);
    assert_eq!(fs::read_to_string(verdicts).unwrap().lines().count(), 466);
}

#[test]
fn the_configuration_grows_with_the_events() {
    let folder = tempdir().unwrap();
    let with_a_large_key = changed_events(folder.path(), |number, line| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        if number > 0 {
            return event.to_string();
        }
        let mut other = event.clone();
        for (field, value) in [("key", 6000 << 8), ("lkey", 6000 << 8), ("pd", 1 << 17), ("access", 7)] {
            other[field] = value.into();
        }
        (other["event"], other["va"], other["length"]) = ("register".into(), 4096.into(), 8192.into());
        other["pfns"] = vec![1u64 << 19, 7].into();
        event["time_us"] = other["time_us"].clone();
        other.as_object_mut().unwrap().remove("qpn");
        format!("{other}\n{event}")
    });
    let run = stagecoach(&["replay", &with_a_large_key, "--engine=native"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("sized_from_events") && run.out.contains("8192 regions"), "{}", run.out);
    let run = stagecoach(&["replay", &with_a_large_key, "--preset=roce"]);
    assert_eq!(run.code, 2, "{}", run.out);
    let expected = "configuration roce: regions = 4096, but the events need 6001";
    assert!(run.err.contains(expected) && run.err.contains("raise regions to 6001"), "{}", run.err);
}

#[test]
fn a_waveform_is_written_whole() {
    let folder = tempdir().unwrap();
    for engine in ["native", "verilator"] {
        let path = folder.path().join(format!("{engine}.fst"));
        let wave = format!("--wave={}", path.display());
        let engine = format!("--engine={engine}");
        let run = stagecoach(&["replay", &vm("vma-vlan", "10.100.1.2"), "--preset=tiny", &engine, &wave]);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        assert!(run.out.contains("agreement 474 of 474"), "{}", run.out);
        // An FST file begins with a header block: type 0, then 329 as 64 bits, first byte first.
        let start = fs::read(&path).unwrap()[..9].to_vec();
        assert_eq!(start, [0, 0, 0, 0, 0, 0, 0, 1, 0x49], "{engine}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "something temporary was left");
}

#[test]
fn the_demo_needs_nothing_but_the_repository() {
    let folder = tempdir().unwrap();
    let run = support::stagecoach_in(folder.path(), &["demo"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("agreement 5,423 of 5,423") && run.out.contains("fresh"), "{}", run.out);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
