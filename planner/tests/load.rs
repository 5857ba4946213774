//! How full the ways become, for identifiers as networks give them out.

mod support;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use stagecoach_planner::{PlanError, Planner};
use stagecoach_spec::{Config, Cuckoo};
use support::ids::Ids;
use support::{config, follow, seeded};

const SEEDS: u64 = 100;

/// Binds as many identifiers as fit; gives how many, before the first failure.
fn fill(config: &Config, ids: Ids, seed: u64) -> u32 {
    let mut planner = seeded(Planner::unlimited(config), seed);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let start = (seed as u32).wrapping_mul(0x9e37) & 0xf_ffff;
    for n in 0.. {
        match planner.bind(ids.nth(n, start, config, &mut random), 0) {
            Ok(plan) => follow(&mut planner, &plan),
            Err(PlanError::AlreadyBound { .. }) => continue, // Random identifiers of few bits come twice.
            Err(PlanError::Crowded) => return planner.len() as u32,
            Err(error) => panic!("{ids:?}, seed {seed}: {error}"),
        }
    }
    unreachable!("the ways have an end")
}

/// The least load over the seeds, as a percentage of the ways' places.
fn least_load(config: &Config, ids: Ids) -> f64 {
    let places = f64::from(Cuckoo::WAYS * Cuckoo::of(config).depth());
    (0..SEEDS).map(|seed| f64::from(fill(config, ids, seed)) * 100.0 / places).fold(f64::INFINITY, f64::min)
}

fn check(net_id_bits: u32, kinds: &[Ids]) {
    // Ways of 16, 64 and 512 places.
    for bindings in [60, 243, 1024] {
        let config = config(bindings, net_id_bits);
        for ids in kinds {
            let least = least_load(&config, *ids);
            println!("{bindings} bindings of {net_id_bits} bits, {ids:?}: at least {least:.1} %");
            assert!(least >= 95.0, "{bindings} bindings of {net_id_bits} bits, {ids:?}: {least:.1} %");
        }
    }
}

#[test]
fn ipv4_sized_identifiers_fill_95_percent_of_the_places() {
    check(32, &[Ids::Random, Ids::Ipv4Block]);
}

#[test]
fn ipv6_sized_identifiers_fill_95_percent_of_the_places() {
    check(128, &[Ids::Random, Ids::Ipv4Block, Ids::Ipv6Block]);
}

#[test]
fn overlay_identifiers_fill_95_percent_of_the_places() {
    check(152, &[Ids::Random, Ids::Ipv6Block, Ids::VniBlock]);
}

/// Blocks in two directions at once can meet a seed under which the directions share buckets: no way's seed promises more
/// than one direction. The places that are free anyway make up for it.
#[test]
fn blocks_in_two_directions_fit_into_half_of_the_places() {
    let config = config(1024, 152);
    let least = least_load(&config, Ids::VniTimesIpv4);
    assert!(least >= 50.0, "{least:.1} %");
}

#[test]
fn every_allowed_number_of_bindings_fits_with_the_initial_seeds() {
    for bindings in [1, 15, 60, 61, 121, 243, 486, 972, 1024, 1945, 3891, 4096] {
        let config = config(bindings, 128);
        let mut planner = Planner::new(&config);
        let mut random = ChaCha8Rng::seed_from_u64(bindings.into());
        for n in 0..bindings {
            let net_id = Ids::Random.nth(n, 0, &config, &mut random);
            let plan = planner.bind(net_id, 0).unwrap();
            follow(&mut planner, &plan);
        }
        let one_more = Ids::Random.nth(bindings, 0, &config, &mut random);
        assert_eq!(planner.bind(one_more, 0), Err(PlanError::Full { bindings }));
    }
}
