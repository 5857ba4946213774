//! The RAM wrappers of every device family show what the native simulator's memories show, garbage included: every
//! depth up to several banks of blocks, every width of a block, one and two read ports, with and without output
//! register. Verilator and Icarus Verilog, over models of the families' primitives.

use std::sync::Arc;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use stagecoach_hdl::native::{self, PortLayout, Simulator};
use stagecoach_hdl::verilog::Family;
use stagecoach_hdl::{MemoryStyle, Module, ModuleBuilder};
use stagecoach_verilator::icarus::{self, Job};
use stagecoach_verilator::{Error, Initial, Model, Optimise, Options, SourceFile, build};

/// Widest word.
const DATA: u32 = 73;
/// Widest address: four banks of the deepest block.
const ADDRESS: u32 = 16;
/// Addresses in use, so that reads meet written words, and often the word that is written.
const PLACES: usize = 12;
const CYCLES: usize = 500;

/// Memories of many shapes behind the same ports.
fn memories() -> Arc<Module> {
    let m = ModuleBuilder::new("memories", "Memories of many shapes.");
    let (enable, address, data) =
        (m.input("write", 1), m.input("write_address", ADDRESS), m.input("data", DATA));
    let read_enables = [m.input("read_0", 1), m.input("read_1", 1)];
    let read_addresses = [m.input("address_0", ADDRESS), m.input("address_1", ADDRESS)];
    let store = |bits: u32, width: u32, latency: u32, reads: usize, style: MemoryStyle| {
        let name = format!("{style:?}_{bits}_{width}_{latency}_{reads}").to_lowercase();
        let words = m.memory(&name, width, 1 << bits).style(style);
        let words = if latency == 2 { words.output_register() } else { words };
        words.write(enable, address.low(bits), data.low(width));
        for port in 0..reads {
            let word = format!("{name}_word_{port}");
            let word = words.read_enabled(&word, read_enables[port], read_addresses[port].low(bits));
            m.output(&format!("{name}_shown_{port}"), word);
        }
    };
    let widths = [1, 36, 5, 73, 18, 9, 40, 19];
    for bits in 1..=ADDRESS {
        let width = widths[bits as usize % widths.len()];
        let other = widths[(bits as usize + 3) % widths.len()];
        store(bits, width, 1 + bits % 2, 1, MemoryStyle::Block);
        store(bits, other, 2 - bits % 2, 2 - bits as usize % 2, MemoryStyle::Block);
    }
    for (bits, reads) in [(6, 1), (7, 1), (6, 2), (7, 2)] {
        store(bits, 33, 2, reads, MemoryStyle::Auto);
        store(bits, 12, 1, reads, MemoryStyle::Distributed);
    }
    m.finish().expect("sound")
}

/// Inputs of each cycle. The first `PLACES` cycles write every place, the next ones read without writing.
fn stimulus(layout: &PortLayout) -> Vec<Vec<u64>> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let places: Vec<u64> = (0..PLACES).map(|_| random.random_range(0..1 << ADDRESS)).collect();
    let one_cycle = |cycle: usize| {
        let mut limbs = vec![0; layout.input_limbs];
        let mut set = |name: &str, values: &[u64]| {
            let slot = layout.input(name).expect("an input");
            limbs[slot.offset..slot.offset + slot.limbs].copy_from_slice(values);
        };
        let (is_filling, is_settling) = (cycle < PLACES, (PLACES..PLACES + 3).contains(&cycle));
        set("write", &[u64::from(is_filling || !is_settling && random.random_bool(0.6))]);
        let place = if is_filling { cycle } else { random.random_range(0..PLACES) };
        set("write_address", &[places[place]]);
        set("data", &[random.random(), random.random_range(0..1 << (DATA - 64))]);
        for port in 0..2 {
            set(&format!("read_{port}"), &[u64::from(is_settling || !is_filling && random.random_bool(0.7))]);
            set(&format!("address_{port}"), &[places[random.random_range(0..PLACES)]]);
        }
        limbs
    };
    (0..CYCLES).map(one_cycle).collect()
}

/// From here on every output shows a word that was written, or garbage.
const KNOWN_FROM: usize = PLACES + 3;

#[test]
fn every_family_shows_what_the_native_memories_show() {
    let module = memories();
    let layout = PortLayout::of(&module);
    let inputs = stimulus(&layout);
    let mut simulator = Simulator::new(&module, native::Options::seeded(7));
    let mut expected = vec![vec![0; layout.output_limbs]; CYCLES];
    for (inputs, outputs) in inputs.iter().zip(&mut expected) {
        simulator.cycle(inputs, outputs);
    }
    let same = |shown: &[u64], cycle: usize, by: &str| {
        for slot in &layout.outputs {
            let limbs = slot.offset..slot.offset + slot.limbs;
            assert_eq!(
                shown[limbs.clone()],
                expected[cycle][limbs],
                "{} in cycle {cycle} by {by}, native on the right",
                slot.name
            );
        }
    };
    for family in Family::ALL {
        let options =
            Options { family, initial: Initial::Unique, optimise: Optimise::Quick, ..Options::default() };
        let library = build::build(&module, options).expect("Verilator builds it");
        let mut model = Model::load(&library, 3).expect("it loads");
        let mut shown = vec![0; layout.output_limbs];
        for (cycle, inputs) in inputs.iter().enumerate() {
            model.cycle(inputs, &mut shown).expect("it runs");
            if cycle >= KNOWN_FROM {
                same(&shown, cycle, &format!("Verilator for {family:?}"));
            }
        }
        let files = build::sources(&module, family, false);
        let job = Job { top: &module, inputs: &inputs, known_from: KNOWN_FROM };
        let all = icarus::run_batch(&files, &[job]).expect("Icarus Verilog runs it");
        for (cycle, shown) in all[0].iter().enumerate().skip(KNOWN_FROM) {
            same(shown, cycle, &format!("Icarus Verilog for {family:?}"));
        }
    }
}

/// A memory of 512 words of 20 bits in one block.
fn one_block() -> Arc<Module> {
    let m = ModuleBuilder::new("one_block", "");
    let words = m.memory("words", 20, 512).style(MemoryStyle::Block).output_register();
    words.write(m.input("write", 1), m.input("write_address", 9), m.input("data", 20));
    m.output("shown", words.read("word", m.input("address", 9)));
    m.finish().expect("sound")
}

/// Runs writes of an address and reads of it with `from` replaced by `to` in the wrapper over blocks.
fn run_changed(from: &str, to: &str) -> Result<Vec<Vec<u64>>, Error> {
    let module = one_block();
    let layout = PortLayout::of(&module);
    let mut files: Vec<SourceFile> = build::sources(&module, Family::Ecp5, false);
    let wrapper = files.iter_mut().find(|file| file.name == "ram_dp16kd_one_read.v").expect("a wrapper");
    assert!(wrapper.text.contains(from), "`{from}` is not in the wrapper");
    wrapper.text = wrapper.text.replacen(from, to, 1);
    let cycle = |write: u64, address: u64| {
        let mut limbs = vec![0; layout.input_limbs];
        for (name, value) in [("write", write), ("data", 0xa_5a5a), ("address", address)] {
            limbs[layout.input(name).expect("an input").offset] = value;
        }
        limbs
    };
    // Address 0 is written while another one is read.
    let inputs = [cycle(1, 1), cycle(0, 0), cycle(0, 0), cycle(0, 0)];
    let job = Job { top: &module, inputs: &inputs, known_from: 3 };
    Ok(icarus::run_batch(&files, &[job])?.remove(0))
}

#[test]
fn the_model_of_a_block_refuses_what_it_does_not_model() {
    assert_eq!(run_changed("clk", "clk").expect("the wrapper as it is")[3], [0xa_5a5a]);
    for (from, to) in [
        (".RESETMODE          (\"SYNC\")", ".RESETMODE          (\"ASYNC\")"),
        (".WRITEMODE_B        (\"NORMAL\")", ".WRITEMODE_B        (\"WRITETHROUGH\")"),
        (".CSDECODE_B         (\"0b000\")", ".CSDECODE_B         (\"0b001\")"),
        (".CLKBMUX            (\"CLKB\")", ".CLKBMUX            (\"INV\")"),
        (".GSR                (\"DISABLED\")", ".GSR                (\"ENABLED\")"),
        (".DATA_WIDTH_B       (BLOCK)", ".DATA_WIDTH_B       (18)"),
        (".REGMODE_A          ((OUTPUT_REGISTER != 0) ? \"OUTREG\" : \"NOREG\")", ".REGMODE_A (\"NOREG\")"),
        (".RSTB(1'b0)", ".RSTB(1'b1)"),
        (".CSA1(1'b0)", ".CSA1(1'b1)"),
        (".OCEB(1'b1)", ".OCEB(1'b0)"),
        (".WEB(1'b0)", ".WEB(1'b1)"),
        ("14'd15", "14'd7"),
    ] {
        let outcome = run_changed(from, to);
        assert!(matches!(outcome, Err(Error::Unknown { .. })), "{to}: {outcome:?}");
    }
}
