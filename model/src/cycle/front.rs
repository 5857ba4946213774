//! From the request port to `expand`: nothing stops here, so whoever enters needs a place in the queue at the end.

use stagecoach_spec::Stages;
use stagecoach_spec::latency::loops::EXPAND_PLACES;

use super::delay::Delay;
use super::places::Places;
use super::traveller::Traveller;

/// The stages `request` to `decide`.
#[derive(Clone, Debug)]
pub(super) struct Front {
    places: Places,
    way: Delay<Traveller>,
}

impl Front {
    pub(super) fn new(stages: &Stages) -> Front {
        Front { places: Places::new(EXPAND_PLACES), way: Delay::new(stages.before("expand")) }
    }

    pub(super) fn begin(&mut self, now: u64) {
        self.places.begin(now);
    }

    /// A traveller may enter in this cycle.
    pub(super) fn has_place(&self) -> bool {
        self.places.any()
    }

    /// One does.
    pub(super) fn enter(&mut self, now: u64, traveller: Traveller) {
        self.places.take(now);
        self.way.send(now, traveller);
    }

    /// Who arrives at the queue before `expand`.
    pub(super) fn arriving(&mut self, now: u64) -> Option<Traveller> {
        self.way.due(now)
    }

    /// Who waited in that queue longest has left it.
    pub(super) fn give_back(&mut self, now: u64) {
        self.places.give_back(now);
    }
}
