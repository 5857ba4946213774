//! A controller in RTL with its memory, as a host of the migration's runner sees it; and the clients before it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use stagecoach_cosim::machine::{BusError, Finished, Machine};
use stagecoach_host::{Driver, DriverError};
use stagecoach_log::UpdatePort;
use stagecoach_migration::{EpochPort, Host};
use stagecoach_spec::{AccessRequest, Answer, Update};

/// What a client has asked, and not heard of.
pub type Asked = (AccessRequest, Vec<u8>);

/// The machine.
pub struct Rtl {
    pub driver: Driver<Machine>,
    /// Oldest first.
    pub asked: VecDeque<Asked>,
    written: Vec<u64>,
    pub runs: bool,
}

impl Rtl {
    pub fn new(driver: Driver<Machine>) -> Rtl {
        Rtl { driver, asked: VecDeque::new(), written: Vec::new(), runs: false }
    }

    /// A client asks.
    pub fn ask(&mut self, access: AccessRequest, payload: Vec<u8>) {
        self.driver.bus().send(&access, &payload);
        self.asked.push_back((access, payload));
    }

    /// What the clients heard since the last look.
    pub fn heard(&mut self) -> Vec<(Asked, Finished)> {
        let mut heard = Vec::new();
        while let Some(finished) = self.driver.bus().finished() {
            heard.push((self.asked.pop_front().expect("it was asked"), finished));
        }
        heard
    }

    /// Clock cycles.
    pub fn step(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.driver.bus().step().unwrap_or_else(|error| panic!("{error}"));
        }
    }

    /// The VM's CPU writes a byte, past the card.
    pub fn cpu_writes(&mut self, address: u64, value: u8) {
        self.driver.bus().slave.memory.set(address, value);
        self.written.push(address >> 12);
    }
}

/// The machine's registers.
#[derive(Clone)]
pub struct Port(pub Rc<RefCell<Rtl>>);

/// The machine's memory, and the VM's CPU.
#[derive(Clone)]
pub struct Board(pub Rc<RefCell<Rtl>>);

impl UpdatePort for Port {
    type Error = DriverError<BusError>;

    fn update(&mut self, update: &Update) -> Result<Answer, Self::Error> {
        self.0.borrow_mut().driver.update(update)
    }
}

impl EpochPort for Port {
    fn set_epoch(&mut self, epoch: u32) -> Result<(), Self::Error> {
        self.0.borrow_mut().driver.set_epoch(epoch)
    }
}

impl Host for Board {
    fn read_frame(&mut self, frame: u64) -> Vec<u8> {
        let mut rtl = self.0.borrow_mut();
        let memory = &rtl.driver.bus().slave.memory;
        (frame << 12..(frame + 1) << 12).map(|address| memory.get(address)).collect()
    }

    fn write_frame(&mut self, frame: u64, bytes: &[u8]) {
        let mut rtl = self.0.borrow_mut();
        let memory = &mut rtl.driver.bus().slave.memory;
        for (address, byte) in (frame << 12..).zip(bytes) {
            memory.set(address, *byte);
        }
    }

    fn take_written_frames(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.0.borrow_mut().written)
    }

    fn pause(&mut self) {
        self.0.borrow_mut().runs = false;
    }

    fn resume(&mut self) {
        self.0.borrow_mut().runs = true;
    }

    fn redirect(&mut self) {}
}
