//! One mapping unit as software sees it, on any engine: updates and requests in, answers and beats out.

use std::collections::VecDeque;
use std::path::PathBuf;

use stagecoach_model::Golden;
use stagecoach_spec::{Answer, Beat, Command, Config, Request, Update, UpdateOp};

use crate::Error;
use crate::driver::{Driver, Event, IdlePayload, Timed};
use crate::engine::{self, EngineKind, EngineOptions};
use crate::pace::Stalls;
use crate::retirement::writes;
use stagecoach_spec::latency::RETIRE_CYCLES;

/// How a unit is made.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Seed of the first contents of memories and unreset registers, of stall patterns and of noise on idle payloads.
    /// No answer depends on it.
    pub seed: u64,
    /// Where to write a waveform (FST), from the end of initialisation on.
    pub wave: Option<PathBuf>,
    /// When each port is willing. Default: always.
    pub stalls: Stalls,
    /// Verilator: leave out assertions and random first contents, which cost speed.
    pub fast: bool,
}

/// What a request was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The beats: one per span, or a single one.
    pub beats: Vec<Beat>,
    /// Cycles from acceptance to the first beat; none on the golden engine.
    pub latency: Option<u64>,
    /// The cycle of acceptance; none on the golden engine.
    pub accepted_at: Option<u64>,
}

enum Inner {
    Golden(Box<Golden>),
    Ports(Box<Driver>),
}

/// A mapping unit on some engine.
///
/// Everything takes effect in the order of the calls: an update follows all requests that were submitted before, and a
/// look at dirty memory follows the retirements of all their spans. (Spans are retired by the unit's driver, at once
/// unless [`Options::stalls`] says otherwise.)
pub struct Unit {
    kind: EngineKind,
    config: Config,
    inner: Inner,
    /// Requests submitted whose reply is not complete, oldest first: where they were accepted, and beats so far.
    open: VecDeque<Open>,
    /// How many of `open` were accepted.
    accepted: usize,
    replies: VecDeque<Reply>,
    answers: VecDeque<Answer>,
    events: Vec<Timed>,
}

#[derive(Default)]
struct Open {
    accepted_at: u64,
    shown_at: Option<u64>,
    beats: Vec<Beat>,
}

impl Unit {
    /// A mapping unit after reset and initialisation.
    ///
    /// # Errors
    /// The configuration is impossible, the engine cannot be made, a waveform is asked of the golden engine, or the
    /// unit does not initialise itself.
    pub fn new(kind: EngineKind, config: &Config, options: Options) -> Result<Unit, Error> {
        config.validate()?;
        let inner = if kind == EngineKind::Golden {
            if options.wave.is_some() {
                return Err(Error::NoWave { engine: kind.name() });
            }
            Inner::Golden(Box::new(Golden::new(config)))
        } else {
            let module = engine::describe(config)?;
            let engine_options = EngineOptions {
                seed: options.seed,
                wave: options.wave.is_some(),
                fast: options.fast,
                family: stagecoach_controller::family(config.target),
                ..EngineOptions::default()
            };
            let engine = engine::open(kind, &module, engine_options)?;
            let idle = if options.wave.is_some() { IdlePayload::Zeros } else { IdlePayload::Noise };
            let mut driver = Driver::new(engine, config, options.seed, options.stalls, idle)?;
            if let Some(path) = &options.wave {
                driver.open_wave(path)?;
            }
            Inner::Ports(Box::new(driver))
        };
        Ok(Unit {
            kind,
            config: config.clone(),
            inner,
            open: VecDeque::new(),
            accepted: 0,
            replies: VecDeque::new(),
            answers: VecDeque::new(),
            events: Vec::new(),
        })
    }

    /// The engine.
    pub fn kind(&self) -> EngineKind {
        self.kind
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Clock cycles so far, reset and initialisation included; none on the golden engine.
    pub fn cycles(&self) -> Option<u64> {
        match &self.inner {
            Inner::Golden(_) => None,
            Inner::Ports(driver) => Some(driver.cycle()),
        }
    }

    /// Plays all commands of an update and waits for each answer; gives the last.
    ///
    /// # Errors
    /// As [`Driver::step`]. (A refused update is an answer, no error.)
    pub fn update(&mut self, update: &Update) -> Result<Answer, Error> {
        let mut answer = Ok(0);
        for command in update.encode() {
            answer = self.command(&command)?;
        }
        Ok(answer)
    }

    /// Plays one handshake at the update port and waits for its answer, while submitted requests go on.
    ///
    /// # Errors
    /// As [`Driver::step`].
    pub fn command(&mut self, command: &Command) -> Result<Answer, Error> {
        if let Inner::Golden(golden) = &mut self.inner {
            return Ok(golden.command(command));
        }
        // What was submitted before must be accepted before.
        while self.driver().is_some_and(|driver| driver.queued_requests() > 0) {
            self.step()?;
        }
        if command.op == UpdateOp::Harvest.code() || command.op == UpdateOp::Track.code() {
            while self.driver().is_some_and(|driver| !driver.is_idle()) {
                self.step()?;
            }
            for _ in 0..RETIRE_CYCLES {
                self.step()?;
            }
        }
        if let Some(driver) = self.driver() {
            driver.command(*command);
        }
        loop {
            self.step()?;
            if let Some(answer) = self.answers.pop_front() {
                return Ok(answer);
            }
        }
    }

    /// Asks, and waits for the reply, and for those to requests submitted before (which [`Unit::poll`] gives later).
    ///
    /// # Errors
    /// A field does not fit its port; else as [`Driver::step`].
    pub fn request(&mut self, request: &Request) -> Result<Reply, Error> {
        self.submit(request)?;
        while !self.open.is_empty() {
            self.step()?;
        }
        match self.replies.pop_back() {
            Some(reply) => Ok(reply),
            None => unreachable!("a submitted request that is no longer open has its reply"),
        }
    }

    /// Asks without waiting: requests enter the unit one a cycle while [`Unit::poll`] waits for replies.
    ///
    /// # Errors
    /// A field does not fit its port.
    pub fn submit(&mut self, request: &Request) -> Result<(), Error> {
        match &mut self.inner {
            Inner::Golden(golden) => {
                request.check(&self.config)?;
                let beats = golden.request(request);
                let retirements = beats.iter().filter_map(|beat| beat.retirement(writes(request.op)));
                retirements.for_each(|retirement| golden.retire(&retirement));
                self.replies.push_back(Reply { beats, latency: None, accepted_at: None });
            }
            Inner::Ports(driver) => {
                driver.request(*request, &self.config)?;
                self.open.push_back(Open::default());
            }
        }
        Ok(())
    }

    /// The reply to the oldest submitted request, in order; waits for it. None when every reply has been given.
    ///
    /// # Errors
    /// As [`Driver::step`].
    pub fn poll(&mut self) -> Result<Option<Reply>, Error> {
        while self.replies.is_empty() && !self.open.is_empty() {
            self.step()?;
        }
        Ok(self.replies.pop_front())
    }

    /// Submitted requests whose reply [`Unit::poll`] has not given.
    pub fn outstanding(&self) -> usize {
        self.open.len() + self.replies.len()
    }

    /// Completes the waveform and says whether all assertions of the hardware held.
    ///
    /// # Errors
    /// [`Error::Assertions`], [`Error::Wave`].
    pub fn finish(mut self) -> Result<(), Error> {
        self.driver().map_or(Ok(()), Driver::finish)
    }

    fn driver(&mut self) -> Option<&mut Driver> {
        match &mut self.inner {
            Inner::Golden(_) => None,
            Inner::Ports(driver) => Some(driver),
        }
    }

    fn step(&mut self) -> Result<(), Error> {
        let Inner::Ports(driver) = &mut self.inner else { return Ok(()) };
        self.events.clear();
        driver.step(&mut self.events)?;
        for Timed { cycle, event } in self.events.drain(..) {
            match event {
                Event::Accepted(_) => {
                    self.open[self.accepted].accepted_at = cycle;
                    self.accepted += 1;
                }
                Event::Answered(answer) => self.answers.push_back(answer),
                Event::Shown(_) => {
                    self.open[0].shown_at.get_or_insert(cycle);
                }
                Event::Taken(beat) => {
                    self.open[0].beats.push(beat);
                    if beat.last
                        && let Some(done) = self.open.pop_front()
                    {
                        self.accepted -= 1;
                        let latency = done.shown_at.map(|shown| shown - done.accepted_at);
                        let accepted_at = Some(done.accepted_at);
                        self.replies.push_back(Reply { beats: done.beats, latency, accepted_at });
                    }
                }
                Event::Commanded(_) | Event::Stalled | Event::Retired(_) => {}
            }
        }
        Ok(())
    }
}
