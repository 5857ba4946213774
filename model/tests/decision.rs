//! Every row of the decision table at its borders, and that rows come in their order.

mod support;

use stagecoach_spec::{Access, Fault, NetId, Op, Region, Request, Update};
use support::*;

const VALID_OPS: [Op; 5] = [Op::RemoteRead, Op::RemoteWrite, Op::RemoteAtomic, Op::LocalRead, Op::LocalWrite];

fn atomic() -> Request {
    Request { op: Op::RemoteAtomic, length: 8, bound: 8, ..request() }
}

#[test]
fn row_unknown_network() {
    let mut golden = one_region();
    assert_eq!(fault(&mut golden, request()), Fault::Granted);
    // One bit off, low and high.
    for bit in [0, 63, 64, 127] {
        let [low, high, _] = VM.limbs();
        let flipped = (u128::from(high) << 64 | u128::from(low)) ^ 1 << bit;
        let wrong = Request { net_id: NetId::from_u128(flipped), ..request() };
        assert_eq!(fault(&mut golden, wrong), Fault::UnknownNetwork, "bit {bit}");
        assert_eq!(golden.request(&wrong)[0].table, 0);
    }
}

#[test]
fn row_unknown_network_after_unbind() {
    let mut golden = one_region();
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    assert_eq!(fault(&mut golden, request()), Fault::UnknownNetwork);
}

#[test]
fn row_frozen() {
    let mut golden = one_region();
    accept(&mut golden, Update::Freeze { table: 0 });
    assert_eq!(fault(&mut golden, request()), Fault::Frozen);
    // Before every later row.
    assert_eq!(fault(&mut golden, Request { op: Op::Reserved7, ..request() }), Fault::Frozen);
    assert_eq!(fault(&mut golden, Request { length: 0, bound: 0, ..request() }), Fault::Frozen);
    accept(&mut golden, Update::Thaw { table: 0 });
    assert_eq!(fault(&mut golden, request()), Fault::Granted);
}

#[test]
fn row_invalid_request() {
    let mut golden = with_region(Region { length: 0x4000, ..region() });
    for op in Op::ALL {
        let expected = if VALID_OPS.contains(&op) { Fault::Granted } else { Fault::InvalidRequest };
        assert_eq!(fault(&mut golden, Request { op, length: 8, ..request() }), expected, "{op}");
        // Before the row that grants without bytes.
        let expected = if op.code() > 4 { Fault::InvalidRequest } else { Fault::Granted };
        if op != Op::RemoteAtomic {
            assert_eq!(
                fault(&mut golden, Request { op, length: 0, bound: 0, ..request() }),
                expected,
                "{op}"
            );
        }
    }
    let mut of = |length, bound| fault(&mut golden, Request { length, bound, ..request() });
    assert_eq!(of(4096, 4096), Fault::Granted);
    assert_eq!(of(4097, 4097), Fault::InvalidRequest);
    assert_eq!(of(64, 63), Fault::InvalidRequest);
    assert_eq!(of(1, 0), Fault::InvalidRequest);
    assert_eq!(of(64, 1 << 31), Fault::OutOfBounds);
    assert_eq!(of(64, (1 << 31) + 1), Fault::InvalidRequest);
    assert_eq!(of(64, u32::MAX), Fault::InvalidRequest);
    // Before INVALID_KEY.
    assert_eq!(
        fault(&mut golden, Request { key: 0, length: 64, bound: 63, ..request() }),
        Fault::InvalidRequest
    );
}

#[test]
fn row_granted_without_bytes_checks_no_key() {
    let mut golden = one_region();
    for op in VALID_OPS {
        let nothing = Request { op, key: 0xffff_ffff, pd: 0, va: u64::MAX, length: 0, bound: 0, ..request() };
        if op == Op::RemoteAtomic {
            assert_eq!(fault(&mut golden, nothing), Fault::InvalidKey);
        } else {
            assert_eq!(granted(&mut golden, nothing), [(0, 0)]);
        }
    }
    // A bound asks for the key, also when no byte is translated.
    assert_eq!(fault(&mut golden, Request { key: 0, length: 0, bound: 1, ..request() }), Fault::InvalidKey);
}

#[test]
fn row_invalid_key() {
    let mut golden = one_region();
    for key in [KEY ^ 1, KEY ^ 0x80, KEY ^ 0x100, 0x10ee, 0xffff_ff00 | KEY, KEY | 0x8000_0000] {
        assert_eq!(fault(&mut golden, Request { key, ..request() }), Fault::InvalidKey, "{key:#x}");
        let table = golden.request(&Request { key, ..request() })[0].table;
        assert_eq!(table, 0);
    }
    accept(&mut golden, Update::Invalidate { table: 0, key: KEY });
    assert_eq!(fault(&mut golden, request()), Fault::InvalidKey);
}

#[test]
fn row_invalid_key_at_the_slice_border() {
    let mut golden = one_region();
    // The neighbour's first region stands right behind table 0's last in the pool.
    accept(&mut golden, Update::SetTable { table: 1, slices: slices(1) });
    accept(&mut golden, Update::SetSlot { table: 1, slot: 8, frame: WINDOW + 0x10_0000, page_size: 0 });
    let one_page = Region { length: 0x1000, ..region() };
    accept(&mut golden, Update::Install { table: 1, key: 0x00ee, region: one_page });
    accept(&mut golden, Update::Install { table: 0, key: 0x0fee, region: one_page });
    assert_eq!(fault(&mut golden, Request { key: 0x0fee, ..request() }), Fault::Granted);
    assert_eq!(fault(&mut golden, Request { key: 0x10ee, ..request() }), Fault::InvalidKey);
}

#[test]
fn row_protection_domain() {
    let mut golden = one_region();
    for pd in [PD ^ 1, PD | 0x8000, 0, 0xffff] {
        assert_eq!(fault(&mut golden, Request { pd, ..request() }), Fault::ProtectionDomain);
    }
    // After INVALID_KEY.
    assert_eq!(fault(&mut golden, Request { pd: 0, key: KEY ^ 1, ..request() }), Fault::InvalidKey);
}

#[test]
fn row_access_rights() {
    for bits in 0..16 {
        let rights = Access::from_bits(bits).unwrap();
        if !rights.is_registrable() {
            continue;
        }
        let mut golden = with_region(Region { rights, ..region() });
        let mut of = |op| fault(&mut golden, Request { op, length: 8, bound: 8, ..request() });
        let expect = |bit: u8| if bits >> bit & 1 == 1 { Fault::Granted } else { Fault::AccessRights };
        assert_eq!(of(Op::LocalWrite), expect(0));
        assert_eq!(of(Op::RemoteWrite), expect(1));
        assert_eq!(of(Op::RemoteRead), expect(2));
        assert_eq!(of(Op::RemoteAtomic), expect(3));
        assert_eq!(of(Op::LocalRead), Fault::Granted);
        // After PROTECTION_DOMAIN, before ADDRESS_WRAP.
        let wrapping = Request { op: Op::RemoteRead, va: u64::MAX, ..request() };
        assert_eq!(fault(&mut golden, Request { pd: 0, ..wrapping }), Fault::ProtectionDomain);
        let expected = if bits >> 2 & 1 == 1 { Fault::AddressWrap } else { Fault::AccessRights };
        assert_eq!(fault(&mut golden, wrapping), expected);
    }
}

#[test]
fn row_address_wrap() {
    // The last four pages of the address space.
    let mut golden = with_region(Region { base: 0u64.wrapping_sub(0x4000), ..region() });
    let mut of = |va: u64, bound| fault(&mut golden, Request { va, length: 8, bound, ..request() });
    assert_eq!(of(u64::MAX - 7, 8), Fault::Granted);
    assert_eq!(of(u64::MAX - 7, 9), Fault::AddressWrap);
    assert_eq!(of(u64::MAX - 6, 8), Fault::AddressWrap);
    assert_eq!(of(0u64.wrapping_sub(0x4000), 0x4000), Fault::Granted);
    assert_eq!(of(0u64.wrapping_sub(0x4000), 0x4001), Fault::AddressWrap);
    // Wrap is told before bounds.
    assert_eq!(fault(&mut one_region(), Request { va: u64::MAX, ..request() }), Fault::AddressWrap);
}

#[test]
fn row_out_of_bounds() {
    let mut golden = one_region();
    let mut of = |va: u64, length, bound| fault(&mut golden, Request { va, length, bound, ..request() });
    let end = BASE + LENGTH;
    assert_eq!(of(BASE, 1, 1), Fault::Granted);
    assert_eq!(of(BASE - 1, 1, 1), Fault::OutOfBounds);
    assert_eq!(of(BASE - 1, 2, 2), Fault::OutOfBounds);
    assert_eq!(of(0, 1, 1), Fault::OutOfBounds);
    assert_eq!(of(end - 1, 1, 1), Fault::Granted);
    assert_eq!(of(end - 1, 1, 2), Fault::OutOfBounds);
    assert_eq!(of(end, 1, 1), Fault::OutOfBounds);
    assert_eq!(of(end, 0, 1), Fault::OutOfBounds);
    assert_eq!(of(BASE, 1, LENGTH as u32), Fault::Granted);
    assert_eq!(of(BASE, 1, LENGTH as u32 + 1), Fault::OutOfBounds);
    // At the end itself an access without bytes is granted (only an atomic gets here with bound 0).
    let none = Request { op: Op::RemoteAtomic, va: end, length: 0, bound: 0, ..request() };
    assert_eq!(fault(&mut golden, none), Fault::MisalignedAtomic);
    assert_eq!(fault(&mut golden, Request { va: end + 1, ..none }), Fault::OutOfBounds);
}

#[test]
fn row_misaligned_atomic() {
    let mut golden = one_region();
    for step in 0..9 {
        let expected = if step % 8 == 0 { Fault::Granted } else { Fault::MisalignedAtomic };
        assert_eq!(fault(&mut golden, Request { va: BASE + step, ..atomic() }), expected);
    }
    for length in [0, 1, 4, 7, 9, 16] {
        let wrong = Request { length, bound: 16, ..atomic() };
        assert_eq!(fault(&mut golden, wrong), Fault::MisalignedAtomic, "{length}");
    }
    // After OUT_OF_BOUNDS; other ops need no alignment.
    assert_eq!(fault(&mut golden, Request { va: BASE + LENGTH - 7, ..atomic() }), Fault::OutOfBounds);
    assert_eq!(fault(&mut golden, Request { va: BASE + 1, ..request() }), Fault::Granted);
}

#[test]
fn an_atomics_alignment_is_that_of_its_position() {
    // A zero-based region whose first byte is at offset 4 of its page: address 4 has position 8.
    let mut golden = with_region(Region { base: 0, first_offset: 4, length: 64, ..region() });
    assert_eq!(fault(&mut golden, Request { va: 4, ..atomic() }), Fault::Granted);
    assert_eq!(fault(&mut golden, Request { va: 8, ..atomic() }), Fault::MisalignedAtomic);
}

#[test]
fn row_page_absent() {
    let mut golden = one_region();
    accept(&mut golden, Update::ClearSlot { table: 0, slot: 8 });
    assert_eq!(fault(&mut golden, request()), Fault::PageAbsent);
    assert_eq!(fault(&mut golden, Request { va: BASE + 0x1000, ..request() }), Fault::Granted);
    // After MISALIGNED_ATOMIC.
    assert_eq!(fault(&mut golden, Request { va: BASE + 1, ..atomic() }), Fault::MisalignedAtomic);
    assert_eq!(fault(&mut golden, atomic()), Fault::PageAbsent);
}

#[test]
fn no_bytes_read_no_slot() {
    let mut golden = one_region();
    accept(&mut golden, Update::ClearSlot { table: 0, slot: 8 });
    assert_eq!(granted(&mut golden, Request { length: 0, bound: 64, ..request() }), [(0, 0)]);
}

#[test]
fn a_configuration_without_protection_domains_compares_none() {
    let config = stagecoach_spec::Config { pd_bits: 0, ..config() };
    let mut golden = stagecoach_model::Golden::new(&config);
    accept(&mut golden, Update::SetTable { table: 0, slices: slices(0) });
    accept(&mut golden, Update::Bind { table: 0, net_id: VM });
    set_slot(&mut golden, 8, WINDOW);
    install(&mut golden, Region { pd: 0, length: 0x1000, ..region() });
    assert_eq!(fault(&mut golden, Request { pd: 0, ..request() }), Fault::Granted);
}
