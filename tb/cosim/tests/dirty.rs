//! Dirty memory: every write is seen by exactly one harvest, however close they come to each other.

mod support;

use std::collections::BTreeSet;

use stagecoach_cosim::driver::Event;
use stagecoach_cosim::{Spans, Stalls, Testbench};
use stagecoach_spec::latency::RETIRE_CYCLES;
use stagecoach_spec::{Config, Op, Request, Update, UpdateError, UpdateOp};
use support::*;

fn track(table: u16, granule_shift: u8, dirty_base: u32) -> Update {
    Update::Track { table, granule_shift, dirty_base }
}

/// The word and bit of a frame, as the contract says.
fn place(table: u16, frame: u64, granule_shift: u8) -> (u32, u64) {
    let granule = (frame - window_base(table)) >> (granule_shift - 12);
    ((granule / 64) as u32, 1 << (granule % 64))
}

/// Reads (and clears) the whole bitmap: words that are not 0.
fn harvest_all(bench: &mut Testbench, table: u16, granule_shift: u8) -> Vec<(u32, u64)> {
    let words = Config::dirty_words_of(WINDOW, granule_shift.into()) as u32;
    let harvested = (0..words).map(|word| (word, done(bench, Update::Harvest { table, word })));
    harvested.filter(|(_, dirty)| *dirty != 0).collect()
}

/// The cycles of the last retirement and of the acceptance of the last harvest.
fn last_meeting(bench: &Testbench) -> (u64, u64) {
    let (mut retired, mut harvested) = (0, 0);
    for timed in bench.trace() {
        match timed.event {
            Event::Retired(_) => retired = timed.cycle,
            Event::Commanded(command) if command.op == UpdateOp::Harvest.code() => harvested = timed.cycle,
            _ => {}
        }
    }
    (retired, harvested)
}

#[test]
fn a_write_is_in_one_harvest_whatever_the_distance() {
    let mut bench = loaded(&config(), Stalls::NONE);
    done(&mut bench, track(1, 12, 3));
    let (word, bit) = place(1, frame(1, 2), 12);
    let neighbour = place(1, frame(1, 2) + 1, 12).1;
    done(&mut bench, Update::SetSlot { table: 1, slot: SPARE_SLOT, frame: frame(1, 2) + 1, page_size: 0 });
    let mut distances = BTreeSet::new();
    // From long before the harvest is offered to long after it was accepted.
    for delay in -40i64..=110 {
        bench.driver_mut().hold_retirements(Spans::Table(1));
        bench.ask(&access(1, Op::RemoteWrite, 2)).unwrap();
        until(&mut bench, "the grant", |bench| bench.driver().unretired() == 1);
        let before = delay.min(0).unsigned_abs();
        if delay < 0 {
            assert!(bench.driver_mut().retire_next(1));
            steps(&mut bench, before);
        }
        bench.tell(&Update::Harvest { table: 1, word });
        let seen = bench.trace().len();
        if delay >= 0 {
            steps(&mut bench, delay as u64);
            assert!(bench.driver_mut().retire_next(1));
        }
        settle(&mut bench);
        let (retired, accepted) = last_meeting(&bench);
        let mut answers = bench.trace()[seen..].iter().filter_map(|timed| match timed.event {
            Event::Answered(answer) => Some(answer),
            _ => None,
        });
        let first = answers.next_back().expect("the harvest was answered").expect("it succeeds");
        let second = done(&mut bench, Update::Harvest { table: 1, word });
        let counts = retired + u64::from(RETIRE_CYCLES) <= accepted;
        let distance = accepted as i64 - retired as i64;
        assert_eq!((first, second), if counts { (bit, 0) } else { (0, bit) }, "accepted {distance} later");
        distances.insert(distance);
        bench.driver_mut().release_retirements(Spans::All);
        // A neighbour in the same word, written between harvests, is neither lost nor taken for this one.
        ask(&mut bench, &Request { va: BASE, ..access(1, Op::RemoteRead, 0) });
        assert_eq!(done(&mut bench, Update::Harvest { table: 1, word }), 0);
    }
    let wanted: BTreeSet<i64> = (-20..=20 + i64::from(RETIRE_CYCLES)).collect();
    let missing: Vec<_> = wanted.difference(&distances).collect();
    assert!(missing.is_empty(), "distances that were not met: {missing:?}");
    assert_ne!(bit, neighbour);
    let outcome = finish(bench);
    assert!(outcome.histogram.race(stagecoach_cosim::races::Race::RetiredWithHarvest) > 0);
}

#[test]
fn a_stream_of_writes_is_harvested_without_loss() {
    let mut bench = loaded(&config(), Stalls::NONE);
    done(&mut bench, track(1, 16, 0));
    // Every page of the region, all the time, while its words are harvested again and again.
    let mut written = 0;
    for round in 0..40 {
        for page in 0..PAGES * 4 {
            bench.ask(&access(1, Op::LocalWrite, page % PAGES)).unwrap();
            written += 1;
        }
        let (word, _) = place(1, frame(1, round % PAGES), 16);
        bench.tell(&Update::Harvest { table: 1, word });
    }
    settle(&mut bench);
    // The testbench compared each word; what is left is the last writes only.
    let words = Config::dirty_words_of(WINDOW, 16) as u32;
    let dirty: u32 =
        (0..words).map(|word| done(&mut bench, Update::Harvest { table: 1, word }).count_ones()).sum();
    assert!(dirty <= PAGES);
    assert_eq!(harvest_all(&mut bench, 1, 16), []);
    let outcome = finish(bench);
    assert_eq!(outcome.histogram.requests(), written);
    assert!(outcome.histogram.race(stagecoach_cosim::races::Race::HarvestAmidWrites) > 10);
}

#[test]
fn writes_of_every_kind_count_and_reads_do_not() {
    let mut bench = loaded(&config(), Stalls::NONE);
    done(&mut bench, track(1, 12, 0));
    for op in [Op::RemoteWrite, Op::RemoteAtomic, Op::LocalWrite] {
        ask(&mut bench, &access(1, op, 3));
        assert_eq!(harvest_all(&mut bench, 1, 12), [place(1, frame(1, 3), 12)], "{op}");
    }
    for op in [Op::RemoteRead, Op::LocalRead] {
        ask(&mut bench, &access(1, op, 3));
    }
    // Neither does what is refused or has no bytes.
    ask(&mut bench, &Request { pd: 9, ..access(1, Op::RemoteWrite, 3) });
    ask(&mut bench, &Request { length: 0, ..access(1, Op::RemoteWrite, 3) });
    assert_eq!(harvest_all(&mut bench, 1, 12), []);
    finish(bench);
}

#[test]
fn keys_that_share_a_frame_share_its_bit() {
    let mut bench = loaded(&config(), Stalls::NONE);
    done(&mut bench, track(1, 12, 0));
    // The other key has the same pages in reverse.
    let mine = access(1, Op::RemoteWrite, 1);
    let theirs = Request { key: OTHER_KEY, ..access(1, Op::RemoteWrite, PAGES - 2) };
    let dirty = [place(1, frame(1, 1), 12)];
    ask(&mut bench, &mine);
    ask(&mut bench, &theirs);
    assert_eq!(harvest_all(&mut bench, 1, 12), dirty);
    assert_eq!(harvest_all(&mut bench, 1, 12), []);
    for request in [theirs, mine] {
        ask(&mut bench, &request);
        assert_eq!(harvest_all(&mut bench, 1, 12), dirty);
    }
    finish(bench);
}

#[test]
fn what_goes_before_its_writes_are_retired_was_written_all_the_same() {
    let moved = stagecoach_spec::Region { first_slot: PAGES, ..region(0) };
    let ends = [
        Update::Install { table: 1, key: KEY ^ 1, region: moved },
        Update::SetSlot { table: 1, slot: 4, frame: window_base(1) + 9, page_size: 0 },
        Update::ClearSlot { table: 1, slot: 4 },
        Update::Invalidate { table: 1, key: KEY },
        Update::Unbind { table: 1, net_id: net_id(1) },
        Update::Freeze { table: 1 },
    ];
    for end in ends {
        let mut bench = loaded(&config(), Stalls::NONE);
        done(&mut bench, track(1, 13, 7));
        bench.driver_mut().hold_retirements(Spans::All);
        bench.ask(&access(1, Op::RemoteWrite, 4)).unwrap();
        until(&mut bench, "the grant", |bench| bench.driver().unretired() == 1);
        bench.tell(&end);
        steps(&mut bench, 200);
        bench.driver_mut().release_retirements(Spans::All);
        settle(&mut bench);
        assert_eq!(bench.driver().open_commands(), 0, "{end:?}");
        assert_eq!(harvest_all(&mut bench, 1, 13), [place(1, frame(1, 4), 13)], "{end:?}");
        finish(bench);
    }
}

#[test]
fn granules_count_from_the_windows_first_frame() {
    for granule_shift in [12, 13, 15, 16, 20, 24, 30] {
        let mut bench = loaded(&config(), Stalls::NONE);
        done(&mut bench, track(1, granule_shift, 1));
        let last = window_base(1) + WINDOW - 1;
        let granule = 1u64 << (granule_shift - 12);
        let frames =
            [window_base(1), window_base(1) + granule, window_base(1) + 64 * granule, last, last - 1];
        for frame in frames.into_iter().filter(|frame| *frame <= last) {
            done(&mut bench, Update::SetSlot { table: 1, slot: 6, frame, page_size: 0 });
            ask(&mut bench, &access(1, Op::RemoteWrite, 6));
            let dirty = harvest_all(&mut bench, 1, granule_shift);
            assert_eq!(dirty, [place(1, frame, granule_shift)], "{granule_shift}, frame {frame:#x}");
        }
        finish(bench);
    }
}

#[test]
fn a_large_page_is_dirty_where_it_was_written() {
    let mut bench = loaded(&config(), Stalls::NONE);
    done(&mut bench, track(1, 12, 0));
    // 64 KiB pages: 16 frames each.
    let first = window_base(1).next_multiple_of(16);
    let large = stagecoach_spec::Region { page_size: 1, first_slot: 20, length: 0x2_0000, ..region(0) };
    for page in 0..2 {
        let frame = first + 32 * u64::from(page);
        done(&mut bench, Update::SetSlot { table: 1, slot: 20 + page, frame, page_size: 1 });
    }
    done(&mut bench, Update::Install { table: 1, key: KEY, region: large });
    for (offset, frame) in [(0x5123, first + 5), (0xf000, first + 15), (0x1_3000, first + 35)] {
        ask(&mut bench, &Request { va: BASE + offset, ..access(1, Op::RemoteWrite, 0) });
        assert_eq!(harvest_all(&mut bench, 1, 12), [place(1, frame, 12)], "{offset:#x}");
    }
    finish(bench);
}

#[test]
fn tracking_stops_and_starts_clean() {
    let mut bench = loaded(&config(), Stalls::NONE);
    let harvest = Update::Harvest { table: 1, word: 0 };
    assert_eq!(answer(&mut bench, harvest), Err(UpdateError::NotTracked));
    done(&mut bench, track(1, 20, 9));
    (0..PAGES).for_each(|page| drop(ask(&mut bench, &access(1, Op::RemoteWrite, page))));
    done(&mut bench, track(1, 0, 0));
    assert_eq!(answer(&mut bench, harvest), Err(UpdateError::NotTracked));
    ask(&mut bench, &access(1, Op::RemoteWrite, 0));
    // In the same words: what was dirty there is gone.
    for granule_shift in [20, 14, 20] {
        done(&mut bench, track(1, granule_shift, 9));
        assert_eq!(harvest_all(&mut bench, 1, granule_shift), []);
        (0..PAGES).for_each(|page| drop(ask(&mut bench, &access(1, Op::RemoteWrite, page))));
    }
    // Again, without stopping.
    done(&mut bench, track(1, 12, 9));
    assert_eq!(harvest_all(&mut bench, 1, 12), []);
    // A table that is set anew is not tracked, and its words are free for another.
    (0..PAGES).for_each(|page| drop(ask(&mut bench, &access(1, Op::RemoteWrite, page))));
    done(&mut bench, Update::Unbind { table: 1, net_id: net_id(1) });
    done(&mut bench, Update::Unbind { table: 1, net_id: second_net_id(1) });
    done(&mut bench, Update::ClearTable { table: 1 });
    assert_eq!(answer(&mut bench, harvest), Err(UpdateError::TableAbsent));
    load(&mut bench, 1);
    assert_eq!(answer(&mut bench, harvest), Err(UpdateError::NotTracked));
    done(&mut bench, track(2, 12, 9));
    assert_eq!(harvest_all(&mut bench, 2, 12), []);
    finish(bench);
}

#[test]
fn tables_share_the_pool_without_meeting() {
    let mut bench = loaded(&config(), Stalls::NONE);
    // 64 words each, side by side.
    let words = Config::dirty_words_of(WINDOW, 12) as u32;
    for (table, place) in [(0, 1), (1, 2), (2, 0)] {
        done(&mut bench, track(table, 12, place * words));
    }
    for base in [words - 1, words, words + 1, 2 * words - 1] {
        assert_eq!(answer(&mut bench, track(1, 12, base)), Err(UpdateError::Overlap), "{base}");
    }
    assert_eq!(answer(&mut bench, Update::Harvest { table: 1, word: words }), Err(UpdateError::OutOfSlice));
    for page in 0..PAGES {
        for table in 0..TABLES {
            bench.ask(&access(table, Op::RemoteWrite, (page + u32::from(table)) % PAGES)).unwrap();
        }
    }
    settle(&mut bench);
    for table in 0..TABLES {
        let mut expected: Vec<(u32, u64)> =
            (0..PAGES).map(|page| place(table, frame(table, page), 12)).collect();
        expected.sort_unstable();
        assert_eq!(harvest_all(&mut bench, table, 12), expected, "table {table}");
    }
    finish(bench);
}
