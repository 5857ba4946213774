//! Executes the operations of a [`super::program::Program`].

use super::lanes;
use super::program::Op;
use super::wide;

fn mask(spare: u8) -> u64 {
    u64::MAX >> (spare & 63)
}

fn equal(a: u64, b: u64, a_low: u8, b_low: u8, spare: u8) -> bool {
    ((a >> (a_low & 63)) ^ (b >> (b_low & 63))) & mask(spare) == 0
}

/// Runs `ops` in order on the limbs `m`. Each arm keeps going while the kind of operation stays the same: the
/// scheduler puts operations of one kind side by side, so the jump to the right arm is rare and the loops are
/// short.
pub(super) fn run(ops: &[Op], m: &mut [u64]) {
    macro_rules! at {
        ($offset:expr) => {
            m[$offset as usize]
        };
    }
    let mut rest = ops;
    macro_rules! arms {
        ($($kind:ident { $($field:ident),* } => $action:expr,)*) => {
            while let Some(first) = rest.first() {
                match first {
                    $(Op::$kind { .. } => {
                        while let Some((&Op::$kind { $($field),* }, tail)) = rest.split_first() {
                            $action;
                            rest = tail;
                        }
                    })*
                }
            }
        };
    }
    arms! {
        Copy { dst, src, limbs } => {
            m.copy_within(src as usize..src as usize + limbs as usize, dst as usize);
        },
        Not { dst, a, spare } => at!(dst) = !at!(a) & mask(spare),
        And { dst, a, b } => at!(dst) = at!(a) & at!(b),
        AndNot { dst, a, b } => at!(dst) = at!(a) & !at!(b),
        Or { dst, a, b } => at!(dst) = at!(a) | at!(b),
        Xor { dst, a, b } => at!(dst) = at!(a) ^ at!(b),
        Add { dst, a, b, spare } => at!(dst) = at!(a).wrapping_add(at!(b)) & mask(spare),
        Sub { dst, a, b, spare } => at!(dst) = at!(a).wrapping_sub(at!(b)) & mask(spare),
        Less { dst, a, b } => at!(dst) = u64::from(at!(a) < at!(b)),
        LessEqual { dst, a, b } => at!(dst) = u64::from(at!(a) <= at!(b)),
        ShiftLeft { dst, a, b, spare } => {
            let amount = at!(b);
            at!(dst) = if amount < 64 { (at!(a) << amount) & mask(spare) } else { 0 };
        },
        ShiftRight { dst, a, b } => {
            let amount = at!(b);
            at!(dst) = if amount < 64 { at!(a) >> amount } else { 0 };
        },
        Select { dst, condition, bit, a, b } => {
            let chosen = (at!(condition) >> (bit & 63) & 1).wrapping_neg();
            at!(dst) = (at!(a) & chosen) | (at!(b) & !chosen);
        },
        Gate { dst, condition, a } => at!(dst) = at!(a) & at!(condition).wrapping_neg(),
        OrGate { dst, condition, a, b } => {
            at!(dst) = at!(b) | (at!(a) & at!(condition).wrapping_neg());
        },
        Equal { dst, a, b, a_low, b_low, spare } => {
            at!(dst) = u64::from(equal(at!(a), at!(b), a_low, b_low, spare));
        },
        NotEqual { dst, a, b, a_low, b_low, spare } => {
            at!(dst) = u64::from(!equal(at!(a), at!(b), a_low, b_low, spare));
        },
        AnyOf { dst, a, mask } => at!(dst) = u64::from(at!(a) & at!(mask) != 0),
        AllOf { dst, a, mask } => at!(dst) = u64::from(!at!(a) & at!(mask) == 0),
        ParityOf { dst, a, mask } => at!(dst) = u64::from((at!(a) & at!(mask)).count_ones() & 1),
        AnyMore { dst, a, mask } => at!(dst) |= u64::from(at!(a) & at!(mask) != 0),
        AllMore { dst, a, mask } => at!(dst) &= u64::from(!at!(a) & at!(mask) == 0),
        ParityMore { dst, a, mask } => at!(dst) ^= u64::from((at!(a) & at!(mask)).count_ones() & 1),
        Put { dst, src, right, spare, left } => {
            at!(dst) = ((at!(src) >> (right & 63)) & mask(spare)) << (left & 63);
        },
        PutMore { dst, src, right, spare, left } => {
            at!(dst) |= ((at!(src) >> (right & 63)) & mask(spare)) << (left & 63);
        },
        PutEqual { dst, a, b, a_low, b_low, spare, left } => {
            at!(dst) = u64::from(equal(at!(a), at!(b), a_low, b_low, spare)) << (left & 63);
        },
        PutEqualMore { dst, a, b, a_low, b_low, spare, left } => {
            at!(dst) |= u64::from(equal(at!(a), at!(b), a_low, b_low, spare)) << (left & 63);
        },
        PutLanes { dst, a, b, lanes, shift, count, left } => {
            at!(dst) = lanes::equal(m, a, b, lanes, shift, count) << (left & 63);
        },
        PutLanesMore { dst, a, b, lanes, shift, count, left } => {
            at!(dst) |= lanes::equal(m, a, b, lanes, shift, count) << (left & 63);
        },
        NotWide { dst, a, limbs, spare } => {
            wide::map(m, dst, a, limbs, |a| !a);
            at!(dst + u32::from(limbs) - 1) &= mask(spare);
        },
        AndWide { dst, a, b, limbs } => wide::zip(m, dst, a, b, limbs, |a, b| a & b),
        OrWide { dst, a, b, limbs } => wide::zip(m, dst, a, b, limbs, |a, b| a | b),
        XorWide { dst, a, b, limbs } => wide::zip(m, dst, a, b, limbs, |a, b| a ^ b),
        AddWide { dst, a, b, limbs, spare } => {
            wide::add(m, dst, a, b, limbs);
            at!(dst + u32::from(limbs) - 1) &= mask(spare);
        },
        SubWide { dst, a, b, limbs, spare } => {
            wide::sub(m, dst, a, b, limbs);
            at!(dst + u32::from(limbs) - 1) &= mask(spare);
        },
        EqualWide { dst, a, b, limbs, spare } => {
            at!(dst) = u64::from(wide::equal(m, a, b, limbs, mask(spare)));
        },
        NotEqualWide { dst, a, b, limbs, spare } => {
            at!(dst) = u64::from(!wide::equal(m, a, b, limbs, mask(spare)));
        },
        PutEqualWide { dst, a, b, limbs, spare, left } => {
            at!(dst) = u64::from(wide::equal(m, a, b, limbs, mask(spare))) << (left & 63);
        },
        PutEqualWideMore { dst, a, b, limbs, spare, left } => {
            at!(dst) |= u64::from(wide::equal(m, a, b, limbs, mask(spare))) << (left & 63);
        },
        LessWide { dst, a, b, limbs } => at!(dst) = u64::from(wide::less(m, a, b, limbs)),
        LessEqualWide { dst, a, b, limbs } => at!(dst) = u64::from(!wide::less(m, b, a, limbs)),
        ShiftLeftWide { dst, a, b, limbs, spare } => {
            wide::shift_left(m, dst, a, b, limbs);
            at!(dst + u32::from(limbs) - 1) &= mask(spare);
        },
        ShiftRightWide { dst, a, b, limbs } => wide::shift_right(m, dst, a, b, limbs),
        SelectWide { dst, condition, a, b, limbs } => {
            let from = if at!(condition) & 1 == 1 { a } else { b } as usize;
            m.copy_within(from..from + usize::from(limbs), dst as usize);
        },
        GateWide { dst, condition, a, limbs } => {
            let chosen = at!(condition).wrapping_neg();
            wide::map(m, dst, a, limbs, |a| a & chosen);
        },
        OrGateWide { dst, condition, a, b, limbs } => {
            let chosen = at!(condition).wrapping_neg();
            wide::zip(m, dst, a, b, limbs, |a, b| b | (a & chosen));
        },
        AnyWide { dst, a, limbs } => {
            at!(dst) = u64::from(wide::operand(m, a, limbs).iter().any(|limb| *limb != 0));
        },
        AllWide { dst, a, limbs, spare } => at!(dst) = u64::from(wide::all(m, a, limbs, mask(spare))),
        ParityWide { dst, a, limbs } => {
            let sum = wide::operand(m, a, limbs).iter().fold(0, |sum, limb| sum ^ limb);
            at!(dst) = u64::from(sum.count_ones() & 1);
        },
    }
}
