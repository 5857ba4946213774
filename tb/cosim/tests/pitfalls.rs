//! The known ways to get a memory region's check wrong, as the specification names them, at the ports: the golden
//! model, the native simulator and Verilator must each give exactly these beats. (`model/tests/pitfalls.rs` has the
//! same names for the model alone.)

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};

use stagecoach_cosim::driver::Event;
use stagecoach_cosim::scoreboard::Scoreboard;
use stagecoach_cosim::{Driver, EngineKind, EngineOptions, IdlePayload, Options, Pace, Stalls, Unit, engine};
use stagecoach_hdl::Module;
use stagecoach_spec::{
    Access, Beat, Command, Config, Fault, NetId, Op, Preset, Region, Request, Slices, Update, UpdateOp,
};

/// The identifier of the VM in table 0.
const VM: NetId = NetId::from_u128(0x0a00_0102);
/// The identifier of the VM in table 1.
const OTHER_VM: NetId = NetId::from_u128(0x0a00_0202);
/// A key: index 5, variant 0xee.
const KEY: u32 = 0x05ee;
/// Where the region of [`region`] starts.
const BASE: u64 = 0x7f00_0000_0000;
/// How long it is.
const LENGTH: u64 = 0x4000;
/// Protection domain of the region.
const PD: u32 = 7;
/// First frame of table 0's window.
const WINDOW: u64 = 0x10_0000;
/// Frames of a table's window.
const WINDOW_COUNT: u64 = 0x10_0000;
/// The slot of the region's first page.
const SLOT: u32 = 8;

/// Slices that differ per table: 16 regions, 64 slots.
fn slices(table: u16) -> Slices {
    let n = u32::from(table);
    Slices {
        region_base: n * 16,
        region_count: 16,
        slot_base: n * 64,
        slot_count: 64,
        window_base: WINDOW + u64::from(table) * WINDOW_COUNT,
        window_count: WINDOW_COUNT,
    }
}

/// Four pages from `BASE` on, every right.
fn region() -> Region {
    Region {
        base: BASE,
        length: LENGTH,
        first_offset: 0,
        rights: Access::ALL,
        page_size: 0,
        first_slot: SLOT,
        pd: PD,
    }
}

fn request() -> Request {
    Request {
        net_id: VM,
        key: KEY,
        pd: PD,
        op: Op::RemoteRead,
        va: BASE,
        length: 64,
        bound: 64,
        stream: 0xcd,
        tag: 0x5a,
    }
}

fn set_slot(slot: u32, frame: u64) -> Update {
    Update::SetSlot { table: 0, slot, frame, page_size: 0 }
}

/// Table 0 bound to [`VM`], slots 8 to 11 at frames `WINDOW + 0x30`, `0x20`, `0x10`, `0x00`, and a region at [`KEY`].
fn with_region(region: Region) -> Vec<Update> {
    let mut updates = vec![Update::SetTable { table: 0, slices: slices(0) }];
    updates.push(Update::Bind { table: 0, net_id: VM });
    updates.extend((0..4).map(|page| set_slot(SLOT + page, WINDOW + 0x30 - 0x10 * u64::from(page))));
    updates.push(Update::Install { table: 0, key: KEY, region });
    updates
}

/// The one beat of a refusal.
fn refusal(request: &Request, table: u16, fault: Fault) -> Vec<Beat> {
    let Request { tag, stream, .. } = *request;
    vec![Beat { tag, stream, fault, pa: 0, span: 0, table, epoch: false, first: true, last: true }]
}

/// The beats of a granted request: address and bytes of each.
fn grant(request: &Request, table: u16, spans: &[(u64, u32)]) -> Vec<Beat> {
    let Request { tag, stream, .. } = *request;
    let count = spans.len();
    let beat = |(place, (pa, span)): (usize, &(u64, u32))| {
        let (first, last) = (place == 0, place + 1 == count);
        Beat { tag, stream, fault: Fault::Granted, pa: *pa, span: *span, table, epoch: false, first, last }
    };
    spans.iter().enumerate().map(beat).collect()
}

/// Requests with the beats that they must get, and updates that must be accepted, in order.
#[derive(Default)]
struct Scenario {
    steps: Vec<Step>,
    /// Epoch of each table.
    epochs: BTreeMap<u16, bool>,
    /// Slots that are present: putting a page over another is a fence.
    present: BTreeSet<(u16, u32)>,
}

enum Step {
    Update(Update),
    Ask(Request, Vec<Beat>),
}

impl Scenario {
    fn new(region: Region) -> Scenario {
        let mut scenario = Scenario::default();
        with_region(region).into_iter().for_each(|update| scenario.update(update));
        scenario
    }

    fn update(&mut self, update: Update) {
        let fenced = match update {
            Update::SetSlot { table, slot, .. } => (!self.present.insert((table, slot))).then_some(table),
            Update::ClearSlot { table, slot } => {
                self.present.remove(&(table, slot));
                Some(table)
            }
            Update::Freeze { table } | Update::Invalidate { table, .. } => Some(table),
            _ => None,
        };
        if let Some(table) = fenced {
            let epoch = self.epochs.entry(table).or_default();
            *epoch = !*epoch;
        }
        self.steps.push(Step::Update(update));
    }

    /// A request and its beats, which get the epoch of their table.
    fn ask(&mut self, request: Request, mut beats: Vec<Beat>) {
        for beat in &mut beats {
            let epoch = self.epochs.get(&beat.table).copied().unwrap_or(false);
            beat.epoch = epoch && beat.fault != Fault::UnknownNetwork;
        }
        self.steps.push(Step::Ask(request, beats));
    }

    /// A request for table 0 that is granted, from `WINDOW` on: offset in bytes and bytes of each span.
    fn granted(&mut self, request: Request, spans: &[(u64, u32)]) {
        let spans: Vec<_> = spans.iter().map(|(offset, bytes)| ((WINDOW << 12) + offset, *bytes)).collect();
        self.ask(request, grant(&request, 0, &spans));
    }

    /// A request for table 0 that is granted without any bytes.
    fn granted_empty(&mut self, request: Request) {
        self.ask(request, grant(&request, 0, &[(0, 0)]));
    }

    /// A request for table 0 that is refused.
    fn refused(&mut self, request: Request, fault: Fault) {
        self.ask(request, refusal(&request, 0, fault));
    }

    /// Plays it on every engine: requests stream, one a cycle, up to the next update.
    fn play(&self) {
        for kind in EngineKind::ALL {
            let config = Preset::Tiny.config();
            let mut unit = Unit::new(kind, &config, Options { seed: 9, ..Options::default() }).unwrap();
            for step in &self.steps {
                match step {
                    Step::Update(update) => {
                        assert_eq!(unit.update(update).unwrap(), Ok(0), "{kind}: {update:x?}");
                    }
                    Step::Ask(request, _) => unit.submit(request).unwrap(),
                }
            }
            for step in &self.steps {
                let Step::Ask(request, beats) = step else { continue };
                let reply = unit.poll().unwrap().expect("every request has its reply");
                assert_eq!(reply.beats, *beats, "{kind}: {request:x?}");
            }
            assert_eq!(unit.outstanding(), 0);
            unit.finish().unwrap();
        }
    }
}

#[test]
fn bounds_do_not_wrap_at_33_bits() {
    let mut line = Scenario::new(region());
    line.granted(request(), &[(0x3_0000, 64)]);
    // Whole multiples of 2^32, 2^33 and more away, everything below is in bounds.
    for bit in 32..64 {
        for va in [BASE.wrapping_add(1 << bit), BASE.wrapping_sub(1 << bit)] {
            line.refused(Request { va, ..request() }, Fault::OutOfBounds);
        }
    }
    // A bound up to 2^31 from the region's last byte on.
    for bit in 1..=31 {
        let va = BASE + LENGTH - 1;
        line.refused(Request { va, length: 1, bound: 1 << bit, ..request() }, Fault::OutOfBounds);
    }
    let last = Request { va: BASE + LENGTH - 1, length: 1, bound: 1, ..request() };
    line.granted(last, &[(0xfff, 1)]);
    line.play();

    // A region longer than 33 bits: its middle is in bounds, both of its ends are where they are.
    let length = 3 << 33;
    let long = Region { length, page_size: 3, first_slot: 0, ..region() };
    let mut line = Scenario::default();
    let window = Slices { window_base: 0, window_count: 64 << 18, ..slices(0) };
    line.update(Update::SetTable { table: 0, slices: window });
    line.update(Update::Bind { table: 0, net_id: VM });
    for slot in 0..24 {
        line.update(Update::SetSlot { table: 0, slot, frame: u64::from(slot + 1) << 18, page_size: 3 });
    }
    line.update(Update::Install { table: 0, key: KEY, region: long });
    for gigabytes in 0..24 {
        let asked = Request { va: BASE + (gigabytes << 30) + 64, ..request() };
        let beats = grant(&asked, 0, &[(((gigabytes + 1) << 30) + 64, 64)]);
        line.ask(asked, beats);
    }
    for va in [BASE - 1, BASE + length - 63, BASE + length, BASE + (1 << 35)] {
        line.refused(Request { va, ..request() }, Fault::OutOfBounds);
    }
    line.play();
}

#[test]
fn bounds_compare_more_than_the_upper_32_bits() {
    let mut line = Scenario::new(region());
    for va in [BASE + LENGTH, BASE + 0x8000, BASE + 0xffff_f000] {
        assert_eq!(va >> 32, BASE >> 32);
        line.refused(Request { va, ..request() }, Fault::OutOfBounds);
    }
    // One byte too far, for each number of bytes.
    for length in [1, 2, 63, 64, 65, 4096] {
        let va = BASE + LENGTH - u64::from(length);
        let inside = Request { va, length, bound: length, ..request() };
        line.granted(inside, &[(4096 - u64::from(length), length)]);
        line.refused(Request { va: va + 1, ..inside }, Fault::OutOfBounds);
        line.refused(Request { bound: length + 1, ..inside }, Fault::OutOfBounds);
    }
    line.play();

    // Below the base, with the same upper 32 bits.
    let base = BASE + 0x10_0000;
    let mut line = Scenario::new(Region { base, ..region() });
    for va in [BASE, base - 4096, base - 64, base - 1] {
        line.refused(Request { va, ..request() }, Fault::OutOfBounds);
    }
    line.granted(Request { va: base, ..request() }, &[(0x3_0000, 64)]);
    line.play();
}

#[test]
fn va_plus_length_does_not_overflow_cve_2016_8636() {
    let mut line = Scenario::new(region());
    for back in [1, 8, 63] {
        line.refused(Request { va: 0u64.wrapping_sub(back), ..request() }, Fault::AddressWrap);
    }
    // A sum that wraps by the bound, although the request's own bytes do not.
    line.refused(Request { va: u64::MAX - 63, bound: 65, ..request() }, Fault::AddressWrap);
    let longest = Request { va: u64::MAX - 0x7fff_fffe, bound: 1 << 31, ..request() };
    line.refused(longest, Fault::AddressWrap);
    line.play();

    // The sum wraps to an address inside this region; exactly 2^64 is no wrap, but far out.
    let mut line = Scenario::new(Region { base: 0, ..region() });
    line.refused(Request { va: u64::MAX, ..request() }, Fault::AddressWrap);
    line.refused(Request { va: u64::MAX - 63, bound: 64 + 0x1000, ..request() }, Fault::AddressWrap);
    line.refused(Request { va: u64::MAX - 63, ..request() }, Fault::OutOfBounds);
    line.granted(Request { va: 0, ..request() }, &[(0x3_0000, 64)]);
    line.play();

    // A region that ends at 2^64 grants its last bytes, and none behind them.
    let mut line = Scenario::new(Region { base: 0u64.wrapping_sub(LENGTH), ..region() });
    line.granted(Request { va: u64::MAX - 63, ..request() }, &[(0xfc0, 64)]);
    line.refused(Request { va: u64::MAX - 62, ..request() }, Fault::AddressWrap);
    line.refused(Request { va: 0, ..request() }, Fault::OutOfBounds);
    line.play();
}

#[test]
fn a_zero_length_region_grants_no_bytes_cve_2023_25775() {
    let mut line = Scenario::new(Region { length: 0, ..region() });
    for va in [BASE, BASE - 1, BASE + 1, 0, u64::MAX - 1] {
        line.refused(Request { va, length: 1, bound: 1, ..request() }, Fault::OutOfBounds);
        line.refused(Request { va, length: 0, bound: 1, ..request() }, Fault::OutOfBounds);
    }
    for op in [Op::RemoteRead, Op::RemoteWrite, Op::LocalRead, Op::LocalWrite] {
        line.refused(Request { op, ..request() }, Fault::OutOfBounds);
        line.granted_empty(Request { op, length: 0, bound: 0, ..request() });
    }
    let atomic = Request { op: Op::RemoteAtomic, length: 8, bound: 8, ..request() };
    line.refused(atomic, Fault::OutOfBounds);
    line.play();
}

#[test]
fn a_region_across_a_4_gib_border() {
    let mut line = Scenario::new(Region { base: 0x1_ffff_e000, ..region() });
    let across = Request { va: 0x1_ffff_ffe0, ..request() };
    line.granted(across, &[(0x2_0fe0, 32), (0x1_0000, 32)]);
    let whole_page = Request { va: 0x1_ffff_f001, length: 4096, bound: 4096, ..request() };
    line.granted(whole_page, &[(0x2_0001, 4095), (0x1_0000, 1)]);
    line.granted(Request { va: 0x1_ffff_e000, ..request() }, &[(0x3_0000, 64)]);
    line.granted(Request { va: 0x2_0000_0000, ..request() }, &[(0x1_0000, 64)]);
    line.granted(Request { va: 0x2_0000_1fc0, ..request() }, &[(0xfc0, 64)]);
    for va in [0x2_0000_1fc1, 0x1_0000_0000, 0xffff_e000, 0x2_ffff_f000, 0x1_ffff_dfff, 0x3_0000_0000] {
        line.refused(Request { va, ..request() }, Fault::OutOfBounds);
    }
    line.play();
}

#[test]
fn no_stale_slot_after_re_registration() {
    let mut line = Scenario::new(region());
    // The same key index, another variant, another slot and frame; then the old slot goes.
    line.granted(request(), &[(0x3_0000, 64)]);
    line.update(set_slot(20, WINDOW + 0x99));
    let moved = Region { first_slot: 20, length: 0x1000, ..region() };
    line.granted(request(), &[(0x3_0000, 64)]);
    line.update(Update::Install { table: 0, key: KEY ^ 1, region: moved });
    let renewed = Request { key: KEY ^ 1, ..request() };
    line.refused(request(), Fault::InvalidKey);
    line.granted(renewed, &[(0x9_9000, 64)]);
    line.update(Update::ClearSlot { table: 0, slot: SLOT });
    line.refused(request(), Fault::InvalidKey);
    line.granted(renewed, &[(0x9_9000, 64)]);
    line.refused(Request { va: BASE + 0x1000, ..renewed }, Fault::OutOfBounds);
    // A cleared slot is absent, not what it was; a replaced one is the new frame.
    line.update(Update::ClearSlot { table: 0, slot: 20 });
    line.refused(renewed, Fault::PageAbsent);
    line.update(set_slot(20, WINDOW + 0x55));
    line.granted(renewed, &[(0x5_5000, 64)]);
    line.update(set_slot(20, WINDOW + 0x56));
    line.granted(renewed, &[(0x5_6000, 64)]);
    // The old key comes back with other memory behind it.
    line.update(Update::Install { table: 0, key: KEY, region: moved });
    line.granted(request(), &[(0x5_6000, 64)]);
    line.refused(renewed, Fault::InvalidKey);
    line.play();
}

#[test]
fn two_vms_hold_the_same_key_for_different_memory() {
    let mut line = Scenario::new(region());
    line.update(Update::SetTable { table: 1, slices: slices(1) });
    line.update(Update::Bind { table: 1, net_id: OTHER_VM });
    let frame = WINDOW + WINDOW_COUNT + 0x77;
    line.update(Update::SetSlot { table: 1, slot: SLOT, frame, page_size: 0 });
    let theirs = Region { length: 0x1000, ..region() };
    line.update(Update::Install { table: 1, key: KEY, region: theirs });

    let other = Request { net_id: OTHER_VM, ..request() };
    let other_granted = grant(&other, 1, &[(frame << 12, 64)]);
    let other_refused = |fault| refusal(&other, 1, fault);
    // In consecutive cycles, the one and the other.
    for _ in 0..20 {
        line.granted(request(), &[(0x3_0000, 64)]);
        line.ask(other, other_granted.clone());
    }
    let far = Request { va: BASE + 0x1000, ..request() };
    line.granted(far, &[(0x2_0000, 64)]);
    line.ask(Request { net_id: OTHER_VM, ..far }, other_refused(Fault::OutOfBounds));
    let nobody = Request { net_id: NetId::from_u128(0x0a00_0302), ..request() };
    line.refused(nobody, Fault::UnknownNetwork);

    // What happens to one does not happen to the other.
    line.update(Update::Freeze { table: 0 });
    line.refused(request(), Fault::Frozen);
    line.ask(other, other_granted);
    line.update(Update::Invalidate { table: 1, key: KEY });
    line.update(Update::Thaw { table: 0 });
    line.granted(request(), &[(0x3_0000, 64)]);
    line.ask(other, other_refused(Fault::InvalidKey));
    line.play();
}

/// The unit of preset tiny, described once.
fn tiny() -> &'static (Config, Arc<Module>) {
    static TINY: OnceLock<(Config, Arc<Module>)> = OnceLock::new();
    TINY.get_or_init(|| {
        let config = Preset::Tiny.config();
        let module = engine::describe(&config).expect("a preset can be described");
        (config, module)
    })
}

/// Registrations that follow each other in a race.
const GENERATIONS: u64 = 200;

/// The variant of the key of one generation: all differ.
fn key_of(generation: u64) -> u32 {
    0x0500 | generation as u32
}

/// Generations use two halves of the slots in turn, and never the same frame.
fn first_slot_of(generation: u64) -> u32 {
    SLOT + 4 * (generation % 2) as u32
}

fn frame_of(generation: u64, page: u64) -> u64 {
    WINDOW + 4 * generation + page
}

/// How far away the frame is that takes a frame's place while its slot is in use.
const MOVED: u64 = 4 * GENERATIONS;

/// Sets the new slots, installs over the old region, clears the old slots; then moves a page that is in use.
fn re_register(generation: u64) -> Vec<Update> {
    let slot = first_slot_of(generation);
    let mut updates: Vec<_> =
        (0..4).map(|page| set_slot(slot + page, frame_of(generation, u64::from(page)))).collect();
    let region = Region { first_slot: slot, ..region() };
    updates.push(Update::Install { table: 0, key: key_of(generation), region });
    if generation > 0 {
        let old = first_slot_of(generation - 1);
        updates.extend((0..4).map(|page| Update::ClearSlot { table: 0, slot: old + page }));
    }
    let page = (generation % 3) as u32;
    updates.push(set_slot(slot + page, frame_of(generation, u64::from(page)) + MOVED));
    updates
}

/// The request that comes next, with the key of `generation`: every page, single spans and two of them.
fn racer(number: u64, generation: u64, two_spans: bool) -> Request {
    let length = if two_spans && number.is_multiple_of(3) { 4096 } else { 64 };
    let va = BASE + number % 3 * 0x1000 + 0x800 + 0x800 * (number / 3 % 2);
    let (tag, stream) = (number as u32 & 0xff, generation as u32 & 0xff);
    Request { key: key_of(generation), va, length, bound: length, tag, stream, ..request() }
}

/// What a race has met.
#[derive(Debug, Default, PartialEq, Eq)]
struct Race {
    /// Requests granted.
    granted: u64,
    /// Requests with a key that was not valid yet, or not any more.
    invalid: u64,
    /// Updates' tokens.
    tokens: u64,
    /// Tokens whose cycle lies right between those of two requests.
    tight: u64,
}

/// Re-registers again and again while requests with the keys of the last, the present and the next generation enter.
fn race(kind: EngineKind, stalls: Stalls, two_spans: bool) -> Race {
    let (config, module) = tiny();
    let engine = engine::open(kind, module, EngineOptions { seed: 3, ..EngineOptions::default() }).unwrap();
    let mut driver = Driver::new(engine, config, 5, stalls, IdlePayload::Noise).unwrap();
    let mut scoreboard = Scoreboard::new(config);
    let mut commands: Vec<(u64, Command)> = Vec::new();
    let setup =
        [Update::SetTable { table: 0, slices: slices(0) }, Update::Bind { table: 0, net_id: VM }].to_vec();
    for (generation, updates) in [(0, setup)].into_iter().chain((0..GENERATIONS).map(|g| (g, re_register(g))))
    {
        commands.extend(updates.iter().flat_map(Update::encode).map(|command| (generation, command)));
    }
    commands.iter().for_each(|(_, command)| driver.command(*command));

    let (mut seen, mut number) = (Race::default(), 0);
    let (mut accepted_in, mut tokens_in) = (Vec::new(), Vec::new());
    let mut asked = VecDeque::new();
    while driver.open_commands() > 0 || !driver.is_idle() {
        // Few wait before the port, so that their keys are of the time.
        let position = commands.len() - driver.open_commands();
        while driver.open_commands() > 0 && driver.queued_requests() < 3 {
            let present = commands.get(position).map_or(GENERATIONS - 1, |(generation, _)| *generation);
            let generation = (present + [0, 1, 0, 2][number as usize % 4]).saturating_sub(1);
            driver.request(racer(number, generation.min(GENERATIONS - 1), two_spans), config).unwrap();
            number += 1;
        }
        let mut events = Vec::new();
        driver.step(&mut events).unwrap_or_else(|error| panic!("{kind}: {error}"));
        for timed in &events {
            scoreboard.observe(timed).unwrap_or_else(|mismatch| panic!("{kind}: {mismatch}"));
            match timed.event {
                Event::Accepted(request) => {
                    accepted_in.push(timed.cycle);
                    asked.push_back(request);
                }
                // Staged words are no tokens: they enter no pipeline.
                Event::Commanded(command) if command.op == UpdateOp::Stage.code() => {}
                Event::Commanded(_) => tokens_in.push(timed.cycle),
                Event::Answered(answer) => assert_eq!(answer, Ok(0), "{kind}"),
                Event::Taken(beat) => {
                    let request = asked[0];
                    check_generation(&request, &beat, &mut seen);
                    if beat.last {
                        asked.pop_front();
                    }
                }
                Event::Shown(_) | Event::Stalled | Event::Retired(_) => {}
            }
        }
    }
    scoreboard.finish().unwrap_or_else(|mismatch| panic!("{kind}: {mismatch}"));
    driver.finish().unwrap();
    let accepted = |cycle: u64| accepted_in.binary_search(&cycle).is_ok();
    let tight = tokens_in.iter().filter(|cycle| {
        let cycle = **cycle;
        assert!(!accepted(cycle), "{kind}: a token and a request in cycle {cycle}");
        accepted(cycle - 1) && accepted(cycle + 1)
    });
    seen.tokens = tokens_in.len() as u64;
    seen.tight = tight.count() as u64;
    seen
}

/// Without the model: a key grants pages of its own registration only, and while it is valid all of them are present.
fn check_generation(request: &Request, beat: &Beat, seen: &mut Race) {
    let generation = u64::from(request.key & 0xff);
    if matches!(beat.fault, Fault::UnknownNetwork | Fault::InvalidKey) {
        seen.invalid += 1;
        return;
    }
    assert_eq!(beat.fault, Fault::Granted, "{request:x?}: {beat:x?}");
    seen.granted += u64::from(beat.first);
    let page = ((request.va - BASE) >> 12) + u64::from(!beat.first);
    let first = frame_of(generation, page);
    let frame = beat.pa >> 12;
    assert!(frame == first || frame == first + MOVED && page == generation % 3, "{request:x?}: {beat:x?}");
}

#[test]
fn no_stale_slot_while_re_registration_races_with_requests() {
    let slow = Stalls { response: Pace::Percent(70), ..Stalls::NONE };
    let uneven = Stalls { response: Pace::Stretches(20), request: Pace::Percent(80), ..Stalls::NONE };
    for (stalls, two_spans) in [(Stalls::NONE, false), (Stalls::NONE, true), (slow, true), (uneven, false)] {
        let races = [EngineKind::Native, EngineKind::Verilator].map(|kind| {
            let seen = race(kind, stalls, two_spans);
            println!("{kind}, {stalls:?}, two spans {two_spans}: {seen:?}");
            assert!(seen.granted > 10 * GENERATIONS, "{seen:?}");
            assert!(seen.invalid > 10 * GENERATIONS, "{seen:?}");
            seen
        });
        assert_eq!(races[0], races[1], "engines play the same race");
        // Two of the setup, ten of each re-registration, of which the first clears nothing. Where neither spans
        // nor stalls use up credits, every one goes in between two requests.
        assert_eq!(races[0].tokens, 2 + 10 * GENERATIONS - 4);
        let undisturbed = stalls == Stalls::NONE && !two_spans;
        let least = if undisturbed { races[0].tokens } else { GENERATIONS };
        assert!(races[0].tight >= least, "{races:?}");
    }
}
