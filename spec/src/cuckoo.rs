//! The places of a cuckoo CAM, and the hash functions that lead to them.
//!
//! Every identifier has one place in each of [`Cuckoo::WAYS`] ways, which its hash names, and may stand in the stash
//! instead. Hardware reads all of them at once. Who stands where is decided by updates: `bind` takes the lowest free
//! entry among these, `move` makes room by taking an identifier to another of its own places.
//!
//! | entries | what |
//! | --- | --- |
//! | way * depth + bucket | the places of the ways |
//! | [`Cuckoo::WAYS`] * depth + n | the stash |
//!
//! # The hash
//!
//! A Toeplitz matrix over GF(2), as in receive-side scaling: bit i of the bucket is the parity of the identifier and the
//! seed shifted right by i. Any two identifiers share a bucket of a way with probability 1/depth over the seeds, so who
//! does not know the seeds cannot choose identifiers that collide. (H3 is the same with a seed of its own for each bit.)

use crate::config::Config;
use crate::net_id::NetId;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The shape of a configuration's cuckoo CAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cuckoo {
    net_id_bits: u32,
    bucket_bits: u32,
}

/// What a way's hash function is made of: [`Cuckoo::seed_bits`] bits, least significant 64-bit limb first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seed([u64; 3]);

impl Cuckoo {
    /// Ways. Four reach a load of more than 97 % before an insert fails.
    pub const WAYS: u32 = 4;
    /// Entries of the stash, which any identifier may take.
    pub const STASH: u32 = 4;
    /// Most of the ways' places that `bindings` may ask for, in percent.
    pub const LOAD_PERCENT: u32 = 95;
    /// Least places of a way.
    const LEAST_DEPTH: u32 = 16;

    /// The shape for a configuration, whatever its kind of CAM: the least power of two of places a way of which
    /// `bindings` take at most [`Cuckoo::LOAD_PERCENT`].
    pub fn of(config: &Config) -> Cuckoo {
        let depth = (config.bindings * 100).div_ceil(Cuckoo::WAYS * Cuckoo::LOAD_PERCENT);
        let depth = depth.next_power_of_two().max(Cuckoo::LEAST_DEPTH);
        Cuckoo { net_id_bits: config.net_id_bits, bucket_bits: depth.ilog2() }
    }

    /// Places of a way: a power of two.
    pub const fn depth(self) -> u32 {
        1 << self.bucket_bits
    }

    /// Bits of a bucket's number in its way.
    pub const fn bucket_bits(self) -> u32 {
        self.bucket_bits
    }

    /// Bits of a seed.
    pub const fn seed_bits(self) -> u32 {
        self.net_id_bits + self.bucket_bits - 1
    }

    /// Entries: the ways' places, then the stash.
    pub const fn entries(self) -> u32 {
        Cuckoo::WAYS * self.depth() + Cuckoo::STASH
    }

    /// The way of an entry; [`Cuckoo::WAYS`] for the stash.
    pub const fn way_of(self, entry: u32) -> u32 {
        let way = entry >> self.bucket_bits;
        if way < Cuckoo::WAYS { way } else { Cuckoo::WAYS }
    }

    /// The place of an identifier in a way with this seed.
    pub fn bucket(self, seed: Seed, net_id: NetId) -> u32 {
        let id = low(net_id.limbs(), self.net_id_bits);
        let parity = |bit: u32| {
            let seed = shifted_right(seed.0, bit);
            id.iter().zip(seed).map(|(id, seed)| (id & seed).count_ones()).sum::<u32>() & 1
        };
        (0..self.bucket_bits).map(|bit| parity(bit) << bit).sum()
    }

    /// The entry of an identifier in a way with this seed.
    pub fn entry(self, way: u32, seed: Seed, net_id: NetId) -> u32 {
        way * self.depth() + self.bucket(seed, net_id)
    }

    /// Whether an entry may hold an identifier: its place in that way, or any of the stash.
    pub fn may_hold(self, seeds: &[Seed; Cuckoo::WAYS as usize], entry: u32, net_id: NetId) -> bool {
        match seeds.get(self.way_of(entry) as usize) {
            Some(seed) => self.entry(self.way_of(entry), *seed, net_id) == entry,
            None => entry < self.entries(),
        }
    }

    /// The seeds after reset: the same in every unit of this shape, so software that minds gives others while the CAM is
    /// still empty.
    pub fn initial_seeds(self) -> [Seed; Cuckoo::WAYS as usize] {
        let mut state = 0;
        let mut next = || {
            // SplitMix64 (Steele, Lea, Flood 2014).
            state += 0x9e37_79b9_7f4a_7c15_u128;
            let mut z = state as u64;
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        };
        core::array::from_fn(|_| self.draw_seed(&mut next))
    }

    /// A seed from a source of random numbers, the first that is [regular](Cuckoo::is_regular): one in two to four is.
    pub fn draw_seed(self, random: &mut impl FnMut() -> u64) -> Seed {
        loop {
            let seed = Seed(low([random(), random(), random()], self.seed_bits()));
            if self.is_regular(seed) {
                return seed;
            }
        }
    }

    /// Whether blocks of consecutive identifiers spread evenly: identifiers that differ only in the lowest
    /// [`Cuckoo::bucket_bits`] bits (of the address, or of a VNI above 128 address bits) have different buckets.
    pub fn is_regular(self, seed: Seed) -> bool {
        let starts = [0, 128];
        let fits = |start: &u32| start + self.bucket_bits <= self.net_id_bits;
        starts.iter().filter(|start| fits(start)).all(|start| self.spreads(seed, *start))
    }

    /// Whether the identifiers' bits from `start` on, as many as a bucket has, decide every bit of the bucket: their part
    /// of the matrix has full rank.
    fn spreads(self, seed: Seed, start: u32) -> bool {
        let column = |position: u32| -> u32 {
            (0..self.bucket_bits).map(|bit| u32::from(bit_of(seed.0, position + bit)) << bit).sum()
        };
        let mut columns: Vec<u32> = (start..start + self.bucket_bits).map(column).collect();
        for bit in 0..self.bucket_bits {
            let Some(pivot) = columns.iter().position(|column| column >> bit & 1 == 1) else { return false };
            let pivot = columns.swap_remove(pivot);
            for column in &mut columns {
                if *column >> bit & 1 == 1 {
                    *column ^= pivot;
                }
            }
        }
        true
    }
}

impl Seed {
    /// From limbs, least significant first.
    pub const fn from_limbs(limbs: [u64; 3]) -> Seed {
        Seed(limbs)
    }

    /// The limbs, least significant first.
    pub const fn limbs(self) -> [u64; 3] {
        self.0
    }

    /// Bits up to and including the highest that is set; 0 for a seed of zeros.
    pub fn significant_bits(self) -> u32 {
        NetId::from_limbs(self.0).significant_bits()
    }
}

/// The lowest bits, zeros above.
fn low(limbs: [u64; 3], bits: u32) -> [u64; 3] {
    let limb = |index: u32| match bits.saturating_sub(index * 64) {
        0 => 0,
        kept if kept >= 64 => limbs[index as usize],
        kept => limbs[index as usize] & ((1 << kept) - 1),
    };
    [limb(0), limb(1), limb(2)]
}

/// Shifted by less than 64 bits.
fn shifted_right([low, middle, high]: [u64; 3], bits: u32) -> [u64; 3] {
    let join = |low: u64, high: u64| ((u128::from(high) << 64 | u128::from(low)) >> bits) as u64;
    [join(low, middle), join(middle, high), high >> bits]
}

fn bit_of(limbs: [u64; 3], position: u32) -> bool {
    limbs[(position / 64) as usize] >> (position % 64) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn shape(bindings: u32, net_id_bits: u32) -> Cuckoo {
        Cuckoo::of(&Config { bindings, net_id_bits, ..Config::default() })
    }

    #[test]
    fn the_places_are_enough_for_the_load() {
        let depths =
            [1, 60, 61, 64, 243, 244, 972, 973, 1024, 4096].map(|bindings| shape(bindings, 128).depth());
        assert_eq!(depths, [16, 16, 32, 32, 64, 128, 256, 512, 512, 2048]);
        for bindings in 1..=4096 {
            let places = Cuckoo::WAYS * shape(bindings, 128).depth();
            assert!(bindings * 100 <= places * Cuckoo::LOAD_PERCENT, "{bindings}");
        }
        assert_eq!((shape(1024, 152).entries(), shape(1024, 152).seed_bits()), (2052, 160));
    }

    #[test]
    fn a_bucket_is_the_parity_under_the_shifted_seed() {
        let cuckoo = shape(1024, 32);
        let seed = Seed::from_limbs([0b10_0000_0011, 0, 0]);
        let bucket = |id: u64| cuckoo.bucket(seed, NetId::from_limbs([id, 0, 0]));
        assert_eq!([0, 1, 2, 3].map(bucket), [0, 0b11, 0x101, 0x102], "bits 0, 1 and 9 of the seed are set");
        assert_eq!(bucket(1 << 9), 1, "bit i of the bucket reads bit 9 + i of the seed");
    }

    #[test]
    fn the_hash_is_linear_and_the_same_for_the_same_seed() {
        let cuckoo = shape(1024, 152);
        let [seed, other, ..] = cuckoo.initial_seeds();
        let (a, b) = ([7, 1 << 63, 0xabcdef], [u64::MAX, 12345, 1]);
        let sum = [a[0] ^ b[0], a[1] ^ b[1], a[2] ^ b[2]];
        let bucket = |limbs| cuckoo.bucket(seed, NetId::from_limbs(limbs));
        assert_eq!(bucket(a) ^ bucket(b), bucket(sum));
        assert_ne!(seed, other, "every way has a function of its own");
        assert!(bucket(a) < cuckoo.depth());
    }

    #[test]
    fn blocks_of_consecutive_identifiers_spread_over_all_buckets() {
        for cuckoo in [shape(64, 32), shape(1024, 128), shape(1024, 152), shape(4096, 160)] {
            for (seed, shift) in cuckoo.initial_seeds().into_iter().flat_map(|seed| [(seed, 0), (seed, 128)])
            {
                if shift + cuckoo.bucket_bits() > cuckoo.net_id_bits {
                    continue;
                }
                let block = (0..u64::from(cuckoo.depth())).map(|n| match shift {
                    0 => NetId::from_limbs([0xabc0_0000 + n, 5, 0]),
                    _ => NetId::from_limbs([77, 5, n]),
                });
                let buckets: BTreeSet<u32> = block.map(|id| cuckoo.bucket(seed, id)).collect();
                assert_eq!(buckets.len() as u32, cuckoo.depth());
            }
        }
        let degenerate = Seed::default();
        assert!(!shape(64, 32).is_regular(degenerate));
    }

    #[test]
    fn an_identifier_may_stand_in_one_place_of_each_way_and_in_the_stash() {
        let cuckoo = shape(64, 128);
        let seeds = cuckoo.initial_seeds();
        let id = NetId::from_u128(0xfd00_0001);
        let places: Vec<u32> =
            (0..cuckoo.entries() + 8).filter(|entry| cuckoo.may_hold(&seeds, *entry, id)).collect();
        assert_eq!(places.len() as u32, Cuckoo::WAYS + Cuckoo::STASH);
        let ways: Vec<u32> = places.iter().map(|entry| cuckoo.way_of(*entry)).collect();
        assert_eq!(ways, [0, 1, 2, 3, 4, 4, 4, 4]);
    }

    #[test]
    fn seeds_keep_to_their_bits() {
        for seed in shape(1024, 32).initial_seeds() {
            assert!(seed.significant_bits() <= 40);
        }
    }
}
