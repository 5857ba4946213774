//! What the pictures show.

use std::path::Path;

use stagecoach_cosim::driver::{Event, Timed};
use stagecoach_cosim::{
    Driver, EngineKind, EngineOptions, Error as EngineError, IdlePayload, Spans, Stalls, engine,
};
use stagecoach_spec::latency::updates::UpdateCycles;
use stagecoach_spec::{Access, Config, NetId, Op, Preset, Region, Request, Slices, Update};

use super::View;

/// The table that the pictures are about, and another.
const TABLE: u16 = 0;
const OTHER: u16 = 1;
const KEY: u32 = 0x15a;
/// Where the region starts.
const BASE: u64 = 0x4000;
/// Within a page, and 32 bytes before a border of pages.
const WITHIN: u64 = BASE + 0x240;
const BEFORE_BORDER: u64 = BASE + 0xfe0;

/// A unit with two tables, whose waveform begins when they are set up.
struct Bench {
    config: Config,
    driver: Driver,
    events: Vec<Timed>,
}

impl Bench {
    fn new(wave: &Path) -> Result<Bench, EngineError> {
        let config = Preset::Tiny.config();
        let module = engine::describe(&config)?;
        let engine = engine::open(EngineKind::Native, &module, EngineOptions::default())?;
        let driver = Driver::new(engine, &config, 1, Stalls::NONE, IdlePayload::Zeros)?;
        let mut bench = Bench { config, driver, events: Vec::new() };
        bench.set_up(TABLE)?;
        bench.set_up(OTHER)?;
        bench.driver.open_wave(wave)?;
        bench.steps(4)?;
        bench.events.clear();
        Ok(bench)
    }

    fn set_up(&mut self, table: u16) -> Result<(), EngineError> {
        let number = u32::from(table);
        let window_base = 0x10 * u64::from(number + 1);
        let slices = Slices {
            region_base: 8 * number,
            region_count: 8,
            slot_base: 16 * number,
            slot_count: 16,
            window_base,
            window_count: 0x10,
        };
        let region = Region {
            base: BASE,
            length: 0x2000,
            first_offset: 0,
            rights: Access::LOCAL_WRITE | Access::REMOTE_WRITE | Access::REMOTE_READ,
            page_size: 0,
            first_slot: 0,
            pd: 1,
        };
        let updates = [
            Update::SetTable { table, slices },
            Update::SetSlot { table, slot: 0, frame: window_base + 2, page_size: 0 },
            Update::SetSlot { table, slot: 1, frame: window_base + 7, page_size: 0 },
            Update::Install { table, key: KEY, region },
            Update::Bind { table, net_id: net_id(table) },
        ];
        updates.iter().flat_map(Update::encode).for_each(|command| self.driver.command(command));
        while !self.driver.is_idle() {
            self.steps(1)?;
        }
        Ok(())
    }

    fn ask(&mut self, table: u16, va: u64, length: u32) -> Result<(), EngineError> {
        let request = Request {
            net_id: net_id(table),
            key: KEY,
            pd: 1,
            op: Op::RemoteWrite,
            va,
            length,
            bound: length,
            stream: 0,
            tag: 0,
        };
        self.driver.request(request, &self.config)
    }

    fn steps(&mut self, cycles: u64) -> Result<(), EngineError> {
        (0..cycles).try_for_each(|_| self.driver.step(&mut self.events))
    }

    /// The cycle of the first event that is wanted; 0 if there was none, of which no waveform is.
    fn first(&self, wanted: impl Fn(&Event) -> bool) -> u64 {
        self.events.iter().find(|timed| wanted(&timed.event)).map_or(0, |timed| timed.cycle)
    }
}

fn net_id(table: u16) -> NetId {
    NetId::from_u128(if table == TABLE { 0xaa } else { 0xbb })
}

/// A request of one span.
pub(super) fn lookup(wave: &Path) -> Result<View, EngineError> {
    let mut bench = Bench::new(wave)?;
    bench.ask(TABLE, WITHIN, 0x40)?;
    bench.steps(30)?;
    bench.driver.finish()?;
    Ok(View {
        origin: bench.first(|event| matches!(event, Event::Accepted(_))),
        cycles: -1..=22,
        signals: &[
            "req_valid",
            "req_ready",
            "request_request",
            "binding_request",
            "table_request",
            "slice_request",
            "region_request",
            "bounds_request",
            "decide_stage_out_valid",
            "expand_request",
            "slot_request",
            "rsp_valid",
            "rsp_fault",
            "rsp_span",
        ],
        title: "A lookup: accepted in cycle 0, first beat in cycle 20",
    })
}

/// A request of two spans, 32 bytes in each, both retired at once.
pub(super) fn two_spans(wave: &Path) -> Result<View, EngineError> {
    let mut bench = Bench::new(wave)?;
    bench.ask(TABLE, BEFORE_BORDER, 0x40)?;
    bench.steps(32)?;
    bench.driver.finish()?;
    Ok(View {
        origin: bench.first(|event| matches!(event, Event::Accepted(_))),
        cycles: -1..=23,
        signals: &[
            "req_valid",
            "req_va",
            "req_length",
            "decide_stage_out_valid",
            "expand_request",
            "slot_request",
            "rsp_valid",
            "rsp_first",
            "rsp_last",
            "rsp_pa",
            "rsp_span",
            "ret_valid",
            "ret_frame",
        ],
        title: "An access across a border of pages: one request, two beats, two retirements",
    })
}

/// `invalidate` behind a request whose span is retired late; the other table asks in every third cycle.
pub(super) fn fence(wave: &Path) -> Result<View, EngineError> {
    /// From the acceptance of an `invalidate` to the retirement of the span that it waits for.
    const RETIRED: u64 = 26;
    /// From there to the end of the picture: the answer is in it.
    const SHOWN: u64 = 34;
    let mut bench = Bench::new(wave)?;
    // From its offer to its acceptance: a cycle in which it is taken up, and one in which its token is prepared.
    let cycles = UpdateCycles::of(&bench.config);
    let judged = u64::from(cycles.take + cycles.look + cycles.judge) + 2;
    bench.driver.hold_retirements(Spans::Table(TABLE));
    let update = Update::Invalidate { table: TABLE, key: KEY };
    update.encode().into_iter().for_each(|command| bench.driver.command(command));
    for cycle in 0..judged + RETIRED + SHOWN {
        if cycle % 3 == 0 {
            bench.ask(OTHER, WITHIN, 0x40)?;
        }
        if cycle == judged - 1 || cycle == judged + 1 {
            bench.ask(TABLE, WITHIN, 0x40)?;
        }
        if cycle == judged + RETIRED {
            bench.driver.retire_next(TABLE);
        }
        bench.steps(1)?;
    }
    bench.driver.finish()?;
    Ok(View {
        origin: bench.first(|event| matches!(event, Event::Commanded(_))),
        cycles: -2..=(RETIRED + SHOWN) as i64 - 2,
        signals: &[
            "req_valid",
            "req_net_id",
            "upd_valid",
            "upd_ready",
            "upd_done",
            "rsp_valid",
            "rsp_table",
            "rsp_epoch",
            "rsp_fault",
            "ret_valid",
            "ret_table",
            "ret_epoch",
        ],
        title: "A fence: invalidate of table 0 waits for the span that was granted before it; table 1 goes on",
    })
}
