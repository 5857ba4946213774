//! Turns a flat design into a [`Program`]: decides what is computed when, where it lies, and what moves at the
//! clock edge.
//!
//! All state changes happen at the edge, after every operation has run, so operations may read registers
//! directly. What the edge itself reads must not change during it: a register's or a memory's output that is
//! copied there goes through a snapshot. The next value of a register is computed straight into a shadow of
//! the registers where that is possible, so that all registers without enable change in one copy.

use std::collections::HashMap;

use super::elaborate::{Design, FlatMemory, FlatRegister};
use super::graph::{Value, ValueId};
use super::layout::limbs_of;
use super::program::{Change, Copy, EnableGroup, Flow, MemoryPlan, Op, Place, Program, ReadPlan, Sink};
use super::storage::Lowering;

/// Makes a program of `design`; `input_widths` are those of the top's input ports. Properties are left out of what is
/// evaluated every cycle unless `properties`.
pub(super) fn lower(design: &Design, input_widths: &[u32], properties: bool) -> Program {
    let mut lowering = Lowering::new(&design.graph);
    let mut program = Program::default();
    // Limb 0 is `rst`.
    lowering.allocate(1);
    let inputs: Vec<_> = input_widths.iter().map(|width| lowering.allocate(*width)).collect();
    program.inputs = lowering.limbs;
    let roots = roots(design, properties);
    count_uses(&mut lowering, &roots);
    lowering.mark(&roots);

    let state = place_state(design, &mut lowering, &mut program);
    place_stored(design, &mut lowering, &inputs, &state);
    let edge = place_next_values(design, &mut lowering, &state);

    let snapshots = Snapshots::take(design, &mut lowering, &edge);
    program.flow.ops = lowering.emit();
    program.flow.values = std::mem::take(&mut lowering.values);
    program.evaluate = blocks(snapshots.moves.clone());
    program.evaluate.extend_from_slice(&program.flow.ops);
    let moves = edge.moves.iter().map(|(dst, next)| copy(&mut lowering, *dst, *next)).collect();
    program.evaluate.append(&mut blocks(moves));
    plan_edge(design, &mut lowering, &mut program, &state, &edge, &snapshots);
    plan_flow(design, &mut lowering, &mut program.flow, &state, properties);
    program.outputs = design.outputs.iter().map(|output| lowering.place(*output)).collect();
    if properties {
        program.assertions = design.assertions.iter().map(|p| lowering.at(p.condition)).collect();
        program.covers = design.covers.iter().map(|p| lowering.at(p.condition)).collect();
    }

    let names: Vec<_> = design.names.iter().map(|name| name.value).collect();
    lowering.mark(&names);
    program.observe = lowering.emit();
    program.names = names.iter().map(|name| lowering.place(*name)).collect();
    program.constants = lowering.constants;
    program.limbs = lowering.limbs as usize;
    program
}

/// Everything that is read each cycle: by the edge, the outputs and the properties.
fn roots(design: &Design, properties: bool) -> Vec<ValueId> {
    let mut roots = design.outputs.clone();
    for register in &design.registers {
        roots.push(register.next);
        roots.extend(register.enable);
    }
    for memory in &design.memories {
        roots.extend([memory.write_enable, memory.write_address, memory.write_data]);
        for read in &memory.reads {
            roots.push(read.address);
            roots.extend(read.enable);
        }
    }
    if properties {
        roots.extend(design.assertions.iter().chain(&design.covers).map(|property| property.condition));
    }
    roots
}

fn count_uses(lowering: &mut Lowering<'_>, roots: &[ValueId]) {
    for root in roots {
        lowering.uses[root.index()] += 1;
    }
    for id in (0..lowering.graph.len() as u32).rev().map(ValueId) {
        if lowering.uses[id.index()] > 0 {
            lowering.graph.operands(id, |operand| lowering.uses[operand.index()] += 1);
        }
    }
}

impl Lowering<'_> {
    /// Marks what must be computed for `roots`, beyond what has been emitted already.
    fn mark(&mut self, roots: &[ValueId]) {
        for root in roots {
            self.at(*root);
        }
        for id in (0..self.graph.len() as u32).rev().map(ValueId) {
            if self.needed[id.index()] && self.is_computed(id) && self.places[id.index()].is_none() {
                self.select(id, 0);
                self.ops.clear();
            }
        }
    }

    /// The operations for everything marked and not emitted before, in order.
    fn emit(&mut self) -> Vec<Op> {
        for id in (0..self.graph.len() as u32).map(ValueId) {
            if !self.needed[id.index()] || !self.is_computed(id) || self.emitted[id.index()] {
                continue;
            }
            self.emitted[id.index()] = true;
            let first = self.ops.len() as u32;
            let dst = match self.places[id.index()] {
                Some(place) => place,
                None => self.allocate(self.graph.width(id)),
            };
            self.places[id.index()] = Some(dst);
            self.select(id, dst);
            self.values.push(first..self.ops.len() as u32);
        }
        std::mem::take(&mut self.ops)
    }

    fn place(&mut self, id: ValueId) -> Place {
        Place { offset: self.at(id), width: self.graph.width(id) }
    }
}

/// Where the state lies, by number.
struct State {
    registers: Vec<u32>,
    /// (read register, output register) of each memory read port.
    reads: Vec<(u32, Option<u32>)>,
}

fn place_state(design: &Design, lowering: &mut Lowering<'_>, program: &mut Program) -> State {
    let mut registers = vec![0; design.registers.len()];
    let mut allocate = |lowering: &mut Lowering<'_>, width| {
        let offset = lowering.allocate(width);
        program.state.push(Place { offset, width });
        offset
    };
    for number in in_edge_order(&design.registers) {
        registers[number] = allocate(lowering, design.registers[number].width);
    }
    let mut reads = vec![(0, None); design.reads as usize];
    for memory in &design.memories {
        for read in &memory.reads {
            let register = allocate(lowering, memory.width);
            let output = memory.output_register.then(|| allocate(lowering, memory.width));
            reads[read.number as usize] = (register, output);
        }
    }
    State { registers, reads }
}

/// Registers without enable first, then those with one, each group together.
fn in_edge_order(registers: &[FlatRegister]) -> Vec<usize> {
    let mut groups: HashMap<Option<ValueId>, usize> = HashMap::from([(None, 0)]);
    for register in registers {
        let next = groups.len();
        groups.entry(register.enable).or_insert(next);
    }
    let mut order: Vec<_> = (0..registers.len()).collect();
    order.sort_by_key(|number| groups[&registers[*number].enable]);
    order
}

/// Gives inputs, registers and memory outputs their places.
fn place_stored(design: &Design, lowering: &mut Lowering<'_>, inputs: &[u32], state: &State) {
    for id in (0..design.graph.len() as u32).map(ValueId) {
        lowering.places[id.index()] = match *design.graph.value(id) {
            Value::Input(number) => Some(inputs[number as usize]),
            Value::Register(number) => Some(state.registers[number as usize]),
            Value::MemoryRead(number) => {
                let (register, output) = state.reads[number as usize];
                Some(output.unwrap_or(register))
            }
            _ => continue,
        };
    }
}

/// How registers get their next values.
struct Edge {
    /// Shadow of each register, where it has one.
    shadows: Vec<Option<u32>>,
    /// (shadow, next value) for registers without enable whose next value is not computed there.
    moves: Vec<(u32, ValueId)>,
}

fn place_next_values(design: &Design, lowering: &mut Lowering<'_>, state: &State) -> Edge {
    let mut edge = Edge { shadows: vec![None; state.registers.len()], moves: Vec::new() };
    for number in in_edge_order(&design.registers) {
        let register = &design.registers[number];
        let next = register.next;
        let direct = lowering.is_computed(next) && lowering.places[next.index()].is_none();
        if !direct && register.enable.is_some() {
            continue;
        }
        let shadow = lowering.allocate(register.width);
        edge.shadows[number] = Some(shadow);
        if direct {
            lowering.places[next.index()] = Some(shadow);
        } else {
            edge.moves.push((shadow, next));
        }
    }
    edge
}

/// Copies of state that the edge reads while it changes state.
struct Snapshots {
    places: HashMap<ValueId, u32>,
    moves: Vec<Copy>,
}

impl Snapshots {
    fn take(design: &Design, lowering: &mut Lowering<'_>, edge: &Edge) -> Snapshots {
        let mut snapshots = Snapshots { places: HashMap::new(), moves: Vec::new() };
        for (register, shadow) in design.registers.iter().zip(&edge.shadows) {
            if register.enable.is_some() && shadow.is_none() {
                snapshots.add(lowering, register.next);
            }
            if let Some(enable) = register.enable {
                snapshots.add(lowering, enable);
            }
        }
        for memory in &design.memories {
            let ports = memory.reads.iter().flat_map(|read| [Some(read.address), read.enable]).flatten();
            for value in ports.chain([memory.write_enable, memory.write_address, memory.write_data]) {
                // Memories come first at the edge: registers have not changed then.
                if matches!(lowering.graph.value(lowering.root(value).0), Value::MemoryRead(_)) {
                    snapshots.add(lowering, value);
                }
            }
        }
        snapshots
    }

    fn add(&mut self, lowering: &mut Lowering<'_>, value: ValueId) {
        let (root, _) = lowering.root(value);
        let state = matches!(lowering.graph.value(root), Value::Register(_) | Value::MemoryRead(_));
        if state && !self.places.contains_key(&root) {
            let dst = lowering.allocate(lowering.graph.width(root));
            self.moves.push(copy(lowering, dst, root));
            self.places.insert(root, dst);
        }
    }

    /// Where the edge finds the value.
    fn at(&self, lowering: &mut Lowering<'_>, value: ValueId) -> u32 {
        let (root, limb) = lowering.root(value);
        self.places.get(&root).map_or_else(|| lowering.at(value), |place| place + limb)
    }
}

fn copy(lowering: &mut Lowering<'_>, dst: u32, value: ValueId) -> Copy {
    let limbs = limbs_of(lowering.graph.width(value)) as u32;
    Copy { dst, src: lowering.at(value), limbs }
}

/// Joins copies of neighbours. The copies do not depend on each other.
fn join(mut copies: Vec<Copy>) -> Vec<Copy> {
    copies.sort_by_key(|copy| copy.dst);
    let mut joined: Vec<Copy> = Vec::with_capacity(copies.len());
    for copy in copies {
        match joined.last_mut() {
            Some(last) if (last.dst + last.limbs, last.src + last.limbs) == (copy.dst, copy.src) => {
                last.limbs += copy.limbs;
            }
            _ => joined.push(copy),
        }
    }
    joined
}

fn blocks(copies: Vec<Copy>) -> Vec<Op> {
    let joined = join(copies).into_iter();
    joined
        .map(|Copy { dst, src, limbs }| match limbs {
            1 => Op::Put { dst, src, right: 0, spare: 0, left: 0 },
            _ => Op::Copy { dst, src, limbs },
        })
        .collect()
}

fn plan_edge(
    design: &Design,
    lowering: &mut Lowering<'_>,
    program: &mut Program,
    state: &State,
    edge: &Edge,
    snapshots: &Snapshots,
) {
    for memory in &design.memories {
        let plan = plan_memory(memory, state, |value| snapshots.at(lowering, value));
        program.memories.push(plan);
    }
    let mut free = Vec::new();
    let mut groups: Vec<(ValueId, Vec<Copy>)> = Vec::new();
    for number in in_edge_order(&design.registers) {
        let (register, dst) = (&design.registers[number], state.registers[number]);
        let limbs = limbs_of(register.width) as u32;
        let src = edge.shadows[number].unwrap_or_else(|| snapshots.at(lowering, register.next));
        let change = Copy { dst, src, limbs };
        match (register.enable, groups.last_mut()) {
            (None, _) => free.push(change),
            (Some(enable), Some((last, copies))) if *last == enable => copies.push(change),
            (Some(enable), _) => groups.push((enable, vec![change])),
        }
        if let Some(reset) = &register.reset {
            let digits = reset.to_u64_digits();
            for limb in 0..limbs {
                let src = lowering.limb(digits.get(limb as usize).copied().unwrap_or(0));
                program.resets.push(Copy { dst: dst + limb, src, limbs: 1 });
            }
        }
    }
    program.copies = join(free);
    for (enable, copies) in groups {
        let first = program.enabled_copies.len() as u32;
        program.enabled_copies.extend(join(copies));
        let copies = first..program.enabled_copies.len() as u32;
        program.groups.push(EnableGroup { enable: snapshots.at(lowering, enable), copies });
    }
}

/// A memory whose ports are where `at` finds their values.
fn plan_memory(memory: &FlatMemory, state: &State, mut at: impl FnMut(ValueId) -> u32) -> MemoryPlan {
    let mut reads = Vec::new();
    for read in &memory.reads {
        let (register, output) = state.reads[read.number as usize];
        let enable = read.enable.map(&mut at);
        reads.push(ReadPlan { enable, address: at(read.address), register, output });
    }
    MemoryPlan {
        width: memory.width,
        depth: memory.depth,
        write_enable: at(memory.write_enable),
        write_address: at(memory.write_address),
        write_data: at(memory.write_data),
        reads,
    }
}

/// What a compiler reads. The last scope comes first, and in it the last register: what is described later mostly
/// stands later in a pipeline, and a register may be replaced once all that read it have been computed.
fn plan_flow(design: &Design, lowering: &mut Lowering<'_>, flow: &mut Flow, state: &State, properties: bool) {
    for (register, dst) in design.registers.iter().zip(&state.registers) {
        flow.changes.push(Change {
            dst: *dst,
            src: lowering.at(register.next),
            limbs: limbs_of(register.width) as u32,
            enable: register.enable.map(|enable| lowering.at(enable)),
        });
    }
    for memory in &design.memories {
        flow.memories.push(plan_memory(memory, state, |value| lowering.at(value)));
    }
    flow.sinks = (0..design.outputs.len() as u32).map(Sink::Output).collect();
    let mut by_scope: Vec<Vec<Sink>> = vec![Vec::new(); design.scopes.len()];
    if properties {
        for (number, property) in design.assertions.iter().chain(&design.covers).enumerate() {
            by_scope[property.scope].push(Sink::Property(number as u32));
        }
    }
    let (mut memories, mut registers) = (0, 0);
    for (scope, sinks) in design.scopes.iter().zip(&mut by_scope) {
        let (of_memories, of_registers) =
            (scope.module.memories.len() as u32, scope.module.registers.len() as u32);
        sinks.extend((memories..memories + of_memories).map(Sink::Memory));
        sinks.extend((registers..registers + of_registers).rev().map(Sink::Register));
        memories += of_memories;
        registers += of_registers;
    }
    flow.sinks.extend(by_scope.into_iter().rev().flatten());
}
