//! A cuckoo CAM in the whole unit: **a bound identifier never misses and never selects another VM's table** while others
//! are bound, moved, unbound and ways get other hash functions, with a request in every cycle.

mod common {
    pub mod bench;
    pub mod cuckoo;
}

use common::cuckoo::{Unit, configuration};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_spec::{Counter, Cuckoo, NetId, PeekEntry, Protection, Seed, Stored, Update, UpdateError};

const TABLES: u16 = 24;

fn random_identifier(random: &mut ChaCha8Rng, bits: u32) -> NetId {
    let mut limbs = [random.random(), random.random(), random.random()];
    for (index, limb) in (0u32..).zip(&mut limbs) {
        let kept = bits.saturating_sub(64 * index).min(64);
        *limb = if kept == 64 { *limb } else { *limb & ((1 << kept) - 1) };
    }
    NetId::from_limbs(limbs)
}

/// A unit that is asked for more identifiers than it has bindings.
fn unit(bindings: u32, net_id_bits: u32, protection: Protection, seed: u64) -> Unit {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let ids = (0..2 * bindings.min(40) + bindings.saturating_sub(40))
        .map(|_| random_identifier(&mut random, net_id_bits))
        .collect();
    Unit::new(configuration(bindings, net_id_bits, protection), ids, random)
}

fn any_identifier(unit: &mut Unit) -> NetId {
    let position = unit.random.random_range(0..unit.asked.len());
    unit.asked[position]
}

/// Some bound identifier and its table.
fn any_bound(unit: &mut Unit) -> Option<(NetId, u16)> {
    let position = unit.random.random_range(0..unit.bound.len().max(1));
    unit.bound.values().nth(position).copied()
}

fn any_table(unit: &mut Unit) -> u16 {
    unit.random.random_range(0..TABLES)
}

fn bind_any(unit: &mut Unit) -> Result<u64, UpdateError> {
    let (net_id, table) = (any_identifier(unit), any_table(unit));
    unit.update(Update::Bind { table, net_id })
}

/// Takes every identifier out of a way, to another where there is room, and gives the way another hash function.
fn reseed(unit: &mut Unit, way: u8) {
    let inside: Vec<_> = unit.in_way(way).collect();
    let seed = unit.cuckoo.draw_seed(&mut || unit.random.random());
    if !inside.is_empty() {
        assert_eq!(unit.update(Update::Reseed { way, seed }), Err(UpdateError::WayInUse));
    }
    for (net_id, table) in inside {
        let others = (0..=Cuckoo::WAYS as u8).filter(|other| *other != way);
        let moved = others.into_iter().any(|way| unit.update(Update::Move { table, net_id, way }).is_ok());
        if !moved {
            assert_eq!(unit.update(Update::Unbind { table, net_id }), Ok(0));
        }
    }
    assert_eq!(unit.update(Update::Reseed { way, seed }), Ok(0));
}

/// Some hundred updates of all kinds; gives how many of each succeeded: bind, unbind, move, reseed.
fn churn(unit: &mut Unit, updates: u32) -> [u32; 4] {
    let mut done = [0; 4];
    for number in 0..updates {
        let kind = unit.random.random_range(0..10);
        let succeeded = match (kind, any_bound(unit)) {
            (0..5, _) | (_, None) => (0, bind_any(unit)),
            (5, Some((net_id, table))) => (1, unit.update(Update::Unbind { table, net_id })),
            (_, Some((net_id, table))) => {
                let way = unit.random.random_range(0..=Cuckoo::WAYS as u8);
                (2, unit.update(Update::Move { table, net_id, way }))
            }
        };
        done[succeeded.0] += u32::from(succeeded.1.is_ok());
        if number % 60 == 59 {
            let way = unit.random.random_range(0..Cuckoo::WAYS as u8);
            reseed(unit, way);
            done[3] += 1;
        }
    }
    done
}

/// Every entry that `bind` can take has an identifier; then all requests and `peek` agree with the list.
fn fill(unit: &mut Unit) {
    for net_id in unit.asked.clone() {
        let table = any_table(unit);
        let _ = unit.update(Update::Bind { table, net_id });
    }
    unit.settle();
}

fn property(bindings: u32, net_id_bits: u32, protection: Protection, seed: u64, updates: u32) {
    let mut unit = unit(bindings, net_id_bits, protection, seed);
    let done = churn(&mut unit, updates);
    assert!(done.iter().all(|count| *count > 0), "{done:?}");
    fill(&mut unit);
    unit.compare_entries();
    unit.settle();
    // From every way, from the stash, and of identifiers that are not bound.
    assert!(unit.answered.iter().all(|count| *count > 50), "{:?}", unit.answered);
    assert!(unit.bench.simulator.failures().is_empty(), "{:?}", unit.bench.simulator.failures());
}

#[test]
fn a_bound_identifier_never_misses_and_never_selects_another_table() {
    property(60, 40, Protection::None, 1, 300);
    property(30, 5, Protection::None, 2, 200);
    property(62, 152, Protection::None, 3, 120);
    // Ways of block RAM.
    property(244, 128, Protection::None, 4, 60);
}

#[test]
fn nor_with_protection() {
    property(60, 40, Protection::Parity, 5, 150);
    property(60, 33, Protection::Secded, 6, 150);
}

#[test]
fn a_flipped_bit_is_corrected_wherever_the_entry_stands_and_two_are_never_another_table() {
    let mut unit = unit(40, 24, Protection::Secded, 11);
    fill(&mut unit);
    let bits = unit.config.stored_bits(Stored::Binding { entry: 0 }) as u16;
    let target = unit.config.protection.coded_bits(unit.config.net_id_bits + 1) as u16;
    let all = unit.asked.clone();
    for way in 0..=Cuckoo::WAYS as u8 {
        let bound: Vec<_> = unit.bound.values().copied().collect();
        let mut bound = bound.into_iter();
        let moves =
            |unit: &mut Unit, (net_id, table)| unit.update(Update::Move { table, net_id, way }).is_ok();
        let inside = unit.in_way(way).next();
        let (net_id, _) = inside.or_else(|| bound.find(|it| moves(&mut unit, *it))).expect("somebody fits");
        let stored = Stored::Binding { entry: unit.entry_of(net_id).expect("bound") };
        for bit in [0, target - 1, target, bits - 1] {
            assert_eq!(unit.update(Update::Inject { stored, bit }), Ok(0));
            unit.ask(net_id);
            // Longer than writing back takes.
            unit.asked = vec![net_id];
            unit.update(Update::Peek { entry: PeekEntry::Table { table: 0 }, word: 0 }).expect("readable");
            (0..3).for_each(|_| unit.ask(net_id));
            unit.asked = all.clone();
        }
        // Nobody looks between the two.
        let other = bound.chain(unit.bound.values().copied().collect::<Vec<_>>());
        let other = other.map(|(id, _)| id).find(|id| {
            *id != net_id
                && unit.places(*id).iter().all(|place| !unit.places(net_id).contains(place) || *place >= 64)
        });
        unit.asked = vec![other.expect("somebody stands elsewhere")];
        for first in [3, target + 5] {
            for bit in [first, first + 1] {
                assert_eq!(unit.update(Update::Inject { stored, bit }), Ok(0));
            }
            unit.settle();
            unit.corrupt = Some(net_id);
            unit.ask(net_id);
            for bit in [first, first + 1] {
                assert_eq!(unit.update(Update::Inject { stored, bit }), Ok(0));
            }
            unit.settle();
            unit.corrupt = None;
            unit.ask(net_id);
        }
        unit.asked = all.clone();
    }
    let counter = Counter::Corrected;
    let corrected = unit.update(Update::ReadCounter { table: 0, counter }).expect("there is such a counter");
    assert!(corrected >= 20, "{corrected}");
}

#[test]
fn a_full_table_is_an_error_without_effect() {
    // As many as there may be, though places are free.
    let mut few = unit(3, 16, Protection::None, 7);
    fill(&mut few);
    assert_eq!(few.bound.len(), 3);
    let free = few.asked.iter().copied().find(|id| few.entry_of(*id).is_none()).expect("six are asked for");
    assert_eq!(few.update(Update::Bind { table: 1, net_id: free }), Err(UpdateError::BindingsFull));
    few.compare_entries();
    // Every place of an identifier is taken: identifiers that only differ where a seed of zeros looks away.
    let mut crowded = unit(20, 16, Protection::None, 8);
    for way in 0..Cuckoo::WAYS as u8 {
        assert_eq!(crowded.update(Update::Reseed { way, seed: Seed::default() }), Ok(0));
    }
    let mut taken = 0;
    for number in 0..20 {
        let net_id = NetId::from_u128(number);
        taken += u32::from(crowded.update(Update::Bind { table: 2, net_id }).is_ok());
    }
    assert_eq!(taken, Cuckoo::WAYS + Cuckoo::STASH);
    crowded.compare_entries();
    // A place that becomes free is taken again, the lowest first.
    let (net_id, table) = crowded.bound[&crowded.cuckoo.depth()];
    assert_eq!(crowded.update(Update::Unbind { table, net_id }), Ok(0));
    assert_eq!(crowded.update(Update::Move { table: 2, net_id: NetId::from_u128(0), way: 1 }), Ok(0));
    assert_eq!(crowded.update(Update::Bind { table: 2, net_id: NetId::from_u128(19) }), Ok(0));
    crowded.compare_entries();
}

#[test]
fn reset_frees_every_place_and_gives_the_first_hash_functions_back() {
    let mut unit = unit(60, 40, Protection::None, 9);
    reseed(&mut unit, 2);
    fill(&mut unit);
    unit.bench.simulator.set_reset(true);
    unit.bench.steps(1);
    unit.bench.simulator.set_reset(false);
    unit.bench.set("upd_valid", 0u32);
    while !unit.bench.is("init_done") {
        unit.bench.steps(1);
    }
    unit.bound.clear();
    unit.seeds = unit.cuckoo.initial_seeds();
    unit.compare_entries();
    let slices =
        stagecoach_spec::Slices { region_count: 1, slot_count: 1, window_count: 1, ..Default::default() };
    assert_eq!(unit.update(Update::SetTable { table: 0, slices }), Ok(0));
    for net_id in unit.asked.clone() {
        let _ = unit.update(Update::Bind { table: 0, net_id });
    }
    unit.settle();
    unit.compare_entries();
}

#[test]
fn updates_that_mean_no_way_are_refused() {
    let mut unit = unit(20, 16, Protection::None, 10);
    bind_any(&mut unit).expect("there is room");
    let (net_id, table) = any_bound(&mut unit).expect("one is bound");
    let other = (table + 1) % TABLES;
    assert_eq!(unit.update(Update::Move { table: other, net_id, way: 1 }), Err(UpdateError::NotBound));
    let way = unit.cuckoo.way_of(unit.entry_of(net_id).expect("bound")) as u8;
    assert_eq!(unit.update(Update::Move { table, net_id, way }), Err(UpdateError::BindingsFull));
    assert_eq!(unit.update(Update::Move { table, net_id, way: 4 }), Ok(0));
    assert_eq!(unit.update(Update::Move { table, net_id, way: 4 }), Ok(0), "to the next place of the stash");
    unit.compare_entries();
}
