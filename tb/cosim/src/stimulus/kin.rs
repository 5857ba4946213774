//! Identifiers that share places in a cuckoo CAM: sums of an identifier and others on which hash functions give zero.

use rand::Rng;
use stagecoach_spec::{Cam, Config, Cuckoo, NetId, Seed};

/// Sets of ways of which an identifier's kin share the places: all, two of them, one.
const SHARED: [&[usize]; 4] = [&[0, 1, 2, 3], &[0, 1], &[1, 3], &[2]];

/// What to add to an identifier, for each of [`SHARED`]; nothing for registers.
#[derive(Clone, Debug, Default)]
pub(super) struct Kin(Vec<Vec<NetId>>);

impl Kin {
    /// Under these seeds.
    pub(super) fn of(config: &Config, seeds: &[Seed; Cuckoo::WAYS as usize]) -> Kin {
        match config.cam_kind() {
            Cam::Register => Kin::default(),
            Cam::Cuckoo => Kin(SHARED.iter().map(|ways| kernel(config, seeds, ways)).collect()),
        }
    }

    /// Another identifier with the same places in some ways, if there is one.
    pub(super) fn some(&self, random: &mut impl Rng, net_id: NetId) -> Option<NetId> {
        let shared = random.random_range(0..SHARED.len());
        self.of_set(random, shared, net_id)
    }

    /// Another identifier with the same places in all ways, if there is one.
    pub(super) fn close(&self, random: &mut impl Rng, net_id: NetId) -> Option<NetId> {
        self.of_set(random, 0, net_id)
    }

    fn of_set(&self, random: &mut impl Rng, shared: usize, net_id: NetId) -> Option<NetId> {
        let basis = self.0.get(shared).filter(|basis| !basis.is_empty())?;
        let one = basis[random.random_range(0..basis.len())];
        let chosen = basis.iter().filter(|other| **other != one && random.random_ratio(1, 3));
        Some(chosen.fold(sum(net_id, one), |all, other| sum(all, *other)))
    }
}

fn sum(one: NetId, other: NetId) -> NetId {
    let (one, other) = (one.limbs(), other.limbs());
    NetId::from_limbs(std::array::from_fn(|limb| one[limb] ^ other[limb]))
}

/// A basis of the identifiers whose bucket is 0 in all of these ways, by Gauss's elimination over GF(2).
fn kernel(config: &Config, seeds: &[Seed], ways: &[usize]) -> Vec<NetId> {
    let cuckoo = Cuckoo::of(config);
    let hash = |net_id: NetId| {
        let buckets = ways.iter().map(|way| u64::from(cuckoo.bucket(seeds[*way], net_id)));
        buckets.fold(0, |all, bucket| all << cuckoo.bucket_bits() | bucket)
    };
    // Hashes with a highest bit of their own, the largest first, each with an identifier that has it.
    let mut pivots: Vec<(u64, NetId)> = Vec::new();
    let mut kernel = Vec::new();
    for bit in 0..config.net_id_bits {
        let mut limbs = [0; 3];
        limbs[bit as usize / 64] = 1 << (bit % 64);
        let mut rest = (hash(NetId::from_limbs(limbs)), NetId::from_limbs(limbs));
        for (pivot, net_id) in &pivots {
            if rest.0 ^ pivot < rest.0 {
                rest = (rest.0 ^ pivot, sum(rest.1, *net_id));
            }
        }
        if rest.0 == 0 {
            kernel.push(rest.1);
        } else {
            let place = pivots.partition_point(|(pivot, _)| *pivot > rest.0);
            pivots.insert(place, rest);
        }
    }
    kernel
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn close_kin_share_every_place() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for net_id_bits in [17, 32, 152] {
            let config = Config { cam: Some(Cam::Cuckoo), bindings: 40, net_id_bits, ..Config::default() };
            let cuckoo = Cuckoo::of(&config);
            let seeds = cuckoo.initial_seeds();
            let kin = Kin::of(&config, &seeds);
            let places = |net_id| seeds.map(|seed| cuckoo.bucket(seed, net_id));
            if net_id_bits > 4 * cuckoo.bucket_bits() {
                let net_id = NetId::from_u128(0x1_2345);
                let other = kin.close(&mut random, net_id).expect("there are enough bits");
                assert_ne!(net_id, other);
                assert_eq!(places(net_id), places(other));
            }
            let net_id = NetId::from_u128(0x54);
            for _ in 0..20 {
                let other = kin.some(&mut random, net_id).expect("one way has fewer bits");
                assert_eq!(other.check(&config), Ok(()));
                let shared = places(net_id).into_iter().zip(places(other)).filter(|(a, b)| a == b);
                assert!(shared.count() > 0);
            }
        }
        let registers = Config { cam: Some(Cam::Register), ..Config::default() };
        let seeds = Cuckoo::of(&registers).initial_seeds();
        assert_eq!(Kin::of(&registers, &seeds).some(&mut random, NetId::default()), None);
    }
}
