//! The flat value graph: what is left of a hierarchy once instances, wires and repeated expressions are gone.
//!
//! Values are hash-consed: building the same value twice gives the same [`ValueId`]. Operands always have a
//! smaller id than the value that uses them, so ascending order is an evaluation order.

use std::collections::HashMap;

use num_bigint::BigUint;

use crate::netlist::{Binary, Unary};

/// Position of a value in its [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ValueId(pub(super) u32);

impl ValueId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a value comes about. Same meaning as the operations of [`crate::netlist`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value {
    Constant(BigUint),
    /// Input port, by its position among the inputs of the top module.
    Input(u32),
    /// Present value of a register of the whole design.
    Register(u32),
    /// What a memory read port of the whole design shows.
    MemoryRead(u32),
    Unary(Unary, ValueId),
    Binary(Binary, ValueId, ValueId),
    /// Condition, then, otherwise.
    Select(ValueId, ValueId, ValueId),
    /// Bits of a value from this one on; the width is the slice's.
    Slice(ValueId, u32),
    /// Most significant part first; two parts at least.
    Concat(Box<[ValueId]>),
    /// One bit, repeated over the width.
    Repeat(ValueId),
}

/// All values of a design.
#[derive(Debug, Default)]
pub(super) struct Graph {
    values: Vec<Value>,
    widths: Vec<u32>,
    known: HashMap<(Value, u32), ValueId>,
}

impl Graph {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    pub(super) fn width(&self, id: ValueId) -> u32 {
        self.widths[id.index()]
    }

    /// The value as it stands, without simplification.
    pub(super) fn intern(&mut self, value: Value, width: u32) -> ValueId {
        let next = ValueId(self.values.len() as u32);
        match self.known.entry((value, width)) {
            std::collections::hash_map::Entry::Occupied(known) => *known.get(),
            std::collections::hash_map::Entry::Vacant(slot) => {
                self.values.push(slot.key().0.clone());
                self.widths.push(width);
                *slot.insert(next)
            }
        }
    }

    pub(super) fn constant(&mut self, value: BigUint, width: u32) -> ValueId {
        self.intern(Value::Constant(value), width)
    }

    /// The constant's value, if it is one.
    pub(super) fn as_constant(&self, id: ValueId) -> Option<&BigUint> {
        match self.value(id) {
            Value::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// Values that must be known before this one.
    pub(super) fn operands(&self, id: ValueId, mut visit: impl FnMut(ValueId)) {
        match self.value(id) {
            Value::Constant(_) | Value::Input(_) | Value::Register(_) | Value::MemoryRead(_) => {}
            Value::Unary(_, a) | Value::Slice(a, _) | Value::Repeat(a) => visit(*a),
            Value::Binary(_, a, b) => {
                visit(*a);
                visit(*b);
            }
            Value::Select(c, a, b) => {
                visit(*c);
                visit(*a);
                visit(*b);
            }
            Value::Concat(parts) => parts.iter().copied().for_each(visit),
        }
    }
}
