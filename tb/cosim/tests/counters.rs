//! Counters: exact, for each table by itself, whatever is under way when they are read.

mod support;

use std::collections::BTreeMap;

use stagecoach_cosim::{RetirePace, Stalls, Testbench};
use stagecoach_spec::{Counter, Fault, NetId, Op, Request, Update, UpdateError};
use support::*;

fn read(bench: &mut Testbench, table: u16, counter: Counter) -> u64 {
    done(bench, Update::ReadCounter { table, counter })
}

/// The verdicts that the mapping unit gives.
fn verdicts() -> impl Iterator<Item = Fault> {
    Fault::ALL.into_iter().filter(|fault| fault.code() <= 11)
}

/// A request of a loaded table with a verdict; page 7 must have lost its slot for PAGE_ABSENT.
fn with_verdict(table: u16, fault: Fault) -> Option<Request> {
    let good = access(table, Op::RemoteWrite, 1);
    Some(match fault {
        Fault::Granted => good,
        Fault::UnknownNetwork => Request { net_id: NetId::from_u128(0x1234), ..good },
        Fault::InvalidKey => Request { key: KEY ^ 1, ..good },
        Fault::ProtectionDomain => Request { pd: 2, ..good },
        Fault::AddressWrap => Request { va: u64::MAX - 3, ..good },
        Fault::OutOfBounds => Request { va: BASE - 8, ..good },
        Fault::MisalignedAtomic => Request { op: Op::RemoteAtomic, va: BASE + 4, ..good },
        Fault::InvalidRequest => Request { bound: 7, ..good },
        // Two spans that are granted, then the one that is not.
        Fault::PageAbsent => Request { va: BASE + 5 * 4096, length: 3 * 4096, bound: 3 * 4096, ..good },
        _ => return None,
    })
}

#[test]
fn every_verdict_is_counted_once_and_for_its_table() {
    let mut bench = loaded(&config(), Stalls::NONE);
    let mut counted: BTreeMap<(u16, Fault), u64> = BTreeMap::new();
    for table in 0..TABLES {
        done(&mut bench, Update::ClearSlot { table, slot: PAGES - 1 });
    }
    for (number, fault) in verdicts().enumerate() {
        for table in 0..TABLES {
            // A number that tells each apart from its neighbours.
            let times = 1 + number as u64 * 3 + u64::from(table);
            let Some(request) = with_verdict(table, fault) else { continue };
            for _ in 0..times {
                bench.ask(&request).unwrap();
            }
            settle(&mut bench);
            let owner = if fault == Fault::UnknownNetwork { 0 } else { table };
            *counted.entry((owner, fault)).or_default() += times;
        }
    }
    for table in 0..4 {
        for fault in verdicts() {
            let owner = if fault == Fault::UnknownNetwork { 0 } else { table };
            let expected = counted.get(&(owner, fault)).copied().unwrap_or(0);
            assert_eq!(read(&mut bench, table, Counter::Requests(fault)), expected, "table {table}, {fault}");
        }
        assert_eq!(read(&mut bench, table, Counter::Corrected), 0);
        assert_eq!(read(&mut bench, table, Counter::Uncorrectable), 0);
    }
    let beyond = Update::ReadCounter { table: 4, counter: Counter::Requests(Fault::Granted) };
    assert_eq!(answer(&mut bench, beyond), Err(UpdateError::NoSuchTable));

    // Frozen counts too, and reading takes nothing away.
    done(&mut bench, Update::Freeze { table: 2 });
    ask(&mut bench, &access(2, Op::RemoteRead, 0));
    for _ in 0..2 {
        assert_eq!(read(&mut bench, 2, Counter::Requests(Fault::Frozen)), 1);
    }
    finish(bench);
}

#[test]
fn a_value_is_exact_amid_a_request_a_cycle() {
    let stalls = Stalls { retirement: RetirePace::Random { longest: 20 }, ..Stalls::NONE };
    let mut bench = loaded(&config(), stalls);
    let requests = 3_000;
    for number in 0..requests {
        let table = (number % 2) as u16;
        let fault = [Fault::Granted, Fault::Granted, Fault::OutOfBounds, Fault::ProtectionDomain][number % 4];
        bench.ask(&with_verdict(table, fault).unwrap()).unwrap();
    }
    // The testbench compares each value with the requests that were accepted before: not one more or less.
    let mut reads = 0;
    let mut last = 0;
    while bench.driver().queued_requests() > 0 {
        let granted = read(&mut bench, reads % 2, Counter::Requests(Fault::Granted));
        assert!(granted >= last / 2 && granted <= requests as u64 / 2);
        last = granted;
        reads += 1;
    }
    assert!(reads > 30, "only {reads} reads");
    settle(&mut bench);
    // Even numbers of the row are granted or out of bounds (table 0), odd ones granted or of another domain.
    assert_eq!(read(&mut bench, 0, Counter::Requests(Fault::Granted)), 750);
    assert_eq!(read(&mut bench, 1, Counter::Requests(Fault::Granted)), 750);
    assert_eq!(read(&mut bench, 0, Counter::Requests(Fault::OutOfBounds)), 750);
    assert_eq!(read(&mut bench, 1, Counter::Requests(Fault::ProtectionDomain)), 750);
    finish(bench);
}

#[test]
fn clearing_a_table_clears_its_counters_alone() {
    let mut bench = loaded(&config(), Stalls::NONE);
    for table in 0..TABLES {
        for fault in [Fault::Granted, Fault::InvalidKey, Fault::UnknownNetwork] {
            ask(&mut bench, &with_verdict(table, fault).unwrap());
        }
    }
    for table in 0..2 {
        done(&mut bench, Update::Unbind { table, net_id: net_id(table) });
        done(&mut bench, Update::Unbind { table, net_id: second_net_id(table) });
        done(&mut bench, Update::ClearTable { table });
        for fault in [Fault::Granted, Fault::InvalidKey] {
            assert_eq!(read(&mut bench, table, Counter::Requests(fault)), 0, "table {table}, {fault}");
            assert_eq!(read(&mut bench, 2, Counter::Requests(fault)), 1, "{fault}");
        }
        // Nobody's requests stay, also when table 0 goes, whose number they are read under.
        assert_eq!(read(&mut bench, table, Counter::Requests(Fault::UnknownNetwork)), 3);
    }
    load(&mut bench, 1);
    assert_eq!(read(&mut bench, 1, Counter::Requests(Fault::Granted)), 0);
    ask(&mut bench, &access(1, Op::RemoteRead, 0));
    assert_eq!(read(&mut bench, 1, Counter::Requests(Fault::Granted)), 1);
    finish(bench);
}
