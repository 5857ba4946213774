//! Seeds that go well together.
//!
//! A [regular](Cuckoo::is_regular) seed spreads a block of consecutive identifiers over its own way. In a block of
//! several times that size identifiers meet in every way, and should not meet the same ones again in another: else
//! they share two of their four places, and the ways do not fill.

use alloc::vec::Vec;
use stagecoach_spec::{Cuckoo, NetId, Seed};

/// Bits of a block's identifiers beyond those of a bucket, at the least: four ways hold a block of so many.
const MORE_BITS: u32 = Cuckoo::WAYS.ilog2();
/// Bits of two buckets that are left over, where there are more. Blocks do not begin at round numbers, so that more bits
/// change in them than they have.
const SPARE_BITS: u32 = 3;
/// Seeds that are tried. Three in four fit even in the smallest ways; identifiers of few bits have none that does.
const TRIES: usize = 64;

/// Draws a regular seed that keeps blocks apart which other ways' seeds bring together, where there is such a seed.
pub(crate) fn draw(cuckoo: Cuckoo, others: &[Seed], random: &mut impl FnMut() -> u64) -> Seed {
    let mut seed = cuckoo.draw_seed(random);
    for _ in 1..TRIES {
        if others.iter().all(|other| keep_apart(cuckoo, seed, *other)) {
            break;
        }
        seed = cuckoo.draw_seed(random);
    }
    seed
}

/// Whether no two identifiers of a block share their buckets under both seeds.
fn keep_apart(cuckoo: Cuckoo, one: Seed, other: Seed) -> bool {
    let bits = (cuckoo.bucket_bits() + MORE_BITS).max(2 * cuckoo.bucket_bits() - SPARE_BITS);
    let net_id_bits = cuckoo.seed_bits() + 1 - cuckoo.bucket_bits();
    // Of an address, or of a VNI above it.
    [0, 128].into_iter().filter(|start| start + bits <= net_id_bits).all(|start| {
        let buckets = (start..start + bits).map(|position| {
            let id = single_bit(position);
            u64::from(cuckoo.bucket(one, id)) << cuckoo.bucket_bits() | u64::from(cuckoo.bucket(other, id))
        });
        independent(buckets)
    })
}

fn single_bit(position: u32) -> NetId {
    let mut limbs = [0; 3];
    limbs[position as usize / 64] = 1 << (position % 64);
    NetId::from_limbs(limbs)
}

/// Whether no sum of some vectors over GF(2) is zero.
fn independent(vectors: impl Iterator<Item = u64>) -> bool {
    // Sorted, the largest first, each with a highest bit of its own.
    let mut basis: Vec<u64> = Vec::new();
    for vector in vectors {
        let rest = basis.iter().fold(vector, |rest, other| rest.min(rest ^ other));
        if rest == 0 {
            return false;
        }
        let place = basis.partition_point(|other| *other > rest);
        basis.insert(place, rest);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagecoach_spec::Config;

    #[test]
    fn vectors_are_independent_unless_some_add_up_to_nothing() {
        assert!(independent([0b001, 0b011, 0b111].into_iter()));
        assert!(!independent([0b001, 0b011, 0b010].into_iter()));
        assert!(!independent([0b100, 0].into_iter()));
    }

    #[test]
    fn a_drawn_seed_separates_whom_another_brings_together() {
        let cuckoo = Cuckoo::of(&Config { bindings: 60, net_id_bits: 32, ..Config::default() });
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            state ^ state >> 32
        };
        for _ in 0..50 {
            let other = cuckoo.draw_seed(&mut random);
            assert!(!keep_apart(cuckoo, other, other));
            let seed = draw(cuckoo, &[other], &mut random);
            let block = (0..64).map(|n| NetId::from_u128(0x0a00_0040 + n));
            let mut met: Vec<_> =
                block.map(|id| (cuckoo.bucket(seed, id), cuckoo.bucket(other, id))).collect();
            met.sort_unstable();
            met.dedup();
            assert_eq!(met.len(), 64);
        }
    }
}
