//! A card that takes frames: the golden model, and beside it the controller in RTL, held to the same answers.

use std::collections::{BTreeMap, VecDeque};

use stagecoach_cosim::EngineKind;
use stagecoach_cosim::machine::Machine;
use stagecoach_host::{Driver, QueuePairs};
use stagecoach_model::Golden;
use stagecoach_model::decoder::{Decoder, Dropped};
use stagecoach_model::processing::{Memory, Outcome};
use stagecoach_spec::{Answer, Config, NetId, QueuePair, QueuePairUpdate, Update};

use crate::Error;
use crate::cli::EngineChoice;
use crate::replay::player::Tables;

/// The card.
pub struct Card {
    name: &'static str,
    golden: Golden,
    decoder: Decoder,
    memory: Memory,
    pairs: QueuePairs,
    driver: Option<Driver<Machine>>,
    expected: VecDeque<Outcome>,
    /// Changes of tables and queue pairs.
    pub updates: u64,
}

impl Card {
    /// A card after reset.
    ///
    /// # Errors
    /// The engine cannot be made.
    pub fn new(choice: EngineChoice, config: &Config) -> Result<Card, Error> {
        let name = choice.name();
        let driver = match EngineKind::from(choice) {
            EngineKind::Golden => None,
            kind => {
                let machine = Machine::new(kind, config, 1).map_err(|error| failed(name, error))?;
                Some(Driver::open(machine).map_err(|error| failed(name, error))?)
            }
        };
        Ok(Card {
            name,
            golden: Golden::new(config),
            decoder: Decoder::new(config),
            memory: Memory::default(),
            pairs: QueuePairs::new(config).map_err(|error| failed(name, error))?,
            driver,
            expected: VecDeque::new(),
            updates: 0,
        })
    }

    /// Makes a queue pair anew, when all frames before it are done.
    ///
    /// # Errors
    /// The engine failed, or there is no place for it.
    pub fn queue_pair(&mut self, net_id: NetId, qpn: u32, context: QueuePair) -> Result<(), Error> {
        self.settle()?;
        let mut updates = match self.pairs.index(net_id, qpn) {
            Some(_) => self.pairs.remove(net_id, qpn).map_err(|error| failed(self.name, error))?,
            None => Vec::new(),
        };
        updates.extend(self.pairs.add(net_id, qpn, context).map_err(|error| failed(self.name, error))?);
        for update in &updates {
            self.tell(update)?;
        }
        Ok(())
    }

    /// Whether the VM has the queue pair.
    pub fn knows(&self, net_id: NetId, qpn: u32) -> bool {
        self.pairs.index(net_id, qpn).is_some()
    }

    fn tell(&mut self, update: &QueuePairUpdate) -> Result<(), Error> {
        self.updates += 1;
        self.decoder.update(update);
        match &mut self.driver {
            Some(driver) => driver.queue_pair(update).map_err(|error| failed(self.name, error)),
            None => Ok(()),
        }
    }

    /// Takes a frame; what becomes of it.
    pub fn frame(&mut self, frame: &[u8]) -> Result<Vec<Outcome>, Dropped> {
        let outcomes = self.decoder.frame(frame, false, &mut self.golden, &mut self.memory);
        if let Some(driver) = &mut self.driver {
            let completions = outcomes.as_ref().map_or(0, Vec::len) as u64;
            driver.bus().send_frame(frame, false, completions);
            self.expected.extend(outcomes.iter().flatten().cloned());
        }
        outcomes
    }

    /// Waits until all frames are done, and compares every completion and every packet of read data with the golden model's.
    ///
    /// # Errors
    /// The engine failed, or they differ.
    pub fn settle(&mut self) -> Result<(), Error> {
        let Some(driver) = &mut self.driver else { return Ok(()) };
        let machine = driver.bus();
        machine.rest().map_err(|error| failed(self.name, error))?;
        while let Some(finished) = machine.finished() {
            let expected = self.expected.pop_front();
            let same = expected.as_ref().is_some_and(|expected| {
                (&expected.completion, &expected.data) == (&finished.completion, &finished.data)
            });
            if !same {
                let (found, expected) = (finished.completion, expected.map(|outcome| outcome.completion));
                return Err(failed(self.name, format!("it says {found:?}, and the model {expected:?}")));
            }
        }
        if self.expected.is_empty() {
            machine.check().map_err(|error| failed(self.name, error))
        } else {
            Err(failed(self.name, "completions are missing"))
        }
    }

    /// Every byte of memory that was written, by physical address.
    pub fn written(&mut self) -> BTreeMap<u64, u8> {
        match &mut self.driver {
            Some(driver) => driver.bus().slave.memory.written().collect(),
            None => self.memory.written().collect(),
        }
    }

    /// Frames that were dropped, by reason.
    pub fn dropped(&self, reason: Dropped) -> u32 {
        self.decoder.dropped(reason)
    }

    /// Frames that became accesses.
    pub fn accepted(&self) -> u32 {
        self.decoder.accepted()
    }

    /// Clock cycles; nothing without a clock.
    pub fn cycles(&mut self) -> Option<u64> {
        self.driver.as_mut().map(|driver| driver.bus().cycle())
    }
}

impl Tables for Card {
    fn name(&self) -> &'static str {
        self.name
    }

    /// When all frames before it are done; the engine must answer as the golden model does.
    fn update(&mut self, update: &Update) -> Result<Answer, Error> {
        self.settle()?;
        self.updates += 1;
        let expected = self.golden.update(update);
        if let Some(driver) = &mut self.driver {
            let answer = driver.update(update).map_err(|error| failed(self.name, error))?;
            if answer != expected {
                return Err(failed(self.name, format!("{update:?}: {answer:?}, and the model {expected:?}")));
            }
        }
        Ok(expected)
    }
}

fn failed(engine: &'static str, problem: impl std::fmt::Display) -> Error {
    Error::Engine { engine, problem: problem.to_string() }
}
