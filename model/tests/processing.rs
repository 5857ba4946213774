//! What an access comes to, by hand from the contract's section on the processing unit.

mod support;

use stagecoach_model::Golden;
use stagecoach_model::processing::{Memory, Outcome};
use stagecoach_spec::{AccessRequest, Atomic, Fault, Op, Request, Update, WireTransport};
use support::{BASE, WINDOW, accept, one_region, request};

/// First byte of the region's page `page`.
fn page(page: u64) -> u64 {
    (WINDOW + [0x30, 0x20, 0x10, 0x00][page as usize]) << 12
}

struct Card {
    golden: Golden,
    memory: Memory,
}

impl Card {
    fn new() -> Card {
        Card { golden: one_region(), memory: Memory::default() }
    }

    fn access(&mut self, request: Request, atomic: Atomic, payload: &[u8]) -> Outcome {
        self.golden.access(&AccessRequest { request, atomic }, payload, &mut self.memory)
    }

    fn write(&mut self, va: u64, payload: &[u8]) -> Outcome {
        let length = payload.len() as u32;
        let request = Request { op: Op::RemoteWrite, va, length, bound: length, ..request() };
        self.access(request, Atomic::None, payload)
    }

    fn read(&mut self, va: u64, length: u32) -> Outcome {
        let request = Request { op: Op::RemoteRead, va, length, bound: length, ..request() };
        self.access(request, Atomic::None, &[])
    }

    fn atomic(&mut self, va: u64, atomic: Atomic) -> Outcome {
        let request = Request { op: Op::RemoteAtomic, va, length: 8, bound: 8, ..request() };
        self.access(request, atomic, &[])
    }
}

fn fault(outcome: &Outcome) -> (Fault, u32) {
    (outcome.completion.fault, outcome.completion.bytes_done)
}

#[test]
fn a_write_lands_where_its_pages_lie_and_a_read_finds_it() {
    let mut card = Card::new();
    let payload: Vec<u8> = (1..=100).collect();
    assert_eq!(fault(&card.write(BASE + 4096 - 40, &payload)), (Fault::Granted, 100));
    let written: Vec<(u64, u8)> = card.memory.written().collect();
    let at =
        |address: u64, first: u8, count: u8| (0..count).map(move |n| (address + u64::from(n), first + n));
    let expected: Vec<(u64, u8)> = at(page(1), 41, 60).chain(at(page(0) + 4096 - 40, 1, 40)).collect();
    assert_eq!(written, expected);
    let outcome = card.read(BASE + 4096 - 40, 100);
    assert_eq!((outcome.data, outcome.retirements.len()), (payload, 2));
}

#[test]
fn retirements_say_whether_memory_was_written() {
    let mut card = Card::new();
    let writes = |outcome: &Outcome| outcome.retirements.iter().map(|over| over.write).collect::<Vec<_>>();
    assert_eq!(writes(&card.write(BASE, &[1, 2])), [true]);
    assert_eq!(writes(&card.read(BASE, 2)), [false]);
    assert_eq!(writes(&card.atomic(BASE, Atomic::FetchAdd { add: 1 })), [true]);
    let other = Atomic::CompareSwap { compare: 77, swap: 1 };
    assert_eq!(writes(&card.atomic(BASE, other)), [false]);
}

#[test]
fn atomics_change_eight_bytes_and_tell_what_they_found() {
    let mut card = Card::new();
    card.write(BASE + 8, &5_u64.to_le_bytes());
    let mut found = |atomic| {
        let outcome = card.atomic(BASE + 8, atomic);
        assert_eq!(fault(&outcome), (Fault::Granted, 8));
        outcome.completion.original
    };
    assert_eq!(found(Atomic::FetchAdd { add: u64::MAX }), 5);
    assert_eq!(found(Atomic::CompareSwap { compare: 4, swap: 100 }), 4);
    assert_eq!(found(Atomic::CompareSwap { compare: 4, swap: 200 }), 100);
    assert_eq!(found(Atomic::FetchAdd { add: 0 }), 100);
}

#[test]
fn what_is_refused_at_its_first_span_touches_nothing() {
    let mut card = Card::new();
    let refused = Request { key: 0x05ef, op: Op::RemoteWrite, ..request() };
    let outcome = card.access(refused, Atomic::None, &[7; 64]);
    assert_eq!((fault(&outcome), outcome.retirements.len()), ((Fault::InvalidKey, 0), 0));
    assert_eq!(card.memory.written().count(), 0);
}

#[test]
fn what_is_refused_later_has_touched_the_spans_before() {
    let mut card = Card::new();
    accept(&mut card.golden, Update::ClearSlot { table: 0, slot: 9 });
    let outcome = card.write(BASE + 4000, &[9; 200]);
    assert_eq!((fault(&outcome), outcome.retirements.len()), ((Fault::PageAbsent, 96), 1));
    assert_eq!(card.memory.written().count(), 96);
    let outcome = card.read(BASE + 4000, 200);
    assert_eq!((fault(&outcome), outcome.data), ((Fault::PageAbsent, 96), vec![9; 96]));
}

#[test]
fn a_payload_of_another_length_touches_nothing_and_ranks_last() {
    let mut card = Card::new();
    let write = Request { op: Op::RemoteWrite, ..request() };
    for payload in [vec![1; 63], vec![1; 65], Vec::new()] {
        let outcome = card.access(write, Atomic::None, &payload);
        assert_eq!(fault(&outcome), (Fault::PayloadLength, 0));
        // It was granted, so it is retired; nothing was written.
        assert_eq!(outcome.retirements.iter().map(|over| over.write).collect::<Vec<_>>(), [false]);
    }
    let outcome = card.access(Request { pd: 99, ..write }, Atomic::None, &[1; 63]);
    assert_eq!(fault(&outcome), (Fault::ProtectionDomain, 0));
    assert_eq!(card.memory.written().count(), 0);
}

#[test]
fn a_bus_error_ends_what_counts_and_not_what_is_done() {
    let mut card = Card::new();
    card.memory.break_frame(page(1) >> 12);
    let outcome = card.write(BASE + 4000, &[3; 4096]);
    // Its last bytes lie in the broken frame; those before it count.
    assert_eq!(fault(&outcome), (Fault::BusError, 96));
    card.memory = Memory::default();
    card.memory.break_frame(page(0) >> 12);
    let outcome = card.write(BASE + 4000, &[3; 200]);
    assert_eq!((fault(&outcome), outcome.retirements.len()), ((Fault::BusError, 0), 2));
    assert_eq!(card.memory.written().count(), 104, "the second span was carried out");
    assert_eq!(fault(&card.read(BASE, 8)), (Fault::BusError, 0));
    let outcome = card.atomic(BASE, Atomic::FetchAdd { add: 1 });
    assert_eq!((fault(&outcome), outcome.completion.original), ((Fault::BusError, 0), 0));
}

#[test]
fn malformed_requests_are_asked_as_a_reserved_op() {
    let mut card = Card::new();
    let contradictory = card.access(request(), Atomic::FetchAdd { add: 1 }, &[]);
    assert_eq!((fault(&contradictory), contradictory.completion.op), ((Fault::InvalidRequest, 0), 0));
    let wide = card.access(Request { pd: 1 << 16, ..request() }, Atomic::None, &[]);
    assert_eq!(fault(&wide), (Fault::InvalidRequest, 0));
    accept(&mut card.golden, Update::Freeze { table: 0 });
    let frozen = card.access(Request { pd: 1 << 16, ..request() }, Atomic::None, &[]);
    assert_eq!(fault(&frozen), (Fault::Frozen, 0));
}

#[test]
fn no_bytes_no_data_and_no_retirement() {
    let mut card = Card::new();
    for op in [Op::RemoteRead, Op::RemoteWrite] {
        let outcome = card.access(Request { op, length: 0, bound: 0, ..request() }, Atomic::None, &[]);
        assert_eq!((fault(&outcome), outcome.data.len()), ((Fault::Granted, 0), 0));
        assert!(outcome.retirements.is_empty());
    }
}

#[test]
fn completions_carry_the_transports_code() {
    let mut config = support::config();
    config.processing.transport = WireTransport::Iwarp;
    let mut golden = Golden::new(&config);
    let access =
        AccessRequest { request: Request { op: Op::RemoteWrite, ..request() }, atomic: Atomic::None };
    let outcome = golden.access(&access, &[0; 64], &mut Memory::default());
    assert_eq!((outcome.completion.fault, outcome.completion.wire), (Fault::UnknownNetwork, (1, 0)));
    let mut card = Card::new();
    let refused = card.access(Request { key: 1, ..request() }, Atomic::None, &[]);
    assert_eq!(refused.completion.wire, (3, 0x62), "a NAK, remote access error");
    assert_eq!((refused.completion.tag, refused.completion.stream), (0x5a, 0x00ab_cdef));
}
