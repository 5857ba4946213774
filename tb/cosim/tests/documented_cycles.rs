//! The cycles that the documents name are those of the hardware: this prints the worked example of `docs/fences.md` and
//! the table of `docs/update-port.md`, and fails where a page says otherwise.

use std::collections::BTreeMap;
use std::path::Path;

use stagecoach_cosim::driver::{Event, Timed};
use stagecoach_cosim::{Driver, EngineKind, EngineOptions, IdlePayload, RetirePace, Spans, Stalls, engine};
use stagecoach_spec::{
    Access, Config, Counter, Fault, NetId, Op, PeekEntry, Preset, Region, Request, Slices, Update,
};

/// Both machines use this key.
const KEY: u32 = 0x5ee;
/// The machine with the fence, and the other.
const TABLE: u16 = 3;
const OTHER: u16 = 4;

struct Bench {
    config: Config,
    driver: Driver,
    events: Vec<Timed>,
}

impl Bench {
    fn new(retirement: RetirePace) -> Bench {
        let config = Preset::Roce.config();
        let module = engine::describe(&config).expect("the preset can be described");
        let engine = engine::open(EngineKind::Native, &module, EngineOptions::default()).expect("it runs");
        let stalls = Stalls { retirement, ..Stalls::NONE };
        let driver = Driver::new(engine, &config, 1, stalls, IdlePayload::Noise).expect("it initialises");
        let mut bench = Bench { config, driver, events: Vec::new() };
        for table in [TABLE, OTHER] {
            bench.set_up(table);
        }
        bench
    }

    /// As in `docs/bring-up.md`.
    fn set_up(&mut self, table: u16) {
        let place = u32::from(table - TABLE);
        let window_base = 0x40000 * u64::from(1 + place);
        let slices = Slices {
            region_base: 0x40 + 0x20 * place,
            region_count: 0x20,
            slot_base: 0x100 + 0x80 * place,
            slot_count: 0x80,
            window_base,
            window_count: 0x40000,
        };
        self.update(&Update::SetTable { table, slices });
        for (slot, frame) in [(0x10, 0x123), (0x11, 0x200), (0x12, 0x055)] {
            self.update(&Update::SetSlot { table, slot, frame: window_base + frame, page_size: 0 });
        }
        let region = Region {
            base: 0x7f12_3456_7800,
            length: 0x2000,
            first_offset: 0x800,
            rights: Access::LOCAL_WRITE | Access::REMOTE_WRITE | Access::REMOTE_READ,
            page_size: 0,
            first_slot: 0x10,
            pd: 1,
        };
        self.update(&Update::Install { table, key: KEY, region });
        self.update(&Update::Bind { table, net_id: net_id(table) });
    }

    fn step(&mut self) -> &[Timed] {
        let seen = self.events.len();
        self.driver.step(&mut self.events).expect("the ports keep their rules");
        &self.events[seen..]
    }

    fn ask(&mut self, request: Request) {
        self.driver.request(request, &self.config).expect("every field fits its port");
    }

    /// Plays an update while nothing else goes on; gives the cycles from the offer of its last command to the answer.
    fn update(&mut self, update: &Update) -> u64 {
        let mut cycles = 0;
        for command in update.encode() {
            while !self.driver.is_idle() {
                self.step();
            }
            let offered = self.driver.cycle();
            self.driver.command(command);
            cycles = loop {
                let answered = self.step().iter().find_map(|timed| match timed.event {
                    Event::Answered(answer) => Some((timed.cycle, answer)),
                    _ => None,
                });
                if let Some((cycle, answer)) = answered {
                    answer.unwrap_or_else(|error| panic!("{update:?}: {error}"));
                    break cycle - offered;
                }
            };
        }
        cycles
    }
}

fn net_id(table: u16) -> NetId {
    NetId::from_u128(0xffff_0a00_0002 + (u128::from(table - TABLE + 1) << 8))
}

fn write(table: u16, va: u64) -> Request {
    Request {
        net_id: net_id(table),
        key: KEY,
        pd: 1,
        op: Op::RemoteWrite,
        va,
        length: 0x100,
        bound: 0x100,
        stream: 0,
        tag: 0,
    }
}

/// 256 bytes over a border of pages: two spans.
const ACROSS: u64 = 0x7f12_3456_8f80;
/// Within a page.
const WITHIN: u64 = 0x7f12_3456_8800;

fn page(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the package lies in tb");
    std::fs::read_to_string(root.join("docs").join(name)).expect("the page is there")
}

fn assert_page_says(name: &str, lines: &[String]) {
    for line in lines {
        println!("{line}");
    }
    let page = page(name);
    for line in lines {
        assert!(page.lines().any(|said| said.trim_end() == line.trim_end()), "docs/{name} lacks `{line}`");
    }
}

/// Plays a fence amid the other machine's requests, one a cycle.
#[test]
fn the_worked_fence_takes_the_documented_cycles() {
    let mut bench = Bench::new(RetirePace::AtOnce);
    // How long an `invalidate` is judged, on another key.
    let region = Region {
        base: 0,
        length: 0,
        first_offset: 0,
        rights: Access::NONE,
        page_size: 0,
        first_slot: 0,
        pd: 1,
    };
    bench.update(&Update::Install { table: OTHER, key: 0x100, region });
    let offered = bench.driver.cycle();
    bench.update(&Update::Invalidate { table: OTHER, key: 0x100 });
    let accepted = bench.events.iter().rev().find(|timed| matches!(timed.event, Event::Commanded(_)));
    let judged = accepted.expect("it was accepted").cycle - offered;

    bench.events.clear();
    bench.driver.hold_retirements(Spans::Table(TABLE));
    for _ in 1..judged {
        bench.ask(write(OTHER, WITHIN));
    }
    // The last request before the fence, and the first behind it.
    bench.ask(write(TABLE, ACROSS));
    bench.ask(write(TABLE, ACROSS));
    for _ in 0..300 {
        bench.ask(write(OTHER, WITHIN));
    }
    let [command] = Update::Invalidate { table: TABLE, key: KEY }.encode()[..] else { panic!("one command") };
    bench.driver.command(command);
    let fence = bench.driver.cycle() + judged;
    for cycle in 0..judged + 300 {
        if [judged + 100, judged + 200].contains(&cycle) {
            assert!(bench.driver.retire_next(TABLE));
        }
        bench.step();
    }

    let mut lines = Vec::new();
    let mut answered = None;
    let (mut accepted, mut granted) = (0, 0);
    for Timed { cycle, event } in &bench.events {
        let cycle = *cycle as i64 - fence as i64;
        let mut say = |text: String| lines.push(format!("{cycle:5}  {text}"));
        let is_open = cycle > 0 && answered.is_none();
        match event {
            Event::Accepted(request) if request.net_id == net_id(TABLE) => {
                say("request of 10.0.1.2 accepted: 256 bytes in two pages".to_owned());
            }
            Event::Accepted(_) => accepted += u32::from(is_open),
            Event::Commanded(_) => say("invalidate accepted".to_owned()),
            Event::Answered(answer) => {
                assert_eq!(*answer, Ok(0));
                say("upd_done".to_owned());
                answered = Some(cycle);
            }
            Event::Taken(beat) if beat.table == TABLE => {
                let (fault, epoch) = (beat.fault, u8::from(beat.epoch));
                match fault {
                    Fault::Granted => say(format!("beat: {fault}, pa {:#x}, epoch {epoch}", beat.pa)),
                    _ => say(format!("beat: {fault}, epoch {epoch}")),
                }
            }
            Event::Taken(_) => granted += u32::from(is_open),
            Event::Retired(retirement) if retirement.table == TABLE => {
                say(format!("retired: frame {:#x}, epoch {}", retirement.frame, u8::from(retirement.epoch)));
            }
            _ => {}
        }
    }
    let answered = answered.expect("the fence ends");
    lines.push(format!(
        "10.0.2.2 meanwhile: {accepted} requests accepted, {granted} granted in {answered} cycles"
    ));
    assert_page_says("fences.md", &lines);
}

/// A fence whose own machine goes on asking in every cycle, each span retired 60 cycles after its beat.
#[test]
fn a_fence_under_unbroken_traffic_takes_the_documented_cycles() {
    let mut bench = Bench::new(RetirePace::After(60));
    bench.update(&Update::SetSlot { table: TABLE, slot: 0, frame: 0x40000, page_size: 0 });
    bench.events.clear();
    for _ in 0..600 {
        bench.ask(write(TABLE, WITHIN));
    }
    for _ in 0..150 {
        bench.step();
    }
    let [command] = Update::ClearSlot { table: TABLE, slot: 0 }.encode()[..] else { panic!("one command") };
    bench.driver.command(command);
    let mut accepted = None;
    let took = loop {
        let Some(timed) =
            bench.step().iter().find(|timed| matches!(timed.event, Event::Commanded(_) | Event::Answered(_)))
        else {
            continue;
        };
        match timed.event {
            Event::Commanded(_) => accepted = Some(timed.cycle),
            _ => break timed.cycle - accepted.expect("accepted before it is answered"),
        }
    };
    assert!(bench.driver.queued_requests() > 0, "the traffic did not pause");
    assert_page_says("fences.md", &[format!("clear_slot accepted to upd_done: {took} cycles")]);
}

/// The update port's table of cycles, without other traffic.
#[test]
fn updates_take_the_documented_cycles() {
    let mut bench = Bench::new(RetirePace::AtOnce);
    let table = TABLE;
    let slices = Slices {
        window_base: 0,
        window_count: 0x100,
        region_base: 0,
        region_count: 4,
        slot_base: 0,
        slot_count: 9,
    };
    let region = Region {
        base: 0x1000,
        length: 0x1000,
        first_offset: 0,
        rights: Access::REMOTE_READ,
        page_size: 0,
        first_slot: 0x20,
        pd: 1,
    };
    let new_slot = |frame| Update::SetSlot { table, slot: 0x20, frame, page_size: 0 };
    let peek = |entry| Update::Peek { entry, word: 0 };
    let another = NetId::from_u128(99);
    let updates = [
        ("`set_table`", Update::SetTable { table: 9, slices }),
        ("`bind`", Update::Bind { table, net_id: another }),
        ("`set_slot` of an absent slot", new_slot(0x40020)),
        ("`install`", Update::Install { table, key: 0x100, region }),
        ("`peek` of a region, a slot or the fault log", peek(PeekEntry::Region { table, index: 1 })),
        ("", peek(PeekEntry::Slot { table, slot: 0x20 })),
        ("", peek(PeekEntry::FaultLog { entry: 0 })),
        ("`peek` of a binding or table", peek(PeekEntry::Binding { entry: 0 })),
        ("", peek(PeekEntry::Table { table })),
        ("`read_counter`", Update::ReadCounter { table, counter: Counter::Requests(Fault::Granted) }),
        ("`set_slot` of a present slot, `clear_slot`, `invalidate`, `freeze`", new_slot(0x40021)),
        ("", Update::ClearSlot { table, slot: 0x20 }),
        ("", Update::Invalidate { table, key: 0x100 }),
        ("", Update::Freeze { table }),
        ("`thaw`", Update::Thaw { table }),
        ("`unbind`", Update::Unbind { table, net_id: another }),
        (
            "`track` of a window of 2^18 frames in granules of 2 MiB (8 words)",
            Update::Track { table, granule_shift: 21, dirty_base: 0 },
        ),
        ("`harvest`", Update::Harvest { table, word: 0 }),
        ("`track` that stops", Update::Track { table, granule_shift: 0, dirty_base: 0 }),
        ("`clear_table` with 4 regions and 9 slots", Update::ClearTable { table: 9 }),
    ];
    let mut rows: Vec<(&str, u64)> = Vec::new();
    for (name, update) in updates {
        let cycles = bench.update(&update);
        match rows.last() {
            Some((shared, before)) if name.is_empty() => assert_eq!(cycles, *before, "{shared} share a row"),
            _ => rows.push((name, cycles)),
        }
    }
    let unbound = bench.update(&Update::Unbind { table: OTHER, net_id: net_id(OTHER) });
    let by_name: BTreeMap<_, _> = rows.iter().copied().collect();
    assert_eq!(by_name["`unbind`"], unbound);
    rows.push((
        "`clear_table` with 32 regions and 128 slots",
        bench.update(&Update::ClearTable { table: OTHER }),
    ));
    let rows: Vec<_> = rows.iter().map(|(name, cycles)| format!("| {name} | {cycles} |")).collect();
    assert_page_says("update-port.md", &rows);
}
