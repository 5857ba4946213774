//! Identifiers that somebody chose because they collide under seeds that he knows.

mod support;

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_planner::{PlanError, Planner};
use stagecoach_spec::{Cuckoo, Seed, Update, UpdateError};
use support::ids::Ids;
use support::{colliding, config, follow, seeded};

/// Of all that collide, the places of the ways and the stash.
const FITTING: usize = (Cuckoo::WAYS + Cuckoo::STASH) as usize;

#[test]
fn identifiers_made_for_known_seeds_fail_under_them_and_fit_under_others() {
    for (bindings, net_id_bits) in [(60, 32), (243, 128), (1024, 152)] {
        let config = config(bindings, net_id_bits);
        let mut known = Planner::new(&config);
        let ids = colliding(&config, &known);
        let ids = &ids[..ids.len().min(bindings as usize / 2)];
        assert!(ids.len() > 2 * FITTING);

        let fitted = ids.iter().take_while(|net_id| match known.bind(**net_id, 1) {
            Ok(plan) => {
                follow(&mut known, &plan);
                true
            }
            Err(error) => {
                assert_eq!(error, PlanError::Crowded);
                false
            }
        });
        assert_eq!(fitted.count(), FITTING);

        for seed in 0..20 {
            let mut planner = seeded(Planner::new(&config), seed);
            for net_id in ids {
                let plan = planner.bind(*net_id, 1).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                follow(&mut planner, &plan);
            }
        }
    }
}

#[test]
fn a_planner_that_may_reseed_takes_them_while_others_are_bound() {
    for (bindings, net_id_bits) in [(60, 32), (1024, 152)] {
        let config = config(bindings, net_id_bits);
        let mut planner = Planner::new(&config);
        let mut random = ChaCha8Rng::seed_from_u64(9);
        for n in 0..bindings / 4 {
            let net_id = Ids::Random.nth(n, 0, &config, &mut random);
            let plan = planner.bind(net_id, 2).unwrap();
            follow(&mut planner, &plan);
        }
        let before = *planner.seeds();
        let ids = colliding(&config, &planner);
        for net_id in &ids[..bindings as usize / 3] {
            let plan = planner.bind_or_reseed(*net_id, 1, &mut || random.next_u64()).unwrap();
            follow(&mut planner, &plan);
            assert_eq!(planner.at(planner.entry_of(*net_id).unwrap()), Some((*net_id, 1)));
        }
        assert_ne!(planner.seeds(), &before);
        assert_eq!(planner.len() as u32, bindings / 4 + bindings / 3);
    }
}

#[test]
fn a_reseed_plan_empties_the_way_first_and_fails_whole() {
    let config = config(60, 32);
    let mut planner = seeded(Planner::new(&config), 4);
    let seed = Cuckoo::of(&config).initial_seeds()[2];
    for n in 0..30 {
        let plan =
            planner.bind(Ids::Ipv4Block.nth(n, 0, &config, &mut ChaCha8Rng::seed_from_u64(0)), 0).unwrap();
        follow(&mut planner, &plan);
    }
    let moves = (0..16).filter(|entry| planner.at(*entry).is_some()).count();
    assert!(moves > 0);
    let plan = planner.reseed(0, seed).unwrap();
    let reseed = plan.iter().position(|update| *update == Update::Reseed { way: 0, seed }).unwrap();
    assert!(reseed >= moves && plan[..reseed].iter().all(|update| matches!(update, Update::Move { .. })));
    follow(&mut planner, &plan);
    assert_eq!(planner.seeds()[0], seed);
    assert_eq!(planner.len(), 30);

    for n in 30..60 {
        let plan =
            planner.bind(Ids::Ipv4Block.nth(n, 0, &config, &mut ChaCha8Rng::seed_from_u64(0)), 0).unwrap();
        follow(&mut planner, &plan);
    }
    assert_eq!(planner.reseed(0, seed), Err(PlanError::CannotEmpty { way: 0 }));
    assert_eq!(planner.reseed(4, seed), Err(PlanError::Refused(UpdateError::BadArgument)));
    let wide = Seed::from_limbs([0, 1, 0]);
    assert!(planner.reseed(1, wide).is_err());
}

#[test]
fn the_stash_is_drained_when_places_become_free() {
    let config = config(60, 32);
    let mut planner = Planner::new(&config);
    let ids = colliding(&config, &planner);
    for net_id in &ids[..FITTING] {
        let plan = planner.bind(*net_id, 3).unwrap();
        follow(&mut planner, &plan);
    }
    assert_eq!(planner.in_stash(), Cuckoo::STASH as usize);
    // The first stands in a way; who comes after it in the stash takes its place.
    let plan = planner.unbind(ids[0]).unwrap();
    assert_eq!(plan.len(), 2, "{plan:?}");
    follow(&mut planner, &plan);
    assert_eq!(planner.in_stash(), Cuckoo::STASH as usize - 1);
    assert_eq!(planner.unbind(ids[0]), Err(PlanError::NotBound));
}
