//! Random designs: expression graphs with every operator, and small sequential designs around them.
//!
//! Everything named has an output of its own, so a wrong value shows even where the rest of the design hides it.
//! All registers have a reset and all memories can be filled through the inputs `load` and
//! `load_address`, so that after [`LOAD_CYCLES`] nothing is unknown.

use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use stagecoach_hdl::netlist::Direction;
use stagecoach_hdl::{Enumeration, MemoryStyle, Module, ModuleBuilder, RegisterHandle, Signal, index_width};

/// The widest signal.
pub const WIDEST: u32 = 300;
/// Cycles in reset with `load` high, in which `load_address` counts through all memories and output registers
/// fill.
pub const LOAD_CYCLES: usize = 20;
/// Words of the deepest memory.
pub const DEEPEST: u32 = 16;

/// A random width; small ones, the borders of machine words and wide ones are all frequent.
fn width(rng: &mut ChaCha8Rng) -> u32 {
    match rng.random_range(0..10) {
        0 | 1 => 1,
        2 | 3 => rng.random_range(2..=8),
        4 => rng.random_range(9..=33),
        5 => [16, 31, 32, 33, 63, 64, 65, 127, 128, 129][rng.random_range(0..10)],
        6 => rng.random_range(34..=70),
        7 => rng.random_range(71..=130),
        _ => rng.random_range(1..=WIDEST),
    }
}

/// What a design may contain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Expressions only.
    Combinational,
    /// Registers too.
    Registers,
    /// Registers, memories and an instance.
    Everything,
}

/// A random design called `name`.
pub fn design(name: &str, kind: Kind, rng: &mut ChaCha8Rng) -> Arc<Module> {
    let child = (kind == Kind::Everything && rng.random_bool(0.5)).then(|| {
        let kind = if rng.random_bool(0.5) { Kind::Combinational } else { Kind::Registers };
        design(&format!("{name}_part"), kind, rng)
    });
    let builder = ModuleBuilder::new(name, "A random design.");
    let mut graph = Graph {
        builder: &builder,
        rng,
        pool: Vec::new(),
        checked: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        names: 0,
    };
    graph.grow(kind, child.as_ref());
    for input in &graph.inputs {
        graph.outputs.iter().for_each(|output| builder.combinational_path(input, output));
    }
    builder.finish().unwrap_or_else(|errors| panic!("design {name} is not sound: {errors}"))
}

struct Graph<'m, 'r> {
    builder: &'m ModuleBuilder,
    rng: &'r mut ChaCha8Rng,
    /// Values that further ones may use.
    pool: Vec<Signal<'m>>,
    /// Named values, each with its name; all of them are shown.
    checked: Vec<(String, Signal<'m>)>,
    inputs: Vec<String>,
    outputs: Vec<String>,
    names: u32,
}

impl<'m> Graph<'m, '_> {
    fn grow(&mut self, kind: Kind, child: Option<&Arc<Module>>) {
        for index in 0..self.rng.random_range(1..=4) {
            let width = width(self.rng);
            let input = self.input(&format!("in_{index}"), width);
            self.pool.push(input);
        }
        let registers = if kind == Kind::Combinational { Vec::new() } else { self.registers() };
        let memories = if kind == Kind::Everything { self.memories() } else { Vec::new() };
        let mut pending = Vec::new();
        for _ in 0..self.rng.random_range(3..25) {
            let value = self.operation();
            if value.width() == 0 {
                continue; // the index of a one-bit value has no bits
            }
            let value = if value.width() > WIDEST { value.low(WIDEST) } else { value };
            let value = match self.rng.random_range(0..10) {
                0..4 => {
                    let name = self.name("value");
                    let named = value.named(&name);
                    self.checked.push((name, named));
                    named
                }
                4 => {
                    let name = self.name("late");
                    let wire = self.builder.wire(&name, value.width());
                    pending.push((wire, value));
                    self.checked.push((name, wire));
                    wire
                }
                _ => value,
            };
            self.pool.push(value);
        }
        if let Some(child) = child {
            self.instance(child);
        }
        pending.into_iter().for_each(|(wire, value)| wire.drive(value));
        for register in registers {
            let next = self.of_width(register.value().width());
            register.next(next);
        }
        memories.into_iter().for_each(|memory| self.connect(&memory));
        for index in 0..self.rng.random_range(1..=3) {
            let newest = self.pool.len().saturating_sub(4);
            let from = self.rng.random_range(newest..self.pool.len());
            let result = self.pool[from];
            self.show(format!("result_{index}"), result);
        }
        for (name, value) in std::mem::take(&mut self.checked) {
            // A port may have the name of the value that it shows, or another.
            let name = if self.rng.random_bool(0.5) { name } else { format!("shown_{name}") };
            self.show(name, value);
        }
    }

    fn show(&mut self, name: String, value: Signal<'m>) {
        self.builder.output(&name, value);
        self.outputs.push(name);
    }

    fn input(&mut self, name: &str, width: u32) -> Signal<'m> {
        let input = self.builder.input(name, width);
        self.inputs.push(name.to_owned());
        self.builder.unused(input);
        input
    }

    fn name(&mut self, what: &str) -> String {
        self.names += 1;
        format!("{what}_{}", self.names)
    }

    // ---- state -------------------------------------------------------------------------------------------

    fn registers(&mut self) -> Vec<RegisterHandle<'m>> {
        (0..self.rng.random_range(1..=4))
            .map(|_| {
                let width = width(self.rng);
                let reset = self.constant(width);
                let name = self.name("register");
                let mut register = self.builder.register(&name, width).reset_to(reset);
                if self.rng.random_bool(0.4) {
                    let enable = self.of_width(1);
                    register = register.enabled_by(enable);
                }
                self.pool.push(register.value());
                self.checked.push((name, register.value()));
                register
            })
            .collect()
    }

    fn memories(&mut self) -> Vec<Ports<'m>> {
        let load = self.input("load", 1);
        let load_address = self.input("load_address", index_width(u64::from(DEEPEST)));
        (0..self.rng.random_range(1..=2))
            .map(|_| {
                let name = self.name("memory");
                let (depth, width) = (1 << self.rng.random_range(1..=4), width(self.rng));
                let address_width = index_width(depth);
                let mut memory = self.builder.memory(&name, width, depth as u32);
                if self.rng.random_bool(0.5) {
                    memory = memory.output_register();
                }
                let styles = [MemoryStyle::Auto, MemoryStyle::Block, MemoryStyle::Distributed];
                memory = memory.style(styles[self.rng.random_range(0..3)]);
                let mut driven = Vec::new();
                let mut wire = |graph: &mut Self, what: &str, width: u32, loading: Signal<'m>| {
                    let wire = graph.builder.wire(&graph.name(what), width);
                    driven.push((wire, loading));
                    wire
                };
                let address = load_address.low(address_width);
                let enable = wire(self, "write_enable", 1, load);
                let at = wire(self, "write_address", address_width, address);
                let known = self.fit(load_address, width);
                let data = wire(self, "write_data", width, known);
                memory.write(enable, at, data);
                for _ in 0..self.rng.random_range(1..=2) {
                    let at = wire(self, "read_address", address_width, address);
                    let name = self.name("word");
                    let word = if self.rng.random_bool(0.5) {
                        let enable = wire(self, "read_enable", 1, load);
                        memory.read_enabled(&name, enable, at)
                    } else {
                        memory.read(&name, at)
                    };
                    self.pool.push(word);
                    self.checked.push((name, word));
                }
                Ports { load, driven }
            })
            .collect()
    }

    /// Drives a memory's ports: what loading needs while `load` is high, else anything.
    fn connect(&mut self, memory: &Ports<'m>) {
        for (wire, loading) in &memory.driven {
            let other = self.of_width(wire.width());
            wire.drive(memory.load.select(*loading, other));
        }
    }

    fn instance(&mut self, child: &Arc<Module>) {
        let name = self.name("part");
        let instance = self.builder.instance(&name, child);
        let (inputs, outputs): (Vec<_>, Vec<_>) =
            child.ports.iter().partition(|port| port.direction == Direction::Input);
        for port in inputs {
            let value = self.of_width(port.width);
            instance.input(&port.name, value);
        }
        for port in outputs {
            let value = instance.output(&port.name);
            self.pool.push(value);
            self.checked.push((format!("{name}_{}", port.name), value));
        }
    }

    // ---- operands ----------------------------------------------------------------------------------------

    fn any(&mut self) -> Signal<'m> {
        // Newer values more often, so that graphs grow deep as well as wide.
        let last = self.pool.len();
        let first = if self.rng.random_bool(0.5) { last.saturating_sub(5) } else { 0 };
        self.pool[self.rng.random_range(first..last)]
    }

    fn of_width(&mut self, width: u32) -> Signal<'m> {
        if self.rng.random_bool(0.1) {
            let value = self.constant(width);
            return self.builder.constant(width, value);
        }
        let same: Vec<_> = self.pool.iter().filter(|value| value.width() == width).copied().collect();
        if !same.is_empty() && self.rng.random_bool(0.7) {
            return same[self.rng.random_range(0..same.len())];
        }
        let value = self.any();
        self.fit(value, width)
    }

    fn fit(&mut self, value: Signal<'m>, width: u32) -> Signal<'m> {
        if value.width() >= width {
            let low = self.rng.random_range(0..=value.width() - width);
            return value.bits(low..low + width);
        }
        match self.rng.random_range(0..3) {
            0 => value.zero_extend(width),
            1 => value.repeat(width.div_ceil(value.width())).low(width),
            _ => {
                let rest = self.fit(value, width - value.width());
                self.builder.concat(&[rest, value])
            }
        }
    }

    fn constant(&mut self, width: u32) -> stagecoach_hdl::BigUint {
        let one = stagecoach_hdl::BigUint::from(1u32);
        let all = (one.clone() << width) - &one;
        match self.rng.random_range(0..4) {
            0 => stagecoach_hdl::BigUint::ZERO,
            1 => all,
            2 => one << self.rng.random_range(0..width),
            _ => {
                let limbs: Vec<u32> = (0..width.div_ceil(32)).map(|_| self.rng.random()).collect();
                stagecoach_hdl::BigUint::new(limbs) & all
            }
        }
    }

    // ---- operations --------------------------------------------------------------------------------------

    fn operation(&mut self) -> Signal<'m> {
        let a = self.any();
        let b = self.of_width(a.width());
        match self.rng.random_range(0..40) {
            0 => !a,
            1 | 2 => a & b,
            3 => a | b,
            4 => a ^ b,
            5 | 6 => a + b,
            7 | 8 => a - b,
            9 => a.add_carry(b),
            10 => a.sub_borrow(b),
            11 => a.add_with_carry(b, self.of_width(1)),
            12 => a.sub_with_borrow(b, self.of_width(1)),
            13 => a.plus(self.constant(a.width())),
            14 => a.equals(b),
            15 => a.differs(b),
            16 => a.less_than(b),
            17 => a.at_most(b),
            18 => a.at_least(b),
            19 => a.greater_than(b),
            20 => a.is(self.constant(a.width())),
            21 => [a.any(), a.all(), a.parity()][self.rng.random_range(0..3)],
            22 | 23 => {
                let widest =
                    if self.rng.random_bool(0.8) { index_width(u64::from(a.width())) + 1 } else { 32 };
                let amount_width = self.rng.random_range(1..=widest.max(1));
                let amount = self.of_width(amount_width);
                if self.rng.random_bool(0.5) { a.shift_left(amount) } else { a.shift_right(amount) }
            }
            24 if a.width() < WIDEST => a.shifted_up(self.rng.random_range(0..=WIDEST - a.width())),
            25 => a.repeat(self.rng.random_range(1..=(WIDEST / a.width()).min(5))),
            26..29 => self.of_width(1).select(a, b),
            29 => a.gated_by(self.of_width(1)),
            30 | 31 => {
                let low = self.rng.random_range(0..a.width());
                let high = self.rng.random_range(low + 1..=a.width());
                a.bits(low..high)
            }
            32 => a.zero_extend(self.rng.random_range(a.width()..=WIDEST)),
            33 => self.concatenation(),
            34 => self.chosen(),
            35 => {
                let index_width = self.rng.random_range(1..=6);
                let count = self.rng.random_range(1..=1 << index_width);
                self.of_width(index_width).decode(count)
            }
            36 => self.few(40).one_hot_index(),
            37 => self.few(24).priority_index(),
            38 => a.lowest_one(),
            39 => self.enumerated(),
            _ => a.high(self.rng.random_range(1..=a.width())),
        }
    }

    fn few(&mut self, most: u32) -> Signal<'m> {
        let width = self.rng.random_range(1..=most);
        self.of_width(width)
    }

    fn concatenation(&mut self) -> Signal<'m> {
        let mut parts = Vec::new();
        let mut left = WIDEST;
        for _ in 0..self.rng.random_range(2..=5) {
            let part = self.any();
            if part.width() <= left {
                left -= part.width();
                parts.push(part);
            }
        }
        if parts.is_empty() { self.any() } else { self.builder.concat(&parts) }
    }

    fn chosen(&mut self) -> Signal<'m> {
        let width = width(self.rng);
        let index_width = self.rng.random_range(1..=3);
        let count = self.rng.random_range(1..=1 << index_width);
        let choices: Vec<_> = (0..count).map(|_| self.of_width(width)).collect();
        if self.rng.random_bool(0.5) {
            self.of_width(index_width).choose(&choices)
        } else {
            self.of_width(count).one_hot_choose(&choices)
        }
    }

    fn enumerated(&mut self) -> Signal<'m> {
        let width = self.rng.random_range(2..=8);
        let kinds = [("idle", 0), ("busy", 1), ("done", 3)];
        let enumeration = Enumeration::new(&self.name("kind"), width, &kinds);
        let (busy, done) =
            (self.builder.variant(&enumeration, "busy"), self.builder.variant(&enumeration, "done"));
        let value = self.of_width(width);
        value.equals(done).select(busy, value)
    }
}

/// A memory's port wires, each with its driver while loading.
struct Ports<'m> {
    load: Signal<'m>,
    driven: Vec<(Signal<'m>, Signal<'m>)>,
}
