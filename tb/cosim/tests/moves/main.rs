//! Two controllers in RTL, each with memory. A VM moves between them, again and again, while its clients read, write and do
//! atomics without a pause, at both machines at once; its CPU writes; and another VM stays where it is and must notice nothing.
//!
//! What a client hears is compared with a plain memory that knows no migration: bytes by offset in the region. Requests of one
//! machine are completed in their order, and a machine's clock stands still while the other's host works, so the order in which
//! clients hear is the order in which memory must have seen them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_cosim::EngineKind;
use stagecoach_cosim::machine::{Finished, Machine, Manner, Order, Willing};
use stagecoach_cosim::moves::{Asked, Outbox, Pair, Side};
use stagecoach_host::Driver;
use stagecoach_log::{Capacity, Change, Header, Log};
use stagecoach_migration::card::Place;
use stagecoach_migration::{RunError, Step, StopRule};
use stagecoach_protocol::{CardOperation, Effect, Phase};
use stagecoach_spec::{
    Access, AccessRequest, Atomic, Config, Fault, NetId, Op, Preset, Processing, Region, Request, Slices,
    Update,
};

/// Keys: everything; only reads, of the same pages.
const KEYS: [u32; 2] = [0x0307, 0x0511];
const BASE: u64 = 0x7f00_0000_1800;
/// Pages of the region.
const PAGES: u64 = 12;
/// Clients without a transport write from here on; before it lies the counter of those with one.
const CLIENTS: u64 = 8;
/// The VM's CPU writes from here on, clients before: nobody says who comes first where both write.
const CPUS: u64 = 9 * 4096;
const PD: u32 = 9;
/// Requests under way that clients keep up at each machine.
const UNDER_WAY: u64 = 24;
/// The VM that stays on machine 0, and its table.
const STAYS: (u128, u16) = (0x0a00_0103, 9);

fn config() -> Config {
    let config = Preset::Tiny.config();
    let processing = Processing { timeout_cycles: 1 << 20, ..config.processing.clone() };
    Config { processing, ..config }
}

fn net_id() -> NetId {
    NetId::from_u128(0x0a00_0102)
}

fn place(number: usize) -> Place {
    let slices = Slices {
        region_base: 16 * number as u32,
        region_count: 16,
        slot_base: 64,
        slot_count: 64,
        window_base: 0x1000 * (1 + number as u64),
        window_count: 64,
    };
    Place { config: config(), table: 3 + number as u16, slices, dirty_base: 4, bindings: 1 }
}

fn region(rights: Access) -> Region {
    let length = PAGES * 4096 - 0x800;
    Region { base: BASE, length, first_offset: 0x800, rights, page_size: 0, first_slot: 0, pd: PD }
}

/// The guest page of a page of the region.
fn guest_page(page: u64) -> u64 {
    (page * 7) % 29
}

fn first_log() -> Log {
    let header = Header {
        net_ids: vec![net_id()],
        epoch: 1,
        page_shifts: vec![12],
        capacity: Capacity { regions: 16, slots: 64 },
    };
    let slots =
        (0..PAGES).map(|slot| Change::SetSlot { slot: slot as u32, page: guest_page(slot), page_size: 0 });
    let installs = [Access::ALL, Access::REMOTE_READ];
    let installs =
        KEYS.iter().zip(installs).map(|(key, rights)| Change::Install { key: *key, region: region(rights) });
    Log::new(header, slots.chain(installs).collect()).expect("it is sound")
}

/// What was counted.
#[derive(Debug, Default)]
struct Counts {
    granted: u64,
    atomics: u64,
    held_off: u64,
    unknown: u64,
    others: u64,
    /// Requests that were under way at each freeze.
    at_freeze: Vec<u64>,
    /// Cycles from each freeze to the first grant at the other machine.
    downtime: Vec<u64>,
}

struct World {
    pair: Pair,
    random: ChaCha8Rng,
    /// The VM's memory by offset in the region, and that of the VM that stays.
    reference: [BTreeMap<u64, u8>; 2],
    frozen_at: Rc<Cell<Option<u64>>>,
    at_freeze: Rc<Cell<Option<u64>>>,
    server: usize,
    counts: Counts,
    tag: u32,
    /// Clients over a transport: each adds one to the counter, again and again, and must hear of each addition once.
    requesters: Vec<Requester>,
    /// What the counter was when additions were done, as their clients heard.
    found: Vec<u64>,
}

/// A client over a transport that loses packets.
#[derive(Clone, Debug, Default)]
struct Requester {
    psn: u32,
}

/// Clients over a transport.
const REQUESTERS: u32 = 8;

impl World {
    fn new(kind: EngineKind, seed: u64) -> World {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let often = |random: &mut ChaCha8Rng| [25, 60, 100][random.random_range(0..3)];
        let mut drivers = [0, 1].map(|number| {
            let machine = Machine::new(kind, &config(), 10 * seed + number).expect("it can be made");
            let mut driver = Driver::open(machine).expect("it is a controller");
            driver.bus().read_log(100);
            let least_cycles = [3, 20, 60][random.random_range(0..3)];
            let order = [Order::Oldest, Order::Random][random.random_range(0..2)];
            driver.bus().slave.manner =
                Manner { least_cycles, answers: often(&mut random), willing: often(&mut random), order };
            let (sends, takes) = (often(&mut random), often(&mut random));
            driver.bus().set_willing(Willing { sends, takes, registers: often(&mut random) });
            driver
        });
        stay(&mut drivers[0]);
        let rule = StopRule { few_pages: 3, most_rounds: 4 };
        let places = [place(0), place(1)];
        let pair = Pair::new(drivers, places, rule, &first_log()).expect("there is room");
        World {
            pair,
            random,
            reference: Default::default(),
            frozen_at: Rc::default(),
            at_freeze: Rc::default(),
            server: 0,
            counts: Counts::default(),
            tag: 0,
            requesters: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Clients ask until so many requests are under way at each machine, wherever the VM is.
    fn ask(&mut self) {
        for number in 0..2 {
            while self.pair.rtl[number].borrow_mut().driver.bus().under_way() < UNDER_WAY {
                let stays = number == 0 && self.random.random_range(0..4) == 0;
                let (access, payload) = self.access(stays);
                self.pair.rtl[number].borrow_mut().ask(Asked { access, payload, of: None });
            }
        }
    }

    fn access(&mut self, stays: bool) -> (AccessRequest, Vec<u8>) {
        let random = &mut self.random;
        let op = [Op::RemoteRead, Op::RemoteWrite, Op::RemoteAtomic][random.random_range(0..3)];
        let length = match op {
            Op::RemoteAtomic => 8,
            _ if random.random_range(0..4) == 0 => random.random_range(1..=4096),
            _ => random.random_range(1..200),
        };
        let mut at = random.random_range(CLIENTS..CPUS - u64::from(length));
        // Often the same places.
        if random.random() {
            at = CLIENTS + at % 256;
        }
        let atomic = match (op, random.random::<bool>()) {
            (Op::RemoteAtomic, true) => Atomic::FetchAdd { add: random.random() },
            (Op::RemoteAtomic, false) => Atomic::CompareSwap { compare: 0, swap: random.random() },
            _ => Atomic::None,
        };
        if op == Op::RemoteAtomic {
            at &= !7;
        }
        let key = KEYS[usize::from(op == Op::RemoteRead && random.random())];
        self.tag = (self.tag + 1) % 256;
        let request = Request {
            net_id: if stays { NetId::from_u128(STAYS.0) } else { net_id() },
            key,
            pd: PD,
            op,
            va: BASE + at,
            length,
            bound: length,
            stream: 0,
            tag: self.tag,
        };
        let bytes = if op == Op::RemoteWrite { length } else { 0 };
        let payload = (0..bytes).map(|_| random.random()).collect();
        (AccessRequest { request, atomic }, payload)
    }

    /// What clients hear is what the plain memory says.
    fn hear(&mut self) {
        for number in 0..2 {
            let heard = self.pair.rtl[number].borrow_mut().heard();
            for (Asked { access, payload, .. }, finished) in heard {
                let stays = access.request.net_id != net_id();
                match finished.completion.fault {
                    Fault::Granted => {
                        self.granted(number, stays, &access, &payload, &finished);
                    }
                    Fault::Frozen if !stays => self.counts.held_off += 1,
                    Fault::UnknownNetwork if !stays => self.counts.unknown += 1,
                    fault => {
                        panic!("machine {number}: {fault}, which an unmoved VM would not give: {access:x?}")
                    }
                }
            }
        }
    }

    fn granted(
        &mut self,
        number: usize,
        stays: bool,
        access: &AccessRequest,
        payload: &[u8],
        finished: &Finished,
    ) {
        let at = access.request.va - BASE;
        let reference = &mut self.reference[usize::from(stays)];
        let byte = |reference: &BTreeMap<u64, u8>, at| reference.get(&at).copied().unwrap_or(0);
        match access.request.op {
            Op::RemoteRead => {
                for (at, found) in (at..).zip(&finished.data) {
                    assert_eq!(
                        *found,
                        byte(reference, at),
                        "machine {number}, {at:#x}: a completed write is missing"
                    );
                }
                assert_eq!(finished.data.len(), access.request.length as usize);
            }
            Op::RemoteWrite => reference.extend((at..).zip(payload.iter().copied())),
            _ => {
                let found =
                    u64::from_le_bytes(std::array::from_fn(|place| byte(reference, at + place as u64)));
                assert_eq!(
                    finished.completion.original, found,
                    "machine {number}, {at:#x}: an atomic saw another value"
                );
                if let Some(value) = access.atomic.change(found) {
                    reference.extend((at..).zip(value.to_le_bytes()));
                }
                self.counts.atomics += 1;
            }
        }
        if stays {
            self.counts.others += 1;
            return;
        }
        self.counts.granted += 1;
        if number != self.server {
            let since = self.frozen_at.take().expect("nobody else serves before a freeze");
            self.counts.downtime.push(finished.cycle - since);
            self.server = number;
        }
    }

    /// Clients over a transport hear of what was done, unless the answer is lost, and send what was not answered, once or twice.
    fn transport(&mut self) {
        for number in 0..2 {
            let answers = std::mem::take(&mut self.pair.rtl[number].borrow_mut().answers);
            for (queue_pair, psn, original) in answers {
                let requester = &mut self.requesters[queue_pair as usize];
                if requester.psn == psn && self.random.random_range(0..3) > 0 {
                    requester.psn += 1;
                    self.found.push(original);
                }
            }
        }
        for queue_pair in 0..self.requesters.len() as u32 {
            let psn = self.requesters[queue_pair as usize].psn;
            let request = Request {
                net_id: net_id(),
                key: KEYS[0],
                pd: PD,
                op: Op::RemoteAtomic,
                va: BASE,
                length: 8,
                bound: 8,
                stream: queue_pair,
                tag: psn % 256,
            };
            let access = AccessRequest { request, atomic: Atomic::FetchAdd { add: 1 } };
            // The network leads to where the VM runs; a packet may be lost, or come twice.
            let Some(number) = (0..2).find(|number| self.pair.rtl[*number].borrow().runs) else { continue };
            for _ in 0..self.random.random_range(0..3) {
                self.pair.rtl[number].borrow_mut().packet(queue_pair, psn, access);
            }
        }
    }

    /// The VM's CPU, where it runs: once at most.
    fn cpu(&mut self) {
        let runs: Vec<usize> = (0..2).filter(|number| self.pair.rtl[*number].borrow().runs).collect();
        assert!(runs.len() <= 1, "the VM runs twice");
        for number in runs {
            let at = self.random.random_range(CPUS..PAGES * 4096 - 0x800);
            let (position, value) = (at + 0x800, self.random.random());
            let frame = place(number).slices.window_base + guest_page(position >> 12);
            self.pair.rtl[number].borrow_mut().cpu_writes(frame << 12 | position & 4095, value);
            self.reference[0].insert(at, value);
        }
    }

    /// Everybody goes on for a while.
    fn time_passes(&mut self) {
        self.hear();
        self.ask();
        self.transport();
        self.cpu();
        let cycles = self.random.random_range(20..300);
        for number in 0..2 {
            self.pair.rtl[number].borrow_mut().step(cycles);
        }
        self.pair.synchronise();
        self.hear();
        self.ask();
    }

    /// A host works; clients' requests wait at its card meanwhile.
    fn works(&mut self, number: usize, act: impl FnOnce(&mut Side, &mut Outbox) -> Result<(), RunError>) {
        self.time_passes();
        let (rtl, frozen_at, under_way) =
            (self.pair.rtl[number].clone(), self.frozen_at.clone(), self.at_freeze.clone());
        let seen = Box::new(move |step: Step<'_>| {
            if let Step::Effect(Effect::Card(CardOperation::Freeze)) = step {
                let mut rtl = rtl.borrow_mut();
                frozen_at.set(Some(rtl.driver.bus().cycle()));
                under_way.set(Some(rtl.driver.bus().under_way()));
            }
            ControlFlow::Continue(())
        });
        match self.pair.works(number, seen, act) {
            Ok(()) | Err(RunError::Refusal(_)) => {}
            Err(error) => panic!("machine {number}: {error}"),
        }
        self.counts.at_freeze.extend(self.at_freeze.take());
        self.hear();
        self.pair.synchronise();
    }

    /// Moves the VM to the other machine.
    fn moves(&mut self) {
        let (from, to) = (self.server, 1 - self.server);
        self.works(from, |runner, out| runner.begin_move(out));
        for turn in 0.. {
            assert!(turn < 400, "{:?} {:?}", self.pair.sides[0].phase(), self.pair.sides[1].phase());
            for number in 0..2 {
                self.works(number, |runner, out| runner.round(out).map(drop));
            }
            while let Some((number, packet)) = self.pair.network.pop_front() {
                self.works(number, |runner, out| runner.receive(packet, out));
            }
            let phases = [from, to].map(|number| self.pair.sides[number].phase());
            if let [Phase::Absent, Phase::Serving { .. }] = phases {
                break;
            }
        }
        for _ in 0..400 {
            self.time_passes();
            if self.server == to {
                return;
            }
        }
        panic!("no client found it there");
    }

    /// Nothing is under way any more; the VM's memory is what the plain memory says, byte by byte.
    fn ends(&mut self) {
        for number in 0..2 {
            let mut rtl = self.pair.rtl[number].borrow_mut();
            rtl.driver.bus().run().unwrap_or_else(|error| panic!("{error}"));
            rtl.step(500);
        }
        self.hear();
        for at in 0..PAGES * 4096 - 0x800 {
            let position = at + 0x800;
            let (frame, offset) = (guest_page(position >> 12), position & 4095);
            let bases = [place(self.server).slices.window_base, WINDOW_OF_OTHER];
            for (vm, base) in bases.into_iter().enumerate() {
                let number = if vm == 0 { self.server } else { 0 };
                let mut rtl = self.pair.rtl[number].borrow_mut();
                let found = rtl.driver.bus().slave.memory.get((base + frame) << 12 | offset);
                let wanted = self.reference[vm].get(&at).copied().unwrap_or(0);
                assert_eq!(found, wanted, "VM {vm}, offset {at:#x}");
            }
        }
        for rtl in &self.pair.rtl {
            rtl.borrow_mut().driver.bus().check().unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// Frames of the VM that stays.
const WINDOW_OF_OTHER: u64 = 0x8000;

/// Sets the VM that stays up.
fn stay(driver: &mut Driver<Machine>) {
    let (net_id, table) = (NetId::from_u128(STAYS.0), STAYS.1);
    let slices = Slices {
        region_base: 64,
        region_count: 16,
        slot_base: 256,
        slot_count: 64,
        window_base: WINDOW_OF_OTHER,
        window_count: 64,
    };
    let slots = (0..PAGES).map(|page| {
        let frame = WINDOW_OF_OTHER + guest_page(page);
        Update::SetSlot { table, slot: page as u32, frame, page_size: 0 }
    });
    let installs = KEYS.iter().map(|key| Update::Install { table, key: *key, region: region(Access::ALL) });
    let updates = [Update::SetTable { table, slices }].into_iter().chain(slots).chain(installs);
    for update in updates.chain([Update::Bind { table, net_id }]) {
        driver.update(&update).expect("the bus works").expect("it is accepted");
    }
}

fn chained(kind: EngineKind, seed: u64, moves: usize) -> Counts {
    let mut world = World::new(kind, seed);
    for _ in 0..moves {
        for _ in 0..60 {
            world.time_passes();
        }
        world.moves();
    }
    world.ends();
    world.counts
}

#[test]
fn clients_of_a_vm_that_moves_between_controllers_in_rtl_notice_nothing() {
    let mut all = Counts::default();
    for seed in 1..=6 {
        let counts = chained(EngineKind::Native, seed, 3);
        assert_eq!((counts.at_freeze.len(), counts.downtime.len()), (3, 3), "seed {seed}");
        all.granted += counts.granted;
        all.atomics += counts.atomics;
        all.held_off += counts.held_off;
        all.unknown += counts.unknown;
        all.others += counts.others;
        all.at_freeze.extend(counts.at_freeze);
        all.downtime.extend(counts.downtime);
    }
    println!("{all:?}");
    let busy = all.at_freeze.iter().filter(|under_way| **under_way > 0).count();
    assert!(busy * 10 >= all.at_freeze.len() * 9, "requests were under way at nearly every freeze: {all:?}");
    assert!(all.granted > 1500 && all.atomics > 700 && all.held_off > 500 && all.others > 700, "{all:?}");
}

#[test]
fn in_verilator_too() {
    let counts = chained(EngineKind::Verilator, 11, 2);
    assert_eq!(counts.downtime.len(), 2);
}

/// Moves under clients over a lossy transport; what each addition found, as its client heard, and what was added in the end.
fn transported(seed: u64, state_moves: bool) -> (Vec<u64>, u64) {
    let mut world = World::new(EngineKind::Native, seed);
    world.requesters = vec![Requester::default(); REQUESTERS as usize];
    for rtl in &world.pair.rtl {
        rtl.borrow_mut().state_moves = state_moves;
    }
    for _ in 0..3 {
        for _ in 0..60 {
            world.time_passes();
        }
        world.moves();
    }
    // Everything that was sent is answered.
    for _ in 0..60 {
        world.time_passes();
    }
    world.ends();
    let added =
        (0..8).map(|at| u64::from(world.reference[0].get(&at).copied().unwrap_or(0)) << (8 * at)).sum();
    world.found.sort_unstable();
    (world.found, added)
}

/// Whether every addition was done once and heard of once, but for those that no client has heard of yet.
fn each_once(found: &[u64], added: u64) -> bool {
    let distinct = found.windows(2).all(|pair| pair[0] < pair[1]);
    let unheard = added - found.len() as u64;
    distinct && unheard <= u64::from(REQUESTERS)
}

#[test]
fn lost_answers_and_retransmissions_across_a_move_do_no_harm() {
    for seed in 21..=24 {
        let (found, added) = transported(seed, true);
        println!("seed {seed}: {} additions, {} heard of", added, found.len());
        assert!(found.len() > 50, "{}", found.len());
        assert!(each_once(&found, added), "{added} additions, {} heard of: {found:?}", found.len());
    }
}

/// The state that is left behind is missed: something is done twice.
#[test]
fn a_transport_whose_state_stays_behind_does_things_twice() {
    let harmless = (21..=28).filter(|seed| {
        let (found, added) = transported(*seed, false);
        each_once(&found, added)
    });
    let harmless: Vec<u64> = harmless.collect();
    println!("of 8 seeds, {} notice nothing", harmless.len());
    assert!(harmless.len() <= 4, "hardly anybody would have noticed");
}
