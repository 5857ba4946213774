//! The log of the last refused requests.

mod support;

use stagecoach_model::Golden;
use stagecoach_spec::{Config, Fault, NetId, Op, PeekEntry, Request, Update, UpdateError};
use support::*;

#[track_caller]
fn entry(golden: &mut Golden, entry: u32) -> Vec<u64> {
    peek(golden, PeekEntry::FaultLog { entry })
}

#[test]
fn an_entry_holds_the_whole_request() {
    let mut golden = one_region();
    assert_eq!(entry(&mut golden, 0), [0; 8]);
    golden.request(&request());
    assert_eq!(entry(&mut golden, 0), [0; 8], "granted requests are not noted");
    let refused = Request {
        op: Op::LocalWrite,
        pd: 0x8001,
        va: 0xfedc_ba98_7654_3210,
        length: 77,
        bound: 0x7fff_fff0,
        ..request()
    };
    assert_eq!(fault(&mut golden, refused), Fault::ProtectionDomain);
    let expected = [
        1 | 4 << 32 | 4 << 40 | 1 << 47,
        0xfedc_ba98_7654_3210,
        u64::from(KEY) | 0x8001 << 32,
        77 | 0x7fff_fff0 << 32,
        0x5a | 0x00ab_cdef << 32,
        0xffff_0a00_0102,
        0,
        0,
    ];
    assert_eq!(entry(&mut golden, 0), expected);
    // Looking changes nothing.
    assert_eq!(entry(&mut golden, 0), expected);
}

#[test]
fn the_last_beats_verdict_and_the_table_are_noted() {
    let mut golden = one_region();
    accept(&mut golden, Update::SetTable { table: 5, slices: slices(5) });
    accept(&mut golden, Update::Bind { table: 5, net_id: OTHER_VM });
    accept(&mut golden, Update::ClearSlot { table: 0, slot: 9 });
    golden.request(&Request { va: BASE + 0xfff, ..request() });
    golden.request(&Request { net_id: OTHER_VM, ..request() });
    golden.request(&Request { net_id: NetId::from_limbs([1, 2, 0]), ..request() });
    assert_eq!(entry(&mut golden, 0)[0], 1 | 9 << 32 | 1 << 47);
    assert_eq!(entry(&mut golden, 1)[0], 2 | 3 << 32 | 1 << 47 | 5 << 48);
    assert_eq!(entry(&mut golden, 2)[0], 3 | 1 << 32 | 1 << 47);
    assert_eq!(entry(&mut golden, 2)[5..], [1, 2, 0]);
    assert_eq!(entry(&mut golden, 3), [0; 8]);
}

#[test]
fn the_log_is_a_ring() {
    let mut golden = Golden::new(&Config { fault_log_entries: 4, ..config() });
    for n in 1..=10 {
        golden.request(&Request { va: n, ..request() });
        let place = (n as u32 - 1) % 4;
        assert_eq!(entry(&mut golden, place)[..2], [n | 1 << 32 | 1 << 47, n]);
    }
    let kept: Vec<u64> = (0..4).map(|place| entry(&mut golden, place)[1]).collect();
    assert_eq!(kept, [9, 10, 7, 8]);
}

#[test]
fn the_log_ends_where_the_configuration_says() {
    for entries in [0, 2, 256] {
        let mut golden = Golden::new(&Config { fault_log_entries: entries, ..config() });
        golden.request(&request());
        for beyond in [entries, entries + 1, u32::MAX] {
            let peek = Update::Peek { entry: PeekEntry::FaultLog { entry: beyond }, word: 7 };
            refuse(&mut golden, peek, UpdateError::OutOfSlice);
        }
        if entries > 0 {
            assert_ne!(entry(&mut golden, 0), [0; 8]);
        }
    }
}

#[test]
fn clearing_a_table_erases_its_entries_and_the_count_goes_on() {
    let mut golden = one_region();
    accept(&mut golden, Update::SetTable { table: 1, slices: slices(1) });
    accept(&mut golden, Update::Bind { table: 1, net_id: OTHER_VM });
    golden.request(&Request { key: 0, ..request() });
    golden.request(&Request { net_id: NetId::default(), ..request() });
    golden.request(&Request { net_id: OTHER_VM, ..request() });
    accept(&mut golden, Update::Unbind { table: 0, net_id: VM });
    accept(&mut golden, Update::ClearTable { table: 0 });
    assert_eq!(entry(&mut golden, 0), [0; 8]);
    // Unknown networks have no table, whatever number stands in the entry.
    assert_eq!(entry(&mut golden, 1)[0], 2 | 1 << 32 | 1 << 47);
    assert_eq!(entry(&mut golden, 2)[0], 3 | 3 << 32 | 1 << 47 | 1 << 48);
    golden.request(&request());
    assert_eq!(entry(&mut golden, 3)[0], 4 | 1 << 32 | 1 << 47);
    assert_eq!(entry(&mut golden, 0), [0; 8]);
}
