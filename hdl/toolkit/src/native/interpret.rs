//! Executes the operations of a [`super::program::Program`] one by one.

use super::program::Op;
use super::wide;

fn mask(spare: u8) -> u64 {
    u64::MAX >> (spare & 63)
}

fn equal(a: u64, b: u64, a_low: u8, b_low: u8, spare: u8) -> bool {
    ((a >> (a_low & 63)) ^ (b >> (b_low & 63))) & mask(spare) == 0
}

/// Runs `ops` in order on the limbs `m`.
pub(super) fn run(ops: &[Op], m: &mut [u64]) {
    macro_rules! at {
        ($offset:expr) => {
            m[$offset as usize]
        };
    }
    for op in ops {
        match *op {
            Op::Copy { dst, src, limbs } => {
                m.copy_within(src as usize..src as usize + limbs as usize, dst as usize);
            }
            Op::Not { dst, a, spare } => at!(dst) = !at!(a) & mask(spare),
            Op::And { dst, a, b } => at!(dst) = at!(a) & at!(b),
            Op::AndNot { dst, a, b } => at!(dst) = at!(a) & !at!(b),
            Op::Or { dst, a, b } => at!(dst) = at!(a) | at!(b),
            Op::Xor { dst, a, b } => at!(dst) = at!(a) ^ at!(b),
            Op::Add { dst, a, b, spare } => at!(dst) = at!(a).wrapping_add(at!(b)) & mask(spare),
            Op::Sub { dst, a, b, spare } => at!(dst) = at!(a).wrapping_sub(at!(b)) & mask(spare),
            Op::Less { dst, a, b } => at!(dst) = u64::from(at!(a) < at!(b)),
            Op::LessEqual { dst, a, b } => at!(dst) = u64::from(at!(a) <= at!(b)),
            Op::ShiftLeft { dst, a, b, spare } => {
                let amount = at!(b);
                at!(dst) = if amount < 64 { (at!(a) << amount) & mask(spare) } else { 0 };
            }
            Op::ShiftRight { dst, a, b } => {
                let amount = at!(b);
                at!(dst) = if amount < 64 { at!(a) >> amount } else { 0 };
            }
            Op::Select { dst, condition, bit, a, b } => {
                let chosen = (at!(condition) >> (bit & 63) & 1).wrapping_neg();
                at!(dst) = (at!(a) & chosen) | (at!(b) & !chosen);
            }
            Op::Gate { dst, condition, a } => at!(dst) = at!(a) & at!(condition).wrapping_neg(),
            Op::OrGate { dst, condition, a, b } => {
                at!(dst) = at!(b) | (at!(a) & at!(condition).wrapping_neg());
            }
            Op::Equal { dst, a, b, a_low, b_low, spare } => {
                at!(dst) = u64::from(equal(at!(a), at!(b), a_low, b_low, spare));
            }
            Op::NotEqual { dst, a, b, a_low, b_low, spare } => {
                at!(dst) = u64::from(!equal(at!(a), at!(b), a_low, b_low, spare));
            }
            Op::AnyOf { dst, a, mask } => at!(dst) = u64::from(at!(a) & at!(mask) != 0),
            Op::AllOf { dst, a, mask } => at!(dst) = u64::from(!at!(a) & at!(mask) == 0),
            Op::ParityOf { dst, a, mask } => at!(dst) = u64::from((at!(a) & at!(mask)).count_ones() & 1),
            Op::AnyMore { dst, a, mask } => at!(dst) |= u64::from(at!(a) & at!(mask) != 0),
            Op::AllMore { dst, a, mask } => at!(dst) &= u64::from(!at!(a) & at!(mask) == 0),
            Op::ParityMore { dst, a, mask } => at!(dst) ^= u64::from((at!(a) & at!(mask)).count_ones() & 1),
            Op::Put { dst, src, right, spare, left } => {
                at!(dst) = ((at!(src) >> (right & 63)) & mask(spare)) << (left & 63);
            }
            Op::PutMore { dst, src, right, spare, left } => {
                at!(dst) |= ((at!(src) >> (right & 63)) & mask(spare)) << (left & 63);
            }
            Op::PutEqual { dst, a, b, a_low, b_low, spare, left } => {
                at!(dst) = u64::from(equal(at!(a), at!(b), a_low, b_low, spare)) << (left & 63);
            }
            Op::PutEqualMore { dst, a, b, a_low, b_low, spare, left } => {
                at!(dst) |= u64::from(equal(at!(a), at!(b), a_low, b_low, spare)) << (left & 63);
            }
            Op::NotWide { dst, a, limbs, spare } => {
                wide::map(m, dst, a, limbs, |a| !a);
                at!(dst + u32::from(limbs) - 1) &= mask(spare);
            }
            Op::AndWide { dst, a, b, limbs } => wide::zip(m, dst, a, b, limbs, |a, b| a & b),
            Op::OrWide { dst, a, b, limbs } => wide::zip(m, dst, a, b, limbs, |a, b| a | b),
            Op::XorWide { dst, a, b, limbs } => wide::zip(m, dst, a, b, limbs, |a, b| a ^ b),
            Op::AddWide { dst, a, b, limbs, spare } => {
                wide::add(m, dst, a, b, limbs);
                at!(dst + u32::from(limbs) - 1) &= mask(spare);
            }
            Op::SubWide { dst, a, b, limbs, spare } => {
                wide::sub(m, dst, a, b, limbs);
                at!(dst + u32::from(limbs) - 1) &= mask(spare);
            }
            Op::EqualWide { dst, a, b, limbs, spare } => {
                at!(dst) = u64::from(wide::equal(m, a, b, limbs, mask(spare)));
            }
            Op::NotEqualWide { dst, a, b, limbs, spare } => {
                at!(dst) = u64::from(!wide::equal(m, a, b, limbs, mask(spare)));
            }
            Op::PutEqualWide { dst, a, b, limbs, spare, left } => {
                at!(dst) = u64::from(wide::equal(m, a, b, limbs, mask(spare))) << (left & 63);
            }
            Op::PutEqualWideMore { dst, a, b, limbs, spare, left } => {
                at!(dst) |= u64::from(wide::equal(m, a, b, limbs, mask(spare))) << (left & 63);
            }
            Op::LessWide { dst, a, b, limbs } => at!(dst) = u64::from(wide::less(m, a, b, limbs)),
            Op::LessEqualWide { dst, a, b, limbs } => at!(dst) = u64::from(!wide::less(m, b, a, limbs)),
            Op::ShiftLeftWide { dst, a, b, limbs, spare } => {
                wide::shift_left(m, dst, a, b, limbs);
                at!(dst + u32::from(limbs) - 1) &= mask(spare);
            }
            Op::ShiftRightWide { dst, a, b, limbs } => wide::shift_right(m, dst, a, b, limbs),
            Op::SelectWide { dst, condition, a, b, limbs } => {
                let from = if at!(condition) & 1 == 1 { a } else { b } as usize;
                m.copy_within(from..from + usize::from(limbs), dst as usize);
            }
            Op::GateWide { dst, condition, a, limbs } => {
                let chosen = at!(condition).wrapping_neg();
                wide::map(m, dst, a, limbs, |a| a & chosen);
            }
            Op::OrGateWide { dst, condition, a, b, limbs } => {
                let chosen = at!(condition).wrapping_neg();
                wide::zip(m, dst, a, b, limbs, |a, b| b | (a & chosen));
            }
            Op::AnyWide { dst, a, limbs } => {
                at!(dst) = u64::from(wide::operand(m, a, limbs).iter().any(|limb| *limb != 0));
            }
            Op::AllWide { dst, a, limbs, spare } => at!(dst) = u64::from(wide::all(m, a, limbs, mask(spare))),
            Op::ParityWide { dst, a, limbs } => {
                let sum = wide::operand(m, a, limbs).iter().fold(0, |sum, limb| sum ^ limb);
                at!(dst) = u64::from(sum.count_ones() & 1);
            }
        }
    }
}
