//! `stagecoach migrate`, as a user runs it.

use std::process::{Command, Output};

fn migrate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stagecoach")).arg("migrate").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The value of a line of the summary.
fn value(output: &str, what: &str) -> String {
    let line =
        output.lines().find(|line| line.starts_with(what)).unwrap_or_else(|| panic!("{what}: {output}"));
    line[what.len()..].trim().to_owned()
}

#[test]
fn a_captured_vm_moves_and_its_clients_keep_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let html = folder.path().join("move.html");
    let output = migrate(&["--html", html.to_str().unwrap()]);
    let words = text(&output.stdout);
    assert!(output.status.success(), "{words}{}", text(&output.stderr));
    assert_eq!(value(&words, "served by"), "destination");
    for (what, least) in [("keys as they were", 40), ("pages as they were", 100)] {
        let found = value(&words, what);
        let (equal, all) = found.split_once(" of ").unwrap();
        assert!(equal == all && all.parse::<u64>().unwrap() >= least, "{what}: {found}");
    }
    assert_eq!(value(&words, "answers unlike those of a VM that never moved"), "0");
    let number = |what| value(&words, what).replace(',', "").parse::<u64>().unwrap();
    assert!(number("operations answered at source") > 100);
    assert!(number("operations answered at destination") > 100);
    assert!(number("operations told to try again") > 0);
    assert!(number("changes of the table meanwhile") > 0);
    let page = std::fs::read_to_string(html).unwrap();
    for class in ["pre-copy", "frozen", "prepared", "at-source", "retry", "at-destination", "round"] {
        assert!(page.contains(&format!("class=\"{class}\"")), "{class}");
    }
    assert!(!page.contains("http"), "it needs nothing else");
}

#[test]
fn a_crash_at_any_of_its_steps_does_no_harm() {
    let words = text(&migrate(&[]).stdout);
    let steps = value(&words, "steps of source and destination");
    let (source, destination) = steps.split_once(", ").unwrap();
    let source: u64 = source.parse().unwrap();
    let destination: u64 = destination.parse().unwrap();
    // Pages are many and alike: of the source's, those around them.
    let at_source = (0..5).chain(source - 10..source).map(|step| format!("source:{step}"));
    let at_destination = (0..destination).map(|step| format!("destination:{step}"));
    for point in at_source.chain(at_destination) {
        let output = migrate(&["--crash-at", &point]);
        let words = text(&output.stdout);
        assert!(output.status.success(), "{point}: {words}{}", text(&output.stderr));
        assert!(words.contains("starts again from its journal"), "{point}");
        assert_ne!(value(&words, "served by"), "nobody");
    }
}

#[test]
fn bad_arguments_are_refused_by_name() {
    for (arguments, complaint) in [
        (["--crash-at", "source:99999"], "there is no step 99999"),
        (["--crash-at", "middle:1"], "no machine `middle`"),
        (["--crash-at", "source"], "there is no `:`"),
        (["--crash-at", "source:x"], "`x` is no step's number"),
        (["--html", "/nowhere/at/all.html"], "cannot write /nowhere/at/all.html"),
    ] {
        let output = migrate(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(complaint), "{}", text(&output.stderr));
    }
}
