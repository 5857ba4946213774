//! A small unit with a few tables, all alike, in a testbench on the native engine.

#![allow(dead_code, reason = "each test file uses some of it")]

use stagecoach_cosim::driver::Event;
use stagecoach_cosim::{EngineKind, EngineOptions, Stalls, Testbench, engine};
use stagecoach_spec::latency::RETIRE_CYCLES;
use stagecoach_spec::{
    Access, Answer, Beat, Config, NetId, Op, Preset, Protection, Region, Request, Slices, Update,
};

/// Tables that [`load`] sets.
pub const TABLES: u16 = 3;
/// Frames of a table's window.
pub const WINDOW: u64 = 0x1000;
/// Pages of the region at [`KEY`].
pub const PAGES: u32 = 8;
/// The key that is valid in every table: index 2, variant 0x5a.
pub const KEY: u32 = 0x025a;
/// Another one, of a region of the same pages in reverse.
pub const OTHER_KEY: u32 = 0x03a5;
/// Where the region of either key starts.
pub const BASE: u64 = 0x7000_0000;
/// A present slot that no region uses.
pub const SPARE_SLOT: u32 = 2 * PAGES;
/// A slot that is absent.
pub const EMPTY_SLOT: u32 = 2 * PAGES + 1;

/// Room for four tables.
pub fn config() -> Config {
    Config {
        name: "small".into(),
        tables: 4,
        bindings: 8,
        regions: 32,
        slots: 128,
        physical_address_bits: 32,
        max_request_bytes: 16384,
        dirty_words: 256,
        max_in_flight: 512,
        protection: Protection::None,
        ..Preset::Tiny.config()
    }
}

/// A testbench that was just initialised, with nothing set.
pub fn empty(config: &Config, stalls: Stalls) -> Testbench {
    let module = engine::describe(config).expect("the configuration can be described");
    let options = EngineOptions { seed: 5, ..EngineOptions::default() };
    let engine = engine::open(EngineKind::Native, &module, options).expect("the native engine needs no tool");
    Testbench::new(engine, config, 7, stalls).expect("the unit initialises itself")
}

/// As [`empty`], with [`load`]ed tables.
pub fn loaded(config: &Config, stalls: Stalls) -> Testbench {
    let mut bench = empty(config, stalls);
    (0..TABLES).for_each(|table| load(&mut bench, table));
    bench
}

/// The identifier of a table; each has a second one, to be unbound.
pub fn net_id(table: u16) -> NetId {
    NetId::from_u128(0x0a00_0102 + (u128::from(table) << 8))
}

pub fn second_net_id(table: u16) -> NetId {
    NetId::from_u128(0x0b00_0102 + (u128::from(table) << 8))
}

pub fn slices(table: u16) -> Slices {
    let n = u32::from(table);
    Slices {
        region_base: n * 8,
        region_count: 8,
        slot_base: n * 32,
        slot_count: 32,
        window_base: window_base(table),
        window_count: WINDOW,
    }
}

/// No multiple of a granule but the smallest.
pub fn window_base(table: u16) -> u64 {
    0x1003 + u64::from(table) * WINDOW
}

/// The frame of a page of the region at [`KEY`]: neighbours lie apart.
pub fn frame(table: u16, page: u32) -> u64 {
    window_base(table) + 5 + 0x101 * u64::from(page)
}

pub fn region(first_slot: u32) -> Region {
    Region {
        base: BASE,
        length: u64::from(PAGES) * 4096,
        first_offset: 0,
        rights: Access::ALL,
        page_size: 0,
        first_slot,
        pd: 1,
    }
}

/// Sets a table with two identifiers, the regions of both keys, and a spare slot.
pub fn load(bench: &mut Testbench, table: u16) {
    let set_slot = |slot, frame| Update::SetSlot { table, slot, frame, page_size: 0 };
    let mut updates = vec![Update::SetTable { table, slices: slices(table) }];
    for page in 0..PAGES {
        updates.push(set_slot(page, frame(table, page)));
        updates.push(set_slot(PAGES + page, frame(table, PAGES - 1 - page)));
    }
    updates.push(set_slot(SPARE_SLOT, window_base(table)));
    updates.push(Update::Install { table, key: KEY, region: region(0) });
    updates.push(Update::Install { table, key: OTHER_KEY, region: region(PAGES) });
    updates.push(Update::Bind { table, net_id: net_id(table) });
    updates.push(Update::Bind { table, net_id: second_net_id(table) });
    for update in updates {
        done(bench, update);
    }
}

/// Bytes of one page of the region at [`KEY`].
pub fn access(table: u16, op: Op, page: u32) -> Request {
    Request {
        net_id: net_id(table),
        key: KEY,
        pd: 1,
        op,
        va: BASE + 4096 * u64::from(page) + 8 * u64::from(page),
        length: 8,
        bound: 8,
        stream: table.into(),
        tag: page,
    }
}

/// Plays an update that succeeds; gives its result.
pub fn done(bench: &mut Testbench, update: Update) -> u64 {
    match answer(bench, update) {
        Ok(result) => result,
        Err(error) => panic!("{update:x?}: {error}"),
    }
}

pub fn answer(bench: &mut Testbench, update: Update) -> Answer {
    bench.update(&update).unwrap_or_else(|failure| panic!("{update:x?}: {failure}"))
}

/// Asks, and waits until everything has left and is retired, and so long that a harvest will see it.
pub fn ask(bench: &mut Testbench, request: &Request) -> Vec<Beat> {
    let seen = bench.trace().len();
    bench.ask(request).expect("the request fits its port");
    settle(bench);
    taken(bench, seen)
}

/// The beats that were taken since a place of the trace.
pub fn taken(bench: &Testbench, since: usize) -> Vec<Beat> {
    let taken = bench.trace()[since..].iter().filter_map(|timed| match timed.event {
        Event::Taken(beat) => Some(beat),
        _ => None,
    });
    taken.collect()
}

/// Waits until nothing moves any more and every retirement counts.
pub fn settle(bench: &mut Testbench) {
    bench.settle().unwrap_or_else(|failure| panic!("{failure}"));
    steps(bench, RETIRE_CYCLES.into());
}

pub fn steps(bench: &mut Testbench, cycles: u64) {
    bench.steps(cycles).unwrap_or_else(|failure| panic!("{failure}"));
}

/// Plays until a condition holds.
pub fn until(bench: &mut Testbench, what: &str, holds: impl Fn(&Testbench) -> bool) {
    for _ in 0..2_000 {
        if holds(bench) {
            return;
        }
        steps(bench, 1);
    }
    panic!("{what} never came");
}

/// The cycles in which requests with this stream were accepted.
pub fn accepted(bench: &Testbench, stream: u32) -> Vec<u64> {
    let accepted = bench.trace().iter().filter_map(|timed| match timed.event {
        Event::Accepted(request) if request.stream == stream => Some(timed.cycle),
        _ => None,
    });
    accepted.collect()
}

/// Plays to the end; everything must have been right.
pub fn finish(bench: Testbench) -> stagecoach_cosim::session::Outcome {
    bench.finish().unwrap_or_else(|failure| panic!("{failure}"))
}
