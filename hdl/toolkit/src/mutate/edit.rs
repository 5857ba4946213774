//! Changing a module's netlist. New nodes go to the end, behind a named wire at the place of the old one, so that
//! every node keeps its number and operands still come first.

use num_bigint::BigUint;

use crate::checks;
use crate::netlist::{
    Binary, InstanceId, Item, MemoryId, Module, Node, NodeId, Operation, Register, RegisterId, Source,
};

/// A port of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemoryPort {
    Write,
    Read(usize),
}

/// What is to be changed.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// The node comes about in another way, from the same operands.
    Operation(NodeId, Operation),
    /// The node shows another one, which comes before it.
    Show(NodeId, NodeId),
    /// The highest bit of a sum without carry.
    DropCarry(NodeId),
    RemoveEnable(RegisterId),
    StickEnable(RegisterId),
    Reset(RegisterId, BigUint),
    Later(RegisterId),
    Bypass(RegisterId),
    Latency(MemoryId, u32),
    DropAddressBit(MemoryId, MemoryPort, u32),
    /// The write enable is this constant.
    Write(MemoryId, bool),
    WriteLate(MemoryId),
    ReadAlways(MemoryId, usize),
    ExchangeReads(MemoryId),
    /// Two inputs by their positions in [`crate::netlist::Instance::inputs`].
    ExchangeInputs(InstanceId, usize, usize),
}

impl Edit {
    /// Whether it may close a loop, or join an input with an output; the others cannot.
    pub(super) fn may_add_paths(&self) -> bool {
        matches!(self, Edit::Bypass(_) | Edit::ExchangeInputs(..))
    }
}

/// Whether the readers of netlists can take a module.
pub(super) fn is_sound(module: &Module) -> bool {
    checks::check_altered(module).is_empty()
}

/// A copy of the module with a change.
pub(super) fn altered(module: &Module, edit: &Edit) -> Module {
    let mut editor = Editor { module: module.clone() };
    editor.apply(edit);
    editor.module
}

struct Editor {
    module: Module,
}

impl Editor {
    fn apply(&mut self, edit: &Edit) {
        let module = &mut self.module;
        match *edit {
            Edit::Operation(node, ref operation) => {
                module.nodes[node.index()].operation = operation.clone();
            }
            Edit::Show(node, by) => self.show(node, by),
            Edit::DropCarry(node) => self.drop_carry(node),
            Edit::RemoveEnable(register) => module.registers[register.index()].enable = None,
            Edit::StickEnable(register) => {
                let never = self.bit(false, module_source(&self.module, register));
                self.module.registers[register.index()].enable = Some(never);
            }
            Edit::Reset(register, ref value) => {
                module.registers[register.index()].reset = Some(value.clone());
            }
            Edit::Later(register) => self.later(register),
            Edit::Bypass(register) => self.bypass(register),
            Edit::Latency(memory, cycles) => module.memories[memory.index()].read_latency = cycles,
            Edit::DropAddressBit(memory, port, bit) => self.drop_address_bit(memory, port, bit),
            Edit::Write(memory, always) => {
                let enable = self.bit(always, self.module.memories[memory.index()].source);
                if let Some(port) = &mut self.module.memories[memory.index()].write {
                    port.enable = enable;
                }
            }
            Edit::WriteLate(memory) => self.write_late(memory),
            Edit::ReadAlways(memory, port) => {
                module.memories[memory.index()].reads[port].enable = None;
            }
            Edit::ExchangeReads(memory) => {
                if let [one, other] = &mut module.memories[memory.index()].reads[..] {
                    std::mem::swap(&mut one.address, &mut other.address);
                    std::mem::swap(&mut one.enable, &mut other.enable);
                }
            }
            Edit::ExchangeInputs(instance, one, other) => {
                let inputs = &mut module.instances[instance.index()].inputs;
                let (first, second) = (inputs[one].1, inputs[other].1);
                inputs[one].1 = second;
                inputs[other].1 = first;
            }
        }
    }

    /// `node` shows `by`; it gets a name if it had none.
    fn show(&mut self, node: NodeId, by: NodeId) {
        let fresh = self.fresh("altered");
        let node_mut = &mut self.module.nodes[node.index()];
        node_mut.operation = Operation::Wire(Some(by));
        if node_mut.name.is_none() {
            node_mut.name = Some(fresh);
            self.module.items.push(Item::Value(node));
        }
    }

    fn drop_carry(&mut self, node: NodeId) {
        let Node { operation, width, source, .. } = self.module.node(node).clone();
        let Operation::Binary(operator @ (Binary::Add | Binary::Sub), a, b) = operation else { return };
        let below = width - 1;
        let mut part = |of, low, width| self.add(Operation::Slice { of, low }, width, source);
        let (low_a, low_b) = (part(a, 0, below), part(b, 0, below));
        let (high_a, high_b) = (part(a, below, 1), part(b, below, 1));
        let low = self.add(Operation::Binary(operator, low_a, low_b), below, source);
        let high = self.add(Operation::Binary(Binary::Xor, high_a, high_b), 1, source);
        let sum = self.add(Operation::Concat(vec![high, low]), width, source);
        self.show(node, sum);
    }

    fn later(&mut self, register: RegisterId) {
        let Register { next, enable, reset, source, .. } = self.module.registers[register.index()].clone();
        let Some(next) = next else { return };
        let late = self.register("late", next, enable, reset, source);
        self.module.registers[register.index()].next = Some(late);
    }

    /// The register's value becomes what it would take at the next edge; the register itself stays for the sake of
    /// its enable, under another name.
    fn bypass(&mut self, register: RegisterId) {
        let Register { next, enable, node, source, width, .. } =
            self.module.registers[register.index()].clone();
        let Some(next) = next else { return };
        let name = self.fresh("bypassed");
        let held = self.add(Operation::Register(register), width, source);
        self.module.nodes[held.index()].name = Some(name.clone());
        let bypassed = &mut self.module.registers[register.index()];
        (bypassed.name, bypassed.node) = (name, held);
        let value = match enable {
            Some(condition) => {
                let select = Operation::Select { condition, then: next, otherwise: held };
                self.add(select, width, source)
            }
            None => next,
        };
        self.show(node, value);
        self.module.items.push(Item::Value(node));
    }

    fn drop_address_bit(&mut self, memory: MemoryId, port: MemoryPort, bit: u32) {
        let memory = &self.module.memories[memory.index()];
        let (number, width, source) = (memory.name.clone(), memory.address_width(), memory.source);
        let address = match port {
            MemoryPort::Write => memory.write.map(|write| write.address),
            MemoryPort::Read(read) => memory.reads.get(read).map(|read| read.address),
        };
        let Some(address) = address else { return };
        let ones = (BigUint::from(1u32) << width) - 1u32;
        let mask = self.add(Operation::Constant(ones ^ (BigUint::from(1u32) << bit)), width, source);
        let less = self.add(Operation::Binary(Binary::And, address, mask), width, source);
        let found = self.module.memories.iter_mut().find(|memory| memory.name == number);
        let Some(memory) = found else { return };
        match port {
            MemoryPort::Write => memory.write.iter_mut().for_each(|write| write.address = less),
            MemoryPort::Read(read) => memory.reads[read].address = less,
        }
    }

    fn write_late(&mut self, memory: MemoryId) {
        let source = self.module.memories[memory.index()].source;
        let Some(mut port) = self.module.memories[memory.index()].write else { return };
        port.enable = self.register("late_enable", port.enable, None, Some(BigUint::ZERO), source);
        port.address = self.register("late_address", port.address, None, None, source);
        port.data = self.register("late_data", port.data, None, None, source);
        self.module.memories[memory.index()].write = Some(port);
    }

    fn register(
        &mut self,
        name: &str,
        next: NodeId,
        enable: Option<NodeId>,
        reset: Option<BigUint>,
        source: Source,
    ) -> NodeId {
        let (name, width) = (self.fresh(name), self.module.node(next).width);
        let id = RegisterId(self.module.registers.len() as u32);
        let node = self.add(Operation::Register(id), width, source);
        self.module.nodes[node.index()].name = Some(name.clone());
        self.module.registers.push(Register { name, width, node, next: Some(next), enable, reset, source });
        self.module.items.push(Item::Register(id));
        node
    }

    fn bit(&mut self, value: bool, source: Source) -> NodeId {
        self.add(Operation::Constant(BigUint::from(u32::from(value))), 1, source)
    }

    fn add(&mut self, operation: Operation, width: u32, source: Source) -> NodeId {
        self.module.nodes.push(Node { operation, width, name: None, doc: String::new(), source });
        NodeId(self.module.nodes.len() as u32 - 1)
    }

    /// A name that nothing in the module has.
    fn fresh(&self, what: &str) -> String {
        let module = &self.module;
        let is_taken = |name: &str| {
            module.nodes.iter().any(|node| node.name.as_deref() == Some(name))
                || module.ports.iter().any(|port| port.name == name)
                || module.memories.iter().any(|memory| memory.name == name)
                || module.instances.iter().any(|instance| instance.name == name)
                || module.assertions.iter().chain(&module.covers).any(|property| property.name == name)
        };
        let mut name = format!("mutant_{what}");
        while is_taken(&name) {
            name += "x";
        }
        name
    }
}

fn module_source(module: &Module, register: RegisterId) -> Source {
    module.registers[register.index()].source
}
