//! Every kind of bad input is refused with its place and a remedy, and nothing half-written stays behind.

mod support;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use support::{bundled, repository, stagecoach, stagecoach_in, vm};
use tempfile::{TempDir, tempdir};

const ADDRESS: &str = "fd00:1::2";
const EVENTS: &str = "vma-ipv6.events.jsonl";

/// Runs `replay` with these arguments and a verdict file; it must fail with all of the words, and leave nothing.
fn refused(arguments: &[&str], words: &[&str]) {
    let folder = tempdir().unwrap();
    let verdicts = format!("--verdicts={}", folder.path().join("verdicts.jsonl").display());
    let mut all = vec!["replay", "--engine=golden", &verdicts];
    all.extend(arguments);
    let run = stagecoach(&all);
    assert_eq!(run.code, 2, "{arguments:?}: {}{}", run.out, run.err);
    for word in words {
        assert!(run.err.contains(word), "{arguments:?}: no `{word}` in: {}", run.err);
    }
    assert!(!run.err.contains("panicked"), "{}", run.err);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{arguments:?} left something");
}

/// A file with these bytes.
fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn with_capture(capture: &Path) -> String {
    format!("--vm={ADDRESS}={},{}", capture.display(), bundled(EVENTS))
}

fn with_events(events: &Path) -> String {
    format!("--vm={ADDRESS}={},{}", bundled("vma-ipv6.pcap.gz"), events.display())
}

/// The smallest bundled capture, decompressed.
fn plain_capture() -> Vec<u8> {
    let mut bytes = Vec::new();
    let compressed = fs::File::open(bundled("vma-ipv6.pcap.gz")).unwrap();
    GzDecoder::new(compressed).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn malformed_machines() {
    refused(&[], &["--vm <ADDRESS=CAPTURE,EVENTS>", "required"]);
    refused(&["--vm=10.0.1.2"], &["--vm", "no `=`", "write ADDRESS=CAPTURE,EVENTS"]);
    refused(&["--vm=10.0.1.2=a"], &["no `,`", "write ADDRESS=CAPTURE,EVENTS"]);
    refused(&["--vm=somewhere=a,b"], &["`somewhere` is neither an IPv4 nor an IPv6 address"]);
    let (one, mapped) = (vm("vma", "10.0.1.2"), vm("vmb", "::ffff:10.0.1.2"));
    refused(&[&one, &mapped], &["10.0.1.2 is given twice"]);
    let absent = vm("vma-ipv6", "fd00:9::9");
    refused(&[&absent], &["vma-ipv6.pcap.gz", "fd00:9::9", "fd00:1::2", "name one of these"]);
}

#[test]
fn files_that_are_no_captures() {
    let folder = tempdir().unwrap();
    refused(
        &[&with_capture(Path::new("/nowhere/a.pcap"))],
        &["/nowhere/a.pcap", "cannot be read", "check the name"],
    );
    let text = file(&folder, "text.pcap", b"hello, world: no capture\n");
    refused(&[&with_capture(&text)], &["text.pcap", "not a capture", "tcpdump"]);
    let empty = file(&folder, "empty.pcap", b"");
    refused(&[&with_capture(&empty)], &["empty.pcap"]);
    let swapped = format!("--vm={ADDRESS}={},{}", bundled(EVENTS), bundled("vma-ipv6.pcap.gz"));
    refused(&[&swapped], &["the order is ADDRESS=CAPTURE,EVENTS"]);
}

#[test]
fn damaged_captures() {
    let folder = tempdir().unwrap();
    let mut bytes = plain_capture();
    let cut = file(&folder, "cut.pcap", &bytes[..bytes.len() - 5]);
    refused(&[&with_capture(&cut)], &["cut.pcap", "cut short", "packet ", "byte "]);
    let compressed = fs::read(bundled("vma-ipv6.pcap.gz")).unwrap();
    let cut = file(&folder, "cut.pcap.gz", &compressed[..compressed.len() / 2]);
    refused(&[&with_capture(&cut)], &["cut.pcap.gz", "gzip"]);
    bytes[20] = 113;
    let cooked = file(&folder, "cooked.pcap", &bytes);
    refused(&[&with_capture(&cooked)], &["cooked.pcap", "link type", "Ethernet is needed"]);
    // The file header alone is a capture without packets.
    let silent = file(&folder, "silent.pcap", &plain_capture()[..24]);
    refused(&[&with_capture(&silent)], &["nothing to replay", ADDRESS, "UDP port 4791"]);
}

#[test]
fn bad_events() {
    let folder = tempdir().unwrap();
    let good = fs::read_to_string(bundled(EVENTS)).unwrap();
    let first = good.lines().next().unwrap();
    for (name, text, words) in [
        ("unordered", format!("{good}{first}\n"), ["line 451", "before the previous line", "sort the log"]),
        (
            "field",
            format!("{good}{}", first.replacen('{', "{\"colour\": 1, ", 1)),
            ["line 451", "colour", "unknown field"],
        ),
        ("json", format!("{good}{{\"event\": "), ["line 451", "at column 10", "README.md"]),
        ("event", "{\"event\": \"party\", \"time_us\": 1}".to_owned(), ["line 1", "party", "register"]),
    ] {
        let path = file(&folder, name, text.as_bytes());
        refused(&[&with_events(&path)], &words);
    }
    refused(&[&with_events(Path::new("/nowhere/e.jsonl"))], &["/nowhere/e.jsonl", "cannot be read"]);
}

#[test]
fn configurations_that_cannot_be() {
    let folder = tempdir().unwrap();
    let machine = vm("vma-ipv6", ADDRESS);
    let config =
        |name: &str, text: &str| format!("--config={}", file(&folder, name, text.as_bytes()).display());
    let unknown = config("unknown.toml", "regions = 64\ncolour = 3\n");
    refused(&[&machine, &unknown], &["unknown.toml", "unknown field `colour`", "line 2"]);
    let range = config("range.toml", "net_id_bits = 512\n");
    refused(&[&machine, &range], &["range.toml", "net_id_bits = 512", "1 to 160"]);
    let pools = config("pools.toml", "name = \"pools\"\nregions = 16\n");
    refused(
        &[&machine, &pools],
        &["configuration pools", "regions = 16", "raise regions to", "leave --preset"],
    );
    let slots = config("slots.toml", "name = \"pools\"\nslots = 16\n");
    refused(&[&machine, &slots], &["slots = 16", "raise slots to"]);
    refused(&[&machine, "--preset=tiny"], &["--vm fd00:1::2", "needs 128 bits, but net_id_bits = 32"]);
    refused(&[&machine, "--preset=rocce"], &["did you mean `roce`"]);
    refused(&[&machine, "--preset=roce", "--config=x"], &["cannot be used with"]);
    refused(&[&machine, "--config=/nowhere/c.toml"], &["/nowhere/c.toml", "cannot read configuration"]);
}

#[test]
fn places_that_cannot_be_written() {
    let folder = tempdir().unwrap();
    let in_the_way = file(&folder, "file", b"mine");
    let below = in_the_way.join("verdicts.jsonl");
    let run = stagecoach(&["replay", &vm("vma-ipv6", ADDRESS), &format!("--verdicts={}", below.display())]);
    assert_eq!(run.code, 2, "{}", run.out);
    assert!(run.err.contains("cannot write") && run.err.contains("file/verdicts.jsonl"), "{}", run.err);
    let run =
        stagecoach(&["replay", &vm("vma-ipv6", ADDRESS), &format!("--wave={}", folder.path().display())]);
    assert_eq!(run.code, 2, "{}", run.out);
    assert!(run.err.contains("it is a folder"), "{}", run.err);
    for out in [&in_the_way, &in_the_way.join("out")] {
        let run = stagecoach(&["generate", "--preset=tiny", &format!("--out={}", out.display())]);
        assert_eq!(run.code, 2, "{}", run.out);
        assert!(run.err.contains(&in_the_way.display().to_string()), "{}", run.err);
    }
    assert_eq!(fs::read(&in_the_way).unwrap(), b"mine");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_waveform_of_the_golden_model() {
    let wave = format!("--wave={}", repository().join("target/never.fst").display());
    refused(&[&vm("vma-ipv6", ADDRESS), &wave], &["--wave", "--engine native"]);
}

#[test]
fn a_command_that_is_none() {
    let folder = tempdir().unwrap();
    let run = stagecoach_in(folder.path(), &["refrobnicate"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("refrobnicate") && run.err.contains("--help"), "{}", run.err);
}

#[test]
fn outputs_that_are_inputs() {
    let folder = tempdir().unwrap();
    let bytes = fs::read(bundled("vma-ipv6.pcap.gz")).unwrap();
    let capture = file(&folder, "a.pcap.gz", &bytes);
    let machine = with_capture(&capture);
    let unlike = folder.path().join(".").join("a.pcap.gz");
    let run = stagecoach(&["replay", &machine, &format!("--verdicts={}", unlike.display())]);
    assert_eq!(run.code, 2, "{}", run.out);
    assert!(run.err.contains("--verdicts") && run.err.contains("also the file of --vm"), "{}", run.err);
    assert_eq!(fs::read(&capture).unwrap(), bytes);
    let both = folder.path().join("both").display().to_string();
    let run = stagecoach(&["replay", &machine, &format!("--verdicts={both}"), &format!("--wave={both}")]);
    assert_eq!(run.code, 2, "{}", run.out);
    assert!(run.err.contains("--wave") && run.err.contains("also the file of --verdicts"), "{}", run.err);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_folder_one_stands_in_is_not_replaced() {
    let folder = tempdir().unwrap();
    let run = stagecoach_in(folder.path(), &["generate", "--preset=tiny", "--out=."]);
    assert_eq!(run.code, 2, "{}", run.out);
    assert!(run.err.contains("is the folder you are in; give another --out"), "{}", run.err);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_log_without_registrations_is_told() {
    let folder = tempdir().unwrap();
    let run = stagecoach(&["replay", "--engine=golden", &with_events(&file(&folder, "none.jsonl", b""))]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.err.contains("none.jsonl: no registration"), "{}", run.err);
}
