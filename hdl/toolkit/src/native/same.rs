//! Whether two designs are one after constants are folded and equal values merged.

use std::collections::HashSet;
use std::sync::Arc;

use super::elaborate::{Design, elaborate};
use super::graph::{Value, ValueId};
use crate::netlist::{Direction, Module};

/// Whether two modules with the same ports plainly do the same at their outputs: their flat graphs, followed back from
/// the outputs, are alike. `false` says nothing: designs may differ and still do the same. Properties are not looked
/// at.
pub fn is_provably_same(one: &Arc<Module>, other: &Arc<Module>) -> bool {
    let ports = |module: &Module| -> Vec<(String, Direction, u32)> {
        module.ports.iter().map(|port| (port.name.clone(), port.direction, port.width)).collect()
    };
    ports(one) == ports(other) && Comparison::of(&elaborate(one), &elaborate(other)).holds()
}

/// Walks two designs in step.
struct Comparison<'d> {
    one: &'d Design,
    other: &'d Design,
    work: Vec<(ValueId, ValueId)>,
    seen: HashSet<(ValueId, ValueId)>,
    differs: bool,
}

impl<'d> Comparison<'d> {
    fn of(one: &'d Design, other: &'d Design) -> Comparison<'d> {
        let work: Vec<_> = one.outputs.iter().copied().zip(other.outputs.iter().copied()).collect();
        Comparison { one, other, work, seen: HashSet::new(), differs: false }
    }

    fn holds(mut self) -> bool {
        while let Some((a, b)) = self.work.pop() {
            if self.seen.insert((a, b)) {
                self.compare(a, b);
            }
            if self.differs {
                return false;
            }
        }
        true
    }

    fn compare(&mut self, a: ValueId, b: ValueId) {
        let (one, other) = (&self.one.graph, &self.other.graph);
        self.require(one.width(a) == other.width(b));
        match (one.value(a), other.value(b)) {
            (Value::Register(a), Value::Register(b)) => {
                self.require(a == b);
                self.register(*a as usize);
            }
            (Value::MemoryRead(a), Value::MemoryRead(b)) => {
                self.require(a == b);
                self.memory(*a);
            }
            (Value::Unary(f, a), Value::Unary(g, b)) => {
                self.require(f == g);
                self.work.push((*a, *b));
            }
            (Value::Binary(f, a, c), Value::Binary(g, b, d)) => {
                self.require(f == g);
                self.work.extend([(*a, *b), (*c, *d)]);
            }
            (Value::Select(a, c, e), Value::Select(b, d, f)) => {
                self.work.extend([(*a, *b), (*c, *d), (*e, *f)]);
            }
            (Value::Slice(a, low), Value::Slice(b, other)) => {
                self.require(low == other);
                self.work.push((*a, *b));
            }
            (Value::Repeat(a), Value::Repeat(b)) => self.work.push((*a, *b)),
            (Value::Concat(a), Value::Concat(b)) => {
                self.require(a.len() == b.len());
                self.work.extend(a.iter().copied().zip(b.iter().copied()));
            }
            // Constants and inputs, or values of different kinds.
            (a, b) => self.require(a == b),
        }
    }

    fn register(&mut self, number: usize) {
        let (Some(a), Some(b)) = (self.one.registers.get(number), self.other.registers.get(number)) else {
            return self.require(false);
        };
        self.require(a.reset == b.reset);
        self.work.push((a.next, b.next));
        self.option(a.enable, b.enable);
    }

    fn memory(&mut self, read: u32) {
        let find = |design: &'d Design| {
            design.memories.iter().find(|memory| memory.reads.iter().any(|port| port.number == read))
        };
        let (Some(a), Some(b)) = (find(self.one), find(self.other)) else { return self.require(false) };
        self.require((a.depth, a.output_register) == (b.depth, b.output_register));
        self.require(a.reads.len() == b.reads.len());
        self.work.extend([
            (a.write_enable, b.write_enable),
            (a.write_address, b.write_address),
            (a.write_data, b.write_data),
        ]);
        let ports = a.reads.iter().zip(&b.reads).filter(|(port, _)| port.number == read);
        for (a, b) in ports {
            self.work.push((a.address, b.address));
            self.option(a.enable, b.enable);
        }
    }

    fn option(&mut self, a: Option<ValueId>, b: Option<ValueId>) {
        self.require(a.is_some() == b.is_some());
        self.work.extend(a.zip(b));
    }

    fn require(&mut self, holds: bool) {
        self.differs |= !holds;
    }
}
