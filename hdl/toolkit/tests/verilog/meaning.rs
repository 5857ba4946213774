//! The text means what the netlist means: Icarus Verilog against the native simulator.

use std::fmt::Write as _;
use std::sync::Arc;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use stagecoach_hdl::native::{Options, Simulator};
use stagecoach_hdl::netlist::Direction;
use stagecoach_hdl::verilog::Family;
use stagecoach_hdl::{BigUint, MemoryStyle, Module, ModuleBuilder};

use crate::designs;
use crate::tools::{Written, run};

/// Runs `cycles` random cycles, the first in reset, in both simulators; outputs are compared from cycle `from`.
fn same_meaning(design: &Arc<Module>, cycles: usize, from: usize) {
    same_meaning_for(design, Family::Generic, cycles, from);
}

fn same_meaning_for(design: &Arc<Module>, family: Family, cycles: usize, from: usize) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut native = Simulator::new(design, Options::seeded(1));
    let (mut bench, mut expected) = (String::from("module bench;\n"), Vec::new());
    let mut connections = Vec::new();
    for (name, there) in [("clk", design.has_clock), ("rst", design.has_reset)] {
        let _ = writeln!(bench, "reg {name} = 0;");
        connections.extend(there.then(|| format!(".{name}({name})")));
    }
    for port in &design.ports {
        let kind = if port.direction == Direction::Input { "reg" } else { "wire" };
        let _ = writeln!(bench, "{kind} [{}:0] {};", port.width - 1, port.name);
        connections.push(format!(".{0}({0})", port.name));
    }
    let _ = writeln!(bench, "{} dut({});\ninitial begin", design.name, connections.join(", "));
    for cycle in 0..cycles {
        let _ = writeln!(bench, "rst = {};", u32::from(cycle == 0));
        native.set_reset(cycle == 0);
        for port in design.ports.iter().filter(|port| port.direction == Direction::Input) {
            let (limbs, ones) = (port.width.div_ceil(64), random.random_range(0..4));
            let mut limbs: Vec<u64> = (0..limbs)
                .map(|_| match ones {
                    0 => random.random_range(0..4),
                    1 => u64::MAX,
                    _ => random.random(),
                })
                .collect();
            if port.width % 64 > 0
                && let Some(top) = limbs.last_mut()
            {
                *top &= (1 << (port.width % 64)) - 1;
            }
            native.set_wide(native.input(&port.name).expect("an input"), &limbs);
            let hex: String = limbs.iter().rev().map(|limb| format!("{limb:016x}")).collect();
            let _ = writeln!(bench, "{} = {}'h{hex};", port.name, limbs.len() * 64);
        }
        bench.push_str("#1 clk = 1; #1 clk = 0; #1;\n");
        native.step();
        native.evaluate();
        for port in design.ports.iter().filter(|port| port.direction == Direction::Output && cycle >= from) {
            let _ = writeln!(bench, "$display(\"{cycle} {} %0h\", {});", port.name, port.name);
            let limbs = native.get_wide(native.output(&port.name).expect("an output"));
            let value =
                limbs.iter().rev().fold(BigUint::ZERO, |value, limb| (value << 64) | BigUint::from(*limb));
            expected.push(format!("{cycle} {} {value:x}", port.name));
        }
    }
    bench.push_str("end\nendmodule\n");
    let written = Written::for_family(design, family);
    std::fs::write(written.folder.path().join("bench.v"), bench).expect("the folder is writable");
    let options = ["-g2005", "-s", "bench", "-o", "bench.vvp", "bench.v"];
    run(written.folder.path(), "iverilog", &[&options[..], &written.design()].concat());
    let said = run(written.folder.path(), "vvp", &["bench.vvp"]);
    let said: Vec<_> = said.lines().collect();
    assert_eq!(said.len(), expected.len(), "{}", design.name);
    for (verilog, native) in said.iter().zip(&expected) {
        assert_eq!(verilog, native, "{}: Verilog on the left, native on the right", design.name);
    }
}

#[test]
fn every_operator_means_the_same() {
    for width in [1, 2, 7, 8, 32, 33, 64, 65, 300] {
        same_meaning(&designs::operators(width), 40, 0);
    }
}

#[test]
fn small_designs_mean_the_same() {
    for design in [designs::feedback(), designs::awkward(), designs::widest()] {
        same_meaning(&design, 20, 1);
    }
    same_meaning(&designs::decide(), 200, 60);
}

/// Every cycle writes and reads one address, so all that shows is the noise.
#[test]
fn collisions_make_the_same_noise() {
    let styles = [MemoryStyle::Auto, MemoryStyle::Block, MemoryStyle::Distributed];
    let families = [(Family::Generic, 0), (Family::Ecp5, 1), (Family::Xilinx, 1), (Family::Ecp5, 2)];
    for ((width, latency), (family, style)) in
        [(5, 1), (32, 2), (64, 1), (100, 2)].into_iter().flat_map(|shape| families.map(|f| (shape, f)))
    {
        let m = ModuleBuilder::new("collide", "");
        let (write, read) = (m.input("write", 4), m.input("read", 4));
        let store = m.memory("store", width, 16).style(styles[style]);
        let store = if latency == 2 { store.output_register() } else { store };
        let data = m.concat(&[write.repeat(width / 4), m.zero(width % 4)]);
        store.write(m.bit(true), write, data);
        m.output("first", store.read("first_word", write));
        m.output("second", store.read_enabled("second_word", read.any(), write));
        same_meaning_for(&m.finish().expect("sound"), family, 60, 12);
    }
}
