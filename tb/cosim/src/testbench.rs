//! A driver and all its watchers: every cycle is checked against the model, the table of stages, and the promise of
//! fences.

use stagecoach_spec::{Answer, Command, Config, Request, Update};

use crate::Error;
use crate::coverage::{Collector, Coverage};
use crate::cycle_check::{Counts, CycleCheck, OffTime};
use crate::driver::{Driver, Event, IdlePayload, Timed};
use crate::engine::PortEngine;
use crate::fences::{Broken, Fence, Fences};
use crate::histogram::Histogram;
use crate::pace::Stalls;
use crate::races::Races;
use crate::scoreboard::{Mismatch, Scoreboard};

/// What a run that passed has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Verdicts, answers and races.
    pub histogram: Histogram,
    /// How many cycles were foretold.
    pub timing: Counts,
    /// Fences, with what they waited for.
    pub fences: Vec<Fence>,
    /// The most spans that were in flight at once.
    pub peak_in_flight: u64,
    /// Kinds of requests that were met.
    pub coverage: Coverage,
    /// Everything that happened, with its cycle: the same on every engine and with every engine seed.
    pub trace: Vec<Timed>,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A rule of the ports was broken, an assertion failed, or nothing moved any more.
    #[error(transparent)]
    Broken(#[from] Error),
    /// A wrong answer.
    #[error("{0}")]
    Wrong(#[from] Box<Mismatch>),
    /// A beat, an answer or an acceptance in another cycle than the contract says.
    #[error(transparent)]
    OffTime(#[from] OffTime),
    /// A fence that did not wait, or more spans in flight than there may be.
    #[error(transparent)]
    Fence(#[from] Broken),
}

/// A driver, watched.
pub struct Testbench {
    config: Config,
    driver: Driver,
    scoreboard: Scoreboard,
    timing: CycleCheck,
    fences: Fences,
    races: Races,
    coverage: Collector,
    trace: Vec<Timed>,
}

impl Testbench {
    /// Resets the unit on the engine and waits for `init_done`.
    ///
    /// # Errors
    /// As [`Driver::new`].
    pub fn new(
        engine: Box<dyn PortEngine>,
        config: &Config,
        seed: u64,
        stalls: Stalls,
    ) -> Result<Testbench, Failure> {
        let driver = Driver::new(engine, config, seed, stalls, IdlePayload::Noise)?;
        Ok(Testbench {
            config: config.clone(),
            timing: CycleCheck::new(config, driver.init_cycles())?,
            driver,
            scoreboard: Scoreboard::new(config),
            fences: Fences::new(config),
            races: Races::new(config),
            coverage: Collector::new(config),
            trace: Vec::new(),
        })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The driver.
    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// The driver, to hold or release retirements.
    pub fn driver_mut(&mut self) -> &mut Driver {
        &mut self.driver
    }

    /// The fences so far.
    pub fn fences(&self) -> &Fences {
        &self.fences
    }

    /// Everything that happened so far.
    pub fn trace(&self) -> &[Timed] {
        &self.trace
    }

    /// Puts a request into the queue before its port.
    ///
    /// # Errors
    /// A field does not fit its port.
    pub fn ask(&mut self, request: &Request) -> Result<(), Error> {
        self.driver.request(*request, &self.config)
    }

    /// Puts an update's commands into the queue before their port.
    pub fn tell(&mut self, update: &Update) {
        update.encode().into_iter().for_each(|command| self.command(command));
    }

    /// Puts a bare command into the queue before its port.
    pub fn command(&mut self, command: Command) {
        self.driver.command(command);
    }

    /// Plays one cycle; gives what happened in it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn step(&mut self) -> Result<&[Timed], Failure> {
        let seen = self.trace.len();
        let cycle = self.driver.cycle();
        self.driver.step(&mut self.trace)?;
        for timed in &self.trace[seen..] {
            self.scoreboard.observe(timed)?;
            self.fences.observe(timed, &self.scoreboard)?;
            self.races.observe(timed, &self.scoreboard, &self.fences);
            self.coverage.observe(timed, &self.scoreboard);
        }
        self.timing.observe(cycle, self.driver.ports())?;
        Ok(&self.trace[seen..])
    }

    /// Plays so many cycles.
    ///
    /// # Errors
    /// As [`Testbench::step`].
    pub fn steps(&mut self, cycles: u64) -> Result<(), Failure> {
        (0..cycles).try_for_each(|_| self.step().map(|_| ()))
    }

    /// Plays an update once the commands before it are answered, and waits for its own answer.
    ///
    /// # Errors
    /// As [`Testbench::step`].
    pub fn update(&mut self, update: &Update) -> Result<Answer, Failure> {
        self.tell(update);
        let mut last = Ok(0);
        while self.driver.open_commands() > 0 {
            for timed in self.step()? {
                if let Event::Answered(answer) = timed.event {
                    last = answer;
                }
            }
        }
        Ok(last)
    }

    /// Plays until nothing is queued, in flight, unanswered or unretired.
    ///
    /// # Errors
    /// As [`Testbench::step`].
    pub fn settle(&mut self) -> Result<(), Failure> {
        while !self.driver.is_idle() {
            self.step()?;
        }
        Ok(())
    }

    /// Plays to the end, and says what was seen.
    ///
    /// # Errors
    /// As [`Testbench::step`]; an assertion of the hardware failed.
    pub fn finish(mut self) -> Result<Outcome, Failure> {
        self.settle()?;
        self.scoreboard.finish()?;
        self.driver.finish()?;
        let mut histogram = self.scoreboard.histogram().clone();
        histogram.races = self.races.counts().clone();
        Ok(Outcome {
            histogram,
            timing: self.timing.counts(),
            fences: self.fences.done().to_vec(),
            peak_in_flight: self.fences.peak(),
            coverage: self.coverage.into_coverage(),
            trace: self.trace,
        })
    }
}
