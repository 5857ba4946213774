//! The coverage option reaches Verilator, and what it counts comes back.

use std::sync::Arc;

use stagecoach_cosim::engine::{CodeCoverage, Verilated};
use stagecoach_cosim::{EngineOptions, PortEngine};
use stagecoach_hdl::{Module, ModuleBuilder};
use stagecoach_verilator::CoverageData;

/// A register that takes its input only when told.
fn latch() -> Arc<Module> {
    let m = ModuleBuilder::new("latch", "");
    let (take, value) = (m.input("take", 1), m.input("value", 2));
    let held = m.register("held", 2).enabled_by(take);
    held.next(value);
    m.output("held_value", held.value());
    m.finish().expect("a sound design")
}

/// Runs a few cycles with these inputs; gives what was executed.
fn run(module: &Arc<Module>, coverage: CodeCoverage, take: u64) -> CoverageData {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("lines.dat");
    let options = EngineOptions { coverage, ..EngineOptions::default() };
    let mut engine = Verilated::new(module, options).expect("Verilator builds it");
    let layout = engine.layout();
    let (mut inputs, mut outputs) = (vec![0; layout.input_limbs], vec![0; layout.output_limbs]);
    let limb = |name: &str| layout.input(name).expect("a port").offset;
    let (take_limb, value_limb) = (limb("take"), limb("value"));
    inputs[take_limb] = take;
    for value in [1, 0, 1] {
        inputs[value_limb] = value;
        engine.cycle(&inputs, &mut outputs).expect("it runs");
    }
    engine.write_coverage(&file).expect("it counts");
    CoverageData::read(&file).expect("Verilator's own format")
}

#[test]
fn lines_and_bits_are_counted_as_far_as_asked() {
    let module = latch();
    let idle = run(&module, CodeCoverage::Lines, 0);
    let used = run(&module, CodeCoverage::LinesAndToggles, 1);
    let (idle, used) = (&idle.files["latch.v"], &used.files["latch.v"]);
    assert!(!idle.unhit_lines().is_empty(), "nothing was ever taken: {idle:?}");
    assert_eq!(idle.bits_toggled(), (0, 0), "only lines were asked for");
    assert!(used.unhit_lines().is_empty(), "{used:?}");
    let is_untoggled = |name: &str| used.untoggled_bits().iter().any(|bit| bit.starts_with(name));
    assert!(is_untoggled("value[1]") && !is_untoggled("value[0]"), "{used:?}");
}

#[test]
fn without_the_option_nothing_is_counted() {
    let mut engine = Verilated::new(&latch(), EngineOptions::default()).expect("Verilator builds it");
    let folder = tempfile::tempdir().expect("a folder");
    let error = engine.write_coverage(&folder.path().join("lines.dat")).expect_err("it does not count");
    assert!(error.to_string().contains("coverage"), "{error}");
}
