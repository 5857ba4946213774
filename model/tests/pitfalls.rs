//! The known ways to get a memory region's check wrong, as the specification names them.

mod support;

use stagecoach_spec::{Fault, Op, Region, Request, Update};
use support::*;

#[test]
fn bounds_do_not_wrap_at_33_bits() {
    let mut golden = one_region();
    // Whole multiples of 2^32 and 2^33 away, everything below is in bounds.
    for bit in 32..48 {
        for va in [BASE.wrapping_add(1 << bit), BASE.wrapping_sub(1 << bit)] {
            assert_eq!(fault(&mut golden, Request { va, ..request() }), Fault::OutOfBounds, "{va:#x}");
        }
    }
    // A bound of 2^31 behind the region's length, modulo anything.
    assert_eq!(fault(&mut golden, Request { bound: 1 << 31, ..request() }), Fault::OutOfBounds);
}

#[test]
fn bounds_compare_more_than_the_upper_32_bits() {
    let mut golden = one_region();
    for va in [BASE + LENGTH, BASE + 0x8000, BASE + 0xffff_f000] {
        assert_eq!(va >> 32, BASE >> 32);
        assert_eq!(fault(&mut golden, Request { va, ..request() }), Fault::OutOfBounds, "{va:#x}");
    }
    let mut late = with_region(Region { base: BASE + 0x10_0000, ..region() });
    assert_eq!(fault(&mut late, Request { va: BASE, ..request() }), Fault::OutOfBounds);
}

#[test]
fn va_plus_length_does_not_overflow_cve_2016_8636() {
    let mut golden = one_region();
    for back in [1, 8, 63] {
        let va = 0u64.wrapping_sub(back);
        assert_eq!(fault(&mut golden, Request { va, ..request() }), Fault::AddressWrap, "{va:#x}");
    }
    // The sum wraps to an address inside this region.
    let mut low = with_region(Region { base: 0, ..region() });
    assert_eq!(fault(&mut low, Request { va: u64::MAX, ..request() }), Fault::AddressWrap);
    // Exactly 2^64 is no wrap, but far out.
    assert_eq!(fault(&mut low, Request { va: u64::MAX - 63, ..request() }), Fault::OutOfBounds);
}

#[test]
fn a_zero_length_region_grants_no_bytes_cve_2023_25775() {
    let mut golden = with_region(Region { length: 0, ..region() });
    for va in [BASE, BASE - 1, BASE + 1, 0] {
        assert_eq!(fault(&mut golden, Request { va, length: 1, bound: 1, ..request() }), Fault::OutOfBounds);
        assert_eq!(fault(&mut golden, Request { va, length: 0, bound: 1, ..request() }), Fault::OutOfBounds);
    }
    assert_eq!(granted(&mut golden, Request { length: 0, bound: 0, ..request() }), [(0, 0)]);
    let atomic = Request { op: Op::RemoteAtomic, length: 8, bound: 8, ..request() };
    assert_eq!(fault(&mut golden, atomic), Fault::OutOfBounds);
}

#[test]
fn a_region_across_a_4_gib_border() {
    let base = 0x1_ffff_e000;
    let mut golden = with_region(Region { base, ..region() });
    let across = Request { va: 0x1_ffff_ffe0, ..request() };
    assert_eq!(
        granted(&mut golden, across),
        [((WINDOW + 0x20) << 12 | 0xfe0, 32), ((WINDOW + 0x10) << 12, 32)]
    );
    assert_eq!(
        granted(&mut golden, Request { va: 0x2_0000_1fc0, ..request() }),
        [(WINDOW << 12 | 0xfc0, 64)]
    );
    assert_eq!(fault(&mut golden, Request { va: 0x2_0000_1fc1, ..request() }), Fault::OutOfBounds);
    assert_eq!(fault(&mut golden, Request { va: 0x1_0000_0000, ..request() }), Fault::OutOfBounds);
    assert_eq!(fault(&mut golden, Request { va: 0xffff_e000, ..request() }), Fault::OutOfBounds);
}

#[test]
fn no_stale_slot_after_re_registration() {
    let mut golden = one_region();
    // The same key index, another variant, another slot and frame; then the old slot goes.
    set_slot(&mut golden, 20, WINDOW + 0x99);
    let moved = Region { first_slot: 20, length: 0x1000, ..region() };
    accept(&mut golden, Update::Install { table: 0, key: KEY ^ 1, region: moved });
    assert_eq!(fault(&mut golden, request()), Fault::InvalidKey);
    let renewed = Request { key: KEY ^ 1, ..request() };
    assert_eq!(granted(&mut golden, renewed), [((WINDOW + 0x99) << 12, 64)]);
    assert_eq!(fault(&mut golden, Request { va: BASE + 0x1000, ..renewed }), Fault::OutOfBounds);
    // A cleared slot is absent, not what it was; a replaced one is the new frame.
    accept(&mut golden, Update::ClearSlot { table: 0, slot: 20 });
    assert_eq!(fault(&mut golden, renewed), Fault::PageAbsent);
    set_slot(&mut golden, 20, WINDOW + 0x55);
    set_slot(&mut golden, 20, WINDOW + 0x56);
    assert_eq!(granted(&mut golden, renewed), [((WINDOW + 0x56) << 12, 64)]);
}

#[test]
fn two_vms_hold_the_same_key_for_different_memory() {
    let mut golden = one_region();
    accept(&mut golden, Update::SetTable { table: 1, slices: slices(1) });
    accept(&mut golden, Update::Bind { table: 1, net_id: OTHER_VM });
    let other_frame = WINDOW + 0x10_0000 + 0x77;
    accept(&mut golden, Update::SetSlot { table: 1, slot: 8, frame: other_frame, page_size: 0 });
    let theirs = Region { length: 0x1000, ..region() };
    accept(&mut golden, Update::Install { table: 1, key: KEY, region: theirs });

    let ours = golden.request(&request())[0];
    let other = golden.request(&Request { net_id: OTHER_VM, ..request() })[0];
    assert_eq!((ours.table, ours.pa), (0, (WINDOW + 0x30) << 12));
    assert_eq!((other.table, other.pa), (1, other_frame << 12));

    // What happens to one does not happen to the other.
    accept(&mut golden, Update::Freeze { table: 0 });
    assert_eq!(fault(&mut golden, request()), Fault::Frozen);
    assert_eq!(fault(&mut golden, Request { net_id: OTHER_VM, ..request() }), Fault::Granted);
    accept(&mut golden, Update::Invalidate { table: 1, key: KEY });
    accept(&mut golden, Update::Thaw { table: 0 });
    assert_eq!(fault(&mut golden, request()), Fault::Granted);
    assert_eq!(fault(&mut golden, Request { net_id: OTHER_VM, ..request() }), Fault::InvalidKey);
}
