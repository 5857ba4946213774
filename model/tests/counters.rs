//! Counters: one step for each request, at the verdict of its last beat.

mod support;

use stagecoach_spec::{Counter, Fault, NetId, Op, Request, Update, UpdateError};
use support::*;

#[test]
fn every_request_is_counted_once_at_its_last_verdict() {
    let mut golden = one_region();
    accept(&mut golden, Update::ClearSlot { table: 0, slot: 9 });
    let requests = [
        (Fault::Granted, request()),
        (Fault::Granted, Request { length: 0, bound: 0, ..request() }),
        (Fault::InvalidKey, Request { key: 0, ..request() }),
        (Fault::ProtectionDomain, Request { pd: 0, ..request() }),
        (Fault::AddressWrap, Request { va: u64::MAX, ..request() }),
        (Fault::OutOfBounds, Request { va: 0, ..request() }),
        (Fault::MisalignedAtomic, Request { op: Op::RemoteAtomic, ..request() }),
        // Granted first, then refused: two beats, one request.
        (Fault::PageAbsent, Request { va: BASE + 0xfff, ..request() }),
        (Fault::InvalidRequest, Request { op: Op::Reserved5, ..request() }),
    ];
    let mut expected = [0; 12];
    for (fault, request) in requests {
        assert_eq!(golden.request(&request).last().unwrap().fault, fault);
        expected[usize::from(fault.code())] += 1;
        for code in 0..12 {
            let counted = counter(&mut golden, 0, Fault::from_code(code).unwrap());
            assert_eq!(counted, expected[usize::from(code)], "{fault} {code}");
        }
    }
}

#[test]
fn tables_count_for_themselves_and_unknown_networks_for_the_unit() {
    let mut golden = one_region();
    accept(&mut golden, Update::SetTable { table: 1, slices: slices(1) });
    accept(&mut golden, Update::Bind { table: 1, net_id: OTHER_VM });
    for _ in 0..3 {
        golden.request(&request());
    }
    golden.request(&Request { net_id: OTHER_VM, ..request() });
    golden.request(&Request { net_id: NetId::default(), ..request() });
    assert_eq!(counter(&mut golden, 0, Fault::Granted), 3);
    assert_eq!(counter(&mut golden, 1, Fault::Granted), 0);
    assert_eq!(counter(&mut golden, 0, Fault::InvalidKey), 0);
    assert_eq!(counter(&mut golden, 1, Fault::InvalidKey), 1);
    // Under any number that a table may have, set or not.
    for table in [0, 1, 2, 63] {
        assert_eq!(counter(&mut golden, table, Fault::UnknownNetwork), 1);
    }
    let beyond = Update::ReadCounter { table: 64, counter: Counter::Corrected };
    refuse(&mut golden, beyond, UpdateError::NoSuchTable);
}

#[test]
fn clearing_a_table_clears_its_counters() {
    let mut golden = one_region();
    accept(&mut golden, Update::SetTable { table: 1, slices: slices(1) });
    accept(&mut golden, Update::Bind { table: 1, net_id: OTHER_VM });
    golden.request(&request());
    golden.request(&Request { net_id: NetId::default(), ..request() });
    golden.request(&Request { net_id: OTHER_VM, ..request() });
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    assert_eq!(counter(&mut golden, 0, Fault::Granted), 1, "an unbound table keeps them");
    accept(&mut golden, Update::ClearTable { table: 0 });
    assert_eq!(counter(&mut golden, 0, Fault::Granted), 0);
    assert_eq!(counter(&mut golden, 0, Fault::UnknownNetwork), 1, "nobody's");
    assert_eq!(counter(&mut golden, 1, Fault::InvalidKey), 1, "another's");
    // Setting a table again clears nothing.
    golden.request(&Request { net_id: OTHER_VM, ..request() });
    accept(&mut golden, Update::Unbind { table: 1, net_id: OTHER_VM });
    accept(&mut golden, Update::SetTable { table: 1, slices: slices(2) });
    assert_eq!(counter(&mut golden, 1, Fault::InvalidKey), 2);
}

#[test]
fn nothing_is_corrected_without_protection() {
    let mut golden = one_region();
    golden.request(&request());
    for counter in [Counter::Corrected, Counter::Uncorrectable] {
        assert_eq!(golden.update(&Update::ReadCounter { table: 0, counter }), Ok(0));
    }
}
