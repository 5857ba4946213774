//! Chooses the operations that compute one value.

use super::graph::{Value, ValueId};
use super::program::Op;
use super::storage::Lowering;
use crate::netlist::{Binary, Unary};

impl Lowering<'_> {
    /// Appends the operations that compute `id` into `dst`.
    pub(super) fn select(&mut self, id: ValueId, dst: u32) {
        let graph = self.graph;
        let wide = graph.width(id) > 64;
        let (limbs, spare) = (self.limbs_at(id), self.spare(id));
        match *graph.value(id) {
            Value::Constant(_) | Value::Input(_) | Value::Register(_) | Value::MemoryRead(_) => {}
            Value::Unary(Unary::Not, a) => {
                let a = self.at(a);
                self.ops.push(if wide {
                    Op::NotWide { dst, a, limbs, spare }
                } else {
                    Op::Not { dst, a, spare }
                });
            }
            Value::Unary(operator, a) => self.reduce(operator, a, dst),
            Value::Binary(operator, a, b) => self.binary(operator, a, b, dst),
            Value::Select(condition, then, otherwise) => self.choose(condition, then, otherwise, dst),
            Value::Slice(..) | Value::Concat(_) => {
                let segments = self.segments(id);
                self.assemble(&segments, dst);
            }
            Value::Repeat(condition) => {
                let condition = self.at(condition);
                for limb in 0..u32::from(limbs) {
                    let top = limb + 1 == u32::from(limbs);
                    let a = self.limb(if top { u64::MAX >> spare } else { u64::MAX });
                    self.ops.push(Op::Gate { dst: dst + limb, condition, a });
                }
            }
        }
    }

    fn binary(&mut self, operator: Binary, a: ValueId, b: ValueId, dst: u32) {
        let wide = self.graph.width(a) > 64;
        let (limbs, spare) = (self.limbs_at(a), self.spare(a));
        match operator {
            Binary::Equal | Binary::NotEqual if wide => {
                let (a, b) = (self.loose(a), self.loose(b));
                self.ops.push(if operator == Binary::Equal {
                    Op::EqualWide { dst, a, b, limbs, spare }
                } else {
                    Op::NotEqualWide { dst, a, b, limbs, spare }
                });
                return;
            }
            Binary::Equal | Binary::NotEqual => {
                let ((a, a_low), (b, b_low)) = (self.bits(a), self.bits(b));
                self.ops.push(if operator == Binary::Equal {
                    Op::Equal { dst, a, b, a_low, b_low, spare }
                } else {
                    Op::NotEqual { dst, a, b, a_low, b_low, spare }
                });
                return;
            }
            Binary::And if !wide => {
                for (a, b) in [(a, b), (b, a)] {
                    if let Value::Unary(Unary::Not, b) = *self.graph.value(b) {
                        let (a, b) = (self.at(a), self.at(b));
                        self.ops.push(Op::AndNot { dst, a, b });
                        return;
                    }
                }
            }
            Binary::Or => {
                for (gated, b) in [(a, b), (b, a)] {
                    if let Some((condition, a)) = self.as_gate(gated)
                        && self.uses[gated.index()] == 1
                    {
                        let (condition, a, b) = (self.at(condition), self.at(a), self.at(b));
                        self.ops.push(if wide {
                            Op::OrGateWide { dst, condition, a, b, limbs }
                        } else {
                            Op::OrGate { dst, condition, a, b }
                        });
                        return;
                    }
                }
            }
            _ => {}
        }
        let (a, b) = (self.at(a), self.at(b));
        self.ops.push(match (operator, wide) {
            (Binary::And, false) => Op::And { dst, a, b },
            (Binary::Or, false) => Op::Or { dst, a, b },
            (Binary::Xor, false) => Op::Xor { dst, a, b },
            (Binary::Add, false) => Op::Add { dst, a, b, spare },
            (Binary::Sub, false) => Op::Sub { dst, a, b, spare },
            (Binary::Less, false) => Op::Less { dst, a, b },
            (Binary::LessEqual, false) => Op::LessEqual { dst, a, b },
            (Binary::ShiftLeft, false) => Op::ShiftLeft { dst, a, b, spare },
            (Binary::ShiftRight, false) => Op::ShiftRight { dst, a, b },
            (Binary::And, true) => Op::AndWide { dst, a, b, limbs },
            (Binary::Or, true) => Op::OrWide { dst, a, b, limbs },
            (Binary::Xor, true) => Op::XorWide { dst, a, b, limbs },
            (Binary::Add, true) => Op::AddWide { dst, a, b, limbs, spare },
            (Binary::Sub, true) => Op::SubWide { dst, a, b, limbs, spare },
            (Binary::Less, true) => Op::LessWide { dst, a, b, limbs },
            (Binary::LessEqual, true) => Op::LessEqualWide { dst, a, b, limbs },
            (Binary::ShiftLeft, true) => Op::ShiftLeftWide { dst, a, b, limbs, spare },
            (Binary::ShiftRight, true) => Op::ShiftRightWide { dst, a, b, limbs },
            (Binary::Equal | Binary::NotEqual, _) => unreachable!("chosen above"),
        });
    }

    /// (condition, value) of `condition ? value : 0`.
    fn as_gate(&self, id: ValueId) -> Option<(ValueId, ValueId)> {
        match *self.graph.value(id) {
            Value::Select(condition, then, otherwise)
                if self.graph.as_constant(otherwise).is_some_and(|value| value.bits() == 0) =>
            {
                Some((condition, then))
            }
            _ => None,
        }
    }

    fn choose(&mut self, condition: ValueId, then: ValueId, otherwise: ValueId, dst: u32) {
        let limbs = self.limbs_at(then);
        let zero = self.graph.as_constant(otherwise).is_some_and(|value| value.bits() == 0);
        if limbs > 1 {
            let (condition, a) = (self.at(condition), self.at(then));
            if zero {
                self.ops.push(Op::GateWide { dst, condition, a, limbs });
            } else {
                let b = self.at(otherwise);
                self.ops.push(Op::SelectWide { dst, condition, a, b, limbs });
            }
            return;
        }
        if zero && !matches!(self.graph.value(condition), Value::Slice(..)) {
            let (condition, a) = (self.at(condition), self.at(then));
            self.ops.push(Op::Gate { dst, condition, a });
            return;
        }
        let (condition, bit) = self.bits(condition);
        let a = self.at(then);
        let b = self.at(otherwise);
        self.ops.push(Op::Select { dst, condition, bit, a, b });
    }
}
