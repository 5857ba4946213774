//! How long a VM is served by nobody while it moves, in cycles of two controllers in RTL, and what the time goes into.
//!
//! `cargo run --release -p stagecoach-cosim --example downtime` measures and writes `docs/performance/downtime.*`.
//!
//! The time from the freeze to the first grant at the destination, with clients asking at both machines all the time. Each
//! host's work is what its register accesses take; memory copies and digests take no cycles here, and the link's time is worked out from
//! the bytes that must cross it behind the freeze.

mod page;

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;

use stagecoach_cosim::machine::{Machine, Manner, Order};
use stagecoach_cosim::moves::{Asked, Outbox, Pair, Side};
use stagecoach_cosim::{EngineKind, Error};
use stagecoach_host::Driver;
use stagecoach_log::{Capacity, Change, Header, Log};
use stagecoach_migration::card::Place;
use stagecoach_migration::{Packet, RunError, Step, StopRule};
use stagecoach_protocol::{CardOperation, Effect, Message, Phase};
use stagecoach_spec::{
    Access, AccessRequest, Atomic, Config, Fault, NetId, Op, Preset, Region, Request, Slices,
};

/// Pages of each region.
const PAGES: u32 = 4;
/// Requests that clients keep under way at each machine.
const UNDER_WAY: u64 = 16;
/// Where each region begins.
const BASE: u64 = 0x7f00_0000_0000;

/// A move to measure.
#[derive(Clone, Copy, Debug)]
struct Case {
    regions: u32,
    /// Pages that the VM's CPU wrote since the last round.
    dirty: u32,
    /// Regions that were registered since the destination built its table.
    late: u32,
}

/// What a move took.
#[derive(Clone, Debug)]
struct Measured {
    case: Case,
    /// The fence: what was granted is finished.
    freeze: u64,
    /// Dirty words are harvested, the log is made.
    collect: u64,
    /// The table is built at the destination.
    rebuild: u64,
    /// Bind and thaw, to the first grant.
    bind: u64,
    /// Bytes that cross the link meanwhile: log, pages, digests.
    bytes: u64,
}

impl Measured {
    fn total(&self) -> u64 {
        self.freeze + self.collect + self.rebuild + self.bind
    }
}

fn config() -> Config {
    Preset::Roce.config()
}

fn net_id() -> NetId {
    NetId::from_u128(0xffff_0a00_0102)
}

fn place(number: usize) -> Place {
    let slices = Slices {
        region_base: 1024,
        region_count: 1024,
        slot_base: 4096,
        slot_count: 4096,
        window_base: 0x1000 * (1 + number as u64),
        window_count: 4096,
    };
    Place { config: config(), table: 3 + number as u16, slices, dirty_base: 0, bindings: 1 }
}

fn log(regions: u32) -> Log {
    let header = Header {
        net_ids: vec![net_id()],
        epoch: 1,
        page_shifts: vec![12],
        capacity: Capacity { regions: 1024, slots: 4096 },
    };
    Log::new(header, region_changes(0..regions)).expect("it is sound")
}

/// Registers some regions, each with pages of its own.
fn region_changes(regions: std::ops::Range<u32>) -> Vec<Change> {
    let slots = (regions.start * PAGES..regions.end * PAGES).map(|slot| Change::SetSlot {
        slot,
        page: slot.into(),
        page_size: 0,
    });
    let installs = regions.map(|number| {
        let region = Region {
            base: BASE,
            length: u64::from(PAGES) * 4096,
            first_offset: 0,
            rights: Access::ALL,
            page_size: 0,
            first_slot: number * PAGES,
            pd: 9,
        };
        Change::Install { key: number << 8 | 7, region }
    });
    slots.chain(installs).collect()
}

/// An effect: the cycle in which it began, the machine, and what it was.
type Began = (u64, usize, &'static str);

/// Two machines between which a VM moves.
struct Scene {
    case: Case,
    pair: Pair,
    steps: Rc<RefCell<Vec<Began>>>,
}

impl Scene {
    fn new(case: Case) -> Result<Scene, Error> {
        let config = config();
        let mut drivers = Vec::new();
        for number in 0..2 {
            let machine = Machine::new(EngineKind::Native, &config, number)?;
            let mut driver = Driver::open(machine).expect("it is a controller");
            driver.bus().read_log(100);
            driver.bus().slave.manner =
                Manner { least_cycles: 60, answers: 100, willing: 100, order: Order::Oldest };
            drivers.push(driver);
        }
        let drivers = drivers.try_into().unwrap_or_else(|_| unreachable!("there are two"));
        let rule = StopRule { few_pages: 0, most_rounds: 2 };
        let places = [place(0), place(1)];
        let pair = Pair::new(drivers, places, rule, &log(case.regions)).expect("there is room");
        Ok(Scene { case, pair, steps: Rc::default() })
    }

    /// Clients ask for reads and writes, wherever the VM is.
    fn ask(&mut self) {
        for rtl in &self.pair.rtl {
            let mut rtl = rtl.borrow_mut();
            for tag in rtl.driver.bus().under_way()..UNDER_WAY {
                let op = if tag % 2 == 0 { Op::RemoteRead } else { Op::RemoteWrite };
                let request = Request {
                    net_id: net_id(),
                    key: 7,
                    pd: 9,
                    op,
                    va: BASE + tag * 512,
                    length: 256,
                    bound: 256,
                    stream: 0,
                    tag: tag as u32,
                };
                let payload = if op == Op::RemoteWrite { vec![tag as u8; 256] } else { Vec::new() };
                rtl.ask(Asked { access: AccessRequest { request, atomic: Atomic::None }, payload, of: None });
            }
        }
    }

    fn works(&mut self, number: usize, act: impl FnOnce(&mut Side, &mut Outbox) -> Result<(), RunError>) {
        self.pair.synchronise();
        self.ask();
        let (rtl, steps, case) = (self.pair.rtl[number].clone(), self.steps.clone(), self.case);
        let seen = Box::new(move |step: Step<'_>| {
            let name = match step {
                Step::Effect(Effect::Card(CardOperation::Freeze)) => "freeze",
                Step::Effect(Effect::SendFinal(_)) => "collect",
                Step::Effect(Effect::Card(CardOperation::Stage(..))) => "rebuild",
                Step::Effect(Effect::Card(CardOperation::Bind(_))) => "bind",
                _ => "other",
            };
            if name == "freeze" {
                // The VM ran while the last round was sent.
                let pages = 0..u64::from(case.dirty.min(case.regions * PAGES));
                pages.for_each(|page| {
                    rtl.borrow_mut().cpu_writes((place(number).slices.window_base + page) << 12, 1)
                });
            }
            let cycle = rtl.borrow_mut().driver.bus().cycle();
            steps.borrow_mut().push((cycle, number, name));
            ControlFlow::Continue(())
        });
        self.pair.works(number, seen, act).expect("it goes on");
        let cycle = self.pair.rtl[number].borrow_mut().driver.bus().cycle();
        self.steps.borrow_mut().push((cycle, number, "over"));
        self.pair.rtl[number].borrow_mut().heard();
    }
}

fn measure(case: Case) -> Result<Measured, Error> {
    let mut scene = Scene::new(case)?;
    scene.works(0, |runner, out| runner.begin_move(out));
    while let Some((number, packet)) = scene.pair.network.pop_front() {
        scene.works(number, |runner, out| runner.receive(packet, out));
    }
    scene.works(0, |runner, out| runner.round(out).map(drop));
    while let Some((number, packet)) = scene.pair.network.pop_front() {
        scene.works(number, |runner, out| runner.receive(packet, out));
    }
    for change in region_changes(case.regions..case.regions + case.late) {
        scene.works(0, |runner, _| runner.change(change));
    }
    let mut bytes = 0;
    while scene.pair.sides[0].phase() != Phase::Absent {
        while let Some((number, packet)) = scene.pair.network.pop_front() {
            if let Packet::Protocol(Message::Final(_, image)) = &packet {
                let pages: usize = image.last.iter().map(|(_, page)| 8 + page.len()).sum();
                bytes = (image.log.len() + pages + 40 * image.digests.len()) as u64;
            }
            scene.works(number, |runner, out| runner.receive(packet, out));
        }
        if matches!(scene.pair.sides[0].phase(), Phase::PreCopy { .. }) {
            scene.works(0, |runner, out| runner.round(out).map(drop));
        }
    }
    // To the first grant.
    let granted = loop {
        scene.ask();
        scene.pair.rtl[1].borrow_mut().step(1);
        let heard = scene.pair.rtl[1].borrow_mut().heard();
        let first = heard.iter().find(|(_, finished)| finished.completion.fault == Fault::Granted);
        if let Some((_, finished)) = first {
            break finished.cycle;
        }
    };
    let steps = scene.steps.borrow();
    let lasts = |name: &str| {
        let at = steps.iter().rposition(|(_, _, step)| *step == name).expect("it happened");
        let next = steps[at + 1..].iter().find(|(_, number, _)| *number == steps[at].1).expect("it ended");
        next.0 - steps[at].0
    };
    let bind = steps.iter().rfind(|(_, _, step)| *step == "bind").expect("it happened").0;
    Ok(Measured {
        case,
        freeze: lasts("freeze"),
        collect: lasts("collect"),
        rebuild: lasts("rebuild"),
        bind: granted - bind,
        bytes,
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let regions = [1, 16, 64, 256].map(|regions| Case { regions, dirty: 4, late: 0 });
    let dirty = [0, 16, 64, 256].map(|dirty| Case { regions: 64, dirty, late: 0 });
    let late = [0, 4, 16, 64].map(|late| Case { regions: 64, dirty: 4, late });
    let mut all = Vec::new();
    for case in regions.into_iter().chain(dirty).chain(late) {
        let measured = measure(case)?;
        eprintln!("{measured:?}: {} cycles", measured.total());
        all.push(measured);
    }
    page::write(&all[..4], &all[4..8], &all[8..])?;
    Ok(())
}
