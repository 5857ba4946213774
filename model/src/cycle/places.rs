//! Credits for the places of a queue: the sender takes one for each traveller, so that the queue never overflows.

use stagecoach_spec::latency::loops::PLACE_RETURN_CYCLES;

use super::delay::Delay;

/// The credits that a sender holds.
#[derive(Clone, Debug)]
pub(super) struct Places {
    free: u32,
    returns: Delay<()>,
}

impl Places {
    pub(super) fn new(places: u32) -> Places {
        Places { free: places, returns: Delay::new(PLACE_RETURN_CYCLES) }
    }

    /// A new cycle: what has come back can be used in it.
    pub(super) fn begin(&mut self, now: u64) {
        while self.returns.due(now).is_some() {
            self.free += 1;
        }
    }

    /// There is a place.
    pub(super) fn any(&self) -> bool {
        self.free > 0
    }

    /// A traveller sets out.
    pub(super) fn take(&mut self) {
        self.free -= 1;
    }

    /// A traveller left the queue, in this cycle.
    pub(super) fn give_back(&mut self, now: u64) {
        self.returns.send(now, ());
    }
}
