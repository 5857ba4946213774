//! The native simulator on small designs, each showing one rule.

use std::sync::Arc;

use num_bigint::BigUint;
use stagecoach_hdl::native::{Failure, Options, Simulator, Start};
use stagecoach_hdl::noise::{DEFAULT_SEED, Noise};
use stagecoach_hdl::{Module, ModuleBuilder};

fn simulator(m: ModuleBuilder) -> Simulator {
    Simulator::new(&m.finish().unwrap_or_else(|error| panic!("{error}")), Options::default())
}

/// Sets inputs by name, steps once.
fn step(simulator: &mut Simulator, inputs: &[(&str, u64)]) {
    for (name, value) in inputs {
        let input = simulator.input(name).unwrap();
        simulator.set(input, *value);
    }
    simulator.step();
}

fn get(simulator: &mut Simulator, name: &str) -> u64 {
    let output = simulator.output(name).unwrap();
    simulator.get(output)
}

#[test]
fn reset_beats_enable_and_enable_holds() {
    let m = ModuleBuilder::new("held", "");
    let register = m.register("held", 8).reset_to(7u32).enabled_by(m.input("enable", 1));
    register.next(m.input("value", 8));
    m.output("shown", register.value());
    let mut s = simulator(m);
    s.set_reset(true);
    step(&mut s, &[("enable", 0), ("value", 1)]);
    assert_eq!(get(&mut s, "shown"), 7, "reset without enable");
    step(&mut s, &[("enable", 1), ("value", 2)]);
    assert_eq!(get(&mut s, "shown"), 7, "reset with enable");
    s.set_reset(false);
    step(&mut s, &[("enable", 0), ("value", 3)]);
    assert_eq!(get(&mut s, "shown"), 7);
    step(&mut s, &[("enable", 1), ("value", 4)]);
    assert_eq!(get(&mut s, "shown"), 4);
    assert_eq!(s.cycles(), 4);
}

#[test]
fn registers_exchange_their_values_in_one_edge() {
    let m = ModuleBuilder::new("exchange", "");
    let (a, b) = (m.register("a", 100).reset_to(1u32), m.register("b", 100).reset_to(2u32));
    let swap = m.input("swap", 1);
    let (a, b) = (a.enabled_by(swap), b.enabled_by(swap));
    a.next(b.value());
    b.next(a.value());
    m.output("first", a.value());
    m.output("second", b.value());
    let mut s = simulator(m);
    s.set_reset(true);
    s.step();
    s.set_reset(false);
    for expected in [(2, 1), (1, 2)] {
        step(&mut s, &[("swap", 1)]);
        assert_eq!((get(&mut s, "first"), get(&mut s, "second")), expected);
    }
    step(&mut s, &[("swap", 0)]);
    assert_eq!((get(&mut s, "first"), get(&mut s, "second")), (1, 2));
}

#[test]
fn bits_above_an_inputs_width_are_ignored() {
    let m = ModuleBuilder::new("masked", "");
    m.output("wide", m.delay("a", m.input("wide_in", 68)));
    m.output("narrow", m.delay("b", m.input("narrow_in", 3)));
    let mut s = simulator(m);
    let (wide, narrow) = (s.input("wide_in").unwrap(), s.input("narrow_in").unwrap());
    assert_eq!((s.input_width(wide), s.input_width(narrow)), (68, 3));
    s.set_wide(wide, &[u64::MAX, u64::MAX, u64::MAX]);
    s.set(narrow, u64::MAX);
    s.step();
    let shown = s.output("wide").unwrap();
    assert_eq!(s.get_wide(shown), [u64::MAX, 0xf]);
    assert_eq!(get(&mut s, "narrow"), 7);
    s.set_wide(wide, &[5]);
    s.step();
    assert_eq!(s.get_wide(shown), [5, 0], "missing limbs are zero");
    let mut outputs = [0; 3];
    s.cycle(&[u64::MAX; 3], &mut outputs);
    assert_eq!(outputs, [5, 0, 7], "sampled before the edge");
    s.cycle(&[0; 3], &mut outputs);
    assert_eq!(outputs, [u64::MAX, 0xf, 7]);
}

fn memory(latency: u32) -> Simulator {
    let m = ModuleBuilder::new("ram", "");
    let memory = m.memory("store", 72, 16);
    let memory = if latency == 2 { memory.output_register() } else { memory };
    memory.write(m.input("write", 1), m.input("write_address", 4), m.input("data", 72));
    let read = memory.read_enabled("word", m.input("read", 1), m.input("read_address", 4));
    m.output("shown", read);
    let always = memory.read("word2", m.input("other_address", 4));
    m.output("shown2", always);
    simulator(m)
}

#[test]
fn a_memory_shows_a_word_after_its_latency() {
    for latency in [1, 2] {
        let mut s = memory(latency);
        let off = [("write", 0), ("read", 0), ("other_address", 15)];
        step(&mut s, &[("write", 1), ("write_address", 3), ("data", 0x33), ("read", 0), ("read_address", 3)]);
        step(&mut s, &off);
        step(&mut s, &[("read", 1), ("read_address", 3)]);
        if latency == 2 {
            step(&mut s, &off);
        }
        assert_eq!(get(&mut s, "shown"), 0x33, "latency {latency}");
        step(&mut s, &[("read", 0), ("read_address", 4)]);
        assert_eq!(get(&mut s, "shown"), 0x33, "kept while the read enable is low");
    }
}

#[test]
fn a_collision_reads_the_noise_that_every_simulator_reads() {
    let mut s = memory(1);
    let mut noise = Noise::new(DEFAULT_SEED);
    for collision in 0..5u64 {
        let both = [("write", 1), ("write_address", 9), ("read_address", 9), ("data", collision)];
        step(&mut s, &both);
        step(&mut s, &[("read", 1), ("other_address", 2), ("write", 1)]);
        let shown = s.output("shown").unwrap();
        let bits = u64::from(noise.bits());
        assert_eq!(s.get_wide(shown), [bits << 32 | bits, bits & 0xff], "collision {collision}");
        noise.step();
        // The write happened all the same, and no other access counts as a collision.
        step(&mut s, &[("write", 0)]);
        assert_eq!(s.get_wide(shown), [collision, 0]);
        step(&mut s, &[("write", 1), ("write_address", 8)]);
        assert_eq!(s.get_wide(shown), [collision, 0]);
        step(&mut s, &[("read", 0), ("write_address", 9)]);
        assert_eq!(s.get_wide(shown), [collision, 0], "no collision without a read");
    }
}

#[test]
fn another_noise_seed_gives_other_noise() {
    let m = ModuleBuilder::new("ram", "");
    let address = m.input("address", 4);
    let store = m.memory("store", 8, 16);
    store.write(m.input("write", 1), address, m.input("data", 8));
    m.output("shown", store.read("word", address));
    let module = m.finish().unwrap();
    let mut s = Simulator::new(&module, Options { noise_seed: 0xabcd_ef42, ..Options::default() });
    step(&mut s, &[("write", 1)]);
    assert_eq!(get(&mut s, "shown"), 0x42);
}

/// An adder whose output follows its inputs in the same cycle.
fn adder() -> Arc<Module> {
    let m = ModuleBuilder::new("adder", "");
    let (a, b) = (m.input("a", 16), m.input("b", 16));
    m.output("sum", (a + b).named("total"));
    m.combinational_path("a", "sum");
    m.combinational_path("b", "sum");
    m.finish().unwrap()
}

#[test]
fn values_pass_through_instances_and_forward_wires_within_a_cycle() {
    let m = ModuleBuilder::new("chain", "");
    let adder = adder();
    let (first, second) = (m.instance("first", &adder), m.instance("second", &adder));
    // Described before what drives it.
    let middle = m.wire("middle", 16);
    second.input("a", middle).input("b", middle);
    let a = m.input("a", 16);
    first.input("a", a).input("b", m.constant(16, 3u32));
    middle.drive(first.output("sum"));
    m.output("result", second.output("sum"));
    m.combinational_path("a", "result");
    let mut s = simulator(m);
    let a = s.input("a").unwrap();
    for value in [0, 1, 40_000, 65_535] {
        s.set(a, value);
        s.evaluate();
        assert_eq!(get(&mut s, "result"), (value + 3) * 2 % 65_536);
        assert_eq!(s.peek("first.total"), Some(BigUint::from((value + 3) % 65_536)));
        assert_eq!(s.peek("middle"), s.peek("second.a"));
    }
    assert_eq!(s.peek("third.total"), None);
    assert_eq!(s.input("result"), None, "an output is no input");
    assert_eq!(s.output("a"), None, "an input is no output");
    assert_eq!(s.input("rst"), None, "set_reset() is for that");
}

#[test]
fn the_widest_values_work() {
    let m = ModuleBuilder::new("wide", "");
    let (a, b) = (m.input("a", 4096), m.input("b", 4096));
    let amount = m.input("amount", 12);
    m.output("sum", m.delay("sum_q", a + b));
    m.output("shifted", m.delay("shifted_q", a.shift_left(amount)));
    m.output("less", m.delay("less_q", a.less_than(b)));
    m.output("turned", m.delay("turned_q", m.concat(&[a.low(4095), a.bit(4095)])));
    let mut s = simulator(m);
    let one = BigUint::from(1u32);
    let modulus = &one << 4096u32;
    let x = &modulus - 12_345u32;
    let y = (&one << 2048u32) + 77u32;
    for (name, value) in [("a", &x), ("b", &y)] {
        let input = s.input(name).unwrap();
        s.set_wide(input, &value.to_u64_digits());
    }
    step(&mut s, &[("amount", 1001)]);
    assert_eq!(s.peek("sum"), Some((&x + &y) % &modulus));
    assert_eq!(s.peek("shifted"), Some((&x << 1001u32) % &modulus));
    assert_eq!(s.peek("less"), Some(BigUint::ZERO));
    assert_eq!(s.peek("turned"), Some(((&x << 1u32) % &modulus) + &one));
}

#[test]
fn start_contents_follow_the_seed() {
    let m = ModuleBuilder::new("start", "");
    let held = m.register("held", 100).enabled_by(m.input("enable", 1));
    held.next(m.input("value", 100));
    m.output("shown", held.value());
    let store = m.memory("store", 40, 8);
    store.write(m.input("write", 1), m.input("to", 3), m.input("data", 40));
    m.output("word_shown", store.read("word", m.input("from", 3)));
    let module = m.finish().unwrap();
    let look = |start: Start| {
        let mut s = Simulator::new(&module, Options { start, ..Options::default() });
        let mut seen = vec![s.peek("shown").unwrap(), s.peek("word").unwrap()];
        for address in 0..8 {
            step(&mut s, &[("from", address)]);
            seen.push(s.peek("word").unwrap());
        }
        seen
    };
    let (one, two) = (look(Start::Random { seed: 1 }), look(Start::Random { seed: 2 }));
    assert_eq!(one, look(Start::Random { seed: 1 }));
    assert!(one.iter().zip(&two).all(|(one, two)| one != two), "{one:?} {two:?}");
    assert!(one[0].bits() <= 100 && one[1..].iter().all(|word| word.bits() <= 40));
    assert!(look(Start::Zeros).iter().all(|value| *value == BigUint::ZERO));
}

#[test]
fn failures_and_covers_are_reported_out_of_reset_only() {
    let m = ModuleBuilder::new("checked", "");
    let level = m.delay_reset("level", m.input("level_in", 4));
    m.assert_always("level_below_10", level.less_than(m.constant(4, 10u32)), "the queue has ten places");
    m.cover("level_is_5", level.is(5u32), "half full");
    m.output("shown", level);
    let child = m.finish().unwrap();
    let m = ModuleBuilder::new("around", "");
    let inner = m.instance("inner", &child);
    inner.input("level_in", m.input("level_in", 4));
    m.output("shown", inner.output("shown"));
    let module = m.finish().unwrap();

    let run = |options: Options| {
        let mut s = Simulator::new(&module, options);
        for (reset, level) in [(0, 12), (0, 12), (1, 11), (0, 5), (0, 5), (0, 12), (0, 3), (1, 12), (0, 0)] {
            s.set_reset(reset == 1);
            step(&mut s, &[("level_in", level)]);
        }
        s
    };
    let s = run(Options::default());
    let failure = Failure {
        path: "inner".to_owned(),
        name: "level_below_10".to_owned(),
        doc: "the queue has ten places".to_owned(),
        cycle: 6,
    };
    assert_eq!(s.failures(), [failure]);
    assert_eq!(s.cover_counts(), [("inner.level_is_5".to_owned(), 2)]);
    let s = run(Options { properties: false, ..Options::default() });
    assert!(s.failures().is_empty() && s.cover_counts().is_empty());
}
