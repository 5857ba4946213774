//! `wave` draws what a simulator recorded, and refuses what it cannot draw.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use stagecoach_hdl::ModuleBuilder;
use stagecoach_hdl::native::{Options, Simulator};
use support::{Run, bundled, stagecoach, stagecoach_in, vm};
use tempfile::tempdir;

/// Records cycles 1 to 6 of a counter inside a bench: 0, 1, 2… in `count`.
fn record(folder: &Path) -> PathBuf {
    let m = ModuleBuilder::new("counter", "");
    let count = m.register("count", 12).reset_to(0u32);
    count.next(count.value() + m.constant(12, 0x3ffu32));
    m.output("total", count.value());
    m.output("odd", m.delay_reset("odd_q", !count.value().bit(0)));
    let counter = m.finish().unwrap();
    let m = ModuleBuilder::new("bench", "");
    let inner = m.instance("inner", &counter);
    m.output("odd", inner.output("odd"));
    m.output("total", inner.output("total"));
    let mut s = Simulator::new(&m.finish().unwrap(), Options::default());
    s.set_reset(true);
    s.step();
    s.set_reset(false);
    let path = folder.join("counter.fst");
    s.wave_to(&path).unwrap();
    (0..6).for_each(|_| s.step());
    s.finish_wave().unwrap();
    path
}

fn wave(folder: &Path, arguments: &[&str]) -> Run {
    let mut all = vec!["wave", "--in=counter.fst", "--out=counter.svg"];
    all.extend(arguments);
    stagecoach_in(folder, &all)
}

#[test]
fn a_recorded_counter_is_drawn() {
    let folder = tempdir().unwrap();
    record(folder.path());
    let signals = "--signals=odd,inner.count,rst";
    let run = wave(folder.path(), &[signals, "--from=2", "--to=5", "--title=A <counter>"]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, "", ""));
    let picture = fs::read_to_string(folder.path().join("counter.svg")).unwrap();
    assert!(picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"));
    for words in ["A &lt;counter&gt;", ">odd</text>", ">inner.count</text>", ">rst</text>", ">clk</text>"] {
        assert!(picture.contains(words), "no {words} in {picture}");
    }
    let values: Vec<&str> = picture
        .lines()
        .filter_map(|line| line.split_once("class=\"value\""))
        .filter_map(|(_, rest)| rest.split(['>', '<']).nth(1))
        .collect();
    assert_eq!(values, ["3ff", "7fe", "bfd", "ffc"], "{picture}");
    let numbers: Vec<&str> = picture
        .lines()
        .filter_map(|line| line.split_once("class=\"number\""))
        .filter_map(|(_, rest)| rest.split(['>', '<']).nth(1))
        .collect();
    assert_eq!(numbers, ["2", "3", "4", "5"]);
    wave(folder.path(), &[signals, "--from=2", "--to=5", "--title=A <counter>"]);
    assert_eq!(
        picture,
        fs::read_to_string(folder.path().join("counter.svg")).unwrap(),
        "it is the same again"
    );
    assert_eq!(wave(folder.path(), &["--signals=odd"]).code, 0, "all cycles without --from and --to");
}

#[test]
fn what_cannot_be_drawn_is_refused_and_nothing_is_written() {
    let folder = tempdir().unwrap();
    record(folder.path());
    for (arguments, words) in [
        (&["--signals=cuont"][..], &["no signal `cuont`", "viewer"][..]),
        (&["--signals=coun"], &["no signal `coun`", "bench.inner.count"]),
        (&["--signals=odd", "--from=2", "--to=7"], &["cycles 1 to 6", "--from"]),
        (&["--signals=odd", "--from=0"], &["cycles 1 to 6"]),
        (&["--signals=odd", "--from=4", "--to=3"], &["4 to 3"]),
        (&["--signals=odd", "--in=counter.svg"], &["twice", "cannot be used multiple times", "counter.svg"]),
    ] {
        let run = wave(folder.path(), arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.err);
        assert!(words.iter().any(|word| run.err.contains(word)), "{arguments:?}: {}", run.err);
        assert!(!run.err.contains("panicked"), "{}", run.err);
        assert!(!folder.path().join("counter.svg").exists(), "{arguments:?}");
    }
    let whole = fs::read(folder.path().join("counter.fst")).unwrap();
    for (name, bytes) in [("text.fst", &b"no waveform at all"[..]), ("half.fst", &whole[..whole.len() / 2])] {
        fs::write(folder.path().join(name), bytes).unwrap();
        let arguments = ["wave", "--signals=odd", "--out=a.svg", "--in", name];
        let run = stagecoach_in(folder.path(), &arguments);
        assert_eq!(run.code, 2, "{name}: {}", run.err);
        assert!(run.err.contains(name) && run.err.contains("FST"), "{}", run.err);
        assert!(!run.err.contains("panicked"), "{}", run.err);
    }
    let run =
        stagecoach_in(folder.path(), &["wave", "--in=counter.fst", "--signals=odd", "--out=counter.fst"]);
    assert!(run.code == 2 && run.err.contains("overwrite"), "{}", run.err);
    assert_eq!(fs::read(folder.path().join("counter.fst")).unwrap(), whole);
}

#[test]
fn a_replay_is_drawn_from_its_own_waveform() {
    let folder = tempdir().unwrap();
    let (fst, svg) = (folder.path().join("replay.fst"), folder.path().join("replay.svg"));
    assert!(Path::new(&bundled("vma-ipv6.events.jsonl")).exists());
    let run = stagecoach(&["replay", &vm("vma-ipv6", "fd00:1::2"), &format!("--wave={}", fst.display())]);
    assert_eq!(run.code, 0, "{}", run.err);
    let draw = |from: u64| {
        stagecoach(&[
            "wave",
            &format!("--in={}", fst.display()),
            &format!("--out={}", svg.display()),
            "--signals=req_valid,req_ready,rsp_valid,rsp_fault",
            &format!("--from={from}"),
            &format!("--to={}", from + 40),
        ])
    };
    // It begins when every entry is cleared; the command says when that is.
    let run = draw(0);
    let first = run.err.split_once("holds cycles ").and_then(|(_, rest)| rest.split(' ').next());
    let first: u64 = first.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{}", run.err));
    let run = draw(first);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(fs::read_to_string(&svg).unwrap().contains(">rsp_fault</text>"));
}
