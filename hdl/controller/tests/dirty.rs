//! The dirty pool alone, against plain bitmaps: settings, harvests and flipped bits at every distance.

mod common;

use std::collections::VecDeque;

use common::{Block, SEEDS};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::dirty::{self, DISAGREE_CYCLES, HARVEST_CYCLES};
use stagecoach_controller::widths::Widths;
use stagecoach_spec::{Config, Preset, Protection};

fn config(dirty_words: u32, protection: Protection) -> Config {
    Config { dirty_words, protection, ..Preset::Tiny.config() }
}

fn new(config: &Config, seed: u64) -> Block {
    let mut block = Block::new(&dirty::describe(&Widths::of(config)).expect("sound"), seed);
    for place in 0..config.dirty_words {
        block.set("init", 1u8);
        block.set("init_place", place);
        block.step();
    }
    block.set("init", 0u8);
    block
}

/// What comes out some cycles after it was put in.
struct Late<T>(VecDeque<T>);

impl<T: Copy + Default> Late<T> {
    fn by(cycles: u32) -> Late<T> {
        Late(vec![T::default(); cycles as usize].into())
    }

    fn pass(&mut self, value: T) -> T {
        self.0.push_back(value);
        self.0.pop_front().expect("one per cycle")
    }
}

#[derive(Default, Debug)]
struct Met {
    /// Harvests of a word by the distance, in cycles, to the setting of one of its bits: 0 the same cycle, 1 the one before…
    near: [u32; 5],
    /// Harvests of a word that was harvested in the cycle before.
    again: u32,
    disagreed: u32,
    dirty_bits: u32,
}

fn run(config: &Config, seed: u64) -> Met {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut block = new(config, seed);
    let protected = config.protection != Protection::None;
    let words = config.dirty_words as usize;
    // What each pair says; without protection the second repeats the first.
    let mut pairs = vec![[0u64; 2]; words];
    let mut harvested = Late::<Option<u64>>::by(HARVEST_CYCLES);
    let mut disagrees = Late::<bool>::by(DISAGREE_CYCLES);
    let mut recent = VecDeque::from(vec![(None, None); 5]);
    let mut met = Met::default();
    for cycle in 0..60_000 {
        let spread = [1, 2, words][cycle / 64 % 3];
        let bits = [2, 64u32][cycle / 256 % 2];
        let set =
            random.random_bool(0.6).then(|| (random.random_range(0..spread), random.random_range(0..bits)));
        let harvest = random.random_bool(0.4).then(|| random.random_range(0..spread));
        let flip = (protected && harvest.is_none() && random.random_bool(0.2))
            .then(|| (random.random_range(0..spread), random.random_range(0..128u32)));

        let (set_word, set_bit) = set.unwrap_or_else(|| (random.random_range(0..words), random.random()));
        block.set("set", u8::from(set.is_some()));
        block.set("set_place", set_word as u64);
        block.set("set_bit", set_bit);
        block.set("harvest", u8::from(harvest.is_some()));
        let place = harvest.or(flip.map(|flip| flip.0)).unwrap_or_else(|| random.random_range(0..words));
        block.set("harvest_place", place as u64);
        if protected {
            block.set("flip", u8::from(flip.is_some()));
            block.set("flip_bit", flip.map_or_else(|| random.random(), |flip| flip.1));
        }

        let taken = harvest.map(|word| {
            let [one, other] = std::mem::take(&mut pairs[word]);
            (one | other, one != other)
        });
        if let Some((word, bit)) = set {
            pairs[word].iter_mut().for_each(|pair| *pair |= 1 << bit);
        }
        if let Some((word, bit)) = flip {
            pairs[word][bit as usize / 64] ^= 1 << (bit % 64);
        }

        recent.pop_back();
        recent.push_front((set.map(|set| set.0), harvest));
        for (near, (set, _)) in met.near.iter_mut().zip(&recent) {
            *near += u32::from(harvest.is_some() && *set == harvest);
        }
        met.again += u32::from(harvest.is_some() && recent[1].1 == harvest);
        met.disagreed += u32::from(taken.is_some_and(|taken| taken.1));
        met.dirty_bits += taken.map_or(0, |taken| taken.0.count_ones());

        if let Some(expected) = harvested.pass(taken.map(|taken| taken.0)) {
            assert_eq!(block.get("harvested"), u128::from(expected), "seed {seed}, cycle {cycle}");
        }
        let expected = disagrees.pass(taken.is_some_and(|taken| taken.1));
        if protected {
            assert_eq!(block.get("disagree"), u128::from(expected), "seed {seed}, cycle {cycle}");
        }
        block.step();
    }
    assert!(block.failures().is_empty(), "{:?}", block.failures());
    met
}

#[test]
fn every_bit_is_in_the_harvest_before_it_was_due_or_in_the_next() {
    for seed in SEEDS {
        // LUT RAM and block RAM.
        for words in [2, 64, 128] {
            let met = run(&config(words, Protection::None), seed);
            let rarest = met.near.into_iter().chain([met.again]).min();
            assert!(rarest > Some(2000) && met.dirty_bits > 20_000 && met.disagreed == 0, "{met:?}");
        }
    }
}

#[test]
fn a_flipped_bit_takes_no_dirtiness_away_and_is_seen() {
    for seed in SEEDS {
        for protection in [Protection::Parity, Protection::Secded] {
            let met = run(&config(4, protection), seed);
            let rarest = met.near.into_iter().chain([met.again, met.disagreed]).min();
            assert!(rarest > Some(2000) && met.dirty_bits > 20_000, "{met:?}");
        }
    }
}

#[test]
fn a_word_a_cycle_is_cleared_in_a_row() {
    let mut block = new(&config(64, Protection::None), 1);
    for place in 0..64u8 {
        block.set("set", 1u8);
        block.set("set_place", place);
        block.set("set_bit", place);
        block.step();
    }
    block.set("set", 0u8);
    block.set("harvest", 1u8);
    for round in 0..2 {
        for place in 0..64 + HARVEST_CYCLES {
            block.set("harvest_place", place);
            block.set("harvest", u8::from(place < 64));
            if let Some(place) = place.checked_sub(HARVEST_CYCLES) {
                let expected = if round == 0 { 1 << place } else { 0u64 };
                assert_eq!(block.get("harvested"), u128::from(expected), "word {place}, round {round}");
            }
            block.step();
        }
    }
}

#[test]
fn a_flip_beside_a_harvest_is_noticed() {
    let mut block = new(&config(4, Protection::Parity), 1);
    block.set("flip", 1u8);
    block.step();
    assert!(block.failures().is_empty());
    block.set("harvest", 1u8);
    block.step();
    assert_eq!(block.failures(), ["one_look"]);
}
