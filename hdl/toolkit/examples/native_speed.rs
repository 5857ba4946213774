//! Cycles per CPU-second of the native simulator on a design like the mapping unit with preset `roce`:
//! a register CAM of 64 x 128 bits, two memories, and 20 stages of about 250 bits of payload.
//!
//! `cargo run --release -p stagecoach-hdl --example native_speed [cycles]`

use std::sync::Arc;
use std::time::Instant;

use stagecoach_hdl::native::{Options, Simulator};
use stagecoach_hdl::{Module, ModuleBuilder, Signal};

const ENTRIES: u32 = 64;

/// Registers and comparators; a hit vector one cycle later, the index of the hit after another.
fn cam() -> Arc<Module> {
    let m = ModuleBuilder::new("cam", "Register CAM.");
    let key = m.input("key", 128);
    let write = m.input("write", 1);
    let index = m.input("index", 6);
    let entry_key = m.delay("entry_key", m.input("entry_key_in", 128));
    let write_entry = m.delay("write_entry", index.decode(ENTRIES) & write.repeat(ENTRIES));
    let hits: Vec<_> = (0..ENTRIES)
        .map(|entry| {
            let enable = write_entry.bit(entry);
            let stored = m.register(&format!("entry{entry}"), 128).enabled_by(enable);
            stored.next(entry_key);
            let valid = m.register(&format!("valid{entry}"), 1).enabled_by(enable).reset_to(0u32);
            valid.next(m.bit(true));
            stored.value().equals(key) & valid.value()
        })
        .rev()
        .collect();
    let hits = m.delay("hits", m.concat(&hits));
    m.output("hit", m.delay("hit_late", hits.any()));
    m.output("entry", m.delay("entry", hits.one_hot_index()));
    m.finish().expect("the CAM is sound")
}

/// One pipeline stage: passes its fields on, changing a few.
fn stage<'m>(
    m: &'m ModuleBuilder,
    number: usize,
    valid: Signal<'m>,
    fields: &[Signal<'m>],
) -> Vec<Signal<'m>> {
    m.section(&format!("stage {number}"));
    let changed = number % fields.len();
    let next: Vec<_> = fields
        .iter()
        .enumerate()
        .map(|(position, field)| {
            let name = format!("field{position}_{number}");
            if position != changed {
                return m.delay(&name, *field);
            }
            let other = fields[(position + 1) % fields.len()];
            let width = field.width().min(other.width());
            let wrong = field.low(width).less_than(other.low(width));
            let sum = *field + other.low(width).zero_extend(field.width());
            m.delay(&name, (wrong & valid).select(sum, *field))
        })
        .collect();
    next
}

fn design() -> Arc<Module> {
    let m = ModuleBuilder::new("speed", "CAM, memories and a pipeline.");
    let request = m.input("request", 1);
    let key = m.input("key", 128);
    let widths = [64, 64, 32, 24, 16, 13, 12, 8, 8, 4, 3, 1];
    let mut fields: Vec<_> = widths
        .iter()
        .enumerate()
        .map(|(n, width)| m.delay(&format!("in{n}"), m.input(&format!("field{n}"), *width)))
        .collect();
    let binding = m.instance("binding", &cam());
    binding.input("key", m.delay("key_now", key));
    binding.input("write", m.input("write", 1));
    binding.input("index", m.input("index", 6));
    binding.input("entry_key_in", m.input("entry_key", 128));
    let mut valid = m.delay_reset("valid_in", request);
    for number in 0..20 {
        fields = stage(&m, number, valid, &fields);
        valid = m.delay_reset(&format!("valid{number}"), valid);
        if number == 2 {
            valid = valid & binding.output("hit");
            fields[6] = fields[6] ^ binding.output("entry").zero_extend(12);
        }
        if number == 5 || number == 12 {
            let (width, depth) = if number == 5 { (200, 4096) } else { (40, 16384) };
            let memory = m.memory(&format!("pool{number}"), width, depth).output_register();
            let address = fields[0].low(depth.trailing_zeros());
            memory.write(valid & fields[11], address, fields[0].repeat(4).low(width));
            let word = memory.read(&format!("word{number}"), address + fields[2].low(address.width()));
            let part = word.bits(32..word.width()).parity();
            fields[1] = fields[1] ^ word.low(32).repeat(2);
            fields[0] = fields[0] ^ part.zero_extend(64);
        }
    }
    m.output("valid", valid);
    for (number, field) in fields.iter().enumerate() {
        m.output(&format!("out{number}"), *field);
    }
    m.finish().expect("the design is sound")
}

/// CPU time of this process in seconds, where the system tells it; else wall-clock time.
fn seconds(start: Instant) -> f64 {
    std::fs::read_to_string("/proc/self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or_else(|| start.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

fn main() {
    let cycles: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(300_000);
    let module = design();
    let nodes: usize = module.hierarchy().iter().map(|module| module.nodes.len()).sum();
    let start = Instant::now();
    let mut simulator = Simulator::new(&module, Options::default());
    println!("{nodes} nodes ready after {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let layout = simulator.layout().clone();
    let mut inputs = vec![0; layout.input_limbs];
    let mut outputs = vec![0; layout.output_limbs];
    let before = seconds(start);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut checksum = 0u64;
    for cycle in 0..cycles {
        for limb in &mut inputs {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            *limb = random;
        }
        inputs[0] = u64::from(cycle < 2);
        simulator.cycle(&inputs, &mut outputs);
        checksum = outputs.iter().fold(checksum, |sum, limb| sum.rotate_left(5) ^ limb);
    }
    let spent = seconds(start) - before;
    println!("{cycles} cycles in {spent:.3} CPU-seconds: {:.0} cycles per CPU-second", cycles as f64 / spent);
    println!("{}", simulator.statistics());
    println!("checksum {checksum:016x}");
}
