//! What answers: a mapping unit on one of the co-simulation's engines, asked one thing after another, so that every
//! latency is the pipeline's own.

use std::path::Path;

use stagecoach_cosim::{EngineKind, Options, Reply, Unit};
use stagecoach_spec::{Answer, Config, Request, Update};

use super::player::Tables;
use crate::Error;
use crate::cli::EngineChoice;

impl From<EngineChoice> for EngineKind {
    fn from(choice: EngineChoice) -> EngineKind {
        match choice {
            EngineChoice::Golden => EngineKind::Golden,
            EngineChoice::Native => EngineKind::Native,
            EngineChoice::Verilator => EngineKind::Verilator,
        }
    }
}

/// An engine that answers one request or update after another.
pub struct Engine {
    name: &'static str,
    unit: Unit,
    updates: u64,
}

impl Engine {
    /// An engine after reset, with every entry cleared.
    ///
    /// # Errors
    /// It cannot be built; its own words tell why.
    pub fn new(choice: EngineChoice, config: &Config, wave: Option<&Path>) -> Result<Engine, Error> {
        let name = choice.name();
        let options = Options { wave: wave.map(Path::to_owned), ..Options::default() };
        let unit = Unit::new(choice.into(), config, options).map_err(failed(name))?;
        Ok(Engine { name, unit, updates: 0 })
    }

    /// Asks and waits for the last beat.
    ///
    /// # Errors
    /// The engine stopped, or broke a rule of its ports.
    pub fn request(&mut self, request: &Request) -> Result<Reply, Error> {
        self.unit.request(request).map_err(failed(self.name))
    }

    /// Updates played so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Clock cycles from reset on; nothing without a clock.
    pub fn cycles(&self) -> Option<u64> {
        self.unit.cycles()
    }

    /// Completes the waveform and asks whether the hardware's assertions held.
    ///
    /// # Errors
    /// They did not, or the waveform cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        self.unit.finish().map_err(failed(self.name))
    }
}

impl Tables for Engine {
    fn name(&self) -> &'static str {
        self.name
    }

    fn update(&mut self, update: &Update) -> Result<Answer, Error> {
        self.updates += 1;
        self.unit.update(update).map_err(failed(self.name))
    }
}

fn failed(engine: &'static str) -> impl FnOnce(stagecoach_cosim::Error) -> Error {
    move |error| Error::Engine { engine, problem: error.to_string() }
}
