//! A controller in RTL with its memory, as a host of the migration's runner sees it; and the clients before it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use stagecoach_host::{Driver, DriverError};
use stagecoach_log::UpdatePort;
use stagecoach_migration::{EpochPort, Host};
use stagecoach_spec::{AccessRequest, Answer, Fault, Update};

use super::responder::{Responder, Verdict};
use crate::machine::{BusError, Finished, Machine};

/// What a client has asked, and not heard of.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The access.
    pub access: AccessRequest,
    /// Its payload, if it writes.
    pub payload: Vec<u8>,
    /// The queue pair and sequence number, if a responder asked for a client of its.
    pub of: Option<(u32, u32)>,
}

/// The machine.
pub struct Rtl {
    /// Its controller, behind the driver.
    pub driver: Driver<Machine>,
    /// Oldest first.
    pub asked: VecDeque<Asked>,
    heard: Vec<(Asked, Finished)>,
    written: Vec<u64>,
    /// Whether the VM's CPU runs here.
    pub runs: bool,
    /// The transport of the VM's queue pairs.
    pub responder: Responder,
    /// Whether its state moves with the VM.
    pub state_moves: bool,
    /// What responders sent: queue pair, sequence number, what an atomic found.
    pub answers: Vec<(u32, u32, u64)>,
}

impl Rtl {
    /// Nothing is asked, and no VM runs.
    pub fn new(driver: Driver<Machine>) -> Rtl {
        Rtl {
            driver,
            asked: VecDeque::new(),
            heard: Vec::new(),
            written: Vec::new(),
            runs: false,
            responder: Responder::default(),
            state_moves: true,
            answers: Vec::new(),
        }
    }

    /// A client asks.
    pub fn ask(&mut self, asked: Asked) {
        self.driver.bus().send(&asked.access, &asked.payload);
        self.asked.push_back(asked);
    }

    /// What the clients heard since the last look.
    pub fn heard(&mut self) -> Vec<(Asked, Finished)> {
        self.listen();
        std::mem::take(&mut self.heard)
    }

    /// Takes what is completed; the responder hears of what it asked.
    fn listen(&mut self) {
        while let Some(finished) = self.driver.bus().finished() {
            let asked = self.asked.pop_front().expect("it was asked");
            if let Some((queue_pair, psn)) = asked.of {
                let granted = finished.completion.fault == Fault::Granted;
                let original = finished.completion.original;
                if self.responder.is_done(queue_pair, psn, granted, original) {
                    self.answers.push((queue_pair, psn, original));
                }
            }
            self.heard.push((asked, finished));
        }
    }

    /// A packet of a client's comes to the responder.
    pub fn packet(&mut self, queue_pair: u32, psn: u32, access: AccessRequest) {
        match self.responder.packet(queue_pair, psn) {
            Verdict::Ask => self.ask(Asked { access, payload: Vec::new(), of: Some((queue_pair, psn)) }),
            Verdict::Repeat(original) => self.answers.push((queue_pair, psn, original)),
            Verdict::Drop => {}
        }
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

    fn transport_state(&mut self) -> Vec<(u32, Vec<u8>)> {
        let mut rtl = self.0.borrow_mut();
        // Whatever is under way is refused, or was done before the fence.
        rtl.driver.bus().run().unwrap_or_else(|error| panic!("{error}"));
        rtl.listen();
        if rtl.state_moves { rtl.responder.state() } else { Vec::new() }
    }

    fn take_transport_state(&mut self, state: Vec<(u32, Vec<u8>)>) {
        self.0.borrow_mut().responder = Responder::from_state(&state);
    }
}
