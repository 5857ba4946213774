//! The tally block alone, against an array of counts.

mod common;

use std::collections::VecDeque;

use common::{Block, SEEDS};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::event_counter;
use stagecoach_controller::tally::{self, Overflow, Watch};

#[derive(Clone, Copy, PartialEq)]
enum Op {
    Read,
    Add,
    Clear,
}

/// Walks over all places as after reset; inputs of operations carry noise but for their valid bits.
fn clear_all(block: &mut Block, place_bits: u32, random: &mut ChaCha8Rng) {
    for place in 0..1u32 << place_bits {
        block.set("init", 1u8);
        block.set("init_place", place);
        block.set("place", random.random::<u32>());
        block.step();
    }
    block.set("init", 0u8);
}

/// Random operations on few places, so that neighbours meet at every distance; each value, and each watched one.
fn run(place_bits: u32, width: u32, overflow: Overflow, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let module = tally::describe("tally_alone", place_bits, width, overflow, Watch::Yes).expect("sound");
    let mut block = Block::new(&module, seed);
    clear_all(&mut block, place_bits, &mut random);
    // What is watched is as old as the operations on their way.
    block.set("add", 0u8);
    block.set("clear", 0u8);
    (0..tally::WATCH_LAG).for_each(|_| block.step());

    let top = (1u64 << width) - 1;
    let mut counts = vec![0; 1 << place_bits];
    // As the memory has it: operations arrive there late.
    let mut stored = counts.clone();
    let mut on_the_way: VecDeque<Option<(usize, u64)>> = vec![None; tally::WATCH_LAG as usize].into();
    let mut values = VecDeque::new();
    let mut watched = VecDeque::new();
    let mut met = [0; tally::CYCLES as usize + 1];
    let mut recent: VecDeque<Option<usize>> = vec![None; tally::CYCLES as usize].into();
    for cycle in 0..20_000 {
        // Now over few places, now over all.
        let spread = [1, 2, 3, 1 << place_bits][cycle / 50 % 4];
        let place = random.random_range(0..spread) % (1 << place_bits);
        let op = match random.random_range(0..100) {
            0..60 => Op::Add,
            60..63 => Op::Clear,
            _ => Op::Read,
        };
        let watch_place = random.random_range(0..spread) % (1 << place_bits);
        block.set("place", place as u32);
        block.set("add", u8::from(op == Op::Add));
        block.set("clear", u8::from(op == Op::Clear));
        block.set("watch_place", watch_place as u32);

        let count: u64 = counts[place];
        let after = match (op, overflow) {
            (Op::Read, _) => count,
            (Op::Clear, _) => 0,
            (Op::Add, Overflow::Wrap) => (count + 1) & top,
            (Op::Add, Overflow::Saturate) => (count + 1).min(top),
        };
        counts[place] = after;
        values.push_back(if op == Op::Clear { count } else { after });
        if let Some((place, after)) = on_the_way.pop_front().expect("one per cycle") {
            stored[place] = after;
        }
        on_the_way.push_back((op != Op::Read).then_some((place, after)));
        watched.push_back(stored[watch_place]);

        for distance in 1..=tally::CYCLES as usize {
            met[distance] += u32::from(recent[tally::CYCLES as usize - distance] == Some(place));
        }
        recent.pop_front();
        recent.push_back((op != Op::Read).then_some(place));

        if values.len() > tally::CYCLES as usize {
            let expected = values.pop_front().map(u128::from);
            assert_eq!(Some(block.get("value")), expected, "{overflow:?}, seed {seed}, cycle {cycle}");
        }
        if watched.len() > tally::WATCH_CYCLES as usize {
            let expected = watched.pop_front().map(u128::from);
            assert_eq!(Some(block.get("watched")), expected, "{overflow:?}, seed {seed}, cycle {cycle}");
        }
        block.step();
    }
    assert!(met[1..].iter().all(|times| *times > 500), "every distance came: {met:?}");
    assert!(block.failures().is_empty(), "{:?}", block.failures());
}

#[test]
fn equals_an_array_of_counts() {
    for seed in SEEDS {
        for overflow in [Overflow::Wrap, Overflow::Saturate] {
            // LUT RAM and block RAM; narrow, so that the top is reached.
            for (place_bits, width) in [(1, 1), (2, 4), (8, 5)] {
                run(place_bits, width, overflow, seed);
            }
        }
    }
}

#[test]
fn a_count_of_two_steps_stops_at_its_top() {
    let module = tally::describe("tally_alone", 1, 18, Overflow::Saturate, Watch::No).expect("sound");
    let mut block = Block::new(&module, 1);
    clear_all(&mut block, 1, &mut ChaCha8Rng::seed_from_u64(1));
    block.set("place", 1u8);
    block.set("add", 1u8);
    for cycle in 0..(1u32 << 18) + 20 {
        if let Some(before) = cycle.checked_sub(tally::CYCLES) {
            assert_eq!(block.get("value"), u128::from((before + 1).min((1 << 18) - 1)), "cycle {cycle}");
        }
        block.step();
    }
}

#[test]
fn the_walk_after_reset_reaches_the_first_operations() {
    let module = tally::describe("tally_alone", 2, 8, Overflow::Wrap, Watch::No).expect("sound");
    for seed in SEEDS {
        for place in 0..4u32 {
            let mut block = Block::new(&module, seed);
            clear_all(&mut block, 2, &mut ChaCha8Rng::seed_from_u64(seed));
            for _ in 0..tally::CYCLES {
                block.set("place", place);
                block.set("add", 1u8);
                block.step();
            }
            for count in 1..=20u8 {
                assert_eq!(block.get("value"), u128::from(count), "place {place}, seed {seed}");
                block.step();
            }
        }
    }
}

#[test]
fn adding_and_clearing_at_once_is_noticed() {
    let module = tally::describe("tally_alone", 2, 8, Overflow::Wrap, Watch::No).expect("sound");
    let mut block = Block::new(&module, 1);
    block.set("add", 1u8);
    block.step();
    assert!(block.failures().is_empty());
    block.set("clear", 1u8);
    block.step();
    assert_eq!(block.failures(), ["one_operation"]);
}

#[test]
fn events_that_come_together_are_all_counted_up_to_the_top() {
    for events in [1, 2, 3, 7, 11] {
        let module = event_counter::describe("events_alone", 10, events).expect("sound");
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(events));
        let mut block = Block::new(&module, 1);
        let mut totals: VecDeque<u32> = vec![0; event_counter::CYCLES as usize].into();
        for cycle in 0..4000 {
            let now: u32 = random.random::<u32>() & ((1 << events) - 1);
            block.set("events", now);
            let before = *totals.back().expect("never empty");
            totals.push_back((before + now.count_ones()).min(1023));
            let expected = totals.pop_front().expect("never empty");
            assert_eq!(block.get("total"), u128::from(expected), "{events} events, cycle {cycle}");
            block.step();
        }
        assert_eq!(totals.back(), Some(&1023), "the run reaches the top");
    }
}
