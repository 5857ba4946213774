//! Runs a batch of designs in the three simulators and compares every output of every cycle; natively, compiled and
//! interpreted, also every named value.

use std::fmt::Write;
use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use stagecoach_hdl::native::{self, Backend, PortLayout, PortSlot, Simulator};
use stagecoach_hdl::verilog::Family;
use stagecoach_hdl::{BigUint, Module};
use stagecoach_verilator::batch::Batch;
use stagecoach_verilator::icarus::{self, Job};
use stagecoach_verilator::{Error, Initial, Model, Optimise, Options, build, lint};

use crate::generate::{DEEPEST, LOAD_CYCLES};

/// A design and its stimulus.
pub struct Case {
    /// The design.
    pub module: Arc<Module>,
    /// Input limbs of each cycle.
    pub inputs: Vec<Vec<u64>>,
    /// First cycle that is compared.
    pub compared_from: usize,
}

/// Stimulus for each of `designs`: [`LOAD_CYCLES`] in reset while memories load, then `cycles` of anything. All
/// share the reset.
pub fn stimulate(designs: Vec<Arc<Module>>, cycles: usize, rng: &mut ChaCha8Rng) -> Vec<Case> {
    let total = LOAD_CYCLES + cycles;
    let resets: Vec<bool> = (0..total).map(|cycle| cycle < LOAD_CYCLES || rng.random_bool(0.03)).collect();
    let mut cases = Vec::new();
    for module in designs {
        let layout = PortLayout::of(&module);
        let mut inputs: Vec<Vec<u64>> = Vec::new();
        for (cycle, reset) in resets.iter().enumerate() {
            let is_loading = cycle < LOAD_CYCLES;
            let mut limbs = vec![0; layout.input_limbs];
            for slot in &layout.inputs {
                let value = &mut limbs[slot.offset..slot.offset + slot.limbs];
                match slot.name.as_str() {
                    "rst" => value[0] = u64::from(*reset),
                    "load" if is_loading => value[0] = 1,
                    "load" => value[0] = u64::from(rng.random_bool(0.1)),
                    "load_address" if is_loading => value[0] = cycle as u64 % u64::from(DEEPEST),
                    _ => {
                        let before =
                            inputs.last().map(|before| &before[slot.offset..slot.offset + slot.limbs]);
                        drive(value, slot, before, rng);
                    }
                }
            }
            inputs.push(limbs);
        }
        cases.push(Case { module, inputs, compared_from: LOAD_CYCLES });
    }
    cases
}

/// Zero, all ones, one bit, a small number, the value before, or anything.
fn drive(value: &mut [u64], slot: &PortSlot, before: Option<&[u64]>, rng: &mut ChaCha8Rng) {
    match (rng.random_range(0..8), before) {
        (0, _) => {}
        (1, _) => value.fill(u64::MAX),
        (2, _) => {
            let bit = rng.random_range(0..slot.width);
            value[(bit / 64) as usize] = 1 << (bit % 64);
        }
        (3, _) => value[0] = rng.random_range(0..=8),
        (4, Some(before)) => value.copy_from_slice(before),
        _ => value.iter_mut().for_each(|limb| *limb = rng.random()),
    }
    // Bits above the width are left in: every simulator must ignore them.
}

/// A random comparison may well be constant once its operands are known; Verilator says so.
const CONSTANT: &[&str] = &["UNSIGNED", "CMPCONST"];

/// The same meaning everywhere, or a report of the first difference. If a tool fails, the design that makes it
/// fail is searched for; one that trips a check inside Verilator itself is left out. Returns how many were.
pub fn compare(name: &str, cases: &[Case], seed: u64) -> Result<usize, String> {
    match run(name, cases, seed) {
        Ok(None) => Ok(0),
        Ok(Some((case, difference))) => Err(report(&format!("{name}: {difference}"), case)),
        Err(error) => match cases {
            [only] if error.to_string().contains("%Error: Internal Error") => {
                println!("left out {}: {error}", only.module.name);
                Ok(1)
            }
            [only] => Err(report(&format!("{name}: {error}"), only)),
            _ => {
                let (left, right) = cases.split_at(cases.len() / 2);
                let left_out =
                    compare(&format!("{name}_l"), left, seed)? + compare(&format!("{name}_r"), right, seed)?;
                if left_out == 0 { Err(format!("{name}, only as a whole: {error}")) } else { Ok(left_out) }
            }
        },
    }
}

fn report(what: &str, case: &Case) -> String {
    let mut report = format!("design {}, {what}\n", case.module.name);
    for file in build::sources(&case.module, Family::Generic, false) {
        let _ = writeln!(report, "---- {}\n{}", file.name, file.text);
    }
    report
}

/// The first case on which the simulators differ, and where.
fn run<'a>(name: &str, cases: &'a [Case], seed: u64) -> Result<Option<(&'a Case, String)>, Error> {
    let designs: Vec<_> = cases.iter().map(|case| case.module.clone()).collect();
    let batch = Batch::new(name, &designs)?;
    let sources = build::sources(&batch.top, Family::Generic, false);
    lint::verilator(&sources, name, CONSTANT)?;
    let verilator = in_verilator(&batch, cases, seed)?;
    let jobs: Vec<_> = cases
        .iter()
        .map(|case| Job { top: &case.module, inputs: &case.inputs, known_from: case.compared_from })
        .collect();
    let icarus = icarus::run_batch(&sources, &jobs)?;
    Ok(cases.iter().zip(verilator).zip(icarus).find_map(|((case, verilator), icarus)| {
        let native = in_process(case, seed, Backend::Compiled);
        let interpreted = in_process(case, seed, Backend::Interpreted);
        // Everything that has a name, from the first cycle on: both begin with the same state.
        if let Some(difference) = first_inside(&native, &interpreted) {
            return Some((case, difference));
        }
        let runs = [("native", &native.outputs), ("Verilator", &verilator), ("Icarus", &icarus)];
        first_difference(case, &runs).map(|difference| (case, difference))
    }))
}

/// What the native simulator shows.
pub struct Inside {
    /// Of each cycle.
    pub outputs: Vec<Vec<u64>>,
    /// Every named value after each cycle.
    values: Vec<Vec<(String, Option<BigUint>)>>,
}

/// The case in the native simulator.
pub fn in_process(case: &Case, seed: u64, backend: Backend) -> Inside {
    let options = native::Options { backend, ..native::Options::seeded(seed) };
    let mut simulator = Simulator::new(&case.module, options);
    assert_eq!(simulator.backend(), backend, "this machine has a compiler");
    let names: Vec<String> = simulator.names().collect();
    let width = PortLayout::of(&case.module).output_limbs;
    let mut inside = Inside { outputs: Vec::new(), values: Vec::new() };
    for inputs in &case.inputs {
        let mut outputs = vec![0; width];
        simulator.cycle(inputs, &mut outputs);
        inside.outputs.push(outputs);
        inside.values.push(names.iter().map(|name| (name.clone(), simulator.peek(name))).collect());
    }
    inside
}

/// The first difference between machine code and interpreter, in outputs or in named values.
fn first_inside(compiled: &Inside, interpreted: &Inside) -> Option<String> {
    let cycles = compiled.outputs.iter().zip(&interpreted.outputs);
    let values = compiled.values.iter().zip(&interpreted.values);
    cycles.zip(values).enumerate().find_map(|(cycle, ((outputs, expected), (values, known)))| {
        if outputs != expected {
            return Some(format!("cycle {cycle}: outputs {outputs:x?} compiled, {expected:x?} interpreted"));
        }
        let (value, expected) = values.iter().zip(known).find(|(value, expected)| value != expected)?;
        Some(format!("after cycle {cycle}: {value:x?} compiled, {expected:x?} interpreted"))
    })
}

fn in_verilator(batch: &Batch, cases: &[Case], seed: u64) -> Result<Vec<Vec<Vec<u64>>>, Error> {
    let options = Options { initial: Initial::Unique, optimise: Optimise::Quick, ..Options::default() };
    let library = build::build(&batch.top, options)?;
    let mut model = Model::load(&library, seed)?;
    let layout = library.layout();
    let mut results = vec![Vec::new(); cases.len()];
    let cycles = cases.iter().map(|case| case.inputs.len()).max().unwrap_or(0);
    for cycle in 0..cycles {
        let mut inputs = vec![0; layout.input_limbs];
        let mut outputs = vec![0; layout.output_limbs];
        for (case, range) in cases.iter().zip(&batch.inputs) {
            let own = &case.inputs[cycle];
            let has_reset = case.module.has_reset;
            if has_reset {
                inputs[0] = own[0];
            }
            inputs[range.clone()].copy_from_slice(&own[usize::from(has_reset)..]);
        }
        model.cycle(&inputs, &mut outputs)?;
        for (result, range) in results.iter_mut().zip(&batch.outputs) {
            result.push(outputs[range.clone()].to_vec());
        }
    }
    Ok(results)
}

type Run<'a> = (&'a str, &'a Vec<Vec<u64>>);

fn first_difference(case: &Case, runs: &[Run<'_>]) -> Option<String> {
    let layout = PortLayout::of(&case.module);
    for cycle in case.compared_from..case.inputs.len() {
        for slot in &layout.outputs {
            let of = |run: &Run<'_>| run.1[cycle][slot.offset..slot.offset + slot.limbs].to_vec();
            let first = of(&runs[0]);
            if runs[1..].iter().all(|run| of(run) == first) {
                continue;
            }
            let values: Vec<_> = runs.iter().map(|run| format!("{} {}", run.0, shown(&of(run)))).collect();
            let mut text = format!("cycle {cycle}, output `{}`: {}", slot.name, values.join(", "));
            for input in &layout.inputs {
                let value = &case.inputs[cycle][input.offset..input.offset + input.limbs];
                let _ = write!(text, "\n  input {} = {}", input.name, shown(value));
            }
            return Some(text);
        }
    }
    None
}

fn shown(limbs: &[u64]) -> String {
    limbs.iter().rev().map(|limb| format!("{limb:016x}")).collect::<Vec<_>>().join("_")
}
