//! Building values with simplification: constants, slices of concatenations, gates by a repeated bit…

use num_bigint::BigUint;

use super::graph::{Graph, Value, ValueId};
use crate::netlist::{Binary, Unary};

/// All ones.
fn ones(width: u32) -> BigUint {
    (BigUint::from(1u32) << width) - 1u32
}

fn bit(value: bool) -> BigUint {
    BigUint::from(u32::from(value))
}

impl Graph {
    fn zero(&mut self, width: u32) -> ValueId {
        self.constant(BigUint::ZERO, width)
    }

    fn is_zero(&self, id: ValueId) -> bool {
        self.as_constant(id).is_some_and(|value| *value == BigUint::ZERO)
    }

    fn is_ones(&self, id: ValueId) -> bool {
        self.as_constant(id).is_some_and(|value| *value == ones(self.width(id)))
    }

    /// Bits `low .. low + width` of `of`.
    pub(super) fn slice(&mut self, of: ValueId, low: u32, width: u32) -> ValueId {
        if low == 0 && width == self.width(of) {
            return of;
        }
        match self.value(of) {
            Value::Constant(value) => {
                let value = (value >> low) & ones(width);
                self.constant(value, width)
            }
            Value::Slice(inner, inner_low) => {
                let (inner, low) = (*inner, inner_low + low);
                self.slice(inner, low, width)
            }
            Value::Repeat(repeated) => {
                let repeated = *repeated;
                self.repeat(repeated, width)
            }
            Value::Concat(parts) => {
                let mut pieces = Vec::new();
                let mut start = self.width(of);
                for &part in parts.iter() {
                    let end = start;
                    start -= self.width(part);
                    let (from, to) = (low.max(start), (low + width).min(end));
                    if from < to {
                        pieces.push((part, from - start, to - from));
                    }
                }
                let parts: Vec<_> =
                    pieces.into_iter().map(|(part, low, w)| self.slice(part, low, w)).collect();
                self.concat(&parts)
            }
            _ => self.intern(Value::Slice(of, low), width),
        }
    }

    fn repeat(&mut self, of: ValueId, width: u32) -> ValueId {
        if width == 1 {
            return of;
        }
        self.intern(Value::Repeat(of), width)
    }

    /// Parts side by side, most significant first.
    pub(super) fn concat(&mut self, parts: &[ValueId]) -> ValueId {
        let mut flat: Vec<ValueId> = Vec::with_capacity(parts.len());
        for &part in parts {
            match self.value(part) {
                Value::Concat(inner) => {
                    for inner in inner.clone() {
                        self.append(&mut flat, inner);
                    }
                }
                _ => self.append(&mut flat, part),
            }
        }
        match flat[..] {
            [only] => only,
            _ => {
                let width = flat.iter().map(|part| self.width(*part)).sum();
                self.intern(Value::Concat(flat.into_boxed_slice()), width)
            }
        }
    }

    /// Adds a part below the others; joins it with the last one where the two make one value.
    fn append(&mut self, parts: &mut Vec<ValueId>, part: ValueId) {
        let Some(&above) = parts.last() else {
            parts.push(part);
            return;
        };
        let (above_width, width) = (self.width(above), self.width(part));
        let joined = match (self.value(above), self.value(part)) {
            (Value::Constant(high), Value::Constant(low)) => {
                let value = (high << width) | low;
                Some(self.constant(value, above_width + width))
            }
            (Value::Slice(a, high), Value::Slice(b, low)) if a == b && *high == low + width => {
                let (a, low) = (*a, *low);
                Some(self.slice(a, low, above_width + width))
            }
            _ => match (self.as_repeat(above), self.as_repeat(part)) {
                (Some(high), Some(low)) if high == low => Some(self.repeat(high, above_width + width)),
                _ => None,
            },
        };
        match joined {
            Some(joined) => *parts.last_mut().expect("there is a part above") = joined,
            None => parts.push(part),
        }
    }

    /// The bit that the value repeats, perhaps once.
    fn as_repeat(&self, id: ValueId) -> Option<ValueId> {
        match self.value(id) {
            Value::Repeat(of) => Some(*of),
            _ => (self.width(id) == 1).then_some(id),
        }
    }

    /// One operand.
    pub(super) fn unary(&mut self, operator: Unary, a: ValueId) -> ValueId {
        let width = self.width(a);
        if let Some(value) = self.as_constant(a) {
            let (value, width) = match operator {
                Unary::Not => (value ^ ones(width), width),
                Unary::ReduceAnd => (bit(*value == ones(width)), 1),
                Unary::ReduceOr => (bit(*value != BigUint::ZERO), 1),
                Unary::ReduceXor => (bit(value.count_ones() % 2 == 1), 1),
            };
            return self.constant(value, width);
        }
        match (operator, self.value(a)) {
            (Unary::Not, Value::Unary(Unary::Not, inner)) => *inner,
            (Unary::Not, _) => self.intern(Value::Unary(operator, a), width),
            (_, _) if width == 1 => a,
            (Unary::ReduceAnd | Unary::ReduceOr, Value::Repeat(of)) => *of,
            _ => self.intern(Value::Unary(operator, a), 1),
        }
    }

    /// Two operands.
    pub(super) fn binary(&mut self, operator: Binary, a: ValueId, b: ValueId) -> ValueId {
        use Binary::{Add, And, Equal, Less, LessEqual, NotEqual, Or, ShiftLeft, ShiftRight, Sub, Xor};
        let width = self.width(a);
        if let (Some(left), Some(right)) = (self.as_constant(a), self.as_constant(b)) {
            let (value, width) = constant_binary(operator, left, right, width);
            return self.constant(value, width);
        }
        // Constants to the right, and one order for operators that do not care.
        let (a, b) = match operator {
            And | Or | Xor | Add | Equal | NotEqual
                if self.as_constant(a).is_some() || (self.as_constant(b).is_none() && a > b) =>
            {
                (b, a)
            }
            _ => (a, b),
        };
        let same = a == b;
        match operator {
            And | Or if same => return a,
            Xor | Sub if same => return self.zero(width),
            Equal | LessEqual if same => return self.constant(bit(true), 1),
            NotEqual | Less if same => return self.zero(1),
            And if self.is_zero(b) => return b,
            And if self.is_ones(b) => return a,
            Or | Xor | Add | Sub | ShiftLeft | ShiftRight if self.is_zero(b) => return a,
            Or if self.is_ones(b) => return b,
            Xor if self.is_ones(b) => return self.unary(Unary::Not, a),
            Equal if width == 1 && self.is_ones(b) => return a,
            NotEqual if width == 1 && self.is_zero(b) => return a,
            Equal if width == 1 && self.is_zero(b) => return self.unary(Unary::Not, a),
            NotEqual if width == 1 && self.is_ones(b) => return self.unary(Unary::Not, a),
            NotEqual if self.is_zero(b) => return self.unary(Unary::ReduceOr, a),
            Equal if self.is_ones(b) => return self.unary(Unary::ReduceAnd, a),
            Less if self.is_zero(b) => return self.zero(1),
            LessEqual if self.is_zero(a) || self.is_ones(b) => return self.constant(bit(true), 1),
            _ => {}
        }
        if operator == And {
            for (gate, gated) in [(a, b), (b, a)] {
                if let Value::Repeat(condition) = *self.value(gate) {
                    let zero = self.zero(width);
                    return self.select(condition, gated, zero);
                }
            }
        }
        if let (ShiftLeft | ShiftRight, Some(amount)) = (operator, self.as_constant(b)) {
            return match u32::try_from(amount) {
                Ok(amount) if amount < width => {
                    let zeros = self.zero(amount);
                    let kept = width - amount;
                    if operator == ShiftLeft {
                        let kept = self.slice(a, 0, kept);
                        self.concat(&[kept, zeros])
                    } else {
                        let kept = self.slice(a, amount, kept);
                        self.concat(&[zeros, kept])
                    }
                }
                _ => self.zero(width),
            };
        }
        let result = match operator {
            Equal | NotEqual | Less | LessEqual => 1,
            _ => width,
        };
        self.intern(Value::Binary(operator, a, b), result)
    }

    /// `condition ? then : otherwise`.
    pub(super) fn select(&mut self, condition: ValueId, then: ValueId, otherwise: ValueId) -> ValueId {
        let width = self.width(then);
        if then == otherwise || self.is_ones(condition) {
            return then;
        }
        if self.is_zero(condition) {
            return otherwise;
        }
        if let Value::Unary(Unary::Not, inner) = *self.value(condition) {
            return self.select(inner, otherwise, then);
        }
        if width == 1 {
            if self.is_zero(otherwise) {
                return self.binary(Binary::And, condition, then);
            }
            if self.is_ones(then) {
                return self.binary(Binary::Or, condition, otherwise);
            }
            if self.is_zero(then) {
                let not = self.unary(Unary::Not, condition);
                return self.binary(Binary::And, not, otherwise);
            }
            if self.is_ones(otherwise) {
                let not = self.unary(Unary::Not, condition);
                return self.binary(Binary::Or, not, then);
            }
        }
        self.intern(Value::Select(condition, then, otherwise), width)
    }
}

fn constant_binary(operator: Binary, a: &BigUint, b: &BigUint, width: u32) -> (BigUint, u32) {
    let modulus = BigUint::from(1u32) << width;
    match operator {
        Binary::And => (a & b, width),
        Binary::Or => (a | b, width),
        Binary::Xor => (a ^ b, width),
        Binary::Add => ((a + b) % modulus, width),
        Binary::Sub => ((a + &modulus - b) % modulus, width),
        Binary::Equal => (bit(a == b), 1),
        Binary::NotEqual => (bit(a != b), 1),
        Binary::Less => (bit(a < b), 1),
        Binary::LessEqual => (bit(a <= b), 1),
        Binary::ShiftLeft | Binary::ShiftRight => match u32::try_from(b) {
            Ok(amount) if amount < width && operator == Binary::ShiftLeft => ((a << amount) % modulus, width),
            Ok(amount) if amount < width => (a >> amount, width),
            _ => (BigUint::ZERO, width),
        },
    }
}
