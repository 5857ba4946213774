//! Two machines of golden models, a network between them, and a client that does not stop.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_log::{Capacity, Change, Header, Log};
use stagecoach_migration::card::Place;
use stagecoach_migration::simulated::{Board, GoldenPort};
use stagecoach_migration::{Card, Link, LinkError, MemoryStore, Packet, RunError, Runner, Step, StopRule};
use stagecoach_protocol::{Address, Arbiter, Arbitration, Message, Phase};
use stagecoach_spec::{
    Access, AccessRequest, Atomic, Config, Fault, NetId, Op, Preset, Region, Request, Slices,
};

pub const KEY: u32 = 0x0307;
pub const READ_ONLY: u32 = 0x0511;
pub const LATE_KEY: u32 = 0x0122;
pub const BASE: u64 = 0x7f00_0000_1800;
pub const PAGES: u64 = 24;
const PD: u32 = 9;

pub fn config() -> Config {
    Preset::Tiny.config()
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
        window_count: 128,
    };
    Place { config: config(), table: 3 + number as u16, slices, dirty_base: 4, bindings: 1 }
}

pub fn region(rights: Access, first_slot: u32, pages: u64) -> Region {
    Region {
        base: BASE,
        length: pages * 4096 - 0x800,
        first_offset: 0x800,
        rights,
        page_size: 0,
        first_slot,
        pd: PD,
    }
}

fn first_log() -> Log {
    let header = Header {
        net_ids: vec![net_id()],
        epoch: 1,
        page_shifts: vec![12],
        capacity: Capacity { regions: 16, slots: 64 },
    };
    let slots =
        (0..PAGES).map(|slot| Change::SetSlot { slot: slot as u32, page: (slot * 7) % 29, page_size: 0 });
    let everything = Access::LOCAL_WRITE | Access::REMOTE_WRITE | Access::REMOTE_READ | Access::REMOTE_ATOMIC;
    let installs = [
        Change::Install { key: KEY, region: region(everything, 0, PAGES) },
        // The same pages under another key: shared memory stays shared.
        Change::Install { key: READ_ONLY, region: region(Access::REMOTE_READ, 0, PAGES) },
    ];
    Log::new(header, slots.chain(installs).collect()).unwrap()
}

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weather {
    Fine,
    /// Loses, repeats and reorders one packet in so many.
    Bad(u32),
    /// Nothing arrives.
    Cut,
}

pub struct Outbox {
    from: usize,
    out: Vec<(usize, Packet)>,
}

const ARBITER: usize = 2;

impl Link for Outbox {
    fn send(&mut self, to: Address, packet: &Packet) -> Result<(), LinkError> {
        let to = if to == Address::Peer { 1 - self.from } else { ARBITER + self.from };
        self.out.push((to, packet.clone()));
        Ok(())
    }
}

type Machine = Runner<GoldenPort, Board, MemoryStore>;

pub struct World {
    arbitration: Arbitration,
    pub machines: [Option<Machine>; 2],
    arbiter: Arbiter,
    network: VecDeque<(usize, Packet)>,
    pub weather: Weather,
    rng: ChaCha8Rng,
    /// What the client must find: bytes by offset in the region.
    reference: BTreeMap<u64, u8>,
    /// Steps of each machine that were observed; the process ends before this one.
    crash: Option<(usize, u64)>,
    pub steps: [u64; 2],
    pub granted: u64,
    pub retries: u64,
    pub crashes: u64,
    /// Processes die alone: cards keep their tables, and the VM runs on where it ran.
    pub cards_survive: bool,
    /// Times that the destination asked for pages again.
    pub asked_again: u64,
}

impl World {
    pub fn new(arbitration: Arbitration, seed: u64) -> World {
        let card = |number| Card::new(GoldenPort::new(&config()), Board::default(), place(number));
        let source =
            Runner::found(arbitration, card(0), MemoryStore::default(), rule(), &first_log()).unwrap();
        let mut out = Outbox { from: 1, out: Vec::new() };
        let destination =
            Runner::start(arbitration, card(1), MemoryStore::default(), rule(), &mut out).unwrap();
        World {
            arbitration,
            machines: [Some(source), Some(destination)],
            arbiter: Arbiter::default(),
            network: VecDeque::new(),
            weather: Weather::Fine,
            rng: ChaCha8Rng::seed_from_u64(seed),
            reference: BTreeMap::new(),
            crash: None,
            steps: [0; 2],
            granted: 0,
            retries: 0,
            crashes: 0,
            cards_survive: false,
            asked_again: 0,
        }
    }

    /// Ends a machine's process before one of its steps, counted from now on.
    pub fn crash_at(&mut self, number: usize, step: u64) {
        self.crash = Some((number, self.steps[number] + step));
    }

    pub fn with(
        &mut self,
        number: usize,
        act: impl FnOnce(&mut Machine, &mut Outbox) -> Result<(), RunError>,
    ) {
        let Some(machine) = &mut self.machines[number] else { return };
        let at = std::rc::Rc::new(std::cell::Cell::new(self.steps[number]));
        let (counter, crash) = (at.clone(), self.crash);
        machine.observe(Box::new(move |_: Step<'_>| {
            if crash == Some((number, counter.get())) {
                return ControlFlow::Break(());
            }
            counter.set(counter.get() + 1);
            ControlFlow::Continue(())
        }));
        let mut out = Outbox { from: number, out: Vec::new() };
        let result = act(machine, &mut out);
        self.steps[number] = at.get();
        self.network.extend(out.out);
        match result {
            Ok(()) | Err(RunError::Refusal(_)) => {}
            Err(RunError::Stopped) => {
                self.crash = None;
                self.crashes += 1;
                self.restart(number);
            }
            Err(error) => panic!("machine {number}: {error}"),
        }
    }

    /// The VM's CPU fills a page that no key names yet.
    pub fn fills(&mut self, number: usize, page: u64) {
        let (_, board) = self.machines[number].as_mut().unwrap().card().parts();
        let frame = place(number).slices.window_base + page;
        (0..4096).for_each(|at| board.cpu_writes(frame << 12 | at, (at + page) as u8));
    }

    /// The process is gone, and, unless it survives, the card with its tables; journal, log and memory stay.
    pub fn restart(&mut self, number: usize) {
        let (card, store) = self.machines[number].take().unwrap().into_parts();
        let (mut port, mut board) = card.into_parts();
        if !self.cards_survive {
            port = GoldenPort::new(&config());
            board.stop();
        }
        let mut out = Outbox { from: number, out: Vec::new() };
        let card = Card::new(port, board, place(number));
        let machine = Runner::start(self.arbitration, card, store, rule(), &mut out).unwrap();
        self.machines[number] = Some(machine);
        self.network.extend(out.out);
        self.check();
    }

    /// A machine without the VM that keeps no binding free for it.
    pub fn keeps_no_binding(&mut self, number: usize) {
        let place = Place { bindings: 0, ..place(number) };
        let card = Card::new(GoldenPort::new(&config()), Board::default(), place);
        let mut out = Outbox { from: number, out: Vec::new() };
        let store = MemoryStore::default();
        let machine = Runner::start(self.arbitration, card, store, rule(), &mut out);
        self.machines[number] = Some(machine.unwrap());
    }

    pub fn order_move(&mut self, from: usize) {
        self.with(from, |machine, out| machine.begin_move(out));
    }

    pub fn phase(&self, number: usize) -> Phase {
        self.machines[number].as_ref().unwrap().phase()
    }

    /// Who serves, by what their cards do.
    pub fn servers(&mut self) -> Vec<usize> {
        (0..2).filter(|number| self.ask(*number, KEY, Op::RemoteRead, 0, &[], 0) == Fault::Granted).collect()
    }

    fn ask(&mut self, number: usize, key: u32, op: Op, at: u64, payload: &[u8], bytes: u32) -> Fault {
        let length = bytes.max(payload.len() as u32);
        let request = Request {
            net_id: net_id(),
            key,
            pd: PD,
            op,
            va: BASE + at,
            length: length.max(1),
            bound: length.max(1),
            stream: 0,
            tag: 0,
        };
        let access = AccessRequest { request, atomic: Atomic::None };
        let (port, board) = self.machines[number].as_mut().unwrap().card().parts();
        let outcome = port.access(&access, payload, board);
        if op == Op::RemoteRead && outcome.completion.fault == Fault::Granted {
            for (at, byte) in (at..).zip(&outcome.data) {
                let wanted = self.reference.get(&at).copied().unwrap_or(0);
                assert_eq!(*byte, wanted, "machine {number}, offset {at:#x}: a completed write is missing");
            }
        }
        outcome.completion.fault
    }

    /// The client writes and reads somewhere, at whoever serves; both machines are asked.
    pub fn client(&mut self) {
        let at = self.rng.random_range(0..PAGES * 4096 - 0x800 - 300);
        let payload: Vec<u8> = (0..self.rng.random_range(1..300)).map(|_| self.rng.random()).collect();
        let mut faults = Vec::new();
        for number in 0..2 {
            let fault = self.ask(number, KEY, Op::RemoteWrite, at, &payload, 0);
            if fault == Fault::Granted {
                self.reference.extend((at..).zip(payload.iter().copied()));
                self.granted += 1;
            }
            faults.push(fault);
        }
        let served = faults.iter().filter(|fault| **fault == Fault::Granted).count();
        assert!(served <= 1, "two machines grant");
        let harmless =
            |fault: &Fault| matches!(fault, Fault::Granted | Fault::Frozen | Fault::UnknownNetwork);
        assert!(faults.iter().all(harmless), "a fault that the unmoved VM would not give: {faults:?}");
        self.retries += u64::from(served == 0);
        let at = self.rng.random_range(0..PAGES * 4096 - 0x800 - 300);
        for number in 0..2 {
            self.ask(number, READ_ONLY, Op::RemoteRead, at, &[], 200);
            let fault = self.ask(number, READ_ONLY, Op::RemoteWrite, at, &[1], 0);
            assert!(
                matches!(fault, Fault::AccessRights | Fault::Frozen | Fault::UnknownNetwork),
                "{fault:?}"
            );
        }
        // The VM's own CPU, through its page tables.
        for number in 0..2 {
            let window = place(number).slices.window_base;
            let (_, board) = self.machines[number].as_mut().unwrap().card().parts();
            if board.runs() {
                let at = self.rng.random_range(0..PAGES * 4096 - 0x800);
                let position = at + 0x800;
                let frame = window + ((position >> 12) * 7) % 29;
                let value = self.rng.random();
                board.cpu_writes(frame << 12 | position & 4095, value);
                self.reference.insert(at, value);
            }
        }
        self.check();
    }

    pub fn check(&mut self) {
        let runs = |machine: &mut Option<Machine>| machine.as_mut().unwrap().card().parts().1.runs();
        let running = self.machines.iter_mut().map(runs).filter(|runs| *runs).count();
        assert!(running <= 1, "the VM runs twice");
        for number in 0..2 {
            let runs = self.machines[number].as_mut().unwrap().card().parts().1.runs();
            let serves = matches!(self.phase(number), Phase::Serving { .. } | Phase::PreCopy { .. });
            assert!(serves || !runs, "the VM runs at machine {number}, which is {:?}", self.phase(number));
        }
        assert!(self.servers().len() <= 1, "two machines grant");
    }

    /// Some packets arrive, as the weather is.
    pub fn deliver(&mut self) {
        for _ in 0..self.network.len() {
            let Some((to, packet)) = self.network.pop_front() else { break };
            match self.weather {
                Weather::Fine => {}
                Weather::Cut => continue,
                Weather::Bad(one_in) => match self.rng.random_range(0..3 * one_in) {
                    0 => continue,
                    1 => self.network.push_back((to, packet.clone())),
                    2 => {
                        self.network.push_back((to, packet));
                        continue;
                    }
                    _ => {}
                },
            }
            self.asked_again += u64::from(matches!(packet, Packet::Missing { .. }));
            if to >= ARBITER {
                if let Packet::Protocol(Message::Ask(epoch, wish)) = packet {
                    let decision = self.arbiter.ask(epoch, wish);
                    self.network
                        .push_back((to - ARBITER, Packet::Protocol(Message::Decided(epoch, decision))));
                }
                continue;
            }
            self.with(to, |machine, out| machine.receive(packet, out));
        }
    }

    /// One turn of everything; clients between the steps.
    pub fn turn(&mut self) {
        for number in 0..2 {
            self.client();
            self.with(number, |machine, out| machine.round(out).map(drop));
        }
        self.client();
        self.deliver();
        self.client();
    }

    pub fn timeouts(&mut self) {
        for number in 0..2 {
            self.with(number, |machine, out| machine.timeout(out));
        }
    }

    /// Good weather until one serves and nothing is under way.
    pub fn settle(&mut self) {
        self.weather = Weather::Fine;
        for turn in 0..40 {
            self.turn();
            self.timeouts();
            self.deliver();
            let quiet = |phase| matches!(phase, Phase::Serving { .. } | Phase::Absent);
            if turn > 2 && self.network.is_empty() && (0..2).all(|number| quiet(self.phase(number))) {
                break;
            }
        }
        assert_eq!(self.servers().len(), 1, "{:?} {:?}", self.phase(0), self.phase(1));
        for number in (0..2).filter(|number| self.phase(*number) == Phase::Absent).collect::<Vec<_>>() {
            let fault = self.ask(number, KEY, Op::RemoteRead, 0, &[], 0);
            assert_eq!(fault, Fault::UnknownNetwork, "machine {number} has cleared what it had");
        }
    }
}

fn rule() -> StopRule {
    StopRule { few_pages: 2, most_rounds: 3 }
}
