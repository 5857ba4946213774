//! Identifiers and seeds that the tests share.
#![allow(dead_code)] // Each test file uses its own part.

pub mod ids;

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_planner::Planner;
use stagecoach_spec::{Cam, Config, Cuckoo, NetId, Update};

pub fn config(bindings: u32, net_id_bits: u32) -> Config {
    Config { bindings, net_id_bits, cam: Some(Cam::Cuckoo), ..Config::default() }
}

/// Plays a plan.
pub fn follow(planner: &mut Planner, plan: &[Update]) {
    for update in plan {
        planner.follow(update).unwrap();
    }
}

/// A planner whose seeds follow from a number.
pub fn seeded(mut planner: Planner, seed: u64) -> Planner {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let plan = planner.reseed_all(&mut || random.next_u64()).unwrap();
    follow(&mut planner, &plan);
    planner
}

/// Identifiers that share their place in every way with zero, under these seeds: a basis of the hash functions' kernel.
pub fn colliding(config: &Config, planner: &Planner) -> Vec<NetId> {
    let cuckoo = Cuckoo::of(config);
    let hash = |id: NetId| {
        planner
            .seeds()
            .iter()
            .fold(0u64, |all, seed| all << cuckoo.bucket_bits() | u64::from(cuckoo.bucket(*seed, id)))
    };
    let xor = |a: NetId, b: NetId| {
        let (a, b) = (a.limbs(), b.limbs());
        NetId::from_limbs([0, 1, 2].map(|limb| a[limb] ^ b[limb]))
    };
    // Gauss: hashes with distinct highest bits, each with the identifier that has it.
    let mut pivots: Vec<(u64, NetId)> = Vec::new();
    let mut kernel = Vec::new();
    for bit in 0..config.net_id_bits {
        let mut limbs = [0; 3];
        limbs[bit as usize / 64] = 1 << (bit % 64);
        let mut id = NetId::from_limbs(limbs);
        let mut value = hash(id);
        for (pivot, pivot_id) in &pivots {
            if value ^ pivot < value {
                (value, id) = (value ^ pivot, xor(id, *pivot_id));
            }
        }
        if value == 0 {
            kernel.push(id);
        } else {
            pivots.push((value, id));
            pivots.sort_by_key(|(hash, _)| std::cmp::Reverse(*hash));
        }
    }
    // All sums of a few of them, the first ones first.
    let few = kernel.len().min(10);
    (0..1u32 << few)
        .map(|chosen| {
            let basis = kernel.iter().take(few).enumerate().filter(|(number, _)| chosen >> number & 1 == 1);
            basis.fold(NetId::default(), |sum, (_, id)| xor(sum, *id))
        })
        .collect()
}
