//! The code of single operations; those on several limbs are in [`super::wide`].

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value};

use super::emit::Body;
use crate::native::program::Op;

fn mask_of(spare: u8) -> u64 {
    u64::MAX >> (spare & 63)
}

impl Body<'_, '_, '_, '_> {
    /// Computes what `op` writes, as [`super::super::interpret`] says.
    pub(super) fn operation(&mut self, op: &Op) {
        match *op {
            Op::Copy { dst, src, limbs } => {
                for limb in 0..limbs {
                    let value = self.get(src + limb);
                    self.put(dst + limb, value);
                }
            }
            Op::Not { dst, a, spare } => {
                let (a, ones) = (self.get(a), self.number(mask_of(spare)));
                let value = self.builder.ins().bxor(a, ones);
                self.put(dst, value);
            }
            Op::And { dst, a, b } => self.two(dst, a, b, |body, a, b| body.builder.ins().band(a, b)),
            Op::AndNot { dst, a, b } => self.two(dst, a, b, |body, a, b| {
                let b = body.builder.ins().bnot(b);
                body.builder.ins().band(a, b)
            }),
            Op::Or { dst, a, b } => self.two(dst, a, b, |body, a, b| body.builder.ins().bor(a, b)),
            Op::Xor { dst, a, b } => self.two(dst, a, b, |body, a, b| body.builder.ins().bxor(a, b)),
            Op::Add { dst, a, b, spare } => self.two(dst, a, b, |body, a, b| {
                let sum = body.builder.ins().iadd(a, b);
                body.clean(sum, spare)
            }),
            Op::Sub { dst, a, b, spare } => self.two(dst, a, b, |body, a, b| {
                let difference = body.builder.ins().isub(a, b);
                body.clean(difference, spare)
            }),
            Op::Less { dst, a, b } => {
                self.two(dst, a, b, |body, a, b| body.compare(IntCC::UnsignedLessThan, a, b));
            }
            Op::LessEqual { dst, a, b } => {
                self.two(dst, a, b, |body, a, b| body.compare(IntCC::UnsignedLessThanOrEqual, a, b));
            }
            Op::ShiftLeft { dst, a, b, spare } => self.two(dst, a, b, |body, a, amount| {
                let shifted = body.builder.ins().ishl(a, amount);
                let shifted = body.clean(shifted, spare);
                body.unless_too_far(shifted, amount)
            }),
            Op::ShiftRight { dst, a, b } => self.two(dst, a, b, |body, a, amount| {
                let shifted = body.builder.ins().ushr(a, amount);
                body.unless_too_far(shifted, amount)
            }),
            Op::Select { dst, condition, bit, a, b } => {
                let condition = self.get(condition);
                let condition = self.masked(condition, 1 << (bit & 63));
                self.two(dst, a, b, |body, a, b| body.builder.ins().select(condition, a, b));
            }
            Op::Gate { dst, condition, a } => {
                let (condition, a) = (self.get(condition), self.get(a));
                let chosen = self.builder.ins().ineg(condition);
                let value = self.builder.ins().band(a, chosen);
                self.put(dst, value);
            }
            Op::OrGate { dst, condition, a, b } => {
                let condition = self.get(condition);
                let chosen = self.builder.ins().ineg(condition);
                self.two(dst, a, b, |body, a, b| {
                    let gated = body.builder.ins().band(a, chosen);
                    body.builder.ins().bor(gated, b)
                });
            }
            Op::Equal { dst, a, b, a_low, b_low, spare } => {
                let value = self.equal(IntCC::Equal, (a, a_low), (b, b_low), spare);
                self.put(dst, value);
            }
            Op::NotEqual { dst, a, b, a_low, b_low, spare } => {
                let value = self.equal(IntCC::NotEqual, (a, a_low), (b, b_low), spare);
                self.put(dst, value);
            }
            Op::AnyOf { dst, a, mask } => {
                let value = self.any_of(a, mask);
                self.put(dst, value);
            }
            Op::AnyMore { dst, a, mask } => {
                let value = self.any_of(a, mask);
                self.add(dst, value, |body, before, value| body.builder.ins().bor(before, value));
            }
            Op::AllOf { dst, a, mask } => {
                let value = self.all_of(a, mask);
                self.put(dst, value);
            }
            Op::AllMore { dst, a, mask } => {
                let value = self.all_of(a, mask);
                self.add(dst, value, |body, before, value| body.builder.ins().band(before, value));
            }
            Op::ParityOf { dst, a, mask } => {
                let value = self.parity_of(a, mask);
                self.put(dst, value);
            }
            Op::ParityMore { dst, a, mask } => {
                let value = self.parity_of(a, mask);
                self.add(dst, value, |body, before, value| body.builder.ins().bxor(before, value));
            }
            Op::Put { dst, src, right, spare, left } => {
                let value = self.moved(src, right, spare, left);
                self.put(dst, value);
            }
            Op::PutMore { dst, src, right, spare, left } => {
                let value = self.moved(src, right, spare, left);
                self.or_into(dst, value);
            }
            Op::PutEqual { dst, a, b, a_low, b_low, spare, left } => {
                let value = self.equal(IntCC::Equal, (a, a_low), (b, b_low), spare);
                let value = self.up(value, left);
                self.put(dst, value);
            }
            Op::PutEqualMore { dst, a, b, a_low, b_low, spare, left } => {
                let value = self.equal(IntCC::Equal, (a, a_low), (b, b_low), spare);
                let value = self.up(value, left);
                self.or_into(dst, value);
            }
            Op::PutLanes { dst, a, b, lanes, shift, count, left } => {
                let value = self.equal_lanes(a, b, lanes, shift, count);
                let value = self.up(value, left);
                self.put(dst, value);
            }
            Op::PutLanesMore { dst, a, b, lanes, shift, count, left } => {
                let value = self.equal_lanes(a, b, lanes, shift, count);
                let value = self.up(value, left);
                self.or_into(dst, value);
            }
            _ => self.wide_operation(op),
        }
    }

    fn two(&mut self, dst: u32, a: u32, b: u32, result: impl FnOnce(&mut Self, Value, Value) -> Value) {
        let (a, b) = (self.get(a), self.get(b));
        let value = result(self, a, b);
        self.put(dst, value);
    }

    fn add(&mut self, dst: u32, value: Value, join: impl FnOnce(&mut Self, Value, Value) -> Value) {
        let before = self.get(dst);
        let joined = join(self, before, value);
        self.put(dst, joined);
    }

    pub(super) fn or_into(&mut self, dst: u32, value: Value) {
        self.add(dst, value, |body, before, value| body.builder.ins().bor(before, value));
    }

    /// The bits of `mask`.
    pub(super) fn masked(&mut self, value: Value, mask: u64) -> Value {
        if mask == u64::MAX {
            return value;
        }
        let mask = self.number(mask);
        self.builder.ins().band(value, mask)
    }

    /// Without the spare bits at the top.
    pub(super) fn clean(&mut self, value: Value, spare: u8) -> Value {
        self.masked(value, mask_of(spare))
    }

    pub(super) fn up(&mut self, value: Value, amount: u8) -> Value {
        if amount == 0 {
            return value;
        }
        let amount = self.number(u64::from(amount));
        self.builder.ins().ishl(value, amount)
    }

    pub(super) fn down(&mut self, value: Value, amount: u8) -> Value {
        if amount == 0 {
            return value;
        }
        let amount = self.number(u64::from(amount));
        self.builder.ins().ushr(value, amount)
    }

    /// `(src >> right, without spare bits) << left`, with a mask only where bits above would remain.
    fn moved(&mut self, src: u32, right: u8, spare: u8, left: u8) -> Value {
        let value = self.get(src);
        if spare > 0 && left == spare {
            // The bits go to the top: what is above them falls out.
            let value = self.down(value, right);
            return self.up(value, left);
        }
        let value = self.down(value, right);
        // A shift down by `spare` or more leaves zeros there already.
        let value = if right >= spare { value } else { self.clean(value, spare) };
        self.up(value, left)
    }

    /// A shift by 64 or more gives zero; the processor would take the amount modulo 64.
    fn unless_too_far(&mut self, shifted: Value, amount: Value) -> Value {
        let (limit, zero) = (self.number(64), self.number(0));
        let near = self.builder.ins().icmp(IntCC::UnsignedLessThan, amount, limit);
        self.builder.ins().select(near, shifted, zero)
    }

    fn equal(&mut self, condition: IntCC, (a, a_low): (u32, u8), (b, b_low): (u32, u8), spare: u8) -> Value {
        let bits = mask_of(spare);
        let side = |body: &mut Self, limb: u32, low: u8| {
            if let Some(value) = body.constant(limb) {
                return body.number((value >> low) & bits);
            }
            let value = body.get(limb);
            let value = body.down(value, low);
            if low >= spare { value } else { body.clean(value, spare) }
        };
        let constant = self.constant(a).is_some() || self.constant(b).is_some();
        if constant || (a_low >= spare && b_low >= spare) {
            let (a, b) = (side(self, a, a_low), side(self, b, b_low));
            return self.compare(condition, a, b);
        }
        // One mask for both.
        let (a, b) = (self.get(a), self.get(b));
        let (a, b, mask) = if a_low == b_low {
            (a, b, bits << a_low)
        } else {
            (self.down(a, a_low), self.down(b, b_low), bits)
        };
        let differing = self.builder.ins().bxor(a, b);
        let differing = self.masked(differing, mask);
        let zero = self.number(0);
        self.compare(condition, differing, zero)
    }

    fn any_of(&mut self, a: u32, mask: u32) -> Value {
        let (a, mask) = (self.get(a), self.constant(mask).unwrap_or(0));
        let bits = self.masked(a, mask);
        let zero = self.number(0);
        self.compare(IntCC::NotEqual, bits, zero)
    }

    fn all_of(&mut self, a: u32, mask: u32) -> Value {
        let (a, mask) = (self.get(a), self.constant(mask).unwrap_or(0));
        let bits = self.masked(a, mask);
        let mask = self.number(mask);
        self.compare(IntCC::Equal, bits, mask)
    }

    fn parity_of(&mut self, a: u32, mask: u32) -> Value {
        let (a, mask) = (self.get(a), self.constant(mask).unwrap_or(0));
        let bits = self.masked(a, mask);
        self.parity(bits)
    }

    pub(super) fn parity(&mut self, value: Value) -> Value {
        let count = self.builder.ins().popcnt(value);
        self.masked(count, 1)
    }

    /// See [`super::super::lanes`].
    fn equal_lanes(&mut self, a: u32, b: u32, lanes: u32, shift: u8, count: u8) -> Value {
        let constants = [lanes, lanes + 1, lanes + 2].map(|limb| self.constant(limb).unwrap_or(0));
        let [below, top, multiplier] = constants.map(|constant| self.number(constant));
        let (a, b) = (self.get(a), self.get(b));
        let differing = self.builder.ins().bxor(a, b);
        let low = self.builder.ins().band(differing, below);
        let carried = self.builder.ins().iadd(low, below);
        let unequal = self.builder.ins().bor(carried, differing);
        let unequal = self.builder.ins().bnot(unequal);
        let equal = self.builder.ins().band(unequal, top);
        let equal = self.down(equal, shift);
        let gathered = self.builder.ins().imul(equal, multiplier);
        self.down(gathered, (64 - count) & 63)
    }
}
