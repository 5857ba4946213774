//! Two machines between which a VM moves, and the packets under way between them. Nothing is lost here.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use stagecoach_host::Driver;
use stagecoach_log::Log;
use stagecoach_migration::card::Place;
use stagecoach_migration::runner::Observer;
use stagecoach_migration::{Card, Link, LinkError, MemoryStore, Packet, RunError, Runner, StopRule};
use stagecoach_protocol::{Address, Arbitration};

use super::card::{Board, Port, Rtl};
use crate::machine::Machine;

/// A machine's part in the moves.
pub type Side = Runner<Port, Board, MemoryStore>;

/// What a machine sends.
pub struct Outbox {
    from: usize,
    out: Vec<(usize, Packet)>,
}

impl Link for Outbox {
    fn send(&mut self, to: Address, packet: &Packet) -> Result<(), LinkError> {
        assert_eq!(to, Address::Peer, "the source's journal decides");
        self.out.push((1 - self.from, packet.clone()));
        Ok(())
    }
}

/// The machines; the VM begins at the first.
pub struct Pair {
    /// Their controllers.
    pub rtl: [Rc<RefCell<Rtl>>; 2],
    /// Their hosts.
    pub sides: [Side; 2],
    /// Packets that did not arrive yet, oldest first, by whom they are for.
    pub network: VecDeque<(usize, Packet)>,
}

impl Pair {
    /// Two machines, and a VM of this log.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn new(
        drivers: [Driver<Machine>; 2],
        places: [Place; 2],
        rule: StopRule,
        log: &Log,
    ) -> Result<Pair, RunError> {
        let rtl = drivers.map(|driver| Rc::new(RefCell::new(Rtl::new(driver))));
        let [first, second] = places;
        let card =
            |number: usize, place| Card::new(Port(rtl[number].clone()), Board(rtl[number].clone()), place);
        let own = Arbitration::OwnJournal;
        let source = Runner::found(own, card(0, first), MemoryStore::default(), rule, log)?;
        let mut out = Outbox { from: 1, out: Vec::new() };
        let destination = Runner::start(own, card(1, second), MemoryStore::default(), rule, &mut out)?;
        Ok(Pair { sides: [source, destination], rtl, network: out.out.into() })
    }

    /// The clock that both machines share: who worked alone is waited for.
    pub fn synchronise(&self) {
        let cycles = [0, 1].map(|number: usize| self.rtl[number].borrow_mut().driver.bus().cycle());
        let now = cycles[0].max(cycles[1]);
        for (rtl, cycles) in self.rtl.iter().zip(cycles) {
            rtl.borrow_mut().step(now - cycles);
        }
    }

    /// A host works; `seen` is told of each of its steps.
    ///
    /// # Errors
    /// What it was told to do failed.
    pub fn works(
        &mut self,
        number: usize,
        seen: Observer,
        act: impl FnOnce(&mut Side, &mut Outbox) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        self.sides[number].observe(seen);
        let mut out = Outbox { from: number, out: Vec::new() };
        let done = act(&mut self.sides[number], &mut out);
        self.network.extend(out.out);
        done
    }
}
