//! Tracked dirty memory: where bits stand, when they are set, and that reading takes them.

mod support;

use stagecoach_model::Golden;
use stagecoach_spec::{Retirement, Slices, Update, UpdateError};
use support::*;

fn track(granule_shift: u8, dirty_base: u32) -> Update {
    Update::Track { table: 0, granule_shift, dirty_base }
}

fn retire(golden: &mut Golden, frame: u64, write: bool) {
    golden.retire(&Retirement { table: 0, frame, write, epoch: false });
}

fn written(golden: &mut Golden, frame: u64) {
    retire(golden, WINDOW + frame, true);
}

#[track_caller]
fn harvest(golden: &mut Golden, word: u32) -> u64 {
    golden.update(&Update::Harvest { table: 0, word }).unwrap()
}

/// Table 0 with a window of `frames` frames, tracked in granules of `1 << granule_shift` bytes.
fn tracked(frames: u64, granule_shift: u8) -> Golden {
    let mut golden = Golden::new(&config());
    accept(&mut golden, Update::SetTable { table: 0, slices: Slices { window_count: frames, ..slices(0) } });
    accept(&mut golden, track(granule_shift, 0));
    golden
}

#[test]
fn a_write_sets_its_frames_bit_and_a_harvest_takes_it() {
    let mut golden = tracked(0x1000, 12);
    for frame in [0, 63, 64, 4095] {
        written(&mut golden, frame);
        written(&mut golden, frame);
    }
    retire(&mut golden, WINDOW + 5, false);
    assert_eq!(harvest(&mut golden, 0), 1 | 1 << 63);
    assert_eq!(harvest(&mut golden, 0), 0);
    written(&mut golden, 1);
    assert_eq!(harvest(&mut golden, 1), 1);
    assert_eq!(harvest(&mut golden, 63), 1 << 63);
    assert_eq!(harvest(&mut golden, 0), 2);
}

#[test]
fn a_granule_shares_a_bit_counted_from_the_windows_first_frame() {
    for (granule_shift, frames) in [(12, 1), (13, 2), (16, 16), (20, 256)] {
        let mut golden = Golden::new(&config());
        // A window that begins within a granule of physical memory.
        let slices = Slices { window_base: 0x10_0003, window_count: 64 * frames + 1, ..slices(0) };
        accept(&mut golden, Update::SetTable { table: 0, slices });
        accept(&mut golden, track(granule_shift, 0));
        for frame in [frames - 1, frames, 64 * frames] {
            retire(&mut golden, slices.window_base + frame, true);
        }
        assert_eq!((harvest(&mut golden, 0), harvest(&mut golden, 1)), (0b11, 1), "{granule_shift}");
        let beyond = Update::Harvest { table: 0, word: 2 };
        refuse(&mut golden, beyond, UpdateError::OutOfSlice);
    }
}

#[test]
fn the_largest_granule_covers_the_largest_window() {
    let mut golden = Golden::new(&config());
    let window = Slices { window_base: 0, window_count: 1 << 36, ..slices(0) };
    accept(&mut golden, Update::SetTable { table: 0, slices: window });
    // 2^18 granules of 1 GiB are 2^12 words; the pool has 2^10.
    refuse(&mut golden, track(30, 0), UpdateError::OutOfSlice);
    accept(&mut golden, Update::SetTable { table: 0, slices: Slices { window_count: 1 << 34, ..window } });
    accept(&mut golden, track(30, 0));
    retire(&mut golden, (1 << 34) - 1, true);
    assert_eq!(harvest(&mut golden, 1023), 1 << 63);
}

#[test]
fn the_bitmap_lies_in_the_pool() {
    let mut golden = tracked(64 * 4, 12);
    accept(&mut golden, track(12, 1020));
    for base in [1021, 1023, 1024, u32::MAX] {
        refuse(&mut golden, track(12, base), UpdateError::OutOfSlice);
    }
    // Without frames it takes no word, but begins at one.
    let mut golden = tracked(0, 12);
    accept(&mut golden, track(12, 1023));
    refuse(&mut golden, track(12, 1024), UpdateError::OutOfSlice);
    refuse(&mut golden, Update::Harvest { table: 0, word: 0 }, UpdateError::OutOfSlice);
    // Where it stops, nothing begins.
    accept(&mut golden, track(0, 1024));
}

#[test]
fn two_tables_share_no_word_of_the_pool() {
    let mut golden = tracked(64 * 4 + 1, 12);
    let theirs = Slices { window_count: 64 * 2, ..slices(1) };
    accept(&mut golden, Update::SetTable { table: 1, slices: theirs });
    accept(&mut golden, track(12, 10));
    let track_other = |dirty_base| Update::Track { table: 1, granule_shift: 12, dirty_base };
    for base in 9..15 {
        refuse(&mut golden, track_other(base), UpdateError::Overlap);
    }
    accept(&mut golden, track_other(15));
    accept(&mut golden, track_other(8));
    // Its own bitmap is in nobody's way.
    accept(&mut golden, track(12, 11));
    refuse(&mut golden, track(12, 9), UpdateError::Overlap);
    // Bits go to the right table.
    golden.retire(&Retirement { table: 1, frame: theirs.window_base, write: true, epoch: false });
    assert_eq!(harvest(&mut golden, 0), 0);
    assert_eq!(golden.update(&Update::Harvest { table: 1, word: 0 }), Ok(1));
    // Told after OUT_OF_SLICE; a table that stopped takes no room.
    refuse(
        &mut golden,
        Update::Track { table: 1, granule_shift: 12, dirty_base: 1023 },
        UpdateError::OutOfSlice,
    );
    accept(&mut golden, track(0, 0));
    accept(&mut golden, track_other(11));
}

#[test]
fn tracking_starts_clean_and_stops() {
    let mut golden = tracked(0x1000, 12);
    written(&mut golden, 1);
    accept(&mut golden, track(12, 0));
    assert_eq!(harvest(&mut golden, 0), 0);
    written(&mut golden, 1);
    accept(&mut golden, track(0, 0));
    let untracked = Update::Harvest { table: 0, word: 0 };
    refuse(&mut golden, untracked, UpdateError::NotTracked);
    // Also where no bitmap would have such a word.
    refuse(&mut golden, Update::Harvest { table: 0, word: u32::MAX }, UpdateError::NotTracked);
    written(&mut golden, 2);
    accept(&mut golden, track(12, 0));
    assert_eq!(harvest(&mut golden, 0), 0);
    // Stopping what is not tracked is no mistake.
    accept(&mut golden, track(0, 0));
    accept(&mut golden, track(0, 0));
}

#[test]
fn setting_or_clearing_a_table_stops_tracking() {
    let mut golden = tracked(0x1000, 12);
    let set = Update::SetTable { table: 0, slices: slices(0) };
    let harvest = Update::Harvest { table: 0, word: 0 };
    accept(&mut golden, set);
    refuse(&mut golden, harvest, UpdateError::NotTracked);
    accept(&mut golden, track(20, 0));
    written(&mut golden, 0);
    accept(&mut golden, Update::ClearTable { table: 0 });
    refuse(&mut golden, harvest, UpdateError::TableAbsent);
    accept(&mut golden, set);
    refuse(&mut golden, harvest, UpdateError::NotTracked);
    accept(&mut golden, track(20, 0));
    assert_eq!(golden.update(&harvest), Ok(0));
}

#[test]
fn frozen_tables_are_tracked_too() {
    let mut golden = tracked(0x1000, 12);
    accept(&mut golden, Update::Freeze { table: 0 });
    written(&mut golden, 3);
    assert_eq!(harvest(&mut golden, 0), 1 << 3);
    accept(&mut golden, track(12, 4));
    accept(&mut golden, track(0, 0));
}

#[test]
fn retirements_of_nobody_change_nothing() {
    let mut golden = tracked(0x1000, 12);
    let before = format!("{golden:?}");
    for (table, frame) in [(0, WINDOW - 1), (0, WINDOW + 0x1000), (1, WINDOW), (u16::MAX, WINDOW)] {
        golden.retire(&Retirement { table, frame, write: true, epoch: false });
    }
    assert_eq!(format!("{golden:?}"), before);
}

#[test]
fn what_a_beat_retires_is_dirty_also_when_its_region_is_gone() {
    let mut golden = one_region();
    accept(&mut golden, track(17, 0));
    let retirement = golden.request(&request())[0].retirement(true).unwrap();
    accept(&mut golden, Update::Invalidate { table: 0, key: KEY });
    accept(&mut golden, Update::ClearSlot { table: 0, slot: 8 });
    golden.retire(&retirement);
    assert_eq!(harvest(&mut golden, 0), 1 << (0x30 / 32));
}
