//! Which expressions are constant: linters fold them, and then warn of what is compared with them.

use num_bigint::BigUint;

use super::expression::{Expression, Id, Kind};
use crate::netlist::{Binary, Unary};

/// `width` ones.
pub(super) fn ones(width: u32) -> BigUint {
    (BigUint::from(1u32) << width) - 1u32
}

/// The value of an expression of `kind`, if it is the same whatever the names in it hold.
pub(super) fn value(
    kind: &Kind,
    width: u32,
    list: &[Expression],
    constants: &[Option<BigUint>],
) -> Option<BigUint> {
    let known = |id: Id| constants[id].as_ref();
    match kind {
        Kind::Name(_) | Kind::Part { .. } => None,
        Kind::Constant(value) => Some(value.clone()),
        Kind::Enumerated(enumeration, variant) => Some(enumeration.variants[*variant].1.clone()),
        Kind::Unary(operator, a) => {
            let a_width = list[*a].width;
            let a = known(*a)?;
            Some(match operator {
                Unary::Not => ones(width) ^ a,
                Unary::ReduceAnd => BigUint::from(*a == ones(a_width)),
                Unary::ReduceOr => BigUint::from(a.bits() > 0),
                Unary::ReduceXor => BigUint::from(a.count_ones() % 2 == 1),
            })
        }
        Kind::Binary(operator, a, b) => binary(*operator, *a, *b, width, list, constants),
        Kind::Select(condition, then, otherwise) => match known(*condition) {
            Some(condition) => known(if condition.bits() > 0 { *then } else { *otherwise }).cloned(),
            None => known(*then).filter(|then| Some(*then) == known(*otherwise)).cloned(),
        },
        Kind::Concat(parts) => {
            let mut word = BigUint::ZERO;
            for part in parts {
                word = (word << list[*part].width) | known(*part)?;
            }
            Some(word)
        }
        Kind::SliceOf { of, low } => Some((known(*of)? >> *low) & ones(width)),
    }
}

fn binary(
    operator: Binary,
    left: Id,
    right: Id,
    width: u32,
    list: &[Expression],
    constants: &[Option<BigUint>],
) -> Option<BigUint> {
    let (a, b) = (constants[left].as_ref(), constants[right].as_ref());
    let is_zero = |value: Option<&BigUint>| value.is_some_and(|value| value.bits() == 0);
    let top = ones(list[left].width);
    let is_top = |value: Option<&BigUint>| value.is_some_and(|value| *value == top);
    let same = left == right;
    match operator {
        Binary::And if is_zero(a) || is_zero(b) => return Some(BigUint::ZERO),
        Binary::Or if is_top(a) || is_top(b) => return Some(top),
        Binary::Xor | Binary::Sub | Binary::NotEqual if same => return Some(BigUint::ZERO),
        Binary::Less if same || is_zero(b) || is_top(a) => return Some(BigUint::ZERO),
        Binary::LessEqual if same || is_zero(a) || is_top(b) => return Some(BigUint::from(1u32)),
        Binary::Equal if same => return Some(BigUint::from(1u32)),
        Binary::ShiftLeft | Binary::ShiftRight if is_zero(a) => return Some(BigUint::ZERO),
        _ => {}
    }
    let (a, b) = (a?, b?);
    Some(match operator {
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        Binary::Add => (a + b) & ones(width),
        Binary::Sub => ((BigUint::from(1u32) << width) + a - b) & ones(width),
        Binary::Equal => BigUint::from(a == b),
        Binary::NotEqual => BigUint::from(a != b),
        Binary::Less => BigUint::from(a < b),
        Binary::LessEqual => BigUint::from(a <= b),
        Binary::ShiftLeft | Binary::ShiftRight => {
            let amount = u32::try_from(b).ok().filter(|amount| *amount < width);
            match (amount, operator) {
                (None, _) => BigUint::ZERO,
                (Some(amount), Binary::ShiftLeft) => (a << amount) & ones(width),
                (Some(amount), _) => a >> amount,
            }
        }
    })
}
