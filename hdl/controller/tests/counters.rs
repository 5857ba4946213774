//! The counters block alone, against a map of counts.

mod common;

use std::collections::{HashMap, VecDeque};

use common::{Block, SEEDS};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::counters::{self, CYCLES};
use stagecoach_controller::widths::Widths;
use stagecoach_spec::{Counter, Fault, Preset};

fn new(events: u32, seed: u64) -> Block {
    let w = Widths::of(&Preset::Tiny.config());
    let mut block = Block::new(&counters::describe(&w, events).expect("sound"), seed);
    for place in 0..1u32 << (w.table + counters::INDEX) {
        block.set("init", 1u8);
        block.set("init_place", place);
        block.step();
    }
    block.set("init", 0u8);
    block
}

/// Sends a token and gives what it takes along.
fn read(block: &mut Block, table: u32, index: u32) -> u128 {
    block.set("token", 1u8);
    block.set("token_reads", 1u8);
    block.set("token_table", table);
    block.set("token_index", index);
    block.step();
    block.set("token", 0u8);
    (1..CYCLES).for_each(|_| block.step());
    assert_eq!(block.get("token_out"), 1);
    block.get("value")
}

#[test]
fn equals_a_map_of_counts() {
    let tables = Preset::Tiny.config().tables;
    let unknown = u32::from(Fault::UnknownNetwork.code());
    for seed in SEEDS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut block = new(0, seed);
        let mut counts = HashMap::<(u32, u32), u32>::new();
        let mut expected: VecDeque<Option<u32>> = vec![None; CYCLES as usize].into();
        let (mut large, mut cleared) = (0, 0);
        for cycle in 0..40_000 {
            let spread = if cycle / 100 % 2 == 0 { (2, 3) } else { (tables, 12) };
            let (table, index) = (random.random_range(0..spread.0), random.random_range(0..spread.1));
            let home = if index == unknown { (0, unknown) } else { (table, index) };
            let kind = random.random_range(0..20);
            let (counts_one, token) = (kind < 12, (12..18).contains(&kind));
            let (reads, clears) = (random.random_bool(0.7), random.random_bool(0.05));
            block.set("count", u8::from(counts_one));
            block.set("token", u8::from(token));
            // What is not meant carries noise.
            let noise = (random.random::<u32>(), random.random::<u32>());
            for (prefix, wanted, (table, index)) in [
                ("count", ("table", "fault"), if counts_one { (table, index) } else { noise }),
                ("token", ("table", "index"), if token { (table, index) } else { noise }),
            ] {
                block.set(&format!("{prefix}_{}", wanted.0), table);
                block.set(&format!("{prefix}_{}", wanted.1), index);
            }
            block.set("token_reads", u8::from(reads));
            block.set("token_clears", u8::from(clears));

            let count = counts.entry(home).or_default();
            large = large.max(*count);
            expected.push_back(token.then_some(if reads { *count } else { 0 }));
            if counts_one {
                *count += 1;
            } else if token && clears && index != unknown {
                cleared += u32::from(*count > 0);
                *count = 0;
            }
            let leaves = expected.pop_front().expect("one per cycle");
            assert_eq!(block.get("token_out"), u128::from(leaves.is_some()), "seed {seed}, cycle {cycle}");
            if let Some(value) = leaves {
                assert_eq!(block.get("value"), u128::from(value), "seed {seed}, cycle {cycle}");
            }
            block.step();
        }
        assert!(large > 100 && cleared > 100, "{large}, {cleared}");
        assert!(block.failures().is_empty(), "{:?}", block.failures());
    }
}

#[test]
fn unknown_networks_are_the_units_whatever_table_is_named() {
    let mut block = new(0, 1);
    for table in 0..3u8 {
        block.set("count", 1u8);
        block.set("count_table", table);
        block.set("count_fault", Fault::UnknownNetwork.code());
        block.step();
    }
    block.set("count", 0u8);
    let index = Counter::Requests(Fault::UnknownNetwork).index();
    for table in 0..4 {
        assert_eq!(read(&mut block, table, index), 3);
    }
    block.set("token_clears", 1u8);
    for table in 0..4 {
        assert_eq!(read(&mut block, table, index), 3, "no table's end makes it 0");
    }
}

#[test]
fn corrected_and_uncorrectable_words_are_counted_together_and_apart() {
    let (corrected, uncorrectable) = (Counter::Corrected.index(), Counter::Uncorrectable.index());
    let mut block = new(3, 1);
    block.set("corrected_events", 0b101u8);
    block.set("uncorrectable_events", 0b010u8);
    (0..10).for_each(|_| block.step());
    block.set("corrected_events", 0u8);
    block.set("uncorrectable_events", 0u8);
    for table in [0, 3] {
        assert_eq!(read(&mut block, table, corrected), 20);
        assert_eq!(read(&mut block, table, uncorrectable), 10);
    }
    // Clearing a table's counters leaves them.
    block.set("token_clears", 1u8);
    assert_eq!(read(&mut block, 0, corrected), 20);
    assert_eq!(read(&mut block, 0, corrected), 20);

    let mut block = new(0, 1);
    assert_eq!(read(&mut block, 1, corrected), 0);
    assert_eq!(read(&mut block, 1, uncorrectable), 0);
}

#[test]
fn a_token_beside_a_count_is_noticed() {
    let mut block = new(0, 1);
    block.set("count", 1u8);
    block.step();
    assert!(block.failures().is_empty());
    block.set("token", 1u8);
    block.step();
    assert_eq!(block.failures().first().map(String::as_str), Some("one_traveller"));
}
