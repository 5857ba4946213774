//! The fault log: the last refused requests with all their fields, in order.

mod support;

use stagecoach_cosim::{Stalls, Testbench};
use stagecoach_spec::{Config, Fault, NetId, Op, PeekEntry, Request, Update, UpdateError};
use support::*;

/// The words of an entry.
fn entry(bench: &mut Testbench, entry: u32) -> Vec<u64> {
    let entry = PeekEntry::FaultLog { entry };
    (0..entry.words()).map(|word| done(bench, Update::Peek { entry, word })).collect()
}

/// The words that a refused request must leave.
fn words(number: u32, request: &Request, table: u16, fault: Fault) -> Vec<u64> {
    let [low, middle, high] = request.net_id.limbs();
    let state = u64::from(number)
        | u64::from(fault.code()) << 32
        | u64::from(request.op.code()) << 40
        | 1 << 47
        | u64::from(table) << 48;
    vec![
        state,
        request.va,
        u64::from(request.key) | u64::from(request.pd) << 32,
        u64::from(request.length) | u64::from(request.bound) << 32,
        u64::from(request.tag) | u64::from(request.stream) << 32,
        low,
        middle,
        high,
    ]
}

/// A configuration with a log of so many entries and wide fields.
fn with_log(fault_log_entries: u32) -> Config {
    Config { fault_log_entries, net_id_bits: 160, tag_bits: 32, stream_bits: 32, pd_bits: 32, ..config() }
}

/// A refused request that differs from the others in every field.
fn refused(number: u32) -> (Request, u16, Fault) {
    let table = (number % 3) as u16;
    let spread = number.wrapping_mul(0x9e37_79b9);
    let good = Request { tag: spread, stream: !spread, ..access(table, Op::RemoteWrite, number % PAGES) };
    let stranger = NetId::from_limbs([u64::from(spread) << 17, !u64::from(spread), number.into()]);
    match number % 6 {
        0 => (Request { pd: spread | 2, ..good }, table, Fault::ProtectionDomain),
        1 => (Request { net_id: stranger, key: spread, va: good.va << 9, ..good }, 0, Fault::UnknownNetwork),
        2 => (Request { key: KEY ^ spread << 8 ^ 1 << 31, ..good }, table, Fault::InvalidKey),
        3 => (Request { va: BASE - 1 - u64::from(number), ..good }, table, Fault::OutOfBounds),
        4 => (Request { op: Op::Reserved6, ..good }, table, Fault::InvalidRequest),
        _ => (Request { length: 9, bound: 8, op: Op::LocalWrite, ..good }, table, Fault::InvalidRequest),
    }
}

#[test]
fn the_log_is_a_ring_of_the_last_refused_requests() {
    for size in [2, 4, 16] {
        let mut bench = loaded(&with_log(size), Stalls::NONE);
        assert!((0..size).all(|place| entry(&mut bench, place) == [0; 8]), "empty at first");
        for number in 0..3 * size + 1 {
            let (request, table, fault) = refused(number);
            let beats = ask(&mut bench, &request);
            assert_eq!(beats.last().unwrap().fault, fault, "{request:x?}");
            // What is granted leaves no trace.
            ask(&mut bench, &access(1, Op::RemoteRead, 0));
            let last = entry(&mut bench, number % size);
            assert_eq!(last, words(number + 1, &request, table, fault), "{number} of {size}");
            if number > 0 {
                let (request, table, fault) = refused(number - 1);
                let before = entry(&mut bench, (number - 1) % size);
                assert_eq!(before, words(number, &request, table, fault), "{number} of {size}");
            }
        }
        let beyond = Update::Peek { entry: PeekEntry::FaultLog { entry: size }, word: 0 };
        assert_eq!(answer(&mut bench, beyond), Err(UpdateError::OutOfSlice));
        finish(bench);
    }
}

#[test]
fn a_request_that_loses_a_page_is_logged_with_its_last_beat() {
    let mut bench = loaded(&with_log(4), Stalls::NONE);
    done(&mut bench, Update::ClearSlot { table: 1, slot: 2 });
    let request = Request { length: 16384, bound: 16384, ..access(1, Op::RemoteRead, 1) };
    assert_eq!(ask(&mut bench, &request).len(), 2);
    assert_eq!(entry(&mut bench, 0), words(1, &request, 1, Fault::PageAbsent));
    assert_eq!(entry(&mut bench, 1), [0; 8]);
    finish(bench);
}

#[test]
fn a_refusal_in_every_cycle_is_logged_in_order() {
    let mut bench = loaded(&with_log(64), Stalls::NONE);
    let requests = 2_000;
    (0..requests).for_each(|number| bench.ask(&refused(number).0).unwrap());
    // The testbench compares each word with what had been accepted before it was asked for.
    let mut place = 0;
    while bench.driver().queued_requests() > 0 {
        place = (place + 7) % 64;
        done(
            &mut bench,
            Update::Peek { entry: PeekEntry::FaultLog { entry: place }, word: (place % 8) as u8 },
        );
    }
    settle(&mut bench);
    for number in requests - 64..requests {
        let (request, table, fault) = refused(number);
        assert_eq!(entry(&mut bench, number % 64), words(number + 1, &request, table, fault));
    }
    finish(bench);
}

#[test]
fn clearing_a_table_erases_its_entries_alone() {
    let mut bench = loaded(&with_log(64), Stalls::NONE);
    (0..60).for_each(|number| drop(ask(&mut bench, &refused(number).0)));
    let mut gone: Vec<u16> = Vec::new();
    for table in [1, 0] {
        done(&mut bench, Update::Unbind { table, net_id: net_id(table) });
        done(&mut bench, Update::Unbind { table, net_id: second_net_id(table) });
        done(&mut bench, Update::ClearTable { table });
        gone.push(table);
        for number in 0..60 {
            let (request, owner, fault) = refused(number);
            // A network identifier that is unknown has no table, not even table 0.
            let erased = gone.contains(&owner) && fault != Fault::UnknownNetwork;
            let expected = if erased { vec![0; 8] } else { words(number + 1, &request, owner, fault) };
            assert_eq!(entry(&mut bench, number), expected, "{number} after clearing {gone:?}");
        }
    }
    // The ring goes on where it was.
    let (request, ..) = refused(2);
    ask(&mut bench, &request);
    assert_eq!(entry(&mut bench, 60), words(61, &request, 2, Fault::InvalidKey));
    finish(bench);
}

#[test]
fn a_configuration_may_have_no_log() {
    let mut bench = loaded(&with_log(0), Stalls::NONE);
    ask(&mut bench, &refused(3).0);
    let peek = Update::Peek { entry: PeekEntry::FaultLog { entry: 0 }, word: 0 };
    assert_eq!(answer(&mut bench, peek), Err(UpdateError::OutOfSlice));
    finish(bench);
}
