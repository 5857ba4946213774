//! The epoch of a table: every fence flips it at its place in the order, and nothing else does.

mod support;

use stagecoach_model::Golden;
use stagecoach_spec::{Fault, Region, Request, Retirement, Slices, Update, UpdateError};
use support::*;

/// Whether an update that must be accepted flips table 0's epoch, told by a thawed, bound table with a granted request.
#[track_caller]
fn flips(golden: &mut Golden, update: Update) -> bool {
    let before = epoch(golden);
    accept(golden, update);
    epoch(golden) != before
}

#[test]
fn a_table_starts_with_epoch_0() {
    assert!(!epoch(&mut one_region()));
}

#[test]
fn every_fence_flips_the_epoch() {
    let table = 0;
    let one_page = Region { length: 0x1000, ..region() };
    let mut golden = one_region();
    accept(&mut golden, Update::Bind { table, net_id: OTHER_VM });
    accept(&mut golden, Update::Install { table, key: 0x0177, region: one_page });
    assert!(flips(&mut golden, Update::Unbind { table, net_id: OTHER_VM }));
    assert!(flips(&mut golden, Update::Freeze { table }));
    assert!(!flips(&mut golden, Update::Thaw { table }));
    assert!(flips(&mut golden, Update::Invalidate { table, key: 0x0177 }));
    assert!(flips(&mut golden, Update::ClearSlot { table, slot: 11 }));
    // A slot that was empty has nothing to wait for; a present one is replaced, also by the same page.
    let set = Update::SetSlot { table, slot: 11, frame: WINDOW, page_size: 0 };
    assert!(!flips(&mut golden, set));
    assert!(flips(&mut golden, set));
}

#[test]
fn other_updates_do_not() {
    let table = 0;
    let mut golden = one_region();
    for update in [
        Update::Bind { table, net_id: OTHER_VM },
        Update::Install { table, key: KEY, region: region() },
        Update::Track { table, granule_shift: 20, dirty_base: 0 },
        Update::Harvest { table, word: 0 },
        Update::SetTable { table: 1, slices: slices(1) },
        Update::Freeze { table: 1 },
        Update::ClearTable { table: 1 },
    ] {
        assert!(!flips(&mut golden, update), "{update:?}");
    }
}

#[test]
fn a_refused_fence_does_not() {
    let mut golden = one_region();
    accept(&mut golden, Update::Freeze { table: 0 });
    assert!(epoch(&mut golden));
    refuse(&mut golden, Update::Freeze { table: 0 }, UpdateError::TableFrozen);
    refuse(&mut golden, Update::Unbind { table: 0, net_id: OTHER_VM }, UpdateError::NotBound);
    refuse(&mut golden, Update::ClearTable { table: 0 }, UpdateError::TableInUse);
    assert!(epoch(&mut golden));
}

#[test]
fn a_table_that_is_set_again_keeps_its_epoch_and_a_new_one_starts_at_0() {
    let mut golden = one_region();
    accept(&mut golden, Update::Invalidate { table: 0, key: KEY });
    for slot in 8..12 {
        accept(&mut golden, Update::ClearSlot { table: 0, slot });
    }
    let other_slices = slices(2);
    let set_and_bind = |golden: &mut Golden| {
        accept(golden, Update::SetTable { table: 0, slices: other_slices });
        accept(golden, Update::Bind { table: 0, net_id: VM });
    };
    assert!(epoch(&mut golden), "five fences");
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    set_and_bind(&mut golden);
    assert!(!epoch(&mut golden), "six fences");
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    set_and_bind(&mut golden);
    assert!(epoch(&mut golden), "seven fences");

    accept(&mut golden, Update::Freeze { table: 0 });
    accept(&mut golden, Update::Thaw { table: 0 });
    assert!(!epoch(&mut golden), "eight fences");
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    accept(&mut golden, Update::ClearTable { table: 0 });
    set_and_bind(&mut golden);
    assert!(!epoch(&mut golden));
}

#[test]
fn every_beat_of_a_known_network_carries_the_epoch() {
    let mut golden = one_region();
    accept(&mut golden, Update::ClearSlot { table: 0, slot: 9 });
    let both_pages = Request { va: BASE + 0xfff, ..request() };
    let epochs: Vec<(Fault, bool)> =
        golden.request(&both_pages).iter().map(|beat| (beat.fault, beat.epoch)).collect();
    assert_eq!(epochs, [(Fault::Granted, true), (Fault::PageAbsent, true)]);
    for (key, length) in [(KEY, 0), (KEY, 5000), (0, 64)] {
        let beat = golden.request(&Request { key, length, bound: length, ..request() })[0];
        assert!(beat.epoch, "{beat:?}");
    }
    let beat = golden.request(&Request { net_id: OTHER_VM, ..request() })[0];
    assert_eq!((beat.fault, beat.table, beat.epoch), (Fault::UnknownNetwork, 0, false));
}

#[test]
fn a_beat_with_bytes_asks_for_its_retirement() {
    let mut golden = one_region();
    accept(&mut golden, Update::Freeze { table: 0 });
    accept(&mut golden, Update::Thaw { table: 0 });
    let beat = golden.request(&request())[0];
    let expected = Retirement { table: 0, frame: WINDOW + 0x30, write: true, epoch: true };
    assert_eq!(beat.retirement(true), Some(expected));
    let nothing = golden.request(&Request { length: 0, bound: 0, ..request() })[0];
    assert_eq!(nothing.retirement(true), None);
}

#[test]
fn a_cleared_table_leaves_nothing() {
    let mut golden = one_region();
    accept(&mut golden, Update::Freeze { table: 0 });
    refuse(&mut golden, Update::ClearTable { table: 0 }, UpdateError::TableInUse);
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    // Frozen, with a region and slots.
    accept(&mut golden, Update::ClearTable { table: 0 });
    refuse(&mut golden, Update::ClearTable { table: 0 }, UpdateError::TableAbsent);
    refuse(&mut golden, Update::ClearTable { table: 64 }, UpdateError::NoSuchTable);

    // Its slices are free for others, its number for a new table that has nothing of it.
    accept(&mut golden, Update::SetTable { table: 7, slices: slices(0) });
    accept(&mut golden, Update::ClearTable { table: 7 });
    accept(&mut golden, Update::SetTable { table: 0, slices: slices(0) });
    accept(&mut golden, Update::Bind { table: 0, net_id: VM });
    assert_eq!(fault(&mut golden, request()), Fault::InvalidKey);
    install(&mut golden, region());
    assert_eq!(fault(&mut golden, request()), Fault::PageAbsent);
}

#[test]
fn clearing_a_table_takes_no_other() {
    let mut golden = one_region();
    let neighbour = Slices { window_base: WINDOW + 0x10_0000, ..slices(1) };
    accept(&mut golden, Update::SetTable { table: 1, slices: neighbour });
    accept(&mut golden, Update::ClearTable { table: 1 });
    assert_eq!(granted(&mut golden, request()), [((WINDOW + 0x30) << 12, 64)]);
}
