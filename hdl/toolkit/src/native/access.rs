//! Which limbs an operation reads and writes.

use super::program::Op;

/// Limbs as (first, count).
pub(super) struct Access {
    pub(super) reads: [(u32, u32); 3],
    pub(super) writes: (u32, u32),
    /// The operation adds to what an earlier one has written.
    pub(super) adds: bool,
}

impl Op {
    /// What it reads and writes.
    pub(super) fn access(&self) -> Access {
        let none = (0, 0);
        let of = |dst: u32, limbs: u32, reads: [(u32, u32); 3], adds: bool| Access {
            reads,
            writes: (dst, limbs),
            adds,
        };
        match *self {
            Op::Copy { dst, src, limbs } => of(dst, limbs, [(src, limbs), none, none], false),
            Op::Not { dst, a, .. } => of(dst, 1, [(a, 1), none, none], false),
            Op::And { dst, a, b }
            | Op::AndNot { dst, a, b }
            | Op::Or { dst, a, b }
            | Op::Xor { dst, a, b }
            | Op::Add { dst, a, b, .. }
            | Op::Sub { dst, a, b, .. }
            | Op::Less { dst, a, b }
            | Op::LessEqual { dst, a, b }
            | Op::ShiftLeft { dst, a, b, .. }
            | Op::ShiftRight { dst, a, b }
            | Op::Equal { dst, a, b, .. }
            | Op::NotEqual { dst, a, b, .. }
            | Op::PutEqual { dst, a, b, .. } => of(dst, 1, [(a, 1), (b, 1), none], false),
            Op::PutEqualMore { dst, a, b, .. } => of(dst, 1, [(a, 1), (b, 1), none], true),
            Op::Select { dst, condition, a, b, .. } | Op::OrGate { dst, condition, a, b } => {
                of(dst, 1, [(condition, 1), (a, 1), (b, 1)], false)
            }
            Op::Gate { dst, condition, a } => of(dst, 1, [(condition, 1), (a, 1), none], false),
            Op::AnyOf { dst, a, mask } | Op::AllOf { dst, a, mask } | Op::ParityOf { dst, a, mask } => {
                of(dst, 1, [(a, 1), (mask, 1), none], false)
            }
            Op::AnyMore { dst, a, mask } | Op::AllMore { dst, a, mask } | Op::ParityMore { dst, a, mask } => {
                of(dst, 1, [(a, 1), (mask, 1), none], true)
            }
            Op::Put { dst, src, .. } => of(dst, 1, [(src, 1), none, none], false),
            Op::PutMore { dst, src, .. } => of(dst, 1, [(src, 1), none, none], true),
            Op::PutLanes { dst, a, b, .. } => of(dst, 1, [(a, 1), (b, 1), none], false),
            Op::PutLanesMore { dst, a, b, .. } => of(dst, 1, [(a, 1), (b, 1), none], true),
            Op::NotWide { dst, a, limbs, .. } => {
                of(dst, limbs.into(), [(a, limbs.into()), none, none], false)
            }
            Op::AndWide { dst, a, b, limbs }
            | Op::OrWide { dst, a, b, limbs }
            | Op::XorWide { dst, a, b, limbs }
            | Op::AddWide { dst, a, b, limbs, .. }
            | Op::SubWide { dst, a, b, limbs, .. } => {
                of(dst, limbs.into(), [(a, limbs.into()), (b, limbs.into()), none], false)
            }
            Op::EqualWide { dst, a, b, limbs, .. }
            | Op::NotEqualWide { dst, a, b, limbs, .. }
            | Op::PutEqualWide { dst, a, b, limbs, .. }
            | Op::LessWide { dst, a, b, limbs }
            | Op::LessEqualWide { dst, a, b, limbs } => {
                of(dst, 1, [(a, limbs.into()), (b, limbs.into()), none], false)
            }
            Op::PutEqualWideMore { dst, a, b, limbs, .. } => {
                of(dst, 1, [(a, limbs.into()), (b, limbs.into()), none], true)
            }
            Op::ShiftLeftWide { dst, a, b, limbs, .. } | Op::ShiftRightWide { dst, a, b, limbs } => {
                of(dst, limbs.into(), [(a, limbs.into()), (b, 1), none], false)
            }
            Op::SelectWide { dst, condition, a, b, limbs }
            | Op::OrGateWide { dst, condition, a, b, limbs } => {
                of(dst, limbs.into(), [(condition, 1), (a, limbs.into()), (b, limbs.into())], false)
            }
            Op::GateWide { dst, condition, a, limbs } => {
                of(dst, limbs.into(), [(condition, 1), (a, limbs.into()), none], false)
            }
            Op::AnyWide { dst, a, limbs }
            | Op::AllWide { dst, a, limbs, .. }
            | Op::ParityWide { dst, a, limbs } => of(dst, 1, [(a, limbs.into()), none, none], false),
        }
    }
}
