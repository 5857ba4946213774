//! Credits for the places of a queue: the sender takes one for each traveller, so that the queue never overflows.

use stagecoach_spec::latency::loops::{PLACE_RETURN_CYCLES, PLACE_TAKE_CYCLES};

use super::delay::Delay;

/// The credits that a sender holds.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// Without those that were taken or given back too lately to be counted.
    counted: u32,
    takes: Delay<()>,
    returns: Delay<()>,
}

impl Places {
    pub(super) fn new(places: u32) -> Places {
        let (takes, returns) = (Delay::new(PLACE_TAKE_CYCLES), Delay::new(PLACE_RETURN_CYCLES));
        Places { counted: places, takes, returns }
    }

    /// A new cycle: what has come back can be used in it.
    pub(super) fn begin(&mut self, now: u64) {
        while self.returns.due(now).is_some() {
            self.counted += 1;
        }
        while self.takes.due(now).is_some() {
            self.counted -= 1;
        }
    }

    /// There is a place, however many were taken that are not counted yet.
    pub(super) fn any(&self) -> bool {
        self.counted >= PLACE_TAKE_CYCLES
    }

    /// A traveller sets out, in this cycle.
    pub(super) fn take(&mut self, now: u64) {
        self.takes.send(now, ());
    }

    /// A traveller left the queue, in this cycle.
    pub(super) fn give_back(&mut self, now: u64) {
        self.returns.send(now, ());
    }
}
