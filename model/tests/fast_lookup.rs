//! The fast model equals the golden one, beat for beat and answer for answer, over random tables and requests.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngSeed, TestRunner};
use stagecoach_model::{FastLookup, Golden};
use stagecoach_spec::{
    Access, Cam, Config, Counter, Fault, FrameWindows, NetId, Op, PeekEntry, Protection, Region, Request,
    Seed, Slices, Stored, Update, UpdateError,
};
use std::cell::RefCell;
use std::collections::BTreeMap;

const TABLES: u16 = 3;
const REGIONS: u32 = 8;
const SLOTS: u32 = 40;
const WINDOW: u64 = 64;

/// Cases and steps of each: three steps in four are requests.
const CASES: u32 = 128;
const STEPS: usize = 1200;

fn config() -> Config {
    Config {
        tables: TABLES.into(),
        bindings: 4,
        regions: REGIONS * 3,
        slots: SLOTS * 3,
        page_shifts: vec![12, 13, 16],
        max_request_bytes: 16384,
        frame_windows: FrameWindows::Iommu,
        ..Config::default()
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Update(Update),
    Request(Request),
}

/// One table more than there is.
fn table() -> impl Strategy<Value = u16> {
    prop_oneof![20 => 0..TABLES, 1 => Just(TABLES)]
}

/// Those that are bound at the beginning, and others; more than bindings, and they differ in one limb each.
fn net_id() -> impl Strategy<Value = NetId> {
    let others = [[1 << 63, 0, 0], [0, 1 << 63, 0], [1, 1, 0]];
    prop_oneof![
        12 => (0..TABLES).prop_map(first_net_id),
        1 => select(others.map(NetId::from_limbs).to_vec()),
    ]
}

/// What a table is bound to at the beginning.
fn first_net_id(table: u16) -> NetId {
    NetId::from_limbs([u64::from(table & 1), u64::from(table >> 1), 0])
}

fn key() -> impl Strategy<Value = u32> {
    let index = prop_oneof![20 => 0..REGIONS / 2, 1 => 0..REGIONS + 1, 1 => Just(0xff_ffff)];
    (index, select(vec![0, 0, 0, 1])).prop_map(|(index, variant)| index << 8 | variant)
}

/// Where the region of a key begins most of the time: at 0, across 4 GiB, up to the end of addresses.
fn base(key: u32) -> impl Strategy<Value = u64> {
    let bases = [0, 0x1_2000, 0xffff_f000, 0u64.wrapping_sub(0x8000)];
    prop_oneof![8 => Just(bases[(key >> 8) as usize % 4]), 1 => select(bases.to_vec())]
}

/// The page size that a slot has most of the time.
fn page_size(slot: u32) -> impl Strategy<Value = u8> {
    prop_oneof![12 => Just((slot * 3 / SLOTS).min(2) as u8), 1 => 0..3u8]
}

fn install() -> impl Strategy<Value = Update> {
    (table(), key(), 0..SLOTS).prop_flat_map(|(table, key, first_slot)| {
        let length = prop_oneof![4 => 0..0x4001u64, 1 => Just(0), 4 => Just(0x4000), 4 => Just(0x8000)];
        let rights =
            prop_oneof![4 => Just(Access::ALL), 1 => (0..16u8).prop_map(|b| Access::from_bits(b).unwrap())];
        // The base's offset in its page plus whole pages; in a zero-based region any.
        let offset = (prop_oneof![4 => Just(0u32), 1 => 0..3u32], 0..0x1000u32, any::<bool>());
        (base(key), offset, length, rights, page_size(first_slot), select(vec![0, 0, 0, 1])).prop_map(
            move |(base, (pages, within, unaligned), length, rights, page_size, pd)| {
                let within = if unaligned { within } else { 0 };
                let start = if base == 0 { 0 } else { base + u64::from(within) };
                let first_offset = within + pages * 0x1000;
                let region = Region { base: start, length, first_offset, rights, page_size, first_slot, pd };
                Update::Install { table, key, region }
            },
        )
    })
}

fn set_slot() -> impl Strategy<Value = Update> {
    (table(), 0..SLOTS, 0..WINDOW, any::<bool>()).prop_flat_map(|(table, slot, frame, align)| {
        page_size(slot).prop_map(move |page_size| {
            let pages = [1, 2, 16][usize::from(page_size)];
            let frame = if align { frame / pages * pages } else { frame };
            Update::SetSlot { table, slot, frame, page_size }
        })
    })
}

/// Slices side by side, somewhere, so that tables move and follow one another.
fn slices() -> impl Strategy<Value = Slices> {
    (0..3u32, 0..REGIONS + 1, 0..3u32, 0..SLOTS + 1).prop_map(|(third, region_count, other, slot_count)| {
        Slices {
            region_base: third * REGIONS,
            region_count,
            slot_base: other * SLOTS,
            slot_count,
            window_base: 0,
            window_count: WINDOW,
        }
    })
}

fn update() -> impl Strategy<Value = Update> {
    let slot = || 0..SLOTS;
    prop_oneof![
        4 => (table(), slices()).prop_map(|(table, slices)| Update::SetTable { table, slices }),
        1 => table().prop_map(|table| Update::ClearTable { table }),
        12 => (table(), net_id()).prop_map(|(table, net_id)| Update::Bind { table, net_id }),
        2 => (table(), net_id()).prop_map(|(table, net_id)| Update::Unbind { table, net_id }),
        6 => (table(), net_id(), 0..5u8).prop_map(|(table, net_id, way)| Update::Move { table, net_id, way }),
        2 => (0..4u8, any::<[u64; 2]>()).prop_map(|(way, [low, high])| {
            Update::Reseed { way, seed: Seed::from_limbs([low, high, 0]) }
        }),
        1 => table().prop_map(|table| Update::Freeze { table }),
        8 => table().prop_map(|table| Update::Thaw { table }),
        40 => install(),
        2 => (table(), key()).prop_map(|(table, key)| Update::Invalidate { table, key }),
        160 => set_slot(),
        8 => (table(), slot()).prop_map(|(table, slot)| Update::ClearSlot { table, slot }),
        2 => (table(), slot()).prop_map(|(table, slot)| {
            Update::Peek { entry: PeekEntry::Slot { table, slot }, word: 0 }
        }),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    (net_id(), key()).prop_flat_map(|(net_id, key)| {
        let op = prop_oneof![12 => 0..5u8, 1 => 5..8u8];
        let pd = select(vec![0, 0, 0, 1]);
        // Short, of atomics' size, long, too long.
        let length = prop_oneof![3 => 0..64u32, 3 => Just(8), 4 => 0..0x4002u32, 1 => Just(0)];
        let bound = prop_oneof![8 => Just(0i64), 2 => 0..0x2000i64, 1 => Just(-1), 1 => Just(1 << 31)];
        let step = prop_oneof![6 => 0..0x800u64, 3 => 0..0x8000u64, 1 => Just(u64::MAX - 7), 1 => Just(0)];
        (pd, op, base(key), step, length, bound, any::<u8>()).prop_map(
            move |(pd, op, base, step, length, bound, tag)| Request {
                net_id,
                key,
                pd,
                op: Op::from_code(op).unwrap(),
                va: base.wrapping_add(step),
                length,
                bound: (i64::from(length) + bound).clamp(0, u32::MAX.into()) as u32,
                stream: u32::from(tag) << 8,
                tag: tag.into(),
            },
        )
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![1 => update().prop_map(Step::Update), 3 => request().prop_map(Step::Request)]
}

/// How many answers ended with each fault, and how many had more than one beat.
#[derive(Debug, Default)]
struct Seen {
    requests: u64,
    faults: BTreeMap<Fault, u64>,
    several_beats: u64,
    absent_after_granted: u64,
    epoch: u64,
    accepted: u64,
    moved: u64,
    reseeded: u64,
}

/// A table each, set and bound, so that few steps are spent on getting there.
fn begin() -> Vec<Update> {
    let of = |table: u16| {
        let slices = Slices {
            region_base: u32::from(table) * REGIONS,
            region_count: REGIONS,
            slot_base: u32::from(table) * SLOTS,
            slot_count: SLOTS,
            window_base: 0,
            window_count: WINDOW,
        };
        [Update::SetTable { table, slices }, Update::Bind { table, net_id: first_net_id(table) }]
    };
    (0..TABLES).flat_map(of).collect()
}

#[test]
fn it_equals_the_golden_model_beat_for_beat() {
    let seen = compare(&config(), CASES);

    // The comparison is worth as much as what was compared.
    assert!(seen.requests >= 100_000, "{seen:?}");
    for code in 0..12 {
        let fault = Fault::from_code(code).unwrap();
        let expected = if fault == Fault::TableCorrupt { 0 } else { 100 };
        assert!(seen.faults.get(&fault).copied().unwrap_or(0) >= expected, "{fault}: {seen:?}");
    }
    let rest = [seen.several_beats, seen.absent_after_granted, seen.epoch, seen.accepted];
    assert!(rest.into_iter().all(|count| count >= 100), "{seen:?}");
}

#[test]
fn it_equals_the_golden_model_with_a_cuckoo_cam_too() {
    let seen = compare(&Config { cam: Some(Cam::Cuckoo), ..config() }, CASES / 4);
    assert!(seen.requests >= 25_000 && seen.moved >= 30 && seen.reseeded >= 30, "{seen:?}");
}

/// Plays random updates and requests on both models.
fn compare(config: &Config, cases: u32) -> Seen {
    let seen = RefCell::new(Seen::default());
    let runner_config = ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(3),
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(runner_config).run(&vec(step(), STEPS), |steps| {
        let mut seen = seen.borrow_mut();
        let mut golden = Golden::new(config);
        let mut fast = FastLookup::new(config);
        let mut asked = Vec::new();
        for step in begin().into_iter().map(Step::Update).chain(steps) {
            match step {
                Step::Update(update) => {
                    // What was asked since the last change, again and all together.
                    each_equals_one_by_one(&fast, &asked)?;
                    asked.clear();
                    let answer = golden.update(&update);
                    prop_assert_eq!(fast.update(&update), answer, "{:?}", update);
                    let accepted = u64::from(answer.is_ok());
                    seen.accepted += accepted;
                    match update {
                        Update::Move { .. } => seen.moved += accepted,
                        Update::Reseed { .. } => seen.reseeded += accepted,
                        _ => {}
                    }
                }
                Step::Request(request) => {
                    let beats = golden.request(&request);
                    let fast_beats: Vec<_> = fast.lookup(&request).collect();
                    prop_assert_eq!(&fast_beats, &beats, "{:?}", request);
                    prop_assert_eq!(fast.lookup_first(&request), beats[0], "{:?}", request);
                    asked.push(request);
                    let last = beats[beats.len() - 1];
                    seen.requests += 1;
                    *seen.faults.entry(last.fault).or_default() += 1;
                    seen.several_beats += u64::from(beats.len() > 1);
                    seen.absent_after_granted +=
                        u64::from(beats.len() > 1 && last.fault == Fault::PageAbsent);
                    seen.epoch += u64::from(last.epoch);
                }
            }
        }
        each_equals_one_by_one(&fast, &asked)
    });
    outcome.unwrap();
    seen.into_inner()
}

fn each_equals_one_by_one(fast: &FastLookup, requests: &[Request]) -> Result<(), TestCaseError> {
    let mut expected = requests.iter();
    let mut all_equal = true;
    fast.lookup_each(requests, |request, beats| {
        all_equal &= expected.next() == Some(request) && beats.eq(fast.lookup(request));
    });
    prop_assert!(all_equal && expected.next().is_none(), "{:?}", requests);
    Ok(())
}

#[test]
fn many_requests_are_answered_in_order_whatever_their_number() {
    let mut fast = FastLookup::new(&config());
    for update in begin() {
        fast.update(&update).unwrap();
    }
    let request = |tag| Request {
        net_id: NetId::default(),
        key: 0,
        pd: 0,
        op: Op::RemoteRead,
        va: 0,
        length: 0,
        bound: 0,
        stream: 0,
        tag,
    };
    for count in [0, 1, 63, 64, 65, 128, 200] {
        let requests: Vec<Request> = (0..count).map(request).collect();
        let mut tags = Vec::new();
        fast.lookup_each(&requests, |request, beats| {
            tags.extend(beats.map(|beat| beat.tag));
            assert_eq!(tags.last(), Some(&request.tag));
        });
        assert_eq!(tags, (0..count).collect::<Vec<u32>>());
    }
}

#[test]
fn a_cleared_table_leaves_nothing_to_the_next() {
    let mut fast = FastLookup::new(&config());
    let region = Region {
        base: 0,
        length: 0x1000,
        first_offset: 0,
        rights: Access::ALL,
        page_size: 0,
        first_slot: 7,
        pd: 0,
    };
    let install = Update::Install { table: 0, key: 0, region };
    let request = Request {
        net_id: first_net_id(0),
        key: 0,
        pd: 0,
        op: Op::RemoteRead,
        va: 0,
        length: 8,
        bound: 8,
        stream: 0,
        tag: 0,
    };
    let [set, bind, ..] = begin()[..] else { unreachable!("a table each") };
    let page = Update::SetSlot { table: 0, slot: 7, frame: 5, page_size: 0 };
    let mut accept = |updates: &[Update]| {
        updates.iter().for_each(|update| assert_eq!(fast.update(update), Ok(0), "{update:?}"));
        fast.lookup_first(&request).fault
    };
    assert_eq!(accept(&[set, bind, page, install]), Fault::Granted);
    let unbind = Update::Unbind { table: 0, net_id: first_net_id(0) };
    assert_eq!(accept(&[unbind, Update::ClearTable { table: 0 }]), Fault::UnknownNetwork);
    assert_eq!(accept(&[set, bind]), Fault::InvalidKey);
    assert_eq!(accept(&[install]), Fault::PageAbsent);
}

#[test]
fn what_lookups_leave_out_is_as_if_nothing_had_been_asked() {
    let mut fast = FastLookup::new(&Config { protection: Protection::Secded, ..config() });
    for update in begin() {
        fast.update(&update).unwrap();
    }
    let nowhere = Request {
        net_id: NetId::default(),
        key: 0,
        pd: 0,
        op: Op::RemoteRead,
        va: 0,
        length: 8,
        bound: 8,
        stream: 0,
        tag: 0,
    };
    assert_eq!(fast.lookup_first(&nowhere).fault, Fault::InvalidKey);
    let counter = Counter::Requests(Fault::InvalidKey);
    assert_eq!(fast.update(&Update::ReadCounter { table: 0, counter }), Ok(0));
    assert_eq!(fast.update(&Update::Peek { entry: PeekEntry::FaultLog { entry: 0 }, word: 0 }), Ok(0));
    let inject = Update::Inject { stored: Stored::Table { table: 0 }, bit: 0 };
    assert_eq!(fast.update(&inject), Err(UpdateError::Unsupported));
}
