//! Flattens a hierarchy into one [`Graph`] of values with the registers, memories and names around it.

use std::collections::HashSet;
use std::sync::Arc;

use num_bigint::BigUint;

use super::graph::{Graph, Value, ValueId};
use crate::netlist::{Binary, Direction, Module, NodeId, Operation, Unary};

/// A module instance in the flat design; the first is the top module.
pub(super) struct Scope {
    /// Instance name; the module's name for the top.
    pub(super) name: String,
    pub(super) module: Arc<Module>,
    /// The scope above and the position of this one among its instances.
    pub(super) parent: Option<(usize, usize)>,
    /// The scope of each instance.
    pub(super) children: Vec<usize>,
    first_register: u32,
    first_read: u32,
    /// Dotted instance names from the top (which is left out).
    pub(super) path: String,
}

/// A register of the flat design.
pub(super) struct FlatRegister {
    pub(super) width: u32,
    pub(super) next: ValueId,
    pub(super) enable: Option<ValueId>,
    pub(super) reset: Option<BigUint>,
}

/// A memory of the flat design.
pub(super) struct FlatMemory {
    pub(super) width: u32,
    pub(super) depth: u32,
    pub(super) output_register: bool,
    pub(super) write_enable: ValueId,
    pub(super) write_address: ValueId,
    pub(super) write_data: ValueId,
    pub(super) reads: Vec<FlatRead>,
}

/// A read port; ports of all memories are numbered through.
pub(super) struct FlatRead {
    pub(super) enable: Option<ValueId>,
    pub(super) address: ValueId,
    pub(super) number: u32,
}

/// What a named value is, for the waveforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Input,
    Output,
    Register,
    Wire,
}

/// A named value.
pub(super) struct Named {
    pub(super) scope: usize,
    pub(super) name: String,
    pub(super) value: ValueId,
    pub(super) width: u32,
    pub(super) kind: Kind,
}

/// An assertion or a cover point.
pub(super) struct FlatProperty {
    pub(super) scope: usize,
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) condition: ValueId,
}

/// The flat design.
pub(super) struct Design {
    pub(super) graph: Graph,
    pub(super) scopes: Vec<Scope>,
    /// Output ports of the top in port order.
    pub(super) outputs: Vec<ValueId>,
    pub(super) registers: Vec<FlatRegister>,
    pub(super) memories: Vec<FlatMemory>,
    /// Read ports of all memories.
    pub(super) reads: u32,
    pub(super) names: Vec<Named>,
    pub(super) assertions: Vec<FlatProperty>,
    pub(super) covers: Vec<FlatProperty>,
}

/// Flattens `top`.
pub(super) fn elaborate(top: &Arc<Module>) -> Design {
    let mut flattener = Flattener { graph: Graph::default(), scopes: Vec::new(), values: Vec::new() };
    flattener.open(top, top.name.clone(), String::new(), None, &mut 0, &mut 0);
    flattener.finish()
}

struct Flattener {
    graph: Graph,
    scopes: Vec<Scope>,
    /// Per scope and node, once known.
    values: Vec<Vec<Option<ValueId>>>,
}

impl Flattener {
    fn open(
        &mut self,
        module: &Arc<Module>,
        name: String,
        path: String,
        parent: Option<(usize, usize)>,
        registers: &mut u32,
        reads: &mut u32,
    ) -> usize {
        let position = self.scopes.len();
        self.scopes.push(Scope {
            name,
            module: module.clone(),
            parent,
            children: Vec::new(),
            first_register: *registers,
            first_read: *reads,
            path: path.clone(),
        });
        self.values.push(vec![None; module.nodes.len()]);
        *registers += module.registers.len() as u32;
        *reads += module.memories.iter().map(|memory| memory.reads.len() as u32).sum::<u32>();
        for (number, instance) in module.instances.iter().enumerate() {
            let below =
                if path.is_empty() { instance.name.clone() } else { format!("{path}.{}", instance.name) };
            let parent = Some((position, number));
            let child = self.open(&instance.module, instance.name.clone(), below, parent, registers, reads);
            self.scopes[position].children.push(child);
        }
        position
    }

    /// Where the value of a node comes from, if it is another node's unchanged.
    fn source(&self, scope: usize, node: NodeId) -> Option<(usize, NodeId)> {
        let here = &self.scopes[scope];
        match &here.module.node(node).operation {
            Operation::Wire(driver) => Some((scope, driver.expect("a finished module drives every wire"))),
            Operation::InstanceOutput(instance, port) => {
                let child = here.children[instance.index()];
                Some((child, self.scopes[child].module.ports[*port].node))
            }
            Operation::Input(port) => here.parent.map(|(parent, instance)| {
                let instance = &self.scopes[parent].module.instances[instance];
                let driver = instance.inputs.iter().find(|(position, _)| position == port);
                (parent, driver.expect("a finished module drives every instance input").1)
            }),
            _ => None,
        }
    }

    /// The value of a node, built with all it depends on. A stack of our own, because a chain of nodes may be
    /// longer than the thread's stack allows.
    fn resolve(&mut self, scope: usize, node: NodeId) -> ValueId {
        let mut stack = vec![(scope, node)];
        while let Some(&(scope, node)) = stack.last() {
            if self.values[scope][node.index()].is_some() {
                stack.pop();
                continue;
            }
            let waiting = stack.len();
            let value = if let Some((from_scope, from)) = self.source(scope, node) {
                let known = self.values[from_scope][from.index()];
                if known.is_none() {
                    stack.push((from_scope, from));
                }
                known
            } else {
                let module = self.scopes[scope].module.clone();
                let operation = &module.node(node).operation;
                for operand in operation.operands() {
                    if self.values[scope][operand.index()].is_none() {
                        stack.push((scope, operand));
                    }
                }
                (stack.len() == waiting).then(|| self.build(scope, &module, node))
            };
            if let Some(value) = value {
                self.values[scope][node.index()] = Some(value);
                stack.pop();
            }
        }
        self.known(scope, node)
    }

    fn known(&self, scope: usize, node: NodeId) -> ValueId {
        self.values[scope][node.index()].expect("operands are built before their users")
    }

    /// Builds a node whose operands are known.
    fn build(&mut self, scope: usize, module: &Module, node: NodeId) -> ValueId {
        let width = module.node(node).width;
        let first_register = self.scopes[scope].first_register;
        match &module.node(node).operation {
            Operation::Constant(value) => self.graph.constant(value.clone(), width),
            Operation::EnumConstant(enumeration, variant) => {
                self.graph.constant(enumeration.variants[*variant].1.clone(), width)
            }
            Operation::Input(port) => {
                let inputs = module.ports[..*port].iter();
                let earlier = inputs.filter(|port| port.direction == Direction::Input).count();
                self.graph.intern(Value::Input(earlier as u32), width)
            }
            Operation::Register(register) => {
                self.graph.intern(Value::Register(first_register + register.0), width)
            }
            Operation::MemoryRead(memory, port) => {
                let earlier: usize = module.memories[..memory.index()].iter().map(|m| m.reads.len()).sum();
                let number = self.scopes[scope].first_read + (earlier + port) as u32;
                self.graph.intern(Value::MemoryRead(number), width)
            }
            Operation::Wire(_) | Operation::InstanceOutput(..) => {
                unreachable!("followed to their source before")
            }
            Operation::Unary(operator, a) => {
                let a = self.known(scope, *a);
                self.graph.unary(*operator, a)
            }
            Operation::Binary(operator, a, b) => {
                let (a, b) = (self.known(scope, *a), self.known(scope, *b));
                self.graph.binary(*operator, a, b)
            }
            Operation::Select { condition, then, otherwise } => {
                let condition = self.known(scope, *condition);
                let (then, otherwise) = (self.known(scope, *then), self.known(scope, *otherwise));
                self.graph.select(condition, then, otherwise)
            }
            Operation::Slice { of, low } => {
                let of = self.known(scope, *of);
                self.graph.slice(of, *low, width)
            }
            Operation::Concat(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.known(scope, *part)).collect();
                self.graph.concat(&parts)
            }
        }
    }

    fn finish(mut self) -> Design {
        let (mut registers, mut memories) = (Vec::new(), Vec::new());
        let (mut names, mut assertions, mut covers) = (Vec::new(), Vec::new(), Vec::new());
        let mut reads = 0;
        for scope in 0..self.scopes.len() {
            let module = self.scopes[scope].module.clone();
            for register in &module.registers {
                let next = register.next.expect("a finished module drives every register");
                let mut flat = FlatRegister {
                    width: register.width,
                    next: self.resolve(scope, next),
                    enable: register.enable.map(|enable| self.resolve(scope, enable)),
                    reset: register.reset.clone(),
                };
                let value = self.resolve(scope, register.node);
                self.find_enable(&mut flat, value);
                registers.push(flat);
            }
            for memory in &module.memories {
                let write = memory.write.expect("a finished module drives every write port");
                let mut ports = Vec::new();
                for read in &memory.reads {
                    let enable = read.enable.map(|enable| self.resolve(scope, enable));
                    ports.push(FlatRead {
                        enable,
                        address: self.resolve(scope, read.address),
                        number: reads,
                    });
                    reads += 1;
                }
                memories.push(FlatMemory {
                    width: memory.width,
                    depth: memory.depth,
                    output_register: memory.read_latency == 2,
                    write_enable: self.resolve(scope, write.enable),
                    write_address: self.resolve(scope, write.address),
                    write_data: self.resolve(scope, write.data),
                    reads: ports,
                });
            }
            self.name(scope, &module, &mut names);
            let mut flatten = |list: &[crate::netlist::Property], flat: &mut Vec<FlatProperty>| {
                for property in list {
                    let condition = self.resolve(scope, property.condition);
                    let (name, doc) = (property.name.clone(), property.doc.clone());
                    flat.push(FlatProperty { scope, name, doc, condition });
                }
            };
            flatten(&module.assertions, &mut assertions);
            flatten(&module.covers, &mut covers);
        }
        let ports = self.scopes[0].module.clone();
        let outputs = ports.ports.iter().filter(|port| port.direction == Direction::Output);
        let outputs = outputs.map(|port| self.resolve(0, port.node)).collect();
        let (graph, scopes) = (self.graph, self.scopes);
        Design { graph, scopes, outputs, registers, memories, reads, names, assertions, covers }
    }

    /// A wide register that keeps its value by selecting it becomes one with an enable, which costs nothing in
    /// the cycles in which it keeps it.
    fn find_enable(&mut self, register: &mut FlatRegister, own: ValueId) {
        let Value::Select(condition, then, otherwise) = *self.graph.value(register.next) else { return };
        let (condition, next) = match (then == own, otherwise == own) {
            (false, true) => (condition, then),
            (true, false) => (self.graph.unary(Unary::Not, condition), otherwise),
            _ => return,
        };
        if register.width > 64 {
            register.next = next;
            register.enable = Some(match register.enable {
                Some(enable) => self.graph.binary(Binary::And, enable, condition),
                None => condition,
            });
        }
    }

    fn name(&mut self, scope: usize, module: &Module, names: &mut Vec<Named>) {
        for port in &module.ports {
            let kind = if port.direction == Direction::Input { Kind::Input } else { Kind::Output };
            let value = self.resolve(scope, port.node);
            names.push(Named { scope, name: port.name.clone(), value, width: port.width, kind });
        }
        let ports: HashSet<_> = module.ports.iter().map(|port| port.name.as_str()).collect();
        for (position, node) in module.nodes.iter().enumerate() {
            let Some(name) = &node.name else { continue };
            if ports.contains(name.as_str()) {
                continue;
            }
            let is_register = matches!(node.operation, Operation::Register(_) | Operation::MemoryRead(..));
            let kind = if is_register { Kind::Register } else { Kind::Wire };
            let value = self.resolve(scope, NodeId(position as u32));
            names.push(Named { scope, name: name.clone(), value, width: node.width, kind });
        }
    }
}
