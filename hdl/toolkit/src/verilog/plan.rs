//! In which order the statements of a module stand: as the designer wrote them, but nothing is used before it
//! is declared. What has to wait (a forward wire's driver, an instance, the clocked part of registers) stands
//! behind the last declaration that it reads, or at the end of that section.

use super::expression::{Expressions, Id, Kind};
use crate::netlist::{
    Direction, InstanceId, Item, MemoryId, Module, NodeId, Operation, Property, Register, RegisterId,
};

/// One statement of the written module.
pub(super) enum Statement {
    /// A heading.
    Section(String),
    /// A comment line.
    Comment(String),
    /// Declares a wire, with its value if that can be written already.
    Wire(NodeId, Option<Id>),
    /// Gives a declared wire or an output port its value.
    Assign(NodeId, Id),
    /// Gives an output port the value of something with another name.
    Output(usize, Id),
    /// Declares a register.
    Register(RegisterId),
    /// Declares the words that a memory shows.
    Words(MemoryId),
    /// Declares the outputs of an instance.
    Outputs(InstanceId),
    /// The clocked part of registers with the same enable and reset.
    Clocked(Vec<RegisterId>),
    /// A memory's wrapper.
    Memory(MemoryId),
    /// An instance.
    Instance(InstanceId),
}

/// What is read by something that matters.
pub(super) struct Live {
    pub nodes: Vec<bool>,
    pub memories: Vec<bool>,
}

/// What outputs, instances, declared unused values and `properties` depend on.
pub(super) fn live(all: &Expressions<'_>, properties: &[&Property]) -> Live {
    let module = all.module;
    let outputs = module.ports.iter().filter(|port| port.direction == Direction::Output);
    let mut nodes: Vec<NodeId> = outputs.map(|port| port.node).collect();
    nodes.extend(module.instances.iter().flat_map(|instance| instance.inputs.iter().map(|(_, node)| *node)));
    nodes.extend(&module.unused);
    nodes.extend(properties.iter().map(|property| property.condition));
    let mut work: Vec<Id> = nodes.into_iter().map(|node| all.seen(node)).collect();
    let mut live =
        Live { nodes: vec![false; module.nodes.len()], memories: vec![false; module.memories.len()] };
    let mut seen = vec![false; all.list.len()];
    while let Some(id) = work.pop() {
        if std::mem::replace(&mut seen[id], true) {
            continue;
        }
        let (Kind::Name(node) | Kind::Part { of: node, .. }) = all.list[id].kind else {
            work.extend(all.operands(id));
            continue;
        };
        if std::mem::replace(&mut live.nodes[node.index()], true) {
            continue;
        }
        work.extend(all.body(node));
        match module.node(node).operation {
            Operation::Register(register) => {
                let register = &module.registers[register.index()];
                work.extend(register.next.iter().chain(&register.enable).map(|node| all.seen(*node)));
            }
            Operation::MemoryRead(memory, _) => {
                live.memories[memory.index()] = true;
                work.extend(memory_inputs(module, memory).into_iter().map(|(_, node)| all.seen(node)));
            }
            _ => {}
        }
    }
    live
}

/// What is connected to a memory, with the ports of its wrapper.
pub(super) fn memory_inputs(module: &Module, memory: MemoryId) -> Vec<(String, NodeId)> {
    let memory = &module.memories[memory.index()];
    let mut inputs = Vec::new();
    if let Some(write) = &memory.write {
        inputs.push(("write_enable".to_owned(), write.enable));
        inputs.push(("write_address".to_owned(), write.address));
        inputs.push(("write_data".to_owned(), write.data));
    }
    for (port, read) in memory.reads.iter().enumerate() {
        let suffix = super::ram::port_suffix(memory.reads.len(), port);
        inputs.extend(read.enable.map(|enable| (format!("read_enable{suffix}"), enable)));
        inputs.push((format!("read_address{suffix}"), read.address));
    }
    inputs
}

/// The statements of a module, in order.
pub(super) fn statements(all: &Expressions<'_>, live: &Live) -> Vec<Statement> {
    let mut plan = Plan {
        all,
        live,
        events: vec![Event { statement: None, section: 0 }],
        section: 0,
        declared_at: vec![None; all.module.nodes.len()],
        placed: vec![false; all.module.nodes.len()],
        complete: vec![false; all.list.len()],
        deferred: Vec::new(),
    };
    for (position, node) in all.module.nodes.iter().enumerate() {
        let is_port = matches!(node.operation, Operation::Input(_))
            || all.output_port(NodeId(position as u32)).is_some();
        plan.declared_at[position] = is_port.then_some(0);
    }
    for item in &all.module.items {
        plan.item(item);
    }
    plan.finish()
}

struct Event {
    statement: Option<Statement>,
    section: usize,
}

/// Something that waits for declarations, with the event it would like to stand behind.
struct Deferred {
    wish: usize,
    what: Waiting,
}

#[derive(Clone, Copy)]
enum Waiting {
    Assign(NodeId, Id),
    Register(RegisterId),
    Memory(MemoryId),
    Instance(InstanceId),
}

struct Plan<'a, 'm> {
    all: &'a Expressions<'m>,
    live: &'a Live,
    events: Vec<Event>,
    section: usize,
    /// The event from which on a node's name can be used.
    declared_at: Vec<Option<usize>>,
    /// Values whose statement stands.
    placed: Vec<bool>,
    /// Expressions known to read declared names only.
    complete: Vec<bool>,
    deferred: Vec<Deferred>,
}

impl Plan<'_, '_> {
    fn event(&mut self, statement: Statement) -> usize {
        self.events.push(Event { statement: Some(statement), section: self.section });
        self.events.len() - 1
    }

    fn defer(&mut self, wish: usize, what: Waiting) {
        self.deferred.push(Deferred { wish, what });
    }

    fn declare(&mut self, node: NodeId, event: usize) {
        self.declared_at[node.index()].get_or_insert(event);
    }

    fn item(&mut self, item: &Item) {
        let module = self.all.module;
        match item {
            Item::Section(title) => {
                self.section += 1;
                self.event(Statement::Section(title.clone()));
            }
            Item::Comment(text) => {
                self.event(Statement::Comment(text.clone()));
            }
            Item::Register(id) => {
                let node = module.registers[id.index()].node;
                if self.live.nodes[node.index()] {
                    let event = self.event(Statement::Register(*id));
                    self.declare(node, event);
                    self.defer(event, Waiting::Register(*id));
                }
            }
            Item::Memory(id) => {
                if self.live.memories[id.index()] {
                    let event = self.event(Statement::Words(*id));
                    module.memories[id.index()].reads.iter().for_each(|read| self.declare(read.data, event));
                    self.defer(event, Waiting::Memory(*id));
                }
            }
            Item::Instance(id) => {
                let event = self.event(Statement::Outputs(*id));
                let outputs = &module.instances[id.index()].outputs;
                outputs.iter().for_each(|(_, node)| self.declare(*node, event));
                self.defer(event, Waiting::Instance(*id));
            }
            Item::Value(node) => self.value(*node),
        }
    }

    /// Places a value, behind those that it reads.
    fn value(&mut self, node: NodeId) {
        let mut work = vec![node];
        while let Some(node) = work.pop() {
            if self.placed[node.index()] || !self.live.nodes[node.index()] {
                continue;
            }
            let Some(body) = self.all.body(node) else { continue };
            let missing = self.missing(body);
            if missing.is_empty() {
                self.place(node, Some(body));
            } else if matches!(self.all.module.node(node).operation, Operation::Wire(_)) {
                self.place(node, None);
            } else {
                work.push(node);
                work.extend(missing);
            }
        }
    }

    fn place(&mut self, node: NodeId, value: Option<Id>) {
        self.placed[node.index()] = true;
        let event = match (self.all.output_port(node), value) {
            (Some(_), Some(value)) => self.event(Statement::Assign(node, value)),
            (Some(_), None) => self.events.len() - 1,
            (None, value) => self.event(Statement::Wire(node, value)),
        };
        self.declare(node, event);
        if let (None, Some(body)) = (value, self.all.body(node)) {
            self.defer(event, Waiting::Assign(node, body));
        }
    }

    /// The nodes without declaration that an expression reads; the first met is last.
    fn missing(&mut self, id: Id) -> Vec<NodeId> {
        let (mut work, mut met, mut missing) = (vec![id], Vec::new(), Vec::new());
        while let Some(id) = work.pop() {
            if std::mem::replace(&mut self.complete[id], true) {
                continue;
            }
            met.push(id);
            if let Kind::Name(node) | Kind::Part { of: node, .. } = self.all.list[id].kind {
                if self.declared_at[node.index()].is_none() {
                    missing.push(node);
                }
            } else {
                work.extend(self.all.operands(id));
            }
        }
        if !missing.is_empty() {
            met.into_iter().for_each(|id| self.complete[id] = false);
        }
        missing
    }

    /// For each expression the event from which on everything in it is declared.
    fn available(&self) -> Vec<usize> {
        let mut available: Vec<usize> = Vec::with_capacity(self.all.list.len());
        for (id, expression) in self.all.list.iter().enumerate() {
            available.push(match expression.kind {
                Kind::Name(node) | Kind::Part { of: node, .. } => self.declared_at[node.index()].unwrap_or(0),
                _ => self.all.operands(id).into_iter().map(|operand| available[operand]).max().unwrap_or(0),
            });
        }
        available
    }

    fn finish(self) -> Vec<Statement> {
        let (module, all) = (self.all.module, self.all);
        let available = self.available();
        let ready = |nodes: &mut dyn Iterator<Item = NodeId>| {
            nodes.map(|node| available[all.seen(node)]).max().unwrap_or(0)
        };
        let mut behind: Vec<Vec<Statement>> = self.events.iter().map(|_| Vec::new()).collect();
        let mut at_end: Vec<Vec<Waiting>> = vec![Vec::new(); self.section + 1];
        for Deferred { wish, what } in &self.deferred {
            let (wish, what) = (*wish, *what);
            let at = match what {
                Waiting::Assign(_, body) => available[body],
                Waiting::Register(id) => {
                    let Register { next, enable, .. } = &module.registers[id.index()];
                    ready(&mut next.iter().chain(enable).copied())
                }
                Waiting::Memory(id) => {
                    ready(&mut memory_inputs(module, id).into_iter().map(|(_, node)| node))
                }
                Waiting::Instance(id) => {
                    ready(&mut module.instances[id.index()].inputs.iter().map(|(_, node)| *node))
                }
            };
            let at = at.max(wish);
            match what {
                Waiting::Assign(node, body) => behind[at].push(Statement::Assign(node, body)),
                Waiting::Memory(id) if at == wish => behind[at].push(Statement::Memory(id)),
                Waiting::Instance(id) if at == wish => behind[at].push(Statement::Instance(id)),
                what => at_end[self.events[at].section].push(what),
            }
        }
        let mut statements = Vec::new();
        let mut events = self.events.into_iter().zip(behind).peekable();
        while let Some((event, behind)) = events.next() {
            statements.extend(event.statement);
            statements.extend(behind);
            if events.peek().is_none_or(|(next, _)| next.section != event.section) {
                section_end(all, &at_end[event.section], &mut statements);
            }
        }
        for (position, port) in module.ports.iter().enumerate() {
            if port.direction == Direction::Output && all.output_port(port.node) != Some(position) {
                statements.push(Statement::Output(position, all.seen(port.node)));
            } else if port.direction == Direction::Output
                && all.module.node(port.node).name.is_none()
                && let Some(body) = all.body(port.node)
            {
                statements.push(Statement::Output(position, body));
            }
        }
        statements
    }
}

/// The waiting blocks of one section, registers of the same enable and reset together.
fn section_end(all: &Expressions<'_>, waiting: &[Waiting], statements: &mut Vec<Statement>) {
    let key = |id: RegisterId| {
        let register = &all.module.registers[id.index()];
        (register.enable.map(|enable| all.seen(enable)), register.reset.is_some())
    };
    let mut groups: Vec<(usize, Vec<RegisterId>)> = Vec::new();
    for what in waiting {
        match what {
            Waiting::Assign(node, body) => statements.push(Statement::Assign(*node, *body)),
            Waiting::Memory(id) => statements.push(Statement::Memory(*id)),
            Waiting::Instance(id) => statements.push(Statement::Instance(*id)),
            Waiting::Register(id) => {
                let group = groups.iter_mut().find(|(_, registers)| key(registers[0]) == key(*id));
                match group {
                    Some((_, registers)) => registers.push(*id),
                    None => {
                        groups.push((statements.len(), vec![*id]));
                        statements.push(Statement::Clocked(Vec::new()));
                    }
                }
            }
        }
    }
    for (position, registers) in groups {
        statements[position] = Statement::Clocked(registers);
    }
}
