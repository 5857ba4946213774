//! What the binding costs: cycles per CPU-second through [`Model::cycle`] against a C++ program that drives the same
//! Verilated model with the same stimulus and the same compiler options.
//!
//! ```sh
//! cargo run --release -p stagecoach-verilator --example shim_overhead
//! ```
//!
//! Both sides alternate in one run; the ratio is the median of the rounds' ratios, which a busy machine moves
//! least. Both must end with the same checksum.
//! Exit code 1 if the ratio is below 0.9, the project's limit.

use std::process::{Command, ExitCode};
use std::sync::Arc;

use stagecoach_hdl::native::PortLayout;
use stagecoach_hdl::netlist::Direction;
use stagecoach_hdl::{Module, ModuleBuilder};
use stagecoach_verilator::{Error, Model, Options, build, shim};

/// Cycles of one measurement.
const CYCLES: u64 = 1_000_000;
/// Measurements of each side.
const ROUNDS: usize = 15;
/// Least share of the C++ program's speed.
const LIMIT: f64 = 0.9;

/// A lookup of about the size of the preset `roce`: an associative memory of 64 keys of 128 bits, a table of 4096
/// regions behind it, a bounds check.
fn lookup() -> Arc<Module> {
    let m = ModuleBuilder::new("overhead_lookup", "A small lookup to measure the binding with.");
    let key = m.input("key", 128);
    let address = m.input("address", 64);
    let valid = m.input("valid", 1);
    let (write, write_index) = (m.input("write", 1), m.input("write_index", 12));
    let write_data = m.input("write_data", 200);
    let stored: Vec<_> = (0..64u32)
        .map(|entry| {
            let register = m.register(&format!("key_{entry}"), 128).reset_to(entry);
            let register = register.enabled_by(write & write_index.low(6).is(entry));
            register.next(key);
            register.value()
        })
        .collect();
    let hits: Vec<_> = stored.iter().rev().map(|stored| stored.equals(key)).collect();
    let hit = m.delay("hit", m.concat(&hits));
    let valid_1 = m.delay_reset("valid_1", valid);
    let address_1 = m.delay("address_1", address);
    let region = m.delay("region_1", m.input("region", 6));
    let index = m.concat(&[hit.one_hot_index(), region]);
    let entries = m.memory("entries", 200, 4096);
    entries.write(write, write_index, write_data);
    let entry = entries.read("entry", index);
    let found = m.delay_reset("found", hit.any() & valid_1);
    let address_2 = m.delay("address_2", address_1);
    let base = entry.low(64);
    let offset = address_2.sub_borrow(base);
    let inside = !offset.bit(64) & offset.low(64).less_than(entry.bits(64..128));
    let owner = m.delay("owner", entry.high(72));
    m.output("granted", m.delay_reset("granted", found & inside));
    m.output("translated", m.delay("translated", m.concat(&[offset.low(64), owner])));
    m.finish().expect("the description is sound")
}

/// A small generator that both languages write in a line.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// The stimulus; [`program`] writes the same in C++.
fn drive(layout: &PortLayout, cycle: u64, state: &mut u64, inputs: &mut [u64]) {
    let resets = usize::from(layout.has_reset);
    inputs[..resets].fill(u64::from(cycle < 4));
    inputs[resets..].iter_mut().for_each(|limb| *limb = next(state));
}

fn program(module: &Module) -> String {
    let layout = PortLayout::of(module);
    let (mut set, mut fold) = (String::new(), String::new());
    for slot in &layout.inputs {
        let (name, width) = (&slot.name, slot.width);
        if name == "rst" {
            set += "    top->rst = cycle < 4;\n";
        } else if width <= 64 {
            let mask = u64::MAX >> (64 - width);
            set += &format!("    top->{name} = next() & 0x{mask:x}ULL;\n");
        } else {
            for limb in 0..slot.limbs as u32 {
                set += &format!("    value = next(); top->{name}[{}] = (uint32_t)value;", limb * 2);
                if limb * 2 + 1 < width.div_ceil(32) {
                    set += &format!(" top->{name}[{}] = (uint32_t)(value >> 32);", limb * 2 + 1);
                }
                set += "\n";
            }
            if width % 32 != 0 {
                set +=
                    &format!("    top->{name}[{}] &= 0x{:x}U;\n", width / 32, u32::MAX >> (32 - width % 32));
            }
        }
    }
    for slot in &layout.outputs {
        let (name, width) = (&slot.name, slot.width);
        if width <= 64 {
            fold += &format!("    sum = sum * 31 + top->{name};\n");
            continue;
        }
        for limb in 0..slot.limbs as u32 {
            let high = if limb * 2 + 1 < width.div_ceil(32) {
                format!(" | (uint64_t)top->{name}[{}] << 32", limb * 2 + 1)
            } else {
                String::new()
            };
            fold += &format!("    sum = sum * 31 + (top->{name}[{}]{high});\n", limb * 2);
        }
    }
    assert!(module.ports.iter().any(|port| port.direction == Direction::Output));
    format!(
        "#include \"{class}.h\"\n#include \"verilated.h\"\n#include <cinttypes>\n#include <cstdint>\n#include <cstdio>\n\
         #include <ctime>\n#include <memory>\n\
         static uint64_t state = 1;\n\
         static inline uint64_t next() {{ state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }}\n\
         static double now() {{ timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec * 1e-9; }}\n\
         int main() {{\n    std::unique_ptr<VerilatedContext> context{{new VerilatedContext}};\n    \
         std::unique_ptr<{class}> top{{new {class}{{context.get()}}}};\n    uint64_t value = 0, sum = 0;\n    (void)value;\n    \
         const double start = now();\n    \
         for (uint64_t cycle = 0; cycle < {CYCLES}; ++cycle) {{\n{set}    top->clk = 0; top->eval();\n{fold}    \
         top->clk = 1; top->eval();\n    }}\n    \
         std::printf(\"%.9f %\" PRIu64 \"\\n\", now() - start, sum);\n    top->final();\n}}\n",
        class = shim::CLASS
    )
}

/// CPU seconds of this process so far.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0) * 1e-9
}

fn through_binding(model: &mut Model, layout: &PortLayout) -> Result<(f64, u64), Error> {
    let (mut inputs, mut outputs) = (vec![0; layout.input_limbs], vec![0; layout.output_limbs]);
    let (mut state, mut sum) = (1, 0u64);
    let start = cpu_seconds();
    for cycle in 0..CYCLES {
        drive(layout, cycle, &mut state, &mut inputs);
        model.cycle(&inputs, &mut outputs)?;
        sum = outputs.iter().fold(sum, |sum, limb| sum.wrapping_mul(31).wrapping_add(*limb));
    }
    Ok((cpu_seconds() - start, sum))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn measure() -> Result<f64, Box<dyn std::error::Error>> {
    let module = lookup();
    let options = Options::default();
    let library = build::build(&module, options)?;
    let program = build::build_program(
        &build::sources(&module, options.family, false),
        &module,
        options,
        &program(&module),
    )?;
    let (mut rust, mut cpp) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (seconds, sum) = through_binding(&mut Model::load(&library, 0)?, library.layout())?;
        rust.push(CYCLES as f64 / seconds);
        let output = Command::new(&program).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut words = text.split_whitespace();
        let seconds: f64 = words.next().unwrap_or_default().parse()?;
        let expected: u64 = words.next().unwrap_or_default().parse()?;
        if sum != expected {
            return Err(
                format!("round {round}: checksum {sum} through the binding, {expected} in C++").into()
            );
        }
        cpp.push(CYCLES as f64 / seconds);
    }
    let ratio = median(rust.iter().zip(&cpp).map(|(rust, cpp)| rust / cpp).collect());
    let (rust, cpp) = (median(rust), median(cpp));
    println!("{CYCLES} cycles, {ROUNDS} alternating rounds, medians of CPU time");
    println!("binding    {:8.3} M cycles/CPU-s", rust / 1e6);
    println!("plain C++  {:8.3} M cycles/CPU-s", cpp / 1e6);
    println!("ratio      {:8.3}   (limit {LIMIT})", ratio);
    Ok(ratio)
}

fn main() -> ExitCode {
    match measure() {
        Ok(ratio) if ratio >= LIMIT => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
