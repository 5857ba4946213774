//! The fence block alone, against sets of beats under way.

mod common;

use std::collections::VecDeque;

use common::{Block, SEEDS};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::fence::{self, SETTLE_CYCLES, WATCH_CYCLES};
use stagecoach_controller::widths::Widths;
use stagecoach_spec::{Config, Preset};

/// A table and an epoch.
type Pair = (u32, u32);

#[derive(Clone, Copy, Default)]
struct Events {
    formed: Option<Pair>,
    left: Option<Pair>,
    retired: Option<Pair>,
}

fn set(block: &mut Block, name: &str, event: Option<Pair>, random: &mut ChaCha8Rng) {
    let (table, epoch) = event.unwrap_or_else(|| (random.random(), random.random()));
    block.set(name, u8::from(event.is_some()));
    block.set(&format!("{name}_table"), table);
    block.set(&format!("{name}_epoch"), epoch);
}

fn new(config: &Config, seed: u64) -> Block {
    let w = Widths::of(config);
    let mut block = Block::new(&fence::describe(&w).expect("sound"), seed);
    for place in 0..2u32 << w.table {
        block.set("init", 1u8);
        block.set("init_place", place);
        block.step();
    }
    block.set("init", 0u8);
    block
}

/// Removes one of the beats under way, of any pair.
fn finish(under_way: &mut Vec<Pair>, random: &mut ChaCha8Rng) -> Option<Pair> {
    if under_way.is_empty() || random.random_bool(0.3) {
        return None;
    }
    let position = random.random_range(0..under_way.len());
    Some(under_way.swap_remove(position))
}

#[test]
fn drained_is_what_was_under_way_a_settling_time_ago() {
    let config = Config { max_in_flight: 4, ..Preset::Tiny.config() };
    for seed in SEEDS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut block = new(&config, seed);
        let (mut beats, mut spans) = (Vec::new(), Vec::new());
        let mut late: VecDeque<Events> = vec![Events::default(); SETTLE_CYCLES as usize].into();
        let mut watched: VecDeque<Pair> = VecDeque::new();
        let mut open = std::collections::HashMap::<Pair, i64>::new();
        let (mut drained, mut busy, mut total) = (0, 0, 0u32);
        for cycle in 0..30_000 {
            let pair = |random: &mut ChaCha8Rng| (random.random_range(0..2), random.random_range(0..2));
            let mut now = Events {
                left: finish(&mut beats, &mut random),
                retired: finish(&mut spans, &mut random),
                formed: None,
            };
            if beats.len() + spans.len() < 6 && random.random_bool(0.8) {
                let pair = pair(&mut random);
                now.formed = Some(pair);
                total += 1;
                if random.random_bool(0.5) { beats.push(pair) } else { spans.push(pair) }
            }
            set(&mut block, "formed", now.formed, &mut random);
            set(&mut block, "left", now.left, &mut random);
            set(&mut block, "retired", now.retired, &mut random);
            let watch = pair(&mut random);
            block.set("watch_table", watch.0);
            block.set("watch_epoch", watch.1);

            // What came in this cycle's past by a settling time.
            late.push_back(now);
            let settled = late.pop_front().expect("one per cycle");
            for (event, change) in [(settled.formed, 1), (settled.left, -1), (settled.retired, -1)] {
                event.into_iter().for_each(|pair| *open.entry(pair).or_default() += change);
            }
            watched.push_back(watch);
            if watched.len() > WATCH_CYCLES as usize {
                let pair = watched.pop_front().expect("just seen");
                let expected = open.get(&pair).copied().unwrap_or(0) == 0;
                assert_eq!(
                    block.get("drained"),
                    u128::from(expected),
                    "seed {seed}, cycle {cycle}, {pair:?}"
                );
                *(if expected { &mut drained } else { &mut busy }) += 1;
            }
            block.step();
        }
        assert!(drained > 1000 && busy > 1000, "both were seen: {drained}, {busy}");
        // The tallies, of 7 bits, have gone round.
        assert!(total > 4 * 2 * 128, "{total}");
        assert!(block.failures().is_empty(), "{:?}", block.failures());
    }
}

#[test]
fn a_beat_holds_the_fence_of_its_own_epoch_until_it_is_done() {
    let mut block = new(&Preset::Roce.config(), 1);
    block.set("watch_table", 5u8);
    for (name, drained) in [("formed", 0), ("formed", 0), ("left", 0), ("retired", 1)] {
        block.set(&format!("{name}_table"), 5u8);
        block.set(&format!("{name}_epoch"), 1u8);
        block.set("watch_epoch", 1u8);
        block.set(name, 1u8);
        block.step();
        block.set(name, 0u8);
        (1..SETTLE_CYCLES).for_each(|_| block.step());
        assert_eq!(block.get("drained"), drained, "after {name}");
        block.set("watch_epoch", 0u8);
        (0..WATCH_CYCLES).for_each(|_| block.step());
        assert_eq!(block.get("drained"), 1, "after {name}: the other epoch");
    }
}
