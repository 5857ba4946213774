//! Commands by registers: the arguments, the operation, waiting, the answer.

use stagecoach_spec::registers::{ID, Register, VERSION};
use stagecoach_spec::{
    Answer, Command, Counter, OpenMessage, QueuePairCommand, QueuePairUpdate, Update, UpdateError,
};
use thiserror::Error;

use crate::bus::RegisterBus;

/// Reads of STATUS before a command counts as lost. The longest, a `clear_table` of the largest pools under a fence,
/// takes some 17 million cycles; a read takes ten or more.
const MOST_POLLS: u32 = 10_000_000;

/// Why the driver could not do something. A refused change is none of these: it is part of the [`Answer`].
#[derive(Debug, Error)]
pub enum DriverError<E: core::error::Error> {
    /// The bus failed.
    #[error("the register bus failed: {0}")]
    Bus(E),
    /// Something else lives at these registers.
    #[error(
        "there is no Stagecoach controller: id reads {found:#010x}, not {ID:#010x}; is the address right?"
    )]
    NotAController {
        /// What `id` reads as.
        found: u32,
    },
    /// The registers have another layout.
    #[error("the controller's registers have layout {found:#010x}; this driver knows {VERSION:#010x}")]
    OtherLayout {
        /// What `version` reads as.
        found: u32,
    },
    /// The controller takes no frames.
    #[error("the controller has no packet decoder, so no queue pairs: generate it with frontend = \"roce\"")]
    NoDecoder,
    /// The controller does not answer.
    #[error("the controller did not become ready in {polls} looks at its status: reset it")]
    Silent {
        /// How often `status` was read.
        polls: u32,
    },
    /// The controller says what it must not.
    #[error("the controller answered with error {code}, which the contract does not know")]
    UnknownError {
        /// What `status.error` said.
        code: u8,
    },
}

/// What the driver found at the registers. The hardware's word, so not to be trusted with indices unchecked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Mapping tables.
    pub tables: u32,
    /// Network identifiers that can be bound at once.
    pub bindings: u32,
    /// Bits of one.
    pub net_id_bits: u32,
    /// The CAM is a cuckoo table, whose inserts are planned.
    pub is_cuckoo: bool,
    /// Regions in the pool.
    pub regions: u32,
    /// Page slots in the pool.
    pub slots: u32,
    /// Page sizes: bit n is set if there are pages of 2^n bytes.
    pub page_shifts: u32,
    /// Queue pairs that the packet decoder knows at once; 0 without one.
    pub queue_pairs: u32,
}

/// A controller behind a bus.
#[derive(Debug)]
pub struct Driver<B> {
    bus: B,
    sizes: Sizes,
}

impl<B: RegisterBus> Driver<B> {
    /// Finds the controller, and waits until its stored entries are clear.
    ///
    /// # Errors
    /// There is none, it has another layout, it never becomes ready, or the bus failed.
    pub fn open(mut bus: B) -> Result<Driver<B>, DriverError<B::Error>> {
        let found = read(&mut bus, Register::Id)?;
        if found != ID {
            return Err(DriverError::NotAController { found });
        }
        let found = read(&mut bus, Register::Version)?;
        if found >> 16 != VERSION >> 16 {
            return Err(DriverError::OtherLayout { found });
        }
        let sizes = Sizes {
            tables: read(&mut bus, Register::Tables)?,
            bindings: read(&mut bus, Register::Bindings)?,
            net_id_bits: read(&mut bus, Register::NetIdBits)?,
            is_cuckoo: read(&mut bus, Register::Capabilities)? & 1 == 1,
            regions: read(&mut bus, Register::Regions)?,
            slots: read(&mut bus, Register::Slots)?,
            page_shifts: read(&mut bus, Register::PageShifts)?,
            queue_pairs: read(&mut bus, Register::QueuePairs)?,
        };
        let mut driver = Driver { bus, sizes };
        driver.wait_until(|status| status & 1 == 1 && status & 2 == 0)?;
        Ok(driver)
    }

    /// What the controller has room for.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// The bus, for whoever shares it.
    pub fn bus(&mut self) -> &mut B {
        &mut self.bus
    }

    /// Sets the epoch that `set_table`, `bind` and `thaw` carry from now on. See
    /// [`StaleEpoch`](stagecoach_spec::UpdateError::StaleEpoch).
    ///
    /// # Errors
    /// The bus failed.
    pub fn set_epoch(&mut self, epoch: u32) -> Result<(), DriverError<B::Error>> {
        self.bus.write(Register::Epoch.offset(), epoch).map_err(DriverError::Bus)
    }

    /// Makes a change of tables, or looks at one; waits for the answer. A refusal changed nothing.
    ///
    /// # Errors
    /// As [`DriverError`] says; then what became of the update is not known.
    pub fn update(&mut self, update: &Update) -> Result<Answer, DriverError<B::Error>> {
        let mut answer = Ok(0);
        for command in update.encode() {
            answer = self.command(&command)?;
            if answer.is_err() {
                break;
            }
        }
        Ok(answer)
    }

    /// Gives one command to the update port.
    ///
    /// # Errors
    /// As [`Driver::update`].
    pub fn command(&mut self, command: &Command) -> Result<Answer, DriverError<B::Error>> {
        let arguments = [
            (Register::Table, u32::from(command.table)),
            (Register::Index, command.index),
            (Register::DataLow, command.data as u32),
            (Register::DataHigh, (command.data >> 32) as u32),
            (Register::Command, u32::from(command.op)),
        ];
        for (register, value) in arguments {
            self.bus.write(register.offset(), value).map_err(DriverError::Bus)?;
        }
        let status = self.wait_until(|status| status & 0b110 == 0b100)?;
        match (status >> 8) as u8 {
            0 => {
                let low = read(&mut self.bus, Register::ResultLow)?;
                let high = read(&mut self.bus, Register::ResultHigh)?;
                Ok(Ok(u64::from(high) << 32 | u64::from(low)))
            }
            code => match UpdateError::from_code(code) {
                Some(error) => Ok(Err(error)),
                None => Err(DriverError::UnknownError { code }),
            },
        }
    }

    /// Reads a counter of a table.
    ///
    /// # Errors
    /// As [`Driver::update`].
    pub fn counter(&mut self, table: u16, counter: Counter) -> Result<Answer, DriverError<B::Error>> {
        self.update(&Update::ReadCounter { table, counter })
    }

    /// Tells the packet decoder something of a queue pair.
    ///
    /// # Errors
    /// As [`Driver::update`].
    pub fn queue_pair(&mut self, update: &QueuePairUpdate) -> Result<(), DriverError<B::Error>> {
        let (command, index, words) = update.command();
        self.queue_pair_command(command, index, &words)
    }

    /// Reads a queue pair's open message. While its frames come, what is read may be torn.
    ///
    /// # Errors
    /// As [`Driver::update`].
    pub fn open_message(&mut self, index: u16) -> Result<Option<OpenMessage>, DriverError<B::Error>> {
        self.queue_pair_command(QueuePairCommand::ReadMessage, index, &[])?;
        let mut words = [0; 8];
        for (register, word) in Register::QUEUE_PAIR_WORDS.into_iter().zip(&mut words) {
            *word = read(&mut self.bus, register)?;
        }
        Ok(OpenMessage::from_words(&words))
    }

    /// Gives the packet decoder a command, and waits until it is done.
    fn queue_pair_command(
        &mut self,
        command: QueuePairCommand,
        index: u16,
        words: &[u32],
    ) -> Result<(), DriverError<B::Error>> {
        if self.sizes.queue_pairs == 0 {
            return Err(DriverError::NoDecoder);
        }
        self.poll(Register::QueuePairStatus, |status| status & 1 == 1)?;
        let arguments = Register::QUEUE_PAIR_WORDS.into_iter().zip(words.iter().copied());
        let command =
            [(Register::QueuePairIndex, u32::from(index)), (Register::QueuePairCommand, command as u32)];
        for (register, value) in arguments.chain(command) {
            self.bus.write(register.offset(), value).map_err(DriverError::Bus)?;
        }
        self.poll(Register::QueuePairStatus, |status| status & 1 == 1).map(|_| ())
    }

    /// Reads STATUS until it is as wanted; gives it.
    fn wait_until(&mut self, wanted: impl Fn(u32) -> bool) -> Result<u32, DriverError<B::Error>> {
        self.poll(Register::Status, wanted)
    }

    fn poll(
        &mut self,
        register: Register,
        wanted: impl Fn(u32) -> bool,
    ) -> Result<u32, DriverError<B::Error>> {
        for _ in 0..MOST_POLLS {
            let status = read(&mut self.bus, register)?;
            if wanted(status) {
                return Ok(status);
            }
        }
        Err(DriverError::Silent { polls: MOST_POLLS })
    }
}

fn read<B: RegisterBus>(bus: &mut B, register: Register) -> Result<u32, DriverError<B::Error>> {
    bus.read(register.offset()).map_err(DriverError::Bus)
}
