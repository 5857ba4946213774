//! Random sequential designs (hierarchies with registers, memories, forward wires) in the native simulator,
//! against a slow reference that reads the netlist literally.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use num_bigint::BigUint;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use stagecoach_hdl::native::{Options, Simulator, Start};
use stagecoach_hdl::netlist::{Binary, Direction, Memory, NodeId, Operation, Unary};
use stagecoach_hdl::noise::{DEFAULT_SEED, Noise};
use stagecoach_hdl::{Module, ModuleBuilder, Signal};

// ---- the reference -----------------------------------------------------------------------------------------

struct RefMemory {
    words: Vec<BigUint>,
    ports: Vec<RefPort>,
}

struct RefPort {
    read: BigUint,
    output: BigUint,
    noise: Noise,
}

/// One module instance, as its netlist says, from zeros.
struct Reference {
    module: Arc<Module>,
    registers: Vec<BigUint>,
    memories: Vec<RefMemory>,
    children: Vec<Reference>,
    known: RefCell<HashMap<NodeId, BigUint>>,
}

/// Gives the value of the input port at a position.
type Inputs<'a> = &'a dyn Fn(usize) -> BigUint;

impl Reference {
    fn new(module: &Arc<Module>) -> Reference {
        let memory = |memory: &Memory| RefMemory {
            words: vec![BigUint::ZERO; memory.depth as usize],
            ports: memory
                .reads
                .iter()
                .map(|_| RefPort {
                    read: BigUint::ZERO,
                    output: BigUint::ZERO,
                    noise: Noise::new(DEFAULT_SEED),
                })
                .collect(),
        };
        Reference {
            module: module.clone(),
            registers: vec![BigUint::ZERO; module.registers.len()],
            memories: module.memories.iter().map(memory).collect(),
            children: module.instances.iter().map(|instance| Reference::new(&instance.module)).collect(),
            known: RefCell::default(),
        }
    }

    fn value(&self, node: NodeId, inputs: Inputs<'_>) -> BigUint {
        if let Some(known) = self.known.borrow().get(&node) {
            return known.clone();
        }
        let value = self.compute(node, inputs);
        self.known.borrow_mut().insert(node, value.clone());
        value
    }

    fn is_one(&self, node: NodeId, inputs: Inputs<'_>) -> bool {
        self.value(node, inputs) == BigUint::from(1u32)
    }

    fn compute(&self, node: NodeId, inputs: Inputs<'_>) -> BigUint {
        let width = self.module.node(node).width;
        let modulus = BigUint::from(1u32) << width;
        let bit = |value: bool| BigUint::from(u32::from(value));
        let of = |node: &NodeId| self.value(*node, inputs);
        match &self.module.node(node).operation {
            Operation::Constant(value) => value.clone(),
            Operation::EnumConstant(enumeration, variant) => enumeration.variants[*variant].1.clone(),
            Operation::Input(port) => inputs(*port),
            Operation::Register(register) => self.registers[register.index()].clone(),
            Operation::MemoryRead(memory, port) => {
                let state = &self.memories[memory.index()].ports[*port];
                let late = self.module.memories[memory.index()].read_latency == 2;
                if late { state.output.clone() } else { state.read.clone() }
            }
            Operation::InstanceOutput(instance, port) => {
                let child = &self.children[instance.index()];
                child.value(child.module.ports[*port].node, &self.inputs_of(instance.index(), inputs))
            }
            Operation::Wire(driver) => of(&driver.unwrap()),
            Operation::Unary(Unary::Not, a) => of(a) ^ (modulus - 1u32),
            Operation::Unary(Unary::ReduceAnd, a) => {
                bit(of(a).count_ones() == u64::from(self.module.node(*a).width))
            }
            Operation::Unary(Unary::ReduceOr, a) => bit(of(a) != BigUint::ZERO),
            Operation::Unary(Unary::ReduceXor, a) => bit(of(a).count_ones() % 2 == 1),
            Operation::Binary(operator, a, b) => {
                let (a, b) = (of(a), of(b));
                match operator {
                    Binary::And => a & b,
                    Binary::Or => a | b,
                    Binary::Xor => a ^ b,
                    Binary::Add => (a + b) % modulus,
                    Binary::Sub => (a + &modulus - b) % modulus,
                    Binary::Equal => bit(a == b),
                    Binary::NotEqual => bit(a != b),
                    Binary::Less => bit(a < b),
                    Binary::LessEqual => bit(a <= b),
                    Binary::ShiftLeft if b < BigUint::from(width) => {
                        (a << u32::try_from(b).unwrap()) % modulus
                    }
                    Binary::ShiftRight if b < BigUint::from(width) => a >> u32::try_from(b).unwrap(),
                    Binary::ShiftLeft | Binary::ShiftRight => BigUint::ZERO,
                }
            }
            Operation::Select { condition, then, otherwise } => {
                if self.is_one(*condition, inputs) {
                    of(then)
                } else {
                    of(otherwise)
                }
            }
            Operation::Slice { of: whole, low } => (of(whole) >> *low) % modulus,
            Operation::Concat(parts) => parts
                .iter()
                .fold(BigUint::ZERO, |value, part| (value << self.module.node(*part).width) | of(part)),
        }
    }

    fn inputs_of<'a>(&'a self, instance: usize, inputs: Inputs<'a>) -> impl Fn(usize) -> BigUint + 'a {
        move |port| {
            let connected = &self.module.instances[instance].inputs;
            self.value(connected.iter().find(|(position, _)| *position == port).unwrap().1, inputs)
        }
    }

    /// Computes everything that the edge will need, before any state changes.
    fn settle(&self, inputs: Inputs<'_>) {
        for node in 0..self.module.nodes.len() {
            self.value(NodeId(node as u32), inputs);
        }
        for (instance, child) in self.children.iter().enumerate() {
            child.settle(&self.inputs_of(instance, inputs));
        }
    }

    fn edge(&mut self, reset: bool) {
        let known = self.known.take();
        let one = BigUint::from(1u32);
        for (register, state) in self.module.registers.iter().zip(&mut self.registers) {
            match &register.reset {
                Some(value) if reset => *state = value.clone(),
                _ if register.enable.is_none_or(|enable| known[&enable] == one) => {
                    *state = known[&register.next.unwrap()].clone();
                }
                _ => {}
            }
        }
        for (memory, state) in self.module.memories.iter().zip(&mut self.memories) {
            let write = memory.write.unwrap();
            let writes = known[&write.enable] == one;
            for (read, port) in memory.reads.iter().zip(&mut state.ports) {
                port.output = port.read.clone();
                if read.enable.is_some_and(|enable| known[&enable] != one) {
                    continue;
                }
                if writes && known[&read.address] == known[&write.address] {
                    let copies = (0..memory.width.div_ceil(32)).map(|_| port.noise.bits()).collect();
                    port.read = BigUint::new(copies) % (BigUint::from(1u32) << memory.width);
                    port.noise.step();
                } else {
                    port.read = state.words[usize::try_from(&known[&read.address]).unwrap()].clone();
                }
            }
            if writes {
                state.words[usize::try_from(&known[&write.address]).unwrap()] = known[&write.data].clone();
            }
        }
        self.children.iter_mut().for_each(|child| child.edge(reset));
    }
}

// ---- random designs ----------------------------------------------------------------------------------------

struct Generator<'m, 'r> {
    m: &'m ModuleBuilder,
    random: &'r mut StdRng,
    values: Vec<Signal<'m>>,
}

impl<'m> Generator<'m, '_> {
    fn width(&mut self) -> u32 {
        match self.random.random_range(0..4) {
            0 => self.random.random_range(1..6),
            1 => self.random.random_range(60..70),
            2 => self.random.random_range(120..136),
            _ => self.random.random_range(1..260),
        }
    }

    fn pick(&mut self) -> Signal<'m> {
        let count = self.values.len();
        // Late values often, for depth.
        let from = if self.random.random_bool(0.5) { count - count.min(6) } else { 0 };
        self.values[self.random.random_range(from..count)]
    }

    fn pick_of(&mut self, width: u32) -> Signal<'m> {
        let value = self.pick();
        if value.width() >= width {
            let low = self.random.random_range(0..=value.width() - width);
            return value.bits(low..low + width);
        }
        value.zero_extend(width)
    }

    fn expression(&mut self) {
        let a = self.pick();
        let width = a.width();
        let b = self.pick_of(width);
        let value = match self.random.random_range(0..16) {
            0 => a & b,
            1 => a | b,
            2 => a ^ b,
            3 => a + b,
            4 => a - b,
            5 => !a,
            6 => a.equals(b),
            7 => a.less_than(b),
            8 => self.pick_of(1).select(a, b),
            9 => self.m.concat(&[a.low(width.min(90)), self.pick_of(33), b.low(width.min(70))]),
            10 => a.any(),
            11 => a.shift_left(self.pick_of(7)),
            12 => a.shift_right(self.pick_of(7)),
            13 => a.gated_by(self.pick_of(1)) | b,
            14 => a.parity(),
            _ => a & !b,
        };
        self.values.push(value);
    }
}

fn module(name: &str, random: &mut StdRng, children: &[Arc<Module>]) -> Arc<Module> {
    let builder = ModuleBuilder::new(name, "");
    let mut g = Generator { m: &builder, random, values: Vec::new() };
    for number in 0..3 {
        let width = g.width();
        g.values.push(builder.input(&format!("i{number}"), width));
    }
    let mut registers = Vec::new();
    for number in 0..g.random.random_range(1..8) {
        let width = g.width();
        let mut register = builder.register(&format!("r{number}"), width);
        if g.random.random_bool(0.5) {
            let value: u32 = g.random.random();
            register = register.reset_to(value & ((1u64 << width.min(32)) - 1) as u32);
        }
        g.values.push(register.value());
        registers.push(register);
    }
    let stateful = g.values.clone();
    let mut wires = Vec::new();
    for number in 0..2 {
        let width = g.width();
        let wire = builder.wire(&format!("w{number}"), width);
        g.values.push(wire);
        wires.push(wire);
    }
    for number in 0..g.random.random_range(0..3) {
        let (width, address) = (g.width(), g.random.random_range(1..4));
        let memory = builder.memory(&format!("m{number}"), width, 1 << address);
        let memory = if g.random.random_bool(0.5) { memory.output_register() } else { memory };
        memory.write(g.pick_of(1), g.pick_of(address), g.pick_of(width));
        for port in 0..g.random.random_range(1..3) {
            let name = format!("m{number}p{port}");
            let read = if g.random.random_bool(0.5) {
                memory.read(&name, g.pick_of(address))
            } else {
                memory.read_enabled(&name, g.pick_of(1), g.pick_of(address))
            };
            g.values.push(read);
        }
    }
    for (number, child) in children.iter().enumerate() {
        for copy in 0..2 {
            let instance = builder.instance(&format!("c{number}x{copy}"), child);
            for port in &child.ports {
                match port.direction {
                    Direction::Input => {
                        instance.input(&port.name, g.pick_of(port.width));
                    }
                    Direction::Output => g.values.push(instance.output(&port.name)),
                }
            }
        }
        g.expression();
    }
    for number in 0..g.random.random_range(3..30) {
        g.expression();
        if g.random.random_bool(0.3) {
            let named = g.pick().named(format!("v{number}"));
            g.values.push(named);
        }
    }
    for wire in wires {
        // From inputs and state only, so that no loop can arise.
        let source = stateful[g.random.random_range(0..stateful.len())];
        let source = if source.width() >= wire.width() {
            source.low(wire.width())
        } else {
            source.zero_extend(wire.width())
        };
        wire.drive(!source);
    }
    let mut enable = g.pick_of(1);
    for register in registers {
        let mut register = register;
        if g.random.random_bool(0.3) {
            enable = g.pick_of(1);
        }
        if g.random.random_bool(0.5) {
            register = register.enabled_by(enable);
        }
        let next = match g.random.random_range(0..4) {
            // Straight from state, where the order of changes at the edge matters.
            0 => {
                let source = stateful[g.random.random_range(0..stateful.len())];
                let width = register.value().width();
                if source.width() >= width { source.high(width) } else { source.zero_extend(width) }
            }
            1 => g.pick_of(1).select(g.pick_of(register.value().width()), register.value()),
            _ => g.pick_of(register.value().width()),
        };
        register.next(next);
    }
    for number in 0..3 {
        let value = g.pick();
        builder.output(&format!("o{number}"), value);
        for input in 0..3 {
            builder.combinational_path(&format!("i{input}"), &format!("o{number}"));
        }
    }
    for value in g.values {
        builder.unused(value);
    }
    builder.finish().unwrap_or_else(|error| panic!("{error}"))
}

fn integer(limbs: &[u64]) -> BigUint {
    limbs.iter().rev().fold(BigUint::ZERO, |value, limb| (value << 64) | BigUint::from(*limb))
}

fn compare(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let leaf = module("leaf", &mut random, &[]);
    let middle = module("middle", &mut random, std::slice::from_ref(&leaf));
    let top = module("top", &mut random, &[middle, leaf]);
    let mut reference = Reference::new(&top);
    let mut simulator = Simulator::new(&top, Options { start: Start::Zeros, ..Options::default() });
    let layout = simulator.layout().clone();
    let mut outputs = vec![0; layout.output_limbs];
    for cycle in 0..40 {
        let reset = random.random_bool(0.1);
        let mut inputs: Vec<u64> = (0..layout.input_limbs).map(|_| random.random()).collect();
        if layout.has_reset {
            inputs[0] = u64::from(reset);
        }
        let value_of = |port: usize| {
            let port = &top.ports[port];
            let slot = layout.input(&port.name).unwrap();
            integer(&inputs[slot.offset..slot.offset + slot.limbs]) % (BigUint::from(1u32) << port.width)
        };
        reference.settle(&value_of);
        simulator.cycle(&inputs, &mut outputs);
        for slot in &layout.outputs {
            let (_, port) = top.port(&slot.name).unwrap();
            assert_eq!(
                integer(&outputs[slot.offset..slot.offset + slot.limbs]),
                reference.value(port.node, &value_of),
                "seed {seed}, cycle {cycle}, output {}",
                slot.name
            );
        }
        reference.edge(reset);
        // Looking at values must neither change anything nor show anything stale.
        if cycle % 8 == 3 {
            peek_all(seed, &mut simulator, &reference, "", &value_of);
        }
    }
}

fn peek_all(seed: u64, simulator: &mut Simulator, reference: &Reference, path: &str, inputs: Inputs<'_>) {
    for (node, what) in reference.module.nodes.iter().enumerate() {
        if let Some(name) = &what.name {
            let expected = reference.value(NodeId(node as u32), inputs);
            assert_eq!(simulator.peek(&format!("{path}{name}")), Some(expected), "seed {seed}, {path}{name}");
        }
    }
    for (instance, child) in reference.children.iter().enumerate() {
        let path = format!("{path}{}.", reference.module.instances[instance].name);
        peek_all(seed, simulator, child, &path, &reference.inputs_of(instance, inputs));
    }
    reference.known.take();
    reference.children.iter().for_each(Reference::forget);
}

impl Reference {
    fn forget(&self) {
        self.known.take();
        self.children.iter().for_each(Reference::forget);
    }
}

#[test]
fn random_hierarchies_run_as_their_netlist_says() {
    (0..150).for_each(compare);
}
