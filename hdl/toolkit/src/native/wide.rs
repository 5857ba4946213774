//! Arithmetic on values of several limbs in the limb array. Destinations never overlap operands.

/// The limbs of an operand.
pub(super) fn operand(m: &[u64], a: u32, limbs: u8) -> &[u64] {
    &m[a as usize..a as usize + usize::from(limbs)]
}

pub(super) fn map(m: &mut [u64], dst: u32, a: u32, limbs: u8, f: impl Fn(u64) -> u64) {
    for limb in 0..usize::from(limbs) {
        m[dst as usize + limb] = f(m[a as usize + limb]);
    }
}

pub(super) fn zip(m: &mut [u64], dst: u32, a: u32, b: u32, limbs: u8, f: impl Fn(u64, u64) -> u64) {
    for limb in 0..usize::from(limbs) {
        m[dst as usize + limb] = f(m[a as usize + limb], m[b as usize + limb]);
    }
}

pub(super) fn add(m: &mut [u64], dst: u32, a: u32, b: u32, limbs: u8) {
    let mut carry = false;
    for limb in 0..usize::from(limbs) {
        let (sum, first) = m[a as usize + limb].overflowing_add(m[b as usize + limb]);
        let (sum, second) = sum.overflowing_add(u64::from(carry));
        m[dst as usize + limb] = sum;
        carry = first | second;
    }
}

pub(super) fn sub(m: &mut [u64], dst: u32, a: u32, b: u32, limbs: u8) {
    let mut borrow = false;
    for limb in 0..usize::from(limbs) {
        let (difference, first) = m[a as usize + limb].overflowing_sub(m[b as usize + limb]);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        m[dst as usize + limb] = difference;
        borrow = first | second;
    }
}

/// Equal, looking only at the bits of `top` in the most significant limb.
pub(super) fn equal(m: &[u64], a: u32, b: u32, limbs: u8, top: u64) -> bool {
    let (a, b) = (operand(m, a, limbs), operand(m, b, limbs));
    match (a, b) {
        // The width of a network id, compared once per binding in every cycle.
        ([a0, a1], [b0, b1]) => (a0 ^ b0) | ((a1 ^ b1) & top) == 0,
        ([a @ .., a_top], [b @ .., b_top]) => (a_top ^ b_top) & top == 0 && a == b,
        _ => true,
    }
}

pub(super) fn less(m: &[u64], a: u32, b: u32, limbs: u8) -> bool {
    operand(m, a, limbs).iter().rev().lt(operand(m, b, limbs).iter().rev())
}

pub(super) fn all(m: &[u64], a: u32, limbs: u8, top: u64) -> bool {
    match operand(m, a, limbs) {
        [below @ .., last] => *last == top && below.iter().all(|limb| *limb == u64::MAX),
        [] => true,
    }
}

/// Shifts up by the limb at `b`; bits beyond the top limb are lost.
pub(super) fn shift_left(m: &mut [u64], dst: u32, a: u32, b: u32, limbs: u8) {
    let (amount, count) = (m[b as usize], usize::from(limbs));
    let (whole, bits) = ((amount / 64) as usize, amount % 64);
    for limb in 0..count {
        let from =
            |distance: usize| limb.checked_sub(distance).map_or(0, |position| m[a as usize + position]);
        let value = if whole >= count {
            0
        } else if bits == 0 {
            from(whole)
        } else {
            from(whole) << bits | from(whole + 1) >> (64 - bits)
        };
        m[dst as usize + limb] = value;
    }
}

/// Shifts down by the limb at `b`.
pub(super) fn shift_right(m: &mut [u64], dst: u32, a: u32, b: u32, limbs: u8) {
    let (amount, count) = (m[b as usize], usize::from(limbs));
    let (whole, bits) = ((amount / 64) as usize, amount % 64);
    for limb in 0..count {
        let from = |distance: usize| {
            let position = limb + distance;
            if position < count { m[a as usize + position] } else { 0 }
        };
        let value = if whole >= count {
            0
        } else if bits == 0 {
            from(whole)
        } else {
            from(whole) >> bits | from(whole + 1) << (64 - bits)
        };
        m[dst as usize + limb] = value;
    }
}
