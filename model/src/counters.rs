//! How many requests of each table got each verdict.

use stagecoach_spec::{Counter, Fault};
use std::collections::BTreeMap;

/// The counters of requests; what was never counted is not in the map.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    requests: BTreeMap<(u16, Fault), u32>,
}

impl Counters {
    /// A request ended with this verdict.
    pub(crate) fn count(&mut self, table: u16, fault: Fault) {
        let counter = self.requests.entry(place(table, fault)).or_default();
        *counter = stepped(*counter);
    }

    /// How many requests of the table ended so.
    pub(crate) fn of(&self, table: u16, fault: Fault) -> u32 {
        self.requests.get(&place(table, fault)).copied().unwrap_or(0)
    }

    /// Makes the table's counters 0. Requests of unknown networks are nobody's: their counter stays.
    pub(crate) fn clear(&mut self, table: u16) {
        self.requests.retain(|(owner, fault), _| *owner != table || *fault == Fault::UnknownNetwork);
    }
}

/// Unknown networks have no table and are counted for the whole unit.
fn place(table: u16, fault: Fault) -> (u16, Fault) {
    let owner = if fault == Fault::UnknownNetwork { 0 } else { table };
    (owner, fault)
}

/// One more, up to the largest value.
pub(crate) fn stepped(counter: u32) -> u32 {
    if u64::from(counter) < Counter::MOST { counter + 1 } else { counter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_stops_at_its_largest_value() {
        let mut counters = Counters::default();
        counters.requests.insert((3, Fault::Frozen), u32::MAX - 1);
        for _ in 0..3 {
            counters.count(3, Fault::Frozen);
        }
        assert_eq!(counters.of(3, Fault::Frozen), u32::MAX);
    }
}
