//! The port driver: plays requests and commands at the mapping unit's ports, cycle by cycle, and checks the
//! ports' rules in every cycle.

use std::collections::VecDeque;
use std::path::Path;

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_model::cycle::{Inputs, Outputs};
use stagecoach_spec::{Answer, Beat, Command, Config, Op, Request, Retirement, UpdateOp};

use crate::Error;
use crate::cycle_check::Ports;
use crate::engine::PortEngine;
use crate::pace::{Player, Stalls};
use crate::pins::Pins;
use crate::protocol::Protocol;
use crate::retirement::{Retirer, Spans};

/// Something that happened at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request was accepted.
    Accepted(Request),
    /// A command was accepted. Follows [`Event::Accepted`] of the same cycle, as it acts after that request.
    Commanded(Command),
    /// The answer to the last accepted command.
    Answered(Answer),
    /// A beat became visible (`rsp_valid` high, for the first time for this beat).
    Shown(Beat),
    /// The visible beat was taken.
    Taken(Beat),
    /// The visible beat had to wait.
    Stalled,
    /// A granted span was retired.
    Retired(Retirement),
}

/// An event and its cycle, counted from the making of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timed {
    /// The cycle.
    pub cycle: u64,
    /// What happened.
    pub event: Event,
}

/// Cycles that reset is held.
const RESET_CYCLES: u32 = 4;
/// Cycles without any handshake, beyond what updates need to search their lists or to clear a table and what
/// retirements are late, after which nothing will move.
const PATIENCE: u64 = 2_000;

/// Drives the ports of one engine.
pub struct Driver {
    engine: Box<dyn PortEngine>,
    pins: Pins,
    inputs: Vec<u64>,
    outputs: Vec<u64>,
    cycle: u64,
    requests: VecDeque<Request>,
    commands: VecDeque<Command>,
    offers_request: bool,
    offers_command: bool,
    shows_beat: bool,
    players: [Player; 3],
    holds_responses: bool,
    retirer: Retirer,
    /// What the accepted requests do whose last beat was not taken.
    ops: VecDeque<Op>,
    noise: ChaCha8Rng,
    idle: IdlePayload,
    protocol: Protocol,
    patience: Patience,
    last_move: u64,
    ports: Ports,
    /// Cycles from reset to the first with `init_done`, that one included.
    init_cycles: u64,
}

/// Cycles without any handshake after which nothing will move.
#[derive(Clone, Copy, Debug)]
struct Patience {
    usual: u64,
    /// For an update that clears what a table owns.
    clearing: u64,
    /// The command that was accepted last clears.
    accepted_clears: bool,
    /// The command at the port does.
    offered_clears: bool,
}

impl Patience {
    fn of(config: &Config, stalls: &Stalls) -> Patience {
        let longest_search = u64::from(config.cam_entries().max(config.tables));
        let pools = [config.regions, config.slots, config.dirty_words, config.fault_log_entries];
        let usual = PATIENCE + 8 * longest_search + stalls.retirement.longest();
        let clearing = usual + 2 * pools.into_iter().map(u64::from).sum::<u64>();
        Patience { usual, clearing, accepted_clears: false, offered_clears: false }
    }

    /// Some clear before they are accepted, some between that and their answer.
    fn clears(command: &Command) -> bool {
        [UpdateOp::ClearTable, UpdateOp::Track].iter().any(|op| op.code() == command.op)
    }

    fn cycles(&self) -> u64 {
        if self.accepted_clears || self.offered_clears { self.clearing } else { self.usual }
    }
}

/// What payloads carry while they are not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdlePayload {
    /// Noise: a design that looks at them is found out.
    Noise,
    /// Zeros: waveforms stay small and easy to read.
    Zeros,
}

impl IdlePayload {
    fn payload(self, noise: &mut ChaCha8Rng) -> u64 {
        match self {
            IdlePayload::Noise => noise.next_u64(),
            IdlePayload::Zeros => 0,
        }
    }
}

impl Driver {
    /// Resets the unit and waits for `init_done`. `seed` is that of the stall patterns and of the noise on payloads
    /// that mean nothing.
    ///
    /// # Errors
    /// The ports are not those of the contract, a rule is broken, or `init_done` never comes.
    pub fn new(
        engine: Box<dyn PortEngine>,
        config: &Config,
        seed: u64,
        stalls: Stalls,
        idle: IdlePayload,
    ) -> Result<Driver, Error> {
        let layout = engine.layout();
        let pins = Pins::resolve(layout, config)?;
        let (inputs, outputs) = (vec![0; layout.input_limbs], vec![0; layout.output_limbs]);
        let mut noise = ChaCha8Rng::seed_from_u64(seed);
        noise.set_stream(3);
        let mut driver = Driver {
            engine,
            pins,
            inputs,
            outputs,
            cycle: 0,
            requests: VecDeque::new(),
            commands: VecDeque::new(),
            offers_request: false,
            offers_command: false,
            shows_beat: false,
            players: [
                Player::new(stalls.request, seed, 0),
                Player::new(stalls.response, seed, 1),
                Player::new(stalls.update, seed, 2),
            ],
            holds_responses: false,
            retirer: Retirer::new(stalls.retirement, seed),
            ops: VecDeque::new(),
            noise,
            idle,
            protocol: Protocol::default(),
            patience: Patience::of(config, &stalls),
            last_move: 0,
            ports: Ports::default(),
            init_cycles: 0,
        };
        driver.reset(config)?;
        Ok(driver)
    }

    /// Holds reset, then waits until every entry is cleared.
    fn reset(&mut self, config: &Config) -> Result<(), Error> {
        self.withdraw();
        self.pins.set_reset(&mut self.inputs, true);
        for _ in 0..RESET_CYCLES {
            self.engine.cycle(&self.inputs, &mut self.outputs)?;
            self.cycle += 1;
        }
        self.pins.set_reset(&mut self.inputs, false);
        // A table has 16 counters.
        let pools =
            [config.regions, config.slots, 16 * config.tables, config.cam_entries(), config.dirty_words];
        let longest = 2 * u64::from(pools.into_iter().max().unwrap_or(1)) + PATIENCE;
        let started = self.cycle;
        loop {
            self.engine.cycle(&self.inputs, &mut self.outputs)?;
            let ready = self.protocol.check_initialisation(self.cycle, &self.pins, &self.outputs)?;
            self.cycle += 1;
            self.last_move = self.cycle;
            if ready {
                self.init_cycles = self.cycle - started;
                return Ok(());
            }
            if self.cycle - started > longest {
                let waiting = "init_done after reset".to_owned();
                return Err(Error::Hang { cycle: self.cycle, cycles: longest, waiting });
            }
        }
    }

    /// The cycle that the next [`Driver::step`] plays; cycles since the engine was made.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// Cycles that reset was over when `init_done` was high for the first time, that one included.
    pub fn init_cycles(&self) -> u64 {
        self.init_cycles
    }

    /// What stood at the ports in the last cycle.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The engine.
    pub fn engine(&self) -> &dyn PortEngine {
        &*self.engine
    }

    /// Writes a waveform from here on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open_wave(&mut self, path: &Path) -> Result<(), Error> {
        self.engine.open_wave(path)
    }

    /// Puts a request into the queue before the request port.
    ///
    /// # Errors
    /// A field does not fit its port.
    pub fn request(&mut self, request: Request, config: &Config) -> Result<(), Error> {
        request.check(config)?;
        self.requests.push_back(request);
        Ok(())
    }

    /// Puts a command into the queue before the update port.
    pub fn command(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    /// Requests that wait before the port.
    pub fn queued_requests(&self) -> usize {
        self.requests.len()
    }

    /// Commands that wait before the port, or are not answered.
    pub fn open_commands(&self) -> usize {
        self.commands.len() + usize::from(self.protocol.unanswered())
    }

    /// Granted spans whose beat was taken and that are not retired.
    pub fn unretired(&self) -> usize {
        self.retirer.waiting()
    }

    /// From now on such spans are not retired, those that wait already included.
    pub fn hold_retirements(&mut self, spans: Spans) {
        self.retirer.hold(spans);
    }

    /// Ends [`Driver::hold_retirements`]; `Spans::All` ends every hold.
    pub fn release_retirements(&mut self, spans: Spans) {
        self.retirer.release(spans);
    }

    /// The table's oldest span is retired in the next cycle (or as soon as those that were told so before), held or
    /// not. Says whether there is one.
    pub fn retire_next(&mut self, table: u16) -> bool {
        self.retirer.release_one(table)
    }

    /// From now on `rsp_ready` stays low.
    pub fn hold_responses(&mut self) {
        self.holds_responses = true;
    }

    /// Ends [`Driver::hold_responses`].
    pub fn release_responses(&mut self) {
        self.holds_responses = false;
    }

    /// Nothing is queued, in flight, unanswered or unretired.
    pub fn is_idle(&self) -> bool {
        self.requests.is_empty()
            && self.open_commands() == 0
            && self.protocol.in_flight() == 0
            && self.retirer.waiting() == 0
    }

    /// Plays one clock cycle and appends what happened.
    ///
    /// # Errors
    /// The engine stopped, the unit broke a rule, or nothing moves any more.
    pub fn step(&mut self, events: &mut Vec<Timed>) -> Result<(), Error> {
        self.offer();
        let ready = self.players[1].next() && !self.holds_responses;
        self.pins.set_response_ready(&mut self.inputs, ready);
        let retired = self.retirer.next(self.cycle);
        match &retired {
            Some(retirement) => self.pins.retire(&mut self.inputs, retirement),
            None => self.withdraw_retirement(),
        }
        self.engine.cycle(&self.inputs, &mut self.outputs)?;
        let cycle = self.cycle;
        self.cycle += 1;
        let before = events.len();
        let mut push = |event| events.push(Timed { cycle, event });
        let (pins, outputs) = (&self.pins, &self.outputs);
        self.protocol.check_initialised(cycle, pins, outputs)?;

        self.ports.inputs = Inputs {
            request: self.requests.front().filter(|_| self.offers_request).copied(),
            rsp_ready: ready,
            command: self.commands.front().filter(|_| self.offers_command).copied(),
            retirement: retired,
        };
        let mut seen = Outputs {
            req_ready: pins.request_ready(outputs),
            upd_ready: pins.update_ready(outputs),
            init_done: pins.initialised(outputs),
            ..Outputs::default()
        };
        let mut accepted = None;
        if self.offers_request && pins.request_ready(outputs) {
            accepted = self.requests.pop_front();
            self.offers_request = false;
        }
        let mut commanded = None;
        if self.offers_command && pins.update_ready(outputs) {
            commanded = self.commands.pop_front();
            self.offers_command = false;
        }
        // Beats and answers belong to earlier cycles' requests and commands.
        seen.beat = self.protocol.check_response(cycle, pins, outputs, ready)?;
        if let Some(beat) = seen.beat {
            if !self.shows_beat {
                push(Event::Shown(beat));
            }
            push(if ready { Event::Taken(beat) } else { Event::Stalled });
            self.shows_beat = !ready;
            if ready && let Some(op) = self.ops.front().copied() {
                self.retirer.grant(cycle, &beat, op);
                if beat.last {
                    self.ops.pop_front();
                }
            }
        }
        if let Some(retirement) = retired {
            push(Event::Retired(retirement));
        }
        seen.answer = self.protocol.check_answer(cycle, pins, outputs, commanded.is_some())?;
        if let Some(answer) = seen.answer {
            push(Event::Answered(answer));
        }
        if let Some(request) = accepted {
            self.protocol.accept_request();
            self.ops.push_back(request.op);
            push(Event::Accepted(request));
        }
        if let Some(command) = commanded {
            self.patience.accepted_clears = Patience::clears(&command);
            push(Event::Commanded(command));
        }
        if events.len() > before {
            self.last_move = cycle;
        }
        self.ports.outputs = seen;
        self.check_progress()
    }

    fn offer(&mut self) {
        let may_request = self.players[0].next();
        if !self.offers_request {
            match self.requests.front() {
                Some(request) if may_request => {
                    self.pins.offer_request(&mut self.inputs, request);
                    self.offers_request = true;
                }
                _ => self.withdraw_request(),
            }
        }
        let may_command = self.players[2].next();
        if !self.offers_command {
            match self.commands.front() {
                Some(command) if may_command => {
                    self.pins.offer_command(&mut self.inputs, command);
                    self.patience.offered_clears = Patience::clears(command);
                    self.offers_command = true;
                }
                _ => self.withdraw_command(),
            }
        }
    }

    fn withdraw(&mut self) {
        self.withdraw_request();
        self.withdraw_command();
        self.withdraw_retirement();
    }

    fn withdraw_request(&mut self) {
        self.pins.withdraw_request(&mut self.inputs, || self.idle.payload(&mut self.noise));
    }

    fn withdraw_command(&mut self) {
        self.pins.withdraw_command(&mut self.inputs, || self.idle.payload(&mut self.noise));
    }

    fn withdraw_retirement(&mut self) {
        self.pins.withdraw_retirement(&mut self.inputs, || self.idle.payload(&mut self.noise));
    }

    fn check_progress(&mut self) -> Result<(), Error> {
        if self.is_idle() {
            self.last_move = self.cycle;
        }
        let cycles = self.cycle - self.last_move;
        if cycles <= self.patience.cycles() {
            return Ok(());
        }
        let mut waiting = Vec::new();
        if let Some(request) = self.requests.front() {
            let number = self.requests.len();
            waiting.push(format!("{number} requests for req_ready, first {request:x?}"));
        }
        if let Some(command) = self.commands.front() {
            waiting.push(format!("{} commands for upd_ready, first {command:x?}", self.commands.len()));
        }
        if self.protocol.unanswered() {
            waiting.push("an accepted command for upd_done".to_owned());
        }
        if self.protocol.in_flight() > 0 {
            waiting.push(format!("{} accepted requests for their last beat", self.protocol.in_flight()));
        }
        if self.retirer.waiting() > 0 {
            let held = if self.retirer.holds_any() { " (held by the driver)" } else { "" };
            waiting.push(format!("{} granted spans for their retirement{held}", self.retirer.waiting()));
        }
        Err(Error::Hang { cycle: self.cycle, cycles, waiting: waiting.join("; ") })
    }

    /// Completes the waveform and says whether all assertions of the hardware held.
    ///
    /// # Errors
    /// [`Error::Assertions`], [`Error::Wave`].
    pub fn finish(&mut self) -> Result<(), Error> {
        self.engine.close_wave()?;
        let failures = self.engine.failures();
        if failures.is_empty() { Ok(()) } else { Err(Error::Assertions(failures)) }
    }
}
