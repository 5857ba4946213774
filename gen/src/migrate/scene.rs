//! Two machines, a twin that never moves, and the captured clients between them.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::rc::Rc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_captures::{Event, NoSlots, Registrations, Request as Captured, Vm};
use stagecoach_log::{Capacity, Change, Header, Log};
use stagecoach_migration::card::Place;
use stagecoach_migration::simulated::{Board, GoldenPort};
use stagecoach_migration::{Card, Host, Link, LinkError, MemoryStore, Packet, RunError, Runner, StopRule};
use stagecoach_protocol::{Address, Arbitration, Epoch, Phase};
use stagecoach_spec::{AccessRequest, Atomic, Config, Fault, NetId, Op, Preset, Request};

use crate::Error;
use crate::cli::EngineChoice;
use crate::replay::plan::{Plan, Table, plan};

/// The twin's place.
const TWIN: usize = 2;

/// One machine's process is ended before one of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashAt {
    /// 0 the source, 1 the destination.
    pub machine: usize,
    /// Its step, from 0.
    pub step: u64,
}

/// Something that the timeline shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// A machine stands elsewhere than before.
    Phase(usize, &'static str),
    /// A round sent so many pages.
    Round(usize),
    /// A machine's process ended.
    Crash(usize),
    /// A change of the VM's table.
    Registered,
}

/// What became of a client's operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// A machine answered: granted, or with the fault that its request deserves.
    Answered(usize),
    /// The client is to try again.
    Retry,
}

type Machine = Runner<GoldenPort, Board, MemoryStore>;

pub(super) struct Scene {
    machines: [Option<Machine>; 2],
    twin: Machine,
    places: [Place; 3],
    network: VecDeque<(usize, Packet)>,
    requests: Vec<Captured>,
    next_request: usize,
    net_id: NetId,
    /// The protection domain of a queue pair that no event told of.
    no_pd: u32,
    events: VecDeque<Event>,
    registrations: Registrations,
    rng: ChaCha8Rng,
    crash: Option<CrashAt>,
    phases: [Option<Phase>; 2],
    /// Steps done, of each machine.
    pub(super) steps: [u64; 2],
    /// When something happened: behind so many operations.
    pub(super) moments: Vec<(usize, Moment)>,
    pub(super) operations: Vec<Operation>,
    pub(super) granted: u64,
    /// Answers that differ from the twin's.
    pub(super) differences: Vec<String>,
}

struct Outbox {
    from: usize,
    out: Vec<(usize, Packet)>,
}

impl Link for Outbox {
    fn send(&mut self, _to: Address, packet: &Packet) -> Result<(), LinkError> {
        self.out.push((1 - self.from, packet.clone()));
        Ok(())
    }
}

/// The end of a move: what is compared.
pub(super) struct Outcome {
    pub(super) pages: usize,
    pub(super) pages_equal: usize,
    pub(super) regions: usize,
    pub(super) regions_equal: usize,
    pub(super) server: Option<usize>,
}

impl Scene {
    /// The machine of a capture as it is in the middle of its events.
    pub(super) fn new(vm: &Vm, crash: Option<CrashAt>, seed: u64) -> Result<Scene, Error> {
        // Three places for it: the source's, the destination's, its twin's.
        let Plan { mut config, tables, no_pd } =
            plan(&[vm.clone(), vm.clone(), vm.clone()], Preset::Roce.config(), true)?;
        let slices = tables[0].slices;
        let words = Config::dirty_words_of(slices.window_count, 12).next_power_of_two();
        config.dirty_words = config.dirty_words.max(u32::try_from(words).unwrap_or(u32::MAX));
        config.validate()?;
        let place = |table: &Table| Place {
            config: config.clone(),
            table: table.number,
            slices: table.slices,
            dirty_base: 0,
            bindings: 1,
        };
        let places = [place(&tables[0]), place(&tables[1]), place(&tables[2])];
        let mut registrations = Registrations::new(slices.slot_count.into());
        let (before, after) = vm.log.events.split_at(vm.log.events.len() / 2);
        let mut changes = Vec::new();
        for event in before {
            changes.extend(registrations.changes(event).map_err(no_slots)?);
        }
        let capacity = Capacity { regions: slices.region_count, slots: slices.slot_count };
        let page_shifts = config.page_shifts.clone();
        let header = Header { net_ids: vec![tables[0].net_id], epoch: 1, page_shifts, capacity };
        let log = Log::new(header, changes).map_err(RunError::from)?;
        let card =
            |number: usize| Card::new(GoldenPort::new(&config), Board::default(), places[number].clone());
        let found = |number| {
            let (card, store) = (card(number), MemoryStore::default());
            Runner::found(Arbitration::OwnJournal, card, store, StopRule::default(), &log)
        };
        let (source, twin) = (found(0)?, found(TWIN)?);
        let mut out = Outbox { from: 1, out: Vec::new() };
        let (store, rule) = (MemoryStore::default(), StopRule::default());
        let destination = Runner::start(Arbitration::OwnJournal, card(1), store, rule, &mut out)?;
        let mut scene = Scene {
            machines: [Some(source), Some(destination)],
            twin,
            places,
            network: VecDeque::new(),
            requests: vm.requests.clone(),
            next_request: 0,
            net_id: tables[0].net_id,
            no_pd,
            events: after.iter().cloned().collect(),
            registrations,
            rng: ChaCha8Rng::seed_from_u64(seed),
            crash,
            phases: [None; 2],
            steps: [0; 2],
            moments: Vec::new(),
            operations: Vec::new(),
            granted: 0,
            differences: Vec::new(),
        };
        scene.note_phases();
        Ok(scene)
    }

    pub(super) fn begin(&mut self) -> Result<(), Error> {
        self.with(0, |machine, out| machine.begin_move(out))
    }

    /// A turn: clients, a registration, a round, what is on its way.
    pub(super) fn turn(&mut self, operations: usize) -> Result<(), Error> {
        self.clients(operations);
        self.registers()?;
        let mut sent = 0;
        self.with(0, |machine, out| {
            sent = machine.round(out)?;
            Ok(())
        })?;
        if sent > 0 {
            self.moments.push((self.operations.len(), Moment::Round(sent)));
        }
        self.clients(operations);
        for _ in 0..self.network.len() {
            let Some((to, packet)) = self.network.pop_front() else { break };
            let is_page = matches!(packet, Packet::Page { .. });
            self.with(to, |machine, out| machine.receive(packet, out))?;
            if !is_page {
                self.clients(operations / 4);
            }
        }
        Ok(())
    }

    pub(super) fn timeouts(&mut self) -> Result<(), Error> {
        (0..2).try_for_each(|number| self.with(number, |machine, out| machine.timeout(out)))
    }

    /// Whether nothing is under way any more.
    pub(super) fn is_over(&self) -> bool {
        let quiet = |phase: &Option<Phase>| matches!(phase, Some(Phase::Serving { .. } | Phase::Absent));
        self.network.is_empty() && self.phases.iter().all(quiet)
    }

    /// Compares the VM with its twin.
    pub(super) fn outcome(&mut self) -> Result<Outcome, Error> {
        let served = |phase: &Option<Phase>| {
            if let Some(Phase::Serving { epoch }) = phase { Some(*epoch) } else { None }
        };
        let server = (0..2).find(|number| served(&self.phases[*number]).is_some());
        let twin = self.twin.card().log(Epoch(1)).map_err(RunError::from)?;
        let mut outcome = Outcome { pages: 0, pages_equal: 0, regions: 0, regions_equal: 0, server };
        let Some((number, machine)) =
            server.and_then(|number| self.machines[number].as_mut().map(|machine| (number, machine)))
        else {
            return Ok(outcome);
        };
        let log = machine.card().log(Epoch(1)).map_err(RunError::from)?;
        for change in twin.changes() {
            match change {
                Change::Install { .. } => {
                    outcome.regions += 1;
                    outcome.regions_equal += usize::from(log.changes().contains(change));
                }
                Change::SetSlot { page, .. } => {
                    outcome.pages += 1;
                    let here = self.places[number].slices.window_base + page;
                    let there = self.places[TWIN].slices.window_base + page;
                    let mine = machine.card().parts().1.read_frame(here);
                    outcome.pages_equal += usize::from(mine == self.twin.card().parts().1.read_frame(there));
                }
                _ => {}
            }
        }
        Ok(outcome)
    }

    fn with(
        &mut self,
        number: usize,
        act: impl FnOnce(&mut Machine, &mut Outbox) -> Result<(), RunError>,
    ) -> Result<(), Error> {
        let Some(machine) = &mut self.machines[number] else { return Ok(()) };
        let done = Rc::new(Cell::new(self.steps[number]));
        let end = self.crash.filter(|crash| crash.machine == number).map(|crash| crash.step);
        let counter = done.clone();
        machine.observe(Box::new(move |_| {
            if end == Some(counter.get()) {
                return ControlFlow::Break(());
            }
            counter.set(counter.get() + 1);
            ControlFlow::Continue(())
        }));
        let mut out = Outbox { from: number, out: Vec::new() };
        let result = act(machine, &mut out);
        self.steps[number] = done.get();
        self.network.extend(out.out);
        match result {
            Ok(()) => {}
            Err(RunError::Stopped) => self.crashes(number)?,
            Err(error) => return Err(error.into()),
        }
        self.note_phases();
        Ok(())
    }

    /// The process ends, its card loses its tables, clients find nobody; then it starts again.
    fn crashes(&mut self, number: usize) -> Result<(), Error> {
        self.crash = None;
        self.moments.push((self.operations.len(), Moment::Crash(number)));
        let Some(machine) = self.machines[number].take() else { return Ok(()) };
        self.clients(40);
        let (card, store) = machine.into_parts();
        let (_, mut board) = card.into_parts();
        board.stop();
        let place = self.places[number].clone();
        let card = Card::new(GoldenPort::new(&place.config), board, place);
        let mut out = Outbox { from: number, out: Vec::new() };
        let machine = Runner::start(Arbitration::OwnJournal, card, store, StopRule::default(), &mut out)?;
        self.machines[number] = Some(machine);
        self.network.extend(out.out);
        Ok(())
    }

    fn note_phases(&mut self) {
        for number in 0..2 {
            let phase = self.machines[number].as_ref().map(Runner::phase);
            if phase != self.phases[number] {
                self.phases[number] = phase;
                self.moments.push((self.operations.len(), Moment::Phase(number, name(phase))));
            }
        }
    }

    /// The next captured registration, while the VM runs.
    fn registers(&mut self) -> Result<(), Error> {
        let serving =
            |phase: &Option<Phase>| matches!(phase, Some(Phase::Serving { .. } | Phase::PreCopy { .. }));
        let Some(number) = (0..2).find(|number| serving(&self.phases[*number])) else { return Ok(()) };
        let Some(event) = self.events.pop_front() else { return Ok(()) };
        for change in self.registrations.changes(&event).map_err(no_slots)? {
            if let Some(machine) = &mut self.machines[number] {
                machine.change(change.clone())?;
            }
            self.twin.change(change)?;
            self.moments.push((self.operations.len(), Moment::Registered));
        }
        Ok(())
    }

    fn clients(&mut self, operations: usize) {
        for _ in 0..operations {
            let Some(captured) = self.requests.get(self.next_request).cloned() else { return };
            self.next_request = (self.next_request + 1) % self.requests.len();
            self.operate(&captured);
        }
    }

    fn operate(&mut self, captured: &Captured) {
        let header = captured.header;
        let op = header.op.op();
        let atomic = match op {
            Op::RemoteAtomic => Atomic::FetchAdd { add: self.rng.random() },
            _ => Atomic::None,
        };
        let length = header.length.min(self.places[0].config.max_request_bytes);
        let request = Request {
            net_id: self.net_id,
            key: header.key,
            pd: self.registrations.protection_domain(captured.qpn).unwrap_or(self.no_pd),
            op,
            va: header.va,
            length,
            bound: header.length,
            stream: captured.qpn,
            tag: 0,
        };
        let access = AccessRequest { request, atomic };
        let writes = if access.has_payload() { length } else { 0 };
        let payload: Vec<u8> = (0..writes).map(|_| self.rng.random()).collect();
        let mut answer = None;
        for number in 0..2 {
            let Some(machine) = &mut self.machines[number] else { continue };
            let (port, board) = machine.card().parts();
            let outcome = port.access(&access, &payload, board);
            if !matches!(outcome.completion.fault, Fault::Frozen | Fault::UnknownNetwork) {
                if answer.is_some() {
                    self.differences.push(format!("packet {}: both machines answered", captured.packet));
                }
                answer = Some((number, outcome));
            }
        }
        let Some((number, mine)) = answer else { return self.operations.push(Operation::Retry) };
        self.operations.push(Operation::Answered(number));
        let (port, board) = self.twin.card().parts();
        let twin = port.access(&access, &payload, board);
        self.granted += u64::from(mine.completion.fault == Fault::Granted);
        let told = |outcome: &stagecoach_model::processing::Outcome| {
            let completion = outcome.completion;
            (completion.fault, completion.bytes_done, completion.original, outcome.data.clone())
        };
        if told(&mine) != told(&twin) {
            let (mine, twin) = (mine.completion.fault, twin.completion.fault);
            self.differences.push(format!(
                "packet {}: {} here, {} at the twin that never moved, or other data",
                captured.packet,
                mine.name(),
                twin.name()
            ));
        }
    }
}

/// The slice was sized with the same allocator and the same events.
fn no_slots(error: NoSlots) -> Error {
    Error::Engine { engine: EngineChoice::Golden.name(), problem: error.to_string() }
}

fn name(phase: Option<Phase>) -> &'static str {
    match phase {
        None => "down",
        Some(Phase::Absent) => "absent",
        Some(Phase::Serving { .. }) => "serving",
        Some(Phase::PreCopy { .. }) => "pre-copy",
        Some(Phase::Frozen { .. }) => "frozen",
        Some(Phase::HandedOver { .. }) => "handed over",
        Some(Phase::Staging { .. }) => "staging",
        Some(Phase::Prepared { .. }) => "prepared",
    }
}
