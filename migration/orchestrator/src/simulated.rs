//! A machine of plain Rust: the golden model behind an update port with epochs, and memory. For tests and demonstrations.

use std::convert::Infallible;

use stagecoach_log::UpdatePort;
use stagecoach_model::Golden;
use stagecoach_model::processing::{Memory, Outcome};
use stagecoach_model::registration_log::RegistrationLog;
use stagecoach_spec::{AccessRequest, Answer, Config, Update};

use crate::host::{EpochPort, Host};

/// A golden model whose updates carry epochs, as the controller's registration log demands.
#[derive(Debug)]
pub struct GoldenPort {
    golden: Golden,
    log: RegistrationLog,
    epoch: u32,
}

impl GoldenPort {
    /// A card with no tables.
    pub fn new(config: &Config) -> GoldenPort {
        GoldenPort { golden: Golden::new(config), log: RegistrationLog::default(), epoch: 0 }
    }

    /// A client's access.
    pub fn access(&mut self, access: &AccessRequest, payload: &[u8], board: &mut Board) -> Outcome {
        self.golden.access(access, payload, &mut board.memory)
    }
}

impl UpdatePort for GoldenPort {
    type Error = Infallible;

    fn update(&mut self, update: &Update) -> Result<Answer, Infallible> {
        if let Err(stale) = self.log.judge(self.epoch, update) {
            return Ok(Err(stale));
        }
        let answer = self.golden.update(update);
        if answer.is_ok() {
            self.log.accepted(self.epoch, update);
        }
        Ok(answer)
    }
}

impl EpochPort for GoldenPort {
    fn set_epoch(&mut self, epoch: u32) -> Result<(), Infallible> {
        self.epoch = epoch;
        Ok(())
    }
}

/// Memory, and the VM's CPU.
#[derive(Debug, Default)]
pub struct Board {
    memory: Memory,
    written: Vec<u64>,
    runs: bool,
}

impl Board {
    /// Whether the VM's CPU runs here.
    pub fn runs(&self) -> bool {
        self.runs
    }

    /// The machine died: whatever ran stands still. Memory stays.
    pub fn stop(&mut self) {
        self.runs = false;
    }

    /// The VM's CPU writes a byte, past the card.
    pub fn cpu_writes(&mut self, address: u64, value: u8) {
        self.memory.set(address, value);
        self.written.push(address >> 12);
    }
}

impl Host for Board {
    fn read_frame(&mut self, frame: u64) -> Vec<u8> {
        (frame << 12..(frame + 1) << 12).map(|address| self.memory.get(address)).collect()
    }

    fn write_frame(&mut self, frame: u64, bytes: &[u8]) {
        for (address, byte) in (frame << 12..).zip(bytes) {
            self.memory.set(address, *byte);
        }
    }

    fn take_written_frames(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.written)
    }

    fn pause(&mut self) {
        self.runs = false;
    }

    fn resume(&mut self) {
        self.runs = true;
    }

    fn redirect(&mut self) {}
}
