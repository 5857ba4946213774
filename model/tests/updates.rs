//! Every reason why an update is refused, that a refused one has no effect, and the order of reasons.

mod support;

use stagecoach_model::Golden;
use stagecoach_spec::{
    Access, Command, Config, Fault, FrameWindows, NetId, PeekEntry, Preset, Region, Request, Slices, Update,
    UpdateError, UpdateOp,
};
use support::*;

fn install_of(region: Region) -> Update {
    Update::Install { table: 0, key: KEY, region }
}

fn set(table: u16, slices: Slices) -> Update {
    Update::SetTable { table, slices }
}

/// Updates that name a table, valid but for the table.
fn every_update_of(table: u16) -> Vec<Update> {
    vec![
        Update::Bind { table, net_id: OTHER_VM },
        Update::Unbind { table, net_id: VM },
        Update::Freeze { table },
        Update::Thaw { table },
        Update::Install { table, key: KEY, region: region() },
        Update::Invalidate { table, key: KEY },
        Update::SetSlot { table, slot: 0, frame: WINDOW, page_size: 0 },
        Update::ClearSlot { table, slot: 0 },
        Update::ClearTable { table },
        Update::Track { table, granule_shift: 30, dirty_base: 0 },
        Update::Track { table, granule_shift: 0, dirty_base: 0 },
        Update::Harvest { table, word: 0 },
        Update::Peek { entry: PeekEntry::Region { table, index: 0 }, word: 0 },
        Update::Peek { entry: PeekEntry::Slot { table, slot: 0 }, word: 0 },
    ]
}

#[test]
fn error_unsupported() {
    let mut golden = one_region();
    // 15 is `inject`, and there is no protection to try.
    for op in 15..32 {
        // Before every other error.
        let command = Command { op, table: u16::MAX, index: u32::MAX, data: u64::MAX };
        assert_eq!(golden.command(&command), Err(UpdateError::Unsupported), "op {op}");
    }
}

#[test]
fn error_bad_argument() {
    let mut golden = one_region();
    let beyond = Command::stage(4, 0);
    assert_eq!(golden.command(&beyond), Err(UpdateError::BadArgument));
    // Before NO_SUCH_TABLE, with every kind of argument.
    let table = 999;
    let bad = UpdateError::BadArgument;
    refuse(&mut golden, Update::Bind { table, net_id: NetId::from_limbs([0, 0, 1]) }, bad);
    refuse(&mut golden, Update::Unbind { table, net_id: NetId::from_limbs([0, 0, 1]) }, bad);
    for wrong in [Region { page_size: 4, ..region() }, Region { pd: 0x1_0000, ..region() }] {
        refuse(&mut golden, Update::Install { table, key: KEY, region: wrong }, bad);
    }
    refuse(&mut golden, Update::SetSlot { table, slot: 0, frame: 1 << 36, page_size: 0 }, bad);
    refuse(&mut golden, Update::SetSlot { table, slot: 0, frame: 0, page_size: 4 }, bad);
    refuse(&mut golden, Update::Peek { entry: PeekEntry::Slot { table, slot: 0 }, word: 1 }, bad);
    let space = Command { op: UpdateOp::Peek.code(), table, index: 0, data: 5 };
    assert_eq!(golden.command(&space), Err(bad));
    for granule_shift in [1, 11, 31, 255] {
        refuse(&mut golden, Update::Track { table, granule_shift, dirty_base: 0 }, bad);
    }
    let counter = Command { op: UpdateOp::ReadCounter.code(), table, index: 14, data: 0 };
    assert_eq!(golden.command(&counter), Err(bad));
}

#[test]
fn error_no_such_table() {
    let mut golden = one_region();
    for table in [64, 65, u16::MAX] {
        refuse(&mut golden, set(table, slices(2)), UpdateError::NoSuchTable);
        refuse(
            &mut golden,
            Update::Peek { entry: PeekEntry::Table { table }, word: 0 },
            UpdateError::NoSuchTable,
        );
        for update in every_update_of(table) {
            refuse(&mut golden, update, UpdateError::NoSuchTable);
        }
    }
    accept(&mut golden, set(63, slices(63)));
}

#[test]
fn error_table_absent() {
    let mut golden = one_region();
    for update in every_update_of(63) {
        refuse(&mut golden, update, UpdateError::TableAbsent);
    }
}

#[test]
fn error_table_in_use() {
    let mut golden = empty_table();
    refuse(&mut golden, set(0, slices(5)), UpdateError::TableInUse);
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    set_slot(&mut golden, 63, WINDOW);
    refuse(&mut golden, set(0, slices(5)), UpdateError::TableInUse);
    accept(&mut golden, Update::ClearSlot { table: 0, slot: 63 });
    install(&mut golden, Region { length: 0, ..region() });
    refuse(&mut golden, set(0, slices(5)), UpdateError::TableInUse);
    // Told before TABLE_FROZEN, which is told before OUT_OF_SLICE.
    accept(&mut golden, Update::Freeze { table: 0 });
    refuse(&mut golden, set(0, slices(5)), UpdateError::TableInUse);
    accept(&mut golden, Update::Thaw { table: 0 });
    accept(&mut golden, Update::Invalidate { table: 0, key: KEY });
    accept(&mut golden, set(0, slices(5)));
    accept(&mut golden, Update::Freeze { table: 0 });
    refuse(&mut golden, set(0, Slices { region_count: 1 << 30, ..slices(5) }), UpdateError::TableFrozen);
}

#[test]
fn error_table_frozen() {
    let mut golden = one_region();
    accept(&mut golden, Update::Freeze { table: 0 });
    let frozen = UpdateError::TableFrozen;
    refuse(&mut golden, Update::Freeze { table: 0 }, frozen);
    // Whether or not anything else is wrong as well.
    refuse(&mut golden, install_of(region()), frozen);
    refuse(&mut golden, install_of(Region { first_slot: 1 << 20, ..region() }), frozen);
    refuse(&mut golden, Update::Invalidate { table: 0, key: KEY }, frozen);
    refuse(&mut golden, Update::Invalidate { table: 0, key: u32::MAX }, frozen);
    refuse(&mut golden, Update::SetSlot { table: 0, slot: 0, frame: WINDOW, page_size: 0 }, frozen);
    refuse(&mut golden, Update::ClearSlot { table: 0, slot: 8 }, frozen);
    // Migration binds, unbinds and looks while frozen.
    accept(&mut golden, Update::Bind { table: 0, net_id: OTHER_VM });
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    assert_eq!(peek(&mut golden, PeekEntry::Table { table: 0 })[4], 3);
    assert_eq!(fault(&mut golden, Request { net_id: OTHER_VM, ..request() }), Fault::Frozen);
}

#[test]
fn error_not_frozen() {
    let mut golden = one_region();
    refuse(&mut golden, Update::Thaw { table: 0 }, UpdateError::NotFrozen);
    accept(&mut golden, Update::Freeze { table: 0 });
    accept(&mut golden, Update::Thaw { table: 0 });
    refuse(&mut golden, Update::Thaw { table: 0 }, UpdateError::NotFrozen);
}

#[test]
fn error_out_of_slice_of_entries() {
    let mut golden = one_region();
    let out = UpdateError::OutOfSlice;
    for index in [16, 17, 0xff_ffff] {
        refuse(&mut golden, Update::Install { table: 0, key: index << 8, region: region() }, out);
        refuse(&mut golden, Update::Invalidate { table: 0, key: index << 8 }, out);
        refuse(&mut golden, Update::Peek { entry: PeekEntry::Region { table: 0, index }, word: 0 }, out);
    }
    for slot in [64, 65, u32::MAX] {
        // The frame lies outside the window too: the slice is told first.
        refuse(&mut golden, Update::SetSlot { table: 0, slot, frame: 0, page_size: 0 }, out);
        refuse(&mut golden, Update::ClearSlot { table: 0, slot }, out);
        refuse(&mut golden, Update::Peek { entry: PeekEntry::Slot { table: 0, slot }, word: 0 }, out);
    }
    for entry in [64, u32::MAX] {
        refuse(&mut golden, Update::Peek { entry: PeekEntry::Binding { entry }, word: 0 }, out);
    }
    accept(&mut golden, Update::Install { table: 0, key: 15 << 8, region: region() });
    accept(&mut golden, Update::SetSlot { table: 0, slot: 63, frame: WINDOW, page_size: 0 });
}

#[test]
fn error_out_of_slice_of_a_regions_slots() {
    let mut golden = empty_table();
    let out = UpdateError::OutOfSlice;
    let page = |pages: u64, first_slot| Region { length: pages * 4096, first_slot, ..region() };
    accept(&mut golden, install_of(page(64, 0)));
    refuse(&mut golden, install_of(page(65, 0)), out);
    refuse(&mut golden, install_of(Region { length: 64 * 4096 + 1, ..page(64, 0) }), out);
    accept(&mut golden, install_of(page(1, 63)));
    refuse(&mut golden, install_of(page(2, 63)), out);
    refuse(&mut golden, install_of(page(1, 64)), out);
    refuse(&mut golden, install_of(page(1, u32::MAX)), out);
    // The offset counts.
    let late = Region { base: BASE + 1, first_offset: 1, ..page(1, 62) };
    accept(&mut golden, install_of(late));
    refuse(&mut golden, install_of(Region { first_slot: 63, ..late }), out);
    // A region without bytes needs no slot, and may stand at the slice's end.
    accept(&mut golden, install_of(Region { length: 0, first_slot: 64, ..region() }));
    refuse(&mut golden, install_of(Region { length: 0, first_slot: 65, ..region() }), out);
    // Its offset changes nothing about that.
    let no_bytes = Region { base: BASE + 1, first_offset: 1, length: 0, first_slot: 64, ..region() };
    accept(&mut golden, install_of(no_bytes));
    // Bigger pages need fewer; told before BAD_OFFSET, ADDRESS_WRAP and BAD_RIGHTS.
    accept(&mut golden, install_of(Region { page_size: 1, ..page(64 * 16, 0) }));
    refuse(&mut golden, install_of(Region { page_size: 1, ..page(64 * 16 + 1, 0) }), out);
    let all_wrong =
        Region { length: u64::MAX, first_offset: u32::MAX, rights: Access::REMOTE_WRITE, ..region() };
    refuse(&mut golden, install_of(all_wrong), out);
}

#[test]
fn error_out_of_slice_of_a_tables_slices() {
    let mut golden = Golden::new(&config());
    let out = UpdateError::OutOfSlice;
    let s = slices(0);
    for wrong in [
        Slices { region_base: 0, region_count: 4097, ..s },
        Slices { region_base: 1, region_count: 4096, ..s },
        Slices { region_base: 4096, region_count: 0, ..s },
        Slices { region_base: u32::MAX, region_count: 1, ..s },
        Slices { region_base: 1, region_count: u32::MAX, ..s },
        Slices { slot_base: 0, slot_count: 16385, ..s },
        Slices { slot_base: 16384, slot_count: 0, ..s },
        Slices { slot_base: u32::MAX, slot_count: u32::MAX, ..s },
        Slices { slot_base: 16384, window_count: u64::MAX, ..s },
    ] {
        refuse(&mut golden, set(0, wrong), out);
    }
    accept(&mut golden, set(0, Slices { region_base: 0, region_count: 4096, ..s }));
    accept(&mut golden, set(0, Slices { slot_base: 0, slot_count: 16384, ..s }));
    accept(&mut golden, set(0, Slices { region_base: 4095, region_count: 0, slot_count: 0, ..s }));
}

#[test]
fn error_out_of_window_of_a_page() {
    let mut golden = empty_table();
    let slot = |frame, page_size| Update::SetSlot { table: 0, slot: 0, frame, page_size };
    let out = UpdateError::OutOfWindow;
    let end = WINDOW + 0x10_0000;
    accept(&mut golden, slot(WINDOW, 0));
    accept(&mut golden, slot(end - 1, 0));
    refuse(&mut golden, slot(WINDOW - 1, 0), out);
    refuse(&mut golden, slot(end, 0), out);
    refuse(&mut golden, slot(0, 0), out);
    refuse(&mut golden, slot((1 << 36) - 1, 0), out);
    // The whole page, not its first frame; told before BAD_OFFSET.
    accept(&mut golden, slot(end - 16, 1));
    refuse(&mut golden, slot(end - 15, 1), out);
    refuse(&mut golden, slot(WINDOW - 16, 1), out);
    accept(&mut golden, slot(end - (1 << 18), 3));
    refuse(&mut golden, slot(end - (1 << 18) + 1, 3), out);
}

#[test]
fn error_out_of_window_of_a_window() {
    let mut golden = Golden::new(&config());
    let window = |window_base, window_count| set(0, Slices { window_base, window_count, ..slices(0) });
    let out = UpdateError::OutOfWindow;
    for (base, count) in [
        (0, (1 << 36) + 1),
        (1 << 36, 0),
        ((1 << 36) - 1, 2),
        (u64::MAX, 1),
        (1, u64::MAX),
        (u64::MAX, u64::MAX),
    ] {
        refuse(&mut golden, window(base, count), out);
    }
    accept(&mut golden, window(0, 1 << 36));
    accept(&mut golden, window((1 << 36) - 1, 1));
    accept(&mut golden, window((1 << 36) - 1, 0));
    refuse(&mut golden, Update::SetSlot { table: 0, slot: 0, frame: (1 << 36) - 1, page_size: 0 }, out);
}

#[test]
fn error_overlap() {
    let mut golden = Golden::new(&config());
    accept(&mut golden, set(5, slices(5)));
    let free = slices(9);
    let s = slices(5);
    let overlap = UpdateError::Overlap;
    for base in [s.region_base - 15, s.region_base, s.region_base + 15] {
        refuse(&mut golden, set(6, Slices { region_base: base, ..free }), overlap);
    }
    for base in [s.slot_base - 63, s.slot_base, s.slot_base + 63] {
        refuse(&mut golden, set(6, Slices { slot_base: base, ..free }), overlap);
    }
    for base in [s.window_base - 0xf_ffff, s.window_base, s.window_base + 0xf_ffff] {
        refuse(&mut golden, set(6, Slices { window_base: base, ..free }), overlap);
    }
    // Around and inside.
    refuse(&mut golden, set(6, Slices { region_base: 0, region_count: 4096, ..free }), overlap);
    refuse(&mut golden, set(6, Slices { slot_base: s.slot_base + 5, slot_count: 1, ..free }), overlap);
    // Side by side, empty, and with oneself is no overlap.
    accept(&mut golden, set(4, slices(4)));
    accept(&mut golden, set(6, slices(6)));
    let inside_but_empty = Slices {
        region_base: s.region_base + 5,
        region_count: 0,
        slot_base: s.slot_base + 5,
        slot_count: 0,
        window_base: s.window_base + 5,
        window_count: 0,
    };
    accept(&mut golden, set(7, inside_but_empty));
    accept(&mut golden, set(5, Slices { region_base: s.region_base + 1, region_count: 15, ..s }));
}

#[test]
fn windows_may_overlap_behind_an_iommu() {
    let mut golden = Golden::new(&Config { frame_windows: FrameWindows::Iommu, ..config() });
    accept(&mut golden, set(0, slices(0)));
    accept(&mut golden, set(1, Slices { window_base: WINDOW, ..slices(1) }));
    let same_slots = Slices { slot_base: 0, ..slices(2) };
    refuse(&mut golden, set(2, same_slots), UpdateError::Overlap);
}

#[test]
fn error_already_bound() {
    let mut golden = one_region();
    refuse(&mut golden, Update::Bind { table: 0, net_id: VM }, UpdateError::AlreadyBound);
    accept(&mut golden, set(1, slices(1)));
    refuse(&mut golden, Update::Bind { table: 1, net_id: VM }, UpdateError::AlreadyBound);
}

#[test]
fn error_not_bound() {
    let mut golden = one_region();
    refuse(&mut golden, Update::Unbind { table: 0, net_id: OTHER_VM }, UpdateError::NotBound);
    accept(&mut golden, set(1, slices(1)));
    refuse(&mut golden, Update::Unbind { table: 1, net_id: VM }, UpdateError::NotBound);
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    refuse(&mut golden, Update::Unbind { table: 0, net_id: VM }, UpdateError::NotBound);
}

#[test]
fn error_bindings_full_and_the_lowest_free_entry() {
    let mut golden = Golden::new(&Preset::Tiny.config());
    accept(&mut golden, set(0, Slices { window_base: 0, window_count: 16, ..slices(0) }));
    let id = |n: u32| NetId::from_u128(n.into());
    for n in 0..16 {
        accept(&mut golden, Update::Bind { table: 0, net_id: id(n) });
    }
    refuse(&mut golden, Update::Bind { table: 0, net_id: id(16) }, UpdateError::BindingsFull);
    refuse(&mut golden, Update::Bind { table: 0, net_id: id(3) }, UpdateError::AlreadyBound);
    accept(&mut golden, Update::Unbind { table: 0, net_id: id(9) });
    accept(&mut golden, Update::Unbind { table: 0, net_id: id(4) });
    accept(&mut golden, Update::Bind { table: 0, net_id: id(16) });
    assert_eq!(peek(&mut golden, PeekEntry::Binding { entry: 4 }), [16, 0, 0, 1]);
    assert_eq!(peek(&mut golden, PeekEntry::Binding { entry: 9 }), [0, 0, 0, 0]);
}

#[test]
fn error_bad_offset() {
    let mut golden = empty_table();
    let bad = UpdateError::BadOffset;
    let of = |base, first_offset, page_size| {
        install_of(Region { base, first_offset, page_size, length: 16, ..region() })
    };
    accept(&mut golden, of(BASE + 0xfff, 0xfff, 0));
    refuse(&mut golden, of(BASE, 0x1000, 0), bad);
    refuse(&mut golden, of(BASE + 1, 0, 0), bad);
    refuse(&mut golden, of(BASE, 1, 0), bad);
    // Zero-based regions may start anywhere in their first page, but in it.
    accept(&mut golden, of(0, 0xfff, 0));
    refuse(&mut golden, of(0, 0x1000, 0), bad);
    // Congruent modulo 4096, whatever the page size.
    accept(&mut golden, of(BASE, 0xf000, 1));
    refuse(&mut golden, of(BASE, 0xf001, 1), bad);
    refuse(&mut golden, of(BASE, 0x1_0000, 1), bad);
    accept(&mut golden, of(BASE, 0x3fff_f000, 3));
    refuse(&mut golden, of(BASE, 0x4000_0000, 3), bad);
    // A region without bytes is checked too.
    refuse(&mut golden, install_of(Region { base: 1, length: 0, ..region() }), bad);
    // Frames are aligned to their page.
    refuse(&mut golden, Update::SetSlot { table: 0, slot: 0, frame: WINDOW + 1, page_size: 1 }, bad);
    refuse(&mut golden, Update::SetSlot { table: 0, slot: 0, frame: WINDOW + 16, page_size: 2 }, bad);
    accept(&mut golden, Update::SetSlot { table: 0, slot: 0, frame: WINDOW + 512, page_size: 2 });
    // Told before ADDRESS_WRAP.
    let wrapping = Region { base: u64::MAX, length: 2, first_offset: 0, ..region() };
    refuse(&mut golden, install_of(wrapping), bad);
}

#[test]
fn error_address_wrap() {
    let mut golden = empty_table();
    let top = Region { base: 0u64.wrapping_sub(0x1000), length: 0x1000, ..region() };
    accept(&mut golden, install_of(top));
    refuse(&mut golden, install_of(Region { length: 0x1001, ..top }), UpdateError::AddressWrap);
    // Told before BAD_RIGHTS.
    let both = Region { length: 0x1001, rights: Access::REMOTE_WRITE, ..top };
    refuse(&mut golden, install_of(both), UpdateError::AddressWrap);
}

#[test]
fn error_bad_rights() {
    let mut golden = empty_table();
    for bits in 0..16 {
        let rights = Access::from_bits(bits).unwrap();
        let changes_memory = bits & 0b1010 != 0;
        let has_local_write = bits & 1 == 1;
        let update = install_of(Region { rights, ..region() });
        if changes_memory && !has_local_write {
            refuse(&mut golden, update, UpdateError::BadRights);
        } else {
            accept(&mut golden, update);
        }
    }
}

#[test]
fn error_not_valid() {
    let mut golden = one_region();
    let not_valid = UpdateError::NotValid;
    refuse(&mut golden, Update::Invalidate { table: 0, key: KEY ^ 1 }, not_valid);
    refuse(&mut golden, Update::Invalidate { table: 0, key: 0 }, not_valid);
    refuse(&mut golden, Update::ClearSlot { table: 0, slot: 0 }, not_valid);
    accept(&mut golden, Update::Invalidate { table: 0, key: KEY });
    refuse(&mut golden, Update::Invalidate { table: 0, key: KEY }, not_valid);
    accept(&mut golden, Update::ClearSlot { table: 0, slot: 8 });
    refuse(&mut golden, Update::ClearSlot { table: 0, slot: 8 }, not_valid);
}

#[test]
fn staged_words_stay_until_overwritten() {
    let mut golden = empty_table();
    accept(&mut golden, install_of(region()));
    // A second key of the same region needs no staging; one word changes it.
    let again = Command { op: UpdateOp::Install.code(), table: 0, index: 0x0601, data: 0 };
    assert_eq!(golden.command(&again), Ok(0));
    assert_eq!(golden.command(&Command::stage(1, 0x10)), Ok(0));
    assert_eq!(golden.command(&Command { index: 0x0702, ..again }), Ok(0));
    let limit = |golden: &mut Golden, index| peek(golden, PeekEntry::Region { table: 0, index })[1];
    assert_eq!(limit(&mut golden, 6), BASE + LENGTH);
    assert_eq!(limit(&mut golden, 7), BASE + 0x10);
}

#[test]
fn entries_read_back() {
    let mut golden = empty_table();
    let base = 0u64.wrapping_sub(0x1000) + 0x234;
    let top = Region { base, first_offset: 0x234, length: 0xdcc, rights: Access::REMOTE_READ, ..region() };
    install(&mut golden, top);
    let entry = PeekEntry::Region { table: 0, index: 5 };
    let state = 1 | 1 << 1 | 4 << 8 | 0xee << 24 | u64::from(PD) << 32;
    let origin = (1 << 44) - 0x1000;
    assert_eq!(peek(&mut golden, entry), [base, 0, state, origin, 8]);
    // A zero-based region's origin is below zero.
    install(&mut golden, Region { base: 0, first_offset: 0x10, length: 0x20, page_size: 2, ..region() });
    let state = 1 | 15 << 8 | 2 << 16 | 0xee << 24 | u64::from(PD) << 32;
    assert_eq!(peek(&mut golden, entry), [0, 0x20, state, (1 << 44) - 0x10, 8]);
    accept(&mut golden, Update::Invalidate { table: 0, key: KEY });
    assert_eq!(peek(&mut golden, entry), [0; 5]);

    let slot = PeekEntry::Slot { table: 0, slot: 9 };
    assert_eq!(peek(&mut golden, slot), [0]);
    accept(&mut golden, Update::SetSlot { table: 0, slot: 9, frame: WINDOW + 32, page_size: 1 });
    assert_eq!(peek(&mut golden, slot), [1 << 63 | 1 << 56 | (WINDOW + 32)]);

    accept(&mut golden, set(3, slices(3)));
    let words = [48 | 16 << 32, 192 | 64 << 32, WINDOW + 0x30_0000, 0x10_0000, 1];
    assert_eq!(peek(&mut golden, PeekEntry::Table { table: 3 }), words);
    assert_eq!(peek(&mut golden, PeekEntry::Table { table: 4 }), [0; 5]);
    accept(&mut golden, Update::Bind { table: 3, net_id: OTHER_VM });
    assert_eq!(peek(&mut golden, PeekEntry::Binding { entry: 1 }), [0xffff_0a00_0202, 0, 0, 1 | 3 << 32]);
}
