//! Small designs that between them use everything the toolkit has.

use std::sync::Arc;

use stagecoach_hdl::{BigUint, Enumeration, MemoryStyle, Module, ModuleBuilder, Signal, bundle, wire};

/// Every operator on operands of `width` bits.
pub fn operators(width: u32) -> Arc<Module> {
    let m = ModuleBuilder::new(&format!("operators_{width}"), "Every operator.");
    let (a, b, c) = (m.input("a", width), m.input("b", width), m.input("c", 1));
    let amount = m.input("amount", 32.min(width));
    let top = m.constant(width, (BigUint::from(1u32) << width) - 1u32);
    let zero = m.zero(width);
    let mut results: Vec<(&str, Signal<'_>)> = vec![
        ("bitwise", (a & b) ^ (a | !b)),
        ("sum", a + b + a),
        ("difference", a - b - a),
        ("mixed", a - (b - a) + (b & a)),
        ("compared", m.concat(&[a.equals(b), a.differs(b), a.less_than(b), a.at_most(b)])),
        ("settled", m.concat(&[a.at_least(zero), a.less_than(zero), a.at_most(top), a.greater_than(top)])),
        ("borders", m.concat(&[zero.less_than(a), a.less_than(top), a.at_most(zero), a.at_least(top)])),
        ("shifted", a.shift_left(amount) ^ a.shift_right(amount)),
        ("reduced", m.concat(&[a.any(), a.all(), a.parity(), (a & b).any(), m.concat(&[a, b]).parity()])),
        ("chosen", c.select(a, (!c & a.any()).select(b, c.select(b + a, a)))),
        ("nested", c.select(c.select(a, b), b).is(BigUint::ZERO)),
        ("placed", m.concat(&[m.zero(3), a, m.constant(70, 0x1234_5678_9abc_u64), c.repeat(5), b])),
        ("gated", a.gated_by(c) | b.gated_by(!c)),
        ("carried", a.add_with_carry(b, c)),
        ("borrowed", a.sub_with_borrow(b, c)),
        ("negated", !(a & b) ^ !(!a)),
    ];
    if width > 1 {
        results.push(("sliced", (a + b).bits(1..width)));
        results.push(("cut", m.concat(&[a, b]).bits(width - 1..width + 1)));
        results.push(("first", a.priority_index()));
        results.push(("lowest", a.lowest_one()));
    }
    if (2..=16).contains(&width) {
        results.push(("decoded", a.low(width.min(4)).decode(4)));
        results.push(("index", a.one_hot_index()));
    }
    // One cycle later, so that no path needs a declaration.
    for (name, value) in results {
        let value = m.delay(&format!("{name}_q"), value);
        m.output(name, value);
    }
    m.finish().expect("sound")
}

bundle! {
    /// A lookup.
    pub struct Lookup {
        /// Which.
        key,
        /// May be left out.
        domain,
        /// Whether.
        valid,
    }
}

/// An enumeration.
pub fn fault() -> Arc<Enumeration> {
    Enumeration::new("fault", 8, &[("granted", 0), ("frozen", 2), ("corrupt", 10)])
}

/// The heart of a small pipeline: bundle, zero-width field, enumeration, sections, comments.
pub fn decide() -> Arc<Module> {
    let fault = fault();
    let m = ModuleBuilder::new("decide", "Decides a lookup.\nThe first row that applies is the answer.");
    let lookup = Lookup::inputs_of(&m);
    let limit = m.input("limit", 16).doc("exclusive");
    m.section("check");
    m.comment("Two ways to be refused.");
    wire!(beyond = lookup.key.at_least(limit));
    beyond.doc("the key lies beyond the table");
    let enable = m.input("enable", 1);
    let is_frozen = m.register("is_frozen", 1).reset_to(0u32);
    is_frozen.next(is_frozen.value() | enable & beyond);
    m.section("answer");
    let answer = m.register("answer", 8).reset_to(0u32).enabled_by(enable);
    let refused = beyond.select(m.variant(&fault, "corrupt"), m.variant(&fault, "granted"));
    answer.next(is_frozen.value().select(m.variant(&fault, "frozen"), refused));
    let key = m.register("answer_key", 16).enabled_by(enable);
    key.next(lookup.key);
    let valid = m.register("answer_valid", 1).reset_to(0u32);
    valid.next(lookup.valid & enable);
    m.output("answer", answer.value());
    m.port_doc("answer", "a fault");
    m.output("answer_key", key.value());
    m.output("done", valid.value());
    let is_corrupt = answer.value().equals(m.variant(&fault, "corrupt"));
    m.assert_always("frozen_stays", !is_frozen.value() | !is_corrupt | valid.value(), "An invariant.");
    m.cover("seen_corrupt", is_corrupt, "Reached.");
    m.finish().expect("sound")
}

impl<'m> Lookup<'m> {
    fn inputs_of(m: &'m ModuleBuilder) -> Lookup<'m> {
        use stagecoach_hdl::Bundle as _;
        Lookup::inputs(m, "lookup", &[16, 0, 1])
    }
}

/// A memory with `reads` read ports.
pub fn memory(reads: u32, latency: u32, width: u32, style: MemoryStyle) -> Arc<Module> {
    let name = format!("store_{reads}_{latency}_{width}_{style:?}").to_lowercase();
    let m = ModuleBuilder::new(&name, "A memory.");
    let (enable, address, data) = (m.input("write", 1), m.input("address", 12), m.input("data", width));
    let words = m.memory("words", width, 4096).style(style);
    let words = if latency == 2 { words.output_register() } else { words };
    words.write(enable, address, data);
    let first = words.read("first", m.input("first_address", 12));
    m.output("first", first);
    if reads == 2 {
        let second = words.read_enabled("second_word", m.input("second_enable", 1), !address);
        m.output("second", second);
    }
    m.finish().expect("sound")
}

/// Memories of every style, with one and two read ports, with and without output register.
pub fn stores() -> Vec<Arc<Module>> {
    let styles = [MemoryStyle::Auto, MemoryStyle::Block, MemoryStyle::Distributed];
    let shapes = [(1, 1, 1), (1, 2, 31), (2, 1, 64), (2, 2, 200)];
    let of = |style| shapes.map(|(reads, latency, width)| memory(reads, latency, width, style));
    styles.into_iter().flat_map(of).collect()
}

/// Block memories of every depth from 2 to 131,072 words, all read at once.
pub fn depths() -> Arc<Module> {
    let m = ModuleBuilder::new("depths", "Memories of many depths.");
    let (enable, address, data) = (m.input("write", 1), m.input("address", 17), m.input("data", 11));
    for bits in 1..=17 {
        let words = m.memory(&format!("words_{bits}"), 11, 1 << bits).style(MemoryStyle::Block);
        let words = if bits % 2 == 0 { words.output_register() } else { words };
        words.write(enable, address.low(bits), data);
        m.output(&format!("shown_{bits}"), words.read(&format!("word_{bits}"), !address.low(bits)));
    }
    m.finish().expect("sound")
}

/// Instances with feedback through forward wires, an unused output, unused bits, a shared unnamed value.
pub fn feedback() -> Arc<Module> {
    let child = {
        let m = ModuleBuilder::new("accumulate", "Adds up.");
        let value = m.input("value", 8);
        let total = m.register("total", 8).reset_to(1u32);
        total.next(total.value() + value);
        m.output("total", total.value());
        m.output("is_large", total.value().greater_than(m.constant(8, 200u32)));
        m.finish().expect("sound")
    };
    let m = ModuleBuilder::new("feedback", "");
    let step = m.input("step", 12);
    let back = m.wire("back", 8);
    let turned = m.wire("turned", 4);
    let (left, right) = (m.instance("left", &child), m.instance("right", &child));
    left.input("value", back);
    let total = left.output("total");
    right.input("value", (total ^ step.low(8)) + m.concat(&[turned, turned]));
    let right_total = right.output("total");
    turned.drive((right_total + total).bits(2..6));
    back.drive(!right_total);
    m.unused(step.bits(8..12));
    m.unused(left.output("is_large"));
    let sum = right_total + total;
    m.output("sum", sum);
    m.output("same_sum", sum);
    let parity = m.delay("parity", sum.parity());
    m.output("parity", parity);
    let twice = (total | right_total).parity();
    m.output("left_twice", twice & m.input("gate", 1));
    m.combinational_path("gate", "left_twice");
    m.output("right_twice", m.delay("twice_q", twice | right.output("is_large")));
    m.finish().expect("sound")
}

/// Purely combinational, with a property and an input that only the property reads.
pub fn combinational() -> Arc<Module> {
    let m = ModuleBuilder::new("combinational", "No clock.");
    let (a, b) = (m.input("a", 4), m.input("only_checked", 4));
    m.combinational_path("a", "inverse");
    m.output("inverse", !a);
    wire!(both = a & b);
    m.assert_always("little", both.at_most(a), "And makes no ones.");
    m.finish().expect("sound")
}

/// Values that only properties read: a register, and nothing else clocked.
pub fn shadow() -> Arc<Module> {
    let m = ModuleBuilder::new("shadow", "A register that only a property reads.");
    let request = m.input("request", 3);
    let last = m.register("last", 3).reset_to(0u32);
    last.next(request);
    m.combinational_path("request", "any_request");
    m.output("any_request", request.any());
    m.cover("repeated", last.value().equals(request), "");
    m.finish().expect("sound")
}

/// Ten thousand unnamed operations deep, in chains of several kinds, and a wide reduction.
pub fn deep() -> Arc<Module> {
    let m = ModuleBuilder::new("deep", "Deep.");
    let (a, b) = (m.input("a", 8), m.input("b", 8));
    let (mut sums, mut mixed, mut chosen, mut shared) = (a, a, b, a);
    for step in 0..10_000u32 {
        sums = sums + b;
        mixed = if step % 2 == 0 { (mixed ^ b) + a } else { !(mixed & a) };
        if step % 10 == 0 {
            // Tools take their time over long chains of these.
            chosen = a.bit(step / 10 % 8).select(b, chosen);
        }
    }
    for _ in 0..200 {
        shared = (shared + b) ^ (shared - b);
    }
    m.output("sums", m.delay("sums_q", sums));
    m.output("mixed", m.delay("mixed_q", mixed));
    m.output("chosen", m.delay("chosen_q", chosen));
    m.output("shared", m.delay("shared_q", shared));
    m.finish().expect("sound")
}

/// Names that collide with the writer's own, directives in comments, named values used before their naming.
pub fn awkward() -> Arc<Module> {
    let other = Enumeration::new("fault", 3, &[("granted", 5), ("one more", 1)]);
    let m = ModuleBuilder::new("awkward", concat!("verilator lint", "_off WIDTH\nsecond line \\"));
    let a = m.input("a", 8);
    let taken = m.input("total_sum", 1).doc("synthesis translate_off");
    let unused = m.input("unused_ok", 2);
    m.unused(unused);
    let capital = m.input("FAULT_GRANTED", 1);
    let early = a ^ m.constant(8, 0x5au32);
    let late = (early + a).named("late");
    let early = early.named("early");
    let total = (a + early + late).add_carry(a.plus(7u32)).bits(1..9).named("total");
    let codes = m.concat(&[
        m.variant(&fault(), "granted"),
        m.variant(&other, "granted"),
        m.variant(&other, "one more"),
        m.variant(&other, "one more").bits(0..2),
    ]);
    m.output("q", m.delay("total_q", total));
    m.output("codes", codes);
    m.output("taken", m.delay("taken_q", taken & capital));
    m.finish().expect("sound")
}

/// As wide as signals get.
pub fn widest() -> Arc<Module> {
    let m = ModuleBuilder::new("widest", "4096 bits.");
    let (a, b) = (m.input("a", 4096), m.input("b", 4096));
    let sum = m.delay("sum", a + b);
    m.output("folded", m.delay("folded_q", m.concat(&[sum.low(2048), sum.high(2048)]) ^ a.gated_by(b.any())));
    m.finish().expect("sound")
}

/// All of them.
pub fn zoo() -> Vec<Arc<Module>> {
    let mut zoo: Vec<_> = [1, 2, 3, 8, 31, 32, 33, 64, 65, 128, 300, 1500].map(operators).into();
    zoo.extend(stores());
    zoo.extend([decide(), feedback(), combinational(), shadow(), deep(), awkward(), widest()]);
    zoo
}
