//! The netlist as Verilog can say it: slices pushed down to names, uses of a named value turned into references.
//!
//! Verilog cannot slice an expression, only a name. So a slice of a concatenation becomes its parts, a slice of
//! a slice one slice, a slice of a constant a constant; what remains is [`Kind::SliceOf`], whose operand the
//! writer must give a name. Every expression is exactly as wide by Verilog's own rules as in the netlist, which
//! is what keeps context-determined widths from changing its meaning.

use std::collections::HashMap;
use std::sync::Arc;

use num_bigint::BigUint;

use super::constant;
use crate::enumeration::Enumeration;
use crate::netlist::{Binary, Direction, Module, NodeId, Operation, Source, Unary};

/// Names an [`Expression`]: its position in [`Expressions::list`]. Children come before parents.
pub(super) type Id = usize;

/// A slice across a concatenation becomes at most this many parts; beyond, the concatenation gets a name.
const MOST_PARTS: usize = 8;

/// What an expression is made of.
pub(super) enum Kind {
    /// A declared value, by its name.
    Name(NodeId),
    /// Bits `low .. low + width` of a declared value that is wider.
    Part { of: NodeId, low: u32 },
    /// A number.
    Constant(BigUint),
    /// A constant of an enumeration, by its name.
    Enumerated(Arc<Enumeration>, usize),
    /// One-operand operator.
    Unary(Unary, Id),
    /// Two-operand operator.
    Binary(Binary, Id, Id),
    /// Condition, value if one, value if zero.
    Select(Id, Id, Id),
    /// Side by side, most significant first.
    Concat(Vec<Id>),
    /// Bits of an expression, which therefore needs a name.
    SliceOf { of: Id, low: u32 },
}

/// One expression.
pub(super) struct Expression {
    pub kind: Kind,
    pub width: u32,
    pub source: Source,
}

/// All expressions of a module.
pub(super) struct Expressions<'m> {
    pub module: &'m Module,
    pub list: Vec<Expression>,
    /// The value of each expression that is constant.
    constants: Vec<Option<BigUint>>,
    /// How the users of each node see it.
    seen: Vec<Id>,
    /// What a declared combinational node is assigned.
    bodies: Vec<Option<Id>>,
    /// The output port that gives its name to an unnamed node.
    output_names: Vec<Option<usize>>,
    /// The output port of the same name as a node, which therefore declares it.
    output_ports: Vec<Option<usize>>,
    parts: HashMap<(NodeId, u32, u32), Id>,
}

impl<'m> Expressions<'m> {
    /// Reads a finished module.
    pub fn of(module: &'m Module) -> Expressions<'m> {
        let count = module.nodes.len();
        let mut all = Expressions {
            module,
            list: Vec::with_capacity(count),
            constants: Vec::with_capacity(count),
            seen: Vec::with_capacity(count),
            bodies: vec![None; count],
            output_names: vec![None; count],
            output_ports: vec![None; count],
            parts: HashMap::new(),
        };
        let stand_ins = all.stand_ins();
        for (position, port) in module.ports.iter().enumerate() {
            if port.direction == Direction::Output && all.name(port.node) == port.name {
                all.output_ports[port.node.index()] = Some(position);
            }
        }
        // What each node computes, also where its users see a name instead.
        let mut computed = Vec::with_capacity(count);
        for (position, node) in module.nodes.iter().enumerate() {
            let id = NodeId(position as u32);
            let name = stand_ins[position].or_else(|| all.is_declared(id).then_some(id));
            let own = match &node.operation {
                Operation::Wire(_)
                | Operation::Input(_)
                | Operation::Register(_)
                | Operation::MemoryRead(..)
                | Operation::InstanceOutput(..) => None,
                _ => Some(all.compute(id)),
            };
            let seen = match (name, own) {
                (None, Some(own)) => own,
                (name, _) => all.part(name.unwrap_or(id), 0, node.width, node.source),
            };
            computed.push(own);
            all.seen.push(seen);
            if all.is_declared(id) {
                all.bodies[position] = own;
            }
        }
        for (position, node) in module.nodes.iter().enumerate() {
            if let Operation::Wire(Some(driver)) = node.operation {
                let is_stand_in = stand_ins[driver.index()] == Some(NodeId(position as u32));
                let computed = computed[driver.index()].filter(|_| is_stand_in);
                all.bodies[position] = Some(computed.unwrap_or(all.seen[driver.index()]));
            }
        }
        all
    }

    /// How users of a node write it.
    pub fn seen(&self, node: NodeId) -> Id {
        self.seen[node.index()]
    }

    /// What is assigned to a declared combinational node.
    pub fn body(&self, node: NodeId) -> Option<Id> {
        self.bodies[node.index()]
    }

    /// The name of a declared node.
    pub fn name(&self, node: NodeId) -> &'m str {
        let module = self.module;
        match (&module.node(node).name, self.output_names[node.index()]) {
            (Some(name), _) => name,
            (None, Some(port)) => &module.ports[port].name,
            (None, None) => "",
        }
    }

    /// The node is declared under a name of its own.
    pub fn is_declared(&self, node: NodeId) -> bool {
        self.module.node(node).name.is_some() || self.output_names[node.index()].is_some()
    }

    /// The output port that is the declaration of this node.
    pub fn output_port(&self, node: NodeId) -> Option<usize> {
        self.output_ports[node.index()]
    }

    /// The value of an expression that is constant whatever its names hold.
    pub fn constant(&self, id: Id) -> Option<&BigUint> {
        self.constants[id].as_ref()
    }

    /// The operands of an expression; equal neighbours of a concatenation, written `{8{x}}`, count once.
    pub fn operands(&self, id: Id) -> Vec<Id> {
        match &self.list[id].kind {
            Kind::Name(_) | Kind::Part { .. } | Kind::Constant(_) | Kind::Enumerated(..) => Vec::new(),
            Kind::Unary(_, a) | Kind::SliceOf { of: a, .. } => vec![*a],
            Kind::Binary(_, a, b) => vec![*a, *b],
            Kind::Select(a, b, c) => vec![*a, *b, *c],
            Kind::Concat(parts) => runs(parts).into_iter().map(|(part, _)| part).collect(),
        }
    }

    /// Unnamed values that drive a forward wire or an output are seen under that name by all their users.
    fn stand_ins(&mut self) -> Vec<Option<NodeId>> {
        let module = self.module;
        let unnamed = |node: NodeId| {
            let node = module.node(node);
            node.name.is_none()
                && !matches!(node.operation, Operation::Constant(_) | Operation::EnumConstant(..))
        };
        let mut stand_ins = vec![None; module.nodes.len()];
        for (position, node) in module.nodes.iter().enumerate() {
            if let Operation::Wire(Some(driver)) = node.operation
                && unnamed(driver)
            {
                stand_ins[driver.index()].get_or_insert(NodeId(position as u32));
            }
        }
        for (position, port) in module.ports.iter().enumerate() {
            let driver = port.node.index();
            if port.direction == Direction::Output && unnamed(port.node) && stand_ins[driver].is_none() {
                self.output_names[driver].get_or_insert(position);
            }
        }
        stand_ins
    }

    fn add(&mut self, kind: Kind, width: u32, source: Source) -> Id {
        let value = constant::value(&kind, width, &self.list, &self.constants);
        self.list.push(Expression { kind, width, source });
        self.constants.push(value);
        self.list.len() - 1
    }

    /// What the operation of a node computes, from how its operands are seen.
    fn compute(&mut self, id: NodeId) -> Id {
        let module = self.module;
        let node = module.node(id);
        let kind = match &node.operation {
            Operation::Constant(value) => Kind::Constant(value.clone()),
            Operation::EnumConstant(enumeration, variant) => Kind::Enumerated(enumeration.clone(), *variant),
            Operation::Unary(operator, a) => Kind::Unary(*operator, self.seen(*a)),
            Operation::Binary(operator, a, b) => Kind::Binary(*operator, self.seen(*a), self.seen(*b)),
            Operation::Select { condition, then, otherwise } => {
                Kind::Select(self.seen(*condition), self.seen(*then), self.seen(*otherwise))
            }
            Operation::Slice { of, low } => return self.slice(self.seen(*of), *low, node.width, node.source),
            Operation::Concat(parts) => Kind::Concat(parts.iter().map(|part| self.seen(*part)).collect()),
            Operation::Input(_)
            | Operation::Register(_)
            | Operation::MemoryRead(..)
            | Operation::InstanceOutput(..)
            | Operation::Wire(_) => return self.part(id, 0, node.width, node.source),
        };
        // Linters warn of order comparisons that hold for every value; say the outcome instead.
        let is_order = matches!(kind, Kind::Binary(Binary::Less | Binary::LessEqual, ..));
        let outcome = constant::value(&kind, node.width, &self.list, &self.constants).filter(|_| is_order);
        let kind = outcome.map_or(kind, Kind::Constant);
        self.add(kind, node.width, node.source)
    }

    /// Bits of a declared node, or the whole of it.
    fn part(&mut self, of: NodeId, low: u32, width: u32, source: Source) -> Id {
        if let Some(known) = self.parts.get(&(of, low, width)) {
            return *known;
        }
        let whole = self.module.node(of).width == width;
        let kind = if whole { Kind::Name(of) } else { Kind::Part { of, low } };
        let id = self.add(kind, width, source);
        self.parts.insert((of, low, width), id);
        id
    }

    fn slice(&mut self, of: Id, low: u32, width: u32, source: Source) -> Id {
        // (expression, first bit, bits), most significant on top.
        let mut work = vec![(of, low, width)];
        let mut parts = Vec::new();
        while let Some((id, first, bits)) = work.pop() {
            if let Kind::Concat(inner) = &self.list[id].kind
                && self.list[id].width != bits
            {
                let mut from = 0;
                for part in inner.iter().rev() {
                    let part_width = self.list[*part].width;
                    let (start, end) = (first.max(from), (first + bits).min(from + part_width));
                    if start < end {
                        work.push((*part, start - from, end - start));
                    }
                    from += part_width;
                }
            } else {
                parts.push((id, first, bits));
            }
            if parts.len() + work.len() > MOST_PARTS {
                return self.slice_one(of, low, width, source);
            }
        }
        let parts: Vec<_> =
            parts.into_iter().map(|(id, low, width)| self.slice_one(id, low, width, source)).collect();
        match parts[..] {
            [only] => only,
            _ => self.add(Kind::Concat(parts), width, source),
        }
    }

    /// A slice that cannot be pushed into parts.
    fn slice_one(&mut self, of: Id, low: u32, width: u32, source: Source) -> Id {
        if self.list[of].width == width {
            return of;
        }
        if let Some(value) = self.constant(of) {
            let mask = constant::ones(width);
            let value = (value >> low) & mask;
            return self.add(Kind::Constant(value), width, source);
        }
        match self.list[of].kind {
            Kind::Name(name) => self.part(name, low, width, source),
            Kind::Part { of: name, low: offset } => self.part(name, offset + low, width, source),
            Kind::SliceOf { of, low: offset } => {
                self.add(Kind::SliceOf { of, low: offset + low }, width, source)
            }
            Kind::Unary(Unary::Not, inner)
                if matches!(self.list[inner].kind, Kind::Name(_) | Kind::Part { .. }) =>
            {
                let inner = self.slice_one(inner, low, width, source);
                self.add(Kind::Unary(Unary::Not, inner), width, source)
            }
            _ => self.add(Kind::SliceOf { of, low }, width, source),
        }
    }
}

/// Runs of equal neighbours, as (part, how often).
pub(super) fn runs(parts: &[Id]) -> Vec<(Id, usize)> {
    let mut runs: Vec<(Id, usize)> = Vec::new();
    for part in parts {
        match runs.last_mut() {
            Some((last, count)) if last == part => *count += 1,
            _ => runs.push((*part, 1)),
        }
    }
    runs
}
