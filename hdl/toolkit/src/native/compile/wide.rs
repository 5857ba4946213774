//! The code of operations on several limbs.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value};

use super::emit::Body;
use crate::native::program::Op;

impl Body<'_, '_, '_, '_> {
    pub(super) fn wide_operation(&mut self, op: &Op) {
        match *op {
            Op::NotWide { dst, a, limbs, spare } => {
                let values = self.get_all(a, limbs).into_iter();
                let values = values.map(|a| self.builder.ins().bnot(a)).collect();
                self.put_all(dst, values, spare);
            }
            Op::AndWide { dst, a, b, limbs } => {
                self.zip(dst, a, b, limbs, |body, a, b| body.builder.ins().band(a, b));
            }
            Op::OrWide { dst, a, b, limbs } => {
                self.zip(dst, a, b, limbs, |body, a, b| body.builder.ins().bor(a, b));
            }
            Op::XorWide { dst, a, b, limbs } => {
                self.zip(dst, a, b, limbs, |body, a, b| body.builder.ins().bxor(a, b));
            }
            Op::AddWide { dst, a, b, limbs, spare } => self.add_wide(dst, a, b, limbs, spare),
            Op::SubWide { dst, a, b, limbs, spare } => self.sub_wide(dst, a, b, limbs, spare),
            Op::EqualWide { dst, a, b, limbs, spare } => {
                let value = self.equal_wide(IntCC::Equal, a, b, limbs, spare);
                self.put(dst, value);
            }
            Op::NotEqualWide { dst, a, b, limbs, spare } => {
                let value = self.equal_wide(IntCC::NotEqual, a, b, limbs, spare);
                self.put(dst, value);
            }
            Op::PutEqualWide { dst, a, b, limbs, spare, left } => {
                let value = self.equal_wide(IntCC::Equal, a, b, limbs, spare);
                let value = self.up(value, left);
                self.put(dst, value);
            }
            Op::PutEqualWideMore { dst, a, b, limbs, spare, left } => {
                let value = self.equal_wide(IntCC::Equal, a, b, limbs, spare);
                let value = self.up(value, left);
                self.or_into(dst, value);
            }
            Op::LessWide { dst, a, b, limbs } => {
                let value = self.less_wide(a, b, limbs);
                self.put(dst, value);
            }
            Op::LessEqualWide { dst, a, b, limbs } => {
                let less = self.less_wide(b, a, limbs);
                let one = self.number(1);
                let value = self.builder.ins().bxor(less, one);
                self.put(dst, value);
            }
            Op::ShiftLeftWide { dst, a, b, limbs, spare } => {
                let (values, amount) = (self.get_all(a, limbs), self.get(b));
                let shifted = self.shifted(values, amount, Towards::Top);
                self.put_all(dst, shifted, spare);
            }
            Op::ShiftRightWide { dst, a, b, limbs } => {
                let (mut values, amount) = (self.get_all(a, limbs), self.get(b));
                values.reverse();
                let mut shifted = self.shifted(values, amount, Towards::Bottom);
                shifted.reverse();
                self.put_all(dst, shifted, 0);
            }
            Op::SelectWide { dst, condition, a, b, limbs } => {
                let condition = self.get(condition);
                let condition = self.masked(condition, 1);
                self.zip(dst, a, b, limbs, |body, a, b| body.builder.ins().select(condition, a, b));
            }
            Op::GateWide { dst, condition, a, limbs } => {
                let condition = self.get(condition);
                let chosen = self.builder.ins().ineg(condition);
                let values = self.get_all(a, limbs).into_iter();
                let values = values.map(|a| self.builder.ins().band(a, chosen)).collect();
                self.put_all(dst, values, 0);
            }
            Op::OrGateWide { dst, condition, a, b, limbs } => {
                let condition = self.get(condition);
                let chosen = self.builder.ins().ineg(condition);
                self.zip(dst, a, b, limbs, |body, a, b| {
                    let gated = body.builder.ins().band(a, chosen);
                    body.builder.ins().bor(gated, b)
                });
            }
            Op::AnyWide { dst, a, limbs } => {
                let any = self.fold(a, limbs, |body, a, b| body.builder.ins().bor(a, b));
                let zero = self.number(0);
                let value = self.compare(IntCC::NotEqual, any, zero);
                self.put(dst, value);
            }
            Op::AllWide { dst, a, limbs, spare } => {
                // Ones in the bits that the top limb has not.
                let mut values = self.get_all(a, limbs);
                let top = values.len() - 1;
                let above = self.number(!(u64::MAX >> (spare & 63)));
                values[top] = self.builder.ins().bor(values[top], above);
                let all = self.join(values, |body, a, b| body.builder.ins().band(a, b));
                let ones = self.number(u64::MAX);
                let value = self.compare(IntCC::Equal, all, ones);
                self.put(dst, value);
            }
            Op::ParityWide { dst, a, limbs } => {
                let sum = self.fold(a, limbs, |body, a, b| body.builder.ins().bxor(a, b));
                let value = self.parity(sum);
                self.put(dst, value);
            }
            _ => unreachable!("operations on one limb have been written before"),
        }
    }

    /// Makes `values` the contents of limbs in a row, without the spare bits of the last.
    fn put_all(&mut self, dst: u32, mut values: Vec<Value>, spare: u8) {
        if let Some(top) = values.last_mut() {
            *top = self.clean(*top, spare);
        }
        for (limb, value) in (dst..).zip(values) {
            self.put(limb, value);
        }
    }

    fn zip(
        &mut self,
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
        result: impl Fn(&mut Self, Value, Value) -> Value,
    ) {
        for limb in 0..u32::from(limbs) {
            let (a, b) = (self.get(a + limb), self.get(b + limb));
            let value = result(self, a, b);
            self.put(dst + limb, value);
        }
    }

    fn fold(&mut self, a: u32, limbs: u8, join: impl Fn(&mut Self, Value, Value) -> Value) -> Value {
        let values = self.get_all(a, limbs);
        self.join(values, join)
    }

    fn join(&mut self, values: Vec<Value>, join: impl Fn(&mut Self, Value, Value) -> Value) -> Value {
        let joined = values.into_iter().reduce(|before, value| join(self, before, value));
        joined.expect("a value has a limb at least")
    }

    fn add_wide(&mut self, dst: u32, a: u32, b: u32, limbs: u8, spare: u8) {
        let (a, b) = (self.get_all(a, limbs), self.get_all(b, limbs));
        let mut carry = None;
        let mut sums = Vec::new();
        for (a, b) in a.into_iter().zip(b) {
            let sum = self.builder.ins().iadd(a, b);
            let over = self.compare(IntCC::UnsignedLessThan, sum, a);
            let (sum, next) = match carry {
                None => (sum, over),
                Some(carry) => {
                    let with = self.builder.ins().iadd(sum, carry);
                    let again = self.compare(IntCC::UnsignedLessThan, with, sum);
                    (with, self.builder.ins().bor(over, again))
                }
            };
            carry = Some(next);
            sums.push(sum);
        }
        self.put_all(dst, sums, spare);
    }

    fn sub_wide(&mut self, dst: u32, a: u32, b: u32, limbs: u8, spare: u8) {
        let (a, b) = (self.get_all(a, limbs), self.get_all(b, limbs));
        let mut borrow = None;
        let mut differences = Vec::new();
        for (a, b) in a.into_iter().zip(b) {
            let difference = self.builder.ins().isub(a, b);
            let under = self.compare(IntCC::UnsignedLessThan, a, b);
            let (difference, next) = match borrow {
                None => (difference, under),
                Some(borrow) => {
                    let with = self.builder.ins().isub(difference, borrow);
                    let again = self.compare(IntCC::UnsignedLessThan, difference, borrow);
                    (with, self.builder.ins().bor(under, again))
                }
            };
            borrow = Some(next);
            differences.push(difference);
        }
        self.put_all(dst, differences, spare);
    }

    fn equal_wide(&mut self, condition: IntCC, a: u32, b: u32, limbs: u8, spare: u8) -> Value {
        let (a, b) = (self.get_all(a, limbs), self.get_all(b, limbs));
        let pairs = a.into_iter().zip(b);
        let mut differing: Vec<_> = pairs.map(|(a, b)| self.builder.ins().bxor(a, b)).collect();
        if let Some(top) = differing.last_mut() {
            *top = self.clean(*top, spare);
        }
        let differing = self.join(differing, |body, a, b| body.builder.ins().bor(a, b));
        let zero = self.number(0);
        self.compare(condition, differing, zero)
    }

    fn less_wide(&mut self, a: u32, b: u32, limbs: u8) -> Value {
        let (a, b) = (self.get_all(a, limbs), self.get_all(b, limbs));
        let mut less = self.number(0);
        for (a, b) in a.into_iter().zip(b) {
            let (below, same) =
                (self.compare(IntCC::UnsignedLessThan, a, b), self.compare(IntCC::Equal, a, b));
            let so_far = self.builder.ins().band(same, less);
            less = self.builder.ins().bor(below, so_far);
        }
        less
    }

    /// Limbs shifted by `amount` bits towards the end of the list: by whole limbs first, for each bit of their number,
    /// then inside the limbs.
    fn shifted(&mut self, mut values: Vec<Value>, amount: Value, towards: Towards) -> Vec<Value> {
        let (count, zero) = (values.len(), self.number(0));
        let mut distance = 1;
        while distance < count {
            let far = self.masked(amount, 64 * distance as u64);
            for position in (0..count).rev() {
                let from = position.checked_sub(distance).map_or(zero, |from| values[from]);
                values[position] = self.builder.ins().select(far, from, values[position]);
            }
            distance *= 2;
        }
        let bits = self.masked(amount, 63);
        let (one, all) = (self.number(1), self.number(63));
        let rest = self.builder.ins().isub(all, bits);
        // Beyond the last limb nothing is left; `distance` is a power of two not below `count`.
        let limit = self.number(64 * distance as u64);
        let near = self.builder.ins().icmp(IntCC::UnsignedLessThan, amount, limit);
        for position in (0..count).rev() {
            // Two steps, as a shift by 64 would be one by 0.
            let (kept, entering) = match towards {
                Towards::Top => {
                    let kept = self.builder.ins().ishl(values[position], bits);
                    (kept, position.checked_sub(1).map(|from| self.builder.ins().ushr(values[from], one)))
                }
                Towards::Bottom => {
                    let kept = self.builder.ins().ushr(values[position], bits);
                    (kept, position.checked_sub(1).map(|from| self.builder.ins().ishl(values[from], one)))
                }
            };
            let value = match entering {
                None => kept,
                Some(entering) => {
                    let entering = match towards {
                        Towards::Top => self.builder.ins().ushr(entering, rest),
                        Towards::Bottom => self.builder.ins().ishl(entering, rest),
                    };
                    self.builder.ins().bor(kept, entering)
                }
            };
            values[position] = self.builder.ins().select(near, value, zero);
        }
        values
    }
}

/// Which way bits move inside the limbs.
#[derive(Clone, Copy)]
enum Towards {
    Top,
    Bottom,
}
