//! Flight credits: spans with bytes from their issue until they are retired, or turn out to have no page.

use stagecoach_spec::latency::loops::{FLIGHT_RETURN_CYCLES, FLIGHT_UNUSED_CYCLES};

use super::delay::Delay;

/// The credits of a unit, `max_in_flight` in all.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    free: u32,
    retired: Delay<()>,
    unused: Delay<()>,
}

impl Flight {
    pub(super) fn new(most: u32) -> Flight {
        let (retired, unused) = (Delay::new(FLIGHT_RETURN_CYCLES), Delay::new(FLIGHT_UNUSED_CYCLES));
        Flight { free: most, retired, unused }
    }

    pub(super) fn begin(&mut self, now: u64) {
        for returns in [&mut self.retired, &mut self.unused] {
            while returns.due(now).is_some() {
                self.free += 1;
            }
        }
    }

    pub(super) fn any(&self) -> bool {
        self.free > 0
    }

    pub(super) fn take(&mut self) {
        self.free -= 1;
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
