//! From an access to its spans.

mod support;

use stagecoach_model::Golden;
use stagecoach_spec::{Access, Config, Fault, Region, Request, Slices, Update};
use support::*;

const FRAMES: [u64; 4] = [WINDOW + 0x30, WINDOW + 0x20, WINDOW + 0x10, WINDOW];

#[test]
fn an_access_within_a_frame_is_one_span() {
    let mut golden = one_region();
    for (page, frame) in FRAMES.into_iter().enumerate() {
        let va = BASE + page as u64 * 0x1000 + 0x123;
        assert_eq!(granted(&mut golden, Request { va, ..request() }), [(frame << 12 | 0x123, 64)]);
    }
    let whole = Request { length: 4096, bound: 4096, ..request() };
    assert_eq!(granted(&mut golden, whole), [(FRAMES[0] << 12, 4096)]);
}

#[test]
fn spans_end_at_4_kib_borders() {
    let mut golden = one_region();
    let mut of = |va, length| granted(&mut golden, Request { va, length, bound: length, ..request() });
    assert_eq!(of(BASE + 0xfff, 1), [(FRAMES[0] << 12 | 0xfff, 1)]);
    assert_eq!(of(BASE + 0xfff, 2), [(FRAMES[0] << 12 | 0xfff, 1), (FRAMES[1] << 12, 1)]);
    assert_eq!(of(BASE + 0x1001, 4096), [(FRAMES[1] << 12 | 1, 4095), (FRAMES[2] << 12, 1)]);
}

#[test]
fn long_requests_have_many_spans() {
    let config = Config { max_request_bytes: 65536, ..config() };
    let mut golden = Golden::new(&config);
    accept(&mut golden, Update::SetTable { table: 0, slices: slices(0) });
    accept(&mut golden, Update::Bind { table: 0, net_id: VM });
    for page in 0..17 {
        set_slot(&mut golden, 8 + page, WINDOW + 0x100 - u64::from(page));
    }
    install(&mut golden, Region { length: 17 * 4096, ..region() });
    let long = Request { va: BASE + 0x800, length: 65536, bound: 65536, ..request() };
    let spans = granted(&mut golden, long);
    assert_eq!(spans.len(), 17);
    assert_eq!(spans[0], ((WINDOW + 0x100) << 12 | 0x800, 0x800));
    for (page, span) in (0u64..).zip(&spans).take(16).skip(1) {
        assert_eq!(*span, ((WINDOW + 0x100 - page) << 12, 4096));
    }
    assert_eq!(spans[16], ((WINDOW + 0xf0) << 12, 0x800));
}

#[test]
fn a_page_absent_on_the_second_span_ends_the_answer() {
    let mut golden = one_region();
    accept(&mut golden, Update::ClearSlot { table: 0, slot: 9 });
    let across = Request { va: BASE + 0xff0, ..request() };
    let beats = golden.request(&across);
    assert_eq!(beats.len(), 2);
    let said = |place: usize| {
        let b = beats[place];
        (b.fault, b.pa, b.span, b.first, b.last)
    };
    assert_eq!(said(0), (Fault::Granted, FRAMES[0] << 12 | 0xff0, 16, true, false));
    assert_eq!(said(1), (Fault::PageAbsent, 0, 0, false, true));
    assert!(beats.iter().all(|b| (b.tag, b.stream, b.table) == (across.tag, across.stream, 0)));
}

#[test]
fn a_region_starts_within_its_first_page() {
    let mut golden =
        with_region(Region { base: BASE + 0xabc, first_offset: 0xabc, length: 0x1000, ..region() });
    assert_eq!(
        granted(&mut golden, Request { va: BASE + 0xabc, ..request() }),
        [(FRAMES[0] << 12 | 0xabc, 64)]
    );
    let end = BASE + 0x1abc;
    assert_eq!(granted(&mut golden, Request { va: end - 64, ..request() }), [(FRAMES[1] << 12 | 0xa7c, 64)]);
    assert_eq!(fault(&mut golden, Request { va: end - 63, ..request() }), Fault::OutOfBounds);
    assert_eq!(fault(&mut golden, Request { va: BASE, ..request() }), Fault::OutOfBounds);
}

#[test]
fn a_zero_based_region_has_positions_that_are_not_congruent_to_va() {
    let mut golden = with_region(Region { base: 0, first_offset: 0xabc, length: 0x2000, ..region() });
    assert_eq!(granted(&mut golden, Request { va: 0, ..request() }), [(FRAMES[0] << 12 | 0xabc, 64)]);
    // The span ends where the position, not the address, meets the border.
    let across = Request { va: 0x540, ..request() };
    assert_eq!(granted(&mut golden, across), [(FRAMES[0] << 12 | 0xffc, 4), (FRAMES[1] << 12, 60)]);
    let not_across = Request { va: 0x1000 - 32, ..request() };
    assert_eq!(granted(&mut golden, not_across), [(FRAMES[1] << 12 | 0xa9c, 64)]);
    assert_eq!(granted(&mut golden, Request { va: 0x1fc0, ..request() }), [(FRAMES[2] << 12 | 0xa7c, 64)]);
}

#[test]
fn big_pages_keep_their_low_address_bits() {
    for (page_size, shift) in [(1, 16), (2, 21), (3, 30)] {
        let mut golden = Golden::new(&config());
        let page_frames = 1u64 << (shift - 12);
        let window = Slices { window_base: 4 << 18, window_count: 4 << 18, ..slices(0) };
        accept(&mut golden, Update::SetTable { table: 0, slices: window });
        accept(&mut golden, Update::Bind { table: 0, net_id: VM });
        let frames = [(4 << 18) + page_frames, 4 << 18];
        for (page, frame) in frames.into_iter().enumerate() {
            accept(&mut golden, Update::SetSlot { table: 0, slot: 3 + page as u32, frame, page_size });
        }
        // The region starts in the middle of its first page.
        let first_offset = 1u32 << (shift - 1);
        let length = 1u64 << shift;
        install(&mut golden, Region { first_offset, length, page_size, first_slot: 3, ..region() });

        let half = u64::from(first_offset);
        let first = granted(&mut golden, Request { va: BASE + 0x1234, ..request() });
        assert_eq!(first, [((frames[0] << 12) + half + 0x1234, 64)]);
        // Spans are cut at 4 KiB also within a page, and at the page's end.
        let inside = granted(&mut golden, Request { va: BASE + 0xff0, ..request() });
        assert_eq!(inside, [((frames[0] << 12) + half + 0xff0, 16), ((frames[0] << 12) + half + 0x1000, 48)]);
        let border = granted(&mut golden, Request { va: BASE + half - 16, ..request() });
        assert_eq!(border, [((frames[0] << 12) + 2 * half - 16, 16), (frames[1] << 12, 48)]);
        assert_eq!(fault(&mut golden, Request { va: BASE + length, ..request() }), Fault::OutOfBounds);
    }
}

#[test]
fn a_slot_of_another_page_size_counts_as_absent() {
    let mut golden = one_region();
    accept(&mut golden, Update::SetSlot { table: 0, slot: 8, frame: WINDOW, page_size: 1 });
    assert_eq!(fault(&mut golden, request()), Fault::PageAbsent);
    set_slot(&mut golden, 8, WINDOW);
    assert_eq!(fault(&mut golden, request()), Fault::Granted);
    // And the other way round: a big region on a small page would leave it.
    install(&mut golden, Region { page_size: 1, ..region() });
    assert_eq!(fault(&mut golden, request()), Fault::PageAbsent);
}

#[test]
fn key_index_and_slots_are_relative_to_the_tables_slices() {
    let mut golden = empty_table();
    accept(&mut golden, Update::SetTable { table: 9, slices: slices(9) });
    accept(&mut golden, Update::Bind { table: 9, net_id: OTHER_VM });
    let frame = slices(9).window_base + 5;
    accept(&mut golden, Update::SetSlot { table: 9, slot: 63, frame, page_size: 0 });
    let last = Region { first_slot: 63, length: 0x1000, rights: Access::REMOTE_READ, ..region() };
    accept(&mut golden, Update::Install { table: 9, key: 0x0f01, region: last });
    let theirs = Request { net_id: OTHER_VM, key: 0x0f01, ..request() };
    assert_eq!(granted(&mut golden, theirs), [(frame << 12, 64)]);
    assert_eq!(golden.request(&theirs)[0].table, 9);
    assert_eq!(fault(&mut golden, Request { key: 0x0f01, ..request() }), Fault::InvalidKey);
    // The index in the pool is not the index in the key.
    assert_eq!(fault(&mut golden, Request { key: (9 * 16 + 15) << 8 | 1, ..theirs }), Fault::InvalidKey);
}

#[test]
fn several_identifiers_name_one_table() {
    let mut golden = one_region();
    accept(&mut golden, Update::Bind { table: 0, net_id: OTHER_VM });
    let one = golden.request(&request());
    assert_eq!(golden.request(&Request { net_id: OTHER_VM, ..request() }), one);
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    assert_eq!(fault(&mut golden, request()), Fault::UnknownNetwork);
    assert_eq!(fault(&mut golden, Request { net_id: OTHER_VM, ..request() }), Fault::Granted);
}

#[test]
fn two_keys_may_share_slots() {
    let mut golden = one_region();
    let second = Region { base: 0, length: 0x1000, first_slot: 9, ..region() };
    accept(&mut golden, Update::Install { table: 0, key: 0x0600, region: second });
    let one = granted(&mut golden, Request { va: BASE + 0x1000, ..request() });
    assert_eq!(granted(&mut golden, Request { key: 0x0600, va: 0, ..request() }), one);
}

#[test]
fn the_highest_physical_address() {
    for bits in [48, 64] {
        let config = Config { physical_address_bits: bits, ..config() };
        let mut golden = Golden::new(&config);
        let top = (1u64 << (bits - 12)) - 1;
        let window = Slices { window_base: top - 15, window_count: 16, ..slices(0) };
        accept(&mut golden, Update::SetTable { table: 0, slices: window });
        accept(&mut golden, Update::Bind { table: 0, net_id: VM });
        set_slot(&mut golden, 8, top);
        install(&mut golden, Region { length: 0x1000, ..region() });
        let last = granted(&mut golden, Request { va: BASE + 0xfc0, ..request() });
        assert_eq!(last, [(top << 12 | 0xfc0, 64)]);
    }
}
