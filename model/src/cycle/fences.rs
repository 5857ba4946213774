//! What fences know: how many beats of a table in one of its epochs were formed and are not over. They learn it late.

use std::collections::BTreeMap;

use stagecoach_spec::latency::loops::{FENCE_CYCLES, FORMED_CYCLES, LEFT_CYCLES, RETIRED_CYCLES};
use stagecoach_spec::{Beat, Fault, Retirement};

use super::delay::Delay;

/// A table in one of its epochs.
pub(super) type Era = (u16, bool);

/// The tallies.
#[derive(Clone, Debug)]
pub(super) struct Fences {
    formed: Delay<Era>,
    left: Delay<Era>,
    retired: Delay<Era>,
    under_way: BTreeMap<Era, i64>,
}

impl Fences {
    pub(super) fn new() -> Fences {
        Fences {
            formed: Delay::new(FORMED_CYCLES + FENCE_CYCLES),
            left: Delay::new(LEFT_CYCLES + FENCE_CYCLES),
            retired: Delay::new(RETIRED_CYCLES + FENCE_CYCLES),
            under_way: BTreeMap::new(),
        }
    }

    pub(super) fn begin(&mut self, now: u64) {
        for (events, change) in [(&mut self.formed, 1), (&mut self.left, -1), (&mut self.retired, -1)] {
            while let Some(era) = events.due(now) {
                *self.under_way.entry(era).or_default() += change;
            }
        }
    }

    /// Nothing of the table is under way in that epoch, as far as is known.
    pub(super) fn drained(&self, era: Era) -> bool {
        self.under_way.get(&era).is_none_or(|beats| *beats == 0)
    }

    pub(super) fn formed(&mut self, now: u64, beat: &Beat) {
        if is_counted(beat) {
            self.formed.send(now, (beat.table, beat.epoch));
        }
    }

    /// A beat is taken at the port; one with bytes is over with its retirement instead.
    pub(super) fn taken(&mut self, now: u64, beat: &Beat) {
        if is_counted(beat) && beat.span == 0 {
            self.left.send(now, (beat.table, beat.epoch));
        }
    }

    pub(super) fn retired(&mut self, now: u64, retirement: &Retirement) {
        self.retired.send(now, (retirement.table, retirement.epoch));
    }
}

/// A beat without a table is none's.
fn is_counted(beat: &Beat) -> bool {
    beat.fault != Fault::UnknownNetwork
}
