//! Flight credits: spans with bytes from their issue until they are retired, or turn out to have no page.

use stagecoach_spec::latency::loops::{FLIGHT_RETURN_CYCLES, FLIGHT_TAKE_CYCLES, FLIGHT_UNUSED_CYCLES};

use super::delay::Delay;

/// The credits of a unit, `max_in_flight` in all.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// Free, but for what was taken or given back too lately to be counted.
    counted: u32,
    takes: Delay<()>,
    retired: Delay<()>,
    unused: Delay<()>,
}

impl Flight {
    pub(super) fn new(most: u32) -> Flight {
        let (retired, unused) = (Delay::new(FLIGHT_RETURN_CYCLES), Delay::new(FLIGHT_UNUSED_CYCLES));
        Flight { counted: most, takes: Delay::new(FLIGHT_TAKE_CYCLES), retired, unused }
    }

    pub(super) fn begin(&mut self, now: u64) {
        for returns in [&mut self.retired, &mut self.unused] {
            while returns.due(now).is_some() {
                self.counted += 1;
            }
        }
        while self.takes.due(now).is_some() {
            self.counted -= 1;
        }
    }

    pub(super) fn any(&self) -> bool {
        self.counted >= FLIGHT_TAKE_CYCLES || self.counted > 0 && self.takes.is_empty()
    }

    pub(super) fn take(&mut self, now: u64) {
        self.takes.send(now, ());
    }

    /// A retirement is at the port.
    pub(super) fn retired(&mut self, now: u64) {
        self.retired.send(now, ());
    }

    /// A span with bytes is absent, corrupt or dropped.
    pub(super) fn unused(&mut self, now: u64) {
        self.unused.send(now, ());
    }
}
