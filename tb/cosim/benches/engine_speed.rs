//! Cycles per CPU-second of the native engine (machine code and interpreter) and of Verilator on preset `roce`, with the
//! same recorded stimulus, in one run: `cargo bench -p stagecoach-cosim --bench engine_speed`. Also how long the native
//! engine takes from a description to its first cycle, for each preset.
//!
//! Required: native / Verilator at least 0.5; ready within 100 ms for `tiny` and 500 ms for `cloud`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use stagecoach_cosim::pins::Pins;
use stagecoach_cosim::stimulus::{Script, Shape, Step};
use stagecoach_cosim::{EngineKind, EngineOptions, PortEngine, engine};
use stagecoach_hdl::Module;
use stagecoach_hdl::native::{Backend, Options, Simulator};
use stagecoach_spec::{Preset, Request};

/// Cycles that are recorded, then played again and again.
const RECORDED: usize = 4_096;
/// How long each engine is measured, per round.
const ROUND: Duration = Duration::from_millis(1_500);
/// Rounds; the engines take turns, so that a busy machine disturbs both alike.
const ROUNDS: usize = 3;

/// CPU time of this process, which is what counts on a shared machine. Where the system does not tell it, wall time.
fn cpu_time(since: Instant) -> Duration {
    let ticks = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| {
        // Fields 14 and 15 (user and system time, 100 a second), counted after the name in parentheses.
        let after_name = stat.rsplit_once(')')?.1.to_owned();
        let mut fields = after_name.split_whitespace().skip(11);
        Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
    });
    ticks.map_or_else(|| since.elapsed(), |ticks| Duration::from_millis(ticks * 10))
}

/// A request a cycle with noise beside it: what keeps every stage busy.
fn stimulus(engine: &dyn PortEngine) -> Vec<Vec<u64>> {
    let config = Preset::Roce.config();
    let pins = Pins::resolve(engine.layout(), &config).expect("the ports of the contract");
    let script = Script::random(&config, 1, Shape { requests: RECORDED, most_between: 200, fills: 0 });
    let requests: Vec<Request> = script
        .steps
        .iter()
        .filter_map(|step| if let Step::Request(request) = step { Some(*request) } else { None })
        .collect();
    let mut inputs = vec![0; engine.layout().input_limbs];
    let mut noise = ChaCha8Rng::seed_from_u64(1);
    let recorded = (0..RECORDED).map(|cycle| {
        pins.set_response_ready(&mut inputs, true);
        pins.offer_request(&mut inputs, &requests[cycle % requests.len()]);
        pins.withdraw_command(&mut inputs, || rand::RngCore::next_u64(&mut noise));
        pins.withdraw_retirement(&mut inputs, || rand::RngCore::next_u64(&mut noise));
        inputs.clone()
    });
    recorded.collect()
}

/// Resets and waits until initialisation is over.
fn initialise(engine: &mut dyn PortEngine) {
    let config = Preset::Roce.config();
    let pins = Pins::resolve(engine.layout(), &config).expect("the ports of the contract");
    let mut inputs = vec![0; engine.layout().input_limbs];
    let mut outputs = vec![0; engine.layout().output_limbs];
    for cycle in 0..u64::from(config.slots) + 100 {
        pins.set_reset(&mut inputs, cycle < 4);
        engine.cycle(&inputs, &mut outputs).expect("the engine runs");
    }
    assert!(pins.initialised(&outputs), "initialisation is over");
}

/// Cycles and CPU seconds of one round.
fn measure(engine: &mut dyn PortEngine, stimulus: &[Vec<u64>]) -> (u64, f64) {
    let mut outputs = vec![0; engine.layout().output_limbs];
    let started = Instant::now();
    let before = cpu_time(started);
    let mut cycles = 0;
    while started.elapsed() < ROUND {
        for inputs in stimulus {
            engine.cycle(inputs, &mut outputs).expect("the engine runs");
        }
        cycles += stimulus.len() as u64;
    }
    (cycles, (cpu_time(started) - before).as_secs_f64())
}

/// From the description to the first cycle: the shortest of three times, as others may use the machine.
fn report_readiness(preset: Preset, required: Option<u32>) {
    let started = Instant::now();
    let module = engine::describe(&preset.config()).expect("presets can be described");
    let described = started.elapsed();
    let times = (0..3).map(|seed| {
        let started = Instant::now();
        let mut engine = native(&module, Backend::Compiled, seed);
        let (inputs, mut outputs) =
            (vec![0; engine.layout().input_limbs], vec![0; engine.layout().output_limbs]);
        engine.cycle(&inputs, &mut outputs).expect("the engine runs");
        started.elapsed()
    });
    let ready = times.min().unwrap_or_default();
    let required = required.map_or_else(String::new, |most| format!(" (required: {most})"));
    println!(
        "{preset}: described in {:.0} ms, native engine ready in {:.0} ms{required}",
        described.as_secs_f64() * 1e3,
        ready.as_secs_f64() * 1e3
    );
}

fn native(module: &Arc<Module>, backend: Backend, seed: u64) -> Box<dyn PortEngine> {
    let options = EngineOptions { backend, seed, ..EngineOptions::default() };
    engine::open(EngineKind::Native, module, options).expect("the native engine needs no tool")
}

fn main() {
    for (preset, required) in [(Preset::Tiny, Some(100)), (Preset::Roce, None), (Preset::Cloud, Some(500))] {
        report_readiness(preset, required);
    }
    let config = Preset::Roce.config();
    let module = engine::describe(&config).expect("preset roce can be described");
    println!("{}", Simulator::new(&module, Options::default()).statistics());
    let fast = EngineOptions { fast: true, ..EngineOptions::default() };
    let verilated = engine::open(EngineKind::Verilator, &module, fast);
    let mut engines = vec![
        ("native, compiled", native(&module, Backend::Compiled, 0)),
        ("native, interpreted", native(&module, Backend::Interpreted, 0)),
    ];
    match verilated {
        Ok(engine) => engines.push(("verilator", engine)),
        Err(error) => println!("no comparison: {error}"),
    }
    let stimulus = stimulus(&*engines[0].1);
    engines.iter_mut().for_each(|(_, engine)| initialise(&mut **engine));
    let mut totals = vec![(0, 0.0); engines.len()];
    for _ in 0..ROUNDS {
        for (total, (_, engine)) in totals.iter_mut().zip(&mut engines) {
            let (cycles, seconds) = measure(&mut **engine, &stimulus);
            *total = (total.0 + cycles, total.1 + seconds);
        }
    }
    let rates: Vec<f64> = totals.iter().map(|(cycles, seconds)| *cycles as f64 / seconds).collect();
    for ((name, _), rate) in engines.iter().zip(&rates) {
        println!("{name:20} {rate:>10.0} cycles per CPU-second");
    }
    println!("compiled / interpreted: {:.2}", rates[0] / rates[1]);
    if let Some(verilator) = rates.get(2) {
        println!("native / verilator: {:.3} (required: 0.5)", rates[0] / verilator);
        println!("the native engine evaluates the hardware's assertions meanwhile, Verilator here does not");
    }
}
