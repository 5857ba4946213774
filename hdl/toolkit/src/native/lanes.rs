//! Many narrow comparisons at once, in one limb: what a chunked CAM consists of.
//!
//! Lanes of `width` bits lie side by side in a limb. For each lane of `a ^ b` a carry trick leaves the lane's top
//! bit set unless the lane is zero; a multiplication then moves these bits side by side, in either order.

/// The constants of a comparison, three limbs in the limb array: the lanes without their top bits, their top
/// bits, and the multiplier. `None` if the lanes cannot be gathered without carries.
pub(super) fn constants(low: u32, width: u32, count: u32, reversed: bool) -> Option<[u64; 3]> {
    if width < 2 || count < 2 || low + width * count > 64 || count > width {
        return None;
    }
    let (mut below, mut top, mut multiplier) = (0u64, 0u64, 0u64);
    for lane in 0..count {
        let start = low + lane * width;
        below |= ((1 << (width - 1)) - 1) << start;
        top |= 1 << (start + width - 1);
        // The lane's bit, at `lane * width` when it is multiplied, must come to the top `count` bits.
        let place = if reversed { count - 1 - lane } else { lane };
        multiplier |= 1u64.checked_shl((64 - count + place).checked_sub(lane * width)?)?;
    }
    Some([below, top, multiplier])
}

/// Compares the lanes of the limbs at `a` and `b`: bit `n` of the result tells whether lane `n` (or, reversed,
/// the `n`-th from the last) is equal. `lanes` is the offset of the constants, `shift` the position of the
/// first lane's top bit.
pub(super) fn equal(m: &[u64], a: u32, b: u32, lanes: u32, shift: u8, count: u8) -> u64 {
    let Some(&[below, top, multiplier]) = m.get(lanes as usize..lanes as usize + 3) else { return 0 };
    let differing = m[a as usize] ^ m[b as usize];
    let unequal = ((differing & below) + below) | differing;
    ((!unequal & top) >> (shift & 63)).wrapping_mul(multiplier) >> ((64 - u32::from(count)) & 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_answers_for_itself() {
        let mut random = 0x1234_5678_9abc_def1_u64;
        let mut tried = 0;
        for (low, width) in [(0, 8), (0, 16), (3, 9), (0, 12), (5, 7), (1, 31), (0, 4), (11, 10)] {
            for count in 2..=64 / width {
                for reversed in [false, true] {
                    let Some(constants) = constants(low, width, count, reversed) else { continue };
                    tried += 1;
                    for _ in 0..200 {
                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        let (mut a, mut expected) = (random, 0u64);
                        for lane in 0..count {
                            let bits = random.rotate_left(lane + 7);
                            let differs = bits & 1 == 1;
                            let flipped = 1 << (low + lane * width + (bits >> 8) as u32 % width);
                            a ^= if differs { flipped } else { 0 };
                            let place = if reversed { count - 1 - lane } else { lane };
                            expected |= u64::from(!differs) << place;
                        }
                        let m = [a, random, constants[0], constants[1], constants[2]];
                        let shift = (low + width - 1) as u8;
                        assert_eq!(equal(&m, 0, 1, 2, shift, count as u8), expected, "{width} x {count}");
                    }
                }
            }
        }
        assert!(tried > 20, "{tried}");
    }
}
