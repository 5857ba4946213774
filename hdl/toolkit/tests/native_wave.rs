//! Waveforms of the native simulator, read back.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;

use fst_reader::{FstFilter, FstHierarchyEntry, FstReader, FstSignalValue};
use stagecoach_hdl::ModuleBuilder;
use stagecoach_hdl::native::{Options, Simulator};

fn counter() -> Simulator {
    let m = ModuleBuilder::new("counter", "");
    let count = m.register("count", 70).reset_to(0u32);
    count.next(count.value().plus(1u32));
    let even = (!count.value().bit(0)).named("even");
    let quiet = m.delay_reset("quiet", m.bit(false) & even);
    m.output("busy", m.delay("busy_q", quiet | even));
    m.output("count_shown", count.value());
    let counter = m.finish().unwrap();
    let m = ModuleBuilder::new("bench", "");
    let inner = m.instance("inner", &counter);
    m.output("busy", inner.output("busy"));
    m.output("count", inner.output("count_shown"));
    Simulator::new(&m.finish().unwrap(), Options::default())
}

/// Full name of each variable with its width, and its changes as (time, bits).
type Waves = HashMap<String, (u32, Vec<(u64, String)>)>;

fn read(path: &std::path::Path) -> Waves {
    let mut reader = FstReader::open(BufReader::new(File::open(path).unwrap())).unwrap();
    let (mut scopes, mut names) = (Vec::new(), Vec::new());
    reader
        .read_hierarchy(|entry| match entry {
            FstHierarchyEntry::Scope { name, .. } => scopes.push(name),
            FstHierarchyEntry::UpScope => {
                scopes.pop();
            }
            FstHierarchyEntry::Var { name, length, handle, .. } => {
                names.push((format!("{}.{name}", scopes.join(".")), length, handle));
            }
            _ => {}
        })
        .unwrap();
    let mut changes: HashMap<_, Vec<(u64, String)>> = HashMap::new();
    reader
        .read_signals(&FstFilter::all(), |time, handle, value| {
            // Unknown before the cycle in which the waveform begins.
            if let FstSignalValue::String(bits) = value
                && !bits.starts_with(b"x")
            {
                changes
                    .entry(handle.get_index())
                    .or_default()
                    .push((time, String::from_utf8_lossy(bits).into_owned()));
            }
            Ok::<(), std::convert::Infallible>(())
        })
        .unwrap();
    let of = |handle: usize| changes.get(&handle).cloned().unwrap_or_default();
    names.into_iter().map(|(name, width, handle)| (name, (width, of(handle.get_index())))).collect()
}

#[test]
fn a_waveform_has_the_hierarchy_and_every_change() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("counter.fst");
    let mut s = counter();
    s.set_reset(true);
    s.step();
    s.set_reset(false);
    s.wave_to(&path).unwrap();
    for _ in 0..4 {
        s.step();
    }
    s.finish_wave().unwrap();
    s.step();

    let waves = read(&path);
    let (width, count) = &waves["bench.inner.count"];
    assert_eq!(*width, 70);
    let numbers: Vec<_> =
        count.iter().map(|(time, bits)| (*time, u64::from_str_radix(bits, 2).unwrap())).collect();
    assert_eq!(numbers, [(10, 0), (20, 1), (30, 2), (40, 3)]);
    assert_eq!(waves["bench.count"].1, *count, "the port of the top shows the register");
    let bits = |name: &str| waves[name].1.iter().map(|(_, bits)| bits.as_str()).collect::<String>();
    assert_eq!(bits("bench.inner.even"), "1010");
    assert_eq!(bits("bench.inner.quiet"), "0", "what does not change is written once");
    assert_eq!(bits("bench.clk"), "10101010");
    assert_eq!(bits("bench.inner.clk"), "10101010");
    assert_eq!(bits("bench.rst"), "0");
}

#[test]
fn a_dropped_simulator_leaves_a_complete_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dropped.fst");
    let mut s = counter();
    s.wave_to(&path).unwrap();
    s.step();
    drop(s);
    assert!(read(&path).contains_key("bench.inner.busy"));
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let error = counter().wave_to("/nowhere/at/all.fst").unwrap_err().to_string();
    assert!(error.contains("/nowhere/at/all.fst") && error.contains("directory"), "{error}");
}
