//! A machine: the controller in an engine, memory behind it, a client before it, and a host at its registers.
//!
//! ```text
//!  client: accesses, payload ─▶ ┌────────────┐ ─▶ client: read data, completions
//!  host: RegisterBus ─────────▶ │ controller │ ◀▶ memory: any order, any delay
//!                               └────────────┘
//! ```
//!
//! Every channel may stall at random, and every channel's rules are checked in every cycle.

mod channel;
mod memory;
mod ports;

use std::collections::VecDeque;
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_hdl::Module;
use stagecoach_host::RegisterBus;
use stagecoach_model::processing::Memory;
use stagecoach_spec::{AccessRequest, Completion, Config};

use crate::Error;
use crate::engine::{self, EngineKind, EngineOptions, PortEngine};
use channel::{Sink, Source};
pub use memory::{Manner, Order, Slave};
use ports::{Ports, bytes, limbs};

/// Cycles without a sign of life before a machine counts as hung, unless it is told otherwise.
const PATIENCE: u64 = 400_000;
/// Cycles in which a frame that was taken is certain to have become a request, if it becomes one.
const SETTLES: u64 = 400;

/// Why the host's access to a register failed.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// AXI's answer was SLVERR.
    #[error("SLVERR: the register refused")]
    Refused,
    /// The machine broke.
    #[error(transparent)]
    Machine(#[from] Error),
}

/// What a client got back for an access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The completion.
    pub completion: Completion,
    /// The packet of read data, if there was one.
    pub data: Vec<u8>,
    /// The cycle in which the completion was taken.
    pub cycle: u64,
}

/// How willing the client's streams and the host's channels are, in percent of the cycles.
#[derive(Clone, Copy, Debug)]
pub struct Willing {
    /// Requests and payload.
    pub sends: u32,
    /// Read data and completions.
    pub takes: u32,
    /// The registers' channels.
    pub registers: u32,
}

/// A random manner of the memory, and of the client; the host never stalls.
pub fn manners(random: &mut ChaCha8Rng) -> (Manner, Willing) {
    let often = |random: &mut ChaCha8Rng| [15, 50, 100][random.random_range(0..3)];
    let manner = Manner {
        least_cycles: [0, 5, 60][random.random_range(0..3)],
        answers: often(random),
        willing: often(random),
        order: [Order::Oldest, Order::Random][random.random_range(0..2)],
    };
    (manner, Willing { sends: often(random), takes: often(random), registers: 100 })
}

impl Willing {
    /// Never stalls.
    pub const ALWAYS: Willing = Willing { sends: 100, takes: 100, registers: 100 };
}

/// Top `controller` of a configuration.
///
/// # Errors
/// The toolkit's checks find a mistake in the description.
pub fn describe(config: &Config) -> Result<Arc<Module>, Error> {
    stagecoach_controller::controller(config)
        .map_err(|errors| Error::Design { config: config.name.clone(), problem: errors.to_string() })
}

/// The machine.
pub struct Machine {
    engine: Box<dyn PortEngine>,
    ports: Ports,
    random: ChaCha8Rng,
    cycle: u64,
    data_bytes: usize,
    requests: Source,
    payload: Source,
    frames: Source,
    read: Sink,
    completions: Sink,
    log: Sink,
    record: Vec<u64>,
    records: VecDeque<Vec<u64>>,
    axil: [Source; 3],
    axil_answers: [Sink; 2],
    answers: [VecDeque<Vec<Vec<u64>>>; 2],
    /// The memory.
    pub slave: Slave,
    packet: Vec<u8>,
    packets: VecDeque<Vec<u8>>,
    finished: VecDeque<Finished>,
    sent: u64,
    done: u64,
    /// Cycles without a sign of life before it counts as hung.
    pub patience: u64,
}

impl Machine {
    /// A machine after reset, whose controller initialises itself.
    ///
    /// # Errors
    /// The engine cannot be made.
    pub fn new(kind: EngineKind, config: &Config, seed: u64) -> Result<Machine, Error> {
        config.validate()?;
        let module = describe(config)?;
        Machine::of(kind, &module, config, seed)
    }

    /// As [`Machine::new`], of a controller that was described already, or is a mutant of one.
    ///
    /// # Errors
    /// The engine cannot be made.
    pub fn of(kind: EngineKind, module: &Arc<Module>, config: &Config, seed: u64) -> Result<Machine, Error> {
        let mut engine = engine::open(kind, module, EngineOptions { seed, ..EngineOptions::default() })?;
        let mut ports = Ports::new(engine.layout());
        ports.set("rst", 1);
        for _ in 0..2 {
            engine.cycle(&ports.inputs, &mut ports.outputs)?;
        }
        ports.set("rst", 0);
        let sink = |channel, fields: &[&str]| Sink::new(channel, fields);
        Ok(Machine {
            engine,
            ports,
            random: ChaCha8Rng::seed_from_u64(seed),
            cycle: 0,
            data_bytes: config.processing.data_bytes() as usize,
            requests: Source::new("s_axis_request", &["data"]),
            payload: Source::new("s_axis_payload", &["data", "keep", "last"]),
            frames: Source::new("s_axis_frame", &["data", "keep", "last", "user"]),
            read: sink("m_axis_read", &["data", "keep", "last", "user"]),
            completions: sink("m_axis_completion", &["data"]),
            log: sink("m_axis_log", &["data", "last"]),
            record: Vec::new(),
            records: VecDeque::new(),
            axil: [
                Source::new("s_axil_aw", &["addr", "prot"]),
                Source::new("s_axil_w", &["data", "strb"]),
                Source::new("s_axil_ar", &["addr", "prot"]),
            ],
            axil_answers: [sink("s_axil_b", &["resp"]), sink("s_axil_r", &["data", "resp"])],
            answers: [VecDeque::new(), VecDeque::new()],
            slave: Slave::new(config.processing.data_bits),
            packet: Vec::new(),
            packets: VecDeque::new(),
            finished: VecDeque::new(),
            sent: 0,
            done: 0,
            patience: PATIENCE,
        })
    }

    /// Cycles since reset.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// How willing client and host are from now on.
    pub fn set_willing(&mut self, willing: Willing) {
        for source in [&mut self.requests, &mut self.payload, &mut self.frames] {
            source.willing = willing.sends;
        }
        for sink in [&mut self.read, &mut self.completions] {
            sink.willing = willing.takes;
        }
        for source in &mut self.axil {
            source.willing = willing.registers;
        }
        for sink in &mut self.axil_answers {
            sink.willing = willing.registers;
        }
    }

    /// Hands an access to the client's stream, and its payload.
    pub fn send(&mut self, access: &AccessRequest, payload: &[u8]) {
        self.send_word(&access.to_bytes());
        if access.has_payload() {
            self.send_payload(payload);
        }
    }

    /// Hands a word of any content to the stream of requests.
    pub fn send_word(&mut self, word: &[u8; AccessRequest::BYTES]) {
        self.requests.send(vec![limbs(word)]);
        self.sent += 1;
    }

    /// Hands a packet to the stream of payload; an empty one is a beat without bytes.
    pub fn send_payload(&mut self, payload: &[u8]) {
        let chunks: Vec<&[u8]> =
            if payload.is_empty() { vec![&[]] } else { payload.chunks(self.data_bytes).collect() };
        for (place, chunk) in chunks.iter().enumerate() {
            let keep = if chunk.len() == 64 { u64::MAX } else { (1 << chunk.len()) - 1 };
            let last = place + 1 == chunks.len();
            self.payload.send(vec![limbs(chunk), vec![keep], vec![last.into()]]);
        }
    }

    /// Hands a frame to the packet decoder, which will complete so many requests of it; `damaged` is what the MAC says.
    pub fn send_frame(&mut self, frame: &[u8], damaged: bool, completions: u64) {
        let chunks: Vec<&[u8]> = frame.chunks(self.data_bytes).collect();
        for (place, chunk) in chunks.iter().enumerate() {
            let keep = if chunk.len() == 64 { u64::MAX } else { (1 << chunk.len()) - 1 };
            let last = place + 1 == chunks.len();
            let user = last && damaged;
            // Bytes that are not kept mean nothing.
            let mut beat = chunk.to_vec();
            beat.resize_with(self.data_bytes, || self.random.random());
            self.frames.send(vec![limbs(&beat), vec![keep], vec![last.into()], vec![user.into()]]);
        }
        self.sent += completions;
    }

    /// Beats of frames that the controller took so far.
    pub fn frame_beats(&self) -> u64 {
        self.frames.taken
    }

    /// Requests that the controller took so far.
    pub fn accepted(&self) -> u64 {
        self.requests.taken
    }

    /// Requests that were sent and are not completed.
    pub fn under_way(&self) -> u64 {
        self.sent - self.done
    }

    /// The oldest completion that was not looked at.
    pub fn finished(&mut self) -> Option<Finished> {
        self.finished.pop_front()
    }

    /// How often the reader of the registration log takes a word, in percent of the cycles.
    pub fn read_log(&mut self, willing: u32) {
        self.log.willing = willing;
    }

    /// The oldest packet of the registration log that was not looked at.
    pub fn record(&mut self) -> Option<Vec<u64>> {
        self.records.pop_front()
    }

    /// A clock cycle.
    ///
    /// # Errors
    /// A rule of a port is broken, an assertion failed, or the engine stopped.
    pub fn step(&mut self) -> Result<(), Error> {
        let (ports, random) = (&mut self.ports, &mut self.random);
        let sources = [&mut self.requests, &mut self.payload, &mut self.frames];
        for source in sources.into_iter().chain(&mut self.axil) {
            source.before(ports, random);
        }
        let sinks = [&mut self.read, &mut self.completions, &mut self.log];
        for sink in sinks.into_iter().chain(&mut self.axil_answers) {
            sink.before(ports, random);
        }
        self.slave.before(ports, random);
        self.engine.cycle(&ports.inputs, &mut ports.outputs)?;
        let sources = [&mut self.requests, &mut self.payload, &mut self.frames];
        for source in sources.into_iter().chain(&mut self.axil) {
            source.after(ports);
        }
        self.slave.after(ports, random, self.cycle)?;
        for (sink, answers) in self.axil_answers.iter_mut().zip(&mut self.answers) {
            answers.extend(sink.after(ports, self.cycle)?);
        }
        if let Some(beat) = self.log.after(ports, self.cycle)? {
            self.record.push(beat[0][0]);
            if beat[1][0] == 1 {
                self.records.push_back(std::mem::take(&mut self.record));
            }
        }
        if let Some(beat) = self.read.after(ports, self.cycle)? {
            self.read_beat(&beat)?;
        }
        if let Some(beat) = self.completions.after(&self.ports, self.cycle)? {
            self.complete(&beat)?;
        }
        self.cycle += 1;
        Ok(())
    }

    /// Steps until every request that was sent is completed.
    ///
    /// # Errors
    /// As [`Machine::step`], or nothing completes for a long time.
    pub fn run(&mut self) -> Result<(), Error> {
        let (mut last, mut quiet) = (self.done, 0);
        while self.under_way() > 0 {
            self.step()?;
            quiet = if self.done == last { quiet + 1 } else { 0 };
            last = self.done;
            if quiet > self.patience {
                let waiting = format!("{} accesses are not completed", self.under_way());
                return Err(Error::Hang { cycle: self.cycle, cycles: quiet, waiting });
            }
        }
        Ok(())
    }

    /// Steps until nothing is under way anywhere: as [`Machine::run`], and every frame became what it is to become, and memory has
    /// answered all.
    ///
    /// # Errors
    /// As [`Machine::run`].
    pub fn rest(&mut self) -> Result<(), Error> {
        self.run()?;
        let start = self.cycle;
        while self.cycle < start + SETTLES || !self.slave.is_idle() || !self.frames.is_idle() {
            self.step()?;
            if self.cycle > start + SETTLES + self.patience {
                let waiting = "memory or frames do not come to rest".to_owned();
                return Err(Error::Hang { cycle: self.cycle, cycles: self.patience, waiting });
            }
        }
        Ok(())
    }

    /// Where memory differs from what it should be, in words; nothing if it does not.
    pub fn differs(&self, expected: &Memory) -> Option<String> {
        let [found, wanted]: [Vec<_>; 2] =
            [&self.slave.memory, expected].map(|memory| memory.written().collect());
        (found != wanted).then(|| {
            let first = found.iter().zip(&wanted).find(|(a, b)| a != b);
            format!("memory differs, first at {first:x?}; {} and {} bytes", found.len(), wanted.len())
        })
    }

    /// The engine's failed assertions, as an error.
    ///
    /// # Errors
    /// Some failed.
    pub fn check(&self) -> Result<(), Error> {
        let failures = self.engine.failures();
        if failures.is_empty() { Ok(()) } else { Err(Error::Assertions(failures)) }
    }

    fn wrong(&self, rule: &'static str, details: String) -> Error {
        Error::Protocol { cycle: self.cycle, rule, details }
    }

    fn read_beat(&mut self, beat: &[Vec<u64>]) -> Result<(), Error> {
        let (data, keep, last) = (bytes(&beat[0]), beat[1][0], beat[2][0] == 1);
        let count = keep.trailing_ones() as usize;
        if keep.count_ones() as usize != count || count == 0 || (!last && count != self.data_bytes) {
            let rule = "packets are packed, and only their last beat may be partly filled";
            return Err(self.wrong(rule, format!("tkeep {keep:#x}, tlast {last}")));
        }
        if data[count..].iter().any(|byte| *byte != 0) {
            return Err(self.wrong("bytes that are not kept are zero", format!("{data:x?}, tkeep {keep:#x}")));
        }
        self.packet.extend(&data[..count]);
        if last {
            self.packets.push_back(std::mem::take(&mut self.packet));
        }
        Ok(())
    }

    fn complete(&mut self, beat: &[Vec<u64>]) -> Result<(), Error> {
        let word: [u8; Completion::BYTES] = bytes(&beat[0]).try_into().unwrap_or([0xff; Completion::BYTES]);
        let Some(completion) = Completion::from_bytes(&word) else {
            return Err(self.wrong("a completion has no reserved bits", format!("{word:x?}")));
        };
        let reads = matches!(completion.op, 0 | 3) && completion.bytes_done > 0;
        let data = if reads { self.packets.pop_front() } else { Some(Vec::new()) };
        let Some(data) = data else {
            return Err(self.wrong("read data comes before its completion", format!("{completion:?}")));
        };
        self.done += 1;
        self.finished.push_back(Finished { completion, data, cycle: self.cycle });
        Ok(())
    }

    fn answer(&mut self, channel: usize) -> Result<Vec<Vec<u64>>, Error> {
        for _ in 0..self.patience {
            if let Some(answer) = self.answers[channel].pop_front() {
                return Ok(answer);
            }
            self.step()?;
        }
        let waiting = "an access to a register is not answered".to_owned();
        Err(Error::Hang { cycle: self.cycle, cycles: self.patience, waiting })
    }
}

impl RegisterBus for Machine {
    type Error = BusError;

    fn read(&mut self, offset: u32) -> Result<u32, BusError> {
        self.axil[2].send(vec![vec![offset.into()], vec![0]]);
        let answer = self.answer(1)?;
        if answer[1][0] == 0 { Ok(answer[0][0] as u32) } else { Err(BusError::Refused) }
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), BusError> {
        self.axil[0].send(vec![vec![offset.into()], vec![0]]);
        self.axil[1].send(vec![vec![value.into()], vec![15]]);
        let answer = self.answer(0)?;
        if answer[0][0] == 0 { Ok(()) } else { Err(BusError::Refused) }
    }
}
