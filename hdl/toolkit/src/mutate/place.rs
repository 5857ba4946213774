//! Who reads a value: whether it matters, what to call it, and what it is in words.

use crate::netlist::{Direction, Module, NodeId, Operation, Unary};

/// Depth to which an expression is spelt out.
const SPELT_DEPTH: u32 = 2;

/// Something that reads a node.
#[derive(Clone, Debug)]
enum Reader {
    Node(NodeId),
    /// A register, memory, instance or port, by its name.
    Named(String),
}

/// The readers of every node of a module, and which nodes reach an output or an instance.
pub(super) struct Places<'m> {
    module: &'m Module,
    readers: Vec<Vec<Reader>>,
    live: Vec<bool>,
}

impl<'m> Places<'m> {
    pub(super) fn of(module: &'m Module) -> Places<'m> {
        Places { module, readers: readers(module), live: live(module) }
    }

    /// Whether an output, or an instance, depends on the node in this or a later cycle.
    pub(super) fn is_live(&self, node: NodeId) -> bool {
        self.live[node.index()]
    }

    /// Whether every reader only puts it beside other bits, as padding.
    pub(super) fn is_padding(&self, node: NodeId) -> bool {
        self.readers[node.index()].iter().all(|reader| match reader {
            Reader::Node(reader) => matches!(self.module.node(*reader).operation, Operation::Concat(_)),
            Reader::Named(_) => false,
        })
    }

    /// Its own name, or that of the nearest reader that has one.
    pub(super) fn name(&self, node: NodeId) -> String {
        let mut seen = vec![false; self.module.nodes.len()];
        let mut queue = std::collections::VecDeque::from([node]);
        while let Some(at) = queue.pop_front() {
            if let Some(name) = &self.module.node(at).name {
                return name.clone();
            }
            for reader in &self.readers[at.index()] {
                match reader {
                    Reader::Node(reader) if !std::mem::replace(&mut seen[reader.index()], true) => {
                        queue.push_back(*reader);
                    }
                    Reader::Node(_) => {}
                    Reader::Named(name) => return name.clone(),
                }
            }
        }
        "?".to_owned()
    }

    /// The value in words: its name, else its expression.
    pub(super) fn words(&self, node: NodeId) -> String {
        match &self.module.node(node).name {
            Some(name) => name.clone(),
            None => self.expression(node, SPELT_DEPTH),
        }
    }

    /// How the node comes about, in words.
    pub(super) fn operation(&self, node: NodeId) -> String {
        self.expression(node, SPELT_DEPTH)
    }

    fn expression(&self, node: NodeId, depth: u32) -> String {
        let module = self.module;
        let inner = |id: NodeId| match &module.node(id).name {
            Some(name) => name.clone(),
            None if matches!(module.node(id).operation, Operation::Constant(_)) => self.expression(id, depth),
            None if depth == 0 => "…".to_owned(),
            None => {
                let words = self.expression(id, depth - 1);
                if words.contains(' ') { format!("({words})") } else { words }
            }
        };
        match &module.node(node).operation {
            Operation::Constant(value) => value.to_string(),
            Operation::EnumConstant(enumeration, variant) => enumeration.verilog_name(*variant),
            Operation::Wire(Some(driver)) => inner(*driver),
            Operation::Unary(operator, a) => {
                let sign = match operator {
                    Unary::Not => "!",
                    Unary::ReduceAnd => "all of ",
                    Unary::ReduceOr => "any of ",
                    Unary::ReduceXor => "parity of ",
                };
                format!("{sign}{}", inner(*a))
            }
            Operation::Binary(operator, a, b) => {
                format!("{} {} {}", inner(*a), operator.sign(), inner(*b))
            }
            Operation::Select { condition, then, otherwise } => {
                format!("{} ? {} : {}", inner(*condition), inner(*then), inner(*otherwise))
            }
            Operation::Slice { of, low } => {
                format!("{}[{low}..{}]", inner(*of), low + module.node(node).width)
            }
            Operation::Concat(parts) => {
                format!("{{{}}}", parts.iter().map(|part| inner(*part)).collect::<Vec<_>>().join(", "))
            }
            Operation::Wire(None)
            | Operation::Input(_)
            | Operation::Register(_)
            | Operation::MemoryRead(..)
            | Operation::InstanceOutput(..) => module.node(node).name.clone().unwrap_or_default(),
        }
    }
}

fn readers(module: &Module) -> Vec<Vec<Reader>> {
    let mut readers = vec![Vec::new(); module.nodes.len()];
    let mut add = |node: NodeId, reader: Reader| readers[node.index()].push(reader);
    for (position, node) in module.nodes.iter().enumerate() {
        for operand in node.operation.operands() {
            add(operand, Reader::Node(NodeId(position as u32)));
        }
    }
    for register in &module.registers {
        for node in register.next.iter().chain(&register.enable) {
            add(*node, Reader::Named(register.name.clone()));
        }
    }
    for memory in &module.memories {
        for node in memory_inputs(memory) {
            add(node, Reader::Named(memory.name.clone()));
        }
    }
    for instance in &module.instances {
        for (port, node) in &instance.inputs {
            add(*node, Reader::Named(format!("{}.{}", instance.name, instance.module.ports[*port].name)));
        }
    }
    for port in module.ports.iter().filter(|port| port.direction == Direction::Output) {
        add(port.node, Reader::Named(port.name.clone()));
    }
    readers
}

/// All nodes that a memory's ports read.
fn memory_inputs(memory: &crate::netlist::Memory) -> impl Iterator<Item = NodeId> {
    let write = memory.write.iter().flat_map(|port| [port.enable, port.address, port.data]);
    let reads = memory.reads.iter().flat_map(|port| port.enable.into_iter().chain([port.address]));
    write.chain(reads)
}

fn live(module: &Module) -> Vec<bool> {
    let mut live = vec![false; module.nodes.len()];
    let outputs = module.ports.iter().filter(|port| port.direction == Direction::Output);
    let instances =
        module.instances.iter().flat_map(|instance| instance.inputs.iter().map(|(_, node)| *node));
    let mut work: Vec<NodeId> = outputs.map(|port| port.node).chain(instances).collect();
    while let Some(at) = work.pop() {
        if std::mem::replace(&mut live[at.index()], true) {
            continue;
        }
        match &module.node(at).operation {
            Operation::Register(register) => {
                let register = &module.registers[register.index()];
                work.extend(register.next.iter().chain(&register.enable));
            }
            Operation::MemoryRead(memory, _) => work.extend(memory_inputs(&module.memories[memory.index()])),
            other => work.extend(other.operands()),
        }
    }
    live
}
