//! Flipped bits: which words matter for what, what parity and secded make of them, and what puts them right.

mod support;

use stagecoach_model::Golden;
use stagecoach_spec::{
    Config, Counter, Fault, NetId, PeekEntry, Protection, Region, Request, Retirement, Stored, Update,
    UpdateError,
};
use support::*;

const TABLE: Stored = Stored::Table { table: 0 };
const REGION: Stored = Stored::Region { table: 0, index: KEY >> 8 };
const SLOT: Stored = Stored::Slot { table: 0, slot: 8 };
const BINDING: Stored = Stored::Binding { entry: 0 };
const RECORD: Stored = Stored::Record { table: 0 };
const VALID_REGION: Stored = Stored::ValidRegion { table: 0, index: KEY >> 8 };
const PRESENT_SLOT: Stored = Stored::PresentSlot { table: 0, slot: 8 };
const TRACKING: Stored = Stored::Tracking { table: 0 };
const LISTED_BINDING: Stored = Stored::ListedBinding { entry: 0 };

/// What lookups read.
const LOOKED_UP: [Stored; 4] = [BINDING, TABLE, REGION, SLOT];

/// As [`one_region`], under protection.
fn protected(protection: Protection) -> Golden {
    let mut golden = Golden::new(&Config { protection, ..config() });
    accept(&mut golden, Update::SetTable { table: 0, slices: slices(0) });
    accept(&mut golden, Update::Bind { table: 0, net_id: VM });
    for page in 0..4 {
        set_slot(&mut golden, 8 + page, WINDOW + 0x30 - 0x10 * u64::from(page));
    }
    install(&mut golden, region());
    golden
}

#[track_caller]
fn inject(golden: &mut Golden, stored: Stored, bit: u16) {
    accept(golden, Update::Inject { stored, bit });
}

#[track_caller]
fn whole(golden: &mut Golden, counter: Counter) -> u64 {
    golden.update(&Update::ReadCounter { table: 0, counter }).unwrap()
}

fn bits(golden: &Golden, stored: Stored) -> std::ops::Range<u16> {
    0..golden.config().stored_bits(stored) as u16
}

/// Refused for what this update reads: the table is not set and not even that is told.
#[track_caller]
fn corrupt(golden: &mut Golden, update: Update) {
    assert_eq!(golden.update(&update), Err(UpdateError::Corrupt), "{update:?}");
}

#[test]
fn parity_refuses_a_request_that_reads_any_flipped_bit() {
    for stored in LOOKED_UP {
        let mut golden = protected(Protection::Parity);
        for (flips, bit) in bits(&golden, stored).enumerate() {
            inject(&mut golden, stored, bit);
            assert_eq!(fault(&mut golden, request()), Fault::TableCorrupt, "{stored:?} bit {bit}");
            // Reading repairs nothing.
            assert_eq!(fault(&mut golden, request()), Fault::TableCorrupt, "{stored:?} bit {bit}");
            assert_eq!(whole(&mut golden, Counter::Uncorrectable), 2 * (flips as u64 + 1));
            inject(&mut golden, stored, bit);
            assert_eq!(granted(&mut golden, request()), [((WINDOW + 0x30) << 12, 64)]);
        }
        assert_eq!(whole(&mut golden, Counter::Corrected), 0);
    }
}

#[test]
fn secded_answers_as_if_nothing_had_flipped_and_repairs_the_word() {
    for stored in LOOKED_UP {
        let mut golden = protected(Protection::Secded);
        for (flips, bit) in bits(&golden, stored).enumerate() {
            // Every bit in turn: were the one before still flipped, this would be the second.
            inject(&mut golden, stored, bit);
            assert_eq!(
                granted(&mut golden, request()),
                [((WINDOW + 0x30) << 12, 64)],
                "{stored:?} bit {bit}"
            );
            assert_eq!(whole(&mut golden, Counter::Corrected), flips as u64 + 1);
        }
        assert_eq!(whole(&mut golden, Counter::Uncorrectable), 0);
    }
}

#[test]
fn secded_refuses_two_flipped_bits() {
    for stored in LOOKED_UP {
        let mut golden = protected(Protection::Secded);
        inject(&mut golden, stored, 0);
        inject(&mut golden, stored, 3);
        for reads in 1..3 {
            assert_eq!(fault(&mut golden, request()), Fault::TableCorrupt, "{stored:?}");
            assert_eq!(whole(&mut golden, Counter::Uncorrectable), reads);
        }
        assert_eq!(whole(&mut golden, Counter::Corrected), 0);
        // A bit that flips back leaves one.
        inject(&mut golden, stored, 0);
        assert_eq!(fault(&mut golden, request()), Fault::Granted);
    }
}

#[test]
fn a_binding_is_two_codes_with_a_flipped_bit_each() {
    let mut golden = protected(Protection::Secded);
    let last = bits(&golden, BINDING).end - 1;
    inject(&mut golden, BINDING, 0);
    inject(&mut golden, BINDING, last);
    assert_eq!(fault(&mut golden, request()), Fault::Granted);
    inject(&mut golden, BINDING, last);
    inject(&mut golden, BINDING, last - 1);
    assert_eq!(fault(&mut golden, request()), Fault::TableCorrupt);
}

#[test]
fn a_corrupt_binding_is_of_table_0_and_a_corrupt_table_of_its_own() {
    let mut golden = protected(Protection::Parity);
    accept(&mut golden, Update::SetTable { table: 5, slices: slices(5) });
    accept(&mut golden, Update::Bind { table: 5, net_id: OTHER_VM });
    accept(&mut golden, Update::Freeze { table: 5 });
    let theirs = Request { net_id: OTHER_VM, ..request() };
    inject(&mut golden, Stored::Table { table: 5 }, 0);
    let beat = golden.request(&theirs)[0];
    assert_eq!((beat.fault, beat.table, beat.epoch), (Fault::TableCorrupt, 5, false), "before FROZEN");
    inject(&mut golden, Stored::Binding { entry: 1 }, 0);
    let beat = golden.request(&theirs)[0];
    assert_eq!((beat.fault, beat.table, beat.epoch), (Fault::TableCorrupt, 0, false));
    assert_eq!(counter(&mut golden, 5, Fault::TableCorrupt), 1);
    assert_eq!(counter(&mut golden, 0, Fault::TableCorrupt), 1);
    assert_eq!(peek(&mut golden, PeekEntry::FaultLog { entry: 0 })[0], 1 | 10 << 32 | 1 << 47 | 5 << 48);
    // The first VM is none the wiser.
    assert_eq!(fault(&mut golden, request()), Fault::Granted);
}

#[test]
fn under_parity_identifiers_near_a_flipped_entry_are_uncertain() {
    let net_id = |bits: u128| NetId::from_u128(0xffff_0a00_0102 ^ bits);
    let of = |golden: &mut Golden, net_id| fault(golden, Request { net_id, ..request() });
    let mut golden = protected(Protection::Parity);
    inject(&mut golden, BINDING, 40);
    // One identifier bit off or two, with the flipped one among them: a single flip makes the entry theirs.
    assert_eq!(of(&mut golden, net_id(1 << 40)), Fault::TableCorrupt);
    assert_eq!(of(&mut golden, net_id(1 << 40 | 1 << 100)), Fault::TableCorrupt);
    assert_eq!(of(&mut golden, net_id(1 << 100)), Fault::UnknownNetwork);
    assert_eq!(of(&mut golden, net_id(1 << 40 | 1 << 100 | 1 << 101)), Fault::UnknownNetwork);
    // One that is bound is certain.
    accept(&mut golden, Update::SetTable { table: 1, slices: slices(1) });
    accept(&mut golden, Update::Bind { table: 1, net_id: net_id(1 << 40) });
    assert_eq!(of(&mut golden, net_id(1 << 40)), Fault::InvalidKey);
    // The check bit; and the table number, which no identifier meets.
    for (bit, expected) in [(129, Fault::TableCorrupt), (130, Fault::UnknownNetwork)] {
        let mut golden = protected(Protection::Parity);
        inject(&mut golden, BINDING, bit);
        assert_eq!(of(&mut golden, net_id(1 << 7)), expected, "bit {bit}");
        assert_eq!(of(&mut golden, VM), Fault::TableCorrupt);
    }
}

#[test]
fn under_parity_an_empty_entry_that_seems_valid_is_uncertain() {
    let of = |golden: &mut Golden, n| fault(golden, Request { net_id: NetId::from_u128(n), ..request() });
    let mut golden = protected(Protection::Parity);
    // {valid = 0, zeros} with valid flipped differs in one bit from each even code {valid = 1, one or no bit set}.
    inject(&mut golden, Stored::Binding { entry: 9 }, 128);
    assert_eq!(of(&mut golden, 0), Fault::TableCorrupt);
    assert_eq!(of(&mut golden, 1 << 33), Fault::TableCorrupt);
    assert_eq!(of(&mut golden, 3 << 33), Fault::UnknownNetwork);
    inject(&mut golden, Stored::Binding { entry: 9 }, 128);
    assert_eq!(of(&mut golden, 0), Fault::UnknownNetwork);
}

#[test]
fn an_unbound_entry_is_written_anew() {
    let mut golden = protected(Protection::Parity);
    inject(&mut golden, BINDING, 128);
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    for net_id in [VM, NetId::default()] {
        assert_eq!(fault(&mut golden, Request { net_id, ..request() }), Fault::UnknownNetwork);
    }
}

#[test]
fn binding_writes_its_entry_anew() {
    let mut golden = protected(Protection::Parity);
    inject(&mut golden, Stored::Binding { entry: 1 }, 3);
    accept(&mut golden, Update::Bind { table: 0, net_id: OTHER_VM });
    assert_eq!(fault(&mut golden, Request { net_id: OTHER_VM, ..request() }), Fault::Granted);
}

#[test]
fn under_secded_no_foreign_identifier_meets_a_flipped_entry() {
    let mut golden = protected(Protection::Secded);
    for entry in [0, 9] {
        inject(&mut golden, Stored::Binding { entry }, 128);
    }
    for net_id in [NetId::default(), NetId::from_u128(1), NetId::from_u128(0xffff_0a00_0103)] {
        assert_eq!(fault(&mut golden, Request { net_id, ..request() }), Fault::UnknownNetwork);
    }
}

#[test]
fn only_words_that_the_verdict_needs_matter() {
    let mut golden = protected(Protection::Parity);
    inject(&mut golden, SLOT, 0);
    inject(&mut golden, REGION, 0);
    // Settled before the region, or outside the slice, or by another key.
    assert_eq!(fault(&mut golden, Request { length: 5000, bound: 5000, ..request() }), Fault::InvalidRequest);
    assert_eq!(granted(&mut golden, Request { length: 0, bound: 0, ..request() }), [(0, 0)]);
    assert_eq!(fault(&mut golden, Request { key: 0x10ee, ..request() }), Fault::InvalidKey);
    assert_eq!(fault(&mut golden, Request { key: 0x04ee, ..request() }), Fault::InvalidKey);
    // Before the rows that look at it; a region that is not there reads as one that is corrupt.
    assert_eq!(fault(&mut golden, Request { key: KEY ^ 1, ..request() }), Fault::TableCorrupt);
    inject(&mut golden, Stored::Region { table: 0, index: 4 }, 7);
    assert_eq!(fault(&mut golden, Request { key: 0x04ee, ..request() }), Fault::TableCorrupt);
    // A frozen table reads none of its regions.
    accept(&mut golden, Update::Freeze { table: 0 });
    assert_eq!(fault(&mut golden, request()), Fault::Frozen);
}

#[test]
fn a_corrupt_slot_ends_its_request_in_place_of_its_span() {
    let mut golden = protected(Protection::Parity);
    inject(&mut golden, Stored::Slot { table: 0, slot: 9 }, 3);
    assert_eq!(fault(&mut golden, Request { va: BASE + 0x1000, ..request() }), Fault::TableCorrupt);
    assert_eq!(granted(&mut golden, request()), [((WINDOW + 0x30) << 12, 64)]);
    let beats = golden.request(&Request { va: BASE + 0xfff, ..request() });
    let told: Vec<_> = beats.iter().map(|beat| (beat.fault, beat.pa, beat.span, beat.last)).collect();
    let first = (Fault::Granted, (WINDOW + 0x30) << 12 | 0xfff, 1, false);
    assert_eq!(told, [first, (Fault::TableCorrupt, 0, 0, true)]);
    // Told before PAGE_ABSENT.
    accept(&mut golden, Update::ClearSlot { table: 0, slot: 9 });
    inject(&mut golden, Stored::Slot { table: 0, slot: 9 }, 3);
    assert_eq!(fault(&mut golden, Request { va: BASE + 0x1000, ..request() }), Fault::TableCorrupt);
    // No bytes, no slot.
    inject(&mut golden, SLOT, 0);
    assert_eq!(granted(&mut golden, Request { length: 0, ..request() }), [(0, 0)]);
}

#[test]
fn writing_a_word_makes_it_right() {
    let mut golden = protected(Protection::Parity);
    let mut heals = |stored, updates: &[Update]| {
        inject(&mut golden, stored, 0);
        assert_eq!(fault(&mut golden, request()), Fault::TableCorrupt, "{stored:?}");
        updates.iter().for_each(|update| accept(&mut golden, *update));
        assert_eq!(fault(&mut golden, request()), Fault::Granted, "{stored:?}");
    };
    let slot = Update::SetSlot { table: 0, slot: 8, frame: WINDOW + 0x30, page_size: 0 };
    let install = Update::Install { table: 0, key: KEY, region: region() };
    heals(REGION, &[install]);
    heals(REGION, &[Update::Invalidate { table: 0, key: KEY }, install]);
    heals(SLOT, &[slot]);
    heals(SLOT, &[Update::ClearSlot { table: 0, slot: 8 }, slot]);
    heals(BINDING, &[Update::Unbind { table: 0, net_id: VM }, Update::Bind { table: 0, net_id: VM }]);
    // Every fence writes the table's word, for its epoch.
    let freeze = Update::Freeze { table: 0 };
    heals(TABLE, &[freeze, Update::Thaw { table: 0 }]);
    heals(TABLE, &[slot]);
    heals(TABLE, &[Update::Invalidate { table: 0, key: KEY }, install]);
}

#[test]
fn other_updates_write_no_other_word() {
    let mut golden = protected(Protection::Parity);
    inject(&mut golden, TABLE, 0);
    install(&mut golden, region());
    accept(&mut golden, Update::SetSlot { table: 0, slot: 0, frame: WINDOW, page_size: 0 });
    accept(&mut golden, Update::Bind { table: 0, net_id: OTHER_VM });
    accept(&mut golden, Update::Track { table: 0, granule_shift: 20, dirty_base: 0 });
    assert_eq!(fault(&mut golden, request()), Fault::TableCorrupt);
}

#[test]
fn updates_are_refused_for_the_words_that_they_read() {
    let table = 0;
    let slot = Update::SetSlot { table, slot: 8, frame: WINDOW, page_size: 0 };
    let install = Update::Install { table, key: KEY, region: region() };
    let invalidate = Update::Invalidate { table, key: KEY };
    let clear_slot = Update::ClearSlot { table, slot: 8 };
    let bind = Update::Bind { table, net_id: OTHER_VM };
    let unbind = Update::Unbind { table, net_id: VM };
    let track = Update::Track { table, granule_shift: 20, dirty_base: 0 };
    let stop = Update::Track { table, granule_shift: 0, dirty_base: 0 };
    let harvest = Update::Harvest { table, word: 0 };
    let peek_of = |entry| Update::Peek { entry, word: 0 };
    let peek_table = peek_of(PeekEntry::Table { table });
    let peek_region = peek_of(PeekEntry::Region { table, index: KEY >> 8 });
    let peek_slot = peek_of(PeekEntry::Slot { table, slot: 8 });
    let peek_binding = peek_of(PeekEntry::Binding { entry: 0 });
    let peek_log = peek_of(PeekEntry::FaultLog { entry: 0 });
    let inject_table = Update::Inject { stored: TABLE, bit: 0 };
    let freeze = Update::Freeze { table };
    let elsewhere = Update::SetTable { table: 1, slices: slices(1) };
    let all = [
        slot,
        install,
        invalidate,
        clear_slot,
        bind,
        unbind,
        track,
        stop,
        harvest,
        peek_table,
        peek_region,
        peek_slot,
        peek_binding,
        peek_log,
        inject_table,
        freeze,
        elsewhere,
    ];
    let of_the_record = [
        slot,
        install,
        invalidate,
        clear_slot,
        bind,
        unbind,
        track,
        stop,
        harvest,
        peek_table,
        peek_region,
        peek_slot,
        inject_table,
        freeze,
        elsewhere,
    ];
    let readers: [(Stored, &[Update]); 9] = [
        (RECORD, &of_the_record),
        (VALID_REGION, &[install, invalidate]),
        (PRESENT_SLOT, &[slot, clear_slot]),
        (LISTED_BINDING, &[bind, unbind, peek_binding]),
        (REGION, &[peek_region]),
        (SLOT, &[peek_slot]),
        (TABLE, &[]),
        (BINDING, &[]),
        (TRACKING, &[]),
    ];
    for (stored, refused) in readers {
        for update in all {
            let mut golden = protected(Protection::Parity);
            accept(&mut golden, track);
            inject(&mut golden, stored, 1);
            if refused.contains(&update) {
                corrupt(&mut golden, update);
                assert_eq!(whole(&mut golden, Counter::Uncorrectable), 1);
            } else {
                assert_ne!(golden.update(&update), Err(UpdateError::Corrupt), "{stored:?} {update:?}");
            }
            // Under secded none is; and whoever read the word has repaired it, or a second flip would tell.
            let mut golden = protected(Protection::Secded);
            accept(&mut golden, track);
            inject(&mut golden, stored, 1);
            assert!(golden.update(&update).is_ok(), "{stored:?} {update:?}");
            let corrected = whole(&mut golden, Counter::Corrected);
            assert_eq!(corrected, u64::from(refused.contains(&update)), "{stored:?} {update:?}");
        }
    }
}

#[test]
fn a_corrupt_record_makes_its_table_unknowable() {
    let mut golden = protected(Protection::Parity);
    accept(&mut golden, Update::SetTable { table: 1, slices: slices(1) });
    accept(&mut golden, Update::Freeze { table: 1 });
    inject(&mut golden, Stored::Record { table: 1 }, 0);
    corrupt(&mut golden, Update::ClearTable { table: 1 });
    corrupt(&mut golden, Update::Thaw { table: 1 });
    // Nobody can tell whether slices or bitmaps overlap it; told before TABLE_IN_USE and TABLE_ABSENT.
    corrupt(&mut golden, Update::SetTable { table: 0, slices: slices(0) });
    corrupt(&mut golden, Update::Track { table: 2, granule_shift: 20, dirty_base: 0 });
    // After NO_SUCH_TABLE.
    let beyond = Update::SetTable { table: 64, slices: slices(0) };
    assert_eq!(golden.update(&beyond), Err(UpdateError::NoSuchTable));
    accept(&mut golden, Update::Freeze { table: 0 });
}

#[test]
fn corrupt_notes_come_before_what_is_wrong_beside_them() {
    let mut golden = protected(Protection::Parity);
    inject(&mut golden, VALID_REGION, 0);
    inject(&mut golden, PRESENT_SLOT, 0);
    inject(&mut golden, LISTED_BINDING, 0);
    accept(&mut golden, Update::Freeze { table: 0 });
    corrupt(&mut golden, Update::Invalidate { table: 0, key: KEY ^ 1 });
    corrupt(
        &mut golden,
        Update::Install { table: 0, key: KEY, region: Region { first_slot: 99, ..region() } },
    );
    corrupt(&mut golden, Update::ClearSlot { table: 0, slot: 8 });
    corrupt(&mut golden, Update::Bind { table: 9, net_id: VM });
    // Other notes are read by none of these.
    assert_eq!(golden.update(&Update::ClearSlot { table: 0, slot: 0 }), Err(UpdateError::TableFrozen));
    assert_eq!(golden.update(&Update::Invalidate { table: 0, key: 0x10ee }), Err(UpdateError::TableFrozen));
}

#[test]
fn clearing_a_table_clears_its_flipped_bits_and_no_others() {
    let mut golden = protected(Protection::Parity);
    accept(&mut golden, Update::SetTable { table: 1, slices: slices(1) });
    accept(&mut golden, Update::Bind { table: 1, net_id: OTHER_VM });
    inject(&mut golden, Stored::Region { table: 1, index: 5 }, 0);
    for stored in [TABLE, REGION, SLOT, VALID_REGION, PRESENT_SLOT, TRACKING] {
        inject(&mut golden, stored, 0);
    }
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    accept(&mut golden, Update::ClearTable { table: 0 });
    accept(&mut golden, Update::SetTable { table: 0, slices: slices(0) });
    accept(&mut golden, Update::Bind { table: 0, net_id: VM });
    set_slot(&mut golden, 8, WINDOW + 0x30);
    install(&mut golden, region());
    assert_eq!(fault(&mut golden, request()), Fault::Granted);
    assert_eq!(fault(&mut golden, Request { net_id: OTHER_VM, ..request() }), Fault::TableCorrupt);
}

#[test]
fn flipped_bits_stay_at_their_place_in_the_pool() {
    let mut golden = protected(Protection::Parity);
    accept(&mut golden, Update::SetTable { table: 1, slices: slices(1) });
    inject(&mut golden, Stored::Region { table: 1, index: 5 }, 0);
    // The empty table moves elsewhere, and another takes its slices.
    accept(&mut golden, Update::SetTable { table: 1, slices: slices(3) });
    accept(&mut golden, Update::SetTable { table: 2, slices: slices(1) });
    accept(&mut golden, Update::Bind { table: 1, net_id: OTHER_VM });
    let theirs = Request { net_id: OTHER_VM, ..request() };
    assert_eq!(fault(&mut golden, theirs), Fault::InvalidKey);
    accept(&mut golden, Update::Unbind { table: 1, net_id: OTHER_VM });
    accept(&mut golden, Update::Bind { table: 2, net_id: OTHER_VM });
    assert_eq!(fault(&mut golden, theirs), Fault::TableCorrupt);
}

#[test]
fn inject_needs_a_place_to_flip() {
    let mut golden = protected(Protection::Parity);
    let of = |stored| Update::Inject { stored, bit: 0 };
    let out = UpdateError::OutOfSlice;
    for (stored, error) in [
        (Stored::Binding { entry: 64 }, out),
        (Stored::ListedBinding { entry: u32::MAX }, out),
        (Stored::Region { table: 0, index: 16 }, out),
        (Stored::ValidRegion { table: 0, index: u32::MAX }, out),
        (Stored::Slot { table: 0, slot: 64 }, out),
        (Stored::PresentSlot { table: 0, slot: 64 }, out),
        (Stored::Dirty { word: 1024 }, out),
        (Stored::Table { table: 1 }, UpdateError::TableAbsent),
        (Stored::Record { table: 1 }, UpdateError::TableAbsent),
        (Stored::Tracking { table: 1 }, UpdateError::TableAbsent),
        (Stored::Region { table: 1, index: 99 }, UpdateError::TableAbsent),
        (Stored::Table { table: 64 }, UpdateError::NoSuchTable),
        (Stored::Slot { table: 64, slot: 0 }, UpdateError::NoSuchTable),
    ] {
        refuse(&mut golden, of(stored), error);
    }
    for stored in [TABLE, REGION, SLOT, BINDING, RECORD, VALID_REGION, PRESENT_SLOT, TRACKING] {
        let bit = bits(&golden, stored).end;
        refuse(&mut golden, Update::Inject { stored, bit }, UpdateError::BadArgument);
    }
    refuse(&mut protected(Protection::None), of(TABLE), UpdateError::Unsupported);
    // Frozen tables may be injected.
    accept(&mut golden, Update::Freeze { table: 0 });
    accept(&mut golden, of(REGION));
}

#[test]
fn flips_in_dirty_memory_take_nothing_away() {
    for protection in [Protection::Parity, Protection::Secded] {
        let mut golden = protected(protection);
        accept(&mut golden, Update::Track { table: 0, granule_shift: 20, dirty_base: 0 });
        let retirement = Retirement { table: 0, frame: WINDOW, write: true, epoch: false };
        golden.retire(&retirement);
        inject(&mut golden, Stored::Dirty { word: 0 }, 0);
        inject(&mut golden, Stored::Dirty { word: 0 }, 65);
        // Hardware may say bit 1 too.
        assert_eq!(golden.update(&Update::Harvest { table: 0, word: 0 }), Ok(1));
    }
}

#[test]
fn a_write_under_a_corrupt_tracking_word_makes_every_bitmap_doubtful() {
    let harvest = Update::Harvest { table: 0, word: 0 };
    let track = Update::Track { table: 0, granule_shift: 20, dirty_base: 0 };
    let retirement = Retirement { table: 0, frame: WINDOW, write: true, epoch: false };
    for (protection, answer) in [(Protection::Parity, Err(UpdateError::Corrupt)), (Protection::Secded, Ok(1))]
    {
        let mut golden = protected(protection);
        accept(&mut golden, track);
        inject(&mut golden, TRACKING, 0);
        // A read dirties nothing, so it leaves no doubt.
        golden.retire(&Retirement { write: false, ..retirement });
        assert_eq!(golden.update(&harvest), Ok(0));
        golden.retire(&retirement);
        assert_eq!(golden.update(&harvest), answer, "{protection:?}");
        // Tracking anew, with no other table tracked, ends it.
        accept(&mut golden, track);
        golden.retire(&retirement);
        assert_eq!(golden.update(&harvest), Ok(1));
    }
}
