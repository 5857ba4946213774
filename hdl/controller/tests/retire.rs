//! The retirement block alone, against plain bitmaps: exact in its order with harvests and changes of tracking.

mod common;

use std::collections::VecDeque;
use std::sync::Arc;

use common::{Block, SEEDS};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::dirty::{DISAGREE_CYCLES, HARVEST_CYCLES};
use stagecoach_controller::protect;
use stagecoach_controller::retire::{
    self, RETIRED_CYCLES, SET_CYCLES, TRACK_LAG, TRACK_READ_CYCLES, TRACK_SETTLE_CYCLES,
};
use stagecoach_controller::widths::Widths;
use stagecoach_hdl::{Module, ModuleBuilder};
use stagecoach_spec::{Config, Preset, Protection};

const PROTECTIONS: [Protection; 3] = [Protection::None, Protection::Parity, Protection::Secded];

fn config(protection: Protection) -> Config {
    Config { tables: 3, protection, ..Preset::Tiny.config() }
}

/// Puts check bits to a tracking word.
fn encoder(w: &Widths) -> Arc<Module> {
    let m = ModuleBuilder::new("encoder", "Check bits of a tracking word.");
    let word = m.input("word", w.tracking().iter().sum());
    m.output("coded", protect::encode(w, word));
    m.combinational_path("word", "coded");
    m.finish().expect("sound")
}

#[derive(Clone, Copy, Default, Debug)]
struct Tracking {
    granule_shift: u32,
    window_base: u64,
    dirty_base: u64,
}

/// The block beside an encoder.
struct Bench {
    w: Widths,
    block: Block,
    encoder: Block,
}

impl Bench {
    fn new(config: &Config, seed: u64) -> Bench {
        let w = Widths::of(config);
        let mut block = Block::new(&retire::describe(&w).expect("sound"), seed);
        let encoder = Block::new(&encoder(&w), seed);
        for place in 0..config.dirty_words.max(config.tables.next_power_of_two()) {
            block.set("init", 1u8);
            block.set("init_place", place);
            block.set("init_word", place);
            block.step();
        }
        block.set("init", 0u8);
        // It reaches the memories a cycle later; so the unit waits before it is done.
        block.step();
        Bench { w, block, encoder }
    }

    fn coded(&mut self, tracking: Tracking) -> u128 {
        let Tracking { granule_shift, window_base, dirty_base } = tracking;
        let word = (u128::from(granule_shift) << self.w.frame | u128::from(window_base)) << self.w.dirty;
        self.encoder.set("word", word | u128::from(dirty_base));
        self.encoder.get("coded")
    }

    /// Writes a tracking word as it is.
    fn track(&mut self, table: u32, coded: u128) {
        self.block.set("track_write", 1u8);
        self.block.set("track_table", table);
        self.block.set("track_word", coded);
        self.block.step();
        self.block.set("track_write", 0u8);
    }

    /// One retirement, in one cycle.
    fn retire(&mut self, table: u32, frame: u64, write: bool) {
        self.block.set("ret_valid", 1u8);
        self.block.set("ret_table", table);
        self.block.set("ret_frame", frame);
        self.block.set("ret_write", u8::from(write));
        self.block.step();
        self.block.set("ret_valid", 0u8);
    }

    fn steps(&mut self, cycles: u32) {
        (0..cycles).for_each(|_| self.block.step());
    }

    fn harvest(&mut self, place: u64) -> u128 {
        self.block.set("harvest", 1u8);
        self.block.set("harvest_place", place);
        self.block.step();
        self.block.set("harvest", 0u8);
        self.steps(HARVEST_CYCLES - 1);
        self.block.get("harvested")
    }
}

/// A retirement's place in the pool, when it sets a bit.
fn bit_of(tracking: Tracking, frame: u64) -> (u64, u64) {
    let granule = (frame - tracking.window_base) >> (tracking.granule_shift - 12);
    (tracking.dirty_base + granule / 64, granule % 64)
}

#[derive(Clone, Copy)]
struct Retirement {
    table: usize,
    frame: u64,
    write: bool,
    epoch: u8,
}

#[test]
fn equals_plain_bitmaps_exactly_in_time() {
    for (seed, protection) in SEEDS.into_iter().flat_map(|seed| PROTECTIONS.map(|kind| (seed, kind))) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let config = config(protection);
        let mut bench = Bench::new(&config, seed);
        // Tables 0 to 2 have 16 words each.
        let mut tracked = [Tracking::default(); 3];
        let mut pool = vec![0u64; config.dirty_words as usize];
        let mut waiting_for_track = VecDeque::from(vec![None; TRACK_LAG as usize]);
        let mut bits = VecDeque::from(vec![None; (SET_CYCLES - TRACK_LAG) as usize]);
        let mut retired = VecDeque::from(vec![None::<Retirement>; RETIRED_CYCLES as usize]);
        let mut harvested = VecDeque::from(vec![None; HARVEST_CYCLES as usize]);
        let mut flight_retired = false;
        let (mut set_bits, mut colliding_tracks, mut late) = (0, 0, 0);
        for cycle in 0..30_000 {
            let table = random.random_range(0..3);
            let track = random.random_bool(0.05).then(|| {
                let granule_shift = if random.random_bool(0.2) { 0 } else { random.random_range(12..=30) };
                let top = 1 << (config.frame_bits() - 1);
                let window_base = random.random_range(0..top);
                (table, Tracking { granule_shift, window_base, dirty_base: 16 * table as u64 })
            });
            if let Some((table, tracking)) = track {
                let coded = bench.coded(tracking);
                bench.block.set("track_table", table as u32);
                bench.block.set("track_word", coded);
            } else {
                bench.block.set("track_table", random.random::<u32>());
                bench.block.set("track_word", random.random::<u128>());
            }
            bench.block.set("track_write", u8::from(track.is_some()));

            // Frames follow what will be in force: the present word, or the one of the next cycle by chance.
            let dense = cycle / 200 % 2 == 0;
            let retirement = random.random_bool(0.8).then(|| {
                let table = random.random_range(0..3);
                let Tracking { granule_shift, window_base, .. } = match track {
                    Some((of, tracking)) if of == table => tracking,
                    _ => tracked[table],
                };
                let granules = if dense { 3 } else { 16 * 64 };
                let frame = window_base
                    + (random.random_range(0..granules) << granule_shift.saturating_sub(12))
                    + random.random_range(0..1u64 << granule_shift.saturating_sub(12));
                let frame = frame & ((1 << config.frame_bits()) - 1);
                Retirement { table, frame, write: random.random_bool(0.6), epoch: random.random_range(0..2) }
            });
            let shown = retirement.unwrap_or_else(|| Retirement {
                table: random.random_range(0..3),
                frame: random.random(),
                write: random.random(),
                epoch: random.random_range(0..2),
            });
            bench.block.set("ret_valid", u8::from(retirement.is_some()));
            bench.block.set("ret_table", shown.table as u32);
            bench.block.set("ret_frame", shown.frame);
            bench.block.set("ret_write", u8::from(shown.write));
            bench.block.set("ret_epoch", shown.epoch);
            let harvest = random.random_bool(0.3).then(|| {
                let table = random.random_range(0..3u64);
                16 * table + random.random_range(0..if dense { 2 } else { 16 })
            });
            bench.block.set("harvest", u8::from(harvest.is_some()));
            bench.block.set("harvest_place", harvest.unwrap_or_else(|| random.random()));

            // A change of tracking counts for retirements up to TRACK_LAG cycles before it.
            if let Some((table, tracking)) = track {
                tracked[table] = tracking;
            }
            waiting_for_track.push_back(retirement);
            let resolved: Option<Retirement> = waiting_for_track.pop_front().expect("one per cycle");
            if let (Some((table, _)), Some(retirement)) = (track, resolved) {
                colliding_tracks += u32::from(table == retirement.table && retirement.write);
            }
            let bit = resolved.filter(|retirement| retirement.write).and_then(|retirement| {
                let tracking = tracked[retirement.table];
                let offset = retirement.frame.wrapping_sub(tracking.window_base);
                let offset = offset & ((1 << config.frame_bits()) - 1);
                let granule = offset.checked_shr(tracking.granule_shift.checked_sub(12)?)?;
                // Frames that were chosen for another word go astray, but inside the pool, as in the block.
                let word = (tracking.dirty_base + granule / 64) % u64::from(config.dirty_words);
                Some((word as usize, granule % 64))
            });
            bits.push_back(bit);
            if let Some((word, bit)) = bits.pop_front().expect("one per cycle") {
                set_bits += 1;
                pool[word] |= 1 << bit;
            }
            let taken = harvest.map(|word| {
                // A bit of that word is due in the very next cycle: it stays for the next harvest.
                late += u32::from(matches!(bits.front(), Some(Some((due, _))) if *due == word as usize));
                std::mem::take(&mut pool[word as usize])
            });

            harvested.push_back(taken);
            if let Some(expected) = harvested.pop_front().expect("one per cycle") {
                let found = bench.block.get("harvested");
                assert_eq!(found, u128::from(expected), "{protection:?}, seed {seed}, cycle {cycle}");
            }
            retired.push_back(retirement);
            let expected = retired.pop_front().expect("one per cycle");
            assert_eq!(bench.block.get("retired"), u128::from(expected.is_some()));
            if let Some(Retirement { table, epoch, .. }) = expected {
                assert_eq!(bench.block.get("retired_table"), table as u128);
                assert_eq!(bench.block.get("retired_epoch"), u128::from(epoch));
            }
            assert_eq!(bench.block.get("flight_retired"), u128::from(flight_retired));
            flight_retired = retirement.is_some();
            bench.block.step();
        }
        assert!(
            set_bits > 8000 && colliding_tracks > 100 && late > 100,
            "{set_bits}, {colliding_tracks}, {late}"
        );
        assert!(bench.block.failures().is_empty(), "{:?}", bench.block.failures());
        if protection != Protection::None {
            assert_eq!(bench.block.get("unsure"), 0, "{protection:?}: every word was sound");
        }
    }
}

#[test]
fn every_granule_size_finds_its_bit_at_the_ends_of_the_pool() {
    for dirty_words in [1, 2, 1 << 14] {
        let config = Config { dirty_words, ..config(Protection::None) };
        let mut bench = Bench::new(&config, 1);
        for granule_shift in 12..=30 {
            let window_base = 0x123;
            let tracking = Tracking { granule_shift, window_base, dirty_base: 0 };
            let coded = bench.coded(tracking);
            bench.track(1, coded);
            let granules =
                (u64::from(dirty_words) * 64).min(1 << (config.frame_bits() - 1 - (granule_shift - 12)));
            for granule in [0, 1, 63, granules - 1] {
                for inside in [0, (1u64 << (granule_shift - 12)) - 1] {
                    let frame = window_base + (granule << (granule_shift - 12)) + inside;
                    bench.retire(1, frame, true);
                    bench.steps(SET_CYCLES - 1);
                    let (word, bit) = bit_of(tracking, frame);
                    assert_eq!(bench.harvest(word), 1 << bit, "{granule_shift}, granule {granule}");
                }
            }
        }
    }
}

#[test]
fn what_was_set_before_a_change_of_tracking_is_there_to_be_cleared_a_settling_time_later() {
    for protection in PROTECTIONS {
        let mut bench = Bench::new(&config(protection), 1);
        let coded = bench.coded(Tracking { granule_shift: 12, window_base: 0, dirty_base: 3 });
        let off = bench.coded(Tracking::default());
        bench.track(1, coded);
        bench.steps(5);
        // The last retirement under the old word, and the first under the new.
        bench.retire(1, 7, true);
        bench.steps(TRACK_LAG - 1);
        bench.retire(1, 8, true);
        bench.steps(TRACK_LAG - 1);
        bench.track(1, off);
        bench.steps(TRACK_SETTLE_CYCLES - 1);
        assert_eq!(bench.harvest(3), 1 << 7, "{protection:?}");
        bench.steps(SET_CYCLES);
        assert_eq!(bench.harvest(3), 0, "{protection:?}");
    }
}

#[test]
fn a_write_whose_tracking_word_fails_its_check_makes_all_unsure() {
    for protection in [Protection::Parity, Protection::Secded] {
        let mut bench = Bench::new(&config(protection), 1);
        let tracking = Tracking { granule_shift: 12, window_base: 0x40, dirty_base: 3 };
        // One flipped bit is too many for parity, two for secded.
        let coded = bench.coded(tracking) ^ if protection == Protection::Parity { 1 } else { 0b11 };
        bench.track(2, coded);
        for write in [false, true] {
            bench.retire(2, 0x41, write);
            let mut events = 0;
            for _ in 1..SET_CYCLES {
                events += bench.block.get("check_uncorrectable");
                bench.block.step();
            }
            assert_eq!(events, u128::from(write), "{protection:?}");
            assert_eq!(bench.block.get("unsure"), u128::from(write), "{protection:?}");
        }
        // It stays until it is cleared, and is raised again.
        bench.steps(50);
        assert_eq!(bench.block.get("unsure"), 1);
        bench.block.set("unsure_clear", 1u8);
        bench.steps(1);
        bench.block.set("unsure_clear", 0u8);
        assert_eq!(bench.block.get("unsure"), 0);
        // Nothing was set for it.
        for word in 0..64 {
            assert_eq!(bench.harvest(word), 0, "{protection:?}, word {word}");
        }
        bench.retire(2, 0x41, true);
        bench.steps(SET_CYCLES - 1);
        assert_eq!(bench.block.get("unsure"), 1);
    }
}

#[test]
fn a_flipped_bit_of_a_tracking_word_is_corrected() {
    let mut bench = Bench::new(&config(Protection::Secded), 1);
    let tracking = Tracking { granule_shift: 13, window_base: 0x40, dirty_base: 3 };
    let coded = bench.coded(tracking);
    let bits: u32 = bench.w.tracking().iter().sum();
    for bit in 0..bench.w.coded(bits) {
        bench.track(2, coded ^ 1 << bit);
        bench.retire(2, 0x43, true);
        let mut events = 0;
        for _ in 1..SET_CYCLES {
            if bench.block.get("check_corrected") == 1 {
                events += 1;
                assert_eq!(bench.block.get("check_place"), 2);
            }
            bench.block.step();
        }
        assert_eq!((events, bench.block.get("unsure")), (1, 0), "bit {bit}");
        assert_eq!(bench.harvest(3), 2, "bit {bit}");
    }
}

#[test]
fn the_stored_tracking_word_can_be_read_as_it_is() {
    for protection in [Protection::Parity, Protection::Secded] {
        let mut bench = Bench::new(&config(protection), 1);
        for table in 0..3 {
            bench.track(table, 0x1234_5678_9abc + u128::from(table));
        }
        for table in 0..3u32 {
            bench.block.set("track_table", table);
            bench.steps(TRACK_READ_CYCLES);
            assert_eq!(bench.block.get("track_raw"), 0x1234_5678_9abc + u128::from(table));
        }
    }
}

#[test]
fn a_flipped_dirty_bit_reaches_the_pool_through_the_block() {
    let mut bench = Bench::new(&config(Protection::Parity), 1);
    bench.block.set("flip", 1u8);
    bench.block.set("flip_bit", 64 + 9u8);
    bench.block.set("harvest_place", 5u8);
    bench.steps(1);
    bench.block.set("flip", 0u8);
    assert_eq!(bench.harvest(5), 1 << 9);
    bench.steps(DISAGREE_CYCLES - HARVEST_CYCLES);
    assert_eq!(bench.block.get("disagree"), 1);
    assert_eq!(bench.harvest(5), 0);
    bench.steps(DISAGREE_CYCLES - HARVEST_CYCLES);
    assert_eq!(bench.block.get("disagree"), 0);
}
